"""All that one prediction is worth, in tables: what `sentiment-kit evaluate` prints, and writes to a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..analysis.slices import scores_by_group
from ..data import is_mixed, settle_mixed
from ..errors import DataError
from ..evaluation.calibration import calibration_scores, reliability_table, risk_coverage
from ..evaluation.confusion import confusion_table
from ..evaluation.protocols import protocol_table
from ..evaluation.scores import official_polarity_score, scores, scores_by_class
from ..files.writing import json_records, whole_folder
from ..labels import LABELS
from .plots import interval_dots, save_figure
from .score_plots import confusion_heatmap, coverage_curve, reliability_diagram

__all__ = ["Scorecard", "make_scorecard", "scorecard_json", "scorecard_text", "write_scorecard"]


class Scorecard(NamedTuple):
    """What `make_scorecard` finds."""

    counts: dict[str, int]
    """`n` rows scored; `n_mixed` rows marked both ways; `n_unlabelled` other rows without a label; `n_unreadable` rows
    without a prediction, which count as wrong wherever they are scored."""
    tables: dict[str, pd.DataFrame]
    """`scores`, `per_class`, `official`, `protocols`, `confusion`; with probabilities also `calibration`,
    `reliability`, `risk_coverage`; with a column to group by also `groups`."""


def make_scorecard(
    tweets: pd.DataFrame, predictions: pd.DataFrame, *, mixed: str = "drop", by: str | None = None
) -> Scorecard:
    """Score predictions in every way this package knows.

    Parameters
    ----------
    tweets : DataFrame
        Tweet table, mixed rows kept.
    predictions : DataFrame
        With the same index: `label`, and for calibration the three probabilities.
    mixed : str, default "drop"
        What mixed rows count as ("drop", "neutral", "negative" or "keep") in all but the official score and the
        protocols, which see them in any case. "drop" and "keep" both leave them out of scores that know three labels.
    by : str, optional
        Column of `tweets` by whose values accuracy is given. None: no such table.
    """
    gold, predicted = settle_mixed(tweets, mixed), predictions["label"]
    both = is_mixed(tweets)
    counts = {
        "n": int(gold.notna().sum()),
        "n_mixed": int(both.sum()),
        "n_unlabelled": int((tweets["label"].isna() & ~both).sum()),
        "n_unreadable": int(predicted.isna().sum()),
    }
    tables = {
        "scores": scores(gold, predicted),
        "per_class": scores_by_class(gold, predicted),
        "official": official_polarity_score(tweets, predicted),
        "protocols": protocol_table(tweets, predictions),
        "confusion": confusion_table(gold, predicted),
    }
    if set(LABELS) <= set(predictions.columns):
        tables["calibration"] = calibration_scores(gold, predictions)
        tables["reliability"] = reliability_table(gold, predictions)
        tables["risk_coverage"] = risk_coverage(gold, predictions)
    if by is not None:
        tables["groups"] = scores_by_group(gold, predicted, tweets[by])
    return Scorecard(counts, tables)


def scorecard_json(card: Scorecard, provenance: dict[str, Any]) -> str:
    """One JSON object: counts, then each score as `value`, `low`, `high` (and what else its table says), null where
    undefined; and the record of where they come from.

    Parameters
    ----------
    card : Scorecard
    provenance : dict
        As from `provenance.provenance`.

    Returns
    -------
    str
        `calibration` is null without probabilities, `groups` without a column to group by.
    """
    tables = card.tables
    per_class: dict[str, dict[str, Any]] = {
        label: _by_name(tables["per_class"].loc[label])
        | {"support": int(tables["per_class"].loc[(label, "recall"), "n"])}
        for label in LABELS
    }
    protocols: dict[str, dict[str, Any]] = {}
    for (protocol, score), row in zip(tables["protocols"].index, json_records(tables["protocols"]), strict=True):
        protocols.setdefault(protocol, {})[score] = row
    return json.dumps(
        {
            **card.counts,
            **_by_name(tables["scores"]),
            **_by_name(tables["official"]),
            "per_class": per_class,
            "protocols": protocols,
            "calibration": _by_name(tables["calibration"]) if "calibration" in tables else None,
            "groups": _by_name(tables["groups"]) if "groups" in tables else None,
            "provenance": provenance,
        },
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def scorecard_text(card: Scorecard, title: str, mixed: str) -> str:
    """The tables as a terminal shows them, below a line that says what was measured and what became of mixed tweets."""
    counts = card.counts
    parts = [
        f"{title}: {counts['n']:,} labelled tweets, "
        f"{counts['n_mixed']:,} mixed (mixed: {mixed}), {counts['n_unlabelled']:,} others without label, "
        f"{counts['n_unreadable']:,} without prediction (wrong where labelled)"
    ]
    shown = {
        "scores": "Scores, with 95% intervals",
        "per_class": "By label",
        "groups": "Accuracy by group",
        "official": "Official score of SENTIPOLC 2016",
        "protocols": "The same under other protocols; --output or --json says what each is and what to compare it with",
        "calibration": "Probabilities (lower is better, but for resolution)",
    }
    for name, title in shown.items():
        if name in card.tables:
            table = card.tables[name].drop(columns=["measures", "compare_with"], errors="ignore")
            parts.append(f"{title}\n{table.round(3).to_string(na_rep='–')}")
    return "\n\n".join(parts)


def _by_name(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows of a table for JSON, by what its index calls them."""
    return dict(zip(map(str, table.index), json_records(table), strict=True))


def write_scorecard(card: Scorecard, folder: str | Path, provenance: dict[str, Any], *, force: bool = False) -> None:
    """Write every table as CSV, the figures as PNG and SVG, and `scorecard.json`; the folder whole or not at all.

    Raises
    ------
    DataError
        The folder exists (unless `force`), or cannot be written.
    """
    folder = Path(folder)
    check_new_folder(folder, force=force)
    try:
        with whole_folder(folder, replace=True) as new:
            for name, table in card.tables.items():
                table.to_csv(new / f"{name}.csv", index=name not in ("confusion", "reliability", "risk_coverage"))
            (new / "scorecard.json").write_text(scorecard_json(card, provenance) + "\n", encoding="utf-8")
            _draw(card.tables, new)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error})") from error


def check_new_folder(folder: str | Path, *, force: bool = False, holds: str = "scorecard.json") -> None:
    """Raise `DataError` now for what `write_scorecard` would refuse later; a folder to replace has a file `holds`."""
    folder = Path(folder)
    if not folder.absolute().parent.is_dir():
        raise DataError(f"{folder}: the folder {folder.parent} does not exist; create it first")
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; expected the name of a folder to create")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise DataError(f"{folder} exists already and is kept; choose another name, or replace it with --force")
        if not (folder / holds).exists():
            raise DataError(
                f"{folder} holds no {Path(holds).stem} and is kept; choose another name, or remove it yourself"
            )


def _draw(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    for name in ("scores", "per_class", "protocols"):
        save_figure(interval_dots(tables[name]), folder / name)
    save_figure(confusion_heatmap(tables["confusion"]), folder / "confusion")
    if "reliability" in tables:
        save_figure(reliability_diagram(tables["reliability"]), folder / "reliability")
        save_figure(coverage_curve(tables["risk_coverage"]), folder / "risk_coverage")
    if "groups" in tables:
        save_figure(interval_dots(tables["groups"], xlabel="accuracy"), folder / "groups")
