"""The one parser: a file of any size, row by row; what cannot be read is set apart with its line, and the rest goes on.

Here a row is either good or rejected, and none is lost. Whole files (`tables`) are read by the same rules: there the
first rejected row is an error.

What a row is, by format. CSV: as the `csv` module reads it, strictly. TSV: a line whose fields, divided at the tabs,
are as many as the header's is a row, whatever quotes stand in it (a raw export does not quote, and a tweet may begin
with a quote); a field in quotes from end to end is what they enclose; only a line with too few or too many fields, or
with one that opens a quote before a line that is no row by itself, is read with quotes. JSON: an object a line, or
what an array holds. Plain text: a line. Parquet: its own rows.

Values keep their type. A column of JSON Lines is text, whole numbers (64 bits), fractions or true and false if all of
its values are; a column of lists, of objects, of several types or of longer numbers is JSON, each value as its text.
So is one of a sheet (see `spreadsheets`), which has dates and times, too.
"""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError, Note
from .dialects import Layout, checked_names, first_row, layout_of
from .encodings import compression_of, file_hash, known_format, likely_encoding, open_bytes, open_text, well_formed
from .spreadsheets import sheet_rows

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
"""The values of a row (fields in order, or an object of JSON), and why it is no good one, if it is none."""
_BLANK: Record = ([], None)
"""A row of delimiters, where not even quotes enclose nothing."""


def inspect(path: Path, *, text: str | None = None, **reading: Any) -> Source:
    """Look through a file before the work: its hash, its columns and their types, how many lines it has.

    Parameters
    ----------
    path : Path
    text : str, optional
        A column of JSON; rows with anything but text in it will be rejected. Of objects in objects the names are
        joined by dots (`tweet.full_text`), and the column has that name.
    **reading : Any
        As for `layout_of`.

    Raises
    ------
    DataError
        As `layout_of`; a file that is empty, damaged as a whole, or unpacks to far too much.
    """
    layout = layout_of(path, **reading)
    if layout.format == ".parquet":
        file = open_parquet(path)
        schema, lines = file.schema_arrow, file.metadata.num_rows
        checked_names(schema.names, path)
    elif layout.width:
        next(records_of(layout), None)  # for what it says of a broken header
        schema = pa.schema([(name, pa.string()) for name in layout.columns or ()])
        lines = sum(1 for _ in _lines(layout)) - layout.headed
    else:
        schema, lines = schema_of(records_of(layout, text), layout, text)
    return Source(layout, schema, path.stat().st_size, file_hash(path), lines, text)


def column_names(path: Path) -> list[str]:
    """The names of a file's columns, from its beginning (of JSON, its first object); none where it cannot be read."""
    try:
        if known_format(path) in (".csv", ".tsv"):
            return first_row(path)
        layout = layout_of(path)
        if layout.format == ".parquet":
            return list(open_parquet(path).schema_arrow.names)
        return layout.columns or list(next((record for record, _ in records_of(layout) if record), {}))
    except DataError:
        return []


def complaint(path: Path, row: Rejected) -> str:
    """What is said of a row where none may be bad."""
    return f"{path}, line {row.line}: {row.reason}"


def iter_parts(source: Source, rows: int, *, first: int = 0) -> Iterator[Part]:
    """The file in parts of so many rows, from part `first` on.

    The last may be shorter, and so may be one of text that reaches `LONGEST_PART` characters before. Columns of CSV and
    TSV are text, the others keep their type.
    """
    if source.layout.format == ".parquet":
        yield from islice(_parquet_parts(source.path, rows), first, None)
        return
    for chunk in islice(_chunks(records_of(source.layout, source.text), rows), first, None):
        good = [values for values, bad in chunk if bad is None]
        yield Part(as_table(good, source.schema), [bad for _, bad in chunk if bad is not None])


def records_of(layout: Layout, text: str | None = None) -> Iterator[Record]:
    """The rows of any format but Parquet, good and rejected, in order; a header is none of them.

    Parameters
    ----------
    layout : Layout
    text : str, optional
        A column of JSON that must hold nothing but texts; see `inspect`.

    Raises
    ------
    DataError
        A header that cannot be read.
    """
    if layout.format == ".txt":
        yield from (_checked([line.text.rstrip("\r\n")], [line], layout) for line in _lines(layout))
    elif not layout.width:
        yield from _json_records(layout, text)
    else:
        lines = _Lines(_lines(layout))
        records = (_tsv_records if layout.dialect.delimiter == "\t" else _csv_records)(lines, layout)
        _, bad = next(records, (None, None)) if layout.headed else (None, None)
        if bad is not None:
            raise DataError(f"{complaint(layout.path, bad)}; expected a header that names the columns")
        yield from _up_to_the_last(records, layout)


