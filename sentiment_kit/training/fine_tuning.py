"""The model card's fine-tuning recipe, on transformers' `Trainer`: what is trained, and what becomes of it.

AdamW, learning rate 2e-5, epsilon 1e-8, batches of 32, at most 5 epochs, early stopping with patience 1. The card does
not say what early stopping watched; here it is the loss on the validation split (`splits`).

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
from typing import Any

import numpy as np
import pandas as pd
from transformers import TrainerState

from ..cleaning import clean_tweets
from ..errors import DataError
from ..evaluation.scores import scores
from ..files.writing import whole_file, whole_folder
from ..hub import find_folder
from ..inference import predict
from ..labels import LABELS, label_dtype
from ..model import load_config, load_model, quiet_transformers
from ..provenance import model_record
from .model_card import read_record, write_record
from .trainer import Progress, learning_curve, load_base, make_trainer

__all__ = ["fine_tune", "fine_tune_seeds"]

BATCH_SIZE = 32
"""The card's."""
_CLAIM = "run.json"


def fine_tune(
    base: str | Path,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    output: str | Path,
    *,
    max_epochs: int = 5,
    batch_size: int = BATCH_SIZE,
    patience: int = 1,
    label_smoothing: float = 0.0,
    class_weights: bool = False,
    freeze_embeddings: bool = False,
    seed: int = 42,
    progress: bool | None = None,
    **arguments: Any,
) -> pd.DataFrame:
    """Fine-tune a base model on labelled tweets, or on a teacher's probabilities, and save the best epoch.

    A run that was killed goes on from its last epoch when the same call is made again, to the same result: its
    checkpoints lie in a folder beside `output` (its name and ".training") until it has ended.

    Parameters
    ----------
    base : str or Path
        Hub id or folder of a BERT-like checkpoint. A classification head that fits three labels is trained on, any
        other is made anew.
    train, validation : DataFrame
        Tweets with `text` and `label`; or, without `label`, with negative, neutral, positive. Texts are cleaned with
        `clean_tweet`. `train` may have a `weight`, not negative: what a tweet counts in the loss, relative to the
        others. `validation` steers early stopping, so it must not be the test set.
    output : str or Path
        A new folder, which gets config, safetensors weights, the tokenizer's files, `training.json` and a model card,
        README.md.
    max_epochs : int, default 5
        Early stopping may end before; transformers' name for it is num_train_epochs.
    batch_size : int, default BATCH_SIZE
        What one step sees over all devices and accumulation steps, where transformers asks for the part of one device:
        so the recipe stays the same on any number of them. The card's is 32.
    patience : int, default 1
        Epochs without a better validation loss that end the training.
    label_smoothing : float in [0, 1), default 0.0
        Of labels or probabilities; transformers' own can smooth only labels.
    class_weights : bool, default False
        Give each label the same say, however rare it is.
    freeze_embeddings : bool, default False
        Leave the word embeddings as they are. With few tweets that helps: the words in them would move, and all others,
        which the model knows from its pre-training, would stay behind.
    seed : int, default 42
        The same seed on the same machine gives the same model on a processor.
    progress : bool, optional
        True: a bar, and a line on stderr after each epoch. False: neither. None: the line, and the bar where there is a
        terminal or a notebook to show it.
    **arguments : Any
        Options of `transformers.TrainingArguments`, which go to it as they are: `bf16=True`, `weight_decay=0.01`,
        `gradient_accumulation_steps=4`. Without them learning_rate is 2e-5 and adam_epsilon 1e-8, as the card has it.
        What decides when an epoch is measured and kept, and where, cannot be chosen.

    Returns
    -------
    DataFrame
        Indexed by `epoch`, one row per epoch run: `train_loss` (as trained: weighted, smoothed), `validation_loss`
        (mean cross-entropy in nats; lower is better) and `validation_accuracy` in [0, 1].

    Raises
    ------
    DataError
        A row without text or label, fewer rows than a batch, one label only, weights or options that make no sense, to
        transformers or here, an `output` that exists, or checkpoints of another training in the way.
    ModelError
        If `base` cannot be found or its weights do not fit.
    """
    output = Path(output)
    if output.exists():
        raise DataError(f"{output} exists already; choose another folder, or remove it first")
    check_training_data(train, validation, batch_size)
    recipe = {
        "learning_rate": 2e-5,
        "adam_epsilon": 1e-8,
        "max_epochs": max_epochs,
        "batch_size": batch_size,
        "patience": patience,
        "label_smoothing": label_smoothing,
        "class_weights": class_weights,
        "freeze_embeddings": freeze_embeddings,
        **arguments,
    }
    record = _record(base, train, validation, recipe=recipe, seed=seed)
    workplace = output.with_name(f"{output.name}.training")
    tokenizer, network = load_base(find_folder(str(base))[0], seed)
    trainer = make_trainer(network, tokenizer, train, validation, workplace, seed=seed, **recipe)
    _claim(workplace, record)
    checkpoint, state = _last_checkpoint(workplace)
    if not _is_finished(learning_curve(state.log_history), max_epochs, patience):
        trainer.add_callback(Progress(trainer, progress))
        with quiet_transformers():  # it warns that it ends with the last epoch; the best is on disk
            trainer.train(resume_from_checkpoint=checkpoint)
        state = trainer.state
    curve = learning_curve(state.log_history)
    if trainer.is_world_process_zero():
        if state.best_global_step is None:
            _remove(workplace)
            raise DataError(
                f"the validation loss was never a number; lower learning_rate (it was {recipe['learning_rate']})"
            )
        with whole_folder(output) as new:
            for name in ("config.json", "model.safetensors"):
                shutil.copy(workplace / f"checkpoint-{state.best_global_step}" / name, new)
            with quiet_transformers():
                tokenizer.save_pretrained(new)
            write_record(new, record | {"learning_curve": curve.reset_index().to_dict("records")})
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
    """Fine-tune once a seed, and keep the model that did best on the validation split.

    How far the seeds lie apart says how much of a difference between two recipes can be chance. The test split is
    scored for each of them, and chooses none: the best of several on it would flatter.

    Parameters
    ----------
    base : str or Path
        As in `fine_tune`.
    train, validation : DataFrame
        As in `fine_tune`.
    output : str or Path
        As in `fine_tune`. Seeds that are done are kept in a folder beside it (its name and ".seeds") until all are.
    seeds : list of int
        Distinct.
    test : DataFrame, optional
        Tweets with `text` and `label`.
    test_is_gold : bool, default True
        Whether the labels of `test` are people's; False for a teacher's.
    teacher : str, optional
        The model that gave the probabilities to train on, for the model card.
    progress : bool, optional
        As in `fine_tune`.
    **options : Any
        As in `fine_tune`.

    Returns
    -------
    DataFrame
        Indexed by `seed`: `epochs` run, `best_epoch`, `validation_loss`, `validation_accuracy`; with `test` also
        `accuracy` and `macro_f1`, each with its 95% interval over tweets in `_low` and `_high`; `kept` bool, true once.

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
    _claim(gathered, _record(base, train, validation, options=options))
    folders = {seed: gathered / f"seed-{seed}" for seed in seeds}
    for seed, folder in folders.items():
        if not folder.exists():  # written whole or not at all
            fine_tune(base, train, validation, folder, seed=seed, progress=progress, **options)
    if not is_first_process():
        return pd.DataFrame()
    curves, rows = {}, {}
    for seed, folder in folders.items():
        curve = curves[seed] = pd.DataFrame(read_record(folder)["learning_curve"])
        best = curve.loc[curve["validation_loss"].idxmin()]
        rows[seed] = {"epochs": len(curve), "best_epoch": int(best["epoch"])}
        rows[seed] |= best[["validation_loss", "validation_accuracy"]].to_dict()
        if test is not None:
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


def is_first_process() -> bool:
    """Whether this is the process that writes files; all of several that `torchrun` starts train."""
    return int(os.environ.get("RANK", "0")) == 0


def check_training_data(train: pd.DataFrame, validation: pd.DataFrame, batch_size: int) -> None:
    """Raise `DataError` for what would spoil a training, before it begins."""
    for name, table in (("training split", train), ("validation split", validation)):
        targets = ["label"] if "label" in table else list(LABELS)
        if missing := [column for column in ("text", *targets) if column not in table]:
            raise DataError(f"{name}: expected text, and label or the three probabilities; no {missing[0]}")
        lacking = table[targets].isna().any(axis=1) | ~readable(table["text"])
        faults = {"no label or nothing to read once cleaned": lacking}
        if targets == ["label"]:
            faults[f"a label other than {', '.join(LABELS)}"] = ~table["label"].isin(LABELS)
        else:
            given = table[targets].apply(pd.to_numeric, errors="coerce").to_numpy(float, na_value=np.nan)
            negative, sums_to_1 = (given < 0).any(axis=1), np.isclose(given.sum(axis=1), 1, atol=1e-3)
            faults["probabilities that are negative or do not sum to 1"] = negative | ~sums_to_1
        for fault, wrong in faults.items():
            if wrong.any():
                first = ", ".join(map(str, table[wrong].iloc[0][["text", *targets]]))
                raise DataError(
                    f"{name}: {wrong.sum()} of {len(table)} rows have {fault}; mend them or leave them out (first: "
                    f"index {table.index[wrong][0]}, {first:.150})"
                )
        if table.empty:
            raise DataError(f"{name}: expected labelled texts, but it has no rows")
    if "label" in train and train["label"].nunique() < 2:
        raise DataError(f"training split: expected at least two labels, but all rows are {train['label'].iloc[0]}")
    if len(train) < batch_size:
        raise DataError(f"training split: {len(train)} rows are fewer than a batch of {batch_size}; lower batch_size")
    weights = pd.to_numeric(train["weight"], errors="coerce") if "weight" in train else pd.Series([1.0])
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise DataError("training split: expected weights that are finite, not negative, and not all 0")


def readable(texts: pd.Series) -> pd.Series:
    """Whether anything is left of each text once cleaned."""
    return clean_tweets(texts).fillna("").str.strip() != ""


def _record(base: str | Path, train: pd.DataFrame, validation: pd.DataFrame, **options: Any) -> dict[str, Any]:
    """What a training is made of: in the end `training.json`, before that what tells its checkpoints from another's."""
    load_config(find_folder(str(base))[0])  # for its errors
    return {
        "base": model_record(base),
        "data": {"train": _describe(train), "validation": _describe(validation)},
        **options,
    }


