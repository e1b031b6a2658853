"""One model or the other, on the same rows: what they differ by, and whether that is more than chance.

Tables in, tables out, as in `scores`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from .intervals import RESAMPLES, bootstrap
from .scores import Labels, as_columns, count_pairs, scores_of_counts


class Comparison(NamedTuple):
    """What `compare_models` finds."""

    scores: pd.DataFrame
    """By score (`accuracy`, `macro_f1`): `a`, `b`, their `difference` b - a with its interval `low` to `high`, `n`."""
    test: pd.Series
    """`both_right`, `only_a_right`, `only_b_right`, `both_wrong`, `n`, and `p_value` of the exact McNemar test."""
    discordant: pd.DataFrame
    """The rows that only one of them has right, by index: `gold`, `a`, `b`, `right` ("a" or "b")."""


def compare_models(gold: Labels, a: Labels, b: Labels, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """Is b better than a, on the same rows?

    Parameters
    ----------
    gold, a, b : Labels
        Series, lists or arrays (n,); Series with the same index; missing as in `evaluation.scores`.
    resamples : int, default 10000
        Draws of the bootstrap.
    seed : int, default 0
        Seed of the bootstrap.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        As in `evaluation.scores`.

    Notes
    -----
    The interval is a paired bootstrap: a resample keeps a row's two predictions together. McNemar's exact test (1947)
    asks whether the discordant rows fall on both sides alike; its p-value is two-sided, and 1 without any.
    """
    gold, a, b = as_columns(gold, a, b)
    counts = count_pairs(gold, a, b)
    n = int(counts.sum())
    table = bootstrap(counts, _differences, resamples=resamples, seed=seed)
    own = {"a": scores_of_counts(counts.sum(axis=2)), "b": scores_of_counts(counts.sum(axis=1))}
    table.insert(0, "b", [float(own["b"][score]) for score in table.index])
    table.insert(0, "a", [float(own["a"][score]) for score in table.index])
    rows = pd.DataFrame({"gold": gold, "a": a, "b": b}).astype(object)[gold.notna()]
    a_right, b_right = rows["a"] == rows["gold"], rows["b"] == rows["gold"]
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    test = {
        "both_right": int((a_right & b_right).sum()),
        "only_a_right": only_a,
        "only_b_right": only_b,
        "both_wrong": int((~a_right & ~b_right).sum()),
        "n": n,
        "p_value": binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0,
    }
    discordant = rows.assign(right=np.where(a_right, "a", "b"))[a_right != b_right]
    table = table.rename(columns={"value": "difference"}).assign(n=n)
    return Comparison(table, pd.Series(test, dtype=object), discordant)


def _differences(counts: np.ndarray) -> dict[str, np.ndarray]:
    """b - a from counts (..., 3 true, 4 of a, 4 of b)."""
    a, b = scores_of_counts(counts.sum(axis=-1)), scores_of_counts(counts.sum(axis=-2))
    return {score: b[score] - a[score] for score in ("accuracy", "macro_f1")}
