"""One prediction, every way in which the literature scores it: the same model can show .60 or .85.

What differs is the rows that count, the classes that there are, and the score. Each protocol here says so, with its n,
the most that a three-class model can reach under it, and the published figures that may stand beside it. The protocols
are lines of protocols.csv; here is how their rows, scores and ceilings are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..labels import LABELS
from .intervals import RESAMPLES, bootstrap, divide, mean_of_defined, proportions
from .scores import best_over_mixed, count_polarities, polarity_f1, polarity_score, warned

PROTOCOLS_FILE = Path(__file__).with_name("protocols.csv")
PROTOCOLS = list(pd.read_csv(PROTOCOLS_FILE, keep_default_na=False).itertuples(index=False, name="Protocol"))
"""Each with the names of its `rows`, `value` and `ceiling`, which are below; and whether a prediction is `forced`:
negative or positive, whichever is more probable."""

Counts = Callable[[np.ndarray], np.ndarray]
"""From counts (..., 4 true, 4 predicted), as from `scores.count_polarities`, to counts or values (...)."""


def protocol_table(
    tweets: pd.DataFrame, predictions: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Score one prediction under every protocol.

    Parameters
    ----------
    tweets : DataFrame
        Tweet table with `opos` and `oneg` and all mixed rows kept (`mixed="keep"`); one with `label` alone has no mixed
        rows.
    predictions : DataFrame
        With the same index: `label`, and for the forced choice the probabilities `negative` and `positive`. A row
        without a prediction counts as wrong.
    resamples : int, default 10000
        Draws of the bootstrap.
    seed : int, default 0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        Indexed by `protocol` and `score`: `value` in [0, 1], higher is better, with its 95% interval `low` to `high`
        (Wilson's for accuracies, the bootstrap's for the others); `n`; `ceiling`, the most that three labels can reach
        with an answer to each of these rows; `measures`, what it is; `compare_with`, published figures and their
        sources. NaN with a warning where a protocol is undefined, or needs probabilities that are not there.
    """
    counts = {False: count_polarities(tweets, predictions["label"]), True: _forced_counts(tweets, predictions)}
    found = [bootstrap(counts[forced], partial(_values, forced), resamples=resamples, seed=seed) for forced in counts]
    values = pd.concat(found)
    values.index = pd.MultiIndex.from_tuples(values.index, names=["protocol", "score"])
    table = warned(values).assign(
        n=[int(ROWS[protocol.rows](counts[protocol.forced]).sum()) for protocol in PROTOCOLS],
        ceiling=[float(CEILINGS[protocol.ceiling](counts[protocol.forced])) for protocol in PROTOCOLS],
        measures=[protocol.measures for protocol in PROTOCOLS],
        compare_with=[protocol.compare_with for protocol in PROTOCOLS],
    )
    defined = table["value"].notna()
    accuracies = table[defined & (table.index.get_level_values("score") == "accuracy")]
    shares = proportions((accuracies["value"] * accuracies["n"]).round().astype(int), accuracies["n"])
    table.loc[shares.index, ["low", "high"]] = shares[["low", "high"]]
    return table.assign(ceiling=table["ceiling"].where(defined))


def _values(forced: bool, counts: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """The score of each protocol that forces a choice, or of each that does not, from counts (..., 4, 4)."""
    return {
        (protocol.protocol, protocol.score): SCORES[protocol.value](ROWS[protocol.rows](counts))
        for protocol in PROTOCOLS
        if protocol.forced == forced
    }


def _forced_counts(tweets: pd.DataFrame, predictions: pd.DataFrame) -> np.ndarray:
    """Counts (4, 4) of the more probable of negative and positive; zeros where there are no probabilities."""
    if not {"negative", "positive"} <= set(predictions.columns):
        return np.zeros((4, 4), dtype=np.int64)
    labels = pd.Series(
        np.where(predictions["positive"] > predictions["negative"], "positive", "negative"), index=predictions.index
    )
    return count_polarities(tweets, labels.where(predictions["positive"].notna()))


# Rows: which tweets count, and as what


def _mixed_as(label: str, counts: np.ndarray) -> np.ndarray:
    merged = counts[..., :3, :].copy()
    merged[..., LABELS.index(label), :] += counts[..., 3, :]
    return merged


ROWS: dict[str, Counts] = {
    "all": np.asarray,
    "mixed dropped": lambda counts: counts[..., :3, :],
    "mixed as neutral": partial(_mixed_as, "neutral"),
    "mixed as negative": partial(_mixed_as, "negative"),
    # Columns negative and positive first, too, so that the diagonal is what is right.
    "negative and positive": lambda counts: counts[..., [0, 2], :][..., [0, 2, 1, 3]],
}

# Scores of counts (..., k true, 4 predicted), the right ones on the diagonal


def _right(counts: np.ndarray) -> np.ndarray:
    """(..., k): right answers by true class; of the fourth, mixed, three labels predict none."""
    return np.diagonal(counts, axis1=-2, axis2=-1) * (np.arange(counts.shape[-2]) < 3)


def _accuracy(counts: np.ndarray) -> np.ndarray:
    return divide(_right(counts).sum(axis=-1), counts.sum(axis=(-2, -1)))


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    """The mean F1 of the k true classes."""
    k = counts.shape[-2]
    given = counts.sum(axis=-2)[..., :k] * (np.arange(k) < 3)
    return mean_of_defined(divide(2 * _right(counts), counts.sum(axis=-1) + given))


def _balanced_macro_f1(counts: np.ndarray) -> np.ndarray:
    """Each class with the same weight, which is what balanced samples give on average."""
    return _macro_f1(divide(counts, counts.sum(axis=-1, keepdims=True)))


def _f1_of_the_marked(counts: np.ndarray) -> np.ndarray:
    f1 = polarity_f1(counts)
    return (f1["opos1"] + f1["oneg1"]) / 2


SCORES: dict[str, Counts] = {
    "accuracy": _accuracy,
    "macro-F1": _macro_f1,
    "balanced macro-F1": _balanced_macro_f1,
    "polarity score": polarity_score,
    "F1 of the marked": _f1_of_the_marked,
}

# Ceilings: where three labels cannot be wholly right


def _unmixed_share(counts: np.ndarray) -> np.ndarray:
    return divide(counts[..., :3, :].sum(axis=(-2, -1)), counts.sum(axis=(-2, -1)))


def _one_label_for_mixed(counts: np.ndarray) -> float:
    """The best macro-F1 of four classes: mixed rows spread over several labels would spoil more."""
    best = 0.0
    for label in range(3):
        perfect = np.diag(counts.sum(axis=-1))
        perfect[3, [label, 3]] = perfect[3, 3], 0
        best = max(best, float(_macro_f1(perfect)))
    return best


CEILINGS: dict[str, Callable[[np.ndarray], np.ndarray | float]] = {
    "": lambda counts: 1.0,
    "best polarity score": partial(best_over_mixed, score=polarity_score),
    "best F1 of the marked": partial(best_over_mixed, score=_f1_of_the_marked),
    "unmixed share": _unmixed_share,
    "one label for mixed": _one_label_for_mixed,
}
