"""Files of any size: scored part by part, kept whatever happens, taken up again by the same command.

The output is a folder, or a file that is made of one at the end:

- `manifest.json`: what was asked of which model and which files, and at the end how many rows came of it;
- `part-FFFFF-PPPPPP.parquet`: the columns of part P of input file F and those of the prediction;
- `rejected/part-FFFFF-PPPPPP.jsonl`: its rows that could not be read, each with file, line and reason.

A part is written under another name, synced and renamed, its rejected rows first: where there is a part, it is whole.
What a part holds depends on nothing but its rows, so that a run that was killed ends in the same bytes as one that was
not. (On another machine, or with another number of threads, probabilities may differ in the last digits.)
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from tqdm import tqdm

from ..batching import one_ahead
from ..data import check_columns, headless_columns, note_bytes
from ..errors import DataError, Note
from ..files.dialects import DIALECTS, SIGNS, Dialect
from ..files.encodings import TABLES, exists, file_format, known_format, well_formed
from ..files.rows import Part, Rejected, Source, complaint, inspect, iter_parts
from ..files.tables import is_text
from ..files.writing import check_values, check_writable, whole_file, write_table
from ..inference import append_predictions, predict, prediction_names
from ..labels import LABELS
from ..model import SentimentModel
from ..progress import show_progress
from ..provenance import provenance

__all__ = ["PART_ROWS", "Summary", "read_scored", "score_file", "score_files"]

PART_ROWS = 16_384
"""Rows of a part: what a crash loses of the work at most."""
TOKENS, TRUNCATED = b"sentiment_kit_n_tokens", b"sentiment_kit_truncated"
"""Metadata of a part: which column has the number of tokens, 0 for a row with nothing to read; and which says whether a
text was cut off."""


class Job(NamedTuple):
    """What is done to every part."""

    text: str  # the column to read
    part_rows: int
    strict: bool  # whether a row that cannot be read ends it
    batch_size: int | None


Run = Callable[[list[Source], Path, SentimentModel, Job, tqdm], None]
"""Scores all parts that are not in a folder, and moves the bar on by the rows of each."""


class Summary(NamedTuple):
    """What came of a run, earlier runs on the same folder included."""

    rows: int
    rejected: int
    """Rows that could not be read, set apart."""
    unreadable: int
    """Rows without prediction: missing, empty, empty once cleaned."""
    parts: int
    truncated: int


def score_files(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    model: SentimentModel,
    text: str = "text",
    strict: bool = False,
    force: bool = False,
    part_rows: int = PART_ROWS,
    batch_size: int | None = None,
    progress: bool | None = None,
    run: Run | None = None,
    **reading: Any,
) -> Summary:
    """Score files of any size into a folder; go on where an earlier run stopped.

    Parameters
    ----------
    inputs : sequence of str or Path
        Files, folders and globs of CSV, TSV, JSON Lines (also .gz, .zst) and Parquet; what is in `output` is none.
    output : str or Path
        A folder, new or of an earlier run of the same inputs, model and options.
    model : SentimentModel
    text : str, default "text"
        The column to read, in every file.
    strict : bool, default False
        Stop at the first row that cannot be read, instead of setting it apart.
    force : bool, default False
        Replace what an earlier run of other inputs, model or options wrote there.
    part_rows : int
        Rows of a part.
    batch_size : int, optional
        As for `predict`.
    progress : bool, optional
        A bar with rows and parts; by default where there is a terminal or a notebook to show it.
    run : Run, optional
        What scores the parts that are not there: by default this process, `on_ray` for many.
    **reading : Any
        `columns`, `encoding`, `sheet` of every file, as for `files.read_table`.

    Returns
    -------
    Summary

    Raises
    ------
    DataError
        An input that is missing, empty or damaged as a whole; no column `text`; another run of other inputs, model or
        options in `output`, saying what differs; a run that is still going on there; no space; with `strict`, a row.
        What was done before is kept.
    KeyboardInterrupt
        Passed on; every part that is done is kept.
    """
    output = Path(output)
    files = [path for path in find_files(list(inputs)) if output.resolve() not in path.resolve().parents]
    if not files:
        raise DataError(f"{output}: holds all inputs, and what is in the output is none; choose another folder for it")
    sources = [_source(path, text, reading) for path in files]
    return _score(sources, output, model, Job(text, part_rows, strict, batch_size), force, progress, run)


def score_file(
    input: str | Path,
    output: str | Path,
    *,
    model: SentimentModel,
    text: str = "text",
    strict: bool = False,
    force: bool = False,
    spreadsheet_safe: bool = False,
    dialect: str | None = None,
    batch_size: int | None = None,
    progress: bool | None = None,
    run: Run | None = None,
    **reading: Any,
) -> Summary:
    """Score one file to another, in any two formats; both fit in memory.

    The parts are gathered in a hidden folder beside `output`, and go when it is written. Rows that cannot be read are
    set apart in a file of the output's name and `.rejected.jsonl`.

    Parameters
    ----------
    input, output : str or Path
        CSV, TSV, JSON Lines or Parquet, plain or compressed.
    force : bool, default False
        Replace `output` if it exists.
    spreadsheet_safe : bool, default False
        As for `write_table`.
    dialect : str, optional
        How a CSV is written: one of `files.dialects.DIALECTS`. None: as the input, if that is a CSV too; else "unix".
    model, text, strict, batch_size, progress, run, **reading
        As for `score_files`.

    Returns
    -------
    Summary

    Raises
    ------
    DataError
        As `score_files` and `write_table`; what the output cannot hold is said before the scoring.
    """
    output = Path(output)
    check_writable(output, force=force)
    source = _source(Path(input), text, reading)
    check_values(
        pa.concat_tables([source.schema.empty_table(), *(p.table for p in iter_parts(source, PART_ROWS))]), output
    )
    how = DIALECTS[dialect] if dialect else _as_it_came(source, output)
    workplace = output.with_name(f".{output.name.split('.')[0][:200]}.parts")
    job = Job(text, PART_ROWS, strict, batch_size)
    try:
        summary = _score([source], workplace, model, job, True, progress, run)
        if summary.rejected and not summary.rows:
            raise DataError(f"{_first_rejected(workplace)} (none of {summary.rejected:,} rows can be read)")
    except DataError:
        if not any(pq.read_metadata(part).num_rows for part in workplace.glob("part-*.parquet")):
            shutil.rmtree(workplace, ignore_errors=True)
        raise
    parts = [pq.read_table(part) for part in sorted(workplace.glob("part-*.parquet"))]
    table = pa.concat_tables(parts or [score_part(model, job, Part(source.schema.empty_table(), []))])
    write_table(table, output, force=force, spreadsheet_safe=spreadsheet_safe, dialect=how)
    rejected = output.with_name(f"{output.name}.rejected.jsonl")
    rejected.unlink(missing_ok=True)
    if summary.rejected:
        with whole_file(rejected) as temporary:
            temporary.write_bytes(b"".join(path.read_bytes() for path in sorted(workplace.glob("rejected/*.jsonl"))))
    shutil.rmtree(workplace)
    return summary


def _as_it_came(source: Source, output: Path) -> Dialect:
    """That of the input where both are CSV, and a note of it where it is not the usual one."""
    if not source.layout.format == file_format(output) == ".csv":
        return Dialect()
    came = source.layout.dialect
    found = [f"{SIGNS[came.delimiter]} between its fields"] * (came.delimiter != ",")
    found += ["commas in its numbers"] * (came.decimal == ",") + ["a byte order mark"] * came.mark
    if found:
        warnings.warn(f"{output} is written as its input came, with {', '.join(found)}", Note, stacklevel=3)
    return came


def _first_rejected(folder: Path) -> str:
    first = json.loads(min(folder.glob("rejected/*.jsonl")).read_text(encoding="utf-8").partition("\n")[0])
    return complaint(Path(first["file"]), Rejected(first["line"], first["reason"], first["raw"]))


def _source(path: Path, text: str, reading: dict[str, Any]) -> Source:
    """A file that was looked through, and can be scored: it has the column, with text in it, and room for names."""
    named = reading.get("columns") or headless_columns(path)
    source = inspect(path, text=text, **(reading | {"columns": named}))
    check_columns(source.schema.names, [text], path)
    if not is_text(source.schema.field(text).type):
        raise DataError(f"{path}, column {text!r}: expected text, got {source.schema.field(text).type}")
    beginning = next(iter_parts(source, 1000), None)
    if beginning is not None:
        note_bytes(beginning.table[text].to_pandas(), path)
    names = prediction_names(source.schema.names, path)
    renamed = [f"{name} is {own}" for name, own in names.items() if name != own]
    if renamed:
        warnings.warn(f"{path} has such columns already: the prediction's {', '.join(renamed)}", Note, stacklevel=3)
    return source


def _score(
    sources: list[Source],
    output: Path,
    model: SentimentModel,
    job: Job,
    force: bool,
    progress: bool | None,
    run: Run | None,
) -> Summary:
    manifest = make_manifest(sources, model, job)
    with locked(output):
        open_run(output, manifest, force=force)
        total = sum(source.lines for source in sources)
        done = sum(pq.read_metadata(path).num_rows + _rejected_of(path) for path in output.glob("part-*.parquet"))
        with tqdm(total=total, initial=done, unit=" rows", disable=not show_progress(progress), mininterval=1) as bar:
            (run or _score_here)(sources, output, model, job, bar)
        return close_run(output, manifest)


def _score_here(sources: list[Source], output: Path, model: SentimentModel, job: Job, bar: tqdm) -> None:
    for number, source in enumerate(sources):
        for name, part in one_ahead(missing_parts(source, number, done_parts(output, number), job)):
            write_part(output, name, score_part(model, job, part), part, source)
            bar.update(len(part.table) + len(part.rejected))
            bar.set_postfix_str(name)


# The inputs


def find_files(inputs: list[str | Path]) -> list[Path]:
    """Files, folders (what they hold of known formats, nested or not) and globs to files, in order, each once.

    Raises
    ------
    DataError
        What matches no file, or a file of an unknown format.
    """
    once: dict[Path, Path] = {}
    for given in inputs:
        path = Path(given)
        if exists(path) and path.is_dir():  # but for names that begin with a dot, as those of editors' copies do
            tables = (member for member in path.rglob("*") if file_format(member) in TABLES)
            found = [member for member in tables if "/." not in f"/{member.relative_to(path).as_posix()}"]
        elif exists(path):
            found = [path]
        else:
            found = [Path(name) for name in glob(str(given), recursive=True)]  # noqa: PTH207 (it takes any root)
        members = sorted(member for member in found if member.is_file())
        if not members:
            raise DataError(f"{given}: no such file, or a folder or pattern without one in {', '.join(TABLES)}")
        for member in members:
            known_format(member)
            once.setdefault(member.resolve(), member)
    return list(once.values())


# One part: scored and written, whole or not at all, by whichever process has it


def score_part(model: SentimentModel, job: Job, part: Part) -> pa.Table:
    """The part's table with the prediction's columns."""
    predictions = predict(model, part.table[job.text].to_pandas(), batch_size=job.batch_size, progress=False)
    table = append_predictions(part.table, predictions)
    names = prediction_names(part.table.column_names)
    own = {TOKENS: names["n_tokens"], TRUNCATED: names["truncated"]}
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **own})


def done_parts(output: Path, file: int) -> set[int]:
    """The numbers of a file's parts that are in the folder."""
    return {int(path.stem.rsplit("-", 1)[1]) for path in output.glob(f"part-{file:05}-*.parquet")}


