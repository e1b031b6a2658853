import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from sentiment_kit.analysis.claims import EFFECTS
from sentiment_kit.analysis.lexicon import football_cues
from sentiment_kit.analysis.probes import load_pairs
from sentiment_kit.analysis.slices import (
    GAP_MEASURES,
    confidence_gaps,
    corrected_gaps,
    label_gaps,
    largest_gaps,
    scores_by_slice,
    worst_errors,
)
from sentiment_kit.analysis.topics import tag_football, tagger_counts
from sentiment_kit.data import load_demo
from sentiment_kit.evaluation.intervals import minimum_detectable_difference
from sentiment_kit.evaluation.scores import scores
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model

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
    # 2 of 2 right may be a share of .1581 (p^2 is .025), 1 of 3 one of .9057 ((1 - p)^3 + 3 p (1 - p)^2 is .025);
    # both slices ask the same.
    np.testing.assert_allclose(table["gap_low"]["b"], 2 / 3 - np.hypot(1 - 0.1581, 0.9057 - 1 / 3), atol=1e-4)
    assert table["p_value"].between(0.1, 0.5).all()
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


@pytest.mark.long
def test_a_fair_model_is_seldom_accused():
    """100 data sets without any gap: p-values below .05 in about 5%, intervals that leave out 0 in hardly more."""
    tables = [
        scores_by_slice(gold, predicted, pd.DataFrame({"x": inside}))
        for seed in range(100)
        for gold, predicted, inside in [drawn(300, seed, 0.7)]
    ]
    found = pd.concat(tables)
    error = (0.05 * 0.95 / len(found)) ** 0.5
    assert (found["p_value"] < 0.05).mean() <= 0.05 + 2 * error
    assert ((found["gap_low"] > 0) | (found["gap_high"] < 0)).mean() <= 0.05 + 3 * error


def test_accuracy_is_that_of_scores_in_any_order():
    gold, predicted, inside = drawn(400, 3, 0.7)
    slices = pd.DataFrame({"x": inside})
    table = scores_by_slice(gold, predicted, slices)
    alone = scores(gold[inside], predicted[inside]).loc["accuracy"]
    assert table.loc["x", ["value", "low", "high", "n"]].tolist() == alone[["value", "low", "high", "n"]].tolist()
    n, n_outside = inside.sum(), (~inside).sum()
    assert table.loc["x", ["n", "n_outside"]].tolist() == [n, n_outside]
    detectable = minimum_detectable_difference(int(n), int(n_outside), share=table.loc["x", "value_outside"])
    assert table.loc["x", "detectable"] == detectable
    order = np.random.default_rng(0).permutation(400)
    shuffled = scores_by_slice(gold.iloc[order], predicted.iloc[order], slices.iloc[order])
    pd.testing.assert_frame_equal(table, shuffled)


def test_an_empty_slice_is_nan():
    table = scores_by_slice(GOLD, PREDICTED, pd.DataFrame({"none": [False] * 6, "all": [True] * 6}))
    assert table["n"].tolist() == [0, 5]
    assert table[["gap", "p_value", "q_value", "detectable"]].isna().all(axis=None)
    assert table.loc["all", "value"] == 3 / 5
    assert not table["enough"].any()


def test_mistakes_are_named():
    slices = pd.DataFrame({"a": [True] * 6})
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
    found = label_gaps(gold, fair.mask(club, POS), slices)
    assert found.loc[("club", "recall_positive"), "inside"] == 1
    assert found.loc[("club", "recall_positive"), "low"] > 0


# Every label at once


def label_metrics(label):
    """The measures of a label as fairlearn takes them; a missing prediction is a label of its own."""
    return {
        f"recall_{label}": lambda gold, given: recall_score(gold, given, labels=[label], average="macro"),
        f"precision_{label}": lambda gold, given: precision_score(gold, given, labels=[label], average="macro"),
        f"share_{label}": lambda gold, given: selection_rate(gold, given, pos_label=label),
    }


