"""`sentiment-kit report`: all notebooks on a model and a data set, bound into one site."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

from typer import Option

from ..errors import DataError, require_extra


def report(
    model: Annotated[str, Option("--model", help="MODEL of every notebook.")] = "demo",
    data: Annotated[str, Option("--data", help='DATA of every notebook: a file with labels, or "demo".')] = "demo",
    output: Annotated[Path, Option("--output", metavar="FOLDER", help="Where the pages go.")] = Path("report"),
    only: Annotated[str, Option(metavar="05,09", help="Numbers of the notebooks to run. Default: all.")] = "",
    text_column: Annotated[str | None, Option(metavar="NAME", help="Of the texts. Default: text.")] = None,
    label_column: Annotated[str | None, Option(metavar="NAME", help="Of the labels. Default: label.")] = None,
    by: Annotated[str | None, Option(metavar="NAME", help="Column of groups: party, topic.")] = None,
    date: Annotated[str | None, Option(metavar="NAME", help="Column of dates.")] = None,
    against: Annotated[str | None, Option(metavar="NAME", help="A second model, judged beside the first.")] = None,
    language: Annotated[str, Option(metavar="en|it", help="Of the prose.")] = "en",
    tables: Annotated[
        bool, Option("--tables", help="Write tables (CSV) and figures (PNG), too, into FOLDER/tables.")
    ] = False,
    pdf: Annotated[bool, Option("--pdf", help="Print each page to a PDF beside it, by a Chromium or Chrome.")] = False,
    notebooks: Annotated[
        Path | None, Option(metavar="FOLDER", help="Where they lie. Default: notebooks/ of a clone.")
    ] = None,
    jobs: Annotated[int | None, Option(min=1, help="Notebooks at a time. Default: by the cores.")] = None,
    in_place: Annotated[
        bool, Option("--in-place", help="Write the notebooks back, run on the demo; for who edits them.")
    ] = False,
) -> None:
    """Run the notebooks and bind them into a site that works from a disk, without a network.

    Exit code 1 if a notebook failed; the others are there all the same.
    """
    require_extra("papermill", "notebooks")
    from ..course.notebooks import find_notebooks, print_pages, rewrite_notebooks, write_report

    paths = find_notebooks(notebooks, only=[name.strip() for name in only.split(",") if name.strip()])
    start = time.monotonic()
    if in_place:
        if (model, data) != ("demo", "demo"):
            raise DataError("--in-place runs the notebooks as they are committed: on the demo")
        runs = rewrite_notebooks(paths, jobs=jobs)
    else:
        columns = {"TEXT": text_column, "LABEL": label_column, "BY": by, "DATE": date}
        named = {name: column for name, column in columns.items() if column is not None}
        runs = write_report(
            paths, output, model=model, data=data, columns=named, against=against,
            language=language, tables=tables, jobs=jobs,
        )  # fmt: skip
        if pdf:
            print_pages(output)
    failed = [run for run in runs if run.error]
    for run in failed:
        print(f"{run.name} failed: {run.error.splitlines()[0]:.300}", file=sys.stderr)
    seconds = time.monotonic() - start
    done = f"{len(runs) - len(failed)} of {len(runs)} notebooks in {seconds:.0f} s"
    print(done if in_place else f"{done}; open {output / 'index.html'}", file=sys.stderr)
    if failed:
        sys.exit(1)
