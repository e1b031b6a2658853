"""`sentiment-kit benchmark`: the speed of this machine, as a table or JSON."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Annotated

from typer import Option

from ..files.writing import json_records

if TYPE_CHECKING:
    from ..scale.benchmark import Benchmark

RANDOM_BASE = "bert-base-random"
"""A checkpoint of BERT base's size with random weights: as slow as a real one, and needs no download."""


def benchmark(
    model: Annotated[
        str, Option("--model", help='Hub id, folder, "demo", or "bert-base-random" for random weights.')
    ] = RANDOM_BASE,
    input: Annotated[str, Option("--input", help='Tweets to measure with: a file, or "demo".')] = "demo",
    n: Annotated[int, Option("--n", min=1, help="How many of them, drawn at random.")] = 512,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Measure how fast this machine is, with each back end and beside the ordinary ways."""
    from ..data import load_data
    from ..provenance import provenance

    texts = load_data(input, mixed="keep")["text"].dropna()
    measured = _measured(model, texts.sample(min(n, len(texts)), random_state=0).tolist())
    if as_json:
        record = provenance(model=None if model == RANDOM_BASE else model, data=[input], n=n)
        found = {**measured.machine, "rates": json_records(measured.rates.reset_index()), "provenance": record}
        print(json.dumps(found, indent=2))
        return
    machine = measured.machine
    print(
        f"{model} on {machine['device']}, {machine['threads']} threads; {machine['tweets']:,} tweets, "
        f"{machine['tokens_per_tweet']:.1f} tokens each\n"
        f"matrix products: {machine['matmul_gflops']:,.0f} GFLOP/s, packed {machine['packed_matmul_gflops']:,.0f}\n"
        f"everything but the model: {machine['without_model']:,.0f} tweets/s\n"
    )
    names = {
        "tweets_per_second": "tweets/s", "tokens_per_second": "tokens/s", "ratio_to_card": "x card",
        "ratio_to_pipeline": "x pipeline", "labels_changed": "changed", "largest_difference": "difference",
        "memory_mb": "MB", "of_matmul": "of matmul",
    }  # fmt: skip
    shown = measured.rates.rename(columns=names)
    digits = {name: 0 if shown["slowest"].min() > 100 else 1 for name in ("tweets/s", "slowest", "fastest")}
    digits |= {"tokens/s": 0, "padding": 3, "x card": 2, "x pipeline": 2, "difference": 6, "MB": 0, "of matmul": 2}
    formats = {name: f"{{:,.{n}f}}".format for name, n in digits.items()}
    print(shown.rename_axis(None).to_string(formatters=formats, na_rep="–"))


def _measured(model: str, texts: list[str]) -> Benchmark:
    from ..scale import random_base_checkpoint, run_benchmark

    if model != RANDOM_BASE:
        return run_benchmark(model, texts)
    with tempfile.TemporaryDirectory() as folder:
        random_base_checkpoint(folder)
        return run_benchmark(folder, texts)
