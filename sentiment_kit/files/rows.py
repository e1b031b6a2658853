"""The one parser: a file of any size, row by row; what cannot be read is set apart with its line, and the rest goes on.

Here a row is either good or rejected, and none is lost. Whole files (`tables`) are read by the same rules: there the
first rejected row is an error.

What a row is, by format. CSV: as the `csv` module reads it, strictly. TSV: a line whose fields, divided at the tabs,
are as many as the header's is a row, whatever quotes stand in it (a raw export does not quote, and a tweet may begin
with a quote); a field in quotes from end to end is what they enclose; only a line with too few or too many fields, or
with one that opens a quote which lines that are no rows by themselves close, is read with quotes. JSON Lines: an object
a line. Parquet: its own rows.

Values keep their type. A column of JSON Lines is text, whole numbers (64 bits), fractions or true and false if all of
its values are; a column of lists, of objects, of several types or of longer numbers is JSON, each value as its text.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError
from .encodings import compression_of, file_hash, first_line, known_format, open_bytes, open_text, well_formed

__all__ = ["LONGEST_LINE", "LONGEST_PART", "LONGEST_RECORD", "Part", "Rejected", "Source", "inspect", "iter_parts"]

LONGEST_LINE = 64_000_000
"""Characters; a longer line is rejected."""
LONGEST_RECORD = 1000
"""Lines of one CSV record, which is no longer than `LONGEST_LINE` either; where more would follow, the quote on the
first was never meant to open."""
LONGEST_PART = 64_000_000
"""Characters; a part of text ends there, so that memory is bounded whatever the rows are."""

json_type = pa.json_()
"""The type of a column of JSON values, each as its text."""


class Layout(NamedTuple):
    """How a file says its rows."""

    path: Path
    format: str
    """One of `encodings.FORMATS`."""
    columns: list[str] | None
    """None where only a look through the whole file tells them (JSON Lines)."""
    delimiter: str
    """Between the fields of CSV and TSV."""
    headed: bool
    """False for a file whose columns somebody named from outside."""


class Source(NamedTuple):
    """One input file, looked through from end to end."""

    layout: Layout
    schema: pa.Schema
    size: int
    """In bytes."""
    sha256: str
    lines: int
    """Or rows of Parquet: for an estimate of what is left."""
    text: str | None
    """A column of JSON Lines that must hold nothing but texts."""

    @property
    def path(self) -> Path:
        return self.layout.path

    @property
    def columns(self) -> list[str]:
        return list(self.schema.names)


class Rejected(NamedTuple):
    """A row that cannot be read."""

    line: int
    """From 1; in a Parquet file the row."""
    reason: str
    raw: str
    """What stood there, at most 10,000 characters."""


class Part(NamedTuple):
    """Some rows of a file, in order."""

    table: pa.Table
    rejected: list[Rejected]


Record = tuple[Any, Rejected | None]
"""The values of a good row (fields in order, or an object of JSON), or else why it is none."""


def layout_of(path: Path, columns: Sequence[str] | None = None) -> Layout:
    """How a file says its rows, from its suffix and its first line.

    The delimiter of a CSV with a header is the comma, or else the semicolon of spreadsheets, which write the comma in
    decimals, as in Italy.

    Parameters
    ----------
    path : Path
    columns : sequence of str, optional
        Of a CSV or TSV without a header; else the first row names them.

    Raises
    ------
    DataError
        Another format; a header that cannot be read, is empty, or names a column twice.
    """
    suffix = known_format(path)
    if suffix in (".jsonl", ".parquet"):
        return Layout(path, suffix, None, "", True)
    line = first_line(path)
    if columns is not None:
        return Layout(path, suffix, list(columns), "\t" if suffix == ".tsv" else _fitting(line, len(columns)), False)
    delimiter = "\t" if suffix == ".tsv" else ";" if ";" in line and "," not in line else ","
    none: Record = ([], None)
    with _long_fields():
        fields, bad = next(_delimited_records(path, delimiter, 0), none)
    if bad is not None:
        raise DataError(f"{path}, line {bad.line}: {bad.reason}; expected a header that names the columns")
    return Layout(path, suffix, _checked_names(fields if any(map(str.strip, fields)) else [], path), delimiter, True)


def _fitting(line: str, width: int) -> str:
    """The delimiter that gives a row without a header its fields; the comma where none does."""
    return next((sign for sign in ",;" if len(fields_of(line, sign)) == width), ",")


def fields_of(line: str, delimiter: str) -> list[str]:
    """The fields of one line; none of a line that the csv module cannot read."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a field longer than any tweet
        return []


