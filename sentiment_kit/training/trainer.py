"""transformers' `Trainer` as the recipe needs it: soft targets, weights, early stopping, checkpoints each epoch.

`training` says what is trained and what becomes of it; this says how one step and one epoch go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import (
    AutoModelForSequenceClassification,
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
from ..errors import DataError, ModelError, in_one_line
from ..labels import LABELS, label_dtype
from ..model import check_complete, check_vocabulary, load_tokenizer, max_tokens, quiet_transformers


def load_base(folder: Path, seed: int) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and network of a checkpoint; a classification head that it has not is drawn by the seed.

    Raises
    ------
    ModelError
        A folder without usable tokenizer or vocabulary, or with weights that are broken or do not fit config.json or
        the vocabulary.
    """
    tokenizer = load_tokenizer(folder)
    names = dict(enumerate(LABELS))
    set_seed(seed)
    with quiet_transformers():
        try:
            network, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                num_labels=len(LABELS),
                id2label=names,
                label2id={name: number for number, name in names.items()},
                dtype=torch.float32,
                trust_remote_code=False,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
        except Exception as error:  # what broken files raise shares no class
            raise ModelError(f"{folder}: cannot be loaded as a base to train from ({in_one_line(error)})") from error
    check_complete(network, report, folder, head=False)  # a new one may be drawn
    check_vocabulary(tokenizer, network, folder)
    return tokenizer, network


def make_trainer(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    workplace: Path,
    recipe: dict[str, Any],
    seed: int,
) -> TargetTrainer:
    """A trainer that is ready to start.

    Parameters
    ----------
    network, tokenizer : as from `load_base`
    train, validation : as for `training.fine_tune`, checked
    workplace : folder for the checkpoints of each epoch; the last and the best are kept
    recipe : the options of `training.fine_tune` by name, all of them
    seed : of the order of the tweets and of dropout

    Raises
    ------
    DataError
        A batch size that cannot be divided by the devices times the accumulation steps.
    """
    arguments = TrainingArguments(
        output_dir=str(workplace),
        optim="adamw_torch",
        learning_rate=recipe["learning_rate"],
        adam_epsilon=recipe["adam_epsilon"],
        num_train_epochs=recipe["max_epochs"],
        gradient_accumulation_steps=recipe["gradient_accumulation"],
        weight_decay=recipe["weight_decay"],
        bf16=recipe["precision"] == "bfloat16",
        fp16=recipe["precision"] == "float16",
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,  # and the best
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        restore_callback_states_from_checkpoint=True,  # how long there was no better epoch
        seed=seed,
        use_cpu=not torch.accelerator.is_available(),  # else several processes on CPUs would not know of each other
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    pieces = arguments.world_size * max(arguments.n_gpu, 1) * recipe["gradient_accumulation"]
    if recipe["batch_size"] % pieces:
        raise DataError(
            f"batch_size {recipe['batch_size']} cannot be divided by {pieces} (devices times gradient_accumulation)"
        )
    arguments.per_device_train_batch_size = recipe["batch_size"] // pieces
    arguments.per_device_eval_batch_size = 4 * arguments.per_device_train_batch_size
    if recipe["gradient_checkpointing"]:
        # transformers 6 drops the older name, versions before 5.23 lack the newer.
        getattr(network, "activation_checkpointing_enable", network.gradient_checkpointing_enable)()
    limit = max_tokens(tokenizer, network)
    weights = row_weights(train, recipe["class_weights"])
    trainer = TargetTrainer(
        model=network,
        args=arguments,
        train_dataset=_encoded(train, targets(train, recipe["label_smoothing"]) * weights[:, None], tokenizer, limit),
        eval_dataset=_encoded(validation, targets(validation), tokenizer, limit),
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=_accuracy,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=recipe["patience"])],
    )
    trainer.remove_callback(PrinterCallback)  # `Progress` tells more, and only where someone looks
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

    latest_loss: torch.Tensor | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.model_accepts_loss_kwargs = False  # so that the loss of each part of a batch is a mean of its own

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        targets = inputs.pop("labels")  # (batch, 3)
        outputs = model(**inputs)
        loss = cross_entropy(outputs.logits.float(), targets)
        self.latest_loss = loss.detach()
        return (loss, outputs) if return_outputs else loss


class Progress(TrainerCallback):
    """A bar over the steps with the loss; a line with the scores after each epoch."""

    def __init__(self, bar: tqdm, loss: Callable[[], torch.Tensor]) -> None:
        self._bar, self._loss = bar, loss

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._bar.reset(total=state.max_steps)
        self._bar.update(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._bar.update()
        if state.global_step % 20 == 0 and not self._bar.disable:  # reading it makes a GPU wait
            self._bar.set_postfix(loss=f"{self._loss().item():.3f}")

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        if not self._bar.disable:
            epoch = learning_curve(state.log_history).iloc[-1]
            told = ", ".join(f"{name} {value:.3f}" for name, value in epoch.items())
            self._bar.write(f"epoch {epoch.name}: {told}", file=sys.stderr)


def _accuracy(predictions: EvalPrediction) -> dict[str, float]:
    logits, targets = predictions.predictions, predictions.label_ids  # (n, 3) both
    return {"accuracy": float((logits.argmax(axis=-1) == targets.argmax(axis=-1)).mean())}


def learning_curve(log: list[dict[str, float]]) -> pd.DataFrame:
    """What the trainer logged (its `log_history`) as the table that `training.fine_tune` returns."""
    names = {"loss": "train_loss", "eval_loss": "validation_loss", "eval_accuracy": "validation_accuracy"}
    rows: dict[int, dict[str, float]] = {}
    for entry in log:
        rows.setdefault(round(entry["epoch"]), {}).update(
            {names[name]: value for name, value in entry.items() if name in names}
        )
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(names.values())).rename_axis("epoch")
