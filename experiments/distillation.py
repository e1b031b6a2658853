"""A small student of a larger teacher: `python experiments/distillation.py` writes results/distillation.csv.

The demo's training split is cut in two: labelled tweets, and tweets whose labels nobody is told. A larger BERT learns
the labelled ones; the student learns, with several seeds,

- the labels of the labelled ones alone;
- the teacher's probabilities of the unlabelled ones and of the labelled ones;
- for comparison, the labels of both, which is what labelling everything would have bought.

All from scratch, with noisy copies as the demo model has; the teacher scores the copies, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from crossed import crossed_interval
from noise import noisy_copies
from scratch import write_small_bert

from sentiment_kit.data import load_demo
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import SentimentModel, load_model
from sentiment_kit.training.fine_tuning import fine_tune
from sentiment_kit.training.splits import split_tweets

RESULTS = Path(__file__).parent / "results"
COPIES = 4
TEACHER = {"hidden_size": 128, "layers": 2}
STUDENT = {"hidden_size": 48, "layers": 1}
RECIPE = {"learning_rate": 7e-4, "max_epochs": 3, "patience": 2, "label_smoothing": 0.1, "weight_decay": 0.1}
RESAMPLES = 4000


def train(
    table: pd.DataFrame, validation: pd.DataFrame, sizes: dict[str, int], folder: Path, seed: int, **options: float
) -> SentimentModel:
    base = folder.with_name(f"{folder.name}-base")
    base.mkdir()
    write_small_bert(sorted(set(table["text"])), base, seed=seed, **sizes)
    fine_tune(base, table, validation, folder, seed=seed, progress=False, **(RECIPE | options))
    return load_model(folder, device="cpu")


def taught(teacher: SentimentModel, texts: pd.Series) -> pd.DataFrame:
    scored = predict(teacher, texts, progress=False)[["text", *LABELS]].dropna()
    return scored.astype(dict.fromkeys(LABELS, float))


def rates(models: dict[str, SentimentModel], texts: pd.Series) -> dict[str, float]:
    """Tweets per second in the fastest of seven rounds; all take their turn in each, so that their ratios are fair."""
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(8):
        for name, model in models.items():
            start = time.perf_counter()
            predict(model, texts, progress=False)
            seconds[name].append(time.perf_counter() - start)
    return {name: len(texts) / min(found[1:]) for name, found in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    tweets, test = load_demo("train"), load_demo("test")
    part = split_tweets(tweets, test=0.5, validation=0.15)
    labelled, validation, unlabelled = (tweets[part == name] for name in ("train", "validation", "test"))
    both = pd.concat([labelled, unlabelled])
    rows = []
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        copies = {
            name: noisy_copies(table[["text", "label"]], COPIES, 0)
            for name, table in (("labelled", labelled), ("both", both))
        }
        teacher = train(copies["labelled"], validation, TEACHER, workplace / "teacher", 0)
        of_teacher = predict(teacher, test["text"], progress=False)["label"]
        models = {"teacher": teacher}
        answers = {"teacher": [of_teacher]}
        print("teacher done", flush=True)
        lessons = {
            "student of the labels": (copies["labelled"], validation, {}),
            # A teacher's probabilities are soft already.
            "student of the teacher": (
                taught(teacher, copies["both"]["text"]),
                taught(teacher, validation["text"]),
                {"label_smoothing": 0.0},
            ),
            "student of all labels": (copies["both"], validation, {}),
        }
        for lesson, (table, held_back, options) in lessons.items():
            answers[lesson] = []
            for seed in range(arguments.seeds):
                folder = workplace / f"{lesson}-{seed}".replace(" ", "-")
                student = train(table, held_back, STUDENT, folder, seed, **options)
                answers[lesson].append(predict(student, test["text"], progress=False)["label"])
            models[lesson] = student
            print(lesson, "done", flush=True)
        speed = rates(models, test["text"])
    for model, labels in answers.items():
        for measure, reference in (("accuracy", test["label"]), ("agreement with the teacher", of_teacher)):
            right = np.stack([(answer == reference).to_numpy(float) for answer in labels])  # (seeds, tweets)
            terms = np.stack([right, np.ones_like(right)], axis=-1)
            found = crossed_interval(terms, lambda sums: sums[..., 0] / sums[..., 1], resamples=RESAMPLES)
            sizes = TEACHER if model == "teacher" else STUDENT
            rows.append((model, *sizes.values(), measure, *found[:3], len(test), len(labels), speed[model]))
    columns = ["model", "hidden_size", "layers", "measure", "value", "low", "high", "n", "seeds", "tweets_per_second"]
    table = pd.DataFrame(rows, columns=columns).round({"value": 4, "low": 4, "high": 4, "tweets_per_second": 0})
    arguments.output.mkdir(parents=True, exist_ok=True)
    table.assign(n_labelled=len(labelled), n_unlabelled=len(unlabelled)).to_csv(
        arguments.output / "distillation.csv", index=False
    )
    print(table.to_string())


if __name__ == "__main__":
    main()
