"""File formats: CSV, TSV, JSON Lines and Parquet to plain tables and back, strictly.

A file that is not what it seems raises `DataError` with file, row and column. Nothing here knows what a tweet is (that
is `data`). Files here fit in memory.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..cleaning import text_dtype, well_formed

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
EXPANSION = 200
"""How many times its size a compressed file may grow, once it is beyond 100 MB: text shrinks tenfold, a bomb more."""


class OneLineError(ValueError):
    """A mistake in what was given; what it says is enough to mend that."""

    def _render_traceback_(self) -> list[str]:
        """A notebook shows one line, for the reader's own cell is to be mended, not this package."""
        return [f"{type(self).__name__}: {self}"]


class DataError(OneLineError):
    """An input that cannot be used: a file, an option, or several that do not go together.

    The message says what was expected, what came, where, and what to do.
    """


def need(module: str, extra: str, what: str = "this needs", error: type[OneLineError] = DataError) -> None:
    """Raise `error` if a module of an extra is not installed, saying how to get it."""
    if find_spec(module) is None:
        raise error(f'{what} {module}, which is not installed: pip install "sentiment-kit[{extra}]"')


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


def read_table(path: str | Path) -> pd.DataFrame:
    """Read CSV, TSV, JSON Lines or Parquet by suffix, plain, .gz or .zst, with a header and nothing converted.

    Cells of CSV and TSV are strings, empty ones "". A CSV whose header has semicolons and no comma is split at these.
    A TSV in which quotes do not pair is read as having none. A Parquet file's named pandas index is columns, too.

    Raises
    ------
    DataError
        For a file that is missing, of another format, empty, broken or cut short, naming the row where there is one.
    """
    path = Path(path)
    suffix = file_format(path)
    if suffix not in FORMATS:
        raise DataError(f"{path}: expected a file ending in {', '.join(FORMATS)}, also with .gz or .zst")
    if suffix == ".parquet":
        return _read_parquet(path)
    text = read_text(path)
    if suffix == ".jsonl":
        return _read_jsonl(text, path)
    try:
        rows = split_rows(text, delimiter_of(path), path)
    except DataError:
        if suffix == ".csv":
            raise
        rows = split_rows(text, "\t", path, quoting=csv.QUOTE_NONE)
    header = rows[0]
    if len(set(header)) < len(header):
        twice = Counter(header).most_common(1)[0][0]
        raise DataError(f"{path}: the column {twice!r} occurs twice in the header")
    check_widths(rows[1:], header, path)
    return pd.DataFrame(rows[1:], columns=header, dtype=text_dtype)


def delimiter_of(path: Path) -> str:
    """What parts the fields of a TSV or CSV: the tab; the comma, or the semicolon of spreadsheets.

    These write the comma in decimals, as in Italy.
    """
    if file_format(path) == ".tsv":
        return "\t"
    header = first_line(path)
    return ";" if ";" in header and "," not in header else ","


def write_table(table: pd.DataFrame, path: str | Path, *, force: bool = False, spreadsheet_safe: bool = False) -> None:
    """Write CSV, TSV, JSON Lines or Parquet by suffix, plain, .gz or .zst; whole or not at all.

    Parameters
    ----------
    table, path : what to write, and where
    force : replace a file that exists
    spreadsheet_safe : in CSV and TSV, put an apostrophe before text that begins with = + - @, a tab or a line break,
        which a spreadsheet would take for a formula and run. The text is then no longer what it was.

    Raises
    ------
    DataError
        Unknown suffix, missing folder, a file that exists (unless `force`), no space, or values the format cannot hold.
    """
    path = Path(path)
    check_writable(path, force=force)
    suffix = file_format(path)
    table = table.apply(_encodable_column)
    if spreadsheet_safe and suffix in (".csv", ".tsv"):
        table = table.rename(columns=_without_formula).apply(lambda column: column.map(_without_formula))
    try:
        with whole_file(path) as temporary, _writer(temporary, path) as file:
            if suffix == ".parquet":
                table.to_parquet(file, index=False)
            elif suffix == ".jsonl":
                file.write(_as_jsonl(table).encode())
            else:
                file.write(_as_csv(table, "," if suffix == ".csv" else "\t").encode())
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); nothing was changed") from error
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(f"{path}: a column holds values that {suffix} cannot ({error!s:.200})") from error


def _without_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value


def _writer(temporary: Path, path: Path) -> BinaryIO:
    compression = COMPRESSIONS.get(path.suffix.lower())
    return pa.CompressedOutputStream(str(temporary), compression) if compression else temporary.open("wb")


def _as_csv(table: pd.DataFrame, delimiter: str) -> str:
    text = table.to_csv(sep=delimiter, index=False, lineterminator="\n")
    # The csv module quotes a carriage return only where rows end with one, and unquoted it would end the row.
    return table.to_csv(sep=delimiter, index=False, lineterminator="\r\n") if "\r" in text else text


def _as_jsonl(table: pd.DataFrame) -> str:
    # Through their shortest form, else float32 probabilities come out with digits they do not have.
    singles = {name: table[name].astype(str).astype("float64") for name in table.select_dtypes("float32")}
    how = {"force_ascii": False, "double_precision": 15, "date_format": "iso", "date_unit": "us"}
    return table.assign(**singles).to_json(orient="records", lines=True, **how)


def check_writable(path: str | Path, *, force: bool = False) -> None:
    """Raise `DataError` now for what `write_table` would refuse later."""
    path = Path(path)
    if file_format(path) not in FORMATS:
        raise DataError(f"{path}: expected an output ending in {', '.join(FORMATS)}, also with .gz or .zst")
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


