"""`sentiment-kit score`: predictions beside tweets, from files of any size to a folder, or from one file to another."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from ..errors import DataError
from ..files.encodings import WRITTEN, file_format
from ..files.writing import check_writable
from ..hub import DEFAULT_MODEL
from . import shared


def score(
    paths: Annotated[
        list[Path],
        Argument(
            metavar="INPUT... OUTPUT",
            help="One file to another; or files, folders and patterns to a folder. CSV, TSV, JSON, Parquet, .xlsx, "
            "text; also .gz, .zst, .bz2, .zip.",
            show_default=False,
        ),
    ],
    model: shared.ModelName = DEFAULT_MODEL,
    text_column: shared.TextColumn = "text",
    encoding: shared.Encoding = None,
    no_header: shared.NoHeader = False,
    columns: shared.Columns = None,
    sheet: shared.Sheet = None,
    batch_size: shared.BatchSize = None,
    device: shared.Device = "auto",
    backend: shared.Backend = "torch",
    labels: shared.ClassLabels = None,
    fold: shared.ClassFold = None,
    force: Annotated[
        bool, Option("--force", help="Replace OUTPUT: a file, or what an earlier run wrote to the folder.")
    ] = False,
    engine: Annotated[Literal["local", "ray"], Option(help="ray: many cores, GPUs or machines.")] = "local",
    address: Annotated[str | None, Option(help="Of a Ray cluster. Default: this machine.", show_default=False)] = None,
    strict: Annotated[
        bool, Option("--strict", help="Stop at the first row that cannot be read. Default: set it apart.")
    ] = False,
    spreadsheet_safe: Annotated[
        bool, Option("--spreadsheet-safe", help="In CSV and TSV: keep spreadsheets from running cells.")
    ] = False,
    csv_dialect: Annotated[
        Literal["excel-it", "excel", "unix"] | None,
        Option(help="How a CSV is written: for Excel in Italian (;) or English, or plainly. Default: as it came."),
    ] = None,
) -> None:
    """Add the prediction's columns to tweets.

    The run can be stopped at any time; the same command goes on where it was.
    """
    *inputs, output = paths
    if not inputs:
        raise DataError(f"expected INPUT... and OUTPUT, got only {output}; say where to write")
    to_file = file_format(output) in WRITTEN and not output.is_dir()
    if to_file and len(inputs) > 1:
        raise DataError(f"{len(inputs)} inputs go to a folder, but {output} ends like a file; name a folder")
    names = shared.named_columns(no_header, columns)
    if to_file:
        check_writable(output, force=force)
    from ..scale.bulk import score_file, score_files
    from ..scale.cluster import on_ray

    loaded = shared.load(model, device, backend, labels, fold)
    run = on_ray(address) if engine == "ray" or address is not None else None
    how: dict[str, Any] = {"model": loaded, "text": text_column, "strict": strict, "batch_size": batch_size, "run": run}
    how |= {"encoding": encoding, "columns": names, "sheet": sheet}
    start = time.perf_counter()
    try:
        if to_file:
            done = score_file(
                inputs[0], output, force=force, spreadsheet_safe=spreadsheet_safe, dialect=csv_dialect, **how
            )
        else:
            done = score_files(inputs, output, force=force, **how)
    except KeyboardInterrupt:
        print("\nstopped; what is done is kept. Run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
    seconds = max(time.perf_counter() - start, 1e-9)
    apart = f"{output}.rejected.jsonl" if to_file else f"{output / 'rejected'}"
    print(
        f"{output}: {done.rows:,} tweets in {seconds:.1f} s ({done.rows / seconds:,.0f} tweets/s), "
        f"{done.unreadable:,} with nothing to read, {done.truncated:,} truncated; {done.rejected:,} rows that cannot "
        f"be read set apart{f' in {apart}' if done.rejected else ''}",
        file=sys.stderr,
    )
