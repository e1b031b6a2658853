"""The command line: `sentiment-kit score` and `sentiment-kit evaluate`.

Thin: arguments in, calls of the package, one line per error. What needs torch is imported inside the commands, so that
`--help` answers at once.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .files import DataError, check_writable, read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Use, measure and question an Italian tweet-sentiment model.",
)

ModelName = Annotated[
    str, typer.Option("--model", help='Hub id, folder, or "demo" for the small model inside the package.')
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts per forward pass.")]
_DEFAULT_MODEL = "neuraly/bert-base-italian-cased-sentiment"  # as in model, which would import torch


@app.command()
def score(
    input: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet (also .gz), or a SENTIPOLC file.")],
    output: Annotated[Path, typer.Argument(help="File to write; the suffix says the format.")],
    model: ModelName = _DEFAULT_MODEL,
    text_column: Annotated[str, typer.Option(help="The column to read.")] = "text",
    batch_size: BatchSize = 32,
    device: Device = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT if it exists.")] = False,
) -> None:
    """Add the prediction's columns to a file of tweets."""
    from .data import sentipolc_table, text_values

    check_writable(output, force=force)
    table = sentipolc_table(input)
    if table is None:
        table = read_table(input)
    texts = text_values(table, text_column, input)
    predictions = _predict(model, texts, device, batch_size)
    write_table(_with_predictions(table, predictions, input), output, force=force)


@app.command()
def evaluate(
    gold: Annotated[Path, typer.Argument(help="A SENTIPOLC file, or a table with the columns text and label.")],
    model: ModelName = _DEFAULT_MODEL,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Score a file with gold labels: accuracy with its 95% interval, and precision, recall, F1 of each label."""
    from .data import load_data
    from .evaluation import accuracy, scores_by_class

    tweets = load_data(gold)
    if tweets["label"].isna().all():
        raise DataError(f"{gold}: no row has a label; expected a column label with negative, neutral or positive")
    predictions = _predict(model, tweets["text"], device, batch_size)
    overall = accuracy(tweets["label"], predictions["label"])
    by_class = scores_by_class(tweets["label"], predictions["label"])
    counts = {
        "n": int(overall["n"]),
        "n_unlabelled": int(tweets["label"].isna().sum()),
        "n_mixed_left_out": tweets.attrs.get("left_out", {}).get("mixed", 0),
        "n_unreadable": int(predictions["label"].isna().sum()),
    }
    if as_json:
        figures = {name: float(overall[column]) for name, column in _INTERVAL.items()}
        print(json.dumps({"model": model, **counts, "accuracy": figures, "per_class": _records(by_class)}, indent=2))
        return
    print(f"{model} on {gold.name}: " + ", ".join(f"{name} {value:,}" for name, value in counts.items()))
    print(f"accuracy {overall['share']:.3f} (95% interval {overall['low']:.3f} to {overall['high']:.3f})")
    print(by_class.round(3).to_string())


_INTERVAL = {"value": "share", "low": "low", "high": "high"}


def _records(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """A table by row for JSON, which has no NaN."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="index")
    return {str(name): row for name, row in rows.items()}


def _predict(name: str, texts: pd.Series, device: str, batch_size: int) -> pd.DataFrame:
    from .inference import predict
    from .model import load_model

    model = load_model(name, device=device)
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


def _with_predictions(table: pd.DataFrame, predictions: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The input's columns and the prediction's; one whose name is taken is called predicted_<name>."""
    added = predictions.drop(columns="text").set_index(table.index)
    taken = [name for name in added.columns if name in table.columns]
    added = added.rename(columns={name: f"predicted_{name}" for name in taken})
    twice = [name for name in added.columns if name in table.columns]
    if twice:
        raise DataError(f"{path}: has the columns {', '.join(taken + twice)} already; rename or remove them first")
    if taken:
        print("the input has " + ", ".join(taken) + "; the prediction's is called predicted_<name>", file=sys.stderr)
    return table.join(added)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        app()
    except ValueError as error:
        if type(error).__name__ not in ("DataError", "ModelError"):  # a name, for importing model imports torch
            raise
        print(f"sentiment-kit: {error}", file=sys.stderr)
        sys.exit(2)