def _checked_names(columns: Iterable[str], path: Path) -> list[str]:
    names = list(columns)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{path}: the column {twice[0]!r} occurs twice; expected a header that names each column once")
    if not names:
        raise DataError(f"{path}: the file is empty")
    return names


def inspect(path: Path, *, columns: Sequence[str] | None = None, text: str | None = None) -> Source:
    """Look through a file before the work: its hash, its columns and their types, how many lines it has.

    Parameters
    ----------
    path : Path
    columns : sequence of str, optional
        As for `layout_of`.
    text : str, optional
        A column of JSON Lines; rows with anything but text in it will be rejected.

    Raises
    ------
    DataError
        As `layout_of`; a file that is missing, empty, damaged as a whole, or unpacks to far too much.
    """
    layout = layout_of(path, columns)
    try:
        digest, size = file_hash(path), path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    lines = 0
    if layout.format == ".parquet":
        file = open_parquet(path)
        schema, lines = file.schema_arrow, file.metadata.num_rows
        _checked_names(schema.names, path)
    elif layout.format == ".jsonl":
        types = JsonTypes()
        for record, _ in records_of(layout):
            lines += 1
            if record is not None:
                if text in record:  # what else stands there will be rejected
                    record[text] = ""
                types.look_at(record)
        schema = types.schema(path)
    else:
        schema = pa.schema([(name, pa.string()) for name in layout.columns or ()])
        lines = sum(1 for _ in _lines(path)) - layout.headed
    return Source(layout, schema, size, digest, lines, text)


def complaint(path: Path, row: Rejected) -> str:
    """What is said of a row where none may be bad."""
    return f"{path}, line {row.line}: {row.reason}"


def iter_parts(source: Source, rows: int, *, first: int = 0) -> Iterator[Part]:
    """The file in parts of so many rows, from part `first` on.

    The last may be shorter, and so may be one of text that reaches `LONGEST_PART` characters before. Columns of CSV and
    TSV are text, the others keep their type.
    """
    if source.layout.format == ".parquet":
        yield from _parquet_parts(source.path, rows, first)
        return
    for chunk in islice(_chunks(records_of(source.layout, source.text), rows), first, None):
        good = [values for values, bad in chunk if bad is None]
        yield Part(as_table(good, source.schema), [bad for _, bad in chunk if bad is not None])


def records_of(layout: Layout, text: str | None = None) -> Iterator[Record]:
    """The rows of CSV, TSV or JSON Lines, good and rejected, in order; a header is none of them.

    Parameters
    ----------
    layout : Layout
    text : str, optional
        A column of JSON Lines that must hold nothing but texts.
    """
    if layout.format == ".jsonl":
        yield from _json_records(layout.path, text)
        return
    with _long_fields():
        records = _delimited_records(layout.path, layout.delimiter, len(layout.columns or ()))
        yield from islice(records, int(layout.headed), None)


