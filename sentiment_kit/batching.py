"""Texts to probabilities, fast: tokens in flat arrays, batches of like length.

Nothing here knows of tables or of missing values (that is `inference`): texts go in, arrays of as many rows come out.

How batches are made. Texts are sorted by length, and a batch ends where the next text would take it over the token
budget, or where the length changes once it is a quarter full: most batches need no padding and no mask, and none is
small where many texts are at hand. The budget is 512 tokens of a BERT base on a processor, whose caches are the limit
(measured: 256 to 1,024 tokens are within 5% of each other), and in proportion more of a narrower network, up to 8,192;
on CUDA it is one token for every 200 kB of free memory, 65,536 at most. MPS has the budget of a processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from .errors import ModelError
from .model import SentimentModel

__all__ = ["score", "token_budget"]

NO_BAR = tqdm(disable=True)
"""One that shows nothing, however often it is moved on."""

CPU_NUMBERS = 512 * 768
"""How many numbers the hidden layer of a batch has on a processor: tokens times their width."""
CPU_TOKENS = 8192
GPU_TOKENS = 65_536
BYTES_PER_TOKEN = 200_000
"""What a token of a BERT base's batch takes on a GPU at most, its intermediate values and workspace included."""

_CHUNK = 16_384  # texts whose tokens are in memory at a time, and sorted among each other
_GPU_CHUNK = 65_536


class Scores(NamedTuple):
    """What the model says of n texts."""

    probabilities: np.ndarray
    """(n, n_labels) float32 in the model's order; NaN for a text without a token of its own."""
    n_tokens: np.ndarray
    """(n,) special tokens included; 0 for a text without a token of its own."""
    truncated: np.ndarray
    """(n,) bool"""


class FlatTokens(NamedTuple):
    """Token ids of n texts, one after the other."""

    ids: np.ndarray  # (sum of lengths,)
    lengths: np.ndarray  # (n,) with special tokens
    truncated: np.ndarray  # (n,) bool


def score(model: SentimentModel, texts: list[str], *, batch_size: int | None = None, bar: tqdm = NO_BAR) -> Scores:
    """Score texts on the model's device.

    Parameters
    ----------
    model : SentimentModel
    texts : list of str
        Strings that a tokenizer can hold, n of them.
    batch_size : int, optional
        Texts in a batch at most. None: no other limit than the token budget.
    bar : tqdm, default NO_BAR
        Moved on by one a text.

    Raises
    ------
    ModelError
        Out of memory for a single text, or outputs that are not finite even in float32.
    """
    chunk = _GPU_CHUNK if model.device.type == "cuda" else _CHUNK
    tokens = (tokenize(model, texts[start : start + chunk]) for start in range(0, len(texts), chunk))
    # Ahead keeps a GPU busy. On a processor both want the same cores, and take a tenth longer (measured, two cores).
    parts = tokens if model.device.type == "cpu" else one_ahead(tokens)
    return _joined([_score_tokens(model, part, batch_size, bar) for part in parts], len(model.labels))


def _joined(parts: list[Scores], n_labels: int) -> Scores:
    none = Scores(np.zeros((0, n_labels), dtype=np.float32), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    return Scores(*map(np.concatenate, zip(none, *parts, strict=True)))


# Tokens


def tokenize(model: SentimentModel, texts: list[str]) -> FlatTokens:
    """Token ids with special tokens, cut to what the model reads."""
    rust = getattr(model.tokenizer, "backend_tokenizer", None)
    if rust is None:  # a tokenizer written in Python
        ids = model.tokenizer(texts, verbose=False)["input_ids"]
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        cut = [model.tokenizer(text, truncation=True, max_length=model.max_tokens)["input_ids"] for text in texts]
        return FlatTokens(_flat(cut), np.minimum(lengths, model.max_tokens), lengths > model.max_tokens)
    rust.no_padding()
    rust.enable_truncation(model.max_tokens)
    encoded = rust.encode_batch_fast(texts)
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(texts))
    # Only a text as long as the limit can have been cut.
    full = np.flatnonzero(lengths >= model.max_tokens)
    truncated = np.zeros(len(texts), dtype=bool)
    truncated[full] = [bool(encoded[row].overflowing) for row in full]
    return FlatTokens(_flat([encoding.ids for encoding in encoded]), lengths, truncated)


def one_ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same items, the next of which is made in a thread meanwhile."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item


def _flat(rows: list[list[int]]) -> np.ndarray:
    return np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=sum(map(len, rows)))


