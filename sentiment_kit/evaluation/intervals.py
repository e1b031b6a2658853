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
from scipy.stats import beta, false_discovery_control, norm

__all__ = [
    "bootstrap", "difference_from_intervals", "difference_interval", "minimum_detectable_difference", "n_for_gap",
    "p_of_difference", "power_of_gap", "proportions", "q_values", "simultaneous_quantiles", "simultaneous_z",
    "stratified_proportion", "wilson_interval",
]  # fmt: skip

RESAMPLES = 10_000
_Z = norm.ppf(0.975)  # of an interval of 95%

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


def wilson_interval(share: np.ndarray, n: np.ndarray, z: float | np.ndarray = _Z) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval (1927) of shares in [0, 1] of n rows, which may be a fraction; NaN where n is 0. `z` is
    the normal quantile of its coverage, by default of 95%."""
    weight = divide(np.ones_like(n) * z**2, n)
    centre, half = share + weight / 2, np.sqrt(weight * (share * (1 - share) + weight / 4))
    low, high = (centre - half) / (1 + weight), (centre + half) / (1 + weight)
    return np.where(share == 0, 0.0, low), np.where(share == 1, 1.0, high)


def difference_from_intervals(first: Sequence[float], second: Sequence[float]) -> pd.Series:
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


def difference_interval(
    share: np.ndarray, n: np.ndarray, other: np.ndarray, n_other: np.ndarray, z: float | np.ndarray = _Z
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of share - other, in [-1, 1], of two groups, from the exact one of each (Clopper and Pearson 1934) as
    Newcombe combines two (1998, his tenth): wide enough far out, and where few rows are all right. NaN where n is 0."""
    (low, high), (other_low, other_high) = (_exact_interval(*side, z) for side in ((share, n), (other, n_other)))
    below, above = np.hypot(share - low, other_high - other), np.hypot(high - share, other - other_low)
    return share - other - below, share - other + above


