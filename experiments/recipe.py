"""The card's recipe end to end: `python experiments/recipe.py SENTIPOLC_FILE` writes two tables to results/.

recipe.csv: SENTIPOLC's training file, split as the card says (80/20, here with copies on one side and a validation
split), and several seeds of each way to train on it: from the encoder by the card's recipe, which supposes a larger
network; from the encoder by the demo model's recipe; and from the demo model, trained further. Beside them TF-IDF with
logistic regression, the most frequent label, and the demo model as it is. No recipe was chosen on these tweets.

recipe_topics.csv: what a split of one's own flatters. A fifth of the political tweets is the test, and as many tweets
are learned from twice: drawn from both topics, as a random split does, or all from the other topic, as life does. The
same with the generic tweets as the test. The difference is paired by tweet and seed.

Ten layers of the encoder's twelve, as the demo model has, in bfloat16 where the processor knows it.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from crossed import Crossed, crossed_interval
from demo_model import ENCODER, LAYERS, RECIPE, VOCABULARY
from heads import base_model
from trainings import RESULTS, WORK, answers_of

from sentiment_kit.data import load_sentipolc
from sentiment_kit.evaluation import fit_tfidf, predict_tfidf
from sentiment_kit.evaluation.scores import scores_of_counts
from sentiment_kit.hub import DEMO_FOLDER
from sentiment_kit.inference import predict
from sentiment_kit.labels import label_dtype
from sentiment_kit.model import load_model
from sentiment_kit.training import split_tweets

CARD = {"bf16": True}  # its rate, batches and early stopping are the defaults; of precision it says nothing
RESAMPLES = 4000
MEASURES = ("accuracy", "macro_f1")
TOPICS = ("political", "generic")


def cells(gold: pd.Series, predicted: list[pd.Series]) -> np.ndarray:
    """(trainings, tweets, 9): 1 in the cell of the confusion matrix that a tweet falls into."""
    codes = [gold.cat.codes * 3 + labels.astype(label_dtype).cat.codes for labels in predicted]
    return np.stack([np.eye(9)[code] for code in codes])


def interval(terms: np.ndarray, measure: str, reference: np.ndarray | None = None) -> Crossed:
    return crossed_interval(
        terms,
        lambda sums: scores_of_counts(sums.reshape(*sums.shape[:-1], 3, 3))[measure],
        reference=reference,
        resamples=RESAMPLES,
    )


def measured(name: str, gold: pd.Series, predicted: list[pd.Series], epochs: list[int]) -> list[dict[str, object]]:
    """Accuracy and macro-F1, their means over the seeds, with intervals over seeds and tweets."""
    terms, rows = cells(gold, predicted), []
    for measure in MEASURES:
        found = interval(terms, measure)
        of_seeds = [interval(one[None], measure).value for one in terms]
        rows.append(
            {
                "model": name,
                "measure": measure,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n": len(gold),
                "seeds": len(predicted),
                "std_of_seeds": np.std(of_seeds, ddof=1) if len(of_seeds) > 1 else np.nan,
                "mean_epochs": np.mean(epochs) if epochs else np.nan,
            }
        )
    return rows


def compared(parts: dict[str, pd.DataFrame], encoder: str, seeds: int, work: Path) -> pd.DataFrame:
    """recipe.csv"""
    gold, texts = parts["test"]["label"], {"test": parts["test"]["text"]}
    bases = {
        "encoder, the card's recipe": (_base(encoder, work / "raw", None), CARD),
        "encoder, the demo model's recipe": (_base(encoder, work / "fitted", parts["train"]), RECIPE),
        "demo model, trained further": (DEMO_FOLDER, RECIPE),
    }
    frequent = pd.Series(parts["train"]["label"].mode()[0], index=gold.index)
    plain = {
        "always the most frequent label": frequent,
        "TF-IDF + logistic regression": predict_tfidf(fit_tfidf(parts["train"]), parts["test"]["text"]),
        "demo model as it is": predict(load_model(DEMO_FOLDER), parts["test"]["text"], progress=False)["label"],
    }
    rows = [row for name, labels in plain.items() for row in measured(name, gold, [labels], [])]
    for name, (base, recipe) in bases.items():
        folders = [work / f"{name}, {seed}".replace(" ", "-") for seed in range(seeds)]
        found = [
            answers_of(folder, base, parts["train"], parts["validation"], texts, seed=seed, **recipe)["test"]["label"]
            for seed, folder in enumerate(folders)
        ]
        rows += measured(name, gold, found, [len(pd.read_csv(folder / "curve.csv")) for folder in folders])
    return pd.DataFrame(rows).assign(n_train=len(parts["train"]), n_validation=len(parts["validation"]))


def by_topic(tweets: pd.DataFrame, split: pd.Series, encoder: str, seeds: int, work: Path) -> pd.DataFrame:
    """recipe_topics.csv"""
    rest = tweets[split != "test"]
    n = int(rest["topic"].value_counts().min())
    rows = []
    for topic in TOPICS:
        test = tweets[(split == "test") & (tweets["topic"] == topic)]
        pools = {"both topics": rest, "the other topic": rest[rest["topic"] != topic]}
        terms = {}
        for name, pool in pools.items():
            found = []
            for seed in range(seeds):
                drawn = pool.sample(n, random_state=seed)
                train, validation = drawn[n // 10 :], drawn[: n // 10]
                folder = work / f"{topic}, learned from {name}, {seed}".replace(" ", "-")
                base = folder.with_name(f"{folder.name}-base")
                if not folder.exists():
                    _base(encoder, base, train)
                answers = answers_of(folder, base, train, validation, {"test": test["text"]}, seed=seed, **RECIPE)
                shutil.rmtree(base, ignore_errors=True)
                found.append(answers["test"]["label"])
            terms[name] = cells(test["label"], found)
        for measure in MEASURES:
            both, other = terms.values()
            lines = {name: interval(one, measure) for name, one in terms.items()}
            lines["difference"] = interval(both, measure, reference=other)
            rows += [(topic, name, measure, *line[:3], len(test), seeds, n) for name, line in lines.items()]
    columns = ["tested_on", "learned_from", "measure", "value", "low", "high", "n", "seeds", "n_train"]
    return pd.DataFrame(rows, columns=columns)


def _base(encoder: str, folder: Path, train: pd.DataFrame | None) -> Path:
    return base_model(encoder, folder, train, vocabulary=VOCABULARY, layers=LAYERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentipolc", type=Path, help="training_set_sentipolc16.csv, or another file of the task")
    parser.add_argument("--encoder", default=ENCODER, help="Hub id, or the folder of a copy.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, default=WORK / "recipe", help="What is done is kept here.")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    tweets = load_sentipolc(arguments.sentipolc)
    split = split_tweets(tweets)
    parts = {name: tweets[split == name] for name in split.cat.categories}
    tables = {
        "recipe": compared(parts, arguments.encoder, arguments.seeds, arguments.work),
        "recipe_topics": by_topic(tweets, split, arguments.encoder, arguments.seeds, arguments.work),
    }
    for name, table in tables.items():
        table.round(4).to_csv(arguments.output / f"{name}.csv", index=False)
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
