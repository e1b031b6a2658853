import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from sentiment_kit.evaluation.calibration import (
    apply_temperature,
    calibration_scores,
    fit_temperature,
    reliability_table,
    risk_coverage,
)
from sentiment_kit.labels import LABELS, label_dtype

NOTHING = [np.nan] * 3


def series(*labels, index=None):
    return pd.Series(labels, index=index, dtype=label_dtype)


def table(*rows, index=None):
    """A prediction table from probabilities of negative, neutral, positive."""
    probabilities = np.array(rows, dtype=float).reshape(-1, 3)
    made = pd.DataFrame(probabilities, columns=list(LABELS), index=index)
    best = [None if np.isnan(row).any() else LABELS[row.argmax()] for row in probabilities]
    made["label"] = pd.Categorical(best, dtype=label_dtype)
    made["confidence"] = probabilities.max(axis=1)
    return made


def sure(confidence):
    """Rows that are predicted negative with these confidences."""
    confidence = np.asarray(confidence, dtype=float)
    return table(*np.stack([confidence, (1 - confidence) / 2, (1 - confidence) / 2], axis=1))


def simulated(n, seed, temperature=1.0):
    """Gold labels drawn from probabilities, and a prediction table of these, sharpened or softened."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.5, size=(n, 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gold = [LABELS[generator.choice(3, p=row)] for row in probabilities]
    changed = np.exp(logits / temperature)
    return series(*gold), table(*(changed / changed.sum(axis=1, keepdims=True)))


# Five rows: predicted negative, neutral, negative, positive, negative; right, wrong, right, wrong, right.
PREDICTIONS = table([0.9, 0.1, 0], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25])
GOLD = series("negative", "positive", "negative", "neutral", "negative")


@st.composite
def labelled_rows(draw):
    """Gold labels and probabilities in twentieths, both missing now and then."""
    rows = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=25))
    cuts = np.sort(np.array(rows), axis=1) / 20
    probabilities = np.stack([cuts[:, 0], cuts[:, 1] - cuts[:, 0], 1 - cuts[:, 1]], axis=1).round(2)
    for row in draw(st.lists(st.integers(0, len(rows) - 1), max_size=3)):
        probabilities[row] = np.nan
    gold = draw(st.lists(st.sampled_from([*LABELS, None]), min_size=len(rows), max_size=len(rows)))
    return series(*gold), table(*probabilities)


def usable(gold, predictions):
    keep = (gold.notna() & predictions["label"].notna()).to_numpy()
    return gold[keep], predictions[keep]


# Reliability


def test_reliability_in_bins_of_equal_width_by_hand():
    found = reliability_table(GOLD, PREDICTIONS, bins=5)
    assert found.columns.tolist() == ["lower", "upper", "n", "confidence", "accuracy", "low", "high", "gap"]
    np.testing.assert_allclose(found["lower"], [0, 0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(found["upper"], [0.2, 0.4, 0.6, 0.8, 1])
    # (0.4, 0.6]: 0.5 right and 0.6 wrong; (0.6, 0.8]: 0.8 right and 0.8 wrong; (0.8, 1]: 0.9 right.
    assert found["n"].tolist() == [0, 0, 2, 2, 1]
    np.testing.assert_allclose(found["confidence"], [np.nan, np.nan, 0.55, 0.8, 0.9])
    np.testing.assert_allclose(found["accuracy"], [np.nan, np.nan, 0.5, 0.5, 1])
    np.testing.assert_allclose(found["gap"], [np.nan, np.nan, 0.05, 0.3, -0.1], atol=1e-12)
    # Wilson, z^2 = 3.841459: 1 of 2 is 0.5 +- 0.5 sqrt(z^2 / (2 + z^2)), 1 of 1 starts at 1 / (1 + z^2).
    np.testing.assert_allclose(found["low"], [np.nan, np.nan, 0.094531, 0.094531, 0.206549], atol=1e-6)
    np.testing.assert_allclose(found["high"], [np.nan, np.nan, 0.905469, 0.905469, 1], atol=1e-6)


def test_reliability_in_bins_of_equal_mass_by_hand():
    # Sorted: 0.5, 0.6, 0.8, 0.8, 0.9. The median is 0.8, and both 0.8 belong to its bin: (0.5 + 0.6 + 0.8 + 0.8) / 4 =
    # 0.675 beside 2 of 4 right, and 0.9 beside 1 of 1.
    found = reliability_table(GOLD, PREDICTIONS, bins=2, binning="mass")
    assert found[["lower", "upper", "n"]].to_numpy().tolist() == [[0, 0.8, 4], [0.8, 1, 1]]
    np.testing.assert_allclose(found["confidence"], [0.675, 0.9])
    np.testing.assert_allclose(found["accuracy"], [0.5, 1])
    np.testing.assert_allclose(found["gap"], [0.175, -0.1])


@pytest.mark.parametrize(("n", "bins"), [(50, 5), (100, 10), (103, 10), (35, 5), (57, 1), (1000, 7)])
def test_bins_of_equal_mass_have_nearly_equal_counts(n, bins):
    confidence = np.random.default_rng(n).permutation(np.linspace(0.4, 0.95, n))
    found = reliability_table(series(*["negative"] * n), sure(confidence), bins=bins, binning="mass")
    assert len(found) == bins
    assert found["n"].sum() == n
    assert found["n"].between(n / bins - 2, n / bins + 2).all()
    assert found["lower"].tolist()[1:] == found["upper"].tolist()[:-1]
    # All are right, so the gap is the mean confidence less 1, and the confidences of the bins join up.
    np.testing.assert_allclose(found["gap"], found["confidence"] - 1)
    assert found["confidence"].between(found["lower"], found["upper"]).all()
    assert (found["n"] * found["confidence"]).sum() == pytest.approx(confidence.sum())


@pytest.mark.parametrize(("n", "bins"), [(10, 10), (20, 10), (100, 10)])
def test_bins_of_equal_mass_differ_by_one_at_most(n, bins):
    found = reliability_table(series(*["negative"] * n), sure(np.linspace(0.4, 0.95, n)), bins=bins, binning="mass")
    assert found["n"].tolist() == [n // bins] * bins


@pytest.mark.parametrize("confidence", [[0.9] * 4, [0.8, 0.9]])
def test_bins_of_equal_mass_are_not_empty(confidence):
    gold = series(*["negative"] * len(confidence))
    assert (reliability_table(gold, sure(confidence), bins=3, binning="mass")["n"] > 0).all()


def test_ties_stay_in_one_bin():
    gold = series("negative", "neutral", "negative", "negative", "negative", "negative")
    found = reliability_table(gold, sure([0.7, 0.7, 0.7, 0.7, 0.9, 0.9]), bins=3, binning="mass")
    filled = found[found["n"] > 0]
    assert filled["n"].tolist() == [4, 2]
    np.testing.assert_allclose(filled["gap"], [0.7 - 3 / 4, 0.9 - 1])


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    found = reliability_table(series("negative", "neutral", "negative"), sure([0.5, 0.75, 1]), bins=4)
    assert found["n"].tolist() == [0, 1, 1, 1]


@settings(deadline=None, max_examples=40)
@given(labelled_rows(), st.integers(1, 12))
def test_reliability_as_in_scikit_learn(rows, bins):
    gold, predictions = usable(*rows)
    if len(gold) == 0:
        return
    found = reliability_table(*rows, bins=bins)
    right = (gold == predictions[list(LABELS)].idxmax(axis=1)).to_numpy()
    confidence = predictions["confidence"].to_numpy()
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins, strategy="uniform")
    filled = found[found["n"] > 0]
    np.testing.assert_allclose(filled["accuracy"], accuracy, atol=1e-12)
    np.testing.assert_allclose(filled["confidence"], mean, atol=1e-12)
    assert found["n"].sum() == len(gold)


@settings(deadline=None, max_examples=40)
@given(labelled_rows(), st.sampled_from(["width", "mass"]), st.randoms(use_true_random=False))
def test_reliability_depends_on_neither_order_nor_index(rows, binning, random):
    gold, predictions = rows
    if len(usable(gold, predictions)[0]) == 0:
        return
    order = random.sample(range(len(gold)), len(gold))
    index = pd.Index(["same"] * len(gold))
    found = reliability_table(gold, predictions, bins=4, binning=binning)
    shuffled = reliability_table(
        gold.iloc[order].set_axis(index), predictions.iloc[order].set_axis(index), bins=4, binning=binning
    )
    pd.testing.assert_frame_equal(found, shuffled)


# Scores in single numbers


def test_scores_by_hand():
    found = calibration_scores(GOLD, PREDICTIONS, bins=2, resamples=50)
    assert found.columns.tolist() == ["value", "low", "high", "n", "chance"]
    assert found["n"].tolist() == [5] * 10
    expected = {
        # Width (0, 0.5]: 0.5 beside 1 of 1; (0.5, 1]: (0.9 + 0.8 + 0.8 + 0.6) / 4 = 0.775 beside 2 of 4.
        "ece_width": (1 * 0.5 + 4 * 0.275) / 5,
        "mce_width": 0.5,
        # Mass, as above: 4 rows with gap 0.175, 1 with 0.1.
        "ece_mass": (4 * 0.175 + 1 * 0.1) / 5,
        "mce_mass": 0.175,
        # 0.01 + 0.01, then 0.01 + 0.64 + 0.81, 0.04 + 0.01 + 0.01, 0.04 + 0.64 + 0.36, 0.25 + 0.0625 + 0.0625.
        "brier": (0.02 + 1.46 + 0.06 + 1.04 + 0.375) / 5,
        # (sum of probabilities - how often it happened)^2 / rows, for negative up to 0.5 (0.1 + 0.2 + 0.5, 1 of 3) and
        # above (1.7, 2 of 2), neutral (0.1 + 0.1 + 0.2 + 0.25, 1 of 4; 0.8, 0 of 1), positive (0 + 0.1 + 0.1 + 0.25,
        # 1 of 4; 0.6, 0 of 1).
        "reliability": (0.04 / 3 + 0.09 / 2 + 0.1225 / 4 + 0.64 + 0.3025 / 4 + 0.36) / 5,
        # rows * (share of the bin - share of all)^2: negative 1/3, 1 and 3/5; neutral and positive 1/4, 0 and 1/5.
        "resolution": (3 * (4 / 15) ** 2 + 2 * 0.4**2 + 2 * (4 * 0.05**2 + 0.2**2)) / 5,
        "uncertainty": 0.6 * 0.4 + 2 * 0.2 * 0.8,
        "within_bins": 0.591 - 1.1645833333 / 5 + 0.6333333333 / 5 - 0.56,
        # The true labels have 0.9, 0.1, 0.8, 0.2, 0.5.
        "nll": -np.log(0.9 * 0.1 * 0.8 * 0.2 * 0.5) / 5,
    }
    assert found.index.tolist() == list(expected)
    np.testing.assert_allclose(found["value"], list(expected.values()), atol=1e-9)
    assert found["chance"].notna().tolist() == [True] * 4 + [False] * 6


def within_bins(gold, predictions, bins):
    """What Murphy's three terms leave out: in each bin, the spread of the probabilities, less twice their covariance
    with what happened (Stephenson, Coelho and Jolliffe 2008)."""
    total = 0.0
    for label in LABELS:
        rows = pd.DataFrame({"p": predictions[label], "o": (gold == label).astype(float)})
        rows["bin"] = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), rows["p"], side="left") - 1, 0, None)
        centred = rows[["p", "o"]] - rows.groupby("bin")[["p", "o"]].transform("mean")
        total += (centred["p"] ** 2 - 2 * centred["p"] * centred["o"]).sum()
    return total / len(gold)


@settings(deadline=None, max_examples=40)
@given(labelled_rows(), st.integers(1, 12))
def test_scores_as_in_scikit_learn_and_the_parts_of_brier(rows, bins):
    gold, predictions = usable(*rows)
    if len(gold) == 0:
        return
    found = calibration_scores(*rows, bins=bins, resamples=5)["value"]
    probabilities = predictions[list(LABELS)].to_numpy()
    one_hot = np.stack([gold == label for label in LABELS], axis=1)
    brier = sum(brier_score_loss(one_hot[:, label], probabilities[:, label], pos_label=True) for label in range(3))
    assert found["brier"] == pytest.approx(brier, abs=1e-12)
    of_truth = probabilities[one_hot]
    if (of_truth > 0).all():
        assert found["nll"] == pytest.approx(log_loss(gold.astype(str), probabilities, labels=list(LABELS)), abs=1e-9)
    else:
        assert found["nll"] == np.inf
    parts = found["reliability"] - found["resolution"] + found["uncertainty"] + found["within_bins"]
    assert parts == pytest.approx(found["brier"], abs=1e-12)
    assert found["within_bins"] == pytest.approx(within_bins(gold, predictions, bins), abs=1e-12)
    for binning in ("width", "mass"):
        reliability = reliability_table(*rows, bins=bins, binning=binning)
        gap = reliability["gap"].abs()
        assert found[f"ece_{binning}"] == pytest.approx((gap * reliability["n"]).sum() / len(gold), abs=1e-12)
        assert found[f"mce_{binning}"] == pytest.approx(gap.max(), abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(labelled_rows(), st.randoms(use_true_random=False))
def test_scores_depend_on_neither_order_nor_index(rows, random):
    gold, predictions = rows
    if len(usable(gold, predictions)[0]) == 0:
        return
    order = random.sample(range(len(gold)), len(gold))
    index = pd.Index([0] * len(gold))
    found = calibration_scores(gold, predictions, resamples=5)[["value", "n"]]
    shuffled = calibration_scores(
        gold.iloc[order].set_axis(index), predictions.iloc[order].set_axis(index), resamples=5
    )
    pd.testing.assert_frame_equal(found, shuffled[["value", "n"]])


def test_missing_gold_and_missing_predictions_are_no_rows():
    gold = series(*GOLD, None, "neutral", None)
    predictions = pd.concat([PREDICTIONS, table([0.9, 0.1, 0], NOTHING, NOTHING)], ignore_index=True)
    found = calibration_scores(gold, predictions, resamples=20)
    assert found["n"].tolist() == [5] * 10
    pd.testing.assert_frame_equal(found, calibration_scores(GOLD, PREDICTIONS, resamples=20))
    pd.testing.assert_frame_equal(reliability_table(gold, predictions), reliability_table(GOLD, PREDICTIONS))
    pd.testing.assert_frame_equal(risk_coverage(gold, predictions), risk_coverage(GOLD, PREDICTIONS))
    gold, predictions = simulated(80, seed=1)
    gold_more = series(*gold, None, "neutral")
    predictions_more = pd.concat([predictions, table([0.9, 0.1, 0], NOTHING)], ignore_index=True)
    assert fit_temperature(gold_more, predictions_more) == fit_temperature(gold, predictions)


@pytest.mark.parametrize(
    ("gold", "predictions"),
    [
        (series(None, None), table([0.9, 0.1, 0], [0.2, 0.7, 0.1])),
        (series("negative", "neutral"), table(NOTHING, NOTHING)),
        (series(), table()),
    ],
)
def test_no_rows_are_nan_with_a_warning(gold, predictions):
    says = "no row has both a gold label and a prediction"
    with pytest.warns(UserWarning, match=says):
        found = calibration_scores(gold, predictions)
    assert found["n"].tolist() == [0] * 10
    assert found.drop(columns="n").isna().all(axis=None)
    assert found.index.tolist() == calibration_scores(GOLD, PREDICTIONS, resamples=1).index.tolist()
    assert found.columns.tolist() == ["value", "low", "high", "n", "chance"]
    for binning in ("width", "mass"):
        with pytest.warns(UserWarning, match=says):
            reliability = reliability_table(gold, predictions, bins=3, binning=binning)
        assert reliability["n"].tolist() == [0] * 3
        assert reliability[["confidence", "accuracy", "low", "high", "gap"]].isna().all(axis=None)
    with pytest.warns(UserWarning, match=says):
        curve = risk_coverage(gold, predictions)
    assert len(curve) == 0
    assert curve.columns.tolist() == risk_coverage(GOLD, PREDICTIONS).columns.tolist()
    with pytest.warns(UserWarning, match=says), pytest.raises(ValueError, match="nothing to fit a temperature on"):
        fit_temperature(gold, predictions)


def test_one_row():
    # Brier: 0.2^2 + 0.7^2 + 0.9^2 = 0.04 + 0.49 + 0.81; the confidence is 0.7 and wrong.
    found = calibration_scores(series("positive"), table([0.2, 0.7, 0.1]), resamples=200)
    assert found.loc[["ece_width", "mce_width", "ece_mass", "mce_mass"], "value"].tolist() == [0.7] * 4
    assert found.loc["brier", "value"] == pytest.approx(1.34)
    assert found.loc["nll", "value"] == pytest.approx(-np.log(0.1))
    assert found.loc["uncertainty", "value"] == 0
    # A calibrated model is wrong here with a chance of 30%, so 0 cannot be excluded, and chance alone shows 0.7.
    assert found.loc["ece_width", "low"] == 0
    assert found.loc["ece_width", "chance"] == pytest.approx(0.7)


def test_a_class_absent_from_gold_and_predictions():
    # Neutral has probability 0 and never happens: only the others add to the parts. 0.1^2 * 2 and 0.8^2 * 2.
    found = calibration_scores(series("negative", "negative"), table([0.9, 0, 0.1], [0.2, 0, 0.8]), resamples=20)
    assert found.loc["brier", "value"] == pytest.approx((0.02 + 1.28) / 2)
    assert found.loc["uncertainty", "value"] == 0
    assert found.loc["nll", "value"] == pytest.approx(-np.log(0.9 * 0.2) / 2)


def test_a_true_label_of_probability_zero_has_an_infinite_loss():
    found = calibration_scores(series("neutral", "negative"), table([0.9, 0, 0.1], [0.8, 0, 0.2]), resamples=20)
    assert found.loc["nll", "value"] == np.inf
    assert found.loc["brier", "value"] == pytest.approx((0.81 + 1 + 0.01 + 0.04 + 0.04) / 2)


def test_an_infinite_loss_has_an_infinite_upper_end():
    gold = series(*["negative"] * 4, "neutral")
    found = calibration_scores(gold, table(*[[0.9, 0, 0.1]] * 5), resamples=200).loc["nll"]
    assert found["low"] == pytest.approx(-np.log(0.9))  # e^-1 of the resamples do without the neutral row
    assert found["high"] == np.inf


def test_a_certain_model_that_is_right_makes_no_errors():
    found = calibration_scores(series("negative", "positive"), table([1, 0, 0], [0, 0, 1]), resamples=20)
    zero = ["ece_width", "mce_width", "ece_mass", "mce_mass", "brier", "reliability", "within_bins", "nll"]
    np.testing.assert_allclose(found.loc[zero, "value"], 0, atol=1e-12)
    assert found.loc["resolution", "value"] == found.loc["uncertainty", "value"] == 0.5
    assert found.loc["ece_width", "chance"] == 0  # one who is always certain and calibrated is never wrong


def test_scores_depend_on_the_seed_alone():
    gold, predictions = simulated(60, seed=2)
    first = calibration_scores(gold, predictions, resamples=40, seed=3)
    pd.testing.assert_frame_equal(first, calibration_scores(gold, predictions, resamples=40, seed=3))
    other = calibration_scores(gold, predictions, resamples=40, seed=4)
    pd.testing.assert_series_equal(first["value"], other["value"])
    assert (first.loc[["brier", "nll"], "low"] != other.loc[["brier", "nll"], "low"]).all()


def test_intervals_equal_drawing_rows():
    gold, predictions = simulated(150, seed=5, temperature=0.3)  # so sharp that chance does not explain its errors
    found = calibration_scores(gold, predictions, bins=5, resamples=3000)
    generator = np.random.default_rng(6)
    probabilities = predictions[list(LABELS)].to_numpy()
    truth = np.stack([gold == label for label in LABELS], axis=1).astype(float)
    losses = ((probabilities - truth) ** 2).sum(axis=1)
    confidence, right = probabilities.max(axis=1), truth[np.arange(150), probabilities.argmax(axis=1)]
    bins = np.ceil(confidence * 5).astype(int) - 1
    brier, ece = [], []
    for _ in range(3000):
        rows = generator.integers(0, 150, size=150)
        brier.append(losses[rows].mean())
        ece.append(np.abs(np.bincount(bins[rows], (confidence - right)[rows], minlength=5)).sum() / 150)
    # A quantile near 2.5% of 3000 resamples is off by 0.05 standard deviations, on both sides, so 0.2 is 3 of them.
    low, high = np.quantile(brier, [0.025, 0.975])
    np.testing.assert_allclose(found.loc["brier", ["low", "high"]].tolist(), [low, high], atol=0.2 * np.std(brier))
    value = found.loc["ece_width", "value"]
    assert value > found.loc["ece_width", "chance"]
    low, high = 2 * value - np.quantile(ece, 0.975), np.quantile(ece, 0.975)  # reflected, and as drawn
    np.testing.assert_allclose(found.loc["ece_width", ["low", "high"]].tolist(), [low, high], atol=0.2 * np.std(ece))


def test_chance_is_what_calibrated_models_show():
    # One bin, n rows of confidence 0.8: |Binomial(n, 0.8) / n - 0.8|, whose 95th percentile is 1.96 sqrt(0.16 / n).
    n = 400
    predictions, right = sure([0.8] * n), int(0.9 * n)
    found = calibration_scores(series(*["negative"] * right, *["neutral"] * (n - right)), predictions, resamples=2000)
    for name in ("ece_width", "mce_width", "ece_mass", "mce_mass"):
        assert found.loc[name, "value"] == pytest.approx(0.1)
        assert found.loc[name, "chance"] == pytest.approx(1.96 * np.sqrt(0.16 / n), abs=1 / n)
        # Beyond chance, so 0 is excluded; the accuracy is known to 1.96 sqrt(0.09 / n) = 0.029.
        assert found.loc[name, "low"] == pytest.approx(0.1 - 0.029, abs=0.006)
        assert found.loc[name, "high"] == pytest.approx(0.1 + 0.029, abs=0.006)


@settings(deadline=None, max_examples=25)
@given(labelled_rows())
def test_intervals_contain_their_value_and_errors_are_not_below_zero(rows):
    if len(usable(*rows)[0]) == 0:
        return
    found = calibration_scores(*rows, bins=4, resamples=50).drop(index="nll")
    binned = found.drop(index="brier")
    assert (binned["low"] <= binned["value"]).all()
    assert (binned["value"] <= binned["high"]).all()
    assert (found.drop(index="within_bins")[["value", "low", "high"]] >= 0).all(axis=None)
    explained = binned["value"] <= binned["chance"]
    assert (binned.loc[explained, "low"] == 0).all()
    assert found.loc["brier", ["value", "low", "high"]].between(0, 2).all()


def test_intervals_are_kept_to_possible_values():
    # Twice 0.95 and wrong, four times 0.9 and right: a third of the resamples of two lack one, some both, whose largest
    # gap is 0.1, and 2 * 0.95 - 0.1 is 1.8.
    gold = series(*["negative"] * 4, *["neutral"] * 2)
    found = calibration_scores(gold, sure([0.9] * 4 + [0.95] * 2), resamples=500)
    assert (found.loc[["ece_width", "mce_width", "ece_mass", "mce_mass"], "high"] <= 1).all()


def test_ten_rows_do_not_prove_perfect_calibration():
    # 9 of 10 right at confidence 0.9. The true accuracy may well be 0.7, and the error 0.2.
    found = calibration_scores(series(*["negative"] * 9, "neutral"), sure([0.9] * 10), resamples=500)
    assert found.loc["ece_width", "high"] > 0.05


@pytest.mark.parametrize(("n", "bins"), [(30, 10), (100, 10), (60, 5)])
def test_intervals_of_calibration_errors_cover_the_truth(n, bins):
    # Labels are drawn from the probabilities themselves, so the true errors are 0 in any bins.
    covered = {"ece_width": 0, "ece_mass": 0}
    for seed in range(60):
        found = calibration_scores(*simulated(n, seed), bins=bins, resamples=200, seed=seed)
        for name in covered:
            covered[name] += found.loc[name, "low"] <= 0 <= found.loc[name, "high"]
    assert min(covered.values()) >= 0.85 * 60


def test_intervals_of_calibration_errors_cover_a_true_error():
    # Confidence 0.9 and right in 70%: one bin, and a true error of 0.2.
    covered = 0
    for seed in range(60):
        right = np.random.default_rng(seed).random(150) < 0.7
        gold = series(*np.where(right, "negative", "neutral"))
        found = calibration_scores(gold, sure([0.9] * 150), resamples=200, seed=seed).loc["ece_width"]
        covered += found["low"] <= 0.2 <= found["high"]
        assert found["low"] > 0
    assert covered >= 0.85 * 60


# Temperature


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature):
    # Logits divided by 0.4 are too sure, and multiplying them by 0.4 again, a temperature of 2.5, makes up for it.
    gold, predictions = simulated(3000, seed=7, temperature=temperature)
    found = fit_temperature(gold, predictions)
    assert found == pytest.approx(1 / temperature, rel=0.1)
    before, after = (
        calibration_scores(gold, changed, resamples=1)["value"]
        for changed in (predictions, apply_temperature(predictions, found))
    )
    assert after["nll"] <= before["nll"]
    assert after["ece_width"] < 0.03


def test_the_temperature_of_equal_rows_by_hand():
    # Logits ln 9 and 0 (and none), 3 of 4 right: the best probability is 3/4 = odds of 3, so T = ln 9 / ln 3 = 2.
    predictions = table(*[[0.9, 0, 0.1]] * 4)
    gold = series("negative", "negative", "positive", "negative")
    assert fit_temperature(gold, predictions) == pytest.approx(2, abs=1e-4)
    softened = apply_temperature(predictions, 2)
    np.testing.assert_allclose(softened[list(LABELS)], [[0.75, 0, 0.25]] * 4, atol=1e-12)
    np.testing.assert_allclose(softened["confidence"], [0.75] * 4)


def test_no_other_temperature_is_better():
    gold, predictions = simulated(200, seed=8, temperature=0.5)

    def loss(temperature):
        return log_loss(
            gold.astype(str), apply_temperature(predictions, temperature)[list(LABELS)], labels=list(LABELS)
        )

    found = fit_temperature(gold, predictions)
    assert loss(found) <= min(loss(found * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2))


def test_the_temperature_depends_on_neither_order_nor_index():
    gold, predictions = simulated(100, seed=9)
    order = np.random.default_rng(0).permutation(100)
    index = pd.Index([0] * 100)
    shuffled = fit_temperature(gold.iloc[order].set_axis(index), predictions.iloc[order].set_axis(index))
    assert shuffled == pytest.approx(fit_temperature(gold, predictions), rel=1e-4)


def test_without_a_best_temperature_there_is_an_error():
    with pytest.raises(ValueError, match="no temperature between 0.01 and 100 is best on these 3 rows"):
        fit_temperature(series(*["neutral"] * 3), sure([0.9, 0.8, 0.7]))  # every one wrong
    # A two-class model has nothing to say about the third label, and nothing else is left here.
    with pytest.raises(ValueError, match="nothing to fit a temperature on"):
        fit_temperature(series("neutral", "neutral"), table([0.9, 0, 0.1], [0.2, 0, 0.8]))


@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.99])
def test_all_right_has_no_best_temperature(confidence):
    with pytest.raises(ValueError, match="no temperature between 0.01 and 100 is best on these 5 rows"):
        fit_temperature(series(*["negative"] * 5), sure([confidence] * 5))


@settings(deadline=None, max_examples=60)
@given(labelled_rows(), st.floats(0.2, 8))
def test_a_temperature_keeps_labels_and_row_sums(rows, temperature):
    predictions = rows[1]
    before = predictions.copy()
    changed = apply_temperature(predictions, temperature)
    pd.testing.assert_frame_equal(predictions, before)
    assert changed.columns.tolist() == predictions.columns.tolist()
    pd.testing.assert_series_equal(changed["label"], predictions["label"])
    read = predictions["label"].notna()
    np.testing.assert_allclose(changed.loc[read, list(LABELS)].sum(axis=1), 1)
    assert changed.loc[~read, [*LABELS, "confidence"]].isna().all(axis=None)
    np.testing.assert_array_equal(changed["confidence"], changed[list(LABELS)].max(axis=1))
    of_label = [row[row["label"]] for _, row in changed[read].iterrows()]
    np.testing.assert_allclose(of_label, changed.loc[read, "confidence"], atol=1e-12)
    more = changed.loc[read, "confidence"] - predictions.loc[read, "confidence"]
    assert (more <= 1e-9).all() if temperature >= 1 else (more >= -1e-9).all()


def test_temperatures_multiply():
    gold, predictions = simulated(300, seed=10)
    pd.testing.assert_frame_equal(apply_temperature(predictions, 1), predictions)
    twice = apply_temperature(apply_temperature(predictions, 2), 1.5)
    pd.testing.assert_frame_equal(twice, apply_temperature(predictions, 3))
    found = fit_temperature(gold, predictions)
    assert fit_temperature(gold, apply_temperature(predictions, 2)) == pytest.approx(found / 2, rel=1e-4)


def test_a_label_that_a_model_lacks_stays_impossible():
    predictions = table([0.9, 0, 0.1], [0.2, 0, 0.8])
    for temperature in (0.5, 3):
        assert apply_temperature(predictions, temperature)["neutral"].tolist() == [0, 0]
    gold = series("negative", "positive")
    curve = risk_coverage(gold, predictions)
    assert curve["risk"].tolist() == [0, 0]
    # Rows that are truly neutral say nothing about the temperature: 3 of 4 of the others right, as above.
    predictions = table(*[[0.9, 0, 0.1]] * 6)
    gold = series("negative", "negative", "positive", "negative", "neutral", "neutral")
    assert fit_temperature(gold, predictions) == pytest.approx(2, abs=1e-4)


def test_a_label_that_a_model_lacks_stays_impossible_beside_an_unread_row():
    softened = apply_temperature(table([0.9, 0, 0.1], [0.2, 0, 0.8], NOTHING), 3)
    assert softened["neutral"].tolist()[:2] == [0, 0]


def test_a_row_is_softened_whatever_stands_beside_it():
    alone = apply_temperature(table([1, 0, 0]), 4)
    beside = apply_temperature(table([1, 0, 0], [0.5, 0.3, 0.2]), 4)
    assert alone.loc[0, list(LABELS)].tolist() == beside.loc[0, list(LABELS)].tolist() == [1, 0, 0]


def test_a_temperature_of_no_rows():
    assert apply_temperature(table(), 2).columns.tolist() == table().columns.tolist()
    assert apply_temperature(table(NOTHING), 2)[list(LABELS)].isna().all(axis=None)


@pytest.mark.parametrize("temperature", [0, -1, np.nan])
def test_a_temperature_must_be_above_zero(temperature):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        apply_temperature(PREDICTIONS, temperature)


# Abstaining


def test_risk_and_coverage_by_hand():
    found = risk_coverage(GOLD, PREDICTIONS)
    assert found.columns.tolist() == ["threshold", "n", "coverage", "accuracy", "low", "high", "risk"]
    # From the surest: 0.9 right; 0.8 one right, one wrong; 0.6 wrong; 0.5 right.
    assert found["threshold"].tolist() == [0.9, 0.8, 0.6, 0.5]
    assert found["n"].tolist() == [1, 3, 4, 5]
    assert found["coverage"].tolist() == [1 / 5, 3 / 5, 4 / 5, 1]
    assert found["accuracy"].tolist() == [1, 2 / 3, 2 / 4, 3 / 5]
    np.testing.assert_allclose(found["risk"], [0, 1 / 3, 2 / 4, 2 / 5])
    # Wilson's interval of 3 of 5.
    np.testing.assert_allclose(found.loc[3, ["low", "high"]].tolist(), [0.230724, 0.882379], atol=1e-6)


def test_risk_and_coverage_of_one_row():
    found = risk_coverage(series("positive"), table([0.2, 0.7, 0.1]))
    assert found[["threshold", "n", "coverage", "accuracy", "risk"]].to_numpy().tolist() == [[0.7, 1, 1, 0, 1]]


@settings(deadline=None, max_examples=40)
@given(labelled_rows(), st.randoms(use_true_random=False))
def test_risk_and_coverage_in_any_order(rows, random):
    gold, predictions = usable(*rows)
    if len(gold) == 0:
        return
    found = risk_coverage(*rows)
    right = (gold == predictions[list(LABELS)].idxmax(axis=1)).to_numpy()
    for row in found.itertuples():
        answered = (predictions["confidence"] >= row.threshold).to_numpy()
        assert row.n == answered.sum()
        assert row.accuracy == pytest.approx(right[answered].mean())
    assert found["threshold"].is_monotonic_decreasing
    assert found["coverage"].iloc[-1] == 1
    order = random.sample(range(len(rows[0])), len(rows[0]))
    index = pd.Index(["same"] * len(order))
    shuffled = risk_coverage(rows[0].iloc[order].set_axis(index), rows[1].iloc[order].set_axis(index))
    pd.testing.assert_frame_equal(found, shuffled)


# Errors


@pytest.mark.parametrize("function", [reliability_table, calibration_scores, fit_temperature, risk_coverage])
def test_other_rows_and_lacking_probabilities_are_named(function):
    with pytest.raises(ValueError, match="same index; they have 5 and 4 rows"):
        function(GOLD, PREDICTIONS.iloc[:4])
    with pytest.raises(ValueError, match=r"differ first at position 0 \(0 and 4\)"):
        function(GOLD, PREDICTIONS[::-1])
    with pytest.raises(ValueError, match="the predictions have no column neutral, positive"):
        function(GOLD, PREDICTIONS[["negative", "label", "confidence"]])


def test_bins_must_be_possible():
    with pytest.raises(ValueError, match="binning must be one of width, mass, but 'equal' was passed"):
        reliability_table(GOLD, PREDICTIONS, binning="equal")
    with pytest.raises(ValueError, match="bins must be at least 1, but 0 was passed"):
        reliability_table(GOLD, PREDICTIONS, bins=0)
    with pytest.raises(ValueError, match="bins must be at least 1, but 0 was passed"):
        calibration_scores(GOLD, PREDICTIONS, bins=0)