def _exact_interval(share: np.ndarray, n: np.ndarray, z: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    right, wrong, tail = share * n, (1 - share) * n, norm.sf(z)
    low, high = beta.ppf(tail, right, wrong + 1), beta.isf(tail, right + 1, wrong)
    return np.where(right <= 1e-9, share * 0.0, low), np.where(wrong <= 1e-9, share * 0.0 + 1, high)


def p_of_difference(share: np.ndarray, n: np.ndarray, other: np.ndarray, n_other: np.ndarray) -> np.ndarray:
    """The two-sided p-value at which `difference_interval` begins to leave out 0; NaN where there is no interval."""
    least, most = np.zeros(np.shape(share)), np.full(np.shape(share), 20.0)
    for _ in range(32):  # bisection: the wider the interval, the surer it holds 0
        z = (least + most) / 2
        low, high = difference_interval(share, n, other, n_other, z)
        least, most = np.where(low * high > 0, z, least), np.where(low * high > 0, most, z)
    return np.where(np.isnan(share - other), np.nan, 2 * norm.sf(least))


def simultaneous_z(influence: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """The normal quantile with which intervals of many estimates hold all their truths in 95% of all samples.

    Parameters
    ----------
    influence : array
        (n, estimates): what each row adds to each estimate, so that their products are the estimates' covariance.
    resamples : int, default 10000
        Draws of the estimates together, of which each is as correlated as the real ones.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    float
        The 95th percentile of the largest of all |z| (max-t: Hothorn, Bretz and Westfall 2008): 1.96 for one estimate,
        and at most that of Bonferroni.
    """
    spread = np.sqrt((influence**2).sum(axis=0))
    scaled = divide(influence, spread)[:, np.nan_to_num(spread) > 0]
    if scaled.shape[1] < 2:
        return float(_Z)
    normal = np.random.default_rng(seed).multivariate_normal(
        np.zeros(scaled.shape[1]), scaled.T @ scaled, size=resamples, method="eigh"
    )
    return float(max(_Z, np.quantile(np.abs(normal).max(axis=1), 0.95)))


def simultaneous_quantiles(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high (estimates,), equally far out in each column, between which 95% of the draws (n, estimates) lie
    with all their estimates (Beran 1988)."""
    ranks = np.argsort(np.argsort(draws, axis=0), axis=0) / max(1, len(draws) - 1)
    level = np.quantile(np.abs(ranks - 0.5).max(axis=1), 0.95)
    low, high = np.nanquantile(draws, [0.5 - level, 0.5 + level], axis=0)
    return low, high


def q_values(p_values: pd.Series) -> pd.Series:
    """p-values corrected for their number (Benjamini and Hochberg 1995): of those at most q, a share of q is false on
    average. NaN stays, and does not count."""
    tested = p_values[p_values.notna()].astype(float)
    corrected = false_discovery_control(tested) if len(tested) else []
    return pd.Series(corrected, index=tested.index, dtype=float).reindex(p_values.index)


def minimum_detectable_difference(n: int, other: int | None = None, *, share: float = 0.5, power: float = 0.8) -> float:
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
        The chance to find a drop of that size by the two-sided test of two proportions at .05 (Fleiss, Levin and Paik
        2003, without continuity correction).

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
    if not 0.5 < power < 1 or n < 0 or (other is not None and other < 1) or not 0 <= share <= 1:
        raise ValueError(
            f"expected n >= 0, other >= 1, share in [0, 1], 0.5 < power < 1, got {n}, {other}, {share}, {power}"
        )
    if n == 0:
        return np.nan

    def excess(drop: float) -> float:
        under_null, under_drop = _standard_errors(-drop, n, other, share, 0.0)
        return drop - _Z * under_null - norm.ppf(power) * under_drop

    if share == 0 or excess(share) < 0:
        return np.nan
    return float(brentq(excess, 1e-12, share))


def power_of_gap(gap: float, n: int, other: int | None = None, *, share: float = 0.5, criterion: float = 0.0) -> float:
    """The chance that so many rows show a gap, or that it is no worse than a criterion.

    Parameters
    ----------
    gap : float
        The true difference between two shares, say of the accuracy inside and outside a slice.
    n : int
        Rows of the group, at least 1.
    other : int, optional
        Rows it is compared with, drawn apart from it. None: a reference known exactly.
    share : float in [0, 1], default 0.5
        Of the reference; that of the group is share + gap.
    criterion : float, default 0.0
        What the whole 95% interval of the gap must lie beyond, on the side of the true gap: 0 to show the gap, -0.05 to
        show that a group is not worse by five points.

    Returns
    -------
    float
        In [0, 1], by the normal approximation; the inverse of `minimum_detectable_difference`.

    Raises
    ------
    ValueError
        No rows, or a share that is none.

    Notes
    -----
    Look here before a criterion is fixed: "not worse by .05" with 480 rows a side and an accuracy of .8 is passed by
    49% of all models without any gap. Either the criterion must be wider, or there must be more rows: see `n_for_gap`.
    """
    under_null, under_gap = _standard_errors(gap, n, other, share, criterion)
    excess = abs(gap - criterion) - _Z * under_null
    return float(norm.cdf(excess / max(under_gap, 1e-300)))


def n_for_gap(gap: float, *, share: float = 0.5, criterion: float = 0.0, ratio: float = 1.0, power: float = 0.8) -> int:
    """How many rows of the group show a gap, or that it is no worse than a criterion.

    Parameters
    ----------
    gap : float
        As in `power_of_gap`.
    share : float in [0, 1], default 0.5
        As in `power_of_gap`.
    criterion : float, default 0.0
        As in `power_of_gap`.
    ratio : float, default 1.0
        Rows it is compared with for each row of the group; infinite for a reference known exactly.
    power : float in (0.5, 1), default 0.8
        The chance that is wanted.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ValueError
        As in `power_of_gap`, and for a gap that is the criterion.
    """
    if gap == criterion:
        raise ValueError(f"expected a gap other than the criterion, for no n tells them apart, got {gap} for both")
    under_null, under_gap = _standard_errors(gap, 1, ratio, share, criterion)  # of one row; they shrink with its root
    wanted = _Z * under_null + norm.ppf(power) * under_gap
    return max(1, int(np.ceil((wanted / (gap - criterion)) ** 2)))


def _standard_errors(gap: float, n: int, other: float | None, share: float, criterion: float) -> tuple[float, float]:
    """Of an estimated gap: if it were the criterion (both sides pooled), and as it is."""
    own = share + gap
    if not n > 0 or (other is not None and not other > 0) or not 0 <= share <= 1 or not -1e-12 <= own <= 1 + 1e-12:
        raise ValueError(
            f"expected rows on both sides and shares in [0, 1], got {n} and {other} rows, shares {own} and {share}"
        )
    weight, weight_other = 1 / n, 0.0 if other is None else 1 / other
    pooled = np.average([own - criterion, share], weights=[weight_other, weight])  # the more rows, the less weight here
    inside, outside, own = np.clip([pooled + criterion, pooled, own], 0, 1)
    under_null = np.sqrt(inside * (1 - inside) * weight + outside * (1 - outside) * weight_other)
    return under_null, np.sqrt(own * (1 - own) * weight + share * (1 - share) * weight_other)
