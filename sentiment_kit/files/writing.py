"""Tables to files and folders, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError, require_extra
from .dialects import Dialect
from .encodings import WRITTEN, compression_of, file_format, well_formed
from .rows import json_text, json_type, looks_like_rows
from .spreadsheets import sheet_value, write_sheet

__all__ = ["check_writable", "write_table"]


@contextmanager
def whole_file(path: Path, *, synced: bool = False) -> Iterator[Path]:
    """Another name to write a file under, until it is whole (and, if `synced`, on the disk) and takes its own."""
    temporary = path.with_name(f".{path.name[:50]}.{os.getpid()}.tmp")  # a name may have no room for more
    try:
        yield temporary
        if synced:
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
        if synced and os.name == "posix":  # the new name is only safe once the folder is
            handle = os.open(path.parent, os.O_RDONLY)
            with suppress(OSError):  # some network file systems cannot
                os.fsync(handle)
            os.close(handle)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A new folder to write to, which gets its own name at the end: it is whole, or what it was before.

    An `OSError` if there is something by then, unless `replace`.
    """
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name[:50]}.", suffix=".tmp", dir=path.absolute().parent, ignore_cleanup_errors=True
    ) as workplace:
        new, old = Path(workplace) / "new", Path(workplace) / "old"
        new.mkdir()
        yield new
        if replace and path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise


def check_writable(path: str | Path, *, force: bool = False) -> None:
    """Raise `DataError` now for what `write_table` would refuse later."""
    path = Path(path)
    if file_format(path) not in WRITTEN or compression_of(path) == "zip":
        raise DataError(f"{path}: expected an output ending in {', '.join(WRITTEN)}, also with .gz, .zst or .bz2")
    if file_format(path) == ".xlsx":
        require_extra("openpyxl", "excel", f"{path}: a spreadsheet needs")
    if not path.absolute().parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist; create it first")
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another name") from error
    if is_folder:
        raise DataError(f"{path} is a folder; expected a file name")
    if is_there and not force:
        raise DataError(
            f"{path} exists already and is kept; choose another name, or replace it (--force; force=True in Python)"
        )


def check_values(table: pa.Table, path: str | Path) -> None:
    """Raise `DataError` now for values that the format of `path` cannot hold, naming the column and one that can."""
    _write(table, io.BytesIO(), Path(path), Dialect(), spreadsheet_safe=False)


def write_table(
    table: pd.DataFrame | pa.Table,
    path: str | Path,
    *,
    force: bool = False,
    spreadsheet_safe: bool = False,
    dialect: Dialect | None = None,
) -> None:
    """Write CSV, TSV, JSON, Parquet or .xlsx by suffix, plain, .gz, .zst or .bz2; whole or not at all.

    Lists and objects are JSON wherever the format has none.

    Parameters
    ----------
    table : DataFrame or pyarrow.Table
        The index of a DataFrame is not written.
    path : str or Path
    force : bool, default False
        Replace a file that exists.
    spreadsheet_safe : bool, default False
        In CSV and TSV, put an apostrophe before text that begins with = + - @, a tab or a line break, which a
        spreadsheet would take for a formula and run. The text is then no longer what it was.
    dialect : Dialect, optional
        Of a CSV; else it has commas, points in numbers, no byte order mark and lines that end in a line feed.

    Raises
    ------
    DataError
        Unknown suffix, missing folder, a file that exists (unless `force`), no space, or values the format cannot hold.
    """
    path = Path(path)
    check_writable(path, force=force)
    if isinstance(table, pd.DataFrame):
        table = pa.table({str(name): _as_array(column, path) for name, column in table.items()})
    try:
        with whole_file(path) as temporary, _stream(temporary, path) as file:
            _write(table, file, path, dialect or Dialect(), spreadsheet_safe)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); nothing was changed") from error


def _write(table: pa.Table, file: BinaryIO, path: Path, dialect: Dialect, spreadsheet_safe: bool) -> None:
    suffix = file_format(path)
    for name, column in zip(table.column_names, table.columns, strict=True):
        _check_type(column, f"{path}, column {name}: {suffix} cannot hold", suffix)
    if suffix == ".parquet":
        pq.write_table(table, file)
    elif suffix == ".xlsx":
        write_sheet(table.column_names, _by_column(table, path, _sheet_cells), file, path)
    elif suffix in (".jsonl", ".ndjson", ".json"):
        names = [json_text(name) for name in table.column_names]
        rows = zip(*_by_column(table, path, _json_values), strict=True)
        lines = (f"{{{','.join(map(':'.join, zip(names, row, strict=True)))}}}" for row in rows)
        file.write((f"[{','.join(lines)}]" if suffix == ".json" else "".join(f"{line}\n" for line in lines)).encode())
    else:
        dialect = dialect if suffix == ".csv" else Dialect("\t")
        file.write(_delimited(table, dialect, spreadsheet_safe, path).encode("utf-8-sig" if dialect.mark else "utf-8"))


def _check_type(column: pa.ChunkedArray, what: str, suffix: str) -> None:
    if suffix != ".parquet" and _has(column.type, lambda type: pa.types.is_map(type) or _is_bytes(type)):
        raise DataError(f"{what} {column.type}; write .parquet, or leave the column out")
    if suffix == ".parquet" and column.type == json_type:
        wrong = next((text for text in column.to_pylist() if text and text[0] not in "[{"), None)
        if wrong is not None:
            raise DataError(f"{what} several types, or whole numbers of more than 64 bits ({wrong:.40}); write .jsonl")


