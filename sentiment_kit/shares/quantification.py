"""What share of tweets has a label, when the answers that one could count are partly wrong? Estimators, on arrays.

The question is called quantification, or prevalence estimation. A count of answers is biased as soon as the mix of
labels is another than where the model learned, whatever n is; only tweets that somebody labelled tell by how much.
What is estimated is the share in the very tweets that were scored: with all of them labelled nothing is left to doubt.

The library ppi-python gives the same estimate as `prediction_powered`, with a Wald interval that fails where a share is
near 0 or a group small, and brings numba, statsmodels and gdown; QuaPy gives no interval here. Hence these few lines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from ..evaluation.intervals import RESAMPLES, divide, wilson_interval

__all__ = [
    "Estimate",
    "adjusted_count",
    "allocation",
    "expectation_maximisation",
    "labels_needed",
    "prediction_powered",
]

_PRIOR, _BORROWED = 0.5, 3.0
"""Smoothing of how much of the labels' spread the model explains: rows that it explains nothing of, and rows that a
group borrows from the others. Chosen once, on simulations with other seeds than `experiments/coverage_of_shares.py`."""


class Estimate(NamedTuple):
    """Shares (groups, labels) in [0, 1] with 95% intervals; NaN for a group in which nothing is labelled."""

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_effective: np.ndarray
    """How many labels, without a model, would give such an interval; NaN where that is not known."""


def prediction_powered(
    gold: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    sizes: np.ndarray,
    means: np.ndarray,
    weights: np.ndarray,
) -> Estimate:
    """Shares from a random sample of labels and a model's answers on every row, by power-tuned prediction-powered
    inference (PPI++, Angelopoulos, Duchi and Zrnic 2023), which survey statistics know as the difference estimator.

    Parameters
    ----------
    gold : array (m, labels) of 0 and 1
        Of the m labelled rows: whether a row has the label.
    predicted : array (m, labels) in [0, 1]
        What the model says of them: probabilities, or 0 and 1.
    groups : array (m,) of int
        Which group each is in, from 0.
    sizes : array (groups,) of int
        All rows of each group, labelled or not.
    means : array (groups, labels)
        The mean of what the model says over all rows of each group.
    weights : array (m,) of float
        How many rows each labelled one stands for, up to a factor; the same for all of a simple random sample.

    Returns
    -------
    Estimate

    Notes
    -----
    In each group the share among the labelled rows is moved by a factor times how far the model's mean on them is from
    its mean on all. The factor is the one that makes the variance smallest, from all labelled rows together, and is in
    [0, 1]: a model that knows nothing gets 0, and labelling alone is left. The interval is Wilson's (1927) with an
    effective number of labels: those there are, corrected for unequal weights (Kish 1965) and for the labelled part of
    the group, divided by the part of the labels' variance that the model leaves. It is never wider than labelling alone
    at the same share. A group whose labelled rows all have the label, or all lack it, is left to them alone.
    """
    m = np.bincount(groups, minlength=len(sizes))[:, None]  # (groups, 1)

    def summed(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(groups, column, len(sizes)) for column in rows.T], axis=1)

    scale = divide(sizes[:, None], summed(weights[:, None]))
    weights = np.maximum(weights * scale[groups, 0], 1)  # rows that each stands for, itself included
    total = summed(weights[:, None])
    squares = summed(weights[:, None] ** 2)
    weight = weights[:, None] * divide(m, total)[groups]  # 1 on average in each group
    mean_gold, mean_predicted = divide(summed(weight * gold), m), divide(summed(weight * predicted), m)
    off_gold, off_predicted = gold - mean_gold[groups], predicted - mean_predicted[groups]
    one_sided = (summed(gold) == 0) | (summed(1 - gold) == 0)
    factor = divide((weight * off_gold * off_predicted).sum(axis=0), (weight * off_predicted**2).sum(axis=0))
    factors = np.where(one_sided, 0, np.nan_to_num(np.clip(factor, 0, 1)))
    spread = weight * off_gold**2
    free = len(gold) - (m > 0).sum()
    left = weight * (off_gold - factors[groups] * off_predicted) ** 2 * free / max(free - 1, 1)
    over_all = np.minimum((left.sum(axis=0) + _PRIOR) / (spread.sum(axis=0) + _PRIOR), 1)
    own = _PRIOR * m / max(len(gold), 1)
    unexplained = (summed(left) + _BORROWED * over_all + own) / (summed(spread) + _BORROWED + own)
    unexplained = np.where(one_sided, 1, np.minimum(unexplained, 1))
    share = np.clip(mean_gold + factors * (means - mean_predicted), 0, 1)
    effective = divide(total**2, squares) / unexplained
    with np.errstate(divide="ignore", invalid="ignore"):
        of_file = effective / (1 - total / squares)  # infinite where all rows are labelled: each then stands for itself
    return Estimate(share, *wilson_interval(share, of_file), effective)


def adjusted_count(counts: np.ndarray, confusion: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Shares by adjusted counting (Forman 2008): the mix of labels that would be counted so by a model that confuses
    them so.

    Parameters
    ----------
    counts : array (groups, 3) of int
        Answers counted.
    confusion : array (3, 3) of int
        Labelled tweets by true label (rows) and answer (columns). They may be from elsewhere, if the model takes one
        label for another as often there; nobody can see that from the answers.
    resamples : int, default 10000
        How many confusions and counts are drawn for the interval.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    Estimate
        `n_effective` is NaN.
    """
    drawn = np.random.default_rng(seed)
    n = counts.sum(axis=1)
    gamma = drawn.gamma(confusion + 1 / 3, size=(resamples, 3, 3))
    rates = gamma / gamma.sum(axis=2, keepdims=True)  # (resamples, 3, 3), rows sum to 1
    answers = drawn.multinomial(n, counts / np.maximum(n, 1)[:, None], size=(resamples, len(n))).swapaxes(0, 1)
    shares = _unmixed(divide(answers, n[:, None, None]), rates)
    own = confusion + 1e-9 * (confusion.sum(axis=1, keepdims=True) == 0)
    share = _unmixed(divide(counts, n[:, None])[:, None], (own / own.sum(axis=1, keepdims=True))[None])[:, 0]
    low, high = np.quantile(shares, [0.025, 0.975], axis=1)
    return Estimate(share, low, high, np.full(share.shape, np.nan))


