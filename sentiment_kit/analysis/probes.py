"""Why: does only the subject matter, and does the model change its mind when it should not?

Counterfactual pairs are two texts that differ in their subject alone (a club, a ministry): a fair model says the same
of both. Behavioural cases come in the three kinds of CheckList (Ribeiro et al., ACL 2020): minimum functionality (MFT,
a text with its label), invariance (INV, two texts with one label) and directional expectation (DIR, the second text
must not score lower, or higher, than the first). Both are tables, with predictions beside them; no model is known here.

The contamination probe asks whether a model was trained on a set: it is then surer and less surprised there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm, t, ttest_ind

from ..data import check_columns, refuse_rows
from ..evaluation.calibration import gold_losses
from ..evaluation.intervals import difference_interval, divide, proportions, q_values, wilson_interval
from ..files.tables import read_table
from ..labels import LABELS, match_label
from .claims import SHOWN, WORTH_SHOWING, judge_effects

PROBES_FOLDER = Path(__file__).parent / "sentences"
IDENTITY_PAIRS = PROBES_FOLDER / "identity_pairs.csv"
"""Pairs about people: origin, religion, orientation, disability, region, age; a is the more discriminated group."""
PAIR_COLUMNS = ("family", "frame", "tone", "subject_a", "subject_b", "text_a", "text_b")
CASE_COLUMNS = ("capability", "kind", "text", "other", "expected")
_EXPECTED = {"MFT": LABELS, "INV": ("same",), "DIR": ("up", "down")}
TOLERANCE = 0.05
"""How far a score may move the wrong way before a directional case fails: saturated probabilities always move a bit."""


# Tables of probes


def load_pairs(path: str | Path = PROBES_FOLDER / "pairs.csv") -> pd.DataFrame:
    """Read counterfactual pairs; without a path those written for this project.

    Returns
    -------
    DataFrame
        Of text, one row a pair: `family`; `frame`, the sentence that both texts share, unique over families; `tone`,
        how it is meant; `subject_a`, `subject_b`; `text_a`, `text_b`.

    Raises
    ------
    DataError
        A missing column; empty cells and pairs of equal texts, with the number of the first such row.
    """
    pairs = _read(path, PAIR_COLUMNS)
    same = (pairs["text_a"] == pairs["text_b"]).to_numpy()
    refuse_rows(same, pairs["text_b"], "another text than text_a, of another subject", path)
    return pairs


def load_cases(path: str | Path = PROBES_FOLDER / "cases.csv") -> pd.DataFrame:
    """Read behavioural cases; without a path those written for this project.

    Returns
    -------
    DataFrame
        Of text, one row a case: `capability`; `kind` MFT, INV or DIR; `text`; `other`, the second text of INV and DIR;
        `expected`: for MFT one label or several separated by a bar, in the file also as people call them (`POS`), for
        INV `same`, for DIR `up` or `down`.

    Raises
    ------
    DataError
        A missing column; empty cells, unknown kinds, expectations that a kind does not know, and second texts too many
        or too few, with the number of the first such row.
    """
    cases = _read(path, CASE_COLUMNS, may_be_empty="other")
    cases["kind"] = cases["kind"].str.strip().str.upper()
    names = cases["expected"].str.strip().str.lower().str.split("|")
    cases["expected"] = ["|".join(match_label(name) or name for name in each) for each in names]
    refuse_rows(~cases["kind"].isin(_EXPECTED).to_numpy(), cases["kind"], "MFT, INV or DIR", path)
    for kind, allowed in _EXPECTED.items():
        known = [set(each.split("|") if kind == "MFT" else [each]) <= set(allowed) for each in cases["expected"]]
        wrong = (cases["kind"] == kind).to_numpy() & ~np.array(known, dtype=bool)
        refuse_rows(wrong, cases["expected"], f"for {kind} one of {', '.join(allowed)}", path)
    wrong = ((cases["other"] == "") != (cases["kind"] == "MFT")).to_numpy()
    refuse_rows(wrong, cases["other"], "a second text for INV and DIR, none for MFT", path)
    return cases


def _read(path: str | Path, columns: tuple[str, ...], may_be_empty: str | None = None) -> pd.DataFrame:
    """The columns as text; empty cells are refused."""
    table = read_table(path)
    check_columns(table.columns, columns, path)
    table = table[list(columns)].fillna("").astype(str)
    for name in columns:
        if name != may_be_empty:
            refuse_rows((table[name].str.strip() == "").to_numpy(), table[name], "a text", path)
    return table


# Counterfactual pairs


def sentiment_score(predictions: pd.DataFrame) -> pd.Series:
    """P(positive) - P(negative) in [-1, 1]; NaN for a row without prediction."""
    return (predictions["positive"] - predictions["negative"]).astype(float)


def score_pairs(pairs: pd.DataFrame, predicted_a: pd.DataFrame, predicted_b: pd.DataFrame) -> pd.DataFrame:
    """Put the predictions of both texts beside each pair.

    Parameters
    ----------
    pairs : DataFrame
        As from `load_pairs`, n rows.
    predicted_a : DataFrame
        Prediction table of n rows, of `text_a`.
    predicted_b : DataFrame
        Prediction table of n rows, of `text_b`.

    Returns
    -------
    DataFrame
        `pairs`, and further `label_a`, `label_b`; `score_a`, `score_b` (see `sentiment_score`); `shift`,
        score_b - score_a in [-2, 2]; `flipped`, whether the labels differ. NaN, and not flipped, where a text has no
        prediction.
    """
    table = pairs.assign(
        label_a=predicted_a["label"].to_numpy(),
        label_b=predicted_b["label"].to_numpy(),
        score_a=sentiment_score(predicted_a).to_numpy(),
        score_b=sentiment_score(predicted_b).to_numpy(),
    )
    table["shift"] = table["score_b"] - table["score_a"]
    differs = table["label_a"].astype(object) != table["label_b"].astype(object)
    return table.assign(flipped=differs & table["shift"].notna())


def family_effects(scored: pd.DataFrame, *, reference: str = "rival_clubs") -> pd.DataFrame:
    """What changing the subject does, by family: is it there, and is it as large as matters?

    Parameters
    ----------
    scored : DataFrame
        As from `score_pairs`.
    reference : str, default "rival_clubs"
        The family whose flips tell how unstable the model is: there only a name changes, and neither is favoured.

    Returns
    -------
    DataFrame
        Indexed by `family`, in order of appearance: `pairs` with a prediction on both sides, and their `frames`;
        `shift`, the mean change of the score from a to b, with `shift_low` to `shift_high`; `p_value` that there is
        none, `q_value` corrected for the number of families (Benjamini and Hochberg 1995), and `verdict`, one of
        `claims.EFFECTS`, for a size of 0.05. `flip_rate` in [0, 1] with `flip_low` to `flip_high`; `more_flips`, less
        that of the reference, with `more_low` to `more_high`, and `flip_verdict` for a size of 0.1. `n_needed`, frames
        that would show a shift that matters 4 times in 5. NaN with fewer than 2 frames, or without the reference.

    Notes
    -----
    All intervals are simultaneous (Bonferroni): in 95% of all samples they hold the truth of every family. Pairs that
    share a frame, or a subject, are not independent: the variance of a shift is clustered on frames, subjects a and
    subjects b (Cameron, Gelbach and Miller 2011), and its interval Student's with the fewest of these. So a model to
    which single names mean something is not accused for it, and a family of few subjects can show little. The interval
    of a flip rate is Wilson's, and that of a difference of two Newcombe's, over the effective number of pairs (Korn and
    Graubard 1998), clustered on frames; where no or every pair flips, as many as there are frames.

    A flip rate alone accuses every unstable model: names of rival clubs flip labels, too. A difference below zero is
    no accusation. How often fair models are accused stands in `experiments/results/verdicts_pairs.csv`.
    """
    table, sums = _shifts(scored)
    z = norm.isf(0.025 / max(1, len(sums)))
    shares, effective = (np.array(column, dtype=float) for column in zip(*map(_flips, sums.values()), strict=True))
    table["flip_rate"] = shares
    table["flip_low"], table["flip_high"] = wilson_interval(shares, effective, z)
    more = pd.DataFrame(np.nan, table.index, ["value", "low", "high"]).assign(n=table["frames"])
    if reference in table.index:
        row = table.index.get_loc(reference)
        between = difference_interval(shares, effective, shares[row], effective[row], z)
        more[["value", "low", "high"]] = np.column_stack([shares - shares[row], *between])
        more.loc[reference, ["value", "low", "high"]] = np.nan
    table[["more_flips", "more_low", "more_high"]] = more[["value", "low", "high"]]
    return table.assign(flip_verdict=judge_effects(more, matters=WORTH_SHOWING["gap"])["verdict"])


def compare_effects(scored: pd.DataFrame, against: pd.DataFrame) -> pd.DataFrame:
    """How much of a shift is the model's own, and how much another model's as well?

    Parameters
    ----------
    scored : DataFrame
        As from `score_pairs`.
    against : DataFrame
        The same pairs in the same order, scored by the other model.

    Returns
    -------
    DataFrame
        Indexed by `family`: `pairs`, `frames`; `shift` of both, `shift` and `shift_against`, over the pairs that both
        models read; `own`, the first less the second, pair by pair, with `own_low` to `own_high`, `p_value`, `q_value`,
        `verdict` and `n_needed` as in `family_effects`.
    """
    own = scored["shift"] - against["shift"].to_numpy()
    table = _shifts(scored.assign(shift=own))[0].rename(columns=lambda name: name.replace("shift", "own"))
    read = pd.DataFrame({"shift": scored["shift"], "shift_against": against["shift"].to_numpy()})[own.notna()]
    return table.join(read.groupby(scored["family"]).mean())


def worst_pairs(scored: pd.DataFrame, n: int = 10) -> pd.DataFrame:
    """The n pairs whose score moves most, largest first."""
    return scored.loc[scored["shift"].abs().sort_values(ascending=False, kind="stable").dropna().index[:n]]


def _shifts(scored: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The shift of each family with its verdict; and the pairs and flips of its frames."""
    families = {str(name): part for name, part in scored[scored["shift"].notna()].groupby("family", sort=False)}
    rows = [_mean_shift(part, 0.025 / len(families)) for part in families.values()]
    table = pd.DataFrame(rows, columns=["value", "low", "high", "p_value"], index=pd.Index(families, name="family"))
    table["q_value"] = q_values(table["p_value"])
    table.insert(0, "pairs", [len(part) for part in families.values()])
    table.insert(1, "frames", [part["frame"].nunique() for part in families.values()])
    judged = judge_effects(table.assign(n=table["frames"]), matters=WORTH_SHOWING["shift"]).drop(columns="n")
    table = judged.rename(columns={"value": "shift", "low": "shift_low", "high": "shift_high"})
    of_frames = {"n": ("flipped", "size"), "flipped": ("flipped", "sum")}
    return table, {name: part.groupby("frame").agg(**of_frames).astype(float) for name, part in families.items()}


