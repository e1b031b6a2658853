import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import GOLD, PREDICTED, drawn, series
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from sentiment_kit.analysis.slices import scores_by_group
from sentiment_kit.data import load_sentipolc
from sentiment_kit.evaluation.comparison import compare_models
from sentiment_kit.evaluation.confusion import confusion_table
from sentiment_kit.evaluation.intervals import bootstrap, minimum_detectable_difference, proportions
from sentiment_kit.evaluation.scores import (
    count_polarities,
    official_polarity_score,
    score_intervals,
    scores,
    scores_by_class,
    scores_of_counts,
)
from sentiment_kit.labels import LABELS, label_dtype

NEG, NEU, POS = LABELS


# Scores


def test_scores_by_hand():
    table = scores(GOLD, PREDICTED)
    assert table["n"].tolist() == [5] * 5
    # 3 of 5 right; recalls 1/2, 1, 1/2; F1 1/2, 2/3, 2/3; 2 of 5 expected by chance (2*2 + 1*2 + 2*1 = 8 of 25).
    expected = {"accuracy": 3 / 5, "balanced_accuracy": 2 / 3, "macro_f1": 11 / 18, "kappa": (15 - 8) / (25 - 8)}
    for name, value in expected.items():
        assert table.loc[name, "value"] == pytest.approx(value, abs=1e-12)
    # (3*5 - 8) / sqrt((25 - 9) (25 - 9))
    assert table.loc["mcc", "value"] == pytest.approx(7 / 16, abs=1e-12)
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_scores_by_class_by_hand():
    table = scores_by_class(GOLD, PREDICTED)
    assert table.index.get_level_values("label").unique().tolist() == list(LABELS)
    precision, recall, f1 = (table.xs(score, level="score") for score in ("precision", "recall", "f1"))
    assert precision["value"].tolist() == [1 / 2, 1 / 2, 1]
    assert recall["value"].tolist() == [1 / 2, 1, 1 / 2]
    np.testing.assert_allclose(f1["value"], [1 / 2, 2 / 3, 2 / 3])
    assert precision["n"].tolist() == [2, 2, 1]
    assert recall["n"].tolist() == [2, 1, 2]
    assert f1["n"].tolist() == [3, 2, 2]


@given(
    st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=60)
