"""How fast does a BERT base learn here? `python experiments/training_speed.py` writes results/training_speed.csv.

Random weights of BERT base's size, which learn as fast as real ones, on the demo's tweets or a file of your own; one
row a precision, medians over the steps after the first five. Useful work is six operations for every token and weight
of the encoder (two forward, four backward), padding not counted; it is shown as a share of the rate of torch's own
matrix product with this network's shapes, in float32.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import EarlyStoppingCallback, TrainerCallback

from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import load_data
from sentiment_kit.scale.benchmark import matmul_rate, random_base_checkpoint
from sentiment_kit.training.trainer import load_base, make_trainer

RESULTS = Path(__file__).parent / "results"
WARM_UP = 5


class StepTimes(TrainerCallback):
    def __init__(self, steps: int) -> None:
        self.seconds: list[float] = []
        self._steps, self._start = steps, 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._start = self._now()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds.append(self._now() - self._start)
        control.should_training_stop = state.global_step >= self._steps
        control.should_save = control.should_evaluate = control.should_log = False

    @staticmethod
    def _now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def measure(tweets: pd.DataFrame, precision: str, batch_size: int, steps: int, folder: Path) -> dict[str, object]:
    tokenizer, network = load_base(folder, seed=0)
    weights = sum(weight.numel() for weight in network.bert.encoder.parameters())
    recipe = {
        "learning_rate": 2e-5, "max_epochs": 100, "batch_size": batch_size, "patience": 1, "label_smoothing": 0.0,
        "class_weights": False, "freeze_embeddings": False, "bf16": precision == "bfloat16",
    }  # fmt: skip
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as workplace:
        trainer = make_trainer(network, tokenizer, tweets, tweets.head(32), Path(workplace), seed=0, **recipe)
        times = StepTimes(steps)
        trainer.remove_callback(EarlyStoppingCallback)
        trainer.add_callback(times)
        trainer.args.eval_strategy = trainer.args.save_strategy = "no"
        trainer.train()
    seconds = float(np.median(times.seconds[WARM_UP:]))
    lengths = [len(ids) for ids in tokenizer(clean_tweets(tweets["text"]).tolist())["input_ids"]]
    on_gpu = torch.cuda.is_available()
    product = matmul_rate(network.config.hidden_size, device="cuda" if on_gpu else "cpu")
    memory = torch.cuda.max_memory_allocated() if on_gpu else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu, {torch.get_num_threads()} threads",
        "precision": precision,
        "batch_size": batch_size,
        "steps": steps - WARM_UP,
        "tweets_per_second": batch_size / seconds,
        "fastest_step_s": min(times.seconds[WARM_UP:]),
        "slowest_step_s": max(times.seconds[WARM_UP:]),
        "tokens_per_tweet": float(np.mean(lengths)),
        "matmul_gflops": product,
        "of_matmul": 6e-9 * np.mean(lengths) * weights * batch_size / seconds / product,
        "peak_memory_mb": memory / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="demo")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.steps <= WARM_UP:
        parser.error(f"--steps must be more than the {WARM_UP} that warm up")
    tweets = load_data(arguments.data, split="train").dropna(subset=["text", "label"]).head(4000)
    precisions = ["float32", "bfloat16"] if torch.cuda.is_available() else ["float32"]
    with tempfile.TemporaryDirectory() as name:
        random_base_checkpoint(name)
        rows = [
            measure(tweets, precision, arguments.batch_size, arguments.steps, Path(name)) for precision in precisions
        ]
    table = pd.DataFrame(rows).round(3)
    arguments.output.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output / "training_speed.csv", index=False)
    print(table.T.to_string())


if __name__ == "__main__":
    main()
