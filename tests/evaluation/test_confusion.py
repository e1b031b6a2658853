import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from sentiment_kit.evaluation.confusion import (
    DISTANCE_COST,
    NO_PREDICTION,
    NORMALISATIONS,
    confused_tweets,
    confusion_difference,
    confusion_table,
    costly_confusions,
)
from sentiment_kit.labels import LABELS, label_dtype

SCIKIT_LEARN = {"true": "true", "predicted": "pred", "all": "all"}


def series(*labels, index=None):
    return pd.Series(labels, index=index, dtype=label_dtype)


def square(table, column, columns=LABELS):
    """A column of a long table as a list of rows, true label by predicted label."""
    return table[column].to_numpy().reshape(len(LABELS), len(columns)).tolist()


GOLD = series("negative", "negative", "neutral", "positive", "positive")
PREDICTED = series("negative", "neutral", "neutral", "positive", "negative")
OTHER = series("negative", "negative", "neutral", "positive", "positive")

LABEL = st.sampled_from(LABELS)
MAYBE = st.sampled_from([*LABELS, None])


# One matrix


def test_a_matrix_by_hand():
    table = confusion_table(GOLD, PREDICTED)
    assert table.columns.tolist() == ["true", "predicted", "count", "n", "share", "low", "high"]
    assert table["true"].tolist() == [label for label in LABELS for _ in LABELS]
    assert table["predicted"].tolist() == [*LABELS] * 3
    # 2 negative: once right, once neutral. 1 neutral: right. 2 positive: once right, once negative.
    assert square(table, "count") == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert square(table, "n") == [[2, 2, 2], [1, 1, 1], [2, 2, 2]]
    assert square(table, "share") == [[1 / 2, 1 / 2, 0], [0, 1, 0], [1 / 2, 0, 1 / 2]]
    # Wilson, z^2 = 3.841459: 1 of 2 is 0.5 +- 0.5 sqrt(z^2 / (2 + z^2)); 0 of 2 ends at z^2 / (2 + z^2), 0 of 1 at
    # z^2 / (1 + z^2), and 1 of 1 starts at 1 / (1 + z^2).
    np.testing.assert_allclose(
        square(table, "low"), [[0.094531, 0.094531, 0], [0, 0.206549, 0], [0.094531, 0, 0.094531]], atol=1e-6
    )
    np.testing.assert_allclose(
        square(table, "high"),
        [[0.905469, 0.905469, 0.657620], [0.793451, 1, 0.793451], [0.905469, 0.657620, 0.905469]],
        atol=1e-6,
    )


def test_shares_of_columns_and_of_all_by_hand():
    table = confusion_table(GOLD, PREDICTED, normalise="predicted")
    # 2 are called negative (one is, one is positive), 2 neutral (one is, one is negative), 1 positive (and is).
    assert square(table, "n") == [[2, 2, 1]] * 3
    assert square(table, "share") == [[1 / 2, 1 / 2, 0], [0, 1 / 2, 0], [1 / 2, 0, 1]]
    table = confusion_table(GOLD, PREDICTED, normalise="all")
    assert square(table, "n") == [[5, 5, 5]] * 3
    assert square(table, "share") == [[1 / 5, 1 / 5, 0], [0, 1 / 5, 0], [1 / 5, 0, 1 / 5]]