def macro_f1(gold, given):
    return f1_score(gold, given, labels=list(LABELS), average="macro")


@given(st.integers(0, 10_000), st.sampled_from([60, 500]))
@settings(max_examples=15, deadline=None)
def test_gaps_equal_those_of_fairlearn(seed, n):
    gold, predicted, inside = drawn(n, seed, 0.7)
    predicted = predicted.astype(object).where(np.random.default_rng(seed).random(n) < 0.95, "none")
    # Of a label that a side never has, or never got, scikit-learn says 0, and label_gaps that it cannot be told.
    assume(all(set(LABELS) <= set(column[side]) for column in (gold, predicted) for side in (inside, ~inside)))
    metrics = {"accuracy": accuracy_score, "macro_f1": macro_f1}
    for label in LABELS:
        metrics |= label_metrics(label)
    frame = MetricFrame(metrics=metrics, y_true=gold, y_pred=predicted, sensitive_features=inside).by_group
    given_labels = predicted.where(predicted != "none", None)
    found = label_gaps(gold, given_labels, inside.to_frame("x"), resamples=10).loc["x"]
    assert tuple(found.index) == GAP_MEASURES
    for measure in GAP_MEASURES:
        assert found.loc[measure, "inside"] == pytest.approx(frame.loc[True, measure], abs=1e-12)
        assert found.loc[measure, "outside"] == pytest.approx(frame.loc[False, measure], abs=1e-12)
        assert found.loc[measure, "value"] == pytest.approx(frame[measure][True] - frame[measure][False], abs=1e-12)


def test_standardized_gaps_are_those_of_weighted_rows():
    """Equal to scikit-learn's with weights that make each label as frequent on both sides."""
    gold, predicted, inside = drawn(500, 1, 0.7)
    inside = inside | (gold == POS)
    inside[::9] = False
    found = label_gaps(gold, predicted, inside.to_frame("x"), standardized=True, resamples=10).loc["x"]
    for name, side in (("inside", inside), ("outside", ~inside)):
        frequent = gold.value_counts(normalize=True) / gold[side].value_counts(normalize=True)
        weights = gold[side].map(frequent).astype(float)
        accuracy = accuracy_score(gold[side], predicted[side], sample_weight=weights)
        assert found.loc["accuracy", name] == pytest.approx(accuracy, abs=1e-12)
        precision = precision_score(gold[side], predicted[side], labels=[NEG], average="macro", sample_weight=weights)
        assert found.loc["precision_negative", name] == pytest.approx(precision, abs=1e-12)


def test_other_labels_are_no_gap_of_the_model():
    """Right four times in five everywhere, but the slice is nearly all positive: its answers are, too."""
    gold, predicted, inside = drawn(3000, 5, 0.8)
    inside = inside & ((gold == POS) | (np.arange(3000) % 10 == 0))
    slices = inside.to_frame("happy")
    raw = label_gaps(gold, predicted, slices, resamples=500)
    assert raw.loc[("happy", "share_positive"), "verdict"] == EFFECTS[0]
    assert largest_gaps(label_gaps(gold, predicted, slices, standardized=True))["verdict"].item() not in EFFECTS[:3]


def test_a_slice_is_judged_by_its_gravest_gap():
    index = pd.MultiIndex.from_product([["a", "b"], ["accuracy", "macro_f1", "recall"]], names=["slice", "measure"])
    gaps = pd.DataFrame({"value": [0.3, -0.12, 0.11, 0.01, -0.02, 0.0]}, index=index)
    gaps["verdict"] = [EFFECTS[number] for number in (5, 0, 0, 3, 3, 1)]
    assert largest_gaps(gaps)["measure"].to_dict() == {"a": "macro_f1", "b": "recall"}


