"""`sentiment-kit score`: predictions beside tweets, from one file to another or from files of any size to a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import DataError
from ..files.tables import FORMATS, check_writable, file_format, read_table, write_table
from ..hub import DEFAULT_MODEL
from .shared import Backend, BatchSize, Device, ModelName, load, predict_texts

if TYPE_CHECKING:
    import pandas as pd


def score(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="One file to another; or files, folders and patterns of any size to a folder. CSV, TSV, JSONL (also "
            ".gz, .zst), Parquet.",
            show_default=False,
        ),
    ],
    model: ModelName = DEFAULT_MODEL,
    text_column: Annotated[str, typer.Option(help="The column to read.")] = "text",
    batch_size: BatchSize = None,
    device: Device = "auto",
    backend: Backend = "torch",
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT if it is a file that exists.")] = False,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="To a folder: what runs the parts.")] = "local",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; default: one on this machine.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="To a folder: stop at the first broken row.")] = False,
    spreadsheet_safe: Annotated[
        bool, typer.Option("--spreadsheet-safe", help="To a CSV or TSV: keep spreadsheets from running cells.")
    ] = False,
) -> None:
    """Add the prediction's columns to tweets.

    To a folder the run can be stopped at any time; the same command goes on where it was.
    """
    *inputs, output = paths
    if not inputs:
        raise DataError(f"expected INPUT... and OUTPUT, got only {output}; say where to write")
    if file_format(output) in FORMATS and not output.is_dir():
        if len(inputs) > 1:
            raise DataError(f"{len(inputs)} inputs go to a folder, but {output} ends like a file; name a folder")
        if strict or engine != "local" or address is not None:
            raise DataError(f"--strict, --engine and --address are for folders, but {output} is a file")
        check_writable(output, force=force)
        how = {"name": model, "device": device, "backend": backend, "batch_size": batch_size}
        table = _scored(inputs[0], text_column, how)
        write_table(table, output, force=force, spreadsheet_safe=spreadsheet_safe)
        return
    if force or spreadsheet_safe:
        raise DataError(f"--force and --spreadsheet-safe are for a file, but {output} is to be a folder")
    from ..scale.bulk import score_files

    loaded = load(model, device, backend)
    try:
        done = score_files(
            inputs,
            output,
            model=loaded,
            text=text_column,
            engine=engine,
            address=address,
            strict=strict,
            batch_size=batch_size,
        )
    except KeyboardInterrupt:
        print(f"\nstopped; {output} keeps what is done. Run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
    print(
        f"{output}: {done.rows:,} rows in {done.parts:,} parts, {done.unreadable:,} with nothing to read; "
        f"{done.rejected:,} broken ones set apart{' in rejected/' if done.rejected else ''}",
        file=sys.stderr,
    )


def _scored(input: Path, text_column: str, how: dict[str, Any]) -> pd.DataFrame:
    """The table of a file that fits in memory, with the prediction's columns; `how` as `predict_texts` takes it."""
    from ..data import sentipolc_table, text_values
    from ..inference import names_beside

    table = sentipolc_table(input)
    if table is None:
        table = read_table(input)
    texts = text_values(table, text_column, input)
    names = names_beside(list(table.columns), input)
    renamed = {name: own for name, own in names.items() if name != own}
    if renamed:
        print(
            f"the input has {', '.join(renamed)} already; the prediction's: {', '.join(renamed.values())}",
            file=sys.stderr,
        )
    predictions = predict_texts(texts=texts, **how)
    return table.join(predictions[list(names)].rename(columns=names))
