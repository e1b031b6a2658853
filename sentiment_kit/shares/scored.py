"""What `sample`, `agree` and `shares` read: scored tweets of any number, in parts, and the labels of a few of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..data import as_numbers, check_columns, refuse_rows
from ..errors import DataError
from ..files.rows import complaint, inspect, iter_parts
from ..files.tables import read_table, to_pandas
from ..labels import LABELS, is_mixed_name, match_label
from .estimates import MIXED

_ROWS = 100_000


def scored_parts(path: Path, columns: Sequence[str] = (), text: str = "text") -> Iterator[pd.DataFrame]:
    """What `sentiment-kit score` wrote, in parts: the prediction's `label` and probabilities, `id` where it is,
    the column of texts as `text` (or None), and `columns`; the index is the row, from 1.

    Raises
    ------
    DataError
        A folder without a finished run; a row that cannot be read, without a known label, or whose probabilities are
        none.
    """
    first = 1
    for file in _files(path):
        source = inspect(file)
        names = source.schema.names
        own = {name: f"predicted_{name}" if f"predicted_{name}" in names else name for name in LABELS}
        answer = "predicted_label" if "predicted_label" in names else "label"
        check_columns(names, [answer, *columns], file)
        own = own if set(own.values()) <= set(names) else {}
        others = [name for name in dict.fromkeys(["id", text, *columns]) if name in names]
        for part in iter_parts(source, _ROWS):
            if part.rejected:
                raise DataError(complaint(file, part.rejected[0]))
            raw = to_pandas(part.table.select(list(dict.fromkeys([answer, *own.values(), *others]))))
            raw.index = pd.RangeIndex(first, first + len(raw))
            table = raw[others].assign(text=raw.get(text), label=_labels(raw[answer], file))
            for label, name in own.items():
                table[label] = as_numbers(raw[name])
            wrong = table["label"].notna() & ~(table[list(own)].sum(axis=1) - 1).abs().le(0.02) if own else []
            if np.any(wrong):
                raise DataError(f"{file}, row {table.index[wrong][0]}: the three probabilities do not sum to 1")
            yield table
            first += len(raw)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        done = "done" in json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a folder that `sentiment-kit score` wrote, with a manifest.json") from error
    if not done:
        raise DataError(f"{path}: the run that writes there has not ended; give its command again to finish it")
    return sorted(path.glob("part-*.parquet"))


def read_labels(path: Path) -> pd.DataFrame:
    """What an annotator wrote: `label` as the package has it or "mixed", `id` and `row` where they are, and the rest.

    Raises
    ------
    DataError
        No column `label`, an unknown label, neither `id` nor `row`, or a weight that is no number above 0.
    """
    table = read_table(path)
    table.index = pd.RangeIndex(1, len(table) + 1)
    check_columns(table.columns, ["label"], path)
    if not {"id", "row"} & set(table.columns):
        raise DataError(f"{path}: expected a column id or row to match the tweets by; keep the one that `sample` wrote")
    for key in {"id", "row"} & set(table.columns):
        table[key] = table[key].astype(str)
        twice = table[key][table[key].duplicated()]
        if len(twice):
            such = f"the {key} {twice.iloc[0]!r} is there more than once ({len(twice)} such rows)"
            raise DataError(f"{path}: {such}; if the ids were rounded, delete their column: row matches, too")
    if "weight" in table.columns:
        written, table["weight"] = table["weight"], as_numbers(table["weight"])
        refuse_rows(~(table["weight"] > 0).to_numpy(), written, "a number above 0, as `sample` wrote it", path)
    return table.assign(label=_labels(table["label"], path, MIXED))


def _labels(column: pd.Series, path: Path, *others: str) -> pd.Series:
    names = {name: match_label(name) for name in column.dropna().unique() if str(name).strip()}
    names |= {name: MIXED for name in names if others and is_mixed_name(name)}
    unknown = column[column.isin([name for name, label in names.items() if label is None])]
    if len(unknown):
        wanted = ", ".join([*LABELS, *others])
        raise DataError(
            f"{path}, row {unknown.index[0]}, column {column.name}: expected one of {wanted} "
            f"(or empty), got {unknown.iloc[0]!r:.80} ({len(unknown):,} such rows)"
        )
    return column.map(names).astype(object).where(lambda labels: labels.notna(), None)