def _unmixed(answers: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """(groups, resamples, 3): the shares that the rates turn into these answers, moved into [0, 1] where need be."""
    shares = np.clip(np.einsum("grk,rkl->grl", answers, np.linalg.pinv(rates)), 0, 1)
    return divide(shares, shares.sum(axis=-1, keepdims=True))


def expectation_maximisation(probabilities: np.ndarray, priors: np.ndarray) -> np.ndarray:
    """Shares from probabilities alone (Saerens, Latinne and Decaestecker 2002), on two assumptions that the data cannot
    check: that the probabilities are calibrated, and that only the mix of labels has changed since training.

    Parameters
    ----------
    probabilities : array (n, 3)
        Of each row; they sum to 1.
    priors : array (3,)
        The shares of the labels where the model learned.

    Returns
    -------
    array (3,)
        NaN without a row.
    """
    shares, before = priors, np.zeros(3)
    while len(probabilities) and np.abs(shares - before).max() > 1e-7:
        weighted = probabilities * (shares / priors)
        before, shares = shares, (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares if len(probabilities) else np.full(3, np.nan)


def labels_needed(
    width: float, *, share: float = 0.5, rows: int | None = None, groups: int = 1, explained: float = 0.0
) -> int:
    """How many randomly drawn tweets must be labelled for a share with a 95% interval so wide.

    Parameters
    ----------
    width : float in (0, 1)
        From end to end: 0.1 for plus or minus five points.
    share : float in [0, 1], default 0.5
        The share that is expected; the default needs most.
    rows : int, optional
        Tweets of the file, or of each group. None: so many that it does not matter.
    groups : int, default 1
        Groups that are to have such an interval each.
    explained : float in [0, 1), default 0.0
        The part of the labels' variance that the model explains; from a first sample
        `1 - n_labelled / n_effective` of `shares`. 0 is labelling alone.

    Returns
    -------
    int
        Labels in all groups together; at most all rows.

    Raises
    ------
    ValueError
        A number outside its range.

    Examples
    --------
    >>> labels_needed(0.1), labels_needed(0.1, share=0.3), labels_needed(0.1, groups=4)
    (381, 319, 1524)
    """
    if not 0 < width < 1 or not 0 <= share <= 1 or not 0 <= explained < 1 or groups < 1:
        raise ValueError(
            "expected 0 < width < 1, 0 <= share <= 1, 0 <= explained < 1, groups >= 1, "
            f"got {width}, {share}, {explained}, {groups}"
        )

    def excess(log_n: float) -> float:
        low, high = wilson_interval(np.array([share]), np.exp([log_n]))
        return float(high[0] - low[0]) - width

    n = (1 - explained) * np.exp(brentq(excess, -20, 40))
    return groups * int(np.ceil(n if rows is None else n / (1 + n / rows)))


def allocation(sizes: pd.Series, n: int) -> pd.Series:
    """How many to label of each stratum.

    Parameters
    ----------
    sizes : Series of int
        How many rows each stratum has.
    n : int
        How many are to be drawn in all, at most the sum of `sizes`.

    Returns
    -------
    Series of int
        With the index of `sizes` and the sum `n`: as many from each, at least one while they last; what a small stratum
        has not got goes to the others.
    """
    taken = pd.Series(0, index=sizes.index)
    while taken.sum() < n:
        open_ = sizes.index[taken < sizes]
        share, rest = divmod(n - int(taken.sum()), len(open_))
        more = pd.Series(share, index=open_) + (np.arange(len(open_)) < rest)
        taken = (taken + more.reindex(sizes.index, fill_value=0)).clip(upper=sizes)
    return taken
