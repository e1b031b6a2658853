"""Bytes to text: what is compressed is unpacked, and no text holds what UTF-8 cannot.

Nothing here knows rows (that is `rows`) or what a tweet is.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import DataError

__all__ = ["FORMATS", "text_dtype"]

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
EXPANSION = 200
"""How many times its size a compressed file may grow, once it is beyond 100 MB: text shrinks tenfold, a bomb more."""

text_dtype = pd.StringDtype("python", na_value=np.nan)
"""The type of every text column: pandas' `str`, over Python strings because Arrow refuses the lone surrogates of broken
dumps; missing is NaN."""


def well_formed(text: str) -> str:
    """Join surrogate pairs and replace lone ones, which no tokenizer and no UTF-8 file can hold, by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def exists(path: str | Path) -> bool:
    """Whether there is such a file or folder; a text too long for a name is none, where `Path.exists` raises."""
    return os.path.exists(path)  # noqa: PTH110


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_format(path: Path) -> str:
    """The suffix that says the format, below a .gz or .zst."""
    name = path.name.lower()
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def known_format(path: Path) -> str:
    """As `file_format`, one of `FORMATS`; `DataError` for any other."""
    suffix = file_format(path)
    if suffix not in FORMATS:
        raise DataError(f"{path}: expected a file ending in {', '.join(FORMATS)}, also with .gz or .zst")
    return suffix


def compression_of(path: Path) -> str | None:
    """What a file's last suffix says of its compression, as Arrow calls it."""
    return COMPRESSIONS.get(path.suffix.lower())


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
        compression = compression_of(path)
        if compression is None:
            return raw
        limit = max(100_000_000, EXPANSION * path.stat().st_size)
        unpacked = _Unpacked(pa.CompressedInputStream(raw, compression), path, limit)
        return cast(BinaryIO, io.BufferedReader(unpacked, 1 << 20))
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
            raise DataError(
                f"{self._path}: the {compression_of(self._path)} file is damaged or cut short ({error!s:.100}); copy "
                "it again"
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


def open_text(path: Path, errors: str) -> io.TextIOWrapper:
    """A file's text as a stream, unpacked where it is compressed, whose lines end in any way and keep their ends."""
    return io.TextIOWrapper(open_bytes(path), "utf-8-sig", errors, newline="")


def first_line(path: Path) -> str:
    """The first line of a file that is not blank, unpacked, of any encoding; "" where it cannot be read."""
    try:
        with open_text(path, "replace") as lines:
            return next((line for line in iter(lambda: lines.readline(1_000_000), "") if line.strip()), "")
    except (OSError, DataError):
        return ""