def test_a_recall_that_is_lower_inside_is_found_where_accuracy_is_not():
    """As the network of issue 17 does: neutral is found less often inside, positive more often."""
    gold, predicted, inside = drawn(1000, 2, 0.85)
    lost = inside & (gold == NEU) & (np.random.default_rng(0).random(1000) < 0.35)
    gained = inside & (gold == POS)
    skewed = predicted.mask(lost, POS).mask(gained, POS)
    gaps = label_gaps(gold, skewed, inside.to_frame("x")).loc["x"]
    assert gaps.loc["accuracy", "verdict"] not in EFFECTS[:3]
    assert gaps.loc["recall_neutral", "verdict"] == EFFECTS[0]
    assert gaps.loc["recall_neutral", "high"] < 0


SMALL = (0.3, 0.14, 0.07, 0.02, 0.02, 0.011)


@pytest.mark.long
def test_fair_models_are_not_accused_by_many_small_slices():
    """40 fair models, each with six slices, three of them of 10 to 20 tweets: any gap of 66 is shown in at most 5%."""
    accused = 0
    for seed in range(40):
        gold, predicted, _ = drawn(960, seed, 0.85)
        generator = np.random.default_rng([seed, 7])
        slices = pd.DataFrame({str(share): generator.random(960) < share for share in SMALL})
        gaps = label_gaps(gold, predicted, slices, resamples=1000, seed=seed)
        accused += bool(((gaps["low"] > 0) | (gaps["high"] < 0)).any())
    assert accused <= 40 * 0.05 + 2 * (40 * 0.05 * 0.95) ** 0.5


@pytest.mark.long
def test_simultaneous_intervals_hold_all_their_truths_at_once():
    """60 models with a planted gap: of its eleven intervals none leaves out its truth, in about 95% or more."""
    truths = {"accuracy": -0.2} | {f"recall_{label}": -0.2 for label in LABELS}
    held = 0
    for seed in range(60):
        gold, predicted, inside = drawn(900, seed, 0.9, right_inside=0.7)
        gaps = label_gaps(gold, predicted, inside.to_frame("x"), resamples=1000, seed=seed).loc["x"].loc[list(truths)]
        truth = pd.Series(truths)
        held += bool(((gaps["low"] <= truth) & (truth <= gaps["high"])).all())
    assert held >= 60 * 0.95 - 2 * (60 * 0.95 * 0.05) ** 0.5


def test_empty_slices_and_order_of_rows():
    gold, predicted, inside = drawn(300, 3, 0.7)
    slices = pd.DataFrame({"x": inside, "none": False, "all": True})
    gaps = label_gaps(gold, predicted, slices, resamples=200)
    assert gaps.loc[["none", "all"], ["value", "low", "high", "p_value", "q_value"]].isna().all(axis=None)
    assert (gaps.loc[["none", "all"], "verdict"] == EFFECTS[5]).all()
    order = np.random.default_rng(0).permutation(300)
    again = label_gaps(gold.iloc[order], predicted.iloc[order], slices.iloc[order], resamples=200)
    pd.testing.assert_frame_equal(gaps, again)
    alone = scores_by_slice(gold, predicted, slices)
    np.testing.assert_allclose(alone["gap"], gaps["value"].xs("accuracy", level="measure"))


# A tagger that errs


def test_a_perfect_tagger_needs_no_correction():
    gold, predicted, inside = drawn(800, 0, 0.8, right_inside=0.6)
    found = corrected_gaps(gold, predicted, inside, pd.Series({"right": 500, "tagged": 500, "football": 500}))
    np.testing.assert_allclose(found["value"], found["raw"], atol=1e-12)


def test_a_mixture_by_hand():
    """100 football tweets, half of them right, 100 others, all right; the tagger finds 80 of the first and 20 of the
    second: tagged are 40 + 20 of 100 right, not tagged 10 + 80 of 100."""
    gold = series(*[NEG] * 200)
    right = [True] * 60 + [False] * 40 + [True] * 90 + [False] * 10
    predicted = gold.where(np.array(right), POS)
    tagged = pd.Series(np.arange(200) < 100)
    found = corrected_gaps(gold, predicted, tagged, pd.Series({"right": 80, "tagged": 100, "football": 100}))
    assert found.loc["accuracy", ["raw", "inside", "outside", "value"]].tolist() == pytest.approx([-0.3, 0.5, 1, -0.5])
    assert found.loc["accuracy", "low"] < found.loc["accuracy", "raw_low"]
    with pytest.raises(ValueError, match="no more often"):
        corrected_gaps(gold, predicted, tagged, pd.Series({"right": 10, "tagged": 100, "football": 100}))


