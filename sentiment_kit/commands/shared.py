"""What several commands share: the options that mean the same everywhere, and the way to a model and its predictions.

The option types are run-time names of this module and of those that import them: typer reads the annotations of a
command by the names that its own module has, so they must not move under `TYPE_CHECKING`.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from ..model import SentimentModel

ModelName = Annotated[
    str, typer.Option("--model", help='Hub id, folder, or "demo" for the small model inside the package.')
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Texts per forward pass at most. Default: by a budget of tokens.")
]
Backend = Annotated[
    Literal["torch", "onnx", "onnx-int8"],
    typer.Option(help="onnx-int8 is the fastest on a processor, and changes some labels."),
]


ClassLabels = Annotated[
    str | None, typer.Option("--labels", help="Of a model whose outputs have no names: negative,neutral,positive.")
]
ClassFold = Annotated[
    str | None,
    typer.Option("--fold", help='Which classes of a model count as one: "1,2=negative 3=neutral 4,5=positive".'),
]


def load(name: str, device: str, backend: str, labels: str | None = None, fold: str | None = None) -> SentimentModel:
    """The model, having said what its back end changes."""
    from ..scale import load_backend

    names = None if labels is None else labels.split(",")
    folded = None if fold is None else parse_fold(fold)
    model = load_backend(name, device=device, backend=backend, labels=names, fold=folded)
    if model.agreement is not None:
        changed, n = model.agreement["labels_changed"], model.agreement["n"]
        print(f"{backend}: {changed} of {n} labels differ from float32 on the demo's tweets", file=sys.stderr)
    return model


def parse_fold(text: str) -> dict[str, str]:
    """`"1,2=negative 3=neutral"` as the label of each class."""
    parts = [part.split("=") for part in text.split()]
    if not parts or any(len(part) != 2 for part in parts):
        raise DataError(f'--fold: expected what "1,2=negative 3=neutral 4,5=positive" looks like, got {text!r}')
    return {name: label for names, label in parts for name in names.split(",")}


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
