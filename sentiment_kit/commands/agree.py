"""`sentiment-kit agree`: how far annotators agree, where they do not, and what that allows any model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Argument, Option

from ..errors import DataError


def agree(
    files: Annotated[list[Path], Argument(metavar="A B [C...]", help="The same tweets, labelled apart.")],
    by: Annotated[str | None, Option(metavar="COLUMN", help="Also for each value of it in A.")] = None,
    output: Annotated[Path | None, Option(help="Write the disagreements there: .csv, .tsv, ...")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object instead of text.")] = False,
    force: Annotated[bool, Option("--force", help="Replace OUTPUT.")] = False,
) -> None:
    """Compare annotators: agreement, kappas and alpha with 95% intervals, the tweets they differ on, and the accuracy
    that no model can be seen to exceed."""
    from ..files.writing import check_writable, json_records, write_table
    from ..provenance import provenance
    from ..shares import agreement, agreement_by, disagreements
    from ..shares.scored import read_labels

    if len(files) < 2 or len({path.stem for path in files}) < len(files):
        raise DataError(f"expected two files or more, with names of their own, got {', '.join(map(str, files))}")
    if output is not None:
        check_writable(output, force=force)
    tables = {path.stem: read_labels(path) for path in files}
    key = next((key for key in ("id", "row") if all(key in table for table in tables.values())), None)
    if key is None:
        raise DataError(f"{files[0]} and the others have no column in common to match them by: id or row")
    first = tables[files[0].stem].set_index(key)
    labels = pd.DataFrame({name: table.set_index(key)["label"] for name, table in tables.items()})
    if not (labels.notna().sum(axis=1) >= 2).any():
        raise DataError(
            f"no tweet is labelled in two of {', '.join(map(str, files))}; are their columns {key} the same?"
        )
    if by is not None and by not in first:
        raise DataError(f"{files[0]}: no column {by!r} to group by; there are: {', '.join(first.columns)}")
    found = {"agreement": agreement(labels).reset_index()}
    if by is not None:
        found["by_group"] = agreement_by(labels.loc[first.index], first[by]).reset_index()
    differ = disagreements(labels)
    found["disagreements"] = differ.join(first[["text"]] if "text" in first else first[[]]).reset_index()
    if output is not None:
        write_table(found["disagreements"], output, force=force)
    if as_json:
        tables_json = {name: json_records(table) for name, table in found.items()}
        print(json.dumps({**tables_json, "provenance": provenance(data=files, by=by)}, indent=2, ensure_ascii=False))
        return
    titles = {
        "agreement": f"{', '.join(tables)}: agreement, with 95% intervals; ceiling: of a model that is always right",
        "by_group": f"By {by}",
        "disagreements": f"{len(differ):,} tweets labelled differently"
        + (", the first ten" if len(differ) > 10 else ""),
    }
    shown = {**found, "disagreements": found["disagreements"].head(10)}
    texts = {name: table.round(3).to_string(index=False, na_rep="–") for name, table in shown.items() if len(table)}
    print("\n\n".join(f"{titles[name]}\n{texts.get(name, '')}".rstrip() for name in found))
