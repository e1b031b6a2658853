"""How a text file says its rows: its encoding, what stands between its fields, and what a header means.

Decided from the beginning of the file, and never again: what a later row looks like changes nothing. What is not as the
suffix says is told in a `Note`.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError, Note
from .encodings import known_format, open_bytes, open_text

SIGNS = ",;\t|"
"""What may stand between fields."""
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE = 65_536
_ROWS = 100


class Layout(NamedTuple):
    """How a file says its rows."""

    path: Path
    format: str
    """One of `encodings.FORMATS`."""
    columns: list[str] | None
    """None where only a look through the whole file tells them (JSON)."""
    width: int
    """Fields of a row, nameless ones at its end included; these are empty."""
    delimiter: str
    """Between the fields of CSV and TSV."""
    headed: bool
    """False for a file whose columns somebody named from outside."""
    encoding: str
    preamble: int
    """Lines above the header: `sep=;`."""
    spaced: bool
    """Whether a space after the delimiter is none of the field."""


def layout_of(path: Path, columns: Sequence[str] | None = None, encoding: str | None = None) -> Layout:
    """How a file says its rows, from its suffix and its beginning.

    The delimiter is the one that gives the first rows as many fields as the header: a comma, a semicolon as Italian
    spreadsheets write it, a tab or a bar; `sep=;` above the header says it.

    Parameters
    ----------
    path : Path
    columns : sequence of str, optional
        Of a CSV or TSV without a header; else the first row names them.
    encoding : str, optional
        None: UTF-8, or UTF-16 where the file begins with its mark.

    Raises
    ------
    DataError
        Another format; an unknown encoding; a header that cannot be read, is empty, or names a column twice.
    """
    suffix = known_format(path)
    if suffix == ".parquet":
        return Layout(path, suffix, None, 0, "", True, "", 0, False)
    encoding = _encoding_of(path, encoding)
    if suffix == ".txt":
        return Layout(path, suffix, ["text"], 1, "", False, encoding, 0, False)
    if suffix not in (".csv", ".tsv"):
        return Layout(path, suffix, None, 0, "", True, encoding, 0, False)
    sample = _beginning(path, encoding)
    told = re.match(rf"sep=([{SIGNS}])(?:\r\n?|\n)", sample)
    sample = sample[told.end() :] if told else sample
    usual = "\t" if suffix == ".tsv" else ","
    if columns is not None:
        fitting = [sign for sign in SIGNS if len(_first(sample, sign)) == len(columns)]
        delimiter = told[1] if told else usual if usual in fitting or not fitting else fitting[0]
        return _told(Layout(path, suffix, list(columns), len(columns), delimiter, False, encoding, bool(told), False))
    delimiter = told[1] if told else _delimiter(sample, usual)
    header = _first(sample, delimiter)
    spaced = delimiter != "\t" and len(header) > 1 and all(name.startswith(" ") for name in header[1:])
    names = [name.strip() for name in header] if spaced else header
    if not any(map(str.strip, names)):
        raise DataError(f"{path}: the file is empty")
    names = _named(names, _records(sample, delimiter)[1:], path)
    return _told(Layout(path, suffix, names, len(header), delimiter, True, encoding, bool(told), spaced))


def _told(layout: Layout) -> Layout:
    """The layout, and a note of what one would not expect in it."""
    found = []
    if layout.delimiter != ("\t" if layout.format == ".tsv" else ","):
        found.append(f"{_NAMES[layout.delimiter]} between its fields")
    if layout.encoding != "utf-8-sig":
        found.append(f"text in {layout.encoding}")
    if layout.spaced:
        found.append("spaces after them, which are left out")
    if layout.width > len(layout.columns or ()):
        found.append("empty columns without a name at its end, which are left out")
    if found:
        warnings.warn(f"{layout.path} is read as a table with {', '.join(found)}", Note, stacklevel=3)
    return layout


def checked_names(names: Sequence[str], path: Path) -> list[str]:
    """Names of columns, each once; `DataError` for others, and for none."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{path}: the column {twice[0]!r} occurs twice; expected a header that names each column once")
    if not names:
        raise DataError(f"{path}: the file is empty")
    return list(names)


def _named(header: list[str], rows: list[list[str]], path: Path) -> list[str]:
    """Names for all columns: those without one at the end go where they are empty, others are numbered."""
    width = len(header)
    while width > 1 and not header[width - 1] and not any(row[width - 1 : width] not in ([], [""]) for row in rows):
        width -= 1
    nameless = header[:width].count("")
    return checked_names(
        [name if name or nameless == 1 else f"column {number}" for number, name in enumerate(header[:width], 1)], path
    )


# The beginning of a file


def first_row(path: Path) -> list[str]:
    """The fields of the first row of a CSV or TSV, whether or not they are names."""
    sample = _beginning(path, _encoding_of(path, None))
    return _first(sample, _delimiter(sample, "\t" if known_format(path) == ".tsv" else ","))


def _encoding_of(path: Path, encoding: str | None) -> str:
    if encoding is not None:
        try:
            return "utf-8-sig" if "".encode(encoding) is None or encoding.lower() in ("utf-8", "utf8") else encoding
        except LookupError as error:
            raise DataError(f"encoding must be one that Python knows, such as cp1252, but {encoding!r} came") from error
    with open_bytes(path) as stream:
        mark = stream.read(2)
    return "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _beginning(path: Path, encoding: str) -> str:
    """The first lines, blank ones above the first row left out."""
    with open_text(path, encoding, "replace") as stream:
        text = stream.read(_SAMPLE)
        if len(text) == _SAMPLE:  # a cut row would be no row
            text = text[: text.rfind("\n") + 1] or text + stream.readline(64_000_000)
    return text.lstrip("\r\n")


@contextmanager
def long_fields() -> Iterator[None]:
    """The csv module refuses fields over 128 KiB unless told."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _records(sample: str, delimiter: str) -> list[list[str]]:
    """The first rows of a sample; those before the first that the csv module cannot read."""
    found: list[list[str]] = []
    with long_fields(), suppress(csv.Error):
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True):
            found += [record] if record else []
            if len(found) > _ROWS:
                break
    return found


def _first(sample: str, delimiter: str) -> list[str]:
    """The fields of the first row, as they stand in it."""
    with long_fields():
        return next(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), [])


def _delimiter(sample: str, usual: str) -> str:
    """The sign that gives most of the rows as many fields as the header; of several the usual, or that with most."""
    found = []
    for sign in SIGNS:
        header, *rows = _records(sample, sign) or [[]]
        if len(header) > 1:
            fitting = sum(len(row) == len(header) for row in rows) / max(len(rows), 1)
            found.append((fitting, sign == usual, len(header), sign))
    return max(found)[-1] if found else usual