def test_missing_predictions_get_a_column_and_missing_gold_no_row():
    gold = series("negative", "negative", "neutral", "positive", None, None)
    predicted = series("negative", None, "neutral", "negative", "positive", None)
    columns = [*LABELS, NO_PREDICTION]
    table = confusion_table(gold, predicted)
    assert table["predicted"].tolist() == columns * 3
    assert square(table, "count", columns) == [[1, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert square(table, "share", columns) == [[1 / 2, 0, 0, 1 / 2], [0, 1, 0, 0], [1, 0, 0, 0]]
    table = confusion_table(gold, predicted, normalise="all")
    assert table["n"].tolist() == [4] * 12
    table = confusion_table(gold, predicted, normalise="predicted")
    assert square(table, "n", columns) == [[2, 1, 0, 1]] * 3
    np.testing.assert_array_equal(
        square(table, "share", columns), [[1 / 2, 0, np.nan, 1], [0, 1, np.nan, 0], [1 / 2, 0, np.nan, 0]]
    )
    # Only unlabelled rows lack a prediction: no column for them.
    assert square(confusion_table(series(*GOLD, None), series(*PREDICTED, None)), "count") == [
        [1, 1, 0],
        [0, 1, 0],
        [1, 0, 1],
    ]


def test_an_absent_class_is_nan_not_zero():
    table = confusion_table(series("negative", "positive"), series("negative", "negative"))
    assert square(table, "n") == [[1] * 3, [0] * 3, [1] * 3]
    absent = table["true"] == "neutral"
    assert table.loc[absent, ["share", "low", "high"]].isna().all(axis=None)
    assert table.loc[~absent, ["share", "low", "high"]].notna().all(axis=None)
    table = confusion_table(series("negative", "positive"), series("negative", "negative"), normalise="predicted")
    assert table.loc[table["predicted"] != "negative", "share"].isna().all()


def test_one_row():
    table = confusion_table(series("neutral"), series("positive"), normalise="all")
    assert square(table, "share") == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("gold", [series(None, None), series()])
def test_no_rows_are_nan_with_a_warning(gold):
    predicted = series(*["negative", "neutral"][: len(gold)])
    for normalise in NORMALISATIONS:
        with pytest.warns(UserWarning, match="no row has a gold label"):
            table = confusion_table(gold, predicted, normalise=normalise)
        assert table["count"].tolist() == table["n"].tolist() == [0] * 9
        assert table[["share", "low", "high"]].isna().all(axis=None)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=30), st.sampled_from([*NORMALISATIONS]))
def test_equal_to_scikit_learn_and_scipy(rows, normalise):
    gold, predicted = (series(*column) for column in zip(*rows, strict=True))
    table = confusion_table(gold, predicted, normalise=normalise)
    strings = gold.astype(str), predicted.astype(str)
    assert square(table, "count") == confusion_matrix(*strings, labels=list(LABELS)).tolist()
    expected = confusion_matrix(*strings, labels=list(LABELS), normalize=SCIKIT_LEARN[normalise])
    np.testing.assert_allclose(np.nan_to_num(square(table, "share")), expected, atol=1e-12)  # there 0 of 0 is 0
    assert (table["share"].isna() == (table["n"] == 0)).all()
    for row in table[table["n"] > 0].itertuples():
        interval = binomtest(row.count, row.n).proportion_ci(method="wilson")
        np.testing.assert_allclose([row.low, row.high], [interval.low, interval.high], atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(MAYBE, MAYBE), min_size=1, max_size=30).filter(lambda rows: any(gold for gold, _ in rows)),
    st.sampled_from([*NORMALISATIONS]),
    st.randoms(use_true_random=False),
)
def test_neither_order_nor_index_matter(rows, normalise, random):
    gold, predicted = (series(*column) for column in zip(*rows, strict=True))
    shuffled = random.sample(rows, len(rows))
    index = [0] * len(rows)
    other_gold, other_predicted = (series(*column, index=index) for column in zip(*shuffled, strict=True))
    table = confusion_table(gold, predicted, normalise=normalise)
    pd.testing.assert_frame_equal(table, confusion_table(other_gold, other_predicted, normalise=normalise))
    assert table["count"].sum() == gold.notna().sum()
    totals = {"true": table.groupby("true")["share"].sum(min_count=1), "all": table["share"].sum()}
    totals["predicted"] = table.groupby("predicted")["share"].sum(min_count=1)
    np.testing.assert_allclose(pd.Series(totals[normalise]).dropna(), 1)


def test_errors_are_named():
    says = "normalise must be one of true, predicted, all, but 'rows' was passed"
    with pytest.raises(ValueError, match=says):
        confusion_table(GOLD, PREDICTED, normalise="rows")
    with pytest.raises(ValueError, match=says):
        confusion_difference(GOLD, PREDICTED, OTHER, normalise="rows")
    with pytest.raises(ValueError, match="same index; they have 5 and 4 rows"):
        confusion_table(GOLD, PREDICTED.iloc[:4])
    with pytest.raises(ValueError, match="same index; they have 5 and 4 rows"):
        confusion_difference(GOLD, PREDICTED, OTHER.iloc[:4])
    with pytest.raises(ValueError, match=r"differ first at position 0 \(0 and 4\)"):
        costly_confusions(GOLD, predictions(PREDICTED)[::-1])
    with pytest.raises(ValueError, match="gold labels must be among .* got 'joy'"):
        confusion_table(pd.Series(["joy"] * 5), PREDICTED)
    with pytest.raises(ValueError, match="predicted labels must be among .* got 'joy'"):
        confusion_table(GOLD, pd.Series(["joy"] * 5))


