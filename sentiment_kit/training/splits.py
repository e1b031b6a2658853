"""Labelled tweets to a training, a validation and a test split.

The card says "a 20% split of the whole dataset" and early stopping. It does not say whether copies of a tweet could
fall on both sides, or which tweets stopped the training; if it was the test split, its 82% was picked on it. Here
copies stay together, and training stops by a validation split that is cut from the training split: the test split
steers nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analysis.duplicates import near_duplicates

SPLITS = ("train", "validation", "test")
split_dtype = pd.CategoricalDtype(SPLITS)


def split_tweets(tweets: pd.DataFrame, *, test: float = 0.2, validation: float = 0.1, seed: int = 0) -> pd.Series:
    """Deal tweets out at random, labels in equal shares, near-duplicates together.

    Parameters
    ----------
    tweets : DataFrame
        With `text` and `label`, n rows, each with both.
    test : float in [0, 1), default 0.2
        Share of all tweets for the test split; the card's is 0.2, and 0 makes none.
    validation : float in (0, 1), default 0.1
        Share of what is left, for early stopping.
    seed : int, default 0
        The same tweets and seed give the same parts.

    Returns
    -------
    Series
        Named `split`, with the index of `tweets`: train, validation or test, as categories. A group of near-duplicates
        counts as one tweet with the label of its first, so shares are met up to such groups.

    Raises
    ------
    ValueError
        A share out of its range, a row without label, or a label with too few tweets to be in every split.
    """
    if not (0 <= test < 1 and 0 < validation < 1):
        raise ValueError(f"expected test in [0, 1) and validation in (0, 1), got {test} and {validation}")
    if tweets["label"].isna().any():
        row = tweets.index[tweets["label"].isna()][0]
        raise ValueError(f"expected a label in each row, but row {row} has none; drop such rows first")
    groups = near_duplicates(tweets["text"])
    of_group = tweets["label"].astype("str").set_axis(groups).groupby(level=0).first()
    needed = 3 if test else 2
    counts = of_group.value_counts()
    if of_group.empty or counts.min() < needed:
        rare = f"{counts.idxmin()} has {counts.min()}" if len(counts) else "there are none"
        raise ValueError(f"expected at least {needed} different tweets of each label to split, but {rare}")
    parts = pd.Series("train", index=of_group.index)
    left = of_group
    if test:
        left, held_out = _cut(of_group, test, seed)
        parts[held_out.index] = "test"
    _, held_out = _cut(left, validation, seed)
    parts[held_out.index] = "validation"
    return pd.Series(groups.map(parts), index=tweets.index, name="split").astype(split_dtype)


def without_copies(tweets: pd.DataFrame, held_out: pd.DataFrame) -> pd.DataFrame:
    """The rows of `tweets` that are no near-duplicate of any row of `held_out`; both have `text`."""
    groups = near_duplicates(pd.concat([tweets["text"], held_out["text"]], ignore_index=True))
    return tweets[~groups[: len(tweets)].isin(groups[len(tweets) :]).to_numpy()]


def _cut(labels: pd.Series, share: float, seed: int) -> tuple[pd.Series, pd.Series]:
    """Two parts with like shares of the labels; each has at least one of each label."""
    generator = np.random.default_rng(seed)
    chosen = []
    for _, members in labels.groupby(labels):
        n = min(max(round(share * len(members)), 1), len(members) - 1)
        chosen += generator.choice(members.index, n, replace=False).tolist()
    second = labels.index.isin(chosen)
    return labels[~second], labels[second]