def as_table(records: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Good rows, n of them, as a table of n rows: fields in the order of the schema, or objects of JSON."""
    if records and isinstance(records[0], dict):
        columns = [[record.get(name) for record in records] for name in schema.names]
    else:
        columns = [list(column) for column in zip(*records, strict=True)] or [[] for _ in schema]
    arrays = [_as_array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _as_array(values: list[Any], type: pa.DataType) -> pa.Array:
    if type == json_type:
        texts = [None if value is None else json_text(value) for value in values]
        return pa.ExtensionArray.from_storage(json_type, pa.array(texts, json_type.storage_type))
    return pa.array(values, type)


def _chunks(records: Iterator[Record], rows: int) -> Iterator[list[Record]]:
    """Records of a part each."""
    chunk: list[Record] = []
    size = 0
    for values, bad in records:
        chunk.append((values, bad))
        texts = () if bad else values.values() if isinstance(values, dict) else values
        size += len(bad.raw) if bad else sum(len(text) for text in texts if isinstance(text, str))
        if len(chunk) == rows or size >= LONGEST_PART:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


# Bytes to lines


class _Line(NamedTuple):
    number: int
    text: str
    problem: str | None  # not UTF-8, NUL, too long


class _Lines:
    """The lines of a text file, unpacked where it is compressed; some may be given back, to be read again."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines, self._given_back = lines, deque[_Line]()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> _Line:
        return self._given_back.popleft() if self._given_back else next(self._lines)

    def give_back(self, lines: Sequence[_Line]) -> None:
        self._given_back.extendleft(reversed(lines))


def _lines(path: Path) -> Iterator[_Line]:
    with open_text(path, "surrogateescape") as stream:
        number = 0
        while text := stream.readline(LONGEST_LINE):
            number += 1
            problem = "NUL bytes; is it UTF-16, or cut off by a crash?" if "\0" in text else None
            if len(text) >= LONGEST_LINE and not text.endswith(("\n", "\r")):
                problem = f"a line of more than {LONGEST_LINE:,} characters"
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                    pass
            try:
                text.encode()
            except UnicodeEncodeError as error:  # a byte that is no text stands as a lone surrogate
                byte = ord(text[error.start]) - 0xDC00
                problem = problem or (
                    f"not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8, it may be Windows-1252 or Latin-1"
                )
                text = text.encode(errors="surrogateescape").decode(errors="replace")
            yield _Line(number, text, problem)


def _rejected(lines: Sequence[_Line], reason: str) -> Rejected:
    return Rejected(lines[0].number if lines else 0, reason, "".join(line.text for line in lines)[:10_000])


# Lines to records


@contextmanager
def _long_fields() -> Iterator[None]:
    """The csv module refuses fields over 128 KiB unless told."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _delimited_records(path: Path, delimiter: str, width: int) -> Iterator[Record]:
    """The records of a CSV or TSV, a header among them. With `width` 0 any number of fields is right."""
    lines = _Lines(_lines(path))
    return _tsv_records(lines, width) if delimiter == "\t" else _csv_records(lines, delimiter, width)


def _csv_records(lines: _Lines, delimiter: str, width: int) -> Iterator[Record]:
    taken: list[_Line] = []
    reader = _csv_reader(lines, taken, delimiter)
    while True:
        taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # Only the first line is at fault for certain; the others are looked at again.
            lines.give_back(taken[1:])
            yield None, _rejected(taken[:1], f"broken quoting ({error})")
            reader = _csv_reader(lines, taken, delimiter)
            continue
        if fields:
            yield _checked(fields, taken, width)


def _csv_reader(lines: Iterator[_Line], taken: list[_Line], delimiter: str) -> Iterator[list[str]]:
    """A reader that notes which lines it takes, and does not take too many for one record."""

    def feed() -> Iterator[str]:
        size = 0
        for line in lines:
            size = len(line.text) + (size if taken else 0)
            taken.append(line)
            if len(taken) > LONGEST_RECORD or (len(taken) > 1 and size > LONGEST_LINE):
                raise csv.Error(f"a quote that does not close within {len(taken) - 1:,} lines")
            yield line.text

    return csv.reader(feed(), delimiter=delimiter, strict=True)


def _checked(fields: list[str], taken: Sequence[_Line], width: int) -> Record:
    problem = next((line.problem for line in taken if line.problem), None)
    if problem is None and width and len(fields) != width:
        problem = f"expected {width} fields, got {len(fields)}"
    return (fields, None) if problem is None else (None, _rejected(taken, problem))


def _tsv_records(lines: _Lines, width: int) -> Iterator[Record]:
    for line in lines:
        plain = line.text.rstrip("\r\n").split("\t")
        if plain == [""]:
            continue
        if len(plain) == width and '"' not in line.text:
            yield _checked(plain, [line], width)
            continue
        fields = [_unquoted(field) for field in plain]
        whole = len(plain) == width and None not in fields
        quoted = None if whole or '"' not in line.text else _quoted_record(line, lines, width)
        if quoted is not None:
            yield quoted
        else:
            yield _checked(
                [raw if field is None else field for raw, field in zip(plain, fields, strict=True)], [line], width
            )


def _unquoted(field: str) -> str | None:
    """What the quotes around a field enclose; a field that does not begin with one as it is; None if it never closes.

    Quotes in a field that has its own are doubled; where they are not, they are all the tweet's.
    """
    if not field.startswith('"'):
        return field
    if len(field) > 1 and field.endswith('"') and '"' not in field[1:-1].replace('""', ""):
        return field[1:-1].replace('""', '"')
    return None if field.count('"') % 2 else field


def _quoted_record(line: _Line, lines: _Lines, width: int) -> Record | None:
    """The record that begins on a line if it is read with quotes; None, and no line taken, if it should not be."""
    taken: list[_Line] = []
    lines.give_back([line])
    try:
        fields = next(_csv_reader(lines, taken, "\t"), [])
    except csv.Error:
        fields = []
    # Where each line has all the fields of a row, they are rows, and what looks like a pair of quotes is none.
    rows = width > 1 and all(taken_line.text.count("\t") + 1 == width for taken_line in taken)
    if (width and len(fields) != width) or not fields or rows:
        lines.give_back(taken[1:])
        return None
    return _checked(fields, taken, width)


def looks_like_rows(text: str, width: int) -> bool:
    """Whether a row of a TSV, as it is written, would be read as several: each of its lines has all the fields."""
    lines = re.split(r"\r\n|\r|\n", text.removesuffix("\n"))
    return width > 1 and len(lines) > 1 and all(line.count("\t") + 1 == width for line in lines)


def _json_records(path: Path, text: str | None) -> Iterator[Record]:
    for line in _lines(path):
        if not line.text.strip():
            continue
        problem, record = line.problem, None
        if problem is None:
            try:
                record = _json_record(line.text)
                if text is not None and not isinstance(record.get(text), str | None):
                    problem = f"expected text in {text!r}, got {type(record[text]).__name__}"
            except ValueError as error:
                problem = str(error)
        yield (record, None) if problem is None else (None, _rejected([line], problem))


def _json_record(line: str) -> dict[str, Any]:
    """The object on a line of JSON Lines; `ValueError` where there is none."""
    try:
        record = json.loads(line, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error})") from error
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, got {type(record).__name__}")
    return {
        well_formed(name): well_formed(value) if isinstance(value, str) else value for name, value in record.items()
    }


def _constant(name: str) -> float | None:
    """NaN stands for a missing value where pandas wrote the file."""
    return None if name == "NaN" else float(name.replace("Infinity", "inf"))


def json_text(value: Any) -> str:
    """A value as the text that JSON has for it."""
    return well_formed(json.dumps(value, ensure_ascii=False, default=str))


class JsonTypes:
    """The columns of JSON Lines and their types, from all of its records."""

    _ARROW = {
        frozenset({"text"}): pa.string(),
        frozenset({"bool"}): pa.bool_(),
        frozenset({"int"}): pa.int64(),
        frozenset({"int", "exact"}): pa.int64(),
        frozenset({"exact"}): pa.int64(),
        frozenset({"float"}): pa.float64(),
        frozenset({"exact", "float"}): pa.float64(),
        frozenset[str](): pa.string(),
    }

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = {}

    def look_at(self, record: dict[str, Any]) -> None:
        for name, value in record.items():
            kinds = self._kinds.setdefault(name, set())
            if value is not None:
                kinds.add(_kind(value))

    def schema(self, path: Path) -> pa.Schema:
        """The types so far; `DataError` without a column."""
        names = _checked_names(self._kinds, path)
        return pa.schema([(name, self._ARROW.get(frozenset(self._kinds[name]), json_type)) for name in names])


def _kind(value: Any) -> str:
    """`exact`: a whole number that is one as a fraction, too; those of more than 64 bits are like nothing else."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "exact" if abs(value) <= 2**53 else "int" if -(2**63) <= value < 2**63 else "long"
    return "float" if isinstance(value, float) else "nested"


# Parquet


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file; a compressed one is unpacked into memory.

    Raises
    ------
    DataError
        A file that is missing, empty, of another kind, damaged or cut short.
    """
    with open_bytes(path) as stream:
        if not stream.read(1):
            raise DataError(f"{path}: the file is empty")
    try:
        if compression_of(path) is None:
            return pq.ParquetFile(path)
        with open_bytes(path) as stream:
            return pq.ParquetFile(io.BytesIO(stream.read()))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file, or damaged or cut short ({error!s:.200})") from error


def _parquet_parts(path: Path, rows: int, first: int) -> Iterator[Part]:
    """Batches as they come, cut and joined to parts of so many rows."""
    skip, pieces, held = first * rows, [], 0
    try:
        for batch in open_parquet(path).iter_batches(batch_size=rows):
            table = pa.Table.from_batches([batch])
            gone = min(skip, len(table))
            skip, table = skip - gone, table.slice(gone)
            while len(table):
                take = min(rows - held, len(table))
                pieces.append(table.slice(0, take))
                held, table = held + take, table.slice(take)
                if held == rows:
                    yield Part(pa.concat_tables(pieces), [])
                    pieces, held = [], 0
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: damaged ({error!s:.200}); what came before is kept") from error
    if pieces:
        yield Part(pa.concat_tables(pieces), [])
