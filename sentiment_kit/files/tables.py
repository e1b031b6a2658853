"""Whole files to tables, strictly: the first row that cannot be read is an error with file and line.

Files here fit in memory. For others, and where broken rows are to be set apart, there is `rows`, whose rules these are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ..errors import DataError
from .dialects import layout_of
from .encodings import text_dtype
from .rows import as_table, complaint, json_type, open_parquet, parquet_errors, records_of, schema_of

__all__ = ["read_arrow", "read_table"]


def read_arrow(path: str | Path, *, text: str | None = None, **reading: Any) -> pa.Table:
    """Read CSV, TSV, JSON, Parquet, .xlsx or plain text by suffix, also .gz, .zst, .bz2 or .zip; change no value.

    Parameters
    ----------
    path : str or Path
    text : str, optional
        A column that must hold texts; in JSON it may lie in objects, as `tweet.full_text`.
    **reading : Any
        `columns`, the names of the columns of a table without a header, else its first row has them; `encoding` of a
        text file, as Python calls it (cp1252), else UTF-8, or UTF-16 where the file begins with its mark; `sheet` of a
        spreadsheet that has several.

    Returns
    -------
    pyarrow.Table
        Columns of CSV and TSV are text, empty cells ""; those of other formats have their types (see `rows`).

    Raises
    ------
    DataError
        For a file that is missing, of another format, empty, broken or cut short, naming the line where there is one.
    """
    layout = layout_of(Path(path), **reading)
    if layout.format == ".parquet":
        with parquet_errors(layout.path):
            return open_parquet(layout.path).read()
    records = []
    for values, bad in records_of(layout, text):
        if bad is not None:
            raise DataError(complaint(layout.path, bad))
        records.append(values)
    if layout.width:
        return as_table(records, pa.schema([(name, pa.string()) for name in layout.columns or ()]))
    return as_table(records, schema_of(((record, None) for record in records), layout, text)[0])


def read_saved(folder: Path, split: str) -> pa.Table:
    """A data set that the library datasets saved to a folder (`save_to_disk`), or one split of several.

    Raises
    ------
    DataError
        A folder of another kind; a split that is not there; a damaged file.
    """
    splits = {path.parent.name: path.parent for path in sorted(folder.glob("*/state.json"))}
    if splits and split not in splits:
        raise DataError(f"{folder}: no split {split!r}; there are: {', '.join(splits)}")
    place = splits.get(split, folder)
    try:
        names = [one["filename"] for one in json.loads((place / "state.json").read_text("utf-8"))["_data_files"]]
        return pa.concat_tables([pa.ipc.open_stream(pa.memory_map(str(place / name))).read_all() for name in names])
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{folder}: a folder, and no data set that was saved to one ({error!s:.200})") from error


def read_table(path: str | Path, *, text: str | None = None, **reading: Any) -> pd.DataFrame:
    """`read_arrow` as pandas has it.

    Returns
    -------
    DataFrame
        Text is `encodings.text_dtype`; whole numbers and truth values beside a gap have pandas' nullable types, so that
        no digit is lost; JSON is Python's lists and dictionaries. The index counts the rows.
    """
    return to_pandas(read_arrow(path, text=text, **reading))


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """An Arrow table of n rows as a DataFrame of n rows with the same values."""
    columns = {name: _as_series(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))


def _as_series(column: pa.ChunkedArray) -> pd.Series:
    type = column.type
    if is_text(type) and not pa.types.is_dictionary(type):
        return pd.Series(column.to_pylist(), dtype=text_dtype)
    if type == json_type:
        return pd.Series([None if text is None else json.loads(text) for text in column.to_pylist()], dtype=object)
    if column.null_count and (pa.types.is_integer(type) or pa.types.is_boolean(type)):
        nullable = "boolean" if pa.types.is_boolean(type) else str(type).replace("int", "Int").replace("uI", "UI")
        return pd.Series(column.to_pylist(), dtype=nullable)
    return column.to_pandas()


def is_text(type: pa.DataType) -> bool:
    """Whether a column of this Arrow type holds text and nothing else."""
    if pa.types.is_dictionary(type):
        return is_text(type.value_type)
    return pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)
