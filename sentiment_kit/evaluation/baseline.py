"""The model to beat: TF-IDF over words and characters with logistic regression, from scikit-learn.

A minute's work without a GPU. A network that does not clearly beat it has not shown that it understands anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..cleaning import clean_tweets
from ..labels import label_dtype
from .scores import scores

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


def learning_curve(
    tweets: pd.DataFrame,
    train: pd.DataFrame | None = None,
    *,
    shares: Sequence[float] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1),
    seed: int = 0,
) -> pd.DataFrame:
    """How good the baseline is, by the number of tweets that it learnt from.

    Parameters
    ----------
    tweets : DataFrame
        Tweet table that it is scored on.
    train : DataFrame, optional
        Tweet table that it is trained on. None: `tweets`, cross-validated.
    shares : Sequence of float, default (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
        How much of the training tweets each point has, drawn at random; each in (0, 1].
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    DataFrame
        Indexed by `n_train`, the labelled tweets that it was fitted on: accuracy as `value` with its 95% interval `low`
        to `high`, and `n`.

    Raises
    ------
    ValueError
        As in `crossvalidated_tfidf`.
    """
    rows = {}
    for share in shares:
        if train is None:
            predicted, n_train = crossvalidated_tfidf(tweets, share=share, seed=seed), 0.8 * tweets["label"].count()
        else:
            drawn = train[train["label"].notna()].sample(frac=share, random_state=seed)
            predicted, n_train = predict_tfidf(fit_tfidf(drawn), tweets["text"]), len(drawn) / share
        rows[round(share * n_train)] = scores(tweets["label"], predicted).loc["accuracy"]
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("n_train").astype({"n": int})


def crossvalidated_tfidf(tweets: pd.DataFrame, *, folds: int = 5, share: float = 1.0, seed: int = 0) -> pd.Series:
    """What the baseline says about each labelled tweet when it was fitted without it and its fold.

    Parameters
    ----------
    tweets : DataFrame
        Tweet table; each label must occur at least `folds` times.
    folds : int, default 5
        Into how many parts the labelled rows are dealt, stratified by label.
    share : float in (0, 1], default 1.0
        How much of the other parts is learnt from, drawn at random.
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

    known = np.flatnonzero(tweets["label"].notna() & tweets["text"].notna())
    usable = tweets.iloc[known]
    rarest = usable["label"].value_counts().loc[lambda counts: counts > 0].min() if len(usable) else 0
    if rarest < folds:
        raise ValueError(f"expected at least {folds} labelled tweets of each label, but the rarest has {rarest:.0f}")
    predicted = pd.Series(None, index=tweets.index, name="label", dtype=label_dtype)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(usable, usable["label"].astype(object))
    for rest, part in parts:
        drawn = usable.iloc[rest].sample(frac=share, random_state=seed)
        predicted.iloc[known[part]] = predict_tfidf(fit_tfidf(drawn), usable["text"].iloc[part]).array
    return predicted
