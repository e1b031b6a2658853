"""The model to beat: TF-IDF over words and characters with logistic regression, from scikit-learn.

A minute's work without a GPU. A network that does not clearly beat it has not shown that it understands anything.
"""

from __future__ import annotations

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from .cleaning import clean_tweets
from .labels import label_dtype


def fit_tfidf(train: pd.DataFrame) -> Pipeline:
    """Fit the baseline on a tweet table; rows without a label are left out. Deterministic."""
    train = train[train["label"].notna() & train["text"].notna()]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    pipeline = make_pipeline(make_union(words, characters), LogisticRegression(C=10.0, max_iter=2000))
    return pipeline.fit(clean_tweets(train["text"]), train["label"].astype(object))


def predict_tfidf(pipeline: Pipeline, texts: pd.Series) -> pd.Series:
    """Labels (n_texts,) with the index of `texts`; a missing text is read as empty."""
    labels = pipeline.predict(clean_tweets(texts).fillna(""))
    return pd.Series(pd.Categorical(labels, dtype=label_dtype), index=texts.index, name="label")
