"""How fast on this machine, beside the ordinary ways: `sentiment-kit benchmark`.

All ways score the same tweets in turn, several rounds each, so that a machine that slows down slows all of them.
Medians are shown with the slowest and the fastest round. Ratios travel from machine to machine, rates do not.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    pipeline,
)

with contextlib.suppress(ImportError):  # Windows has none
    from resource import RUSAGE_SELF, getrusage

from ..batching import batch_bounds, token_budget, tokenize
from ..cleaning import clean_tweet
from ..errors import ModelError
from ..files.writing import write_table
from ..hub import DEMO_FOLDER, find_folder, tokenizer_folder
from ..inference import predict
from ..labels import LABELS
from ..model import SentimentModel, load_model, load_network, max_tokens, quiet_transformers
from ..packing import pack_linear_layers
from .onnx import BACKENDS, load_backend

__all__ = ["CARD", "Benchmark", "batch_plans", "random_base_checkpoint", "run_benchmark"]

CARD = "one at a time, the card's way"
PIPELINE = "transformers.pipeline, batch 32"
_OPERATIONS = 2e10
"""Of matrix products in a row on a processor: a few tenths of a second."""
_MANY = 20_000
"""Texts to time all but the model on: about as long."""


class Benchmark(NamedTuple):
    """What `run_benchmark` measures."""

    rates: pd.DataFrame
    """By way: `tweets_per_second` (median), `slowest`, `fastest`; `tokens_per_second`; `padding`, the share of the
    computed tokens that are none; `ratio_to_card`, `ratio_to_pipeline`; `labels_changed` and `largest_difference` of a
    probability against float32 one at a time; `memory_mb`, the most that a process of its own has taken at one time,
    libraries and model included (on a GPU, of its memory); `of_matmul`, useful work (two operations for every token and
    weight of the encoder) over what plain matrix products do in the same time."""
    machine: dict[str, float | int | str]
    """`device`, `threads`, `tweets`, `tokens_per_tweet`, `encoder_weights`; `matmul_gflops`, what torch's matrix
    product reaches here with this network's shapes, and `packed_matmul_gflops` with packed weights; and
    `without_model`, tweets/s of everything but the model: clean, tokenize, batch, table, write."""


def run_benchmark(name: str, texts: list[str], *, rounds: int = 3, memory: bool = True) -> Benchmark:
    """Measure all ways of running a model on these texts.

    Parameters
    ----------
    name : str
        As for `load_model`; `random_base_checkpoint` writes one as slow as a real one.
    texts : list of str
        Raw tweets; those with nothing to read and repeated ones are left out.
    rounds : int, default 3
        How often each way is run, in turn; one more round warms up and is not counted.
    memory : bool, default True
        Whether to measure memory, for which each way is run once more in a process of its own.

    Raises
    ------
    ModelError
        As `load_model`; or no text is left.
    """
    cleaned = list(dict.fromkeys(text for text in map(clean_tweet, texts) if text))
    if not cleaned:
        raise ModelError("no text to measure with is left once cleaned; give a file with tweets")
    loaded = _Loaded(name)
    machine = _machine(loaded, texts, cleaned)
    ways = {label: build(loaded) for label, build in _builders(loaded.own.device.type).items()}
    seconds, answers = _timed(ways, cleaned, rounds)
    per_round = len(cleaned) / pd.DataFrame(seconds)  # a row a round, a column a way
    lengths = tokenize(loaded.own, cleaned).lengths
    labels = {label: answer.argmax(axis=1) for label, answer in answers.items()}
    rates = pd.DataFrame({"tweets_per_second": per_round.median(), "slowest": per_round.min()})
    rates["fastest"] = per_round.max()
    rates["tokens_per_second"] = rates["tweets_per_second"] * machine["tokens_per_tweet"]
    rates["padding"] = [_padding(lengths, way.batches(lengths)) for way in ways.values()]
    rates["ratio_to_card"] = rates["tweets_per_second"] / rates.loc[CARD, "tweets_per_second"]
    rates["ratio_to_pipeline"] = rates["tweets_per_second"] / rates.loc[PIPELINE, "tweets_per_second"]
    rates["labels_changed"] = [int((labels[label] != labels[CARD]).sum()) for label in ways]
    rates["largest_difference"] = [float(np.abs(answers[label] - answers[CARD]).max()) for label in ways]
    rates["memory_mb"] = [_peak_memory(name, label, cleaned[:64]) if memory else np.nan for label in ways]
    rates["of_matmul"] = 2e-9 * rates["tokens_per_second"] * machine["encoder_weights"] / machine["matmul_gflops"]
    return Benchmark(rates.rename_axis("way"), machine)


def random_base_checkpoint(folder: str | Path) -> None:
    """Write a checkpoint of BERT base's size with random weights, and the demo model's tokenizer.

    Parameters
    ----------
    folder : str or Path
        An existing folder.
    """
    names = dict(enumerate(LABELS))
    config = BertConfig(  # all else is its default, BERT base
        vocab_size=31_102,  # as dbmdz/bert-base-italian-cased
        initializer_range=0.06,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    torch.manual_seed(0)
    with quiet_transformers():
        BertForSequenceClassification(config).save_pretrained(folder)
        AutoTokenizer.from_pretrained(DEMO_FOLDER).save_pretrained(folder)


def batch_plans(model: SentimentModel, texts: list[str]) -> pd.DataFrame:
    """How the ordinary ways and this package put cleaned texts into batches.

    Returns
    -------
    DataFrame
        One row a text and plan, in the order of computation: `plan`; `batch` from 0; `tokens` of the text; `width` of
        its batch, so that width - tokens is padding.
    """
    lengths = tokenize(model, texts).lengths
    plans = {"one at a time": _in_order(1), "in order, 32": _in_order(32), "by length, 32": _by_length(32)}
    rows = []
    for plan, batches in (plans | {"token budget": partial(_by_budget, model)}).items():
        for number, members in enumerate(batches(lengths)):
            width = int(lengths[members].max())
            rows += [(plan, number, int(length), width) for length in lengths[members]]
    return pd.DataFrame(rows, columns=["plan", "batch", "tokens", "width"])


def matmul_rate(width: int, *, dtype: torch.dtype = torch.float32, device: str = "cpu", packed: bool = False) -> float:
    """Billions of operations per second of a linear layer from `width` to 4 x `width` numbers, as BERT has them.

    On 512 rows, on a GPU on 16,384; the median of five.
    """
    rows = 16_384 if device.startswith("cuda") else 512
    layer = nn.Sequential(nn.Linear(width, 4 * width)).to(device=device, dtype=dtype)
    if packed:
        pack_linear_layers(layer)
    inputs = torch.randn(rows, width, device=device, dtype=dtype)
    operations = 8 * rows * width**2
    times = max(1, int(_OPERATIONS / operations)) if device == "cpu" else 50

    def products() -> None:
        for _ in range(times):
            layer(inputs)
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    with torch.inference_mode():
        products()
        return float(np.median([1e-9 * operations * times / _seconds(products) for _ in range(5)]))


# The ways


class _Way(NamedTuple):
    run: Callable[[list[str]], np.ndarray]  # texts to probabilities (n, n_labels)
    batches: Callable[[np.ndarray], Iterable[np.ndarray]]  # token counts (n,) to the rows of each batch


class _Loaded:
    """A model as this package loads it, and as transformers does for the ordinary ways; each when first asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def own(self) -> SentimentModel:
        return load_model(self.name)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        found = AutoTokenizer.from_pretrained(tokenizer_folder(find_folder(self.name)[0]))
        found.model_max_length = max_tokens(found, self.plain)  # where `truncation` cuts, as `predict` does
        return found

    @cached_property
    def plain(self) -> PreTrainedModel:
        with quiet_transformers():
            network = load_network(find_folder(self.name)[0])
        return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _builders(device_type: str) -> dict[str, Callable[[_Loaded], _Way]]:
    """The ways by what they are called."""
    found: dict[str, Callable[[_Loaded], _Way]] = {
        CARD: lambda loaded: _Way(partial(_card_way, loaded), _in_order(1)),
        "transformers.pipeline, batch 1": lambda loaded: _Way(_pipeline_way(loaded, 1), _in_order(1)),
        PIPELINE: lambda loaded: _Way(_pipeline_way(loaded, 32), _in_order(32)),
        "sorted by length, batches of 32": lambda loaded: _Way(partial(_sorted_way, loaded), _by_length(32)),
    }
    dtypes = ["float16", "bfloat16", "float32"]
    if device_type == "cuda":
        found["transformers.pipeline, float16, batch 256"] = lambda loaded: _Way(
            _pipeline_way(loaded, 256, torch.float16), _in_order(256)
        )
    else:
        has_bfloat16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        dtypes = ["float32", "bfloat16"] if has_bfloat16 else ["float32"]
    found |= {f"sentiment_kit, {dtype}": partial(_own_way, dtype=dtype) for dtype in dtypes}
    if device_type != "cuda" and find_spec("onnxruntime"):
        found |= {f"sentiment_kit, {backend}": partial(_own_way, backend=backend) for backend in BACKENDS[1:]}
    return found


