"""The model to beat: TF-IDF over words and characters with logistic regression, from scikit-learn.

A minute's work without a GPU. A network that does not clearly beat it has not shown that it understands anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..cleaning import clean_tweets
from ..labels import label_dtype

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def fit_tfidf(train: pd.DataFrame) -> Pipeline:
    """Fit the baseline on a tweet table; rows without a label are left out. Deterministic."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    train = train[train["label"].notna() & train["text"].notna()]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    pipeline = make_pipeline(make_union(words, characters), LogisticRegression(C=10.0, solver="newton-cg"))
    return pipeline.fit(clean_tweets(train["text"]), train["label"].astype(object))


def predict_tfidf(pipeline: Pipeline, texts: pd.Series) -> pd.Series:
    """Labels (n_texts,) with the index of `texts`; a missing text is read as empty."""
    labels = pipeline.predict(clean_tweets(texts).fillna(""))
    return pd.Series(pd.Categorical(labels, dtype=label_dtype), index=texts.index, name="label")


def crossvalidated_tfidf(tweets: pd.DataFrame, *, folds: int = 5, seed: int = 0) -> pd.Series:
    """What the baseline says about each labelled tweet when it was fitted without it and its fold.

    Parameters
    ----------
    tweets : DataFrame
        Tweet table; each label must occur at least `folds` times.
    folds : int, default 5
        Into how many parts the labelled rows are dealt, stratified by label.
    seed : int, default 0
        Seed of the shuffling.

    Returns
    -------
    Series
        Labels with the index of `tweets`; missing where the gold label or the text is.

    Raises
    ------
    ValueError
        A label of fewer than `folds` tweets with text, or no labelled tweet at all.
    """
    from sklearn.model_selection import StratifiedKFold

    known = (tweets["label"].notna() & tweets["text"].notna()).to_numpy()
    usable = tweets[known]
    rarest = usable["label"].value_counts().loc[lambda counts: counts > 0].min() if len(usable) else 0
    if rarest < folds:
        raise ValueError(f"expected at least {folds} labelled tweets of each label, but the rarest has {rarest:.0f}")
    predicted = pd.Series(None, index=range(len(usable)), dtype=label_dtype)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(usable, usable["label"].astype(object))
    for rest, part in parts:
        predicted.iloc[part] = predict_tfidf(fit_tfidf(usable.iloc[rest]), usable["text"].iloc[part]).array
    whole = pd.Series(None, index=range(len(tweets)), dtype=label_dtype)
    whole[known] = predicted.array
    return whole.set_axis(tweets.index).rename("label")
