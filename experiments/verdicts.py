"""Do verdicts hold? Fair models that are accused, and planted gaps that are found, by each verdict.

A fair model confuses alike inside and outside of a slice; a planted one calls some of the negative tweets inside
positive, so that its recall of negative is lower there by what is planted. Labels, answers and slices are drawn: no
network is trained. Of each verdict the table says in what share of the runs it was given, with its 95% interval.

A further verdict is one more entry of `verdicts`, another size of data one more of `DESIGNS`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sentiment_kit.analysis.claims import EFFECTS
from sentiment_kit.analysis.slices import corrected_gaps, label_gaps, largest_gaps
from sentiment_kit.evaluation import proportions
from sentiment_kit.labels import label_dtype

RESULTS = Path(__file__).parent / "results"
CONFUSION = np.array([[0.825, 0.08, 0.095], [0.035, 0.935, 0.03], [0.09, 0.045, 0.865]])
"""Of the demo model on its test split, true by predicted."""
RESAMPLES = 1000
TAGGER = pd.Series({"right": 382, "tagged": 439, "football": 481})
"""How often the tagger of football is right on the demo's test split."""


class Design(NamedTuple):
    """How many tweets, their labels, and what share of them is in the slice."""

    n: int
    labels: tuple[float, float, float]
    inside: float


DESIGNS = {
    "demo test split": Design(960, (0.375, 0.298, 0.327), 0.5),
    "SENTIPOLC training file": Design(6970, (0.365, 0.404, 0.231), 0.032),
}
PLANTED = (0.1, 0.2, 0.3)


class Drawn(NamedTuple):
    """One model's answers; `truth` is the gap in the recall of negative."""

    gold: pd.Series
    predicted: pd.Series
    inside: pd.Series
    truth: float


def draw(design: Design, planted: float, seed: int) -> Drawn:
    """Tweets, answers and slice; `planted` 0 is a fair model."""
    generator = np.random.default_rng(seed)
    gold = generator.choice(3, design.n, p=design.labels)
    inside = generator.random(design.n) < design.inside
    biased = CONFUSION + planted * np.array([[-1, 0, 1], [0, 0, 0], [0, 0, 0]])
    chances = np.where(inside[:, None], biased[gold], CONFUSION[gold]).cumsum(axis=1)
    given = (generator.random(design.n)[:, None] > chances[:, :2]).sum(axis=1)
    named = (pd.Series(pd.Categorical.from_codes(codes, dtype=label_dtype)) for codes in (gold, given))
    return Drawn(*named, pd.Series(inside), -planted)


def tagged(inside: pd.Series, seed: int) -> tuple[pd.Series, pd.Series]:
    """What a tagger of known errors says, and how it was measured, on other tweets of the same kind."""
    generator = np.random.default_rng([seed, 1])
    recall, precision = TAGGER["right"] / TAGGER["football"], TAGGER["right"] / TAGGER["tagged"]
    false = inside.sum() * recall * (1 / precision - 1) / (~inside).sum()
    says = pd.Series(generator.random(len(inside)) < np.where(inside, recall, false))
    found, mistaken = generator.binomial(TAGGER["football"], recall), TAGGER["tagged"] - TAGGER["right"]
    measured = {"right": found, "tagged": found + generator.poisson(mistaken), "football": TAGGER["football"]}
    return says, pd.Series(measured)


def verdicts(drawn: Drawn, seed: int) -> dict[str, bool]:
    """Whether each verdict is given."""
    slices = drawn.inside.to_frame("slice")
    gaps = label_gaps(drawn.gold, drawn.predicted, slices, resamples=RESAMPLES, seed=seed)
    shown = (gaps["low"] > 0) | (gaps["high"] < 0)
    verdict = largest_gaps(gaps)["verdict"].iloc[0]
    return {
        "any gap shown": bool(shown.any()),
        EFFECTS[0]: verdict == EFFECTS[0],
        "any q below .05": bool((gaps["q_value"] < 0.05).any()),
        "accuracy alone, p below .05": bool(gaps.loc[("slice", "accuracy"), "p_value"] < 0.05),
        "any of the measures, p below .05": bool((gaps["p_value"] < 0.05).any()),
    }


def verdicts_through_tagger(drawn: Drawn, seed: int) -> dict[str, bool]:
    """The same of gaps between tagged and other tweets, corrected and raw; and whether the intervals hold the truth."""
    says, measured = tagged(drawn.inside, seed)
    gaps = corrected_gaps(drawn.gold, drawn.predicted, says, measured, resamples=RESAMPLES, seed=seed)
    own = gaps.loc["recall_negative"]
    return {
        "tagged, corrected: any gap shown": bool(((gaps["low"] > 0) | (gaps["high"] < 0)).any()),
        "tagged, corrected: interval of recall_negative holds the truth": own["low"] <= drawn.truth <= own["high"],
        "tagged, raw: interval of recall_negative holds the truth": own["raw_low"] <= drawn.truth <= own["raw_high"],
    }


def rows(fair: int, planted: int) -> Iterator[dict[str, object]]:
    """One row a verdict, for each design and each planted gap."""
    for name, design in DESIGNS.items():
        for size in (0.0, *PLANTED):
            runs = planted if size else fair
            given = []
            for seed in range(runs):
                drawn = draw(design, size, seed)
                given.append(verdicts(drawn, seed) | (verdicts_through_tagger(drawn, seed) if design.n < 1000 else {}))
            shares = proportions(pd.DataFrame(given).sum(), runs)
            for verdict, row in shares.iterrows():
                yield {
                    "data": name, "n": design.n, "n_slice": round(design.n * design.inside), "planted": size,
                    "verdict": verdict, "runs": runs, **row[["share", "low", "high"]],
                }  # fmt: skip
            print(f"{name}, planted {size}: done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fair", type=int, default=400, help="fair models drawn")
    parser.add_argument("--planted", type=int, default=200, help="models drawn of each planted size")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    table = pd.DataFrame(rows(arguments.fair, arguments.planted))
    arguments.output.mkdir(parents=True, exist_ok=True)
    table.round(4).to_csv(arguments.output / "verdicts.csv", index=False)
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
