"""How good: scores of predicted labels against gold labels, each share with its interval.

Tables in, tables out; never a model. Rows are matched by index, and a row without a gold label is no part of any score.
A row without a prediction (nothing to read) is an error of the model: it counts in n, and in the recall of its class.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from .labels import LABELS


def proportions(successes: pd.Series, n: pd.Series | int) -> pd.DataFrame:
    """Shares with 95% Wilson score intervals (Wilson 1927).

    Parameters
    ----------
    successes : Series of counts
    n : Series with the same index, or one number for all

    Returns
    -------
    DataFrame with the index of `successes`
        `count`, `n`, `share` and its interval `low` to `high`, all in [0, 1]; NaN where n is 0.

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
    table["share"] = table["count"] / table["n"].where(table["n"] > 0)
    intervals = [_wilson(int(count), int(total)) for count, total in zip(table["count"], table["n"], strict=True)]
    table["low"] = [low for low, _ in intervals]
    table["high"] = [high for _, high in intervals]
    return table


def _wilson(count: int, n: int) -> tuple[float, float]:
    if n == 0:
        return np.nan, np.nan
    interval = binomtest(count, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def accuracy(gold: pd.Series, predicted: pd.Series) -> pd.Series:
    """Share of labelled rows predicted right: `count`, `n`, `share`, `low`, `high` (see `proportions`).

    Raises
    ------
    ValueError
        If the two have different indexes. Without a labelled row the share is NaN, with a warning.
    """
    gold, predicted = _matched(gold, predicted)
    right = pd.Series([int((gold == predicted).sum())], index=["accuracy"])
    return proportions(right, len(gold)).astype(object).loc["accuracy"]


def scores_by_class(gold: pd.Series, predicted: pd.Series) -> pd.DataFrame:
    """Precision, recall and F1 of each label, as scikit-learn defines them.

    Parameters
    ----------
    gold, predicted : Series of labels with the same index

    Returns
    -------
    DataFrame, one row per label in the order of `LABELS`
        `precision`, `recall`, `f1` in [0, 1], higher is better; `support`, the gold rows of that label. NaN where a
        label is absent, never a silent 0.
    """
    gold, predicted = _matched(gold, predicted)
    scores = precision_recall_fscore_support(
        gold, predicted.fillna("(none)"), labels=list(LABELS), average=None, zero_division=np.nan
    )
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), scores, strict=True)), index=list(LABELS))
    return table.rename_axis("label")


def _matched(gold: pd.Series, predicted: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Both as plain strings, over the rows that have a gold label."""
    if not gold.index.equals(predicted.index):
        raise ValueError(
            f"gold and predicted labels must have the same index; they have {len(gold)} and {len(predicted)} rows"
        )
    for name, labels in (("gold", gold), ("predicted", predicted)):
        unknown = set(labels.dropna()) - set(LABELS)
        if unknown:
            raise ValueError(f"{name} labels must be among {', '.join(LABELS)}, got {', '.join(map(repr, unknown))}")
    labelled = gold.notna()
    if not labelled.any():
        warnings.warn("no row has a gold label: every score is undefined", stacklevel=3)
    return gold[labelled].astype(object), predicted[labelled].astype(object)
