import numpy as np
import pandas as pd
import pytest

from sentiment_kit.evaluation import scores_by_class
from sentiment_kit.intervals import minimum_detectable_difference
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.slices import scores_by_slice

NEG, NEU, POS = LABELS


def series(*labels):
    return pd.Series(labels, dtype=label_dtype)


GOLD = series(NEG, NEG, NEU, POS, POS, None)
PREDICTED = series(NEG, NEU, NEU, POS, NEG, POS)


def test_by_hand():
    slices = pd.DataFrame({"a": [True, True, False, False, True, True], "b": [False, False, True, True, None, False]})
    table = scores_by_slice(GOLD, PREDICTED, slices)
    # Right are rows 0, 2, 3; slice a has rows 0, 1, 4, slice b rows 2, 3; the last row has no label.
    assert table["n"].tolist() == [3, 2]
    assert table["n_outside"].tolist() == [2, 3]
    np.testing.assert_allclose(table["value"], [1 / 3, 1])
    np.testing.assert_allclose(table["value_outside"], [1, 1 / 3])
    np.testing.assert_allclose(table["gap"], [-2 / 3, 2 / 3])
    # Of the 10 ways to choose 2 of the 5 rows 3 have two right ones, a gap of 2/3, and 1 has two wrong ones, a gap
    # of 1: 4 of 10 are as large. Both slices ask the same, so correction changes nothing.
    np.testing.assert_allclose(table["p_value"], 0.4, atol=0.02)
    np.testing.assert_allclose(table["q_value"], table["p_value"].max())
    assert not table["enough"].any()


def drawn(n, seed, right, right_inside=None):
    generator = np.random.default_rng(seed)
    gold = pd.Series(generator.choice(LABELS, n), dtype=label_dtype)
    inside = pd.Series(generator.random(n) < 0.3)
    chance = np.where(inside, right if right_inside is None else right_inside, right)
    wrong = gold.map({NEG: POS, NEU: NEG, POS: NEU}).astype(label_dtype)
    return gold, gold.where(generator.random(n) < chance, wrong), inside


def test_a_planted_gap_is_found():
    gold, predicted, inside = drawn(1000, 0, 0.8, right_inside=0.6)
    noise = pd.Series(np.random.default_rng(9).random(1000) < 0.5)
    table = scores_by_slice(gold, predicted, pd.DataFrame({"inside": inside, "outside": ~inside, "noise": noise}))
    assert table.loc["inside", "q_value"] < 0.01
    assert table.loc["inside", "gap_high"] < 0
    assert table.loc["outside", "gap"] == pytest.approx(-table.loc["inside", "gap"])
    assert table.loc["noise", "p_value"] > 0.05
    assert table["enough"].tolist() == [True, True, True]


def test_a_fair_model_is_seldom_accused():
    """200 data sets without any gap: p-values below .05 in about 5%, intervals that leave out 0 in hardly more."""
    tables = [
        scores_by_slice(gold, predicted, pd.DataFrame({"x": inside}), score="macro_f1", resamples=400, seed=seed)
        for seed in range(200)
        for gold, predicted, inside in [drawn(300, seed, 0.7)]
    ]
    found = pd.concat(tables)
    error = (0.05 * 0.95 / len(found)) ** 0.5
    assert (found["p_value"] < 0.05).mean() <= 0.05 + 2 * error
    assert ((found["gap_low"] > 0) | (found["gap_high"] < 0)).mean() <= 0.05 + 3 * error


def test_any_score_and_any_order():
    gold, predicted, inside = drawn(400, 3, 0.7)
    slices = pd.DataFrame({"x": inside})
    table = scores_by_slice(gold, predicted, slices, score="recall_neutral")
    alone = scores_by_class(gold[inside], predicted[inside]).loc[(NEU, "recall")]
    assert table.loc["x", ["value", "low", "high"]].tolist() == alone[["value", "low", "high"]].tolist()
    outside = table.loc["x", "value_outside"]
    assert table.loc["x", "detectable"] == minimum_detectable_difference(
        int(inside.sum()), int((~inside).sum()), share=outside
    )
    order = np.random.default_rng(0).permutation(400)
    shuffled = scores_by_slice(gold.iloc[order], predicted.iloc[order], slices.iloc[order], score="recall_neutral")
    pd.testing.assert_frame_equal(table, shuffled)


def test_an_empty_slice_is_nan():
    table = scores_by_slice(GOLD, PREDICTED, pd.DataFrame({"none": [False] * 6, "all": [True] * 6}))
    assert table["n"].tolist() == [0, 5]
    assert table[["gap", "p_value", "q_value", "detectable"]].isna().all(axis=None)
    assert table.loc["all", "value"] == 3 / 5
    assert not table["enough"].any()


def test_mistakes_are_named():
    slices = pd.DataFrame({"a": [True] * 6})
    with pytest.raises(ValueError, match="score must be one of accuracy"):
        scores_by_slice(GOLD, PREDICTED, slices, score="f2")
    with pytest.raises(ValueError, match="gold labels and slices must have the same index"):
        scores_by_slice(GOLD, PREDICTED, slices.iloc[:3])
    with pytest.raises(ValueError, match="slice 'a' must hold true and false, but has 'yes'"):
        scores_by_slice(GOLD, PREDICTED, pd.DataFrame({"a": ["yes"] * 6}))