# The difference of two


def test_a_difference_by_hand():
    # a is wrong about the second row (neutral) and the last (negative), b about none.
    table = confusion_difference(GOLD, PREDICTED, OTHER, resamples=200)
    assert table.columns.tolist() == ["true", "predicted", "count_a", "count_b", "difference", "low", "high", "n"]
    assert table["true"].tolist() == [label for label in LABELS for _ in LABELS]
    assert table["predicted"].tolist() == [*LABELS] * 3
    assert square(table, "count_a") == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert square(table, "count_b") == [[2, 0, 0], [0, 1, 0], [0, 0, 2]]
    assert square(table, "difference") == [[1 - 1 / 2, -1 / 2, 0], [0, 0, 0], [-1 / 2, 0, 1 - 1 / 2]]
    assert table["n"].tolist() == [5] * 9
    table = confusion_difference(GOLD, PREDICTED, OTHER, normalise="predicted", resamples=200)
    # Called negative: of a 1 of 2 is and 1 of 2 is positive, of b 2 of 2; neutral: 1 of 2, 1 of 1; positive: as before.
    assert square(table, "difference") == [[1 / 2, -1 / 2, 0], [0, 1 / 2, 0], [-1 / 2, 0, 0]]
    table = confusion_difference(GOLD, PREDICTED, OTHER, normalise="all", resamples=200)
    np.testing.assert_allclose(square(table, "difference"), [[0.2, -0.2, 0], [0, 0, 0], [-0.2, 0, 0.2]], atol=1e-12)


def test_a_difference_with_missing_labels():
    gold = series("negative", "negative", None, "positive")
    a = series("negative", None, "negative", "positive")
    b = series("negative", "neutral", "negative", "positive")
    columns = [*LABELS, NO_PREDICTION]
    table = confusion_difference(gold, a, b, resamples=200)
    assert table["predicted"].tolist() == columns * 3
    assert square(table, "count_a", columns) == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert square(table, "count_b", columns) == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert table["n"].tolist() == [3] * 12
    np.testing.assert_array_equal(
        square(table, "difference", columns), [[0, 1 / 2, 0, -1 / 2], [np.nan] * 4, [0, 0, 0, 0]]
    )
    neutral = table["true"] == "neutral"  # none in gold
    assert table.loc[neutral, ["low", "high"]].isna().all(axis=None)
    assert table.loc[~neutral, ["low", "high"]].notna().all(axis=None)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(LABEL, MAYBE, MAYBE), min_size=1, max_size=25),
    st.sampled_from([*NORMALISATIONS]),
    st.randoms(use_true_random=False),
)
def test_a_difference_is_that_of_two_tables_in_any_order(rows, normalise, random):
    gold, a, b = (series(*column) for column in zip(*rows, strict=True))
    table = confusion_difference(gold, a, b, normalise=normalise, resamples=200)
    cells = ["true", "predicted"]
    own = [confusion_table(gold, labels, normalise=normalise).set_index(cells) for labels in (a, b)]
    found = table.set_index(cells)
    for name, matrix in zip("ab", own, strict=True):
        expected = matrix["count"].reindex(found.index, fill_value=0)
        assert found[f"count_{name}"].tolist() == expected.tolist()
    difference = (own[1]["share"] - own[0]["share"]).dropna()
    np.testing.assert_allclose(found.loc[difference.index, "difference"], difference, atol=1e-12)
    defined = table.dropna()
    assert (defined["low"] <= defined["difference"] + 1e-12).all()
    assert (defined["difference"] <= defined["high"] + 1e-12).all()
    assert (defined[["low", "high"]].abs() <= 1).all(axis=None)
    shuffled = [series(*column, index=[0] * len(rows)) for column in zip(*random.sample(rows, len(rows)), strict=True)]
    pd.testing.assert_frame_equal(table, confusion_difference(*shuffled, normalise=normalise, resamples=200))


def simulated(n):
    """Two models on the same rows: b changes a fifth of the answers of a."""
    generator = np.random.default_rng(0)
    gold = generator.integers(0, 3, n)
    a = np.where(generator.random(n) < 0.7, gold, generator.integers(0, 3, n))
    b = np.where(generator.random(n) < 0.8, a, gold)
    return (series(*np.array(LABELS)[numbers]) for numbers in (gold, a, b))


