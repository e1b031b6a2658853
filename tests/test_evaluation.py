import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from sentiment_kit.evaluation import accuracy, proportions, scores_by_class
from sentiment_kit.labels import LABELS, label_dtype


def series(*labels):
    return pd.Series(labels, dtype=label_dtype)


GOLD = series("negative", "negative", "neutral", "positive", "positive")
PREDICTED = series("negative", "neutral", "neutral", "positive", "negative")


def test_accuracy_by_hand():
    result = accuracy(GOLD, PREDICTED)
    assert (result["count"], result["n"], result["share"]) == (3, 5, 0.6)
    # Wilson's formula, worked by hand for 3 of 5 with z = 1.959964.
    assert result["low"] == pytest.approx(0.230724, abs=1e-6)
    assert result["high"] == pytest.approx(0.882379, abs=1e-6)


def test_scores_by_class_by_hand():
    table = scores_by_class(GOLD, PREDICTED)
    assert table.index.tolist() == list(LABELS)
    assert table["precision"].tolist() == [1 / 2, 1 / 2, 1]
    assert table["recall"].tolist() == [1 / 2, 1, 1 / 2]
    np.testing.assert_allclose(table["f1"], [1 / 2, 2 / 3, 2 / 3])
    assert table["support"].tolist() == [2, 1, 2]


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=30))
def test_equal_to_scikit_learn_in_any_order(rows):
    gold, predicted = (series(*column) for column in zip(*rows, strict=True))
    table = scores_by_class(gold, predicted)
    expected = precision_recall_fscore_support(
        gold.astype(str), predicted.astype(str), labels=list(LABELS), zero_division=np.nan
    )
    np.testing.assert_allclose(table.to_numpy().T, np.array(expected), atol=1e-12)
    assert accuracy(gold, predicted)["share"] == accuracy_score(gold.astype(str), predicted.astype(str))
    shuffled = np.random.default_rng(0).permutation(len(gold))
    pd.testing.assert_frame_equal(table, scores_by_class(gold.iloc[shuffled], predicted.iloc[shuffled]))


def test_an_unreadable_row_is_an_error_and_an_unlabelled_one_no_row():
    gold = series("negative", "negative", None, "positive")
    predicted = series("negative", None, "neutral", "positive")
    result = accuracy(gold, predicted)
    assert (result["count"], result["n"]) == (2, 3)
    table = scores_by_class(gold, predicted)
    assert table.loc["negative", ["precision", "recall"]].tolist() == [1, 0.5]
    assert table["support"].tolist() == [2, 0, 1]


def test_an_absent_class_is_nan_not_zero():
    table = scores_by_class(series("negative", "positive"), series("negative", "negative"))
    assert np.isnan(table.loc["neutral", "recall"])
    assert np.isnan(table.loc["neutral", "precision"])
    assert np.isnan(table.loc["positive", "precision"])
    assert table.loc["positive", "recall"] == 0


def test_no_rows_are_nan_with_a_warning():
    with pytest.warns(UserWarning, match="no row has a gold label"):
        result = accuracy(series(None, None), series("negative", "neutral"))
    assert result["n"] == 0
    assert np.isnan(result["share"])


def test_mismatched_indexes_and_unknown_labels_are_named():
    with pytest.raises(ValueError, match="same index; they have 5 and 4 rows"):
        accuracy(GOLD, PREDICTED.iloc[:4])
    with pytest.raises(ValueError, match="predicted labels must be among .* got 'joy'"):
        accuracy(GOLD, pd.Series(["joy"] * 5))


def test_proportions():
    table = proportions(pd.Series({"a": 0, "b": 50, "c": 100}), 100)
    assert table["share"].tolist() == [0, 0.5, 1]
    # Wilson's interval never leaves [0, 1] and is never empty: 0 of 100 may still be up to 3.7%.
    np.testing.assert_allclose(table["low"], [0, 0.403832, 0.963006], atol=1e-6)
    np.testing.assert_allclose(table["high"], [0.036994, 0.596168, 1], atol=1e-6)
    assert np.isnan(proportions(pd.Series({"a": 0}), 0)["low"]).all()
    with pytest.raises(ValueError, match="0 <= count <= n"):
        proportions(pd.Series({"a": 3}), 2)
    with pytest.raises(ValueError, match="same index"):
        proportions(pd.Series({"a": 1}), pd.Series({"b": 2}))
