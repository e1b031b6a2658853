"""How a text file says its rows: its encoding, what stands between its fields, and what a header means.

Decided from the beginning of the file, and never again: what a later row looks like changes nothing. What is not as the
suffix says is told in a `Note`.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError, Note
from .encodings import known_format, open_bytes, open_text

SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between fields."""
_SAMPLE = 65_536
_ROWS = 100

csv.field_size_limit(2**31 - 1)  # it refuses fields over 128 KiB unless told; `rows` bounds them


class Dialect(NamedTuple):
    """How a CSV or TSV is written."""

    delimiter: str = ","
    decimal: str = "."
    """What stands in numbers."""
    mark: bool = False
    """Whether it begins with a byte order mark, by which spreadsheets know UTF-8."""
    end: str = "\n"
    """Of a line."""
    told: bool = False
    """Whether a line `sep=;` stands above the header."""


DIALECTS = {"unix": Dialect(), "excel": Dialect(mark=True, end="\r\n"), "excel-it": Dialect(";", ",", True, "\r\n")}
"""Those that have a name: Excel's in English and in Italian, and what everything else reads."""


class Layout(NamedTuple):
    """How a file says its rows."""

    path: Path
    format: str
    """One of `encodings.FORMATS`."""
    columns: list[str] | None = None
    """None where only a look through the whole file tells them (JSON), or its own header (Parquet)."""
    width: int = 0
    """Fields of a row, nameless ones at its end included; these are empty."""
    dialect: Dialect = Dialect()
    headed: bool = True
    """False for a file whose columns somebody named from outside."""
    encoding: str = ""
    spaced: bool = False
    """Whether a space after the delimiter is none of the field."""
    sheet: str | None = None
    """Of a spreadsheet."""


def layout_of(
    path: Path, *, columns: Sequence[str] | None = None, encoding: str | None = None, sheet: str | None = None
) -> Layout:
    """How a file says its rows, from its suffix and its beginning.

    The delimiter is the one that gives the first rows as many fields as the header: a comma, a semicolon as Italian
    spreadsheets write it, a tab or a bar; `sep=;` above the header says it.

    Parameters
    ----------
    path : Path
    columns : sequence of str, optional
        Of a CSV, TSV or sheet without a header; else the first row names them.
    encoding : str, optional
        None: UTF-8, or UTF-16 where the file begins with its mark.
    sheet : str, optional
        Of a spreadsheet with several.

    Raises
    ------
    DataError
        Another format; an unknown encoding; an option that the format does not have; a header that cannot be read, is
        empty, or names a column twice.
    """
    suffix = known_format(path)
    if columns is not None and suffix not in (".csv", ".tsv", ".xlsx"):
        raise DataError(f"{path}: a {suffix} file has names for its columns, or needs none; --columns is for tables")
    if sheet is not None and suffix != ".xlsx":
        raise DataError(f"{path}: a {suffix} file has no sheets, but {sheet!r} was named; --sheet is for .xlsx")
    if suffix in (".parquet", ".xlsx"):
        return Layout(path, suffix, checked_names(columns, path) if columns else None, headed=not columns, sheet=sheet)
    encoding = _encoding_of(path, encoding)
    if suffix == ".txt":
        return Layout(path, suffix, ["text"], 1, headed=False, encoding=encoding)
    if suffix not in (".csv", ".tsv"):
        return Layout(path, suffix, encoding=encoding)
    sample = _beginning(path, encoding)
    told = re.match(rf"sep=([{''.join(SIGNS)}])(?:\r\n?|\n)", sample)
    sample = sample[told.end() :] if told else sample
    usual = "\t" if suffix == ".tsv" else ","
    delimiter = told[1] if told else _delimiter(sample, usual, len(columns) if columns else 0)
    header = list(columns or _records(sample, delimiter, keep_spaces=True, rows=1)[0])
    spaced = not columns and delimiter != "\t" and len(header) > 1 and all(name[:1] == " " for name in header[1:])
    names = [name.strip() for name in header] if spaced else header
    if not any(map(str.strip, names)):
        raise DataError(f"{path}: the file is empty")
    names = checked_names(names, path) if columns else _named(names, _records(sample, delimiter)[1:], path)
    dialect = _dialect(path, sample, delimiter, encoding, bool(told))
    layout = Layout(path, suffix, names, len(header), dialect, columns is None, encoding, spaced)
    _tell(layout, usual)
    return layout


def _dialect(path: Path, sample: str, delimiter: str, encoding: str, told: bool) -> Dialect:
    with open_bytes(path) as stream:
        mark = stream.read(3)[:3] == b"\xef\xbb\xbf" or encoding.startswith("utf-16")
    fields = [field for record in _records(sample, delimiter)[1:] for field in record]
    points, commas = (any(re.fullmatch(rf"-?\d+{sign}\d+", field) for field in fields) for sign in (r"\.", ","))
    comma = delimiter == ";" and (commas or (mark and not points))
    line = re.search(r"\r\n?|\n", sample)
    return Dialect(delimiter, "," if comma else ".", mark, "\r\n" if line and line[0] == "\r\n" else "\n", told)


def _tell(layout: Layout, usual: str) -> None:
    """A note of what one would not expect."""
    found = []
    if layout.dialect.delimiter != usual or layout.spaced:
        found.append(f"{SIGNS[layout.dialect.delimiter]} between its fields")
    if layout.encoding != "utf-8-sig":
        found.append(f"text in {layout.encoding}")
    if layout.spaced:
        found.append("a space after each of them, which is left out")
    if layout.width > len(layout.columns or ()):
        found.append("empty columns without a name at its end, which are left out")
    if found:
        warnings.warn(f"{layout.path} is read as a table with {', '.join(found)}", Note, stacklevel=3)


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
    return _records(sample, _delimiter(sample, "\t" if known_format(path) == ".tsv" else ","), keep_spaces=True)[0]


def _encoding_of(path: Path, encoding: str | None) -> str:
    if encoding is not None:
        try:
            return "utf-8-sig" if "".encode(encoding) is None or encoding.lower() in ("utf-8", "utf8") else encoding
        except LookupError as error:
            raise DataError(f"encoding must be one that Python knows, such as cp1252, but {encoding!r} came") from error
    with open_bytes(path) as stream:
        return "utf-16" if stream.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _beginning(path: Path, encoding: str) -> str:
    """The first lines, blank ones above the first row left out."""
    with open_text(path, encoding, "replace") as stream:
        text = stream.read(_SAMPLE)
        if len(text) == _SAMPLE:  # a cut row would be no row
            text = text[: text.rfind("\n") + 1] or text + stream.readline(64_000_000)
    return text.lstrip("\r\n")


def _records(sample: str, delimiter: str, *, keep_spaces: bool = False, rows: int = _ROWS) -> list[list[str]]:
    """The first rows of a sample, one at least; none from the first on that the csv module cannot read."""
    found: list[list[str]] = []
    with suppress(csv.Error):
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=not keep_spaces)
        for record in islice(filter(None, reader), rows + 1):
            found.append(record)
    return found or [[]]


def _delimiter(sample: str, usual: str, width: int = 0) -> str:
    """The sign that gives most of the rows as many fields as the header, or as are wanted.

    Of several the usual, or that with most.
    """
    found = []
    for sign in SIGNS:
        header, *rows = _records(sample, sign)
        if len(header) > 1 and width in (0, len(header)):
            fitting = sum(len(row) == len(header) for row in rows) / max(len(rows), 1)
            found.append((fitting, sign == usual, len(header), sign))
    return max(found)[-1] if found else usual