def _describe(table: pd.DataFrame) -> dict[str, Any]:
    """How many rows a split has, of which labels, and a hash of what is trained on."""
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
    if not is_first_process():
        return
    run, claim = json.dumps(record, indent=2), workplace / _CLAIM
    found = list(workplace.iterdir()) if workplace.exists() else []
    begun = any(not path.name.removeprefix(".").startswith(_CLAIM) for path in found)  # nor .run.json.77.tmp
    if begun and claim not in found:
        raise DataError(f"{workplace} is in the way, and no training made it; choose another output, or move it")
    if begun and claim.read_text(encoding="utf-8") != run:
        raise DataError(
            f"{workplace} has checkpoints of a training with another base, recipe, seed or data. Make the same "
            "call as then to go on with it, remove that folder, or choose another output"
        )
    workplace.mkdir(parents=True, exist_ok=True)
    with whole_file(claim) as temporary:
        temporary.write_text(run, encoding="utf-8")


def _remove(workplace: Path) -> None:
    """The folder and what is in it; the mark that it is ours goes last, so that a kill leaves nothing unmarked."""
    for path in workplace.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.rmtree(workplace)


def _last_checkpoint(workplace: Path) -> tuple[str | None, TrainerState]:
    """The newest whole checkpoint and the trainer's state in it; one that a kill cut short is removed.

    The state is the last file that the trainer writes to a checkpoint, so one that can be read stands for all.
    """
    found = sorted(workplace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    for checkpoint in found:
        try:
            return str(checkpoint), TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        except (OSError, ValueError):
            shutil.rmtree(checkpoint, ignore_errors=True)
    return None, TrainerState()


def _is_finished(curve: pd.DataFrame, max_epochs: int, patience: int) -> bool:
    """Whether a training with this curve has no epoch to go, by number or by early stopping."""
    if curve.empty:
        return False
    epochs_since_best = curve.index[-1] - curve["validation_loss"].idxmin()
    return len(curve) >= max_epochs or epochs_since_best >= patience
