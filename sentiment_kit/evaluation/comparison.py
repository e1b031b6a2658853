"""One model or the other on the same rows, some rows or the others: what they differ by, and whether it is chance.

Tables in, tables out, as in `scores`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from . import intervals
from .intervals import RESAMPLES, bootstrap, divide, mean_of_defined
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
    right = rows[["a", "b"]].eq(rows["gold"], axis=0)
    outcomes = [(True, True), (True, False), (False, True), (False, False)]
    names = ("both_right", "only_a_right", "only_b_right", "both_wrong")
    times = right.value_counts().reindex(outcomes, fill_value=0)
    test = dict(zip(names, times.tolist(), strict=True)) | {"n": n}
    discordant = rows.assign(right=np.where(right["a"], "a", "b"))[right["a"] != right["b"]]
    test["p_value"] = binomtest(test["only_a_right"], len(discordant)).pvalue if len(discordant) else 1.0
    table = table.rename(columns={"value": "difference"}).assign(n=n)
    return Comparison(table, pd.Series(test, dtype=object), discordant)


def _differences(counts: np.ndarray) -> dict[str, np.ndarray]:
    """b - a from counts (..., 3 true, 4 of a, 4 of b)."""
    a, b = scores_of_counts(counts.sum(axis=-1)), scores_of_counts(counts.sum(axis=-2))
    return {score: b[score] - a[score] for score in ("accuracy", "macro_f1")}


class Measure(NamedTuple):
    """A weighted mean of rows (n,), or of several (n, means) their mean; the values lie in `bounds`."""

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
    resamples : int, default 10000
        Draws of that quantile: see `intervals.simultaneous_z`.
    seed : int, default 0
        Seed of the draws.

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
                mean, n, alike, effect = _mean(values, weights, _balance(strata, side))
                share, variance = (mean - least) / (most - least), (effect**2).sum() / (most - least) ** 2
                size = share * (1 - share) / variance if variance > 1e-15 else alike
                sides.append((mean, n, share, size if values.ndim == 1 else min(size, alike)))
                influence += sign * effect
            rows[group, name] = (*sides[0], *sides[1], most - least, len(inside))
            influences.append(influence)
    columns = ["inside", "n_inside", "share", "rows", "outside", "n_outside", "other", "other_rows", "scale", "n"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(rows, names=["slice", "measure"])
    share, size, other, other_size = (table[name].to_numpy(float) for name in ("share", "rows", "other", "other_rows"))
    if z is None:
        z = intervals.simultaneous_z(np.column_stack(influences), resamples=resamples, seed=seed)
    low, high = intervals.difference_interval(share, size, other, other_size, z)
    table = table.assign(value=table["inside"] - table["outside"], low=low * table["scale"], high=high * table["scale"])
    table["p_value"] = intervals.p_of_difference(share, size, other, other_size)
    table["q_value"] = intervals.q_values(table["p_value"])
    first = ["inside", "outside", "n_inside", "n_outside", "value", "low", "high", "p_value", "q_value", "n"]
    return table[first].astype({"n_inside": int, "n_outside": int})


def _mean(values: np.ndarray, weights: np.ndarray, balance: np.ndarray) -> tuple[float, int, float, np.ndarray]:
    """The mean of weighted means, the rows behind it, as many equal ones as weigh the same (Kish 1965; of several means
    the thinnest counts, for a macro-F1 of a label that hardly occurs is not sure), what each row adds to it (n,)."""
    weights = (weights.T * balance).T.reshape(len(balance), -1)
    values = np.where(weights > 0, values.reshape(weights.shape), 0.0)
    total = weights.sum(axis=0)
    means = divide((values * weights).sum(axis=0), total)
    effect = np.nan_to_num(mean_of_defined(divide(weights * (values - means), total)))
    alike = len(means) * float((total**2 / np.maximum((weights**2).sum(axis=0), 1e-300)).min())
    return float(mean_of_defined(means)), int((weights > 0).any(axis=1).sum()), alike, effect


def _balance(strata: np.ndarray | None, side: np.ndarray) -> np.ndarray:
    """Weights (n,) of the rows of a side, 0 for others; a stratum that is all on one side has none."""
    if strata is None:
        return side.astype(float)
    whole, own = np.bincount(strata), np.bincount(strata, side)
    return np.where(side, np.where(own < whole, divide(whole, own), 0.0)[strata], 0.0)


def unmixed_gaps(
    counts: np.ndarray, right: int, tagged: int, football: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Scores inside and outside of a group that is seen through a tagger, corrected for the tagger's errors.

    Parameters
    ----------
    counts : array of int
        (2, 3, 4): tagged and not, true label by predicted label, the last for no prediction.
    right, tagged, football : int
        How the tagger was measured: `right` of those `tagged`, and of all `football`.
    resamples : int, default 10000
        Draws of all counts.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    DataFrame
        Indexed by measure, all of `scores_of_counts`: `inside`, `outside`, `value`, with simultaneous `low` to `high`.

    Raises
    ------
    ValueError
        By these counts the tagger tells nothing.

    Notes
    -----
    Both sides are mixtures: of the tagged rows the precision is football, of the others what recall says was missed.
    Two mixtures are solved for two tables, on the assumption that the tagger's errors depend on neither label nor
    answer; cells below 0 become 0. Drawn are rows, precision and recall (Jeffreys' posteriors, one row in advance).
    """
    generator = np.random.default_rng(seed)
    shape = counts.sum() * generator.dirichlet(counts.ravel() + 1 / counts.size, size=resamples)
    precision, recall = (generator.beta(right + 0.5, n - right + 0.5, size=resamples) for n in (tagged, football))
    drawn = _unmixed(shape.reshape(-1, *counts.shape), precision, recall)
    inside, outside = _unmixed(counts[None], np.array([right / tagged]), np.array([right / football]))
    table = pd.DataFrame({"inside": inside, "outside": outside}).map(lambda values: values[0]).astype(float)
    gaps = np.column_stack([drawn[0][name] - drawn[1][name] for name in table.index])
    low, high = intervals.simultaneous_quantiles(gaps)
    return table.assign(value=table["inside"] - table["outside"], low=low, high=high)


def _unmixed(counts: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Scores (n,) inside and outside from counts (n, 2, 3, 4), precision and recall (n,)."""
    n = counts.sum(axis=(2, 3))
    missed = n[:, 0] * precision * (1 / recall - 1) / n[:, 1]  # the share of football in what is not tagged
    if np.median(precision - missed) <= 0:
        raise ValueError("by these counts what is tagged is football no more often than what is not")
    cells = np.moveaxis(counts / n[..., None, None], 0, -1)  # (2, 3, 4, n)
    both = ((1 - missed) * cells[0] - (1 - precision) * cells[1], precision * cells[1] - missed * cells[0])
    return [scores_of_counts(np.moveaxis(np.clip(side, 0, None), -1, 0)) for side in both]
