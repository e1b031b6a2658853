"""Files of any size, row by row: what cannot be read is set apart with its line, and the rest goes on.

For files that fit in memory and must be whole there is `files`. Here a row is either good or rejected, and none is
lost: a part is so many rows of the file, its good ones as an Arrow table, its bad ones with line, reason and text.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..cleaning import well_formed
from ..data import SENTIPOLC_COLUMNS, sentipolc_layout
from ..hub import file_hash
from .tables import FORMATS, DataError, delimiter_of, exists, file_format, json_record, long_fields, open_text

LONGEST_LINE = 64_000_000
"""Characters; a longer line is rejected."""
LONGEST_RECORD = 1000
"""Lines of one CSV record, which is no longer than `LONGEST_LINE` either; where more would follow, the quote on the
first was never meant to open."""
LONGEST_PART = 64_000_000
"""Characters; a part of text ends there, so that memory is bounded whatever the rows are."""


class Source(NamedTuple):
    """One input file, looked through from end to end."""

    path: Path
    format: str  # one of FORMATS
    size: int  # bytes
    sha256: str
    columns: list[str]
    lines: int  # or rows of Parquet: for an estimate of what is left
    delimiter: str
    quoting: int
    types: dict[str, str]  # of columns that are not text
    headed: bool  # False for SENTIPOLC's gold file, whose columns are known
    text: str | None  # a column of JSON Lines that must hold nothing but texts


class Rejected(NamedTuple):
    """A row that cannot be read."""

    line: int  # from 1; in a Parquet file the row
    reason: str
    raw: str  # what stood there, at most 10,000 characters


class Part(NamedTuple):
    """Some rows of a file, in order."""

    table: pa.Table
    rejected: list[Rejected]


_Record = tuple[list[Any] | None, Rejected | None]  # the fields of a good row, or else why it is none


def find_files(inputs: list[str | Path]) -> list[Path]:
    """Files, folders (what they hold of known formats, nested or not) and globs to files, in order, each once.

    Raises
    ------
    DataError
        What matches no file, or a file of an unknown format.
    """
    found: list[Path] = []
    for given in inputs:
        path = Path(given)
        is_file = exists(path) and path.is_file()
        if is_file:
            members = [path]
        elif exists(path) and path.is_dir():
            members = sorted(member for member in path.rglob("*") if _is_known(member))
        else:
            pattern = path.relative_to(path.anchor).as_posix() if path.is_absolute() else path.as_posix()
            root = Path(path.anchor) if path.is_absolute() else Path()
            members = sorted(root.glob(pattern)) if any(sign in str(given) for sign in "*?[") else []
        if not is_file:
            members = [member for member in members if member.is_file() and not _is_hidden(member, path)]
        if not members:
            raise DataError(f"{given}: no such file, or a folder or pattern without one in {', '.join(FORMATS)}")
        for member in members:
            if not _is_known(member):
                raise DataError(f"{member}: expected a file ending in {', '.join(FORMATS)}, also with .gz or .zst")
        found += members
    once: dict[Path, Path] = {}
    for member in found:
        once.setdefault(member.resolve(), member)
    return list(once.values())


def _is_hidden(member: Path, folder: Path) -> bool:
    """Whether a name below the folder begins with a dot, as those of editors' and notebooks' copies do."""
    own = member.relative_to(folder).parts if folder.is_dir() else (member.name,)
    return any(name.startswith(".") for name in own)


def _is_known(path: Path) -> bool:
    return file_format(path) in FORMATS


def inspect(path: Path, text: str | None = None) -> Source:
    """Look through a file before the work: its hash, its columns, how many lines it has.

    Of JSON Lines, rows with anything but text in the column `text` will be rejected.

    Raises
    ------
    DataError
        A file that is missing, empty, damaged as a whole, or unpacks to far too much; columns that occur twice.
    """
    suffix = file_format(path)
    try:
        digest, size = file_hash(path), path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    if size == 0:
        raise DataError(f"{path}: the file is empty")
    delimiter, quoting, lines, types, headed = "", csv.QUOTE_MINIMAL, 0, {}, True
    if suffix == ".parquet":
        file = _parquet(path)
        columns, lines = list(file.schema_arrow.names), file.metadata.num_rows
        types = {field.name: str(field.type) for field in file.schema_arrow if not _is_text(field.type)}
    elif suffix == ".jsonl":
        names: dict[str, None] = {}
        for record, _ in _json_records(path):
            lines += 1
            names.update(dict.fromkeys(record or ()))
        columns = list(names)
    else:
        delimiter, headed = sentipolc_layout(path) or (delimiter_of(path), True)
        if suffix == ".tsv" and any(_is_quoting(bad) for _, bad in _csv_records(path, "\t", quoting, 0)):
            quoting = csv.QUOTE_NONE  # as in `files.read_table`: quotes that do not pair are none
        header_fields, bad = next(_csv_records(path, delimiter, quoting, 0), ([], None))
        if headed and bad is not None:
            raise DataError(f"{path}, line {bad.line}: {bad.reason}; expected a header that names the columns")
        columns = header_fields or [] if headed else list(SENTIPOLC_COLUMNS)
        lines = sum(1 for _ in _lines(path)) - headed
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice or not columns:
        what = f"the column {twice[0]!r} occurs twice" if twice else "no columns"
        raise DataError(f"{path}: {what}; expected a header that names each column once")
    return Source(path, suffix, size, digest, columns, lines, delimiter, quoting, types, headed, text)


def _is_text(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        return _is_text(type.value_type)
    return pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)


def iter_parts(source: Source, rows: int, *, first: int = 0) -> Iterator[Part]:
    """The file in parts of so many rows, from part `first` on.

    The last may be shorter, and so may be one of text that reaches `LONGEST_PART` characters before. Columns of CSV and
    TSV are strings. Those of JSON Lines are strings, too: a number or list as its JSON text. Parquet keeps its types.
    """
    if source.format == ".parquet":
        yield from _parquet_parts(source, rows, first)
        return
    if source.format == ".jsonl":
        records = (_as_row(record, bad, source.columns) for record, bad in _json_records(source.path, source.text))
    else:
        records = _csv_records(source.path, source.delimiter, source.quoting, len(source.columns))
        records = islice(records, int(source.headed), None)
    schema = pa.schema([(name, pa.string()) for name in source.columns])
    for chunk in islice(_chunks(records, rows), first, None):
        good = [fields for fields, _ in chunk if fields is not None]
        columns = list(zip(*good, strict=True)) or [()] * len(source.columns)
        arrays = [pa.array(column, pa.string()) for column in columns]
        yield Part(pa.Table.from_arrays(arrays, schema=schema), [bad for _, bad in chunk if bad is not None])


def _chunks(records: Iterator[_Record], rows: int) -> Iterator[list[_Record]]:
    """Records of a part each."""
    chunk: list[_Record] = []
    size = 0
    for fields, bad in records:
        chunk.append((fields, bad))
        size += len(bad.raw) if bad else sum(len(field) for field in fields or () if field)
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


def _lines(path: Path) -> Iterator[_Line]:
    """The lines of a text file, unpacked where it is compressed."""
    with open_text(path, "surrogateescape") as stream:
        number = 0
        while text := stream.readline(LONGEST_LINE):
            number += 1
            problem = "a NUL byte" if "\0" in text else None
            if len(text) >= LONGEST_LINE and not text.endswith(("\n", "\r")):
                problem = f"a line of more than {LONGEST_LINE:,} characters"
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                    pass
            try:
                text.encode()
            except UnicodeEncodeError as error:  # a byte that is no text stands as a lone surrogate
                problem = problem or f"not UTF-8 (byte 0x{ord(text[error.start]) - 0xDC00:02x})"
                text = text.encode(errors="surrogateescape").decode(errors="replace")
            yield _Line(number, text, problem)


# Lines to records


def _csv_records(path: Path, delimiter: str, quoting: int, width: int) -> Iterator[_Record]:
    """The records of a CSV file, the header first. With `width` 0 any number of fields is right."""
    stream = _lines(path)
    with long_fields():
        waiting: deque[_Line] = deque()
        taken: list[_Line] = []

        def feed() -> Iterator[str]:
            size = 0
            while line := waiting.popleft() if waiting else next(stream, None):
                size = len(line.text) + (size if taken else 0)
                taken.append(line)
                if len(taken) > LONGEST_RECORD or (len(taken) > 1 and size > LONGEST_LINE):
                    raise csv.Error(f"a quote that does not close within {len(taken) - 1:,} lines")
                yield line.text

        reader = csv.reader(feed(), delimiter=delimiter, quoting=quoting, strict=quoting != csv.QUOTE_NONE)
        while True:
            taken.clear()
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # Only the first line is at fault for certain; the others are looked at again.
                waiting.extendleft(reversed(taken[1:]))
                yield None, _rejected(taken[:1], f"broken quoting ({error})")
                reader = csv.reader(feed(), delimiter=delimiter, quoting=quoting, strict=quoting != csv.QUOTE_NONE)
                continue
            problem = next((line.problem for line in taken if line.problem), None)
            if problem:
                yield None, _rejected(taken, problem)
            elif fields and width and len(fields) != width:
                yield None, _rejected(taken, f"expected {width} fields, got {len(fields)}")
            elif fields:
                yield fields, None


def _json_records(path: Path, text: str | None = None) -> Iterator[tuple[dict[str, Any] | None, Rejected | None]]:
    for line in _lines(path):
        if not line.text.strip():
            continue
        problem, value = line.problem, None
        if problem is None:
            try:
                value = json_record(line.text)
                if text is not None and not isinstance(value.get(text), str | None):
                    problem = f"expected text in {text!r}, got {type(value[text]).__name__}"
            except ValueError as error:
                problem = str(error)
        yield (value, None) if problem is None else (None, _rejected([line], problem))


def _as_row(record: dict[str, Any] | None, bad: Rejected | None, columns: list[str]) -> _Record:
    if record is None:
        return None, bad
    return [_as_text(record.get(name)) for name in columns], None


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return well_formed(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _is_quoting(bad: Rejected | None) -> bool:
    return bad is not None and bad.reason.startswith("broken quoting")


def _rejected(lines: list[_Line], reason: str) -> Rejected:
    return Rejected(lines[0].number if lines else 0, reason, "".join(line.text for line in lines)[:10_000])


# Parquet


def _parquet(path: Path) -> pq.ParquetFile:
    if path.suffix.lower() != ".parquet":
        raise DataError(f"{path}: Parquet files are compressed inside; unpack the {path.suffix} around it first")
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file, or damaged or cut short ({error!s:.200})") from error


def _parquet_parts(source: Source, rows: int, first: int) -> Iterator[Part]:
    """Batches as they come, cut and joined to parts of so many rows."""
    skip, pieces, held = first * rows, [], 0
    try:
        for batch in _parquet(source.path).iter_batches(batch_size=rows):
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
        raise DataError(f"{source.path}: damaged ({error!s:.200}); what came before is kept") from error
    if pieces:
        yield Part(pa.concat_tables(pieces), [])
