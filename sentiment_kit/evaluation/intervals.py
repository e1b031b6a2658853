"""How sure: intervals and what so many rows can show. Knows nothing of labels or models.

A bootstrap resample of the rows is one multinomial draw of a table of counts (Efron and Tibshirani 1993), so that ten
thousand of them take a fraction of a second, whatever n is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import false_discovery_control, norm

__all__ = [
    "bootstrap",
    "difference_interval",
    "minimum_detectable_difference",
    "proportions",
    "q_values",
    "stratified_proportion",
    "wilson_interval",
]

RESAMPLES = 10_000

Statistics = Callable[[np.ndarray], Mapping[Any, np.ndarray]]
"""A function from counts (..., *shape) to values (...) by name."""


def bootstrap(counts: np.ndarray, statistics: Statistics, *, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """Statistics of a table of counts with 95% percentile bootstrap intervals.

    Parameters
    ----------
    counts : array of int
        Of any shape, n rows in all.
    statistics : Statistics
        Function from counts (..., *shape) to {name: values (...)}.
    resamples : int, default 10000
        How many tables of n rows are drawn.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    DataFrame
        Indexed by name: `value`, `low`, `high`; NaN where the value is.

    Notes
    -----
    Where all resamples give the same value (no errors at all, a class never predicted, one row) the bootstrap would
    claim certainty. For such a value they are drawn anew with one row's weight spread evenly over the table, which for
    an accuracy comes close to Wilson's interval.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, but {resamples} was passed")
    values = {name: float(value) for name, value in statistics(counts).items()}
    table = pd.DataFrame({"value": values, "low": np.nan, "high": np.nan}).reindex(list(values))
    if counts.sum() == 0:
        return table
    drawn = statistics(_resampled(counts, 0.0, resamples, seed))
    smooth: Mapping[Any, np.ndarray] = {}
    for name, value in values.items():
        if np.isnan(value):
            continue
        sample = drawn[name][~np.isnan(drawn[name])]
        if len(sample) == 0 or np.ptp(sample) < 1e-12:
            smooth = smooth or statistics(_resampled(counts, 1.0, resamples, seed))
            sample = np.append(smooth[name][~np.isnan(smooth[name])], value)
        table.loc[name, ["low", "high"]] = np.quantile(sample, [0.025, 0.975])
    return table


def _resampled(counts: np.ndarray, weight: float, resamples: int, seed: int) -> np.ndarray:
    """(resamples, *shape): tables of as many rows, after `weight` rows were spread evenly over the cells."""
    shares = (counts + weight / counts.size) / (counts.sum() + weight)
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), shares.ravel(), size=resamples)
    return drawn.reshape(resamples, *counts.shape)


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Their quotient, NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """The mean over the last axis of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    return divide(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))


def proportions(successes: pd.Series, n: pd.Series | int) -> pd.DataFrame:
    """Shares with 95% Wilson score intervals (Wilson 1927).

    Parameters
    ----------
    successes : Series of int
        Counts.
    n : Series of int, or int
        With the same index, or one number for all.

    Returns
    -------
    DataFrame
        With the index of `successes`: `count`, `n`, `share` and its interval `low` to `high`, all in [0, 1]; NaN where
        n is 0.

    Raises
    ------
    ValueError
        A count that is negative or larger than its n.
    """
    trials = n if isinstance(n, pd.Series) else pd.Series(n, index=successes.index)
    if not trials.index.equals(successes.index):
        raise ValueError("successes and n must have the same index")
    if ((successes < 0) | (successes > trials)).any():
        raise ValueError(f"expected 0 <= count <= n, got {successes.tolist()} of {trials.tolist()}")
    table = pd.DataFrame({"count": successes, "n": trials})
    table["share"] = divide(table["count"].to_numpy(float), table["n"].to_numpy(float))
    table["low"], table["high"] = wilson_interval(table["share"].to_numpy(), table["n"].to_numpy(float))
    return table


def wilson_interval(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95% score interval (1927) of shares in [0, 1] of n rows, which may be a fraction; NaN where n is 0."""
    weight = divide(np.full_like(n, norm.ppf(0.975) ** 2), n)
    centre, half = share + weight / 2, np.sqrt(weight * (share * (1 - share) + weight / 4))
    low, high = (centre - half) / (1 + weight), (centre + half) / (1 + weight)
    return np.where(share == 0, 0.0, low), np.where(share == 1, 1.0, high)