def _own_way(loaded: _Loaded, *, dtype: str = "auto", backend: str = "torch") -> _Way:
    model = load_backend(loaded.name, backend=backend, dtype=dtype)

    def run(texts: list[str]) -> np.ndarray:
        return predict(model, texts, clean=None, progress=False)[list(model.labels)].to_numpy()

    return _Way(run, partial(_by_budget, model))


def _card_way(loaded: _Loaded, texts: list[str]) -> np.ndarray:
    rows = []
    with torch.inference_mode():
        for text in texts:
            tensor = torch.tensor([loaded.tokenizer.encode(text, truncation=True)]).to(loaded.plain.device)
            rows.append(torch.softmax(loaded.plain(tensor).logits[0], dim=0).cpu().numpy())
    return np.array(rows)


def _pipeline_way(loaded: _Loaded, size: int, dtype: torch.dtype = torch.float32) -> Callable[[list[str]], np.ndarray]:
    network: Any = loaded.plain
    if dtype != torch.float32:
        network = deepcopy(network).to(dtype)
    tokenizer: Any = loaded.tokenizer
    piped: Any = pipeline("text-classification", network, tokenizer=tokenizer, device=network.device, top_k=None)
    names = [network.config.id2label[output] for output in range(network.config.num_labels)]

    def run(texts: list[str]) -> np.ndarray:
        found = piped(texts, batch_size=size, truncation=True)
        answers = [{entry["label"]: entry["score"] for entry in answer} for answer in found]
        return np.array([[answer[name] for name in names] for answer in answers])

    return run


