"""Whole files to tables, strictly: the first row that cannot be read is an error with file and line.

Files here fit in memory. For others, and where broken rows are to be set apart, there is `rows`, whose rules these are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..errors import DataError
from .dialects import Layout, layout_of
from .encodings import text_dtype
from .rows import JsonTypes, as_table, complaint, json_type, open_parquet, records_of

__all__ = ["read_arrow", "read_table"]


def read_arrow(
    path: str | Path, *, columns: Sequence[str] | None = None, text: str | None = None, encoding: str | None = None
) -> pa.Table:
    """Read CSV, TSV, JSON, Parquet or plain text by suffix, also .gz, .zst, .bz2 or .zip, and change no value.

    Parameters
    ----------
    path : str or Path
    columns : sequence of str, optional
        The names of the columns of a CSV or TSV without a header; else its first row has them.
    text : str, optional
        A column that must hold texts; in JSON it may lie in objects, as `tweet.full_text`.
    encoding : str, optional
        Of a text file, as Python calls it (cp1252). None: UTF-8, or UTF-16 where the file begins with its mark.

    Returns
    -------
    pyarrow.Table
        Columns of CSV and TSV are text, empty cells ""; those of JSON Lines and Parquet have their types (see `rows`).

    Raises
    ------
    DataError
        For a file that is missing, of another format, empty, broken or cut short, naming the line where there is one.
    """
    layout = layout_of(Path(path), columns, encoding)
    if layout.format == ".parquet":
        return _read_parquet(layout.path)
    return _read_text(layout, text)


def _read_text(layout: Layout, text: str | None) -> pa.Table:
    records = []
    for values, bad in records_of(layout, text):
        if bad is not None:
            raise DataError(complaint(layout.path, bad))
        records.append(values)
    if layout.columns is not None:
        return as_table(records, pa.schema([(name, pa.string()) for name in layout.columns]))
    types = JsonTypes()
    for record in records:
        types.look_at(record)
    return as_table(records, types.schema(layout.path))


def _read_parquet(path: Path) -> pa.Table:
    try:
        return open_parquet(path).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file, or damaged or cut short ({error!s:.200})") from error


def read_table(
    path: str | Path, *, columns: Sequence[str] | None = None, text: str | None = None, encoding: str | None = None
) -> pd.DataFrame:
    """`read_arrow` as pandas has it.

    Returns
    -------
    DataFrame
        Text is `encodings.text_dtype`; whole numbers and truth values beside a gap have pandas' nullable types, so that
        no digit is lost; JSON is Python's lists and dictionaries. The index counts the rows.
    """
    return to_pandas(read_arrow(path, columns=columns, text=text, encoding=encoding))


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