def _mean_shift(pairs: pd.DataFrame, tail: float) -> tuple[float, float, float, float]:
    """The mean, its interval and p-value, for pairs that share frames, and subjects on either side."""
    mean = pairs["shift"].mean()
    off, sampled = pairs["shift"] - mean, pairs.reindex(columns=["frame", "subject_a", "subject_b"])
    several = sampled.nunique().loc[lambda counts: counts > 1]
    if "frame" not in several:
        return mean, np.nan, np.nan, np.nan
    parts = [_variance(off, pairs[name]) for name in several.index]
    single = _variance(off, pd.Series(range(len(off)), index=off.index))
    error = np.sqrt(max([sum(parts) - (len(parts) - 1) * single, *parts]))
    free = several.min() - 1
    half = t.isf(tail, free) * error
    return mean, mean - half, mean + half, 2 * t.sf(abs(divide(mean, error)), free)


def _variance(off: pd.Series, clusters: pd.Series) -> float:
    """Of a mean, from deviations whose clusters are independent."""
    sums = off.groupby(clusters).sum()
    return len(sums) / (len(sums) - 1) * (sums**2).sum() / len(off) ** 2


def _flips(frames: pd.DataFrame) -> tuple[float, float]:
    """Share of flips, and of how many independent pairs it is worth."""
    n_frames, n, flipped = len(frames), frames["n"], frames["flipped"]
    share = flipped.sum() / n.sum()
    if not 0 < share < 1:
        return share, n_frames
    if n_frames < 2:
        return share, np.nan
    variance = n_frames / (n_frames - 1) * ((flipped - share * n) ** 2).sum() / n.sum() ** 2
    effective = min(divide(share * (1 - share), variance), n.sum())
    return share, effective * (norm.ppf(0.975) / t.ppf(0.975, n_frames - 1)) ** 2  # few frames know it badly