def _up_to_the_last(records: Iterator[Record], layout: Layout) -> Iterator[Record]:
    """Without the rows of delimiters alone that spreadsheets write below a table, of which a note says how many."""
    blank = 0
    for record in records:
        if record is _BLANK:
            blank += 1
            continue
        yield from [([""] * len(layout.columns or ()), None)] * blank if blank else ()
        blank = 0
        yield record
    if blank:
        warnings.warn(f"{layout.path}: {blank} blank rows below the table are left out", Note, stacklevel=2)


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
    if type == _ARROW["time"]:  # midnight is a date in a sheet: among times it is a time
        values = [datetime(*value.timetuple()[:3]) if _kind(value) == "date" else value for value in values]
    return pa.array(values, type)


def _chunks(records: Iterator[Record], rows: int) -> Iterator[list[Record]]:
    """Records of a part each."""
    chunk: list[Record] = []
    size = 0
    for values, bad in records:
        chunk.append((values, bad))
        texts = [text for text in values.values() if isinstance(text, str)] if isinstance(values, dict) else values
        size += len(bad.raw) if bad else sum(map(len, texts))
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


def _lines(layout: Layout) -> Iterator[_Line]:
    utf8 = layout.encoding == "utf-8-sig"
    with open_text(layout.path, layout.encoding, "surrogateescape" if utf8 else "replace") as stream:
        number = sum(1 for _ in range(layout.dialect.told) if stream.readline(LONGEST_LINE))
        while text := stream.readline(LONGEST_LINE):
            number += 1
            problem = "NUL bytes; is it UTF-16, or cut off by a crash?" if "\0" in text else None
            if len(text) >= LONGEST_LINE and not text.endswith(("\n", "\r")):
                problem = f"a line of more than {LONGEST_LINE:,} characters"
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                    pass
            if not utf8 and "\ufffd" in text:
                problem = problem or f"not {layout.encoding}, as it was said to be"
            try:
                text.encode()
            except UnicodeEncodeError as error:  # a byte that is no text stands as a lone surrogate
                byte = ord(text[error.start]) - 0xDC00
                problem = problem or (
                    f"not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8, or say its encoding "
                    f"(--encoding; it may be {likely_encoding(layout.path)})"
                )
                text = text.encode(errors="surrogateescape").decode(errors="replace")
            yield _Line(number, text, problem)


def _rejected(lines: Sequence[_Line], reason: str) -> Rejected:
    return Rejected(lines[0].number if lines else 0, reason, "".join(line.text for line in lines)[:10_000])


# Lines to records


def _csv_records(lines: _Lines, layout: Layout) -> Iterator[Record]:
    taken: list[_Line] = []
    reader = None
    while True:
        taken.clear()
        reader = reader or _csv_reader(lines, taken, layout)
        try:
            fields, problem = next(reader), ""
        except StopIteration:
            return
        except csv.Error as error:
            fields, problem, reader = [], f"broken quoting ({error})", None
        if not fields and not problem:
            continue
        escaped = None
        if len(fields) != layout.width and any('\\"' in line.text for line in taken):
            escaped = _tried(lines, taken, layout, escapechar="\\")
        if problem and escaped is None:
            # Only the first line is at fault for certain; the others are looked at again.
            lines.give_back(taken[1:])
            yield None, _rejected(taken[:1], problem)
        else:
            yield escaped or _checked(fields, taken, layout)


def _tried(lines: _Lines, first: Sequence[_Line], layout: Layout, **options: Any) -> Record | None:
    """The record that begins with the lines taken first, if it has all fields when it is read so.

    Else None, and no other lines are taken.
    """
    taken: list[_Line] = []
    lines.give_back(first)
    try:
        fields = next(_csv_reader(lines, taken, layout, **options), [])
    except csv.Error:
        fields = []
    # Where a line of a TSV and the next have all the fields of a row, they are rows, and the pair of quotes is none.
    delimiter = layout.dialect.delimiter
    rows = [delimiter == "\t" and line.text.count(delimiter) + 1 == layout.width > 1 for line in taken[:2]]
    if len(fields) == layout.width and not all(rows):
        return _checked(fields, taken, layout)
    lines.give_back(taken)
    for _ in first:
        next(lines)
    return None