def file_format(path: Path) -> str:
    """The suffix that says the format, below a .gz or .zst."""
    name = path.name.lower()
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def exists(path: str | Path) -> bool:
    """Whether there is such a file or folder; a text too long for a name is none, where `Path.exists` raises."""
    return os.path.exists(path)  # noqa: PTH110


def open_bytes(path: Path) -> BinaryIO:
    """A file's bytes as a stream, unpacked where it is .gz or .zst.

    Raises
    ------
    DataError
        A file that is missing or cannot be read; while reading, one that is damaged or cut short, or unpacks to more
        than `EXPANSION` times its size.
    """
    try:
        raw = path.open("rb")
        compression = COMPRESSIONS.get(path.suffix.lower())
        if compression is None:
            return raw
        limit = max(100_000_000, EXPANSION * path.stat().st_size)
        return io.BufferedReader(_Unpacked(pa.CompressedInputStream(raw, compression), path, limit), 1 << 20)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file{'' if path.is_absolute() else f' in {Path.cwd()}'}") from error
    except (OSError, ValueError) as error:  # the second for a name with a NUL
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


class _Unpacked(io.RawIOBase):
    """A decompressed stream that knows when to stop."""

    def __init__(self, stream: pa.NativeFile, path: Path, limit: int) -> None:
        self._stream, self._path, self._left, self._limit = stream, path, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except (OSError, pa.ArrowException) as error:
            kind = COMPRESSIONS[self._path.suffix.lower()]
            raise DataError(
                f"{self._path}: the {kind} file is damaged or cut short ({error!s:.100}); copy it again"
            ) from error
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"{self._path}: unpacks to more than {self._limit:,} bytes, {EXPANSION} times its size: no text does "
                "that, but a bomb. If you trust it, unpack it yourself"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def first_line(path: Path) -> str:
    """The first line of a file that is not blank, unpacked, of any encoding; "" where it cannot be read."""
    try:
        with open_text(path, "replace") as lines:
            return next((line for line in iter(lambda: lines.readline(1_000_000), "") if line.strip()), "")
    except (OSError, DataError):
        return ""


def open_text(path: Path, errors: str) -> io.TextIOWrapper:
    """A file's text as a stream, unpacked where it is compressed, whose lines end in any way and keep their ends."""
    return io.TextIOWrapper(open_bytes(path), "utf-8-sig", errors, newline="")


def read_text(path: Path) -> str:
    """The text of a file, unpacked where it is compressed; `DataError` for an empty file, NUL bytes or not UTF-8."""
    with open_bytes(path) as stream:
        data = stream.read()
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise DataError(f"{path}: the file is empty")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(f"{path}, line {line}: NUL bytes; expected UTF-8 text. Is it UTF-16, or cut off by a crash?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte 0x{data[error.start]:02x}); save the file as UTF-8, "
            "it may be Windows-1252 or Latin-1"
        ) from error


@contextmanager
def long_fields() -> Iterator[None]:
    """The csv module refuses fields over 128 KiB unless told."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def split_rows(text: str, delimiter: str, path: Path, quoting: int = csv.QUOTE_MINIMAL) -> list[list[str]]:
    """The fields of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    with long_fields():
        try:
            return [row for row in reader if row]
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: broken quoting ({error})") from error


def check_widths(rows: list[list[str]], header: Sequence[str], path: Path) -> None:
    """Raise `DataError` for the first row with another number of fields than the header."""
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise DataError(
                f"{path}, row {number}: expected {len(header)} fields ({', '.join(header)}), "
                f"got {len(row)}: {row!r:.100}"
            )


def _read_jsonl(text: str, path: Path) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if not line.strip():
            continue
        try:
            records.append(json_record(line))
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}") from error
    names = dict.fromkeys(name for record in records for name in record)
    # Whole-number columns stay so; strings may hold lone surrogates, which the default string type refuses.
    return pd.DataFrame({name: _json_column([record.get(name) for record in records]) for name in names})


def json_record(line: str) -> dict[str, Any]:
    """The object on a line of JSON Lines; `ValueError` where there is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error})") from error
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, got {type(record).__name__}")
    return {well_formed(name): value for name, value in record.items()}


def _json_column(values: list[Any]) -> pd.Series:
    if all(value is None or isinstance(value, str) for value in values):
        return pd.Series(values, dtype=text_dtype)
    column = pd.Series(values, dtype=object)
    # Beside a gap pandas would make floats of whole numbers, and an id would lose digits.
    return column if None in values and int in map(type, values) else column.infer_objects()


def _read_parquet(path: Path) -> pd.DataFrame:
    with open_bytes(path) as stream:
        data = stream.read()
    if not data:
        raise DataError(f"{path}: the file is empty")
    try:
        table = pq.read_table(io.BytesIO(data)).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file, or damaged or cut short ({error!s:.200})") from error
    # The index of a filtered or joined frame is no row number, and may not be unique.
    named = [name for name in table.index.names if name is not None and name not in table]
    return table.reset_index(named).reset_index(drop=True)


def _encodable_column(column: pd.Series) -> pd.Series:
    """Text that UTF-8 can hold; numbers and other things as they are."""
    if not (pd.api.types.is_string_dtype(column.dtype) or column.dtype == object):
        return column
    values = [well_formed(value) if isinstance(value, str) else value for value in column]
    return pd.Series(values, index=column.index, dtype=column.dtype)
