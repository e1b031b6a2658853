"""What is mistaken for what: confusion matrices as long tables, one row a cell, true label by predicted label.

Names of normalisation as in scikit-learn: "true" divides by the row (what became of the negative tweets?), "predicted"
by the column (what is behind the label negative?), "all" by the number of tweets.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..labels import LABELS
from .intervals import RESAMPLES, bootstrap, divide, proportions
from .scores import Labels, check_index, count_labels, count_pairs

NORMALISATIONS = {"true": (-1,), "predicted": (-2,), "all": (-2, -1)}
"""The axes of counts (..., 3, k) over which each sums."""
NO_PREDICTION = "(none)"

DISTANCE_COST = {(a, b): float(abs(LABELS.index(a) - LABELS.index(b))) for a in LABELS for b in LABELS}
"""What a confusion costs unless you say otherwise: 1 for a neighbour, 2 for the opposite, 0 for what is right."""


def confusion_table(gold: Labels, predicted: Labels, *, normalise: str = "true") -> pd.DataFrame:
    """The confusion matrix.

    Parameters
    ----------
    gold, predicted : Labels
        Series, lists or arrays (n,); Series with the same index. Rows without gold label are left out; rows without
        prediction get a column "(none)" if there are any.
    normalise : str, default "true"
        What the shares are shares of: "true", "predicted" or "all".

    Returns
    -------
    DataFrame
        One row a cell, by true and then predicted label in the order of `LABELS`: `true`, `predicted`, `count`, `n`
        (what it is a share of), `share` and its 95% Wilson interval `low` to `high` (see `intervals.proportions`); NaN
        where n is 0.
    """
    counts = count_labels(gold, predicted)
    names = [*LABELS, NO_PREDICTION] if counts[:, 3].any() else list(LABELS)
    counts = counts[:, : len(names)]
    cells = pd.MultiIndex.from_product([LABELS, names], names=["true", "predicted"])
    totals = np.broadcast_to(_totals(counts, normalise), counts.shape)
    return proportions(pd.Series(counts.ravel(), index=cells), pd.Series(totals.ravel(), index=cells)).reset_index()


def confusion_difference(
    gold: pd.Series,
    a: pd.Series,
    b: pd.Series,
    *,
    normalise: str = "true",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """How the matrix of b differs from that of a, on the same rows.

    Returns
    -------
    DataFrame
        One row a cell: `true`, `predicted`, `count_a`, `count_b`, `difference` of the shares (b - a, in [-1, 1]) with
        its 95% paired bootstrap interval `low` to `high`, and `n`, the labelled rows.
    """
    counts = count_pairs(gold, a, b)  # (3 true, 4 of a, 4 of b)
    of_a, of_b = counts.sum(axis=2), counts.sum(axis=1)
    names = [*LABELS, NO_PREDICTION] if of_a[:, 3].any() or of_b[:, 3].any() else list(LABELS)
    cells = [(true, predicted) for true in LABELS for predicted in names]

    def differences(drawn: np.ndarray) -> Mapping[tuple[str, str], np.ndarray]:
        first, second = drawn.sum(axis=-1), drawn.sum(axis=-2)
        gap = divide(second, _totals(second, normalise)) - divide(first, _totals(first, normalise))
        return {cell: gap[..., LABELS.index(cell[0]), names.index(cell[1])] for cell in cells}

    table = bootstrap(counts, differences, resamples=resamples, seed=seed).rename(columns={"value": "difference"})
    table.index = pd.MultiIndex.from_tuples(cells, names=["true", "predicted"])
    table.insert(0, "count_b", of_b[:, : len(names)].ravel())
    table.insert(0, "count_a", of_a[:, : len(names)].ravel())
    return table.assign(n=int(counts.sum())).reset_index()


def costly_confusions(
    gold: pd.Series,
    predictions: pd.DataFrame,
    *,
    costs: Mapping[tuple[str, str], float] = DISTANCE_COST,
    examples: int = 3,
) -> pd.DataFrame:
    """The confusions by what they cost in all, with the texts about which the model was surest.

    Parameters
    ----------
    gold : Series
        Gold labels.
    predictions : DataFrame
        Prediction table with the same index.
    costs : mapping of (str, str) to float, default DISTANCE_COST
        Cost by (true, predicted); what is not in it costs nothing.
    examples : int, default 3
        Texts of each confusion at most.

    Returns
    -------
    DataFrame
        Costliest first, only confusions that occur and cost something: `true`, `predicted`, `count`, `cost` each,
        `total`, and `examples`, a list of at most so many texts.
    """
    table = confusion_table(gold, predictions["label"])
    table["cost"] = [costs.get(cell, 0.0) for cell in zip(table["true"], table["predicted"], strict=True)]
    table["total"] = table["count"] * table["cost"]
    table = table[table["total"] > 0].sort_values("total", ascending=False, kind="stable").reset_index(drop=True)
    given = predictions["label"].astype(object)
    surest = predictions.assign(true=gold, label=given.where(given.notna(), NO_PREDICTION))
    surest = surest.sort_values("confidence", ascending=False, kind="stable")
    table["examples"] = [
        surest.loc[(surest["true"] == true) & (surest["label"] == predicted), "text"].head(examples).tolist()
        for true, predicted in zip(table["true"], table["predicted"], strict=True)
    ]
    return table[["true", "predicted", "count", "cost", "total", "examples"]]


def confused_tweets(tweets: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Tweets that were taken for something else, the surest first.

    Parameters
    ----------
    tweets : DataFrame
        With `text` and `label`.
    predictions : DataFrame
        Prediction table with the same index.

    Returns
    -------
    DataFrame
        One row a tweet with a label and another answer: `gold`, `predicted`, `confidence` in [0, 1], `text` as it was
        written.

    Raises
    ------
    ValueError
        Different indexes.
    """
    table = answered_tweets(tweets, predictions)
    wrong = table[table["gold"] != table["predicted"]]
    return wrong.sort_values("confidence", ascending=False, kind="stable")


def answered_tweets(tweets: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Gold label, answer and text of each tweet that has both labels."""
    check_index(tweets, predictions, "tweets and predictions")
    table = pd.DataFrame(
        {
            "gold": tweets["label"].astype(object),
            "predicted": predictions["label"].astype(object),
            "confidence": predictions["confidence"].astype(float),
            "text": tweets["text"],
        }
    )
    return table[table["gold"].notna() & table["predicted"].notna()]


def _totals(counts: np.ndarray, normalise: str) -> np.ndarray:
    """What the cells of counts (..., 3, k) are shares of, ready to divide by."""
    if normalise not in NORMALISATIONS:
        raise ValueError(f"normalise must be one of {', '.join(NORMALISATIONS)}, but {normalise!r} was passed")
    return counts.sum(axis=NORMALISATIONS[normalise], keepdims=True)