def _csv_reader(lines: _Lines, taken: list[_Line], layout: Layout, **options: Any) -> Iterator[list[str]]:
    """A reader that notes which lines it takes, and does not take too many for one record."""

    def feed() -> Iterator[str]:
        size = 0
        for line in lines:
            size = len(line.text) + (size if taken else 0)
            taken.append(line)
            if len(taken) > LONGEST_RECORD or (len(taken) > 1 and size > LONGEST_LINE):
                raise csv.Error(f"a quote that does not close within {len(taken) - 1:,} lines")
            yield line.text

    sign, spaced = layout.dialect.delimiter, layout.spaced
    return csv.reader(feed(), strict=True, delimiter=sign, skipinitialspace=spaced, **options)


def _checked(fields: list[str], taken: Sequence[_Line], layout: Layout) -> Record:
    names = len(layout.columns or ())
    problem = next(iter([line.problem for line in taken if line.problem]), None)
    if problem is None and len(fields) != layout.width:
        problem = f"expected {layout.width} fields, got {len(fields)}"
    if problem is None and any(fields[names:]):
        problem = f"{fields[names:]} in columns without a name"
    if problem is not None:
        return None, _rejected(taken, problem)
    if names > 1 and not any(fields) and '"' not in taken[0].text:
        return _BLANK
    return fields if len(fields) == names else fields[:names], None


def _tsv_records(lines: _Lines, layout: Layout) -> Iterator[Record]:
    for line in lines:
        plain = line.text.rstrip("\r\n").split("\t")
        if plain == [""]:
            continue
        fields = plain
        if '"' in line.text:
            unquoted = [_unquoted(field) for field in plain]
            broken = len(plain) != layout.width or None in unquoted
            if broken and (quoted := _tried(lines, [line], layout)) is not None:
                yield quoted
                continue
            fields = [raw if field is None else field for raw, field in zip(plain, unquoted, strict=True)]
        yield _checked(fields, [line], layout)


def _unquoted(field: str) -> str | None:
    """What the quotes around a field enclose; a field that does not begin with one as it is; None if it never closes.

    Quotes in a field that has its own are doubled; where they are not, they are all the tweet's.
    """
    if not field.startswith('"'):
        return field
    if len(field) > 1 and field.endswith('"') and '"' not in field[1:-1].replace('""', ""):
        return field[1:-1].replace('""', '"')
    return None if field.count('"') % 2 else field


def looks_like_rows(text: str, width: int) -> bool:
    """Whether a row of a TSV, as it is written, would be read as several: its first two lines have all the fields."""
    lines = re.split(r"\r\n|\r|\n", text.removesuffix("\n"))
    return width > 1 and len(lines) > 1 and all(line.count("\t") + 1 == width for line in lines[:2])


def _json_records(layout: Layout, text: str | None) -> Iterator[Record]:
    if layout.format == ".xlsx":
        for row in sheet_rows(layout):
            yield {**row, text: str(row[text])} if text and row.get(text) is not None else row, None
        return
    for value, raw in _json_values(layout):
        record, problem = _json_record(value)
        if record is not None and text is not None:
            _add_nested(record, text)
            if not isinstance(record.get(text), str | None):
                problem = f"expected text in {text!r}, got {type(record[text]).__name__}"
        yield record, raw._replace(reason=problem) if problem else None


def _json_values(layout: Layout) -> Iterator[tuple[Any, Rejected]]:
    """Each value that should be an object, or the `ValueError` in its place; and what is said if it is none.

    A line has one, unless the first cannot be read alone: then the file is one value, or several.
    """
    first = True
    for line in _lines(layout):
        if not line.text.strip():
            continue
        try:
            value: Any = ValueError(line.problem) if line.problem else _DECODER.decode(line.text)
        except (ValueError, RecursionError) as error:
            value = ValueError(f"not valid JSON ({error})")
        if first and not line.problem and not isinstance(value, dict):
            whole = list(_whole_document(layout))
            if whole or isinstance(value, list):
                yield from whole
                return
        first = False
        for one in _unwrapped(value):
            yield one, Rejected(line.number, "", line.text[:10_000])


def _whole_document(layout: Layout) -> Iterator[tuple[Any, Rejected]]:
    """The objects of arrays, of pages (`{"data": [...]}`), or one after the other; nothing, if it is not all JSON.

    A script may give it a name first, as in Twitter's archive. It is read at once, and rows are counted, not lines.
    """
    with open_text(layout.path, layout.encoding, "replace") as stream:
        text = re.sub(r"\A\s*[\w.]+\s*=\s*(?=\[)", "", stream.read()).strip().removesuffix(";")
    found, at = [], 0
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        found += [one for part in (value if isinstance(value, list) else [value]) for one in _unwrapped(part)]
    for number, value in enumerate(found, 1):
        yield value, Rejected(number, "", json_text(value)[:10_000])


