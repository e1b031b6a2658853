"""`sentiment-kit train`: the card's recipe on labelled tweets, or on the answers of a teacher; several seeds."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentError
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from typer import Argument, Option

from .. import __version__
from ..errors import DataError, require_extra
from .shared import Columns, Encoding, Fold, NoHeader, Sheet, named_columns

if TYPE_CHECKING:
    import pandas as pd


def train(
    tweets: Annotated[
        str,
        Argument(
            metavar="TRAIN",
            help='A SENTIPOLC file, a table with texts and labels, or "demo". With --teacher labels are not needed, '
            "and a folder that `score` wrote will do.",
        ),
    ],
    base: Annotated[str, Option("--base", help='Hub id or folder to start from, or "demo".')],
    output: Annotated[Path, Option("--output", metavar="FOLDER", help="Where the model goes.")],
    teacher: Annotated[
        str | None, Option(help="Learn this model's probabilities (hub id or folder), not labels.")
    ] = None,
    validation: Annotated[
        str | None, Option(metavar="FILE", help="Steers early stopping. Default: a tenth of TRAIN.")
    ] = None,
    test: Annotated[
        str | None,
        Option(metavar="FILE", help="Scored at the end, steers nothing. Default: a fifth of TRAIN."),
    ] = None,
    seeds: Annotated[int, Option(min=1, help="How many trainings; the best on validation is kept.")] = 1,
    seed: Annotated[int, Option(help="The first of them.")] = 42,
    split_seed: Annotated[int, Option(help="Which tweets are held back.")] = 0,
    learning_rate: Annotated[float, Option(help="The card's by default, as the next three.")] = 2e-5,
    max_epochs: int = 5,
    batch_size: Annotated[int, Option(help="Over all devices and accumulation steps.")] = 32,
    patience: Annotated[int, Option(help="Epochs without a better validation loss.")] = 1,
    label_smoothing: float = 0.0,
    class_weights: Annotated[bool, Option("--class-weights", help="The same say for each label.")] = False,
    freeze_embeddings: Annotated[
        bool, Option("--freeze-embeddings", help="Leave the word embeddings as they are; helps with few tweets.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        Option("--set", metavar="NAME=VALUE", help="Any other of transformers' TrainingArguments; once each."),
    ] = None,
    text_column: Annotated[str, Option(help="The column to read, unless a SENTIPOLC file.")] = "text",
    label_column: Annotated[str, Option(help="The gold labels, unless a SENTIPOLC file.")] = "label",
    encoding: Encoding = None,
    no_header: NoHeader = False,
    columns: Columns = None,
    sheet: Sheet = None,
    fold: Fold = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Fine-tune a model. A training that was stopped goes on when the same command is given again."""
    require_extra("accelerate", "train")
    if output.exists():
        raise DataError(f"{output} exists already; choose another folder, or remove it first")
    from ..training.fine_tuning import check_training_data, fine_tune_seeds
    from ..training.reading import labelled_tweets, tables_of

    arguments = _training_arguments(settings or [])
    names = named_columns(no_header, columns)
    reading = {"text": text_column, "label": label_column, "columns": names, "encoding": encoding}
    reading |= {"sheet": sheet, "fold": fold}
    if test is None and tweets == "demo":
        test = "demo"
    test_is_gold = teacher is None or test is not None
    labelled = labelled_tweets(tweets, "train", reading) if teacher is None else _taught(tweets, teacher, reading)
    tables = tables_of(labelled, tweets, {"test": test, "validation": validation}, reading, split_seed)
    if teacher is not None:  # its probabilities are learnt, unless a file has labels of its own
        for name in ("train", "validation"):
            if {"negative", "neutral", "positive"} <= set(tables[name]):
                tables[name] = tables[name].drop(columns="label")
    check_training_data(tables["train"], tables["validation"], batch_size)
    try:
        table = fine_tune_seeds(
            base,
            **tables,
            output=output,
            seeds=list(range(seed, seed + seeds)),
            test_is_gold=test_is_gold,
            teacher=teacher,
            learning_rate=learning_rate,
            max_epochs=max_epochs,
            batch_size=batch_size,
            patience=patience,
            label_smoothing=label_smoothing,
            class_weights=class_weights,
            freeze_embeddings=freeze_embeddings,
            **arguments,
        )
    except KeyboardInterrupt:
        print("\nstopped; give the same command again to go on from the last epoch", file=sys.stderr)
        sys.exit(130)
    if table.empty:  # another of several processes tells the story
        return
    _draw(output)
    if not test_is_gold:
        table = table.rename(columns=lambda name: name.replace("accuracy", "agreement"))
    n_test = len(tables["test"])
    if as_json:
        found = {"model": str(output), "base": base, "teacher": teacher, "n_test": n_test}
        found["seeds"] = json.loads(table.reset_index().to_json(orient="records"))
        print(json.dumps(found | {"sentiment_kit": __version__}, indent=2))
    else:
        print(_summary(table, n_test, output))


