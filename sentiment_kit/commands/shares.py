"""`sentiment-kit shares`: what share of scored tweets has each label, by group and over time; files of any size."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from typer import Argument, Option

from ..errors import DataError
from .shared import TextColumn


def shares(
    scored: Annotated[Path, Argument(metavar="SCORED", help="What `score` wrote: a file or a folder.")],
    sample: Annotated[
        Path | None, Option(metavar="LABELLED", help="Tweets that `sample` drew, labelled. Default: only count.")
    ] = None,
    text_column: TextColumn = "text",
    by: Annotated[str | None, Option(metavar="COLUMN", help="Also for each of its values.")] = None,
    over: Annotated[str | None, Option(metavar="COLUMN", help="Dates: also along time.")] = None,
    every: Annotated[Literal["day", "week", "month"], Option(help="The periods of --over.")] = "week",
    output: Annotated[Path | None, Option(metavar="FOLDER", help="Write tables and figures there.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object instead of text.")] = False,
    force: Annotated[bool, Option("--force", help="Replace FOLDER.")] = False,
) -> None:
    """Count the labels, and correct the count by a labelled random sample: shares with 95% intervals, their differences
    between groups and periods, and q-values.

    Tweets with nothing to read have no label, and are no part of it.
    """
    from ..files.writing import json_records
    from ..provenance import provenance
    from ..report.scorecard import check_new_folder
    from ..shares.estimates import answered, share_differences, shares_of, tally, with_gaps
    from ..shares.scored import read_labels, scored_parts

    if output is not None:
        check_new_folder(output, force=force, holds="shares.json")
    labels = None if sample is None else read_labels(sample)
    cells, drawn = pd.DataFrame(), []
    for part in scored_parts(scored, [name for name in (by, over) if name is not None], text_column):
        rows = answered(part, by, over, every)
        cells = pd.concat([cells, tally(rows)]).groupby(level=["group", "period"]).sum()
        if labels is not None and sample is not None:
            drawn.append(_matched(part, labels, sample).join(rows))
    if cells.empty:
        raise DataError(f"{scored}: no tweet has an answer, so there is nothing to count")
    found = None if labels is None else _whole(drawn, labels, f"{sample}", f"{scored}")
    table = shares_of(with_gaps(cells, every) if over else cells, found)
    differences = share_differences(table)
    manifest = scored / "manifest.json"
    sources = [manifest if scored.is_dir() else scored, *([] if sample is None else [sample])]
    record = provenance(data=sources, by=by, over=over, every=every, method=table["method"].iloc[0])
    if scored.is_dir():
        record["model"] = json.loads(manifest.read_text(encoding="utf-8"))["model"]
    columns = ["group", "period", "label", "counted", "share", "low", "high", "n", "n_labelled"]
    result = {"rows": json_records(table[columns]), "provenance": record}
    if output is not None:
        _write(output, table, differences, result, force=force)
        print(f"tables and figures are in {output}", file=sys.stderr)
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
        return
    brief = table[table["group"].isna() | table["period"].isna()]  # of both together there may be very many
    shown = brief[columns].dropna(axis=1, how="all").round(3).fillna({"group": "(all)", "period": "(all)"})
    title = "answers counted, not corrected" if found is None else "corrected by the labels, with 95% intervals"
    print(f"{scored.name}: {title}\n{shown.to_string(index=False, na_rep='–')}")
    clear = differences[differences["q_value"] <= 0.05]
    if len(differences):
        held = f"\n{clear.round(3).to_string(index=False)}" if len(clear) else ""
        print(f"\n{len(clear)} of {len(differences)} differences hold at q = .05{held}")


def _matched(part: pd.DataFrame, labels: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows of a part that are in the sample: `key`, `gold`, `weight`."""
    key = "id" if "id" in part and "id" in labels else "row"
    if key not in labels:
        raise DataError(f"{path}: has ids, but the scored tweets have no column id; keep the column row of `sample`")
    own = (part["id"] if key == "id" else part.index.to_series()).astype(str)
    hits = own[own.isin(labels[key])]
    of_hits = labels.set_index(key).reindex(hits)
    if "text" in labels and (key == "row" or part["text"].notna().any()):
        other = of_hits["text"].to_numpy() != part.loc[hits.index, "text"].to_numpy()
        if other.any():
            raise DataError(
                f"{path}: the text of {key} {hits[other].iloc[0]} is another than in the scored tweets; is it a sample "
                "of this file, in this order, and is the column of its texts the one that --text-column names?"
            )
    weight = of_hits["weight"].to_numpy() if "weight" in of_hits else 1.0
    return pd.DataFrame({"key": hits, "gold": of_hits["label"].to_numpy(), "weight": weight}, index=hits.index)


def _whole(drawn: list[pd.DataFrame], labels: pd.DataFrame, sample: str, scored: str) -> pd.DataFrame:
    found = pd.concat(drawn) if drawn else pd.DataFrame({"key": [], "label": [], "gold": []})
    twice = found["key"][found["key"].duplicated()]
    if len(twice):
        raise DataError(f"{scored}: the id {twice.iloc[0]!r} of the sample is there more than once; remove one of them")
    if len(found) < len(labels):
        raise DataError(f"{sample}: {len(labels) - len(found):,} of {len(labels):,} tweets are not in {scored}")
    empty, unanswered = int(found["gold"].isna().sum()), int(found["label"].isna().sum())
    if empty == len(found):
        raise DataError(f"{sample}: no label yet; write negative, neutral, positive or mixed into the column label")
    if empty or unanswered:
        left_out = f"{empty:,} tweets without a label, {unanswered:,} without an answer are left out"
        print(f"{sample}: {left_out}", file=sys.stderr)
    return found[found["label"].notna()]


def _write(
    folder: Path, table: pd.DataFrame, differences: pd.DataFrame, result: dict[str, Any], *, force: bool
) -> None:
    from ..files.writing import whole_folder, write_table
    from ..report.plots import save_figure
    from ..report.share_plots import share_dots, share_lines

    with whole_folder(folder, replace=force) as place:
        write_table(table, place / "shares.csv")
        write_table(differences, place / "differences.csv")
        (place / "shares.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        save_figure(share_dots(table), place / "shares")
        if table["period"].notna().any():
            save_figure(share_lines(table), place / "over_time")
