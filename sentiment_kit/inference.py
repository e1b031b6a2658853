"""Texts to the prediction table, fast and in order.

What comes out is always the same table (see `predict`), for one text or a million; from here on everything is pandas.
Not here: loading (`model`), files (`data`), how good the answers are (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from .batching import Scores
from .cleaning import as_column, clean_tweet, iter_texts
from .errors import DataError
from .files.encodings import text_dtype, well_formed
from .labels import LABELS, label_dtype
from .model import SentimentModel
from .progress import show_progress
from .remembering import score_or_remember

__all__ = ["PREDICTION_COLUMNS", "predict"]

PREDICTION_COLUMNS = ("text", *LABELS, "label", "confidence", "n_tokens", "truncated")
"""The columns of the prediction table, in order."""


def predict(
    model: SentimentModel,
    texts: str | Iterable[str | None],
    *,
    clean: Callable[[str], str] | None = clean_tweet,
    batch_size: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Score texts.

    Parameters
    ----------
    model : SentimentModel
    texts : str or iterable of str
        Texts, n of them: one str, a list, tuple, generator, Series, NumPy or Arrow array. Missing values (None, NaN,
        pd.NA) are allowed anywhere.
    clean : callable or None, default clean_tweet
        Function from str to str, applied before the tokenizer, for the model was trained on cleaned tweets. None: texts
        are read as they are.
    batch_size : int, optional
        Texts per forward pass at most. It changes the speed and not the answer, but for the back end onnx-int8, which
        rounds a text by the largest number of its batch. None: as many as a budget of tokens allows (see `batching`).
    progress : bool, optional
        A bar with tweets/s. None: where there is a terminal or a notebook to show it.

    Returns
    -------
    DataFrame
        One row a text, n in all, in the order and (for a Series) with the index of the input: `text` as it came in;
        `negative`, `neutral`, `positive` probabilities in [0, 1] that sum to 1 (0 for a label that a two-class model
        does not have); `label` the largest of them, ordered categorical; `confidence` its probability; `n_tokens`
        tokens the model read, special tokens included; `truncated` True where the text was longer than
        `model.max_tokens` and its end went unread. A row with nothing to read (missing, empty, empty once cleaned, no
        character the tokenizer keeps) has missing label and probabilities and 0 tokens.

    Raises
    ------
    TypeError
        A value that is neither text nor missing, with its position; a container without order or of more dimensions.
    ValueError
        A `batch_size` below 1.
    ModelError
        Out of memory for a single text, or outputs that are not finite even in float32.

    Notes
    -----
    Repeated texts are computed once. Batches are made of texts of like length, so that little is padding. Where the
    device runs out of memory the batch at hand is halved, and only that one.
    """
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, but {batch_size} was passed")
    column = text_column(texts)
    clean = clean or str
    # Each distinct text once; `which` says which of them each row has, -1 for a missing one.
    number_of: dict[str, int] = {}
    which = np.array(
        [
            -1 if text is None else number_of.setdefault(well_formed(clean(text)), len(number_of))
            for text in iter_texts(column)
        ],
        dtype=np.int64,
    )
    distinct = list(number_of)
    bar = tqdm(total=len(distinct), unit=" tweets", delay=5, leave=False, disable=not show_progress(progress))
    with bar:
        scores = score_or_remember(model, distinct, batch_size=batch_size, bar=bar)
    kept = pd.Series(column.tolist(), index=column.index, dtype=text_dtype)
    return _prediction_table(model, kept, which, scores)


def prediction_names(existing: Sequence[str], where: str | Path = "the table") -> dict[str, str]:
    """What the prediction's columns but the text are called in a table that has columns already.

    One whose name is taken is called predicted_<name>; if that is taken, too, it is a `DataError`, which begins with
    `where`.
    """
    names = {name: f"predicted_{name}" if name in existing else name for name in PREDICTION_COLUMNS[1:]}
    twice = [f"{name}, {own}" for name, own in names.items() if own in existing]
    if twice:
        raise DataError(f"{where}: has the columns {', '.join(twice)} already; rename or remove them first")
    return names


def append_predictions(table: pa.Table, predictions: pd.DataFrame) -> pa.Table:
    """An Arrow table of n rows and, to the right of its columns, those of a prediction table of n rows but the text.

    Labels are text there, missing ones null; for names see `prediction_names`.
    """
    predictions = predictions.astype({"label": text_dtype})  # else rows without any label would have no type
    for name, own in prediction_names(table.column_names).items():
        table = table.append_column(own, pa.array(predictions[name], from_pandas=True))
    return table


# What may come in


def text_column(texts: Any) -> pd.Series:
    """Texts in any container as a column; one that has no order, or more dimensions, is a `TypeError`."""
    if isinstance(texts, str):
        texts = [texts]
    if isinstance(texts, dict | set | frozenset | bytes | pd.DataFrame) or not isinstance(texts, Iterable):
        hint = "; pass one column of it" if isinstance(texts, pd.DataFrame) else ""
        raise TypeError(
            "expected texts as str, list, tuple, generator, Series, NumPy or Arrow array, "
            f"got {type(texts).__name__}{hint}"
        )
    if isinstance(texts, np.ndarray) and texts.ndim != 1:
        raise TypeError(f"expected a one-dimensional array of texts, got shape {texts.shape}")
    return as_column(texts.to_pylist() if isinstance(texts, pa.Array | pa.ChunkedArray) else texts)


# The table


def _prediction_table(model: SentimentModel, texts: pd.Series, which: np.ndarray, scores: Scores) -> pd.DataFrame:
    """One row per text from the distinct ones: `which` (n_rows,) says which of them, -1 for a missing text."""
    counts = np.append(scores.n_tokens, 0)  # one more row, the one that -1 picks: a text that is not there
    in_order = np.zeros((len(counts), len(LABELS)), dtype=np.float32)  # (n_texts, n_labels) -> (n_texts + 1, 3)
    for label, column in zip(model.labels, scores.probabilities.T, strict=True):
        in_order[:-1, LABELS.index(label)] += column
    in_order[counts == 0] = np.nan
    in_order, counts = in_order[which], counts[which]
    best = in_order.argmax(axis=1)
    columns = {
        "text": texts,
        **dict(zip(LABELS, in_order.T, strict=True)),
        "label": pd.Categorical.from_codes(np.where(counts > 0, best, -1), dtype=label_dtype),
        "confidence": in_order[np.arange(len(which)), best],
        "n_tokens": counts,
        "truncated": np.append(scores.truncated, False)[which],
    }
    return pd.DataFrame(columns, index=texts.index)