def test_equal_to_scikit_learn_in_any_order(rows, random):
    gold, predicted = (series(*column) for column in zip(*rows, strict=True))
    true, given_labels = gold.astype(object), predicted.astype(object).fillna("(none)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table, by_class = scores(gold, predicted, resamples=50), scores_by_class(gold, predicted, resamples=50)
        expected = {
            "accuracy": metrics.accuracy_score(true, given_labels),
            "balanced_accuracy": metrics.balanced_accuracy_score(true, given_labels),
            "macro_f1": metrics.f1_score(
                true, given_labels, labels=sorted({*true, *predicted.dropna()}), average="macro", zero_division=0
            ),
            "kappa": metrics.cohen_kappa_score(true, given_labels),
            "mcc": metrics.matthews_corrcoef(true, given_labels),
        }
        if len({*true}) == 1 or len({*given_labels}) == 1:
            expected["mcc"] = np.nan  # scikit-learn says 0 for what is 0 / 0
        for name, value in expected.items():
            assert table.loc[name, "value"] == pytest.approx(value, abs=1e-12, nan_ok=True)
        precision, recall, f1, support = metrics.precision_recall_fscore_support(
            true, given_labels, labels=list(LABELS), zero_division=np.nan
        )
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            np.testing.assert_allclose(by_class.xs(name, level="score")["value"], values, atol=1e-12)
        assert by_class.xs("recall", level="score")["n"].tolist() == support.tolist()
        order = list(range(len(rows)))
        random.shuffle(order)
        pd.testing.assert_frame_equal(table, scores(gold.iloc[order], predicted.iloc[order], resamples=50))


def test_an_unreadable_row_is_an_error_and_an_unlabelled_one_no_row():
    gold = series(NEG, NEG, None, POS)
    predicted = series(NEG, None, NEU, POS)
    with pytest.warns(UserWarning, match="NaN: precision of neutral, recall of neutral, f1 of neutral"):
        by_class = scores_by_class(gold, predicted)
    accuracy = scores(gold, predicted).loc["accuracy"]
    assert (accuracy["value"], accuracy["n"]) == (2 / 3, 3)
    assert by_class.loc[NEG].loc[["precision", "recall"], "value"].tolist() == [1, 0.5]


def test_what_is_undefined_is_nan_and_named():
    gold, constant = series(NEG, POS, POS), series(NEG, NEG, NEG)
    with pytest.warns(UserWarning, match="undefined on these rows, so NaN: mcc"):
        table = scores(gold, constant)
    assert table.loc["mcc", ["value", "low", "high"]].isna().all()
    assert table.loc["kappa", "value"] == 0  # as often right as by chance: (1*3 - 3) / (9 - 3)
    with pytest.warns(UserWarning, match="precision of neutral.*precision of positive"):
        by_class = scores_by_class(gold, constant)["value"]
    assert np.isnan(by_class[POS, "precision"])
    assert by_class[POS, "recall"] == 0


@pytest.mark.filterwarnings("ignore:undefined")
@pytest.mark.parametrize("rows", [0, 2])
def test_no_labelled_rows_are_nan_with_a_warning(rows):
    with pytest.warns(UserWarning, match="no row has a gold label"):
        table = scores(series(*[None] * rows), series(*[NEG] * rows))
    assert table["n"].tolist() == [0] * 5
    assert table[["value", "low", "high"]].isna().all(axis=None)


def test_one_row():
    with pytest.warns(UserWarning, match="mcc, kappa"):
        table = scores(series(POS), series(POS))
    # Wilson: 1 / (1 + z^2) = 1 / 4.841459
    assert table.loc["accuracy", ["value", "low", "high"]].tolist() == pytest.approx([1, 0.206549, 1], abs=1e-6)


def test_shares_have_wilsons_interval_and_their_own_n():
    # 20 negative tweets, 17 of them found; of 10 neutral ones 5 are called negative.
    counts = np.zeros((3, 4), dtype=int)
    counts[0, 0], counts[0, 2], counts[1, 0], counts[1, 1] = 17, 3, 5, 5
    table = score_intervals(counts)
    of_negative = table["n"].filter(like="negative").to_dict()
    assert of_negative == {"precision_negative": 22, "recall_negative": 20, "f1_negative": 25}
    assert table.loc["accuracy", "n"] == 30
    # (0.85 + z^2 / 40 -+ z sqrt(0.85 x 0.15 / 20 + z^2 / 1600)) / (1 + z^2 / 20)
    assert table.loc["recall_negative", ["low", "high"]].tolist() == pytest.approx([0.639581, 0.947631], abs=1e-6)
    shares = proportions(
        pd.Series({"accuracy": 22, "precision_negative": 17}), pd.Series([30, 22], ["accuracy", "precision_negative"])
    )
    pd.testing.assert_frame_equal(table.loc[shares.index, ["low", "high"]], shares[["low", "high"]], check_names=False)


def test_mismatches_and_unknown_labels_are_named():
    with pytest.raises(ValueError, match="same index; they have 5 and 4 rows"):
        scores(GOLD, PREDICTED.iloc[:4])
    with pytest.raises(ValueError, match="differ first at position 1 \\(1 and 9\\)"):
        scores(GOLD, PREDICTED.set_axis([0, 9, 2, 3, 4]))
    with pytest.raises(ValueError, match="predicted labels must be among .* got 'joy', 'sad'"):
        scores(GOLD, pd.Series(["sad", "joy", NEG, NEG, NEG]))
    with pytest.raises(ValueError, match="gold labels must be among"):
        scores(pd.Series(["LABEL_0"] * 5), PREDICTED)


def test_the_seed_decides():
    gold, predicted = drawn(50)
    pd.testing.assert_frame_equal(scores(gold, predicted, seed=3), scores(gold, predicted, seed=3))
    assert not scores(gold, predicted, seed=3).equals(scores(gold, predicted, seed=4))


@pytest.mark.long
@pytest.mark.parametrize("n", [200, 2000])
def test_the_interval_covers_the_truth_as_often_as_it_says(n):
    """2,500 samples from a known confusion table; 95% of their intervals should hold the true score.

    For accuracy within 1.5 points; for macro-F1 as stated in `scores`.
    """
    truth = np.array([[0.27, 0.06, 0.03, 0.01], [0.06, 0.28, 0.04, 0.0], [0.04, 0.05, 0.16, 0.0]])
    macro = np.mean([2 * truth[k, k] / (truth[k].sum() + truth[:, k].sum()) for k in range(3)])
    truths = {"accuracy": truth.trace() / truth.sum(), "macro_f1": macro}
    samples = np.random.default_rng(1).multinomial(n, truth.ravel() / truth.sum(), size=2500)
    held = dict.fromkeys(truths, 0)
    for number, counts in enumerate(samples):
        table = bootstrap(counts.reshape(3, 4), _two_scores, resamples=1000, seed=number)
        for name, value in truths.items():
            held[name] += table.loc[name, "low"] <= value <= table.loc[name, "high"]
    covered = {name: count / len(samples) for name, count in held.items()}
    assert covered["accuracy"] == pytest.approx(0.95, abs=0.015)
    assert covered["macro_f1"] == pytest.approx(0.95, abs=0.015)


def _two_scores(counts):
    every = scores_of_counts(counts)
    return {name: every[name] for name in ("accuracy", "macro_f1")}


# Groups


def test_groups_of_one_name_are_pooled_and_none_is_lost():
    gold = pd.Series([POS] * 6)
    groups = pd.Series(["(none)", "", None, 1, "1", 12], dtype=object)
    assert scores_by_group(gold, gold, groups)["n"].to_dict() == {"1": 2, "12": 1, "(none)": 3}
    whole = pd.Series([2, None, 10, 2, 10, 2], dtype="Int64")
    assert scores_by_group(gold, gold, whole)["n"].to_dict() == {"2": 3, "10": 2, "(none)": 1}
    with pytest.raises(ValueError, match="column 'tags': expected text or numbers to group by .*list"):
        scores_by_group(gold, gold, pd.Series([["a"]] * 6, name="tags"))


def test_scores_by_group_by_hand():
    groups = pd.Series(["b", "a", "a", None, "b"])
    table = scores_by_group(GOLD, PREDICTED, groups)
    assert table.index.tolist() == ["a", "b", "(none)"]
    assert table["value"].tolist() == [1 / 2, 1 / 2, 1]  # rows 1, 2; rows 0, 4; row 3
    assert table["n"].tolist() == [2, 2, 1]
    assert table.loc["a", "detectable"] == pytest.approx(minimum_detectable_difference(2, 3, share=3 / 5), nan_ok=True)


def test_each_group_is_scored_like_a_file_of_its_own():
    gold, predicted = drawn(300)
    groups = pd.Series(np.arange(300) % 2)
    table = scores_by_group(gold, predicted, groups)
    alone = scores(gold[groups == 1], predicted[groups == 1]).loc["accuracy"]
    assert table.loc["1", ["value", "low", "high"]].tolist() == alone[["value", "low", "high"]].tolist()
    assert table["detectable"].between(0.1, 0.3).all()
    with pytest.raises(ValueError, match="gold labels and groups must have the same index"):
        scores_by_group(gold, predicted, groups.iloc[:9])


# The official score


TWEETS = pd.DataFrame(
    {
        "label": series(POS, NEG, NEU, None, NEG),
        "opos": [1, 0, 0, 1, 0],
        "oneg": [0, 1, 0, 1, 1],
    }
)
ANSWERS = series(POS, NEU, NEU, NEG, NEG)  # the fourth tweet is mixed


def test_official_score_by_hand():
    table = official_polarity_score(TWEETS, ANSWERS)
    # opos: true 1 0 0 1 0, answered 1 0 0 0 0: F1(1) = 2/3, F1(0) = 6/7. oneg: true 0 1 0 1 1, answered 0 0 0 1 1:
    # F1(1) = 4/5, F1(0) = 4/5.
    assert table.loc["official_pos", "value"] == pytest.approx((2 / 3 + 6 / 7) / 2)
    assert table.loc["official_neg", "value"] == pytest.approx(4 / 5)
    assert table.loc["official", "value"] == pytest.approx(((2 / 3 + 6 / 7) / 2 + 4 / 5) / 2)
    # Always negative: opos 0 everywhere, F1(0) = 6/8, F1(1) = 0; oneg 1 everywhere, F1(1) = 6/8, F1(0) = 0.
    assert table.loc["always_negative", "value"] == pytest.approx(3 / 8)
    # Always neutral: F1(opos 0) = 6/8, F1(oneg 0) = 4/7, the rest 0.
    assert table.loc["always_neutral", "value"] == pytest.approx((6 / 8 + 4 / 7) / 4)
    # The mixed tweet called positive: opos all right, oneg 0 1 0 0 1: F1(1) = 4/5, F1(0) = 4/5. Called negative:
    # oneg all right, opos 2/3 and 6/7, which is less.
    assert table.loc["official_ceiling", "value"] == pytest.approx((1 + 4 / 5) / 2)
    assert table["n"].tolist() == [5] * 7


def test_official_score_is_the_mean_of_four_f1_of_scikit_learn():
    generator = np.random.default_rng(5)
    tweets = pd.DataFrame(generator.integers(0, 2, (300, 2)), columns=["opos", "oneg"]).assign(label=None)
    predicted = pd.Series(generator.choice(LABELS, 300), dtype=label_dtype)
    parts = [
        metrics.f1_score(tweets[side], predicted == label, pos_label=value)
        for side, label in (("opos", POS), ("oneg", NEG))
        for value in (0, 1)
    ]
    assert official_polarity_score(tweets, predicted).loc["official", "value"] == pytest.approx(np.mean(parts))


def test_a_missing_answer_is_wrong_on_both_sides():
    counts = count_polarities(TWEETS, series(POS, None, None, None, NEG))
    assert counts.tolist() == [[1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]]
    table = official_polarity_score(TWEETS, series(POS, None, None, None, NEG))
    # opos: F1(1): 1 of 2 found, 1 given = 2/3; F1(0): 1 of 3 found, 1 given = 2/4.
    assert table.loc["official_pos", "value"] == pytest.approx((2 / 3 + 2 / 4) / 2)


def test_without_marks_the_labels_stand_for_them():
    plain = official_polarity_score(TWEETS[["label"]], ANSWERS)
    marked = official_polarity_score(TWEETS.drop(index=3), ANSWERS.drop(index=3))
    assert plain["value"].tolist() == marked["value"].tolist()
    assert plain.loc["official_ceiling", "value"] == 1


def test_the_official_file(sentipolc_file):
    tweets = load_sentipolc(sentipolc_file, mixed="keep")
    constant = {
        label: official_polarity_score(tweets, pd.Series(label, index=tweets.index, dtype=label_dtype))["value"]
        for label in LABELS
    }
    for label, values in constant.items():
        assert values["official"] == values[f"always_{label}"]
    # 2,051 of 7,410 are marked positive, 2,983 negative: F1(opos 0) = 2*5359/(5359+7410), F1(oneg 0) = 2*4427/11837.
    assert constant[NEU]["official"] == pytest.approx((2 * 5359 / 12769 + 2 * 4427 / 11837) / 4)
    perfect = {
        label: official_polarity_score(tweets, tweets["label"].fillna(label))["value"] for label in (NEG, NEU, POS)
    }
    ceiling = perfect[NEG]["official_ceiling"]
    assert perfect[NEU]["official"] < perfect[NEG]["official"] < perfect[POS]["official"] <= ceiling < 0.97


@pytest.mark.parametrize("kind", [list, lambda values: np.array(values, dtype=object)])
def test_lists_and_arrays_are_labels_too(kind):
    gold = pd.Series(["negative", "neutral", "positive", None], index=[7, 3, 9, 1])
    given = pd.Series(["negative", "positive", "positive", "neutral"], index=gold.index)
    expected = scores(gold, given, resamples=50)
    pd.testing.assert_frame_equal(scores(kind(gold.tolist()), kind(given.tolist()), resamples=50), expected)
    pd.testing.assert_frame_equal(scores(gold, kind(given.tolist()), resamples=50), expected)
    pd.testing.assert_frame_equal(confusion_table(kind(gold.tolist()), given), confusion_table(gold, given))
    mixed, own = (compare_models(gold, one, given, resamples=50) for one in (kind(given.tolist()), given))
    pd.testing.assert_frame_equal(mixed.scores, own.scores)
    with pytest.raises(ValueError, match="they have 4 and 3 rows"):
        scores(gold, kind(given.tolist()[:3]))
