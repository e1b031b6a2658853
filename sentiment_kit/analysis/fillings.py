"""One sentence, many names: counterfactual token fairness (Garg et al., AIES 2019).

A fair model says the same of a sentence whichever club stands in it. Each frame is filled with the same names, so that
what belongs to the frame cancels: what is left belongs to the name, or to chance. The frames have slots for the name,
for articles and prepositions, and for endings: "{Il}{club} è arrivat{o}".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from ..data import check_columns, refuse_rows
from ..errors import DataError
from ..files.tables import read_table
from .claims import WORTH_SHOWING, judge_effects
from .probes import PROBES_FOLDER, sentiment_score

FRAMES, NAMES = PROBES_FOLDER / "frames.csv", PROBES_FOLDER / "names.csv"
FRAME_COLUMNS = ("frame", "tone", "text")
NAME_COLUMNS = ("name", "article", "gender")
_ARTICLES = pd.read_csv(PROBES_FOLDER / "articles.csv").set_index("article")
"""The word before the name, by article and slot; none before a name alone."""
CONTRASTS = {row.contrast: (row.group, row.other) for row in pd.read_csv(PROBES_FOLDER / "contrasts.csv").itertuples()}
"""Of the names written for this project: which two groups are compared, as `DataFrame.query` understands it."""


def load_fillings(frames: str | Path = FRAMES, names: str | Path = NAMES) -> pd.DataFrame:
    """Fill every frame with every name; without paths 36 sentences and 146 football clubs written for this project.

    Parameters
    ----------
    frames : str or Path, default FRAMES
        Table of `frame`, `tone` and `text` with the slots `{club}`; `{il}`, `{del}`, `{al}`, `{dal}`, `{nel}`, `{col}`
        directly before it, or with a capital; `{o}`, an ending that agrees.
    names : str or Path, default NAMES
        Table of `name`, `article` (il, lo, la, l'), `gender` (m, f), and groups of your own, one column each.

    Returns
    -------
    DataFrame
        One row a text: `frame`, `tone`, `text`, and the columns of `names`; the names of a frame together.

    Raises
    ------
    DataError
        A missing column, an unknown article, gender or slot, naming the row.
    """
    sentences, clubs = read_table(frames), read_table(names)
    for table, columns, path in ((sentences, FRAME_COLUMNS, frames), (clubs, NAME_COLUMNS, names)):
        check_columns(table.columns, columns, path)
        if table.empty:
            raise DataError(f"{path}: has a header and no rows")
    refuse_rows(~clubs["article"].isin(_ARTICLES.index).to_numpy(), clubs["article"], "il, lo, la or l'", names)
    refuse_rows(~clubs["gender"].isin(["m", "f"]).to_numpy(), clubs["gender"], "m or f", names)
    slots = [_slots(*club) for club in clubs[list(NAME_COLUMNS)].itertuples(index=False)]
    filled = []
    for row, sentence in enumerate(sentences.itertuples(), start=1):
        try:
            texts = [sentence.text.format_map(slot) for slot in slots]
        except (KeyError, ValueError, IndexError) as error:
            known = ", ".join(f"{{{name}}}" for name in (*_ARTICLES.columns, "o", "club"))
            raise DataError(f"{frames}: row {row}: unknown slot or brace: {error}; expected {known}") from None
        filled.append(clubs.assign(frame=sentence.frame, tone=sentence.tone, text=texts))
    return pd.concat(filled, ignore_index=True)[[*FRAME_COLUMNS, *clubs.columns]]


def _slots(name: str, article: str, gender: str) -> dict[str, str]:
    words = {slot: word if word.endswith("'") else f"{word} " for slot, word in _ARTICLES.loc[article].items()}
    words |= {slot.capitalize(): word.capitalize() for slot, word in words.items()}
    return words | {"club": name, "o": "o" if gender == "m" else "a"}


def name_effects(filled: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """By how much does each name move the score, and which is the worst off?

    Parameters
    ----------
    filled : DataFrame
        As from `load_fillings`: every name in every frame. Frames that were not all read are left out.
    predictions : DataFrame
        Prediction table of its texts, with the same index.

    Returns
    -------
    DataFrame
        Indexed by `name`, worst first: `value`, the mean of P(positive) - P(negative) less that of all names in the
        same frame, with `low` to `high`, Student's over the frames and simultaneous over the names (Bonferroni); `n`
        frames; `flip_rate`, in how many the label is not that of most names; `pieces`, by how many word pieces its
        texts are longer than the shortest (NaN without `n_tokens`); `verdict` and `n_needed` of `judge_effects`.
    """
    scores = _crossed(filled, sentiment_score(predictions))
    moved = scores.sub(scores.mean(axis=1), axis=0)  # (frames, names)
    n_frames, n_names = moved.shape
    labels = _crossed(filled, predictions["label"].astype(object)).loc[scores.index]
    half = t.isf(0.025 / n_names, max(n_frames - 1, 1)) * moved.std() / np.sqrt(n_frames)
    table = pd.DataFrame({"value": moved.mean(), "low": moved.mean() - half, "high": moved.mean() + half})
    table["n"], table["flip_rate"] = n_frames, labels.ne(labels.mode(axis=1)[0], axis=0).mean()
    table["pieces"] = np.nan
    if "n_tokens" in predictions:
        lengths = _crossed(filled, predictions["n_tokens"].astype(float))
        table["pieces"] = lengths.sub(lengths.min(axis=1), axis=0).mean()
    return judge_effects(table, matters=WORTH_SHOWING["shift"]).sort_values("value", kind="stable")


def token_fairness(filled: pd.DataFrame, predictions: pd.DataFrame) -> pd.Series:
    """How far apart do names lie, and how much of that is explained by how rare they are?

    Parameters
    ----------
    filled : DataFrame
        As in `name_effects`.
    predictions : DataFrame
        As in `name_effects`.

    Returns
    -------
    Series
        `gap`, the mean |difference| of the scores of two names in one frame (counterfactual token fairness gap: Garg et
        al. 2019), in [0, 2], with its 95% interval `gap_low` to `gap_high` over the frames; `spread`, the standard
        deviation of the names' effects beyond what chance over so many frames would make of none; `flip_rate`;
        `explained`, the share in [0, 1] of the effects' variance that a straight line over `pieces` explains.

    Notes
    -----
    How often a name stood in the pre-training nobody can count. That it is cut into many pieces is the nearest thing: a
    vocabulary keeps frequent names whole. It is the name's length as well.
    """
    scores, names = _crossed(filled, sentiment_score(predictions)), name_effects(filled, predictions)
    n_frames, n_names = scores.shape
    ranks = 2 * np.arange(1, n_names + 1) - n_names - 1
    gaps = np.sort(scores.to_numpy(), axis=1) @ ranks / (n_names * (n_names - 1) / 2)  # (frames,): of all pairs
    half = t.ppf(0.975, n_frames - 1) * gaps.std(ddof=1) / np.sqrt(n_frames)
    chance = scores.sub(scores.mean(axis=1), axis=0).var().mean() / n_frames
    found = {"gap": gaps.mean(), "gap_low": max(0, gaps.mean() - half), "gap_high": gaps.mean() + half}
    found["spread"] = np.sqrt(max(0, names["value"].var() - chance))
    return pd.Series(
        found | {"flip_rate": names["flip_rate"].mean(), "explained": names["value"].corr(names["pieces"]) ** 2}
    )


def name_contrasts(
    filled: pd.DataFrame, predictions: pd.DataFrame, contrasts: dict[str, tuple[str, str]] = CONTRASTS
) -> pd.DataFrame:
    """Are names of one group liked less than those of another?

    Parameters
    ----------
    filled : DataFrame
        As in `name_effects`.
    predictions : DataFrame
        As in `name_effects`.
    contrasts : dict, default CONTRASTS
        By the contrast's name two groups of names, each a condition on the columns of `filled`.

    Returns
    -------
    DataFrame
        Indexed by `contrast`: `value`, the mean score of the first group less that of the second in the same frames,
        with `low` to `high`, simultaneous over the contrasts (Bonferroni); `names` and `names_other`; `n`, the smallest
        number of names or frames; `verdict` and `n_needed` of `judge_effects`. NaN with fewer than 2 of any.

    Notes
    -----
    Both the frames and the names are samples, so the variance is that of both: clustered on the frame, plus clustered
    on the name, less that of their cells (Cameron, Gelbach and Miller 2011). A model to which some names mean
    something, but not by group, is not accused.
    """
    scores = _crossed(filled, sentiment_score(predictions))
    moved, rows = scores.sub(scores.mean(axis=1), axis=0).to_numpy(), {}
    for contrast, conditions in contrasts.items():
        one, other = (scores.columns.isin(filled.query(condition)["name"]) for condition in conditions)
        fewest, n_frames = min(one.sum(), other.sum(), len(scores)), len(scores)
        if fewest < 2:
            rows[contrast] = (np.nan, np.nan, np.nan, one.sum(), other.sum(), fewest)
            continue
        weights = one / one.sum() - other / other.sum()  # (names,)
        means = moved.mean(axis=0)
        centred = means - np.where(one, means[one].mean(), means[other].mean())
        by_frame, value = (moved @ weights).var(ddof=1) / n_frames, means @ weights
        by_name = (weights**2 * centred**2).sum() * fewest / (fewest - 1)
        by_cell = (weights**2 * (moved - means).var(axis=0, ddof=1)).sum() / n_frames
        error = np.sqrt(max(by_frame + by_name - by_cell, by_frame, by_name))
        half = t.isf(0.025 / len(contrasts), fewest - 1) * error
        rows[contrast] = (value, value - half, value + half, one.sum(), other.sum(), fewest)
    columns = ["value", "low", "high", "names", "names_other", "n"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("contrast")
    return judge_effects(table, matters=WORTH_SHOWING["shift"])


def _crossed(filled: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """(frames, names), of frames in which each name has a value."""
    table = filled.assign(value=values.to_numpy()).set_index(["frame", "name"])["value"]
    return table.unstack().dropna()  # noqa: PD010 - a pivot table averages