@pytest.mark.parametrize("normalise", NORMALISATIONS)
def test_the_interval_equals_drawing_rows_with_both_predictions(normalise):
    gold, a, b = simulated(200)
    table = confusion_difference(gold, a, b, normalise=normalise, resamples=3000)
    generator = np.random.default_rng(1)
    codes = np.stack([labels.cat.codes for labels in (gold, a, b)])
    drawn = []
    for _ in range(3000):
        true, first, second = codes[:, generator.integers(0, 200, 200)]
        shares = [np.bincount(3 * true + given, minlength=9).reshape(3, 3) for given in (first, second)]
        axis = {"true": 1, "predicted": 0, "all": None}[normalise]
        drawn.append(np.subtract(*[matrix / matrix.sum(axis=axis, keepdims=True) for matrix in reversed(shares)]))
    drawn = np.array(drawn).reshape(3000, 9)
    expected = np.quantile(drawn, [0.025, 0.975], axis=0).T
    # A quantile near 2.5% of 3000 is off by 0.05 standard deviations, on both sides; add a step of a row in about 65.
    tolerance = 0.2 * drawn.std(axis=0) + (1 / 200 if normalise == "all" else 1 / 65)
    varies = np.ptp(drawn, axis=0) > 0
    assert varies.sum() >= 6
    found = table[["low", "high"]].to_numpy()
    assert (np.abs(found - expected)[varies] <= tolerance[varies, None]).all()


def test_the_interval_depends_on_the_seed_alone():
    gold, a, b = simulated(100)
    first = confusion_difference(gold, a, b, resamples=50, seed=1)
    pd.testing.assert_frame_equal(first, confusion_difference(gold, a, b, resamples=50, seed=1))
    assert not first.equals(confusion_difference(gold, a, b, resamples=50, seed=2))


def test_equal_models_differ_by_nothing_but_that_is_not_certain():
    table = confusion_difference(GOLD, PREDICTED, PREDICTED, resamples=2000)
    assert table["difference"].tolist() == [0] * 9
    assert (table["low"] < 0).all()
    assert (table["high"] > 0).all()


def test_the_difference_of_one_row():
    table = confusion_difference(series("neutral"), series("positive"), series("neutral"), normalise="all")
    assert square(table, "difference") == [[0, 0, 0], [0, 1, -1], [0, 0, 0]]
    right = table.loc[4]
    assert right["low"] <= 0 <= right["high"] == 1  # one row proves nothing


def test_the_difference_of_no_rows_is_nan_with_a_warning():
    with pytest.warns(UserWarning, match="no row has a gold label"):
        table = confusion_difference(series(None), series("negative"), series("positive"))
    assert table["n"].tolist() == [0] * 9
    assert table[["difference", "low", "high"]].isna().all(axis=None)


# By what they cost


def predictions(labels, confidence=None):
    """The columns of a prediction table that costs look at; the text says which row it is."""
    confidence = np.linspace(0.9, 0.5, len(labels)) if confidence is None else confidence
    text = [f"row {number}" for number in range(len(labels))]
    return pd.DataFrame({"text": text, "label": labels, "confidence": confidence}, index=labels.index)


def test_a_neighbour_costs_1_and_the_opposite_2():
    assert len(DISTANCE_COST) == 9
    assert {cost for (true, predicted), cost in DISTANCE_COST.items() if true == predicted} == {0}
    assert DISTANCE_COST["negative", "neutral"] == DISTANCE_COST["positive", "neutral"] == 1
    assert DISTANCE_COST["neutral", "negative"] == DISTANCE_COST["neutral", "positive"] == 1
    assert DISTANCE_COST["negative", "positive"] == DISTANCE_COST["positive", "negative"] == 2


def test_costly_confusions_by_hand():
    gold = series("negative", "negative", "negative", "positive", "positive", "neutral")
    found = costly_confusions(
        gold,
        predictions(series("neutral", "neutral", "neutral", "negative", "positive", "neutral"), [6, 8, 7, 4, 3, 2]),
        examples=2,
    )
    # Three times negative for neutral at 1 each, once positive for negative at 2; the last two are right.
    assert found.columns.tolist() == ["true", "predicted", "count", "cost", "total", "examples"]
    assert found.to_numpy().tolist() == [
        ["negative", "neutral", 3, 1, 3, ["row 1", "row 2"]],
        ["positive", "negative", 1, 2, 2, ["row 3"]],
    ]


