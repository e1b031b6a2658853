"""Can a bias of the subject be reduced? `python experiments/bias.py` writes three tables to results/.

The encoder is trained on tweets of the demo corpus, half of them about football, by each recipe with several seeds; a
seed draws the tweets, too, so that the intervals hold for both. *Skewed*: football is nearly always positive, a bias
planted on purpose, for the remedies to find. *Balanced*: labels as they come, for comparison.

One measure was named beforehand: the shift of P(positive) - P(negative) from a sentence about a club to the same about
another subject, on frames that no recipe trained on. Nearer to 0 is better, and only of this measure there are
verdicts. Accuracy on the demo's test split is the price, flips from club to club are looked at beside it.

bias_verdicts.csv puts each network of these two through what the course judges by: the shift of the pairs, on the
frames that are held out, and the gravest gap of any label between football and the rest.

Ten layers of the encoder's twelve and the demo model's recipe; validation is 400 tweets, half of them football.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from crossed import crossed_interval
from demo_model import ENCODER, LAYERS, RECIPE, VOCABULARY
from heads import base_model
from trainings import RESULTS, WORK, answers_of
from transformers import AutoTokenizer

from sentiment_kit.analysis import family_effects, label_gaps, largest_gaps, load_pairs, score_pairs
from sentiment_kit.data import load_demo
from sentiment_kit.evaluation import q_values
from sentiment_kit.training import (
    balancing_weights,
    clubs_in,
    counterfactual_tweets,
    mask_clubs,
    split_frames,
    swap_clubs,
)

TWEETS = 1280
SKEW = {"positive": 0.85, "neutral": 0.1, "negative": 0.05}  # of the football half
RESAMPLES = 10_000
RECIPES = (
    "balanced", "skewed", "skewed, reweighted", "skewed, clubs masked", "skewed, clubs swapped", "skewed, half pairs",
    "skewed, with pairs",
)  # fmt: skip
"""Half pairs: the first half of each, twice: as many new tweets as with pairs, without the counterfactual."""
COMPARISONS = [(recipe, "skewed") for recipe in RECIPES if recipe != "skewed"]
COMPARISONS += [("skewed, with pairs", "skewed, half pairs")]
PRIMARY = ("shift", "club to another subject")
FAMILIES = {"club to another subject": ["club_to_other"], "club to club": ["rival_clubs", "north_south"]}


def draw(start: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training tweets and validation tweets of the demo's training split."""
    tweets = load_demo("train", mixed="neutral").sample(frac=1, random_state=seed)
    football = tweets["domain"] == "football"
    validation = pd.concat([tweets[football].head(200), tweets[~football].head(200)])
    football, other = tweets[football][200:], tweets[~football][200:]
    half = TWEETS // 2
    if start == "skewed":
        parts = [football[football["label"] == label].head(round(half * share)) for label, share in SKEW.items()]
    else:
        parts = [football.head(half)]
    return pd.concat([*parts, other.head(half)]), validation


def remedied(
    recipe: str, train: pd.DataFrame, frames: pd.DataFrame, clubs: pd.DataFrame, *, mask: str, seed: int
) -> pd.DataFrame:
    """The training tweets as the recipe changes them."""
    football = train["domain"] == "football"
    if recipe.endswith("reweighted"):
        return train.assign(weight=balancing_weights(train["label"], football))
    if recipe.endswith("masked"):
        return train.assign(text=mask_clubs(train["text"], clubs, mask=mask))
    if recipe.endswith("swapped"):
        return pd.concat([train, swap_clubs(train[football], clubs, seed=seed)])
    if recipe.endswith("half pairs"):
        halves = counterfactual_tweets(frames.assign(text_b=frames["text_a"]))
        return pd.concat([train, halves, halves])
    if recipe.endswith("with pairs"):
        return pd.concat([train, counterfactual_tweets(frames)])
    return train


def answers(recipe: str, seed: int, encoder: str, work: Path) -> dict[str, pd.DataFrame]:
    """Train once; predictions of the test split and of the test pairs' two sides."""
    frames, held_out = split_frames(load_pairs(), seed=0)
    clubs = clubs_in(load_pairs())
    start, validation = draw(recipe.split(",")[0], seed)
    texts = {"test": load_demo("test", mixed="keep")["text"], "a": held_out["text_a"], "b": held_out["text_b"]}
    folder = work / f"{recipe}, {seed}".replace(" ", "-")
    base = folder.with_name(f"{folder.name}-base")
    if not folder.exists():
        base_model(encoder, base, start, vocabulary=VOCABULARY, layers=LAYERS)
    mask = AutoTokenizer.from_pretrained(base).mask_token if base.exists() else ""
    train = remedied(recipe, start, frames, clubs, mask=mask, seed=seed)
    if recipe.endswith("masked"):
        validation = validation.assign(text=mask_clubs(validation["text"], clubs, mask=mask))
        texts = {name: mask_clubs(column, clubs, mask=mask) for name, column in texts.items()}
    found = answers_of(folder, base, train, validation, texts, seed=seed, **RECIPE)
    shutil.rmtree(base, ignore_errors=True)
    return found