def missing_parts(source: Source, file: int, done: set[int], job: Job) -> Iterator[tuple[str, Part]]:
    """Names and rows of the parts of one file that are not done; it need not be read up to the first of them.

    Raises
    ------
    DataError
        For the first row that cannot be read, if the job is strict.
    """
    first = next(number for number in range(len(done) + 1) if number not in done)
    for number, part in enumerate(iter_parts(source, job.part_rows, first=first), first):
        if number in done:
            continue
        if job.strict and part.rejected:
            raise DataError(f"{complaint(source.path, part.rejected[0])}; without --strict such rows are set apart")
        yield f"part-{file:05}-{number:06}", part


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


# The run


def make_manifest(sources: list[Source], model: SentimentModel, job: Job) -> dict[str, Any]:
    """All that decides what the parts hold, and what it was made with."""
    inputs = [
        {
            "name": well_formed(source.path.name),
            "size": source.size,
            "sha256": source.sha256,
            "columns": {field.name: str(field.type) for field in source.schema},
        }
        for source in sources
    ]
    # All of the job but `strict`: by onnx-int8 a text's answer depends on what stands beside it.
    return provenance(
        model=model, text=job.text, cleaning="clean_tweet", part_rows=job.part_rows, batch_size=job.batch_size
    ) | {"data": inputs}


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """The folder, made if it is not there, held against a second run; given back even by a process that is killed.

    Raises
    ------
    DataError
        If another run holds it, or it can be no folder.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / ".lock", timeout=0).acquire()
    except Timeout as error:
        raise DataError(f"{output}: another run is writing there; wait for it, or choose another folder") from error
    except OSError as error:
        raise DataError(f"{output}: cannot be used as a folder ({error.strerror or error})") from error
    with lock:
        yield


def open_run(output: Path, manifest: dict[str, Any], *, force: bool = False) -> None:
    """Begin a run, or make sure that the one in the folder is of the same inputs, model and options.

    With `force` a run of others gives way.

    Raises
    ------
    DataError
        If it is not, saying what differs; if the folder holds other things; if the manifest cannot be read or written.
    """
    path = output / "manifest.json"
    others = [found.name for found in output.iterdir() if not found.name.startswith(".")]
    if not path.exists():
        if others:
            raise DataError(
                f"{output}: holds {others[0]} and no manifest.json, so it is no earlier run; choose another folder"
            )
        _write_manifest(path, manifest)
        return
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); choose another folder") from error
    if not isinstance(earlier, dict) or "sentiment_kit" not in earlier:
        raise DataError(f"{path}: written by something else; choose another folder")
    difference = _difference(earlier, manifest)
    if difference and not force:
        raise DataError(
            f"{output}: was begun with {difference}; run the earlier command, choose another folder, or replace what "
            "is there (--force; force=True in Python)"
        )
    # Only now is it known that the folder is ours: what a killed run left half-written goes. None is going on.
    pattern = "*part-*" if difference else ".part-*.tmp"
    for left_over in (*output.glob(pattern), *(output / "rejected").glob(pattern)):
        left_over.unlink()
    if difference:
        _write_manifest(path, manifest)


def _difference(earlier: dict[str, Any], now: dict[str, Any]) -> str:
    """In what a run differs from an earlier one; "" if in nothing that decides what the parts hold."""
    if not _is_manifest(earlier):
        return "a manifest of another form, that of an earlier version"
    inputs = earlier.get("data")
    if isinstance(inputs, list) and inputs != now["data"]:
        for old, new in zip(inputs, now["data"], strict=False):
            if old != new:
                field = next(key for key in new if old.get(key) != new[key])
                return f"another input: {old['name']} had {field} {old.get(field)}, {new['name']} has {new[field]}"
        return f"{len(inputs)} inputs, and now there are {len(now['data'])}"
    for where in ("model", "options"):
        old, new = earlier.get(where) or {}, now[where]
        for name in new:
            if old.get(name) != new[name]:
                what = "model" if name == "name" else name
                return f"{what} {old.get(name)!r}, now it is {new[name]!r}"
    versions = earlier.get("sentiment_kit"), now["sentiment_kit"]
    return "" if versions[0] == versions[1] else "sentiment_kit {}, now it is {}".format(*versions)


def _is_manifest(record: Any) -> bool:
    """Whether it has the form that `make_manifest` gives it; before there were wings it was flat."""
    return isinstance(record, dict) and all(isinstance(record.get(part), dict) for part in ("model", "options"))


def close_run(output: Path, manifest: dict[str, Any]) -> Summary:
    """Count what is in the folder, and write it into the manifest."""
    rows = rejected = unreadable = truncated = parts = 0
    for path in sorted(output.glob("part-*.parquet")):
        file = pq.ParquetFile(path)
        names = [file.schema_arrow.metadata[key].decode() for key in (TOKENS, TRUNCATED)]
        n_tokens, cut = (column.to_numpy() for column in file.read(names).columns)
        rows, parts = rows + file.metadata.num_rows, parts + 1
        unreadable, truncated = unreadable + int((n_tokens == 0).sum()), truncated + int(cut.sum())
        rejected += _rejected_of(path)
    summary = Summary(rows, rejected, unreadable, parts, truncated)
    _write_manifest(output / "manifest.json", manifest | {"done": summary._asdict()})
    return summary


def read_scored(output: str | Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The texts and probabilities of a finished run, for what needs them in memory.

    Returns
    -------
    table, manifest
        `text`, `negative`, `neutral`, `positive` of every row that was not rejected, in order; and what was asked of
        which model.

    Raises
    ------
    DataError
        If the folder holds no run, or one that has not ended.
    """
    path = Path(output) / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{output}: expected a folder that `sentiment-kit score` wrote, but {path} cannot be read"
        ) from error
    if not _is_manifest(manifest):
        raise DataError(f"{path}: has another form than this sentiment-kit reads; score the tweets again")
    if "done" not in manifest:
        raise DataError(f"{output}: the run that writes there has not ended; give its command again to finish it")
    tables = []
    for part in sorted(Path(output).glob("part-*.parquet")):
        existing = pq.read_schema(part).names
        own = {name: f"predicted_{name}" if f"predicted_{name}" in existing else name for name in LABELS}
        table = pd.read_parquet(part, columns=[manifest["options"]["text"], *own.values()])
        tables.append(table.set_axis(["text", *LABELS], axis=1))
    return pd.concat(tables or [pd.DataFrame(columns=["text", *LABELS])], ignore_index=True), manifest


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    try:
        with whole_file(path, synced=True) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def _rejected_of(part: Path) -> int:
    path = part.parent / "rejected" / f"{part.stem}.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0
