"""transformers' `Trainer` as the recipe needs it: soft targets, weights, early stopping, checkpoints each epoch.

`fine_tuning` says what is trained and what becomes of it; this says how one step and one epoch go.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from ..cleaning import clean_tweets
from ..errors import DataError, in_one_line
from ..labels import LABELS, label_dtype
from ..model import (
    check_complete,
    check_vocabulary,
    load_config,
    load_tokenizer,
    load_weights,
    max_tokens,
    quiet_transformers,
)
from ..progress import show_progress


def load_base(folder: Path, seed: int) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and network of a checkpoint; a classification head that it has not is drawn by the seed.

    Raises
    ------
    ModelError
        A folder without usable tokenizer or vocabulary, or with weights that are broken or do not fit config.json or
        the vocabulary.
    """
    tokenizer, config = load_tokenizer(folder), load_config(folder)
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {name: number for number, name in config.id2label.items()}
    if tokenizer.pad_token is None:  # GPT-2's kin: what the network knows, else the end of a text, which they learn
        config.pad_token_id = tokenizer.eos_token_id if config.pad_token_id is None else config.pad_token_id
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(config.pad_token_id or 0)
    set_seed(seed)
    with quiet_transformers():
        network, report = load_weights(folder, config)
    check_complete(network, report, folder, head=False)  # a new one may be drawn
    check_vocabulary(tokenizer, network, folder)
    return tokenizer, network


def make_trainer(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    workplace: Path,
    *,
    max_epochs: int,
    batch_size: int,
    patience: int,
    label_smoothing: float,
    class_weights: bool,
    freeze_embeddings: bool,
    seed: int,
    **arguments: Any,
) -> TargetTrainer:
    """A trainer that is ready to start.

    Parameters
    ----------
    network : PreTrainedModel
    tokenizer : PreTrainedTokenizerBase
        Both as from `load_base`.
    train, validation : DataFrame
        As for `fine_tune`, checked.
    workplace : Path
        Folder for the checkpoints of each epoch; the last and the best are kept.
    max_epochs, batch_size, patience : int
    label_smoothing : float
    class_weights, freeze_embeddings : bool
    seed : int
        Of the order of the tweets and of dropout.
    **arguments : Any
        As for `fine_tune`.

    Raises
    ------
    DataError
        As `fine_tune`, for options that make no sense.
    """
    for name, count in {"max_epochs": max_epochs, "batch_size": batch_size, "patience": patience}.items():
        if count < 1:
            raise DataError(f"{name} must be at least 1, but {count!r} was passed")
    if not 0 <= label_smoothing < 1:
        raise DataError(f"label_smoothing must be in [0, 1), but {label_smoothing!r} was passed")
    ours: dict[str, Any] = {
        "output_dir": str(workplace),
        "seed": seed,
        "num_train_epochs": max_epochs,
        "max_steps": -1,
        "auto_find_batch_size": False,
        "label_smoothing_factor": 0.0,  # it would smooth labels, and not probabilities
        "eval_strategy": "epoch",
        "prediction_loss_only": False,
        "logging_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,  # and the best
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "restore_callback_states_from_checkpoint": True,  # how long there was no better epoch
        "disable_tqdm": True,
    }
    for name in arguments:
        if name in ours or name.startswith(("eval_", "save_", "logging_", "per_device_")):
            raise DataError(
                f"{name} is set by the training itself; leave it out (what can be chosen in its place: max_epochs, "
                "batch_size, patience, label_smoothing, seed)"
            )
    defaults: dict[str, Any] = {
        "optim": "adamw_torch",
        "train_sampling_strategy": "group_by_length",
        "use_cpu": not torch.accelerator.is_available(),  # else several processes on CPUs would not know of each other
        "dataloader_pin_memory": torch.cuda.is_available(),
        "report_to": "none",
    }
    if freeze_embeddings:
        network.get_input_embeddings().requires_grad_(False)
    limit = max_tokens(tokenizer, network)
    wanted = targets(train, label_smoothing) * row_weights(train, class_weights)[:, None]
    datasets = [_encoded(train, wanted, tokenizer, limit), _encoded(validation, targets(validation), tokenizer, limit)]
    try:
        settings = TrainingArguments(**(defaults | arguments | ours))
        pieces = settings.world_size * max(settings.n_gpu, 1) * settings.gradient_accumulation_steps
        if settings.gradient_checkpointing:
            network.gradient_checkpointing_enable()  # for its complaint where there is none
        if pieces < 1 or batch_size % pieces:
            raise ValueError(f"batch_size {batch_size} cannot be divided by {pieces}, devices times accumulation steps")
        settings.per_device_train_batch_size = batch_size // pieces
        settings.per_device_eval_batch_size = 4 * settings.per_device_train_batch_size
        trainer = TargetTrainer(
            model=network,
            args=settings,
            train_dataset=datasets[0],
            eval_dataset=datasets[1],
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=_accuracy,
            preprocess_logits_for_metrics=lambda outputs, _: outputs[0] if isinstance(outputs, tuple) else outputs,
            callbacks=[EarlyStoppingCallback(early_stopping_patience=patience)],
        )
        trainer.model_accepts_loss_kwargs = False  # so that the loss of each part of a batch is a mean of its own
        trainer.create_optimizer()  # for what it has to say of its options
    except Exception as error:  # what options that cannot be raise shares no class
        with suppress(OSError):  # unless there is something in it
            workplace.rmdir()
        raise DataError(f"these options cannot be used ({in_one_line(error)})") from error
    trainer.optimizer = None  # made again as the training begins, perhaps of parameters in several parts
    trainer.remove_callback(PrinterCallback)  # `Progress` tells more
    return trainer