def test_costs_of_ones_own():
    # Only to call a positive tweet negative costs anything, and to be right about a neutral one.
    costs = {("positive", "negative"): 0.5, ("neutral", "neutral"): 10.0}
    found = costly_confusions(GOLD, predictions(PREDICTED), costs=costs, examples=0)
    assert found.to_numpy().tolist() == [
        ["neutral", "neutral", 1, 10, 10, []],
        ["positive", "negative", 1, 0.5, 0.5, []],
    ]
    assert len(costly_confusions(GOLD, predictions(PREDICTED), costs={})) == 0


def test_costs_of_equal_totals_stay_in_the_order_of_labels_and_index_labels_may_occur_twice():
    gold = series("positive", "positive", "negative", "negative", index=[0, 0, 1, 1])
    found = costly_confusions(gold, predictions(series("neutral", "neutral", "neutral", "neutral", index=[0, 0, 1, 1])))
    assert found[["true", "total"]].to_numpy().tolist() == [["negative", 2], ["positive", 2]]
    assert found["examples"].tolist() == [["row 2", "row 3"], ["row 0", "row 1"]]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(LABEL, MAYBE), min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_costs_in_any_order(rows, random):
    gold, labels = (series(*column) for column in zip(*rows, strict=True))
    table = predictions(labels)
    found = costly_confusions(gold, table)
    right = [(true, predicted) for true, predicted in rows if predicted is not None]
    expected = sum(abs(LABELS.index(true) - LABELS.index(predicted)) for true, predicted in right)
    assert found["total"].sum() == expected
    assert found["total"].is_monotonic_decreasing
    for row in found.itertuples():
        numbers = [int(text.split()[1]) for text in row.examples]
        assert len(numbers) == min(3, row.count)
        assert all((gold[number], labels[number]) == (row.true, row.predicted) for number in numbers)
        assert numbers == sorted(numbers)  # confidence falls with the number
    order = random.sample(range(len(rows)), len(rows))
    index = [0] * len(rows)
    shuffled = costly_confusions(gold.iloc[order].set_axis(index), table.iloc[order].set_axis(index))
    pd.testing.assert_frame_equal(found, shuffled)


def test_costs_of_missing_labels():
    gold = series("negative", "positive", None)
    table = predictions(series(None, "negative", "negative"), [np.nan, 0.8, 0.9])
    assert costly_confusions(gold, table)[["true", "predicted", "count"]].to_numpy().tolist() == [
        ["positive", "negative", 1]
    ]
    costs = {**DISTANCE_COST, ("negative", NO_PREDICTION): 3.0}
    found = costly_confusions(gold, table, costs=costs)
    assert found[["true", "predicted", "total"]].to_numpy().tolist() == [
        ["negative", NO_PREDICTION, 3],
        ["positive", "negative", 2],
    ]
    assert found.loc[1, "examples"] == ["row 1"]


def test_a_missing_prediction_that_costs_something_has_its_text_as_example():
    gold = series("negative", "positive")
    table = predictions(series(None, "positive"), [np.nan, 0.8])
    assert costly_confusions(gold, table, costs={("negative", NO_PREDICTION): 3.0})["examples"].tolist() == [["row 0"]]


def test_no_rows_cost_nothing():
    with pytest.warns(UserWarning, match="no row has a gold label"):
        found = costly_confusions(series(None), predictions(series("negative")))
    assert len(found) == 0
    assert found.columns.tolist() == ["true", "predicted", "count", "cost", "total", "examples"]


def test_confused_tweets_by_hand():
    tweets = pd.DataFrame({"text": list("abcd"), "label": ["positive", "negative", None, "neutral"]})
    predictions = pd.DataFrame(
        {"label": ["negative", "negative", "positive", "positive"], "confidence": [0.6, 0.9, 0.8, 0.7]}
    )
    found = confused_tweets(tweets, predictions)
    assert found.index.tolist() == [3, 0]
    assert found["gold"].tolist() == ["neutral", "positive"]
    assert found["predicted"].tolist() == ["positive", "negative"]
    with pytest.raises(ValueError, match="index"):
        confused_tweets(tweets, predictions[:2])
