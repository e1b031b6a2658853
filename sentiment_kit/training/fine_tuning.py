"""The model card's fine-tuning recipe, on transformers' `Trainer`.

AdamW, learning rate 2e-5, epsilon 1e-8, batches of 32, at most 5 epochs, early stopping with patience 1. The card does
not say what early stopping watched; here it is the loss on the validation part (`splits`).

Labels and a teacher's probabilities are one thing here: three targets a tweet, which smoothing and weights change. One
process trains on the devices it sees; `torchrun` makes it many processes, on one machine or several.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from ..cleaning import clean_tweets
from ..errors import DataError
from ..evaluation.scores import scores
from ..files.writing import whole_file, whole_folder
from ..hub import find_folder, tokenizer_hash, weights_hash
from ..inference import predict
from ..labels import LABELS, label_dtype
from ..model import load_config, load_model, quiet_transformers
from ..progress import show_progress
from .model_card import read_record, write_record
from .trainer import Progress, learning_curve, load_base, make_trainer

Precision = Literal["float32", "bfloat16", "float16"]
BATCH_SIZE = 32
"""The card's."""
_RUN = "run.json"


def fine_tune(
    base: str | Path,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    output: str | Path,
    *,
    learning_rate: float = 2e-5,
    adam_epsilon: float = 1e-8,
    max_epochs: int = 5,
    batch_size: int = BATCH_SIZE,
    patience: int = 1,
    label_smoothing: float = 0.0,
    weight_decay: float = 0.0,
    class_weights: bool = False,
    precision: Precision = "float32",
    gradient_accumulation: int = 1,
    gradient_checkpointing: bool = False,
    seed: int = 42,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Fine-tune a base model on labelled tweets, or on a teacher's probabilities, and save the best epoch.

    A run that was killed goes on from its last epoch when the same call is made again, to the same result: its
    checkpoints lie in a folder beside `output` (its name and ".training") until it has ended.

    Parameters
    ----------
    base : hub id or folder of a BERT-like checkpoint
        A classification head that fits three labels is trained on, any other is made anew.
    train, validation : tweet tables with `text` and `label`; or, without `label`, with negative, neutral, positive
        Texts are cleaned with `clean_tweet`. `train` may have a `weight`, not negative: what a tweet counts in the
        loss, relative to the others. `validation` steers early stopping, so it must not be the test set.
    output : folder to create
        Gets config, safetensors weights, the tokenizer's files, `training.json` and a model card, README.md.
    learning_rate, adam_epsilon, max_epochs, batch_size, patience : the card's recipe by default
        `batch_size` is what one step sees, over all devices and accumulation steps.
    label_smoothing : float in [0, 1), 0 in the card's recipe
    weight_decay : float, of AdamW; the card names none
    class_weights : give each label the same say, however rare it is
    precision : of the matrix products; bfloat16 and float16 are for GPUs
    gradient_accumulation : parts a batch is worked through in; saves memory
    gradient_checkpointing : compute activations twice rather than keep them; saves memory
    seed : int; the same seed on the same machine gives the same model on a processor
    progress : show a bar; default: on a terminal and in a notebook

    Returns
    -------
    DataFrame indexed by `epoch`, one row per epoch run
        `train_loss` (as trained: weighted, smoothed), `validation_loss` (mean cross-entropy in nats; lower is better)
        and `validation_accuracy` in [0, 1].

    Raises
    ------
    DataError
        A row without text or label, fewer rows than a batch, one label only, weights or options that make no sense,
        an `output` that exists, or checkpoints of another training in the way.
    ModelError
        If `base` cannot be found or its weights do not fit.
    """
    output = Path(output)
    if output.exists():
        raise DataError(f"{output} exists already; choose another folder, or remove it first")
    recipe = {
        "learning_rate": learning_rate,
        "adam_epsilon": adam_epsilon,
        "max_epochs": max_epochs,
        "batch_size": batch_size,
        "patience": patience,
        "label_smoothing": label_smoothing,
        "weight_decay": weight_decay,
        "class_weights": class_weights,
        "precision": precision,
        "gradient_accumulation": gradient_accumulation,
        "gradient_checkpointing": gradient_checkpointing,
    }
    _check_recipe(recipe)
    check_training_data(train, validation, batch_size)
    record = _ingredients(base, train, validation) | {"recipe": recipe, "seed": seed}
    workplace = output.with_name(f"{output.name}.training")
    tokenizer, network = load_base(find_folder(str(base))[0], seed)
    trainer = make_trainer(network, tokenizer, train, validation, workplace, recipe, seed)
    _claim(workplace, record)
    checkpoint = _last_checkpoint(workplace)
    history = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"] if checkpoint else []
    if not _is_finished(learning_curve(history), max_epochs, patience):
        with tqdm(total=1, unit=" steps", disable=not show_progress(progress), leave=False) as bar:
            trainer.add_callback(Progress(bar, lambda: trainer.latest_loss))
            with quiet_transformers():  # it warns that it ends with the last epoch; the best is on disk
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        history = trainer.state.log_history
        checkpoint = _last_checkpoint(workplace)
    curve = learning_curve(history)
    if trainer.is_world_process_zero():
        best = json.loads((checkpoint / "trainer_state.json").read_text())["best_global_step"]
        if best is None:
            _remove(workplace)
            raise DataError(f"the validation loss was never a number; lower learning_rate (it was {learning_rate})")
        record["learning_curve"] = curve.reset_index().to_dict("records")
        with whole_folder(output) as new:
            for name in ("config.json", "model.safetensors"):
                shutil.copy(workplace / f"checkpoint-{best}" / name, new)
            with quiet_transformers():
                tokenizer.save_pretrained(new)
            write_record(new, record)
        _remove(workplace)
    trainer.accelerator.wait_for_everyone()
    return curve


def fine_tune_seeds(
    base: str | Path,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    output: str | Path,
    *,
    seeds: list[int],
    test: pd.DataFrame | None = None,
    test_is_gold: bool = True,
    teacher: str | None = None,
    progress: bool | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Fine-tune once a seed, and keep the model that did best on the validation part.

    How far the seeds lie apart says how much of a difference between two recipes can be chance. The test part is scored
    for each of them, and chooses none: the best of several on it would flatter.

    Parameters
    ----------
    base, train, validation, output, progress, options : as in `fine_tune`
        Seeds that are done are kept in a folder beside `output` (its name and ".seeds") until all are.
    seeds : distinct ints
    test : tweet table with `text` and `label`, or None
    test_is_gold : whether its labels are people's; False for a teacher's
    teacher : the model that gave the probabilities to train on, for the model card

    Returns
    -------
    DataFrame indexed by `seed`
        `epochs` run, `best_epoch`, `validation_loss`, `validation_accuracy`; with `test` also `accuracy` and
        `macro_f1`, each with its 95% interval over tweets in `_low` and `_high`; `kept` bool, true once.

    Raises
    ------
    DataError, ModelError
        As `fine_tune`; also without seeds, or with one twice.
    """
    output = Path(output)
    if not seeds or len(set(seeds)) != len(seeds):
        raise DataError(f"expected different seeds, at least one, got {seeds}")
    if output.exists():
        raise DataError(f"{output} exists already; choose another folder, or remove it first")
    check_training_data(train, validation, options.get("batch_size", BATCH_SIZE))
    gathered = output.with_name(f"{output.name}.seeds")
    _claim(gathered, _ingredients(base, train, validation) | {"options": options})
    folders = {seed: gathered / f"seed-{seed}" for seed in seeds}
    for seed, folder in folders.items():
        if not folder.exists():  # written whole or not at all
            fine_tune(base, train, validation, folder, seed=seed, progress=progress, **options)
    if not is_first_process():
        return pd.DataFrame()
    curves = {seed: pd.DataFrame(read_record(folder)["learning_curve"]) for seed, folder in folders.items()}
    rows = {seed: _best_epoch(curve) for seed, curve in curves.items()}
    if test is not None:
        for seed, folder in folders.items():
            predicted = predict(load_model(folder), test["text"], progress=progress)
            with warnings.catch_warnings(action="ignore"):  # of scores that are not told here
                found = scores(test["label"], predicted["label"]).loc[["accuracy", "macro_f1"]]
            for name, row in found.iterrows():
                rows[seed] |= {name: row["value"], f"{name}_low": row["low"], f"{name}_high": row["high"]}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
    table["kept"] = table.index == table["validation_loss"].idxmin()
    kept = folders[table.index[table["kept"]][0]]
    write_record(
        kept,
        read_record(kept)
        | {
            "teacher": teacher,
            "seeds": table.reset_index().to_dict("records"),
            "learning_curves": pd.concat(curves, names=["seed"]).reset_index(level=0).to_dict("records"),
            "test": None if test is None else _describe(test),
            "test_is_gold": test_is_gold,
        },
    )
    kept.rename(output)
    _remove(gathered)
    return table


def _best_epoch(curve: pd.DataFrame) -> dict[str, Any]:
    best = curve.loc[curve["validation_loss"].idxmin()]
    return {
        "epochs": len(curve),
        "best_epoch": int(best["epoch"]),
        **best[["validation_loss", "validation_accuracy"]],
    }


def is_first_process() -> bool:
    """Whether this is the process that writes files; all of several that `torchrun` starts train."""
    return int(os.environ.get("RANK", "0")) == 0


def check_training_data(train: pd.DataFrame, validation: pd.DataFrame, batch_size: int) -> None:
    """Raise `DataError` for what would spoil a training, before it begins."""
    for name, table in (("training", train), ("validation", validation)):
        targets = ["label"] if "label" in table else list(LABELS)
        missing = [column for column in ("text", *targets) if column not in table.columns]
        if missing:
            raise DataError(f"{name} part: expected text, and label or the three probabilities; no {missing[0]}")
        if targets == ["label"]:
            unknown = table["label"].notna() & ~table["label"].isin(LABELS)
            if unknown.any():
                raise DataError(
                    f"{name} part: expected the labels {', '.join(LABELS)}, got "
                    f"{table['label'][unknown].iloc[0]!r:.80} (first: index {table.index[unknown][0]})"
                )
        lacking = ~readable(table["text"]) | table[targets].isna().any(axis=1)
        if lacking.any() or table.empty:
            raise DataError(
                f"{name} part: expected labelled texts, but {int(lacking.sum())} of {len(table)} rows have no label or "
                "nothing to read once cleaned"
                + (f" (first: index {table.index[lacking][0]}); leave them out" if lacking.any() else "")
            )
        if targets != ["label"]:
            given = table[targets].to_numpy(float)
            if (given < 0).any() or not np.allclose(given.sum(axis=1), 1, atol=1e-3):
                raise DataError(f"{name} part: expected probabilities that are not negative and sum to 1")
        if name == "training" and targets == ["label"] and table["label"].nunique() < 2:
            raise DataError(
                f"{name} part: expected at least two labels, but all {len(table)} rows are {table['label'].iloc[0]}"
            )
    if len(train) < batch_size:
        raise DataError(f"training part: {len(train)} rows are fewer than a batch of {batch_size}; lower batch_size")
    weights = pd.to_numeric(train["weight"], errors="coerce") if "weight" in train else pd.Series([1.0])
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise DataError("training part: expected weights that are finite, not negative, and not all 0")


def readable(texts: pd.Series) -> pd.Series:
    """Whether anything is left of each text once cleaned."""
    return clean_tweets(texts).fillna("").str.strip() != ""


def _check_recipe(recipe: dict[str, Any]) -> None:
    counts = ("max_epochs", "batch_size", "patience", "gradient_accumulation")
    allowed = {name: (recipe[name] >= 1, "at least 1") for name in counts} | {
        "learning_rate": (recipe["learning_rate"] > 0 and np.isfinite(recipe["learning_rate"]), "above 0"),
        "adam_epsilon": (recipe["adam_epsilon"] > 0, "above 0"),
        "label_smoothing": (0 <= recipe["label_smoothing"] < 1, "in [0, 1)"),
        "weight_decay": (recipe["weight_decay"] >= 0, "at least 0"),
        "precision": (recipe["precision"] in get_args(Precision), f"one of {', '.join(get_args(Precision))}"),
    }
    for name, (fits, expected) in allowed.items():
        if not fits:
            raise DataError(f"{name} must be {expected}, but {recipe[name]!r} was passed")
    if recipe["precision"] == "float16" and not torch.cuda.is_available():
        raise DataError("precision float16 needs a GPU; use float32 here")


def _ingredients(base: str | Path, train: pd.DataFrame, validation: pd.DataFrame) -> dict[str, Any]:
    folder, revision = find_folder(str(base))
    load_config(folder)  # for its errors
    return {
        "base": Path(base).name if Path(base).is_dir() else str(base),
        "base_revision": revision,
        "base_sha256": [weights_hash(folder), tokenizer_hash(folder)],
        "data": {"train": _describe(train), "validation": _describe(validation)},
    }


def _describe(table: pd.DataFrame) -> dict[str, Any]:
    """How many rows a part has, of which labels, and a hash of what is trained on."""
    used = [name for name in ("text", "label", *LABELS, "weight") if name in table.columns]
    text = table[used].astype({name: "str" for name in used if name in ("text", "label")}).to_json(orient="values")
    described = {"rows": len(table), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if "label" in used:
        counts = table["label"].astype(label_dtype).value_counts()
        described["labels"] = {label: int(counts[label]) for label in LABELS}
    return described


# Checkpoints: what is left of a training that was killed


def _claim(workplace: Path, record: dict[str, Any]) -> None:
    """Make the folder of checkpoints, or raise unless those in it are of the same run."""
    run = json.dumps(record, indent=2)
    if not is_first_process():
        return
    if (workplace / _RUN).exists():
        done = [path for path in workplace.iterdir() if path.is_dir()]
        if done and (workplace / _RUN).read_text(encoding="utf-8") != run:
            raise DataError(
                f"{workplace} has checkpoints of a training with another base, recipe, seed or data. Make the same "
                "call as then to go on with it, remove that folder, or choose another output"
            )
        if done:
            return
        (workplace / _RUN).unlink()
    left_over = list(workplace.glob(f".{_RUN}.*.tmp"))  # of a kill right here
    if workplace.exists() and len(list(workplace.iterdir())) > len(left_over):
        raise DataError(f"{workplace} is in the way, and no training made it; choose another output, or move it")
    workplace.mkdir(parents=True, exist_ok=True)
    for path in left_over:
        path.unlink()
    with whole_file(workplace / _RUN) as temporary:
        temporary.write_text(run, encoding="utf-8")


def _remove(workplace: Path) -> None:
    """The folder and what is in it; the mark that it is ours goes last, so that a kill leaves nothing unmarked."""
    for path in workplace.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.rmtree(workplace)


def _last_checkpoint(workplace: Path) -> Path | None:
    """The newest whole checkpoint; one that a kill cut short is removed.

    The trainer's state is the last file it writes to a checkpoint, so one that can be read stands for all.
    """
    found = sorted(workplace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    for checkpoint in found:
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(checkpoint, ignore_errors=True)
        else:
            return checkpoint
    return None


def _is_finished(curve: pd.DataFrame, max_epochs: int, patience: int) -> bool:
    """Whether a training with this curve has no epoch to go, by number or by early stopping."""
    if curve.empty:
        return False
    epochs_since_best = curve.index[-1] - curve["validation_loss"].idxmin()
    return len(curve) >= max_epochs or epochs_since_best >= patience