def difference_interval(first: Sequence[float], second: Sequence[float]) -> pd.Series:
    """The difference of two independent values by their intervals (Newcombe 1998, method 10, of Wilson's intervals).

    Parameters
    ----------
    first, second : sequence of float
        Value, low and high of each, of different rows.

    Returns
    -------
    Series
        `difference`, first - second, with its 95% interval `low` to `high`.
    """
    value, low, high = np.asarray(first, dtype=float)
    other, other_low, other_high = np.asarray(second, dtype=float)
    below, above = np.hypot(value - low, other_high - other), np.hypot(high - value, other - other_low)
    return pd.Series({"difference": value - other, "low": value - other - below, "high": value - other + above})


def stratified_proportion(strata: pd.DataFrame) -> pd.Series:
    """The share in a whole of which some parts were read wholly and of others a random sample.

    Parameters
    ----------
    strata : DataFrame
        One row a part: `size`, its rows; `n`, how many of these were read; `count`, how many of those counted.

    Returns
    -------
    Series
        `share` in [0, 1], each part weighted by its size, with its 95% interval `low` to `high`; `n`, rows read.

    Raises
    ------
    ValueError
        A part of which nothing was read, or more than there is.

    Notes
    -----
    Wilson's intervals of the parts, put together by the distances of their limits from the shares (MOVER: Zou and
    Donner 2008). Of a part that was read wholly the share is known.
    """
    if ((strata["n"] < 1) | (strata["n"] > strata["size"])).any():
        raise ValueError(f"expected 1 <= n <= size, got n {strata['n'].tolist()} of {strata['size'].tolist()}")
    parts = proportions(strata["count"], strata["n"])
    weight, sampled = strata["size"] / strata["size"].sum(), strata["n"] < strata["size"]
    share = (weight * parts["share"]).sum()
    below, above = (np.sqrt(((weight * (parts[end] - parts["share"])) ** 2)[sampled].sum()) for end in ("low", "high"))
    return pd.Series({"share": share, "low": share - below, "high": share + above, "n": strata["n"].sum()})


def q_values(p_values: pd.Series) -> pd.Series:
    """p-values corrected for their number (Benjamini and Hochberg 1995): of those at most q, a share of q is false on
    average. NaN stays, and does not count."""
    tested = p_values[p_values.notna()].astype(float)
    corrected = false_discovery_control(tested) if len(tested) else []
    return pd.Series(corrected, index=tested.index, dtype=float).reindex(p_values.index)


def minimum_detectable_difference(
    n: int, other: int | None = None, *, share: float = 0.5, power: float = 0.8, significance: float = 0.05
) -> float:
    """The smallest drop of a share that so many rows can show.

    Parameters
    ----------
    n : int
        Rows of the group.
    other : int, optional
        Rows it is compared with, drawn apart from it. None: a reference known exactly.
    share : float in [0, 1], default 0.5
        Of the reference, say its accuracy. Gaps are largest near 0.5.
    power : float in (0.5, 1), default 0.8
        The chance to find a drop of that size.
    significance : float in (0, 1), default 0.05
        Of the two-sided test of two proportions (Fleiss, Levin and Paik 2003, without continuity correction).

    Returns
    -------
    float
        In (0, share]; NaN where so few rows cannot show any drop at all. By the normal approximation, so with fewer
        than about 30 rows on either side a rough guide.

    Raises
    ------
    ValueError
        A number outside its range.
    """
    if not 0.5 < power < 1 or not 0 < significance < 1:
        raise ValueError(f"expected 0.5 < power < 1 and 0 < significance < 1, got {power}, {significance}")
    if n < 0 or (other is not None and other < 1) or not 0 <= share <= 1:
        raise ValueError(f"expected n >= 0, other >= 1, share in [0, 1], got {n}, {other}, {share}")
    if n == 0:
        return np.nan
    weight_other = 0.0 if other is None else 1 / other
    quantile, power_quantile = norm.ppf(1 - significance / 2), norm.ppf(power)

    def excess(drop: float) -> float:
        lower = share - drop
        pooled = share if other is None else (n * lower + other * share) / (n + other)
        under_null = np.sqrt(pooled * (1 - pooled) * (1 / n + weight_other))
        under_drop = np.sqrt(lower * (1 - lower) / n + share * (1 - share) * weight_other)
        return drop - quantile * under_null - power_quantile * under_drop

    if share == 0 or excess(share) < 0:
        return np.nan
    return float(brentq(excess, 1e-12, share))
