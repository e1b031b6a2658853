"""The model card's fine-tuning recipe, on transformers' `Trainer`.

AdamW, learning rate 2e-5, epsilon 1e-8, batches of 32, at most 5 epochs, early stopping with patience 1. The card does
not say what early stopping watched; here it is the loss on the validation part.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import torch
from tokenizers import BertWordPieceTokenizer
from torch.utils.data import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)

from .cleaning import clean_tweets
from .hub import find_folder
from .labels import LABELS, label_dtype
from .model import check_body, quiet_transformers


def fine_tune(
    base: str | Path,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    output: str | Path,
    *,
    learning_rate: float = 2e-5,
    adam_epsilon: float = 1e-8,
    max_epochs: int = 5,
    batch_size: int = 32,
    patience: int = 1,
    label_smoothing: float = 0.0,
    weight_decay: float = 0.0,
    seed: int = 42,
) -> pd.DataFrame:
    """Fine-tune a base model on labelled tweets and save the best epoch.

    Parameters
    ----------
    base : hub id or folder of a BERT-like checkpoint
        A classification head that fits three labels is trained on, any other is made anew.
    train, validation : tweet tables with `text` and `label`
        Texts are cleaned with `clean_tweet`. `validation` steers early stopping, so it must not be the test set.
    output : folder to create
        Gets config, safetensors weights and the tokenizer's files; `load_model` reads it.
    learning_rate, adam_epsilon, max_epochs, batch_size, patience : the card's recipe by default
    label_smoothing : float in [0, 1), 0 in the card's recipe
    weight_decay : float, of AdamW; the card names none
    seed : int; the same seed on the same machine gives the same model

    Returns
    -------
    DataFrame indexed by `epoch`, one row per epoch run
        `train_loss`, `validation_loss` (mean cross-entropy, smoothed where that is on, lower is better) and
        `validation_accuracy` in [0, 1].

    Raises
    ------
    ValueError
        A row without text or label, or no rows.
    FileExistsError
        If `output` exists.
    """
    output = Path(output)
    if output.exists():
        raise FileExistsError(f"{output} exists already; choose another folder, or remove it first")
    folder, _ = find_folder(str(base))
    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        names = dict(enumerate(LABELS))
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
    check_body(network, report, folder)
    limit = min(tokenizer.model_max_length, network.config.max_position_embeddings)
    parts = [_Encoded(table, tokenizer, limit) for table in (train, validation)]
    with tempfile.TemporaryDirectory() as checkpoints:
        trainer = Trainer(
            model=network,
            args=TrainingArguments(
                output_dir=checkpoints,
                optim="adamw_torch",
                learning_rate=learning_rate,
                adam_epsilon=adam_epsilon,
                num_train_epochs=max_epochs,
                per_device_train_batch_size=batch_size,
                per_device_eval_batch_size=4 * batch_size,
                label_smoothing_factor=label_smoothing,
                weight_decay=weight_decay,
                train_sampling_strategy="group_by_length",
                eval_strategy="epoch",
                save_strategy="epoch",
                logging_strategy="epoch",
                save_total_limit=1,
                load_best_model_at_end=True,
                metric_for_best_model="eval_loss",
                seed=seed,
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
            train_dataset=parts[0],
            eval_dataset=parts[1],
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=_accuracy,
            callbacks=[EarlyStoppingCallback(early_stopping_patience=patience)],
        )
        trainer.train()
        _save(trainer, tokenizer, output)
    return _learning_curve(trainer.state.log_history)


def write_vocabulary(texts: list[str], folder: str | Path, *, size: int, min_frequency: int = 2) -> int:
    """Write a cased WordPiece vocabulary made from `texts`, in the layout of the neuraly repository.

    Parameters
    ----------
    texts : list of str, cleaned
    folder : existing folder; gets vocab.txt and tokenizer_config.json
    size, min_frequency : pieces at most, and how often a pair of pieces must occur to become one

    Returns
    -------
    int, the pieces there are; the same texts give the same pieces
    """
    wordpiece = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    # Ties between pairs of pieces go to the lower numbers, and the trainer numbers inner letters as a hash table has
    # them: told beforehand, they come in the same order in every run.
    inner_letters = sorted({f"##{letter}" for text in texts for letter in text if not letter.isspace()})
    wordpiece.train_from_iterator(
        texts,
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *inner_letters],
        show_progress=False,
    )
    wordpiece.save_model(str(folder))
    (Path(folder) / "tokenizer_config.json").write_text('{"do_lower_case": false, "max_len": 512}')
    return wordpiece.get_vocab_size()


class _Encoded(Dataset):
    """Tokenized tweets with label numbers, as the Trainer wants them."""

    def __init__(self, table: pd.DataFrame, tokenizer: PreTrainedTokenizerBase, limit: int) -> None:
        lacking = table["text"].isna() | table["label"].isna()
        if lacking.any() or table.empty:
            raise ValueError(
                f"expected labelled texts, but {int(lacking.sum())} of {len(table)} rows lack a text or a label"
                + (f" (first: index {table.index[lacking][0]!r})" if lacking.any() else "")
            )
        self._inputs = tokenizer(clean_tweets(table["text"]).tolist(), truncation=True, max_length=limit)
        self._labels = table["label"].astype(label_dtype).cat.codes.tolist()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, row: int) -> dict[str, object]:
        return {**{name: values[row] for name, values in self._inputs.items()}, "labels": self._labels[row]}


def _accuracy(predictions: EvalPrediction) -> dict[str, float]:
    logits, gold = predictions.predictions, predictions.label_ids  # (n, 3), (n,)
    return {"accuracy": float((logits.argmax(axis=-1) == gold).mean())}


def _save(trainer: Trainer, tokenizer: PreTrainedTokenizerBase, output: Path) -> None:
    """Whole or not at all: everything is written beside `output`, then renamed to it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with quiet_transformers():
            trainer.model.save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
        temporary.rename(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _learning_curve(log: list[dict[str, float]]) -> pd.DataFrame:
    names = {"loss": "train_loss", "eval_loss": "validation_loss", "eval_accuracy": "validation_accuracy"}
    rows: dict[int, dict[str, float]] = {}
    for entry in log:
        rows.setdefault(round(entry["epoch"]), {}).update(
            {names[name]: value for name, value in entry.items() if name in names}
        )
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(names.values())).rename_axis("epoch")
