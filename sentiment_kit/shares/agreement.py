"""Do people agree on the labels? What two annotators or more gave the same rows, and what that says of any model.

Every figure is a function of how often each pattern of labels occurs, so that `intervals.bootstrap` resamples the rows.
(scikit-learn has Cohen's kappa and the package krippendorff has alpha, for one table at a time; tests hold these to
their values.)
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from ..evaluation.intervals import RESAMPLES, Statistics, bootstrap, divide
from ..evaluation.scores import check_index, named_groups
from ..labels import LABELS

__all__ = ["agreement", "agreement_by", "disagreements"]


def agreement(labels: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """How far annotators agree.

    Parameters
    ----------
    labels : DataFrame
        One column an annotator, two at least, one row a tweet; missing where one gave no label. Labels may be any.
    resamples : int, default 10000
        Draws of the bootstrap, of rows.
    seed : int, default 0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        Indexed by name: `value`, its 95% interval `low` to `high`, `n`, the rows with two labels or more. NaN where it
        is not defined. Higher is better, 1 is best.

        - `agreement`: how often two annotators of a row give the same label
        - `cohen_kappa a b`: for each two, beyond chance by what each gives (Cohen 1960)
        - `fleiss_kappa`: beyond chance by what all give (Fleiss 1971), over the rows that all have labelled
        - `krippendorff_alpha`: the same with gaps, for few rows (Krippendorff 2019), nominal
        - `agreement LABEL`: given that one said so, how often another does (specific agreement)
        - `ceiling`: the accuracy that a model which is always right would be seen to have against one annotator, if all
          are wrong equally often, apart from each other, and on each other label alike (NaN below chance). A model
          that does as well as a person has `agreement`; one above `ceiling` has learned an annotator's habits, or was
          lucky.

    Raises
    ------
    ValueError
        Fewer than two annotators.
    """
    if labels.shape[1] < 2:
        raise ValueError(f"expected two annotators or more, got {labels.shape[1]}")
    both = labels[labels.notna().sum(axis=1) >= 2].astype(object)
    names = sorted(pd.Series(both.to_numpy().ravel()).dropna().unique(), key=lambda name: [*LABELS, name].index(name))
    patterns = both.fillna("").value_counts()
    given = np.array(patterns.index.tolist(), dtype=object).reshape(len(patterns), labels.shape[1])
    is_label = np.stack([given == name for name in names], axis=-1).astype(float)  # (patterns, annotators, labels)
    statistics = _statistics(is_label, list(map(str, labels.columns)), names)
    found = bootstrap(patterns.to_numpy(), statistics, resamples=resamples, seed=seed)
    return found.rename_axis("score").assign(n=len(both))


def agreement_by(labels: pd.DataFrame, groups: pd.Series, **bootstrap: int) -> pd.DataFrame:
    """`agreement` in each group, `group` as first level of the index; options as there."""
    check_index(labels, groups, "labels and groups")
    tables = {name: agreement(part, **bootstrap) for name, part in labels.groupby(named_groups(groups), observed=True)}
    return pd.concat(tables, names=["group"])


def disagreements(labels: pd.DataFrame) -> pd.DataFrame:
    """The rows that were given different labels, those with most apart first, in a table of the same columns."""
    different = labels.nunique(axis=1)
    return labels[different > 1].loc[different[different > 1].sort_values(ascending=False, kind="stable").index]


def _statistics(is_label: np.ndarray, annotators: list[str], names: list[str]) -> Statistics:
    times = is_label.sum(axis=1)  # (patterns, labels)
    raters = times.sum(axis=1)
    same = times * (times - 1) / (raters - 1)[:, None]  # how many of the labels another of the row equals
    by_all = (raters == len(annotators))[:, None]

    def statistics(counts: np.ndarray) -> dict[str, np.ndarray]:
        given, equal = counts @ times, counts @ same  # (..., labels)
        n = given.sum(axis=-1)
        raw = divide(counts @ ((raters - 1) * same.sum(axis=1)), counts @ (raters * (raters - 1)))
        found = {"agreement": raw}
        for a, b in combinations(range(len(annotators)), 2):
            table = np.einsum("...p,pk,pl->...kl", counts, is_label[:, a], is_label[:, b])
            pairs = table.sum(axis=(-2, -1))
            chance = divide((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), pairs**2)
            agreed = divide(table.trace(0, -2, -1), pairs)
            found[f"cohen_kappa {annotators[a]} {annotators[b]}"] = _beyond(agreed, chance)
        whole, whole_equal = counts @ (times * by_all), (counts @ (same * by_all)).sum(axis=-1)
        total = whole.sum(axis=-1)
        found["fleiss_kappa"] = _beyond(divide(whole_equal, total), divide((whole**2).sum(axis=-1), total**2))
        chance = divide((given * (given - 1)).sum(axis=-1), n * (n - 1))
        found["krippendorff_alpha"] = _beyond(divide(equal.sum(axis=-1), n), chance)
        found |= {f"agreement {name}": divide(equal[..., at], given[..., at]) for at, name in enumerate(names)}
        k = len(LABELS)
        with np.errstate(invalid="ignore"):
            found["ceiling"] = (1 + np.sqrt(1 - k * (1 - (k - 1) * raw))) / k
        return found

    return statistics


def _beyond(agreed: np.ndarray, chance: np.ndarray) -> np.ndarray:
    return divide(agreed - chance, 1 - chance)
