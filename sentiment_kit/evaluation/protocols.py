"""One prediction, every way in which the literature scores it: the same model can show .60 or .85.

What differs is the rows that count, the classes that there are, and the score. Each protocol here says so, with its n,
the most that a three-class model can reach under it, and the published figures that may stand beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..labels import LABELS
from .intervals import RESAMPLES, bootstrap, divide, mean_of_defined, proportions
from .scores import best_over_mixed, count_polarities, polarity_f1, polarity_score

Score = Callable[[np.ndarray], np.ndarray]
"""From counts (..., 4, 4) to values (...)."""


class Protocol(NamedTuple):
    """A way to score; functions take counts (..., 4 true, 4 predicted) as from `scores.count_polarities`."""

    name: str
    score: str
    measures: str
    compare_with: str
    value: Score
    rows: Score = np.asarray
    """The counts of the rows that it looks at."""
    ceiling: Callable[[np.ndarray], np.ndarray | float] = lambda counts: 1.0
    forced: bool = False
    """Whether a prediction is negative or positive, whichever is more probable."""


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
    undefined = [" by ".join(reversed(name)) for name in values.index[values["value"].isna()]]
    if undefined:
        warnings.warn(f"undefined on these rows, so NaN: {', '.join(undefined)}", stacklevel=2)
    table = values.assign(
        n=[int(protocol.rows(counts[protocol.forced]).sum()) for protocol in PROTOCOLS],
        ceiling=[float(protocol.ceiling(counts[protocol.forced])) for protocol in PROTOCOLS],
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
    return {(found.name, found.score): found.value(counts) for found in PROTOCOLS if found.forced == forced}


def _forced_counts(tweets: pd.DataFrame, predictions: pd.DataFrame) -> np.ndarray:
    """Counts (4, 4) of the more probable of negative and positive; zeros where there are no probabilities."""
    if not {"negative", "positive"} <= set(predictions.columns):
        return np.zeros((4, 4), dtype=np.int64)
    labels = pd.Series(
        np.where(predictions["positive"] > predictions["negative"], "positive", "negative"), index=predictions.index
    )
    return count_polarities(tweets, labels.where(predictions["positive"].notna()))


# Rows: which tweets count, and as what


def _mixed_dropped(counts: np.ndarray) -> np.ndarray:
    return counts[..., :3, :]


def _mixed_as(label: str) -> Score:
    def rows(counts: np.ndarray) -> np.ndarray:
        merged = counts[..., :3, :].copy()
        merged[..., LABELS.index(label), :] += counts[..., 3, :]
        return merged

    return rows


def _balanced(counts: np.ndarray) -> np.ndarray:
    """Each class with the same weight, which is what balanced samples give on average."""
    return divide(counts[..., :3, :], counts[..., :3, :].sum(axis=-1, keepdims=True))


def _two_classes(counts: np.ndarray) -> np.ndarray:
    """Rows and columns negative and positive first, so that the diagonal is what is right."""
    return counts[..., [0, 2], :][..., [0, 2, 1, 3]]


# Scores of counts (..., k true, 4 predicted), the right ones on the diagonal


def _accuracy(counts: np.ndarray) -> np.ndarray:
    return divide(np.diagonal(counts, axis1=-2, axis2=-1).sum(axis=-1), counts.sum(axis=(-2, -1)))


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    """The mean F1 of the k true classes; of the fourth, mixed, three labels predict none."""
    right, true = np.diagonal(counts, axis1=-2, axis2=-1).copy(), counts.sum(axis=-1)
    given = counts.sum(axis=-2)[..., : counts.shape[-2]].copy()
    if counts.shape[-2] == 4:
        right[..., 3] = given[..., 3] = 0
    return mean_of_defined(divide(2 * right, true + given))


def _f1_of_the_marked(counts: np.ndarray) -> np.ndarray:
    f1 = polarity_f1(counts)
    return (f1["opos1"] + f1["oneg1"]) / 2


def _accuracy_of_four(counts: np.ndarray) -> np.ndarray:
    return divide(counts[..., [0, 1, 2], [0, 1, 2]].sum(axis=-1), counts.sum(axis=(-2, -1)))


# Ceilings


def _unmixed_share(counts: np.ndarray) -> np.ndarray:
    return divide(counts[..., :3, :].sum(axis=(-2, -1)), counts.sum(axis=(-2, -1)))


def _best_of_four(counts: np.ndarray) -> float:
    """All mixed rows called by one label: spread over several they would spoil more."""
    best = 0.0
    for label in range(3):
        perfect = np.diag(counts.sum(axis=-1))
        perfect[3, [label, 3]] = perfect[3, 3], 0
        best = max(best, float(_macro_f1(perfect)))
    return best


def _best(score: Score) -> Score:
    return lambda counts: best_over_mixed(counts, score)


# The protocols


def _pair(name: str, measures: str, accuracy_with: str, f1_with: str, rows: Score, forced: bool = False) -> list:
    """Accuracy and macro-F1 over the same rows, where three labels can be wholly right."""

    def of_rows(value: Score) -> Score:
        return lambda counts: value(rows(counts))

    return [
        Protocol(name, score, f"{score} {measures}", beside, of_rows(value), rows, forced=forced)
        for score, beside, value in (("accuracy", accuracy_with, _accuracy), ("macro-F1", f1_with, _macro_f1))
    ]


_NONE = "none known"
_OWN = (
    "TF-IDF and logistic regression, cross-validated by `baseline` on the official training file: .630 (.619 to .642)"
)

PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        "official 2016",
        "polarity score",
        "mean F1 of opos = 0 and 1, and of oneg = 0 and 1, over all rows; the mixed ones count on both sides",
        "on the official test set, best at EVALITA 2016 (UniPI): .6638 (Barbieri et al. 2016); AlBERTo: .722 "
        "(secondary source)",
        polarity_score,
        ceiling=_best(polarity_score),
    ),
    *_pair(
        "three classes, mixed dropped",
        "of negative, neutral, positive; tweets marked both ways left out",
        f"the neuraly card: .82, on its own split; {_OWN}",
        _NONE,
        _mixed_dropped,
    ),
    *_pair(
        "three classes, mixed as neutral",
        "of negative, neutral, positive; tweets marked both ways count as neutral",
        _NONE,
        _NONE,
        _mixed_as("neutral"),
    ),
    *_pair(
        "three classes, mixed as negative",
        "of negative, neutral, positive; tweets marked both ways count as negative",
        _NONE,
        _NONE,
        _mixed_as("negative"),
    ),
    Protocol(
        "four classes, mixed its own (UINAUIL)",
        "accuracy",
        "accuracy over all rows; three labels are wrong about every mixed one",
        "Italian BERT XXL: .675 (UINAUIL, Basile et al. 2023)",
        _accuracy_of_four,
        ceiling=_unmixed_share,
    ),
    Protocol(
        "four classes, mixed its own (UINAUIL)",
        "macro-F1",
        "mean F1 of the four classes; that of mixed is 0 for three labels",
        "Italian BERT XXL: F .740 (UINAUIL, Basile et al. 2023); its averaging is not stated there",
        _macro_f1,
        ceiling=_best_of_four,
    ),
    Protocol(
        "marked polarities (pysentimiento)",
        "mean F1",
        "mean of the F1 of opos = 1 and of oneg = 1 over all rows",
        "UmBERTo: .626, by a model that may give both marks (pysentimiento, Pérez et al. 2021)",
        _f1_of_the_marked,
        ceiling=_best(_f1_of_the_marked),
    ),
    Protocol(
        "three balanced classes (UMSAB)",
        "macro-F1",
        "mean F1 of negative, neutral, positive, each weighted as if equally frequent; mixed tweets left out",
        "XLM-T on 870 balanced Italian tweets: .709 to .715 (Barbieri et al. 2022)",
        lambda counts: _macro_f1(_balanced(counts)),
        _mixed_dropped,
    ),
    *_pair(
        "two classes, neutral answers wrong",
        "over negative and positive tweets only; a neutral answer counts as wrong",
        _NONE,
        _NONE,
        _two_classes,
    ),
    *_pair(
        "two classes, forced choice",
        "over negative and positive tweets only; the more probable of the two is the answer",
        "osiria/bert-tweet-italian-uncased-sentiment: .837, neutral and mixed dropped (its card)",
        "osiria/bert-tweet-italian-uncased-sentiment: F1 .815, neutral and mixed dropped (its card)",
        _two_classes,
        forced=True,
    ),
)
