"""Files larger than memory: scored part by part, kept whatever happens, taken up again by the same command.

The output is a folder:

- `manifest.json`: what was asked of which model and which files, and at the end how many rows came of it;
- `part-FFFFF-PPPPPP.parquet`: the columns of part P of input file F and those of the prediction;
- `rejected/part-FFFFF-PPPPPP.jsonl`: its rows that could not be read, each with file, line and reason.

A part is written under another name, synced and renamed, its rejected rows first: where there is a part, it is whole.
What a part holds depends on nothing but its rows, so that a run that was killed ends in the same bytes as one that was
not. (On another machine, or with another number of threads, probabilities may differ in the last digits.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from tqdm import tqdm

from .. import __version__
from ..batching import one_ahead
from ..cleaning import well_formed
from ..files.rows import Part, Source, find_files, inspect, iter_parts
from ..files.tables import DataError, whole_file
from ..hub import find_folder, tokenizer_hash, weights_hash
from ..inference import names_beside, show_progress
from ..labels import LABELS
from ..model import SentimentModel
from .cluster import score_on_ray
from .parts import TOKENS, Job, done_parts, first_missing, part_name, refuse_if_strict, score_part, write_part

PART_ROWS = 16_384
"""Rows of a part: what a crash loses of the work at most."""
ENGINES = ("local", "ray")


class Summary(NamedTuple):
    """What came of a run, earlier runs on the same folder included."""

    rows: int
    rejected: int
    unreadable: int  # rows in the parts with no prediction: missing, empty, empty once cleaned
    parts: int


def score_files(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    model: SentimentModel,
    text: str = "text",
    engine: str = "local",
    address: str | None = None,
    strict: bool = False,
    part_rows: int = PART_ROWS,
    batch_size: int | None = None,
    progress: bool | None = None,
) -> Summary:
    """Score files of any size into a folder; go on where an earlier run stopped.

    Parameters
    ----------
    inputs : files, folders and globs of CSV, TSV, JSON Lines (also .gz, .zst) and Parquet; what is in `output` is none
    output : folder, new or of an earlier run of the same inputs, model and options
    model : SentimentModel
    text : the column to read, in every file
    engine : "local", or "ray" for many cores, GPUs or machines (see `cluster`)
    address : of a running Ray cluster; None for one on this machine
    strict : stop at the first row that cannot be read, instead of setting it apart
    part_rows : rows of a part
    batch_size : as for `predict`
    progress : a bar with rows and parts; None: where there is a terminal or a notebook to show it

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
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, but {engine!r} was passed")
    output = Path(output)
    files = [path for path in find_files(list(inputs)) if output.resolve() not in path.resolve().parents]
    if not files:
        raise DataError(f"{output}: holds all inputs, and what is in the output is none; choose another folder for it")
    sources = [inspect(path, text) for path in files]
    check_columns(sources, text)
    job = Job(model, text, part_rows, strict, batch_size)
    manifest = make_manifest(sources, job)
    with locked(output):
        open_run(output, manifest)
        total = sum(source.lines for source in sources)
        done = sum(_rows_of(path) for path in output.glob("part-*.parquet"))
        shown = show_progress(progress)
        with tqdm(total=total, initial=done, unit=" rows", disable=not shown, mininterval=1) as bar:
            if engine == "ray":
                score_on_ray(sources, output, job, address=address, bar=bar)
            else:
                _score_here(sources, output, job, bar)
        return close_run(output, manifest)


def _score_here(sources: list[Source], output: Path, job: Job, bar: tqdm) -> None:
    for number, source in enumerate(sources):
        for name, part in _missing_parts(output, number, source, job.part_rows):
            refuse_if_strict(job, part, source)
            write_part(output, name, score_part(job, part), part, source)
            bar.update(len(part.table) + len(part.rejected))
            bar.set_postfix_str(name)


def _missing_parts(output: Path, number: int, source: Source, part_rows: int) -> Iterator[tuple[str, Part]]:
    """Names and rows of the parts of one file that are not in the folder, the next one read ahead."""
    done = done_parts(output, number)
    first = first_missing(done)
    for at, part in enumerate(one_ahead(iter_parts(source, part_rows, first=first)), first):
        if at not in done:
            yield part_name(number, at), part


# The run


