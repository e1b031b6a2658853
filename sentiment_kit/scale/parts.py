"""One part of a bulk run: scored and written, whole or not at all, by whichever process has it.

`bulk` says which parts there are and what the folder looks like; `cluster` spreads them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..files.rows import Part, Source
from ..files.tables import DataError, whole_file
from ..inference import names_beside, predict
from ..model import SentimentModel

TOKENS = b"sentiment_kit_n_tokens"
"""Metadata of a part: which column has the number of tokens, 0 for a row with nothing to read."""


class Job(NamedTuple):
    """What is done to every part."""

    model: SentimentModel
    text: str  # the column to read
    part_rows: int
    strict: bool  # whether a row that cannot be read ends it
    batch_size: int | None


def score_part(job: Job, part: Part) -> pa.Table:
    """The part's table with the prediction's columns."""
    predictions = predict(job.model, part.table[job.text].to_pandas(), batch_size=job.batch_size, progress=False)
    names = names_beside(part.table.column_names)
    table = part.table
    for name, own in names.items():
        column, is_label = predictions[name], name == "label"
        values = column.astype(object).where(column.notna(), None) if is_label else column
        # The type is said, for a part without any label would have none.
        table = table.append_column(own, pa.array(values, pa.string() if is_label else None, from_pandas=True))
    return table.replace_schema_metadata({**(table.schema.metadata or {}), TOKENS: names["n_tokens"]})


def part_name(file: int, part: int) -> str:
    """What a part is called, without its suffix."""
    return f"part-{file:05}-{part:06}"


def done_parts(output: Path, file: int) -> set[int]:
    """The numbers of a file's parts that are in the folder."""
    prefix = part_name(file, 0).rsplit("-", 1)[0]
    return {int(path.stem.rsplit("-", 1)[1]) for path in output.glob(f"{prefix}-*.parquet")}


def first_missing(done: set[int]) -> int:
    """Up to where a file need not be read; what the folder holds is a beginning, unless somebody removed a part."""
    return next(number for number in range(len(done) + 1) if number not in done)


def write_part(output: Path, name: str, table: pa.Table, part: Part, source: Source) -> None:
    """Write rejected rows and table, each whole or not at all; the table last, for it says that the part is done.

    Raises
    ------
    DataError
        If there is no room, or the folder cannot be written.
    """
    try:
        if part.rejected:
            folder = output / "rejected"
            folder.mkdir(exist_ok=True)
            records = [{"file": source.path.as_posix(), **row._asdict()} for row in part.rejected]
            lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            with whole_file(folder / f"{name}.jsonl", synced=True) as path:
                path.write_text(lines, encoding="utf-8", errors="replace", newline="")
        with whole_file(output / f"{name}.parquet", synced=True) as path:
            pq.write_table(table, path, compression="zstd")
    except OSError as error:
        raise DataError(
            f"{output / name}: cannot be written ({error.strerror or error}); what was written before is whole. Make "
            "room, then run the same command again"
        ) from error


def refuse_if_strict(job: Job, part: Part, source: Source) -> None:
    """Raise `DataError` for the first row of a part that cannot be read, if that is wanted."""
    if job.strict and part.rejected:
        row = part.rejected[0]
        raise DataError(f"{source.path}, line {row.line}: {row.reason}; without --strict such rows are set apart")
