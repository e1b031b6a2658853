import numpy as np
import pytest
from conftest import GOLD, PREDICTED, drawn, series
from scipy.stats import binomtest

from sentiment_kit.evaluation.comparison import compare_models
from sentiment_kit.labels import LABELS

NEG, NEU, POS = LABELS


def test_compare_models_by_hand():
    other = series(NEG, NEG, NEU, NEG, NEG)
    found = compare_models(GOLD, PREDICTED, other)
    # a has rows 0, 2, 3 right, b rows 0, 1, 2.
    assert found.test.drop("p_value").to_dict() == {
        "both_right": 2,
        "only_a_right": 1,
        "only_b_right": 1,
        "both_wrong": 1,
        "n": 5,
    }
    assert found.test["p_value"] == 1
    assert found.discordant.index.tolist() == [1, 3]
    assert found.discordant["right"].tolist() == ["b", "a"]
    assert found.scores.loc["accuracy", ["a", "b", "difference"]].tolist() == [0.6, 0.6, 0]
    # b: F1 of negative 2*2/(2+4), of neutral 1, of positive 0.
    assert found.scores.loc["macro_f1", "b"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found.scores.loc["macro_f1", "a"] == pytest.approx(11 / 18)


def test_mcnemar_is_the_sign_test_of_the_discordant_rows():
    gold, a = drawn(400, seed=1)
    _, b = drawn(400, seed=1, right=0.7)
    found = compare_models(gold, a, b)
    only_a, only_b = int(((a == gold) & (b != gold)).sum()), int(((b == gold) & (a != gold)).sum())
    assert (found.test["only_a_right"], found.test["only_b_right"]) == (only_a, only_b)
    assert found.test["p_value"] == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
    assert len(found.discordant) == only_a + only_b
    assert found.scores.loc["accuracy", "difference"] == pytest.approx((only_b - only_a) / 400)


def test_the_paired_interval_is_that_of_resampled_rows():
    gold, a = drawn(120, seed=2)
    _, b = drawn(120, seed=2, right=0.7)
    change = (b == gold).astype(float).to_numpy() - (a == gold).astype(float).to_numpy()
    means = np.random.default_rng(0).choice(change, (20_000, 120)).mean(axis=1)
    found = compare_models(gold, a, b).scores.loc["accuracy"]
    assert found["low"] == pytest.approx(np.quantile(means, 0.025), abs=0.01)
    assert found["high"] == pytest.approx(np.quantile(means, 0.975), abs=0.01)


def test_swapping_the_models_turns_the_sign():
    gold, a = drawn(100, seed=3)
    _, b = drawn(100, seed=4)
    forth, back = compare_models(gold, a, b), compare_models(gold, b, a)
    np.testing.assert_allclose(forth.scores["difference"], -back.scores["difference"])
    assert forth.test["p_value"] == back.test["p_value"]


def test_a_model_against_itself():
    found = compare_models(GOLD, PREDICTED, PREDICTED)
    assert found.test["p_value"] == 1
    assert found.discordant.empty
    assert found.scores["difference"].tolist() == [0, 0]
