"""Can the football bias be reduced? `python experiments/bias.py` writes results/bias.csv and results/bias_effects.csv.

Small BERTs from scratch, on tweets of the demo corpus, each recipe with several seeds; a seed draws the tweets, too, so
that the intervals hold for both. Two starting points:

- *heavy*: nine tweets of ten are about football, with labels as they come: the card's "strongly related to football";
- *skewed*: half are, and football is nearly always positive: a bias planted on purpose, for the remedies to find.

Tested on the demo's test split (inside and outside football) and on counterfactual pairs of frames that no recipe
trained on. The demo model's own recipe, noisy copies included; early stopping watches 400 tweets, half football.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from crossed import crossed_interval
from noise import noisy_copies
from scratch import write_small_bert

from sentiment_kit.analysis.probes import load_pairs, score_pairs
from sentiment_kit.data import load_demo
from sentiment_kit.evaluation.intervals import q_values
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model
from sentiment_kit.training.fine_tuning import fine_tune
from sentiment_kit.training.mitigation import (
    balancing_weights,
    clubs_in,
    counterfactual_tweets,
    mask_clubs,
    split_frames,
    swap_clubs,
)

RESULTS = Path(__file__).parent / "results"
COPIES = 12
RECIPE = {"learning_rate": 7e-4, "max_epochs": 2, "patience": 2, "label_smoothing": 0.1, "weight_decay": 0.1}
SIZES = {"heavy": 1600, "balanced": 1600, "skewed": 1280}
SKEW = {"positive": 0.85, "neutral": 0.1, "negative": 0.05}  # of the football half
RESAMPLES = 10_000
POSSIBLE = {"accuracy": (0, 1), "flip_rate": (0, 1), "brier": (0, 2), "absolute_shift": (0, 2)}
EFFECT = ["recipe", "reference", "measure", "part", "difference", "low", "high"]

STARTS = {  # of each recipe
    "heavy": "heavy",
    "balanced": "balanced",
    "heavy, reweighted": "heavy",
    "heavy, clubs masked": "heavy",
    "heavy, clubs swapped": "heavy",
    "heavy, half pairs": "heavy",
    "heavy, with pairs": "heavy",
    "skewed": "skewed",
    "skewed, reweighted": "skewed",
    "skewed, clubs masked": "skewed",
    "skewed, half pairs": "skewed",
    "skewed, with pairs": "skewed",
}
# Each with its start; and pairs with the first half of each, twice: as many new tweets, without the counterfactual.
COMPARISONS = [(recipe, "heavy" if recipe == "balanced" else start) for recipe, start in STARTS.items()]
COMPARISONS += [(f"{start}, with pairs", f"{start}, half pairs") for start in ("heavy", "skewed")]
FAMILIES = {
    "football to another subject": ["club_to_other", "person", "word_sense"],
    "club to club": ["rival_clubs", "north_south"],
    "men to women": ["gender"],
}
BETTER = {  # which way a measure should go; None has no better way
    "accuracy": "up",
    "brier": "down",
    "overconfidence": None,
    "flip_rate": "down",
    "absolute_shift": "down",
    "shift": None,
}


def draw(start: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training tweets and validation tweets of the demo's training split."""
    tweets = load_demo("train").sample(frac=1, random_state=seed)
    football = tweets["domain"] == "football"
    validation = pd.concat([tweets[football].head(200), tweets[~football].head(200)])
    football, other = tweets[football][200:], tweets[~football][200:]
    if start == "skewed":
        half = SIZES[start] // 2
        chosen = [football[football["label"] == label].head(round(half * share)) for label, share in SKEW.items()]
        parts = [*chosen, other.head(half)]
    else:
        n_football = round(SIZES[start] * (0.9 if start == "heavy" else 0.5))
        parts = [football.head(n_football), other.head(SIZES[start] - n_football)]
    return pd.concat(parts), validation