def token_budget(model: SentimentModel) -> int:
    """How many tokens a batch may have, padding included."""
    if model.device.type != "cuda":
        return int(np.clip(CPU_NUMBERS // model.hidden_size, 1, CPU_TOKENS))
    free, _ = torch.cuda.mem_get_info(model.device)
    return int(np.clip(free // BYTES_PER_TOKEN, model.max_tokens, GPU_TOKENS))


def batch_bounds(
    lengths: np.ndarray, budget: int, batch_size: int | None = None, *, equal: bool = False
) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) of each batch of texts sorted by length, longest first.

    Parameters
    ----------
    lengths : array of int
        Tokens of each text, (n,), in descending order, at least 1.
    budget : int
        Tokens of a batch at most, padding included (a longer text is a batch of its own).
    batch_size : int, optional
        Texts of a batch at most. None: no other limit than the budget.
    equal : bool, default False
        Whether all texts of a batch must be of one length.
    """
    first = 0
    for last in range(1, len(lengths) + 1):
        size, width = last - first, int(lengths[first])
        ends = last == len(lengths) or size == batch_size or (size + 1) * width > budget
        full_enough = equal or 4 * size * width >= budget or (batch_size is not None and 4 * size >= batch_size)
        if ends or (full_enough and lengths[last] != lengths[first]):
            yield first, last
            first = last


def pad(tokens: FlatTokens, rows: np.ndarray, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and mask of some texts, both (n_rows, width) int64."""
    lengths = tokens.lengths[rows]
    columns = np.arange(lengths.max())
    mask = columns < lengths[:, None]  # (n_rows, width)
    starts = (np.cumsum(tokens.lengths) - tokens.lengths)[rows]
    positions = np.where(mask, starts[:, None] + columns, 0)
    return np.where(mask, tokens.ids[positions], pad_id), mask.astype(np.int64)


# The computation


def _score_tokens(model: SentimentModel, tokens: FlatTokens, batch_size: int | None, bar: tqdm) -> Scores:
    n_own = tokens.lengths - model.tokenizer.num_special_tokens_to_add()
    n_tokens = np.where(n_own > 0, tokens.lengths, 0)
    # Longest first: if memory runs short, it does so at once.
    order = np.argsort(-n_tokens, kind="stable")[: np.count_nonzero(n_tokens)]
    logits = []
    with torch.inference_mode():
        for first, last in batch_bounds(n_tokens[order], token_budget(model), batch_size, equal=model.pad_id is None):
            logits.append(_batch_logits(model, tokens, order[first:last]))
            bar.update(last - first)
        probabilities = np.full((len(n_tokens), len(model.labels)), np.nan, dtype=np.float32)
        if logits:  # fetched all at once: a GPU works on while the next batches are made
            probabilities[order] = _finite(model, tokens, order, torch.cat(logits)).softmax(dim=-1).numpy()
    bar.update(len(n_tokens) - len(order))
    return Scores(probabilities, n_tokens, tokens.truncated)


def _batch_logits(model: SentimentModel, tokens: FlatTokens, rows: np.ndarray) -> torch.Tensor:
    """(n_rows, n_labels) for one batch, halved and tried again where the device has not enough memory."""
    try:
        return _forward(model, *pad(tokens, rows, model.pad_id or 0))
    except RuntimeError as error:  # CUDA has a class of its own for it; MPS and the CPU allocator only a message
        if not any(said in str(error).lower() for said in ("out of memory", "can't allocate memory")):
            raise
        if len(rows) == 1:
            raise ModelError(
                f"out of memory on {model.device} for a single text of {tokens.lengths[rows[0]]} tokens; free memory "
                'on it, use a smaller dtype or device="cpu"'
            ) from error
    # Outside the except block: the error's traceback holds the tensors that filled the memory.
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    return torch.cat([_batch_logits(model, tokens, half) for half in np.array_split(rows, 2)])


def _forward(model: SentimentModel, input_ids: np.ndarray, mask: np.ndarray) -> torch.Tensor:
    """(n_texts, width) -> (n_texts, n_labels), on the device."""
    if model.forward is not None:
        return torch.from_numpy(model.forward(input_ids, mask))
    inputs = {"input_ids": _on_device(model, input_ids)}
    if not mask.all():  # without padding, no mask: attention is faster
        inputs["attention_mask"] = _on_device(model, mask)
    network: Any = model.network
    return network(**inputs).logits


def _on_device(model: SentimentModel, array: np.ndarray) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if model.device.type != "cuda":
        return tensor.to(model.device)
    return tensor.pin_memory().to(model.device, non_blocking=True)


def _finite(model: SentimentModel, tokens: FlatTokens, rows: np.ndarray, logits: torch.Tensor) -> torch.Tensor:
    """Logits (n_rows, n_labels) in float32 on the processor; rows that are not finite are done again in float32.

    A half-precision network is widened for it and restored, both without loss.
    """
    found = logits.float().cpu()
    bad = np.flatnonzero(~torch.isfinite(found).all(dim=1).numpy())
    if not len(bad):
        return found
    network: Any = torch.nn.Module() if model.network is None else model.network  # ONNX Runtime's is float32 already
    try:
        network.float()
        for part in np.array_split(bad, -(-len(bad) // 32)):
            found[part] = _batch_logits(model, tokens, rows[part]).float().cpu()
    finally:
        network.to(model.dtype)
    if not torch.isfinite(found).all():
        raise ModelError(f"{model.name}: the outputs are not finite even in float32; the weights are damaged")
    return found