def _sorted_way(loaded: _Loaded, texts: list[str]) -> np.ndarray:
    """Batches of 32 texts of like length in characters, each padded to its longest."""
    order = np.argsort([-len(text) for text in texts], kind="stable")
    answers = np.zeros((len(texts), len(loaded.own.labels)), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(texts), 32):
            rows = order[start : start + 32]
            batch = loaded.tokenizer([texts[row] for row in rows], padding=True, truncation=True, return_tensors="pt")
            logits = loaded.plain(**batch.to(loaded.plain.device)).logits
            answers[rows] = logits.softmax(dim=-1).cpu().numpy()
    return answers


def _in_order(size: int) -> Callable[[np.ndarray], Iterable[np.ndarray]]:
    return lambda lengths: (np.arange(len(lengths))[start : start + size] for start in range(0, len(lengths), size))


def _by_length(size: int) -> Callable[[np.ndarray], Iterable[np.ndarray]]:
    return lambda lengths: (np.argsort(-lengths)[start : start + size] for start in range(0, len(lengths), size))


def _by_budget(model: SentimentModel, lengths: np.ndarray) -> Iterable[np.ndarray]:
    order = np.argsort(-lengths, kind="stable")
    return (order[first:last] for first, last in batch_bounds(lengths[order], token_budget(model)))


def _padding(lengths: np.ndarray, batches: Iterable[np.ndarray]) -> float:
    """The share of padding in batches as wide as their longest text."""
    cells = sum(len(rows) * int(lengths[rows].max()) for rows in batches)
    return 1 - float(lengths.sum()) / cells


# The measurements


def _timed(
    ways: dict[str, _Way], texts: list[str], rounds: int
) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """Seconds of each round, and the last answer, by way."""
    seconds: dict[str, list[float]] = {label: [] for label in ways}
    answers = {}
    for number in range(rounds + 1):
        for label, way in ways.items():
            start = time.perf_counter()
            answers[label] = way.run(texts)
            if number:
                seconds[label].append(time.perf_counter() - start)
    return seconds, answers


def _peak_memory(name: str, label: str, texts: list[str]) -> float:
    """MB that a process takes at most which loads one way and runs it once; NaN where the system does not say."""
    # Forked, where that can be, from a server that has imported what all of them need and computed nothing.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(_run_and_say_peak, name, label, texts).result()


def _run_and_say_peak(name: str, label: str, texts: list[str]) -> float:
    device_type = "cuda" if torch.cuda.is_available() else "cpu"
    _builders(device_type)[label](_Loaded(name)).run(texts)
    if device_type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    status = Path("/proc/self/status")
    if status.exists():  # Linux: the process's own, where getrusage begins with its parent's
        return float(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1e3
    return getrusage(RUSAGE_SELF).ru_maxrss / 1e6 if sys.platform == "darwin" else np.nan


def _machine(loaded: _Loaded, texts: list[str], cleaned: list[str]) -> dict[str, float | int | str]:
    model = loaded.own
    encoder = getattr(loaded.plain.base_model, "encoder", loaded.plain.base_model)
    on_cpu = model.device.type == "cpu"
    return {
        "device": torch.cuda.get_device_name() if model.device.type == "cuda" else str(model.device),
        "threads": torch.get_num_threads(),
        "tweets": len(cleaned),
        "tokens_per_tweet": float(tokenize(model, cleaned).lengths.mean()),
        "encoder_weights": sum(weights.numel() for weights in encoder.parameters()),
        "matmul_gflops": matmul_rate(model.hidden_size, dtype=model.dtype, device=str(model.device)),
        "packed_matmul_gflops": matmul_rate(model.hidden_size, packed=True) if on_cpu else np.nan,
        "without_model": rate_without_model(model, texts),
    }


def rate_without_model(model: SentimentModel, texts: list[str], *, rounds: int = 3) -> float:
    """Tweets per second of everything but the model: clean, tokenize, batch, table, write as CSV.

    On at least `_MANY` texts, made of `texts` and a number each, for repeated ones would be computed once.
    """
    many = (texts * (_MANY // len(texts) + 1))[: max(len(texts), _MANY)]
    numbered = [f"{text} {number}" for number, text in enumerate(many)]
    silent = replace(model, forward=lambda ids, mask: np.zeros((len(ids), len(model.labels)), dtype=np.float32))

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_table(predict(silent, numbered, progress=False), Path(folder) / "scored.csv")

    work()
    return len(numbered) / float(np.median([_seconds(work) for _ in range(rounds)]))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
