"""Do the intervals of corrected shares hold the truth, and are they narrower than labelling alone would give?

Files of tweets are drawn whose labels have the mix of SENTIPOLC's test set, or another, and whose answers are the demo
model's on real texts with that label: its confusions, under a shift of the shares. From each file samples are drawn,
"labelled" by what is known, and corrected; the truth is the share in the file.

    python experiments/coverage_of_shares.py [--sentipolc training_set_sentipolc16.csv]

writes `results/coverage_of_shares.csv`: for each kind of file, number of groups and of labels, how often the 95%
interval held the truth, over all groups and labels and in the worst of them, and how wide it was on average, beside
labelling alone and beside the interval that is usually printed, of the counted share.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sentiment_kit.data import load_demo, load_sentipolc
from sentiment_kit.evaluation.intervals import wilson_interval
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import load_model
from sentiment_kit.shares.quantification import adjusted_count, prediction_powered

RESULTS = Path(__file__).parent / "results" / "coverage_of_shares.csv"
SENTIPOLC_MIX = np.array([0.374, 0.465, 0.161])
"""Of the official test set's 1,964 tweets with one label."""
SIZES = (50, 100, 200, 500)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentipolc", type=Path, help="SENTIPOLC's training file; without it only the demo's tweets.")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    model = load_model("demo")
    tweets = {"demo": load_demo("test")}
    if arguments.sentipolc is not None:
        tweets["SENTIPOLC"] = load_sentipolc(arguments.sentipolc)
    rows = []
    for name, table in tweets.items():
        answers = predict(model, table["text"]).assign(gold=table["label"]).dropna()
        pool = [answers.loc[answers["gold"] == label, list(LABELS)].to_numpy() for label in LABELS]
        rows += simulate(name, pool, samples=arguments.samples, seed=arguments.seed)
    pd.DataFrame(rows).round(4).to_csv(RESULTS, index=False)


def simulate(name: str, pool: list[np.ndarray], *, samples: int, seed: int) -> list[dict[str, object]]:
    """Rows of the table for one set of tweets: (n, 3) probabilities by true label."""
    drawn = np.random.default_rng(seed)
    mixes = {
        "as SENTIPOLC": [SENTIPOLC_MIX],
        "4% positive": [np.array([0.30, 0.66, 0.04])],
        "3 groups": list(drawn.dirichlet(8 * SENTIPOLC_MIX, 3)),
        "10 groups": list(drawn.dirichlet(8 * SENTIPOLC_MIX, 10)),
    }
    rows = []
    for mix, of_groups in mixes.items():
        for stratified in (False, True) if len(of_groups) > 1 else (False,):
            counts = np.full(len(of_groups), 2000 if len(of_groups) > 1 else 6000)
            if stratified:  # as many labels from small groups as from large ones
                counts = np.geomspace(400, 6000, len(of_groups)).astype(int)
            gold = np.concatenate([drawn.choice(3, n, p=p) for n, p in zip(counts, of_groups, strict=True)])
            says = np.stack([pool[label][drawn.integers(len(pool[label]))] for label in gold])
            group = np.repeat(np.arange(len(counts)), counts)
            for n in SIZES:
                found = cover(gold, says, group, n, stratified=stratified, samples=samples, drawn=drawn)
                design = "stratified" if stratified else "simple"
                rows += [{"tweets": name, "file": mix, "sample": design, "labels": n, **row} for row in found]
    return rows


def cover(
    gold: np.ndarray,
    says: np.ndarray,
    group: np.ndarray,
    n: int,
    *,
    stratified: bool,
    samples: int,
    drawn: np.random.Generator,
) -> list[dict[str, object]]:
    """Coverage and width of each method, by group and, where the sample is stratified, also of all groups together."""
    sizes, truth = np.bincount(group), np.eye(3)[gold]
    scopes = {"each group": group, **({"all": np.zeros_like(group)} if stratified else {})}
    files = {scope: File(truth, says, at) for scope, at in scopes.items()}
    held: dict[tuple[str, str], list[np.ndarray]] = {}
    widths: dict[tuple[str, str], list[np.ndarray]] = {}
    for _ in range(samples):
        if stratified:
            each = n // len(sizes)
            rows = np.concatenate([drawn.choice(np.flatnonzero(group == at), each, False) for at in range(len(sizes))])
            weights = sizes[group[rows]] / each
        else:
            rows = drawn.choice(len(gold), n, replace=False)
            weights = np.ones(n)
        for scope, file in files.items():
            for method, (low, high) in file.intervals(rows, weights).items():
                inside = np.where(np.isnan(low), np.nan, (low <= file.right) & (file.right <= high))
                held.setdefault((scope, method), []).append(inside)
                widths.setdefault((scope, method), []).append(high - low)
    alone = {scope: np.nanmean(widths[scope, "labels alone"]) for scope in scopes}
    return [
        {
            "share_of": scope,
            "method": method,
            "coverage": np.nanmean(inside),
            "lowest_coverage": np.nanmean(inside, axis=0).min(),
            "width": np.nanmean(widths[scope, method]),
            "width_to_labels_alone": np.nanmean(widths[scope, method]) / alone[scope],
            "samples": samples,
        }
        for (scope, method), inside in held.items()
    ]


class File:
    """A file of tweets whose labels are known, and what is said of samples of it."""

    def __init__(self, truth: np.ndarray, says: np.ndarray, at: np.ndarray) -> None:
        self.truth, self.says, self.at, self.sizes = truth, says, at, np.bincount(at)
        self.right, self.means = _means(truth, at), _means(says, at)
        self.answers = np.eye(3)[says.argmax(axis=1)]
        counted = _means(self.answers, at)
        self.counted = wilson_interval(counted, np.broadcast_to(self.sizes[:, None], counted.shape))

    def intervals(self, rows: np.ndarray, weights: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Low and high (groups, 3) by method, of a sample of these rows."""
        sample = self.truth[rows], self.at[rows]

        def powered(says: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return prediction_powered(sample[0], says, sample[1], self.sizes, means, weights)[1:3]

        found = {
            "counted": self.counted,
            "labels alone": powered(np.zeros((len(rows), 3)), np.zeros_like(self.means)),
            "corrected": powered(self.says[rows], self.means),
        }
        if len(self.sizes) == 1 and np.ptp(weights) == 0:
            counts = self.answers.sum(axis=0)[None].astype(int)
            found["adjusted count"] = adjusted_count(counts, sample[0].T @ self.answers[rows], resamples=400)[1:3]
        return found


def _means(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(at, column) for column in values.T], axis=1) / np.bincount(at)[:, None]


if __name__ == "__main__":
    main()
