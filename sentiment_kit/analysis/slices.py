"""Where: any score inside a slice of the tweets and outside it, whether the gap is more than chance, and the errors.

A slice is a column of true and false (about football, has an emoji, ironic), so slices may overlap. Tables in, tables
out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..evaluation.calibration import gold_losses
from ..evaluation.intervals import RESAMPLES, bootstrap, minimum_detectable_difference, q_values
from ..evaluation.scores import (
    SCORES,
    check_index,
    matched_codes,
    named_groups,
    score_intervals,
    scores_of_counts,
    warned,
)
from ..labels import LABELS
from .claims import WORTH_SHOWING
from .duplicates import near_duplicates

# A score inside and outside


def scores_by_slice(
    gold: pd.Series,
    predicted: pd.Series,
    slices: pd.DataFrame,
    *,
    score: str = "accuracy",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """A score inside and outside of each slice.

    Parameters
    ----------
    gold, predicted : Series
        Labels with the same index; missing as in `evaluation.scores`.
    slices : DataFrame of bool
        One column a slice, with the same index; a missing value is outside.
    score : str, default "accuracy"
        One of `evaluation.scores.SCORES`.
    resamples : int, default 10000
        Draws of the bootstrap and the permutations.
    seed : int, default 0
        Seed of the bootstrap and the permutations.

    Returns
    -------
    DataFrame
        Indexed by slice: `n`, `value`, `low`, `high` inside, as in `scores.score_intervals`; `n_outside`,
        `value_outside`; `gap`, inside - outside, with its 95% bootstrap interval `gap_low` to `gap_high`; `p_value` of
        a permutation test, two-sided; `q_value`, corrected for the number of slices (Benjamini and Hochberg 1995);
        `detectable`, the smallest drop that so many rows show with 80% power (of a share as large as the value outside;
        for scores other than shares a rough guide); `enough`, whether that is at most 0.1. NaN where a slice or its
        complement is empty or the score undefined.

    Raises
    ------
    ValueError
        An unknown score, different indexes, a column that is not bool.

    Notes
    -----
    The permutations shuffle who is in the slice among all rows, for a recall among the rows of its label, and for a
    precision among those so predicted, so that n stays. With few rows, or close to 0 or 1, test and interval can
    disagree near the border; a verdict goes by the q-value.
    """
    if score not in SCORES:
        raise ValueError(f"score must be one of {', '.join(SCORES)}, but {score!r} was passed")
    check_index(gold, slices, "gold labels and slices")
    true, given = matched_codes(gold, predicted)
    labelled = gold.notna().to_numpy()
    rows = {}
    for name in slices.columns:
        inside = _membership(slices[name])[labelled]
        counts = np.bincount(12 * ~inside + 4 * true + given, minlength=24).reshape(2, 3, 4)
        rows[name] = _slice_row(counts, score, resamples, seed)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("slice")
    table.insert(table.columns.get_loc("p_value") + 1, "q_value", q_values(table["p_value"]))
    return table


def scores_by_group(
    gold: pd.Series,
    predicted: pd.Series,
    groups: pd.Series,
    *,
    score: str = "accuracy",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """`scores_by_slice` of each value of a column, say the topic.

    Returns
    -------
    DataFrame
        Indexed by group, the missing one last as "(none)". Columns as of `scores_by_slice`; of a group with too few
        rows what is undefined is NaN, with a warning.

    Raises
    ------
    ValueError
        As in `scores_by_slice` and `named_groups`.
    """
    check_index(gold, groups, "gold labels and groups")
    names = named_groups(groups)
    slices = pd.DataFrame({name: names == name for name in names.cat.categories}, index=groups.index)
    table = scores_by_slice(gold, predicted, slices, score=score, resamples=resamples, seed=seed)
    return warned(table.rename_axis("group"))


def _membership(column: pd.Series) -> np.ndarray:
    values = column.astype(object).where(column.notna(), False)
    odd = [value for value in values.unique() if not isinstance(value, bool | np.bool_)]
    if odd:
        raise ValueError(f"slice {column.name!r} must hold true and false, but has {odd[0]!r:.80}")
    return values.to_numpy(dtype=bool)


def _slice_row(counts: np.ndarray, score: str, resamples: int, seed: int) -> dict[str, object]:
    """One row from counts (2 inside and outside, 3 true, 4 predicted)."""

    def gap_of(drawn: np.ndarray) -> dict[str, np.ndarray]:
        both = scores_of_counts(drawn)[score]  # (..., 2)
        return {"gap": both[..., 0] - both[..., 1]}

    inside, other = (score_intervals(part, resamples=resamples, seed=seed).loc[score] for part in counts)
    gap = bootstrap(counts, gap_of, resamples=resamples, seed=seed).loc["gap"]
    n, n_outside, outside = int(inside["n"]), int(other["n"]), float(other["value"])
    enough_rows = n and n_outside and 0 <= outside <= 1
    detectable = minimum_detectable_difference(n, n_outside, share=outside) if enough_rows else np.nan
    return {
        "n": n,
        **inside[["value", "low", "high"]],
        "n_outside": n_outside,
        "value_outside": outside,
        "gap": gap["value"],
        "gap_low": gap["low"],
        "gap_high": gap["high"],
        "p_value": _permutation_p(counts, score, resamples, seed),
        "detectable": detectable,
        "enough": bool(detectable <= WORTH_SHOWING["gap"]),
    }


def _permutation_p(counts: np.ndarray, score: str, resamples: int, seed: int) -> float:
    """How often a slice of so many rows drawn at random has a gap as large, in either direction.

    To shuffle membership is to draw the slice's table from the whole one without replacement.
    """
    kind, _, label = score.partition("_")
    if kind in ("recall", "precision"):  # of its own rows alone: that a slice has more of them than others is no gap
        own = np.zeros_like(counts)
        cells = (slice(None), LABELS.index(label)) if kind == "recall" else (..., LABELS.index(label))
        own[cells] = counts[cells]
        counts = own
    whole = counts.sum(axis=0)
    both = scores_of_counts(counts)[score]
    observed = abs(both[0] - both[1])
    if np.isnan(observed):
        return np.nan
    generator = np.random.default_rng(seed)
    drawn = generator.multivariate_hypergeometric(
        whole.ravel(), int(counts[0].sum()), size=resamples, method="marginals"
    ).reshape(resamples, *whole.shape)
    shuffled = scores_of_counts(np.stack([drawn, whole - drawn], axis=1))[score]  # (resamples, 2)
    gaps = np.abs(shuffled[:, 0] - shuffled[:, 1])
    return float((1 + (gaps >= observed - 1e-12).sum()) / (1 + resamples))


# The errors themselves


class Errors(NamedTuple):
    """What `worst_errors` finds; both tables keep the index of the tweets."""

    worst: pd.DataFrame
    """All errors by loss, near-duplicates as one: `text`, `gold`, `predicted` (missing for no prediction), `loss` in
    nats, `confidence`, `slices` (names, joined by ", "), `copies` (errors that are near-duplicates of it, itself
    included, with the same gold label and prediction), `suspected` (whether it is in the other table)."""
    suspected: pd.DataFrame
    """Suspected label errors, of the same columns but the last: the model disagrees with the gold label and is sure.
    `contradicted` says how many near-duplicates in the data have the label that the model gives; these come first."""


def worst_errors(
    gold: pd.Series, predictions: pd.DataFrame, slices: pd.DataFrame | None = None, *, confident: float = 0.9
) -> Errors:
    """The errors, worst first, and apart from them those where the gold label may be wrong.

    Parameters
    ----------
    gold : Series
        Gold labels; rows without one are left out.
    predictions : DataFrame
        Prediction table with the same index.
    slices : DataFrame of bool, optional
        One column a slice, with the same index, to name the slices of each error. None: no names.
    confident : float in [0, 1], default 0.9
        From which confidence on a disagreement makes the gold label suspect.

    Returns
    -------
    Errors
        The loss is -log of the probability given to the gold label (infinite for probability 0); an error without
        prediction has none and comes last. A confident error of the model and an error of the annotators look alike in
        numbers: the table `suspected` is for reading, and nothing is removed.

    Raises
    ------
    ValueError
        Different indexes, predictions without probabilities, or a slice that is not bool.
    """
    tags = pd.DataFrame(index=predictions.index) if slices is None else slices
    check_index(predictions, tags, "predictions and slices")
    table = pd.DataFrame(
        {
            "text": predictions["text"],
            "gold": gold,
            "predicted": predictions["label"],
            "loss": gold_losses(gold, predictions),
            "confidence": predictions["confidence"],
            "slices": _names_of(tags),
            "group": near_duplicates(predictions["text"]),
        }
    )
    wrong = table["gold"].notna() & (table["gold"].astype(object) != table["predicted"].astype(object))
    alike = table.groupby(["group", "gold"], observed=True).size()
    errors = table[wrong].sort_values("loss", ascending=False, kind="stable", na_position="last")
    kind = [errors[name].astype(object).fillna("(none)") for name in ("group", "gold", "predicted")]
    errors.insert(6, "copies", errors.groupby(kind)["text"].transform("size").astype(int))
    errors = errors[~pd.concat(kind, axis=1).duplicated()]
    sure = errors["confidence"] >= confident
    contradicted = alike.reindex(pd.MultiIndex.from_arrays([errors["group"], errors["predicted"]]), fill_value=0)
    suspected = errors.assign(contradicted=contradicted.to_numpy(dtype=int))[sure]
    suspected = suspected.sort_values(["contradicted", "confidence"], ascending=False, kind="stable")
    return Errors(errors.drop(columns="group").assign(suspected=sure), suspected.drop(columns="group"))


def _names_of(slices: pd.DataFrame) -> list[str]:
    """For each row the slices that it is in."""
    inside = {name: _membership(slices[name]) for name in slices.columns}
    return [", ".join(name for name in inside if inside[name][row]) for row in range(len(slices))]