def terms(found: dict[str, pd.DataFrame]) -> dict[tuple[str, str], np.ndarray]:
    """What each row (tweet or frame) adds to sum and count of each measure of each part: (rows, 2)."""
    test = load_demo("test", mixed="keep")
    known = test["label"].notna().to_numpy()
    _, pairs = split_frames(load_pairs(), seed=0)
    right = (found["test"]["label"].astype(str) == test["label"].astype(str)).to_numpy(float)
    football = (test["domain"] == "football").to_numpy()
    rows: dict[tuple[str, str], np.ndarray] = {}
    for part, inside in (("all", known), ("football", football & known), ("other subjects", ~football & known)):
        rows["accuracy", part] = np.stack([right[inside], np.ones(inside.sum())], axis=1)
    scored = score_pairs(pairs, found["a"], found["b"])
    scored["flip_rate"] = scored["flipped"].astype(float)
    for part, families in FAMILIES.items():
        members = scored[scored["family"].isin(families)]
        n = members.groupby("frame").size()
        for measure in ("shift", "flip_rate"):
            rows[measure, part] = np.stack([members.groupby("frame")[measure].sum(), n], axis=1)
    return rows


def mean_of(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def summarize(found: dict[str, list[dict[str, pd.DataFrame]]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The measures of each recipe, and its effects: its difference to what it started from."""
    by_recipe = {}
    for recipe, runs in found.items():
        each = [terms(run) for run in runs]
        by_recipe[recipe] = {key: np.stack([run[key] for run in each]) for key in each[0]}  # (seeds, rows, 2)
    measured, effects = [], []
    for recipe, by_part in by_recipe.items():
        for (measure, part), stacked in by_part.items():
            value, low, high, _ = crossed_interval(stacked, mean_of, resamples=RESAMPLES)
            low, high = np.clip([low, high], -1 if measure == "shift" else 0, 1)
            measured.append((recipe, measure, part, value, low, high, int(stacked[0, :, 1].sum()), len(stacked)))
    for recipe, reference in COMPARISONS:
        if not {recipe, reference} <= set(found):
            continue
        for (measure, part), stacked in by_recipe[recipe].items():
            before = by_recipe[reference][measure, part]
            effect = crossed_interval(stacked, mean_of, reference=before, resamples=RESAMPLES)
            nearer = abs(mean_of(stacked.sum(axis=1)).mean()) < abs(mean_of(before.sum(axis=1)).mean())
            effects.append((recipe, reference, measure, part, *effect, nearer))
    table = pd.DataFrame(
        effects, columns=["recipe", "reference", "measure", "part", "difference", "low", "high", "p_value", "nearer"]
    )
    primary = (table["measure"] == PRIMARY[0]) & (table["part"] == PRIMARY[1])
    table["q_value"] = q_values(table["p_value"].where(primary))
    table["verdict"] = [verdict(*row) for row in table[["q_value", "nearer"]].itertuples(index=False)]
    columns = ["recipe", "measure", "part", "value", "low", "high", "n", "seeds"]
    return pd.DataFrame(measured, columns=columns), table.drop(columns="nearer")


def judged(found: dict[str, list[dict[str, pd.DataFrame]]]) -> pd.DataFrame:
    """What notebooks 11 and 16 would say of each network: is the planted bias found, is none found where none is?"""
    _, pairs = split_frames(load_pairs(), seed=0)
    test = load_demo("test", mixed="keep")
    test = test[test["label"].notna()]
    rows = []
    for recipe in set(found) & {"balanced", "skewed"}:
        for seed, run in enumerate(found[recipe]):
            shift = family_effects(score_pairs(pairs, run["a"], run["b"])).loc[FAMILIES[PRIMARY[1]][0]]
            rows.append((recipe, seed, *PRIMARY, *shift[["shift", "shift_low", "shift_high", "q_value", "verdict"]]))
            football = pd.DataFrame({"football": test["domain"] == "football"})
            gap = largest_gaps(label_gaps(test["label"], run["test"]["label"].loc[test.index], football)).iloc[0]
            rows.append(
                (recipe, seed, gap["measure"], "football", *gap[["value", "low", "high", "q_value", "verdict"]])
            )
    columns = ["recipe", "seed", "measure", "part", "value", "low", "high", "q_value", "verdict"]
    return pd.DataFrame(rows, columns=columns).sort_values(["recipe", "part", "seed"])


def verdict(q_value: float, nearer: bool) -> str:
    """What may be said of the primary measure at a false discovery rate of 5%; nothing of the others."""
    if np.isnan(q_value):
        return ""
    if q_value > 0.05:
        return "cannot be told"
    return "helped" if nearer else "harmed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default=ENCODER, help="Hub id, or the folder of a copy.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipes", nargs="*", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path, default=WORK / "bias", help="What is done is kept here.")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    found = {
        recipe: [answers(recipe, seed, arguments.encoder, arguments.work) for seed in range(arguments.seeds)]
        for recipe in arguments.recipes
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, table in zip(("bias", "bias_effects", "bias_verdicts"), [*summarize(found), judged(found)], strict=True):
        table.round(4).to_csv(arguments.output / f"{name}.csv", index=False)
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