def remedied(recipe: str, train: pd.DataFrame, frames: pd.DataFrame, clubs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The training tweets as the recipe changes them."""
    football = train["domain"] == "football"
    if recipe.endswith("reweighted"):
        return train.assign(weight=balancing_weights(train["label"], football))
    if recipe.endswith("masked"):
        return train.assign(text=mask_clubs(train["text"], clubs))
    if recipe.endswith("swapped"):
        return pd.concat([train, swap_clubs(train[football], clubs, seed=seed)])
    if recipe.endswith("half pairs"):
        halves = counterfactual_tweets(frames.assign(text_b=frames["text_a"]))
        return pd.concat([train, halves, halves])
    if recipe.endswith("with pairs"):
        return pd.concat([train, counterfactual_tweets(frames)])
    return train


def answers(recipe: str, seed: int, workplace: Path) -> dict[str, pd.DataFrame]:
    """Train once; predictions of the test split and of the test pairs' two sides."""
    pairs = load_pairs()
    frames, held_out = split_frames(pairs, seed=0)
    clubs = clubs_in(pairs)
    train, validation = draw(STARTS[recipe], seed)
    train = remedied(recipe, train, frames, clubs, seed)
    masked = recipe.endswith("masked")
    if masked:
        validation = validation.assign(text=mask_clubs(validation["text"], clubs))
    base, tuned = workplace / f"base-{seed}", workplace / f"tuned-{seed}"
    base.mkdir()
    columns = [name for name in ("text", "label", "weight") if name in train]
    write_small_bert(train["text"], base, seed=seed)
    copies = noisy_copies(train[columns], COPIES, seed)
    fine_tune(base, copies, validation, tuned, seed=seed, progress=False, **RECIPE)
    model = load_model(tuned, device="cpu")
    texts = {"test": load_demo("test")["text"], "a": held_out["text_a"], "b": held_out["text_b"]}
    return {
        name: predict(model, mask_clubs(column, clubs) if masked else column, progress=False)
        for name, column in texts.items()
    }


def terms(found: dict[str, pd.DataFrame]) -> dict[tuple[str, str], np.ndarray]:
    """What each row (tweet or frame) adds to sum and count of each measure of each part: (rows, 2)."""
    test = load_demo("test")
    _, pairs = split_frames(load_pairs(), seed=0)
    rows: dict[tuple[str, str], np.ndarray] = {}
    predicted = found["test"]
    right = (predicted["label"] == test["label"]).to_numpy(float)
    truth = np.eye(len(LABELS))[test["label"].astype(label_dtype).cat.codes]
    brier = ((predicted[list(LABELS)].to_numpy(float) - truth) ** 2).sum(axis=1)
    confidence = predicted["confidence"].to_numpy(float)
    football = (test["domain"] == "football").to_numpy()
    for part, inside in (("football", football), ("other subjects", ~football)):
        one = np.ones(inside.sum())
        for name, values in (("accuracy", right), ("brier", brier), ("overconfidence", confidence - right)):
            rows[name, part] = np.stack([values[inside], one], axis=1)
    scored = score_pairs(pairs, found["a"], found["b"])
    scored["absolute_shift"], scored["flip_rate"] = scored["shift"].abs(), scored["flipped"].astype(float)
    for part, families in FAMILIES.items():
        members = scored[scored["family"].isin(families)]
        n = members.groupby("frame").size()
        for measure in ("shift", "absolute_shift", "flip_rate"):
            sums = members.groupby("frame")[measure].sum()
            rows[measure, part] = np.stack([sums, n], axis=1)
    return rows


def mean_of(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def summarize(found: dict[str, list[dict[str, pd.DataFrame]]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The measures of each recipe, and its effects: its difference to what it started from."""
    by_recipe = {
        recipe: {key: np.stack([run[key] for run in each]) for key in each[0]}  # (seeds, rows, 2)
        for recipe, runs in found.items()
        if (each := [terms(run) for run in runs])
    }
    measured, effects = [], []
    for recipe, by_part in by_recipe.items():
        for (measure, part), stacked in by_part.items():
            found_here = crossed_interval(stacked, mean_of, resamples=RESAMPLES)
            low, high = np.clip([found_here.low, found_here.high], *POSSIBLE.get(measure, (-np.inf, np.inf)))
            n = int(stacked[0, :, 1].sum())
            measured.append((recipe, measure, part, found_here.value, low, high, n, len(stacked)))
    for recipe, reference in COMPARISONS:
        if recipe == reference or not {recipe, reference} <= set(found):
            continue
        for (measure, part), stacked in by_recipe[recipe].items():
            before = by_recipe[reference][measure, part]
            effect = crossed_interval(stacked, mean_of, reference=before, resamples=RESAMPLES)
            effects.append((recipe, reference, measure, part, *effect))
    columns = ["recipe", "measure", "part", "value", "low", "high", "n", "seeds"]
    table = pd.DataFrame(effects, columns=[*EFFECT, "p_value"])
    if table.empty:
        return pd.DataFrame(measured, columns=columns), table.assign(q_value=[], verdict=[])
    table["q_value"] = q_values(table["p_value"])  # over all comparisons
    table["verdict"] = [verdict(*row) for row in table[["measure", "difference", "q_value"]].itertuples(index=False)]
    return pd.DataFrame(measured, columns=columns), table


def verdict(measure: str, difference: float, q_value: float) -> str:
    """What may be said at a false discovery rate of 5% over all comparisons."""
    if q_value > 0.05:
        return "cannot be told"
    better = BETTER[measure]
    if better is None:
        return "changed"
    return "helped" if (difference > 0) == (better == "up") else "harmed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--recipes", nargs="*", choices=STARTS, default=list(STARTS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    found = {}
    for recipe in arguments.recipes:
        with tempfile.TemporaryDirectory() as workplace:
            found[recipe] = [answers(recipe, seed, Path(workplace)) for seed in range(arguments.seeds)]
        print(recipe, "done", flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, table in zip(("bias", "bias_effects"), summarize(found), strict=True):
        table.round(4).to_csv(arguments.output / f"{name}.csv", index=False)
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