def targets(table: pd.DataFrame, smoothing: float = 0.0) -> np.ndarray:
    """(n, 3): 1 for the label and 0 for the others, or a teacher's probabilities; smoothed."""
    if "label" in table.columns:
        wanted = np.eye(len(LABELS), dtype=np.float32)[table["label"].astype(label_dtype).cat.codes]
    else:
        wanted = table[list(LABELS)].to_numpy(np.float32)
    return (1 - smoothing) * wanted + smoothing / len(LABELS)


def row_weights(train: pd.DataFrame, class_weights: bool) -> np.ndarray:
    """(n,) with mean 1: the column `weight`, or 1 for each row.

    With `class_weights` they are divided by the sum of the weights of the row's label, so that each label that occurs
    has the same sum; of a teacher's probabilities each counts with its share.
    """
    weights = train["weight"].to_numpy(np.float32) if "weight" in train.columns else np.ones(len(train), np.float32)
    if class_weights:
        sums = (targets(train) * weights[:, None]).sum(axis=0)  # (3,)
        weights = weights * (targets(train) / np.where(sums > 0, sums, 1)).sum(axis=1)
    return weights / weights.mean()


def _encoded(
    table: pd.DataFrame, targets: np.ndarray, tokenizer: PreTrainedTokenizerBase, limit: int
) -> list[dict[str, list]]:
    """Tokenized tweets with their targets (n, 3), as the Trainer wants them."""
    inputs = tokenizer(clean_tweets(table["text"]).tolist(), truncation=True, max_length=limit)
    columns = {**inputs, "labels": targets.tolist()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


class TargetTrainer(Trainer):
    """Cross-entropy with targets that may be probabilities, and need not sum to 1."""

    latest_loss: torch.Tensor

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        targets = inputs.pop("labels")  # (batch, 3)
        outputs = model(**inputs)
        loss = cross_entropy(outputs.logits.float(), targets)
        self.latest_loss = loss.detach()
        return (loss, outputs) if return_outputs else loss


class Progress(TrainerCallback):
    """A line with the scores after each epoch; a bar over the steps, with the loss, where someone can see it."""

    def __init__(self, trainer: TargetTrainer, wanted: bool | None) -> None:
        self._trainer = trainer
        self._tells = wanted is not False and trainer.is_world_process_zero()
        self._hidden = not (self._tells and show_progress(wanted))

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        total, done = state.max_steps, state.global_step
        self._bar = tqdm(total=total, initial=done, unit=" steps", leave=False, disable=self._hidden)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._bar.update()
        if state.global_step % 20 == 0 and not self._hidden:  # reading it makes a GPU wait
            self._bar.set_postfix(loss=f"{self._trainer.latest_loss.item():.3f}")

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._tells:
            epoch = learning_curve(state.log_history).iloc[-1]
            told = ", ".join(f"{name} {value:.3f}" for name, value in epoch.items())
            self._bar.write(f"seed {args.seed}, epoch {epoch.name}: {told}", file=sys.stderr)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._bar.close()


def _accuracy(predictions: EvalPrediction) -> dict[str, float]:
    logits, targets = np.asarray(predictions.predictions), np.asarray(predictions.label_ids)  # (n, 3) both
    return {"accuracy": float((logits.argmax(axis=-1) == targets.argmax(axis=-1)).mean())}


def learning_curve(log: list[dict[str, float]]) -> pd.DataFrame:
    """What the trainer logged (its `log_history`) as the table that `training.fine_tune` returns."""
    names = {"loss": "train_loss", "eval_loss": "validation_loss", "eval_accuracy": "validation_accuracy"}
    table = pd.DataFrame(log, columns=["epoch", *names], dtype=float)
    epochs = table.pop("epoch").round().astype(int)
    return table.groupby(epochs).last().rename(columns=names)
