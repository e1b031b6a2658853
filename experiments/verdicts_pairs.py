"""How often do verdicts on pairs accuse a fair model, and find a bias? Writes results/verdicts_pairs.csv.

Simulated models answer all pairs of the project. Each sentence has a feeling; a fair model adds to it what chance adds
to every text (*texts*), and what each name means to it whatever its family (*names*); so labels flip at any change of a
name. A planted bias moves side b of one family. About six minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sentiment_kit.analysis.claims import EFFECTS
from sentiment_kit.analysis.probes import IDENTITY_PAIRS, family_effects, load_pairs, score_pairs
from sentiment_kit.labels import label_dtype

RESULTS = Path(__file__).parent / "results"
FAIR, PLANTED = 400, 200
MODELS = {  # standard deviation of what a text and what a name adds to P(positive) - P(negative); the bias, and models
    "nearly steady": (0.05, 0.0, 0.0, FAIR),
    "unstable": (0.6, 0.0, 0.0, FAIR),
    "unstable, by name": (0.2, 0.4, 0.0, FAIR),
    "steady, -.10 planted": (0.05, 0.0, -0.1, PLANTED),
    "unstable, -.10 planted": (0.3, 0.0, -0.1, PLANTED),
    "unstable, -.30 planted": (0.3, 0.0, -0.3, PLANTED),
}
FAMILY = "club_to_other"


def predictions(score: np.ndarray) -> pd.DataFrame:
    """A prediction table of these P(positive) - P(negative), without neutral."""
    positive = (np.clip(score, -1, 1) + 1) / 2
    label = pd.Series(np.where(positive > 0.5, "positive", "negative"), dtype=label_dtype)
    return pd.DataFrame({"negative": 1 - positive, "neutral": 0.0, "positive": positive}).assign(label=label)


def main() -> None:
    """Simulate, print and write."""
    pairs = pd.concat([load_pairs(), load_pairs(IDENTITY_PAIRS)], ignore_index=True)
    frames = pairs["frame"].factorize()[0]
    names = pd.concat([pairs["subject_a"], pairs["subject_b"]]).factorize()[0].reshape(2, -1)
    planted, generator, rows = (pairs["family"] == FAMILY).to_numpy(), np.random.default_rng(0), {}
    for model, (texts, of_names, bias, times) in MODELS.items():
        found = []
        for _ in range(times):
            feeling = generator.uniform(-1, 1, frames.max() + 1)[frames]
            meaning = generator.normal(0, of_names, names.max() + 1)[names]
            sides = feeling + meaning + generator.normal(0, texts, names.shape)
            sides[1, planted] += bias
            found.append(family_effects(score_pairs(pairs, *map(predictions, sides))))
        shown = [table["verdict"].isin(EFFECTS[:3]) for table in found]
        rows[model] = {
            "models": times,
            "flip_rate": np.mean([table["flip_rate"].mean() for table in found]),
            "any_shift_shown": np.mean([kinds.any() for kinds in shown]),
            "any_large_shift": np.mean([table["verdict"].eq(EFFECTS[0]).any() for table in found]),
            "any_more_flips": np.mean([(table["more_low"] > 0).any() for table in found]),
            "planted_shown": np.mean([kinds[FAMILY] for kinds in shown]),
            "planted_told": np.mean([table.loc[FAMILY, "verdict"] != EFFECTS[5] for table in found]),
        }
        print(pd.DataFrame(rows).round(3).to_string(), flush=True)
    pd.DataFrame(rows).T.rename_axis("model").to_csv(RESULTS / "verdicts_pairs.csv", float_format="%.4f")


if __name__ == "__main__":
    main()