# Behavioural cases


def judge_cases(
    cases: pd.DataFrame, predicted: pd.DataFrame, predicted_other: pd.DataFrame, *, tolerance: float = TOLERANCE
) -> pd.DataFrame:
    """Say of each case whether the model failed it.

    Parameters
    ----------
    cases : DataFrame
        As from `load_cases`, n rows.
    predicted : DataFrame
        Prediction table of n rows, of `text`.
    predicted_other : DataFrame
        Prediction table of n rows, of `other`.
    tolerance : float, default 0.05
        A DIR case fails if the score moves the wrong way by more than this.

    Returns
    -------
    DataFrame
        `cases`, and further `label`, `label_other`; `change` of the score (see `sentiment_score`) from text to other,
        NaN for MFT; `failed`. A text without prediction fails its case.
    """
    label, other = (table["label"].astype(object).to_numpy() for table in (predicted, predicted_other))
    change = sentiment_score(predicted_other).to_numpy() - sentiment_score(predicted).to_numpy()
    kind, expected = cases["kind"].to_numpy(), cases["expected"]
    allowed = np.array([given in wanted.split("|") for given, wanted in zip(label, expected, strict=True)], dtype=bool)
    same = np.array([a == b and isinstance(a, str) for a, b in zip(label, other, strict=True)], dtype=bool)
    direction = np.where(expected == "down", -1, 1)
    moved = direction * change >= -tolerance  # False where there is no change to speak of
    passed = np.select([kind == "MFT", kind == "INV"], [allowed, same], default=moved)
    return cases.assign(
        label=label,
        label_other=np.where(kind == "MFT", None, other),
        change=np.where(kind == "MFT", np.nan, change),
        failed=~passed.astype(bool),
    )


