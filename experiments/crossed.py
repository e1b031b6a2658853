"""A mean over several trainings with an interval for both samples: of seeds, and of tweets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, t

from sentiment_kit.evaluation.intervals import RESAMPLES


class Crossed(NamedTuple):
    """What `crossed_interval` finds."""

    value: float
    low: float
    high: float
    p_value: float
    """Two-sided, of the value being 0."""


def crossed_interval(
    terms: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    reference: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Crossed:
    """The mean over several trainings of a statistic of the same rows, with its 95% interval.

    Both are samples: of the seeds one could have trained with, and of the tweets one could have tested on (crossed
    random effects, Owen 2007).

    Parameters
    ----------
    terms : (trainings, rows, k) floats; what each row adds to k sums. Rows that belong together come summed already.
    statistic : function from sums (..., k) to values (...)
    reference : another recipe's terms, of the same shape: then the difference to it, paired by training and by row
    resamples, seed : how many draws of the rows

    Returns
    -------
    Crossed
        NaN where the statistic is not defined.

    Raises
    ------
    ValueError
        Without a training, or without a row; or a reference of another shape.

    Notes
    -----
    Two parts: the spread of the trainings, and what the bootstrap over rows shows beyond the luck of single rows that
    is in that spread already. Few trainings know their spread badly, so its part is taken times Student's quantile, the
    other times the normal one, and the two are added as squares: wider than need be where both are alike, and right
    where either rules. One training tells nothing of others: then the interval is of the rows alone. In simulations
    intervals of differences of five trainings each held the truth 94.7% to 95.8% of the time.
    """
    n_trainings, n_rows, _ = terms.shape
    if not n_trainings or not n_rows:
        raise ValueError(f"expected at least one training and one row, got {n_trainings} and {n_rows}")
    if reference is not None and reference.shape != terms.shape:
        raise ValueError(f"expected a reference of the shape of terms, {terms.shape}, got {reference.shape}")

    def of_each(weights: np.ndarray) -> np.ndarray:
        """(weights, trainings): the statistic of each training, or its difference to that of the reference."""
        found = np.stack([statistic(weights @ training) for training in terms], axis=1)
        if reference is None:
            return found
        return found - np.stack([statistic(weights @ training) for training in reference], axis=1)

    rows = np.random.default_rng(seed).multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=resamples)
    values, drawn = of_each(np.ones((1, n_rows)))[0], of_each(rows)  # (trainings,), (resamples, trainings)
    value, of_rows, of_trainings, degrees = float(values.mean()), drawn.mean(axis=1).var(), 0.0, 1
    if n_trainings > 1:
        degrees, of_trainings = n_trainings - 1, values.var(ddof=1) / n_trainings
        # Of one training on one row, which is in either spread.
        of_both = (drawn - drawn.mean(axis=1, keepdims=True)).var(axis=0).mean() / degrees
        of_rows = max(of_rows - of_both, 0)

    def half(significance: float) -> float:
        quantiles = t.isf(significance / 2, degrees), norm.isf(significance / 2)
        return float(np.hypot(quantiles[0] * np.sqrt(of_trainings), quantiles[1] * np.sqrt(of_rows)))

    smallest = 1e-15
    outside = half(smallest) <= abs(value)
    p_value = float(not value) if outside else brentq(lambda p: half(p) - abs(value), smallest, 1)
    return Crossed(value, value - half(0.05), value + half(0.05), p_value)