def _by_column(table: pa.Table, path: Path, convert: Callable[[pa.ChunkedArray], list[Any]]) -> list[list[Any]]:
    found = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            found.append(convert(column))
        except (ValueError, OverflowError, pa.ArrowException) as error:
            suffix = file_format(path)
            raise DataError(
                f"{path}, column {name}: holds {column.type} that {suffix} cannot ({error!s:.200}); write .parquet"
            ) from error
    return found


def _as_array(column: pd.Series, path: Path) -> pa.Array:
    """A column of a DataFrame, as Arrow has it; `DataError` for values that it cannot hold."""
    if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        values = [well_formed(value) if isinstance(value, str) else value for value in column]
        column = pd.Series(values, name=column.name, dtype=object)
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(f"{path}, column {column.name}: holds values that no table can ({error!s:.200})") from error


def _stream(temporary: Path, path: Path) -> BinaryIO:
    compression = compression_of(path)
    return pa.CompressedOutputStream(str(temporary), compression) if compression else temporary.open("wb")


# Cells


def _delimited(table: pa.Table, dialect: Dialect, spreadsheet_safe: bool, path: Path) -> str:
    guard = _without_formula if spreadsheet_safe else str
    cells = _by_column(table, path, lambda column: _cells(column, guard, dialect.decimal))
    rows = [[guard(name) for name in table.column_names], *zip(*cells, strict=True)]
    # The csv module quotes a carriage return only where rows end with one, and unquoted it would end the row.
    text = _written(rows, dialect)
    if "\r" in text and dialect.end == "\n":
        text = _written(rows, dialect._replace(end="\r\n"))
    if dialect.delimiter == "\t":
        _refuse_ambiguous(rows, path)
    return text


def _written(rows: list[Any], dialect: Dialect) -> str:
    """Rows as CSV; one without anything in it has quotes, for delimiters alone at the end of a file are no row."""
    text = io.StringIO(f"sep={dialect.delimiter}{dialect.end}" if dialect.told else "")
    text.seek(0, io.SEEK_END)
    how: dict[str, Any] = {"delimiter": dialect.delimiter, "lineterminator": dialect.end}
    writer, quoting = csv.writer(text, **how), csv.writer(text, quoting=csv.QUOTE_ALL, **how)
    for row in rows:
        (writer if any(row) else quoting).writerow(row)
    return text.getvalue()


def _refuse_ambiguous(rows: list[Any], path: Path) -> None:
    """A TSV does not say whether a line break ends the row; the number of fields must."""
    for number, row in enumerate(rows):
        broken = any("\n" in cell or "\r" in cell for cell in row)
        if broken and looks_like_rows(_written([row], Dialect("\t")), len(row)):
            raise DataError(
                f"{path}, row {number}: a text with line breaks and tabs that a TSV cannot tell from several rows; "
                "write .csv, .jsonl or .parquet"
            )


def _cells(column: pa.ChunkedArray, guard: Callable[[str], str] = str, decimal: str = ".") -> list[str]:
    """The values of a column as text, "" for a missing one."""
    if column.type == json_type:  # a text among other values needs no quotes here
        texts = [text and (json.loads(text) if text.startswith('"') else text) for text in column.to_pylist()]
        return [guard(text or "") for text in texts]
    if pa.types.is_floating(column.type):  # by numpy, whose float32 has no digits that it does not have
        values = column.to_numpy().astype(str).tolist()
        return ["" if text == "nan" else text.replace(".", decimal) for text in values]
    if pa.types.is_decimal(column.type):
        return ["" if value is None else f"{value:f}".replace(".", decimal) for value in column.to_pylist()]
    values = [json_text(value) if isinstance(value, dict | list) else value for value in _values(column)]
    return ["" if value is None else guard(value) if isinstance(value, str) else str(value) for value in values]


def _values(column: pa.ChunkedArray) -> list[Any]:
    """As Python has them; times that it cannot hold as text."""
    try:
        return (column.cast(pa.string()) if column.type == pa.time64("ns") else column).to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):
        return column.cast(pa.string()).to_pylist()


def _sheet_cells(column: pa.ChunkedArray) -> list[Any]:
    """What a sheet can hold as it is; all of a column as text where it cannot hold one of them, but for fractions."""
    texts, kind = _cells(column), column.type
    if kind == json_type:
        values: list[Any] = [text and json.loads(text) for text in column.to_pylist()]
    elif pa.types.is_floating(kind):
        values = [float(text) if text else None for text in texts]
    else:
        values = _values(column)
    held = list(map(sheet_value, values))
    single = kind == json_type or pa.types.is_floating(kind)
    whole = single or all(value is not None for value, text in zip(held, texts, strict=True) if text)
    return [value if whole and value is not None else text or None for value, text in zip(held, texts, strict=True)]


def _without_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _has(type: pa.DataType, wanted: Callable[[pa.DataType], bool]) -> bool:
    """Whether a type is, or has inside, one that is wanted."""
    if pa.types.is_dictionary(type):
        return _has(type.value_type, wanted)
    return wanted(type) or any(_has(type.field(number).type, wanted) for number in range(type.num_fields))


def _is_bytes(type: pa.DataType) -> bool:
    return pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type)


def _json_values(column: pa.ChunkedArray) -> list[str]:
    """Each value of a column as JSON, null for a missing one."""
    if column.type == json_type:
        return ["null" if text is None else text for text in column.to_pylist()]
    if pa.types.is_floating(column.type):
        return [text.replace("inf", "Infinity") or "null" for text in _cells(column, str)]
    return [json_text(value) for value in _values(column)]


def json_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as objects that JSON can hold: what is missing or infinite is null."""
    held = table.astype(object).replace([math.inf, -math.inf], None)
    return held.where(held.notna(), None).rename(columns=str).to_dict(orient="records")