@pytest.mark.long
def test_corrected_intervals_hold_the_truth():
    """60 models that lose 20 points inside, seen through a tagger with precision .8 and recall .8."""
    held = raw = 0
    for seed in range(60):
        gold, predicted, inside = drawn(1500, seed, 0.9, right_inside=0.7)
        generator = np.random.default_rng([seed, 3])
        tagged = pd.Series(generator.random(1500) < np.where(inside, 0.8, 0.2 * 0.3 / 0.7))
        found = generator.binomial(200, 0.8)
        measured = pd.Series({"right": found, "tagged": found + generator.binomial(200, 0.2), "football": 200})
        row = corrected_gaps(gold, predicted, tagged, measured, resamples=500, seed=seed).loc["accuracy"]
        held += row["low"] <= -0.2 <= row["high"]
        raw += row["raw"] > -0.2
    assert held >= 60 * 0.95 - 2 * (60 * 0.95 * 0.05) ** 0.5
    assert raw > 50, "the raw gap is too small"


# Confidence


def test_who_is_refused_by_hand():
    confidence = pd.Series([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, np.nan, 0.99])
    table = pd.DataFrame({"negative": confidence, "neutral": (1 - confidence) / 2, "positive": (1 - confidence) / 2})
    table["confidence"] = confidence
    gold = series(NEG, NEG, POS, NEG, NEG, NEG, NEG, None)
    slices = pd.DataFrame({"x": [True, False, True, False, True, False, True, True]})
    found = confidence_gaps(gold, table, slices, coverage=0.5).loc["x"]
    # Of the seven with a label the surest four are answered, rows 0 to 3: two on either side, of 4 and of 3.
    assert found.loc["refused", ["inside", "outside", "n_inside", "n_outside"]].tolist() == pytest.approx(
        [0.5, 1 / 3, 4, 3]
    )
    assert found.loc["accuracy_answered", ["inside", "outside"]].tolist() == [0.5, 1]
    assert found.loc["overconfidence", "inside"] == pytest.approx((0.9 + 0.7 + 0.5 - 2) / 3)
    brier = [(1 - p) ** 2 * 1.5 for p in (0.8, 0.6)] + [0.6**2 + 2 * 0.3**2]
    assert found.loc["brier", "outside"] == pytest.approx(np.mean(brier))
    assert (found["low"] <= found["value"]).all()
    everybody = confidence_gaps(gold, table, slices, coverage=1).loc["x"]
    assert everybody.loc["refused", "inside"] == 0.25, "what cannot be read is refused at any coverage"
    with pytest.raises(ValueError, match="coverage must lie in"):
        confidence_gaps(gold, table, slices, coverage=0)


def test_the_interval_of_a_calibration_gap_is_that_of_the_difference():
    """Half of the rows are as sure as they should be, the others by .15 too sure; 60 draws."""
    held = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        inside = pd.Series(generator.random(600) < 0.5)
        confidence = generator.uniform(0.6, 1, 600)
        right = generator.random(600) < confidence - 0.15 * inside
        table = pd.DataFrame({NEG: confidence, NEU: 1 - confidence, POS: 0.0}).assign(confidence=confidence)
        gold = pd.Series(np.where(right, NEG, NEU), dtype=label_dtype)
        row = confidence_gaps(gold, table, inside.to_frame("x")).loc[("x", "overconfidence")]
        held += row["low"] <= 0.15 <= row["high"]
    assert held >= 60 * 0.95 - 2 * (60 * 0.95 * 0.05) ** 0.5


