"""Sheets of .xlsx to rows, and tables to one sheet, by openpyxl (extra `excel`).

A sheet knows text, truth values, times and numbers of 15 digits. What has more digits is written as text, and so is
whatever else a sheet would change: times with a zone or a fraction of a second, decimals, infinity.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import DataError, require_extra
from .dialects import Layout, checked_names
from .encodings import open_bytes, well_formed

LONGEST_CELL, MOST_ROWS = 32_767, 1_048_576
_CODE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CODED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f]")


def sheet_rows(layout: Layout) -> Iterator[dict[str, Any]]:
    """The rows of a sheet as objects: its first row that is not empty has their names; empty rows below it are none."""
    require_extra("openpyxl", "excel", f"{layout.path}: a spreadsheet needs")
    import openpyxl

    with open_bytes(layout.path) as stream:
        try:
            book = openpyxl.load_workbook(io.BytesIO(stream.read()), read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise DataError(f"{layout.path}: not an .xlsx file, or damaged or cut short ({error!s:.200})") from error
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    wanted = layout.sheet or next(iter(sheets), "")
    if wanted not in sheets or (layout.sheet is None and len(sheets) > 1):
        raise DataError(f"{layout.path}: has the sheets {', '.join(sheets)}; say which (--sheet; sheet= in Python)")
    sheets[wanted].reset_dimensions()  # some programs write wrong ones
    rows = (list(map(_value, row)) for row in sheets[wanted].iter_rows(values_only=True))
    found = [row for row in rows if any(value is not None for value in row)]
    header = [] if layout.columns else ["" if name is None else str(name).strip() for name in (found or [[]])[0]]
    width = max(map(len, found), default=0)
    named = [name or f"column {number}" for number, (name, _) in enumerate(zip_longest(header, range(width)), 1)]
    names = checked_names(layout.columns or named, layout.path)
    for row in found[layout.headed :]:
        if any(value is not None for value in row[len(names) :]):
            raise DataError(f"{layout.path}: expected {len(names)} columns, got {len(row)}; name them all (--columns)")
        yield dict(zip_longest(names, row[: len(names)]))


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(_CODE.sub(lambda code: chr(int(code[1], 16)), value)) or None
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value if isinstance(value, bool | int | float | date | None) else str(value)


def write_sheet(names: Sequence[str], columns: Iterable[Sequence[Any]], file: BinaryIO, path: Path) -> None:
    """Write columns of Python's values, n each, as one sheet; `DataError` for a text or a table that is too long."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    def cell(value: Any) -> Any:
        if not isinstance(value, str | float):
            return value
        found = WriteOnlyCell(sheet)
        # Set past openpyxl, which would take text for formulas, and cuts numbers to 16 digits.
        if isinstance(value, str):
            found._value, found.data_type = _CODED.sub(lambda sign: f"_x{ord(sign[0]):04X}_", value), "s"
        else:
            found._value, found.data_type = repr(value), "n"
        return found

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("sentiment-kit")
    rows = [names, *zip(*columns, strict=True)]
    if len(rows) > MOST_ROWS:
        raise DataError(f"{path}: a sheet has no more than {MOST_ROWS:,} rows; write .csv or .parquet")
    for number, row in enumerate(rows):
        for name, value in zip(names, row, strict=True):
            if isinstance(value, str) and len(value) > LONGEST_CELL:
                raise DataError(
                    f"{path}, row {number}, column {name}: a cell of .xlsx holds {LONGEST_CELL:,} characters, and this "
                    f"has {len(value):,}; write .csv or .parquet"
                )
        sheet.append([cell(value) for value in row])
    book.save(file)


def sheet_value(value: Any) -> Any:
    """A value that a sheet holds unchanged, else None: not what has more digits, a zone or parts of a second."""
    if isinstance(value, datetime):
        whole = value.tzinfo is None and not (value.microsecond or getattr(value, "nanosecond", 0))
        return value if whole and value.year > 1900 else None
    if isinstance(value, int):
        return value if abs(value) < 10**15 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, date) and value.year > 1900 else None