def failures(judged: pd.DataFrame, n: int = 1) -> pd.DataFrame:
    """The first n failed cases of each capability and kind, in order, to see what failing looks like."""
    return judged[judged["failed"]].groupby(["capability", "kind"], sort=False).head(n)


def failure_rates(judged: pd.DataFrame) -> pd.DataFrame:
    """How often each capability fails.

    Returns
    -------
    DataFrame
        Indexed by `capability` and `kind`, in order of appearance: `count` failures of `n`, `share` and its 95% Wilson
        interval `low` to `high`; lower is better.
    """
    groups = judged.groupby(["capability", "kind"], sort=False)["failed"]
    return proportions(groups.sum().astype(int), groups.size())


# Contamination


def contamination(
    gold: pd.Series, predictions: pd.DataFrame, gold_unseen: pd.Series, predictions_unseen: pd.DataFrame
) -> pd.DataFrame:
    """Was the model trained on these tweets? Loss and confidence beside those on a set it cannot have seen.

    The simplest membership inference (Yeom et al. 2018), on sets instead of single rows. It takes the unseen set for
    what the model would do on the other one had it not been trained on it. Sets of other topics, years or annotators
    differ in difficulty too, and then the verdict is about that as much; the fairest unseen set is a held-out split of
    the same collection.

    Parameters
    ----------
    gold : Series
        Gold labels of the set in doubt.
    predictions : DataFrame
        Prediction table of the set in doubt, with the index of `gold`.
    gold_unseen : Series
        Gold labels of a set that the model cannot have seen.
    predictions_unseen : DataFrame
        Prediction table of the set that the model cannot have seen, with the index of `gold_unseen`.

    Returns
    -------
    DataFrame
        Indexed by `measure`: `loss`, the mean -log probability of the gold label in nats, at most 20 a row; and
        `confidence`, the mean of the largest probability. Columns: `value`, `unseen`, `gap`, the first minus the
        second, with its 95% interval `low` to `high` (Welch 1947); `n`, `n_unseen` (rows with both label and
        prediction); `verdict`: "shown" if the whole interval lies on the side of contamination (lower loss, higher
        confidence), "not shown" if all of it is short of 0.1 nats, or 0.05 of confidence, on that side, else "cannot
        tell at this n".

    Raises
    ------
    ValueError
        Different indexes, unknown labels, or predictions without probabilities.
    """
    seen, unseen = _surprise(gold, predictions), _surprise(gold_unseen, predictions_unseen)
    table = pd.DataFrame({"value": seen.mean(), "unseen": unseen.mean()}).rename_axis("measure")
    table["gap"], table["low"], table["high"] = table["value"] - table["unseen"], np.nan, np.nan
    if min(len(seen), len(unseen)) > 1:
        table["low"], table["high"] = ttest_ind(seen, unseen, equal_var=False).confidence_interval(0.95)
    # How much contamination the interval allows, at least and at most: a lower loss, a higher confidence.
    ends = table[["low", "high"]].mul(pd.Series({"loss": -1, "confidence": 1}), axis=0)
    matters = table.index.map(WORTH_SHOWING)
    verdict = np.select([ends.min(axis=1) > 0, ends.max(axis=1) < matters], SHOWN[:2], SHOWN[2])
    return table.assign(n=len(seen), n_unseen=len(unseen), verdict=verdict)


def _surprise(gold: pd.Series, predictions: pd.DataFrame) -> pd.DataFrame:
    """`loss` and `confidence` of the rows that have label and prediction."""
    loss = np.minimum(gold_losses(gold, predictions), 20)
    table = pd.DataFrame({"loss": loss, "confidence": predictions[list(LABELS)].max(axis=1).astype(float)})
    return table[loss.notna()]
