"""How fast on this machine, beside the ordinary ways: `python -m sentiment_kit.benchmark [FILE]`.

Ways are run in turn, several rounds each, so that a machine that slows down slows all of them; medians are printed.
Ratios travel from machine to machine, rates do not.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import BertConfig, BertForSequenceClassification, pipeline

from .cleaning import clean_tweet
from .data import load_data
from .inference import predict
from .labels import LABELS
from .model import SentimentModel, load_model, quiet_transformers
from .training import write_vocabulary

RANDOM_BASE = "bert-base-random"
"""A checkpoint of BERT base's size with random weights: as slow as a real one, and needs no download."""


def cleaning_rate(texts: list[str], *, rounds: int = 5) -> float:
    """Tweets per second that `clean_tweet` cleans in one process; the median of the rounds."""
    return len(texts) / float(
        np.median([_seconds(lambda: [clean_tweet(text) for text in texts]) for _ in range(rounds)])
    )


def inference_rates(model: SentimentModel, texts: list[str], *, rounds: int = 3) -> pd.DataFrame:
    """Tweets per second of the card's way, of transformers' pipeline and of `predict`, on the same cleaned texts.

    Parameters
    ----------
    model : SentimentModel
    texts : list of str, already cleaned, none empty
    rounds : how often each way is run, in turn; the first round of all warms up and is not counted

    Returns
    -------
    DataFrame indexed by way
        `tweets_per_second` (median), `slowest` and `fastest` round, `ratio_to_card`; against the card's way,
        `labels_changed` and the `largest_difference` of a probability.
    """
    piped = pipeline(
        "text-classification", model=model.network, tokenizer=model.tokenizer, device=model.device, top_k=None
    )
    ways: dict[str, Callable[[], np.ndarray]] = {
        "one at a time, the card's way": lambda: _card_way(model, texts),
        "transformers.pipeline, batch 32": lambda: _pipeline_way(piped, model, texts),
        "sentiment_kit.predict, batch 32": lambda: _own_way(model, texts),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, np.ndarray] = {}
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            answers[name] = way()
            if number:
                seconds[name].append(time.perf_counter() - start)
    reference = next(iter(answers.values()))
    rates = {name: len(texts) / np.array(times) for name, times in seconds.items()}
    table = pd.DataFrame(
        {
            "tweets_per_second": {name: np.median(rate) for name, rate in rates.items()},
            "slowest": {name: rate.min() for name, rate in rates.items()},
            "fastest": {name: rate.max() for name, rate in rates.items()},
            "labels_changed": {
                name: int((answer.argmax(axis=1) != reference.argmax(axis=1)).sum()) for name, answer in answers.items()
            },
            "largest_difference": {name: np.abs(answer - reference).max() for name, answer in answers.items()},
        }
    )
    table.insert(3, "ratio_to_card", table["tweets_per_second"] / table["tweets_per_second"].iloc[0])
    return table


def random_base_checkpoint(folder: Path, texts: list[str]) -> None:
    """Write a BERT-base-sized checkpoint with random weights.

    Its vocabulary is made from `texts` and as large as that of dbmdz/bert-base-italian-cased, so that tweets become
    about as few tokens as they do there.
    """
    write_vocabulary(texts, folder, size=31_102, min_frequency=1)
    names = dict(enumerate(LABELS))
    config = BertConfig(  # all else is its default, BERT base
        vocab_size=31_102,
        initializer_range=0.06,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    torch.manual_seed(0)
    with quiet_transformers():
        BertForSequenceClassification(config).save_pretrained(folder)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _card_way(model: SentimentModel, texts: list[str]) -> np.ndarray:
    rows = []
    with torch.inference_mode():
        for text in texts:
            tensor = torch.tensor([model.tokenizer.encode(text)]).to(model.device)
            rows.append(torch.softmax(model.network(tensor).logits[0].float(), dim=0).cpu().numpy())
    return np.array(rows)


def _pipeline_way(piped: Callable, model: SentimentModel, texts: list[str]) -> np.ndarray:
    names = [model.network.config.id2label[output] for output in range(len(model.labels))]
    answers = [{entry["label"]: entry["score"] for entry in answer} for answer in piped(texts, batch_size=32)]
    return np.array([[answer[name] for name in names] for answer in answers])


def _own_way(model: SentimentModel, texts: list[str]) -> np.ndarray:
    return predict(model, texts, clean=None, progress=False)[list(model.labels)].to_numpy()


def main() -> None:
    """Print the rates for a file of tweets (or the demo) on this machine."""
    parser = argparse.ArgumentParser(description="Measure cleaning and inference on this machine.")
    parser.add_argument(
        "data", nargs="?", default="demo", help='a SENTIPOLC file, a table with a column text, or "demo"'
    )
    parser.add_argument("--model", default=RANDOM_BASE, help=f'hub id, folder, "demo" or "{RANDOM_BASE}"')
    parser.add_argument("--n", type=int, default=512, help="tweets for inference, drawn at random")
    options = parser.parse_args()
    if options.n < 1:
        parser.error(f"--n must be at least 1, but {options.n} was passed")
    texts = load_data(options.data, mixed="keep")["text"].dropna().tolist()
    print(f"cleaning: {cleaning_rate(texts):,.0f} tweets/s over {len(texts):,} tweets, one core")
    cleaned = pd.Series([clean_tweet(text) for text in texts])
    distinct = cleaned[cleaned != ""].drop_duplicates()
    sample = distinct.sample(min(options.n, len(distinct)), random_state=0).tolist()
    with tempfile.TemporaryDirectory() as folder:
        if options.model == RANDOM_BASE:
            random_base_checkpoint(Path(folder), cleaned.tolist())
        model = load_model(folder if options.model == RANDOM_BASE else options.model)
        table = inference_rates(model, sample)
    print(
        f"inference: {options.model} on {model.device} in {model.dtype}, {len(sample)} tweets, "
        f"{torch.get_num_threads()} threads, {np.mean([len(ids) for ids in model.tokenizer(sample)['input_ids']]):.1f} "
        "tokens a tweet"
    )
    print(table.round({"tweets_per_second": 1, "slowest": 1, "fastest": 1, "ratio_to_card": 2}).to_string())


if __name__ == "__main__":
    main()