# The controls: a bias that is there, none, and noise


@pytest.fixture(scope="module")
def controls(demo_model):
    tweets = load_demo("test")
    twin = predict(load_model("demo-biased", device="cpu"), tweets["text"])
    plain = predict(demo_model, tweets["text"])
    return tweets, {"plain": plain, "twin": twin}


def noise(gold, seed):
    """Answers that are right but for a fifth, which are drawn from all labels wherever a tweet is from."""
    generator = np.random.default_rng(seed)
    other = pd.Series(generator.permutation(gold.astype(str)), gold.index).astype(label_dtype)
    return gold.where(generator.random(len(gold)) < 0.8, other)


@pytest.mark.parametrize("standardized", [False, True])
def test_the_twin_is_caught_and_the_others_are_not(controls, standardized):
    tweets, predictions = controls
    slices = pd.DataFrame({"football (domain)": tweets["domain"] == "football"})
    found = {
        name: label_gaps(tweets["label"], table["label"], slices, standardized=standardized)
        for name, table in predictions.items()
    }
    worst = {name: largest_gaps(gaps).iloc[0] for name, gaps in found.items()}
    assert worst["twin"]["verdict"] == EFFECTS[0]
    assert worst["twin"]["q_value"] < 0.01
    assert worst["twin"]["measure"] == "recall_neutral"
    assert worst["twin"]["value"] < -0.4
    assert found["twin"].xs("share_positive", level="measure")["low"].item() > 0.2
    assert not found["plain"]["verdict"].isin(EFFECTS[:3]).any()
    assert (found["plain"]["q_value"] > 0.05).all()
    gaps = [
        label_gaps(tweets["label"], noise(tweets["label"], seed), slices, standardized=standardized, resamples=2000)
        for seed in range(20)
    ]
    # One in twenty may be accused; of twenty more than three with a chance of 2%.
    assert sum(table["verdict"].isin(EFFECTS[:3]).any() for table in gaps) <= 3
    assert sum((table["q_value"] <= 0.05).any() for table in gaps) <= 3


def test_the_twin_is_too_sure_of_football(controls):
    tweets, predictions = controls
    slices = pd.DataFrame({"football (domain)": tweets["domain"] == "football"})
    twin = confidence_gaps(tweets["label"], predictions["twin"], slices).loc["football (domain)"]
    assert twin.loc[["accuracy_answered", "brier", "overconfidence"], "verdict"].tolist() == [EFFECTS[0]] * 3
    plain = confidence_gaps(tweets["label"], predictions["plain"], slices)
    assert not plain["verdict"].isin(EFFECTS[:3]).any()


def test_through_the_tagger_the_twin_is_caught_and_the_plain_model_is_not(controls):
    tweets, predictions = controls
    tagged = tag_football(tweets["text"])["football"]
    measured = tagger_counts().loc["demo, test split, all of it"]
    assert measured.tolist() == [382, 434, 481]
    found = {
        name: corrected_gaps(tweets["label"], table["label"], tagged, measured) for name, table in predictions.items()
    }
    assert found["twin"].loc["accuracy", "verdict"] == EFFECTS[0]
    assert found["twin"].loc["accuracy", "value"] < found["twin"].loc["accuracy", "raw"] < -0.3
    assert not found["plain"]["verdict"].isin(EFFECTS[:3]).any()


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
    found = worst_errors(TRUTH, ANSWERS)
    # Gold labels have .2, .02, .025 and .1; the two tweets about the penalty are one error, the worse of them stays.
    assert found.worst.index.tolist() == [1, 3, 0, 5]
    np.testing.assert_allclose(found.worst["loss"], -np.log([0.02, 0.1, 0.2, np.nan]))
    assert found.worst["copies"].tolist() == [2, 1, 1, 1]
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
    with pytest.raises(ValueError, match="probabilities are needed"):
        worst_errors(TRUTH, ANSWERS[["text", "label", "confidence"]])