def _training_arguments(settings: list[str]) -> dict[str, Any]:
    """Options by name, their values read by transformers, which knows the types."""
    from transformers import HfArgumentParser, TrainingArguments

    parser = HfArgumentParser(cast(Any, TrainingArguments), exit_on_error=False, allow_abbrev=False)
    try:
        found, unknown = parser.parse_known_args([f"--{setting}" for setting in settings])
    except ArgumentError as error:
        raise DataError(f"--set: {error}") from error
    if unknown:
        raise DataError(f"--set {unknown[0].removeprefix('--')}: transformers' TrainingArguments has no such option")
    names = [setting.partition("=")[0].replace("-", "_") for setting in settings]
    if own := [name for name in names if name in signature(train).parameters]:
        raise DataError(f"--set {own[0]}: this command has an option of its own, --{own[0].replace('_', '-')}")
    return {name: getattr(found, name) for name in names}


def _taught(source: str, teacher: str, reading: dict[str, Any]) -> pd.DataFrame:
    """Tweets with the teacher's probabilities and label; those with nothing to read are left out, and said."""
    from ..data import load_data
    from ..hub import find_folder, weights_hash
    from ..inference import predict
    from ..labels import LABELS, label_dtype
    from ..model import load_model
    from ..scale.bulk import read_scored
    from ..training.reading import without_rows

    if Path(source).is_dir():
        scored, manifest = read_scored(source)
        model = manifest["model"]
        if model["weights"] != weights_hash(find_folder(teacher)[0]):
            raise DataError(f"{source}: was scored by {model['name']}, which has other weights than {teacher}")
    else:
        texts = load_data(source, mixed="keep", split="train", **(reading | {"label": None}))["text"]
        scored = predict(load_model(teacher), texts)[["text", *LABELS]]
    readable = scored[list(LABELS)].notna().all(axis=1)
    if not readable.any():
        raise DataError(f"{source}: none of {len(scored):,} rows has anything to read")
    scored = without_rows(scored, ~readable, source, "with nothing to read")
    return scored.assign(label=scored[list(LABELS)].astype(float).idxmax(axis=1).astype(label_dtype))


def _draw(output: Path) -> None:
    import pandas as pd

    from ..report.plots import learning_curves, save_figure
    from ..training.model_card import read_record

    save_figure(learning_curves(pd.DataFrame(read_record(output)["learning_curves"])), output / "learning_curve")


def _summary(table: pd.DataFrame, n_test: int, output: Path) -> str:
    """A row a seed, their spread where there are several, and what was measured on how many tweets."""
    measured = [name for name in ("accuracy", "agreement", "macro_f1") if name in table]
    told = [table.round(3).to_string()]
    if len(table) > 1:
        told += ["\nMean and standard deviation over the seeds"]
        told += [table[measured].agg(["mean", "std"]).round(3).to_string()]
    said = "agreement with the teacher" if "agreement" in table else "accuracy"
    told += [f"\n{said} on {n_test:,} tweets that steered nothing. The model is in {output}; its README.md"]
    return "\n".join(told) + " tells how it was made"
