"""What several commands share: the options that mean the same everywhere, and the way to a model and its predictions.

The option types are run-time names of this module and of those that import them: typer reads the annotations of a
command by the names that its own module has, so they must not move under `TYPE_CHECKING`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from ..errors import DataError, Note
from ..labels import read_fold

if TYPE_CHECKING:
    import pandas as pd

    from ..model import SentimentModel

ModelName = Annotated[str, Option("--model", help='Hub id, folder, or "demo" for the small model inside the package.')]
Device = Annotated[str, Option(help="auto, cpu, cuda, mps.")]
BatchSize = Annotated[int | None, Option(min=1, help="Texts per forward pass at most. Default: by a budget of tokens.")]
Backend = Annotated[
    Literal["torch", "onnx", "onnx-int8"],
    Option(help="onnx-int8 is the fastest on a processor, and changes some labels."),
]

TextColumn = Annotated[str, Option(help="The column to read.")]
Encoding = Annotated[
    str | None, Option(help="Of a text file: cp1252, mac_roman, utf-16. Default: UTF-8.", show_default=False)
]
NoHeader = Annotated[bool, Option("--no-header", help="The first row is one like the others; see --columns.")]
Columns = Annotated[
    str | None, Option(metavar="NAMES", help="Of a file without a header: id,text,label.", show_default=False)
]

Sheet = Annotated[str | None, Option(help="Of a spreadsheet that has several.", show_default=False)]
Fold = Annotated[
    str | None,
    Option(metavar="RULE", help='What other labels are: "1,2=negative 3=neutral 4,5=positive".', show_default=False),
]


@contextmanager
def kept_notes() -> Iterator[list[str]]:
    """What is said of how files are read, for the JSON that a command prints; it is shown as ever."""
    notes: list[str] = []
    with warnings.catch_warnings():
        show = warnings.showwarning

        def shown(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
            if issubclass(category, Note):
                notes.append(str(message))
            show(message, category, *place, **options)

        warnings.simplefilter("always", Note)
        warnings.showwarning = shown
        yield notes


def named_columns(no_header: bool, columns: str | None) -> list[str] | None:
    """The names of the columns of a file without a header; None for one with a header."""
    if no_header != (columns is not None):
        raise DataError(
            "--no-header and --columns go together: the names of the columns, such as --columns id,text,label"
        )
    return None if columns is None else [name.strip() for name in columns.split(",")]


ClassLabels = Annotated[
    str | None, Option("--labels", help="Of a model whose outputs have no names: negative,neutral,positive.")
]
ClassFold = Annotated[
    str | None,
    Option("--fold", help='Which classes of a model count as one: "1,2=negative 3=neutral 4,5=positive".'),
]


def load(name: str, device: str, backend: str, labels: str | None = None, fold: str | None = None) -> SentimentModel:
    """The model, having said what its back end changes."""
    from ..scale import load_backend

    names = None if labels is None else labels.split(",")
    try:
        folded = None if fold is None else read_fold(fold)
    except ValueError as error:
        raise DataError(f"--fold: {error}") from error
    model = load_backend(name, device=device, backend=backend, labels=names, fold=folded)
    if model.agreement is not None:
        changed, n = model.agreement["labels_changed"], model.agreement["n"]
        print(f"{backend}: {changed} of {n} labels differ from float32 on the demo's tweets", file=sys.stderr)
    return model


def predict_texts(model: SentimentModel, texts: pd.Series, batch_size: int | None) -> pd.DataFrame:
    """The prediction table of texts, having said how long it took and what was not read."""
    from ..inference import predict

    start = time.perf_counter()
    predictions = predict(model, texts, batch_size=batch_size)
    seconds = time.perf_counter() - start
    unreadable = int(predictions["label"].isna().sum())
    print(
        f"{len(texts):,} tweets in {seconds:.1f} s ({len(texts) / max(seconds, 1e-9):,.0f} tweets/s), "
        f"{unreadable:,} with nothing to read, {int(predictions['truncated'].sum()):,} truncated",
        file=sys.stderr,
    )
    return predictions
