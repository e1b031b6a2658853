import numpy as np
import pandas as pd
import pytest

from sentiment_kit.analysis.lexicon import football_cues
from sentiment_kit.analysis.probes import load_pairs
from sentiment_kit.analysis.slices import scores_by_slice, worst_errors
from sentiment_kit.data import load_demo
from sentiment_kit.evaluation.intervals import minimum_detectable_difference
from sentiment_kit.evaluation.scores import scores_by_class
from sentiment_kit.labels import LABELS, label_dtype

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
    """100 data sets without any gap: p-values below .05 in about 5%, intervals that leave out 0 in hardly more."""
    tables = [
        scores_by_slice(gold, predicted, pd.DataFrame({"x": inside}), score="macro_f1", resamples=400, seed=seed)
        for seed in range(100)
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
    assert table.loc["x", ["value", "low", "high", "n"]].tolist() == alone[["value", "low", "high", "n"]].tolist()
    n, n_outside = ((gold[rows] == NEU).sum() for rows in (inside, ~inside))
    assert table.loc["x", ["n", "n_outside"]].tolist() == [n, n_outside]
    detectable = minimum_detectable_difference(int(n), int(n_outside), share=table.loc["x", "value_outside"])
    assert table.loc["x", "detectable"] == detectable
    order = np.random.default_rng(0).permutation(400)
    shuffled = scores_by_slice(gold.iloc[order], predicted.iloc[order], slices.iloc[order], score="recall_neutral")
    pd.testing.assert_frame_equal(table, shuffled)


def test_recall_and_precision_are_shuffled_among_their_own_rows():
    # In the slice 1 of 2 negative tweets is found, outside 1 of 1; positive ones are nearly all outside, and beside the
    # point. Of 3 ways to put one of the three outside, 2 leave out a right one (a gap of 1/2), 1 the wrong one (of 1).
    gold = series(NEG, NEG, NEG, *[POS] * 7)
    predicted = series(NEG, NEU, NEG, *[POS] * 7)
    slices = pd.DataFrame({"x": [True, True, False, True] + [False] * 6})
    assert scores_by_slice(gold, predicted, slices, score="recall_negative")["p_value"].item() == 1
    # The same the other way round: gold and predicted labels change places.
    assert scores_by_slice(predicted, gold, slices, score="precision_negative")["p_value"].item() == 1
    wrong = pd.DataFrame({"x": [False, True, False, True] + [False] * 6})
    p_value = scores_by_slice(gold, predicted, wrong, score="recall_negative")["p_value"].item()
    assert p_value == pytest.approx(1 / 3, abs=0.02)


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


def test_a_stub_that_loves_clubs_is_found():
    """Right four times in five, but positive wherever a club is named: the slice of clubs and that of football show."""
    pairs = load_pairs()
    pairs = pairs[pairs["family"].isin(["club_to_other", "rival_clubs", "word_sense"])]
    texts = pd.concat([pairs["text_a"], pairs["text_b"]], ignore_index=True)
    gold = pd.concat([pairs["tone"], pairs["tone"]], ignore_index=True).astype(label_dtype)
    club = pd.Series((pairs["family"] != "word_sense").tolist() + (pairs["family"] == "rival_clubs").tolist())
    wrong = gold.map({NEG: NEU, NEU: POS, POS: NEG}).astype(label_dtype)
    right = np.random.default_rng(4).random(len(gold)) < 0.8
    fair = gold.where(right, wrong)
    slices = pd.DataFrame({"club": club, "football": football_cues(texts)["football"]})
    table = scores_by_slice(gold, fair.mask(club, POS), slices)
    assert (table["q_value"] < 0.01).all()
    assert (table["gap_high"] < 0).all()
    assert (scores_by_slice(gold, fair, slices)["q_value"] > 0.05).all()
    found = scores_by_slice(gold, fair.mask(club, POS), slices, score="recall_positive")
    assert found.loc["club", "value"] == 1
    assert found.loc["club", "gap_low"] > 0


# The errors


def answers(*rows):
    """(text, label or None, probability of it); the rest goes to the other two in equal parts."""
    table = pd.DataFrame(rows, columns=["text", "label", "confidence"])
    for name in LABELS:
        other = (1 - table["confidence"]) / 2
        table[name] = table["confidence"].where(table["label"] == name, other).where(table["label"].notna())
    return table.assign(label=table["label"].astype(label_dtype))


ANSWERS = answers(
    ("che gol", POS, 0.6),
    ("RT @a: il rigore non c'era, ladri", POS, 0.96),
    ("il rigore non c'era, ladri http://t.co/a", POS, 0.95),
    ("piove", NEU, 0.8),
    ("bravi tutti", POS, 0.7),
    (None, None, np.nan),
    ("il rigore non c'era, ladri", POS, 0.97),
)
TRUTH = series(NEG, NEG, NEG, POS, POS, NEU, POS)


def test_errors_by_hand():
    found = worst_errors(TRUTH, ANSWERS, pd.DataFrame({"football": [1, 1, 1, 0, 0, 0, 1], "gol": [1] + [0] * 6}) == 1)
    # Gold labels have .2, .02, .025 and .1; the two tweets about the penalty are one error, the worse of them stays.
    assert found.worst.index.tolist() == [1, 3, 0, 5]
    np.testing.assert_allclose(found.worst["loss"], -np.log([0.02, 0.1, 0.2, np.nan]))
    assert found.worst["copies"].tolist() == [2, 1, 1, 1]
    assert found.worst["slices"].tolist() == ["football", "", "football, gol", ""]
    assert found.worst["suspected"].tolist() == [True, False, False, False]
    # The third copy of the tweet about the penalty has the label that the model gives.
    assert found.suspected.index.tolist() == [1]
    assert found.suspected["contradicted"].tolist() == [1]
    assert "group" not in [*found.worst, *found.suspected]


def test_errors_in_any_order():
    shuffled = [3, 6, 1, 0, 5, 2, 4]
    found = worst_errors(TRUTH, ANSWERS)
    again = worst_errors(TRUTH.iloc[shuffled], ANSWERS.iloc[shuffled])
    pd.testing.assert_frame_equal(found.worst, again.worst)
    pd.testing.assert_frame_equal(found.suspected, again.suspected)


def test_planted_label_errors_are_suspected():
    tweets = load_demo("test")
    generator = np.random.default_rng(5)
    sure = generator.uniform(0.9, 0.99, len(tweets))
    predicted = answers(*zip(tweets["text"], tweets["label"].astype(str), sure, strict=True))
    swapped = generator.permutation(len(tweets))[:20]
    gold = tweets["label"].copy()
    gold.iloc[swapped] = gold.iloc[swapped].map({NEG: POS, NEU: NEG, POS: NEU}).astype(label_dtype)
    assert sorted(worst_errors(gold, predicted).suspected.index) == sorted(swapped)


def test_no_errors_and_mistakes():
    found = worst_errors(ANSWERS["label"], ANSWERS)
    assert len(found.worst) == len(found.suspected) == 0
    with pytest.raises(ValueError, match="predictions and slices must have the same index"):
        worst_errors(TRUTH, ANSWERS, pd.DataFrame({"a": [True]}))
    with pytest.raises(ValueError, match="probabilities are needed"):
        worst_errors(TRUTH, ANSWERS[["text", "label", "confidence"]])
