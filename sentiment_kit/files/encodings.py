"""Bytes to text: what is compressed is unpacked, and no text holds what UTF-8 cannot.

Nothing here knows rows (that is `rows`) or what a tweet is.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import DataError

__all__ = ["FORMATS", "text_dtype"]

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".json", ".js", ".txt")
"""What can be read."""
TABLES = FORMATS[:6]
"""What a folder is searched for: the others are as often something else."""
WRITTEN = FORMATS[:7]
"""What can be written."""
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".zip": "zip"}
EXPANSION = 200
"""How many times its size a compressed file may grow, once it is beyond 100 MB: text shrinks tenfold, a bomb more."""

text_dtype = pd.StringDtype("python", na_value=np.nan)
"""The type of every text column: pandas' `str`, over Python strings because Arrow refuses the lone surrogates of broken
dumps; missing is NaN."""


def well_formed(text: str) -> str:
    """Join surrogate pairs and replace lone ones, which no tokenizer and no UTF-8 file can hold, by U+FFFD."""
    try:
        _ = text.isascii() or text.encode()
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
    """The suffix that says the format, below a .gz, .zst, .bz2 or .zip."""
    name = path.name.lower()
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def known_format(path: Path) -> str:
    """As `file_format`, of a .zip that does not say it that of what is in it; `DataError` for none of `FORMATS`."""
    suffix = file_format(path)
    if suffix not in FORMATS and path.suffix.lower() == ".zip" and exists(path):
        suffix = file_format(Path(_only_member(path).filename))
    if suffix not in FORMATS:
        hint = "; a spreadsheet is saved as .xlsx" if suffix in (".xls", ".xlsb", ".ods", ".numbers") else ""
        raise DataError(
            f"{path}: expected a file ending in {', '.join(FORMATS)}, also with .gz, .zst, .bz2 or .zip{hint}"
        )
    return suffix


def _only_member(path: Path) -> zipfile.ZipInfo:
    """The one file in a .zip; what a Mac adds of its own is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [one for one in archive.infolist() if not (one.is_dir() or one.filename.startswith("__MACOSX/"))]
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a .zip file, or damaged or cut short ({error})") from error
    if len(found) != 1:
        names = ", ".join(one.filename for one in found[:5])
        raise DataError(f"{path}: expected one file in it, found {len(found)} ({names:.200}); unpack it, and name one")
    return found[0]


def compression_of(path: Path) -> str | None:
    """What a file's last suffix says of its compression, as Arrow calls it, which knows no "zip"."""
    return COMPRESSIONS.get(path.suffix.lower())


def open_bytes(path: Path) -> io.BufferedReader:
    """A file's bytes as a stream, unpacked where it is .gz, .zst, .bz2 or a .zip of one file.

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
        if compression == "zip":
            raw.close()
            member = _only_member(path)
            packed: Any = zipfile.ZipFile(path).open(member)  # noqa: SIM115 (the member closes it)
        else:
            packed = pa.CompressedInputStream(raw, compression)
        limit = max(100_000_000, EXPANSION * path.stat().st_size)
        return io.BufferedReader(_Unpacked(packed, path, limit), 1 << 20)
    except DataError:  # which is a ValueError
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file{'' if path.is_absolute() else f' in {Path.cwd()}'}") from error
    except (OSError, ValueError) as error:  # the second for a name with a NUL
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


class _Unpacked(io.RawIOBase):
    """A decompressed stream that knows when to stop."""

    def __init__(self, stream: Any, path: Path, limit: int) -> None:
        self._stream, self._path, self._left, self._limit = stream, path, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException) as error:
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


def open_text(path: Path, encoding: str, errors: str) -> io.TextIOWrapper:
    """A file's text as a stream, unpacked where it is compressed, whose lines end in any way and keep their ends."""
    return io.TextIOWrapper(open_bytes(path), encoding, errors, newline="")


_ITALIAN = frozenset("àèéìòùÀÈÉÌÒÙ’‘“”«»€…–°")


@lru_cache(maxsize=8)
def likely_encoding(path: Path) -> str:
    """The encoding in which what is not ASCII at the beginning of a file is what Italian has."""
    with open_bytes(path) as stream:
        odd = bytes(byte for byte in stream.read(1_000_000) if byte > 127)
    candidates = ("cp1252", "mac_roman", "cp850")
    return max(candidates, key=lambda name: sum(sign in _ITALIAN for sign in odd.decode(name, "replace")))
