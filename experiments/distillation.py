"""What layers and word pieces bring, and what a teacher adds: `python experiments/distillation.py` writes two tables.

sizes.csv: the pre-trained encoder cut to fewer layers and fewer word pieces, each size trained once by the demo model's
recipe on the demo's training split; scored on the demo's test split and, where its file is at hand, on all labelled
tweets of SENTIPOLC's training file, on which nothing was trained; with the size of its weights and its speed.

distillation.csv: the two smallest sizes, several seeds each, that learn the labels alone, or the labels and what the
model of twelve layers says of those tweets and of `topic_tweets.csv`, whose labels nobody has given. The difference is
paired by tweet and seed.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from crossed import crossed_interval
from demo_model import ENCODER, RECIPE, held_back, taught
from heads import SEED, base_model
from trainings import RESULTS, WORK, answers_of

from sentiment_kit.data import load_demo, load_sentipolc
from sentiment_kit.evaluation.scores import scores
from sentiment_kit.inference import predict
from sentiment_kit.labels import label_dtype
from sentiment_kit.model import SentimentModel, load_model
from sentiment_kit.training.fine_tuning import fine_tune

SIZES = ((12, 29_000), (12, 16_000), (12, 8_000), (9, 16_000), (6, 16_000), (4, 16_000))
"""Layers, of the encoder's twelve the first; word pieces."""
TEACHER = (12, 16_000)
STUDENTS = ((6, 16_000), (4, 16_000))
LESSONS = ("the labels", "the labels and the teacher")
RESAMPLES = 4000


def rates(models: dict[tuple[int, int], SentimentModel], texts: pd.Series, rounds: int = 4) -> dict[tuple, float]:
    """Tweets per second in the fastest round; all take their turn in each, so that their ratios are fair."""
    seconds: dict[tuple[int, int], list[float]] = {size: [] for size in models}
    for _ in range(rounds):
        for size, model in models.items():
            start = time.perf_counter()
            predict(model, texts, progress=False)
            seconds[size].append(time.perf_counter() - start)
    return {size: len(texts) / min(found) for size, found in seconds.items()}


def sizes(folders: dict[tuple[int, int], Path], data: dict[str, pd.DataFrame], rounds: int = 4) -> pd.DataFrame:
    """sizes.csv: one row a size and kind of tweets."""
    models = {size: load_model(folder, device="cpu") for size, folder in folders.items()}
    speed = rates(models, data["demo, test split"]["text"], rounds)
    rows = []
    for size, model in models.items():
        weights = folders[size] / "model.safetensors"
        for name, tweets in data.items():
            found = scores(tweets["label"], predict(model, tweets["text"], progress=False)["label"]).loc["accuracy"]
            rows.append(
                {
                    "layers": size[0],
                    "vocabulary": size[1],
                    "megabytes": weights.stat().st_size / 2e6,  # in float16, as it would be embedded
                    "tweets_per_second": round(speed[size]),
                    "data": name,
                    "measure": "accuracy",
                    **found[["value", "low", "high"]],
                    "n": len(tweets),
                }
            )
    return pd.DataFrame(rows)


def lessons(folder: Path, bases: dict[tuple, Path], parts: dict[str, pd.DataFrame], seeds: int) -> pd.DataFrame:
    """distillation.csv: one row a size of the student, lesson and measure; then the difference of the lessons."""
    tables = dict(zip(LESSONS, (parts["train"], taught([folder], parts["train"])), strict=True))
    test = parts["test"]
    of_teacher = predict(load_model(folder, device="cpu"), test["text"], progress=False)["label"]
    references = {"accuracy": test["label"], "agreement with the teacher": of_teacher}
    rows = []
    for size in STUDENTS:
        answers = {
            lesson: [
                answers_of(
                    folder.with_name(f"{size[0]}-layers,-{lesson},-{seed}".replace(" ", "-")),
                    bases[size], table, parts["validation"], {"test": test["text"]}, seed=seed, **RECIPE,
                )["test"]["label"]
                for seed in range(seeds)
            ]
            for lesson, table in tables.items()
        }  # fmt: skip
        for measure, reference in references.items():
            wanted = reference.astype(label_dtype)
            right = {name: np.stack([labels == wanted for labels in found]) for name, found in answers.items()}
            terms = {name: np.stack([hits, np.ones_like(hits)], axis=-1).astype(float) for name, hits in right.items()}
            found = {name: crossed_interval(one, _share, resamples=RESAMPLES) for name, one in terms.items()}
            plain, both = terms.values()
            found["difference"] = crossed_interval(both, _share, reference=plain, resamples=RESAMPLES)
            rows += [(*size, name, measure, *line[:3], len(test), seeds) for name, line in found.items()]
    columns = ["layers", "vocabulary", "learned_from", "measure", "value", "low", "high", "n", "seeds"]
    return pd.DataFrame(rows, columns=columns).assign(
        n_train=len(parts["train"]), n_unlabelled=len(tables[LESSONS[1]]) - len(parts["train"])
    )


def _share(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentipolc", type=Path, help="SENTIPOLC's training file; without it sizes.csv leaves it out.")
    parser.add_argument("--encoder", default=ENCODER, help="Hub id, or the folder of a copy.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, default=WORK / "distillation", help="What is done is kept here.")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    tweets, test = load_demo("train", mixed="neutral"), load_demo("test")
    chosen = held_back(tweets)
    parts = {"train": tweets[~chosen], "validation": tweets[chosen], "test": test}
    bases, folders = {}, {}
    for layers, vocabulary in SIZES:
        folder = arguments.work / f"{layers}-layers-{vocabulary}"
        base = base_model(
            arguments.encoder, folder.with_name(f"{folder.name}-base"), parts["train"],
            vocabulary=vocabulary, layers=range(layers),
        )  # fmt: skip
        if not folder.exists():
            fine_tune(base, parts["train"], parts["validation"], folder, seed=SEED, progress=False, **RECIPE)
            print(folder.name, "done", flush=True)
        bases[layers, vocabulary], folders[layers, vocabulary] = base, folder
    data = {"demo, test split": test}
    if arguments.sentipolc is not None:
        data["SENTIPOLC 2016, training file"] = load_sentipolc(arguments.sentipolc)
    tables = {"sizes": sizes(folders, data), "distillation": lessons(folders[TEACHER], bases, parts, arguments.seeds)}
    for name, table in tables.items():
        table.round(4).to_csv(arguments.output / f"{name}.csv", index=False)
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
