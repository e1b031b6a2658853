"""`sentiment-kit evaluate`: predictions, made now or before, against gold labels; as text, JSON or a folder."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from ..errors import DataError
from ..hub import DEFAULT_MODEL
from . import shared

if TYPE_CHECKING:
    pass


def evaluate(
    gold: Annotated[str, Argument(help='A SENTIPOLC file, a table with texts and labels, or "demo" (test split).')],
    predictions: Annotated[
        Path | None, Option(help="Predictions made before: a table with id and label, or a scored file.")
    ] = None,
    model: Annotated[str | None, Option("--model", help=f"Predict with this one. Default: {DEFAULT_MODEL}")] = None,
    mixed: Annotated[
        Literal["drop", "neutral", "negative", "keep"],
        Option(help="What tweets marked both positive and negative count as; keep: no label, as with drop."),
    ] = "drop",
    by: Annotated[str | None, Option(metavar="COLUMN", help="Give accuracy for each value of it, too.")] = None,
    output: Annotated[Path | None, Option(metavar="FOLDER", help="Write all tables and figures there.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object instead of text.")] = False,
    text_column: Annotated[str, Option(help="The column to read, unless a SENTIPOLC file.")] = "text",
    label_column: Annotated[str, Option(help="The gold labels, unless a SENTIPOLC file.")] = "label",
    encoding: shared.Encoding = None,
    no_header: shared.NoHeader = False,
    columns: shared.Columns = None,
    sheet: shared.Sheet = None,
    fold: shared.Fold = None,
    batch_size: shared.BatchSize = None,
    device: shared.Device = "auto",
    backend: shared.Backend = "torch",
    labels: shared.ClassLabels = None,
    model_fold: Annotated[str | None, Option(help="The same as --fold, of the model's classes.")] = None,
    force: Annotated[bool, Option("--force", help="Replace FOLDER if it holds a scorecard.")] = False,
) -> None:
    """Score predictions against gold labels: every score with its 95% interval, official score, protocols, calibration.

    A row with nothing to read has no prediction, and counts as wrong.
    """
    from ..data import check_columns, load_data, load_predictions
    from ..provenance import provenance
    from ..report.scorecard import check_new_folder, make_scorecard, scorecard_json, scorecard_text, write_scorecard

    if predictions is not None and model is not None:
        raise DataError("--predictions and --model were both given; say which of them to score")
    if output is not None:
        check_new_folder(output, force=force)
    reading: dict[str, Any] = {"text": text_column, "label": label_column, "encoding": encoding, "sheet": sheet}
    reading |= {"columns": shared.named_columns(no_header, columns), "fold": fold}
    with shared.kept_notes() as notes:
        tweets = load_data(gold, mixed="keep", split="test", labelled=True, **reading)
        check_columns(tweets.columns, [] if by is None else [by], gold)
        predicted = None if predictions is None else load_predictions(predictions, tweets)
    loaded = None
    if predicted is None:
        loaded = shared.load(model or DEFAULT_MODEL, device, backend, labels, model_fold)
        predicted = shared.predict_texts(loaded, tweets["text"], batch_size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = make_scorecard(tweets, predicted, mixed=mixed, by=by)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"note: {message}", file=sys.stderr)
    answers = predictions.name if predictions is not None else model or DEFAULT_MODEL
    sources: list[str | Path] = [gold, *([predictions] if predictions is not None else [])]
    record = provenance(model=loaded, data=sources, mixed=mixed, by=by)
    record["notes"] = notes
    if output is not None:
        write_scorecard(card, output, record, force=force)
        print(f"tables and figures are in {output}", file=sys.stderr)
    print(scorecard_json(card, record) if as_json else scorecard_text(card, f"{answers} on {Path(gold).name}", mixed))