def check_columns(sources: list[Source], text: str) -> None:
    """Raise `DataError` for the first file without the column, with something else than text in it, or without room
    for the prediction's names."""
    for source in sources:
        if text not in source.columns:
            raise DataError(f"{source.path}: no column {text!r}; there are: {', '.join(source.columns)[:500]}")
        if text in source.types:
            raise DataError(f"{source.path}, column {text!r}: expected text, got {source.types[text]}")
        names_beside(source.columns, source.path)


def make_manifest(sources: list[Source], job: Job) -> dict[str, Any]:
    """All that decides what the parts hold."""
    model = job.model
    folder, _ = find_folder(model.name, model.revision)
    return {
        "sentiment_kit": __version__,
        "model": well_formed(model.name),
        "revision": model.revision,
        "weights": weights_hash(folder),
        "tokenizer": tokenizer_hash(folder),
        "labels": list(model.labels),
        "max_tokens": model.max_tokens,
        "backend": model.backend,
        "device": model.device.type,
        "dtype": str(model.dtype),
        "cleaning": "clean_tweet",
        "text": job.text,
        "part_rows": job.part_rows,
        "batch_size": job.batch_size,  # a text's answer by onnx-int8 depends on what stands beside it
        "inputs": [
            {"name": well_formed(path.name), "size": size, "sha256": sha256, "columns": columns}
            for path, _, size, sha256, columns, *_ in sources
        ],
    }


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
        lock = FileLock(output / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise DataError(f"{output}: another run is writing there; wait for it, or choose another folder") from error
    except OSError as error:
        raise DataError(f"{output}: cannot be used as a folder ({error.strerror or error})") from error
    try:
        yield
    finally:
        lock.release()


def open_run(output: Path, manifest: dict[str, Any]) -> None:
    """Begin a run, or make sure that the one in the folder is of the same inputs, model and options.

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
    for name, value in manifest.items():
        if earlier.get(name) != value:
            raise DataError(
                f"{output}: was begun with {_difference(name, earlier.get(name), value)}; run the earlier command, or "
                "choose another folder"
            )
    # Only now is it known that the folder is ours: what a killed run left half-written goes. None is going on.
    for left_over in (*output.glob(".part-*.tmp"), *(output / "rejected").glob(".part-*.tmp")):
        left_over.unlink()


def _difference(name: str, earlier: Any, now: Any) -> str:
    if name == "inputs" and isinstance(earlier, list):
        for old, new in zip(earlier, now, strict=False):
            if old != new:
                field = next(key for key in new if old.get(key) != new[key])
                return f"another input: {old['name']} had {field} {old.get(field)}, {new['name']} has {new[field]}"
        return f"{len(earlier)} inputs, and now there are {len(now)}"
    return f"{name} {earlier!r}, now it is {now!r}"


def close_run(output: Path, manifest: dict[str, Any]) -> Summary:
    """Count what is in the folder, and write it into the manifest."""
    rows = rejected = unreadable = parts = 0
    for path in sorted(output.glob("part-*.parquet")):
        file = pq.ParquetFile(path)
        name = file.schema_arrow.metadata[TOKENS].decode()
        unreadable += int((file.read([name])[name].to_numpy() == 0).sum())
        rows, parts = rows + file.metadata.num_rows, parts + 1
        rejected += _rejected_of(path)
    summary = Summary(rows, rejected, unreadable, parts)
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
    if "done" not in manifest:
        raise DataError(f"{output}: the run that writes there has not ended; give its command again to finish it")
    tables = []
    for part in sorted(Path(output).glob("part-*.parquet")):
        existing = pq.read_schema(part).names
        own = {name: f"predicted_{name}" if f"predicted_{name}" in existing else name for name in LABELS}
        table = pd.read_parquet(part, columns=[manifest["text"], *own.values()])
        tables.append(table.set_axis(["text", *LABELS], axis=1))
    empty = pd.DataFrame(columns=["text", *LABELS])
    return pd.concat(tables or [empty], ignore_index=True), manifest


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    try:
        with whole_file(path, synced=True) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def _rows_of(part: Path) -> int:
    """Input rows behind a part that is done."""
    return pq.ParquetFile(part).metadata.num_rows + _rejected_of(part)


def _rejected_of(part: Path) -> int:
    path = part.parent / "rejected" / f"{part.stem}.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0