_SPACE = re.compile(r"\s+")
_PAGE = {"data", "includes", "meta", "errors", "__twarc"}


def _unwrapped(value: Any) -> list[Any]:
    """The tweets of a page of Twitter's interface, or in the archive's wrapping; else the value itself."""
    if isinstance(value, dict) and isinstance(value.get("data"), list) and set(value) <= _PAGE:
        return value["data"]
    if isinstance(value, dict) and set(value) == {"tweet"} and isinstance(value["tweet"], dict):
        return [value["tweet"]]
    return [value]


def _add_nested(record: dict[str, Any], name: str) -> None:
    """Give a value inside of an object a column of its own, called by the way to it."""
    parts = name.split(".")
    if len(parts) > 1 and name not in record and parts[0] in record:
        value: Any = record
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        record[name] = value


def _json_record(value: Any) -> tuple[dict[str, Any] | None, str]:
    """An object with text that UTF-8 can hold; or why there is none."""
    if not isinstance(value, dict):
        wrong = f"expected a JSON object, got {type(value).__name__}"
        return None, str(value) if isinstance(value, ValueError) else wrong
    return {well_formed(name): well_formed(one) if isinstance(one, str) else one for name, one in value.items()}, ""


# NaN stands for a missing value where pandas wrote the file.
_DECODER = json.JSONDecoder(parse_constant=lambda name: None if name == "NaN" else float(name))


def json_text(value: Any) -> str:
    """A value as the text that JSON has for it; a time as ISO 8601 has it."""
    return well_formed(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


_ARROW = {"text": pa.string(), "bool": pa.bool_(), "exact": pa.int64(), "int": pa.int64(), "float": pa.float64()}
_ARROW |= {"date": pa.date32(), "time": pa.timestamp("us")}
_KINDS = {str: "text", bool: "bool", float: "float", type(None): "none", date: "date", datetime: "time"}


def schema_of(records: Iterable[Record], layout: Layout, text: str | None) -> tuple[pa.Schema, int]:
    """The columns of JSON or a sheet and their types, from all of its records; and how many there are.

    Raises
    ------
    DataError
        Without a column.
    """
    count, kinds = 0, {name: set[str]() for name in layout.columns or ()}
    for record, _ in records:
        count += 1
        for name, value in (record or {}).items():
            kinds.setdefault(name, set()).add("text" if name == text else _kind(value))
    names = checked_names(list(kinds), layout.path)
    return pa.schema([(name, _arrow_type(kinds[name] - {"none"})) for name in names]), count


def _arrow_type(kinds: set[str]) -> pa.DataType:
    for wider, narrower in (("int", "exact"), ("float", "exact"), ("time", "date")):
        kinds = kinds - {narrower} if wider in kinds else kinds
    return _ARROW.get(next(iter(kinds), "text"), json_type) if len(kinds) <= 1 else json_type


def _kind(value: Any) -> str:
    """`exact`: a whole number that is one as a fraction, too; those of more than 64 bits are like nothing else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "exact" if abs(value) <= 2**53 else "int" if -(2**63) <= value < 2**63 else "nested"
    return _KINDS.get(type(value), "nested")


# Parquet


@contextmanager
def parquet_errors(path: Path) -> Iterator[None]:
    """What Arrow says of a file that it cannot read, as a `DataError`."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file, or damaged or cut short ({error!s:.200})") from error


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file; a compressed one is unpacked into memory.

    Raises
    ------
    DataError
        A file that is missing, empty, of another kind, damaged or cut short.
    """
    with open_bytes(path) as stream, parquet_errors(path):
        return pq.ParquetFile(path if compression_of(path) is None else io.BytesIO(stream.read()))


def _parquet_parts(path: Path, rows: int) -> Iterator[Part]:
    """Batches as they come, joined and cut to parts of so many rows."""
    with parquet_errors(path):
        file = open_parquet(path)
        held = file.schema_arrow.empty_table()
        for batch in file.iter_batches(batch_size=rows):
            held = pa.concat_tables([held, pa.Table.from_batches([batch])])
            while len(held) >= rows:
                yield Part(held.slice(0, rows), [])
                held = held.slice(rows)
    if len(held):
        yield Part(held, [])
