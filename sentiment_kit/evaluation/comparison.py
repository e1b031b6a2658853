"""One model or the other on the same rows, some rows or the others: what they differ by, and whether it is chance.

Tables in, tables out, as in `scores`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from .intervals import RESAMPLES, bootstrap, difference_interval, divide, mean_of_defined, p_of_difference, q_values
from .intervals import simultaneous_z
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


class Measure(NamedTuple):
    """A weighted mean of rows, or the mean of several: `values` and `weights` (n, means), which lie in `bounds`."""

    values: np.ndarray
    weights: np.ndarray
    bounds: tuple[float, float] = (0.0, 1.0)


def compare_groups(
    measures: Mapping[str, Measure],
    groups: Mapping[str, np.ndarray],
    *,
    strata: np.ndarray | None = None,
    z: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Every measure inside and outside of every group of rows.

    Parameters
    ----------
    measures : Mapping
        `Measure` by name.
    groups : Mapping
        Bool (n,) by name; they may overlap.
    strata : array of int, optional
        (n,): rows are weighted until each number is as frequent inside as outside. None: they are not.
    z : float, optional
        Normal quantile of the intervals. None: that with which they hold all their truths in 95% of all samples.
    resamples, seed : int
        Of that quantile: see `intervals.simultaneous_z`.

    Returns
    -------
    DataFrame
        Indexed by `slice` and `measure`: `inside`, `outside`, `n_inside`, `n_outside`, `value` inside - outside, `low`,
        `high`, `p_value`, `q_value`, and `n`; NaN where a side has no rows.

    Notes
    -----
    The interval is Newcombe's for two shares (1998). A mean that is no share takes part with as many rows as would give
    a share its variance (Korn and Graubard 1998), which is that of its influence function.
    """
    rows, influences = {}, []
    for group, inside in groups.items():
        for name, (values, weights, (least, most)) in measures.items():
            sides, influence = [], np.zeros(len(inside))
            for sign, side in ((1, inside), (-1, ~inside)):
                mean, n, effect = _mean(values, weights * _balance(strata, side)[:, None])
                share, variance = (mean - least) / (most - least), (effect**2).sum() / (most - least) ** 2
                sides.append((mean, n[0], share, share * (1 - share) / variance if variance > 1e-15 else n[1]))
                influence += sign * effect
            rows[group, name] = (*sides[0], *sides[1], most - least, len(inside))
            influences.append(influence)
    columns = ["inside", "n_inside", "share", "rows", "outside", "n_outside", "other", "other_rows", "scale", "n"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(rows, names=["slice", "measure"])
    shares = [table[name].to_numpy(float) for name in ("share", "rows", "other", "other_rows")]
    if z is None:
        z = simultaneous_z(np.column_stack(influences), resamples=resamples, seed=seed)
    low, high = difference_interval(*shares, z)
    table = table.assign(value=table["inside"] - table["outside"], low=low * table["scale"], high=high * table["scale"])
    table["p_value"] = p_of_difference(*shares)
    table["q_value"] = q_values(table["p_value"])
    first = ["inside", "outside", "n_inside", "n_outside", "value", "low", "high", "p_value", "q_value", "n"]
    return table[first].astype({"n_inside": int, "n_outside": int})


def _mean(values: np.ndarray, weights: np.ndarray) -> tuple[float, tuple[int, float], np.ndarray]:
    """The mean of weighted means (n, means), the rows behind it (as counted, and as many equal ones as would weigh the
    same: Kish 1965), and what each row adds to it (n,)."""
    total = weights.sum(axis=0)
    means = divide((values * weights).sum(axis=0), total)
    effect = mean_of_defined(divide(weights * (values - means), total))
    behind = weights.sum(axis=1)
    n = int((behind > 0).sum())
    return (
        float(mean_of_defined(means)),
        (n, behind.sum() ** 2 / (behind**2).sum() if n else 0.0),
        np.nan_to_num(effect),
    )


def _balance(strata: np.ndarray | None, side: np.ndarray) -> np.ndarray:
    """Weights (n,) of the rows of a side, 0 for others; a stratum that is all on one side has none."""
    if strata is None:
        return side.astype(float)
    whole, own = np.bincount(strata), np.bincount(strata, side)
    return np.where(side, np.where(own < whole, divide(whole, own), 0.0)[strata], 0.0)
