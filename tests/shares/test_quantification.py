import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_kit.evaluation.intervals import wilson_interval
from sentiment_kit.shares import labels_needed
from sentiment_kit.shares.quantification import (
    adjusted_count,
    allocation,
    expectation_maximisation,
    prediction_powered,
)

# Ten labelled rows of a file of sixteen: whether each has the label, what the model says of it; and of the six others.
GOLD = np.array([1, 1, 0, 0, 0, 1, 0, 0, 0, 1])
SAYS = np.array([0.9, 0.6, 0.2, 0.1, 0.4, 0.8, 0.3, 0.2, 0.1, 0.3])
OTHERS = np.array([0.7, 0.5, 0.1, 0.2, 0.9, 0.6])


def powered(gold, says, mean, rows, weights=None):
    """Of one group and one label."""
    gold, says = np.array(gold, dtype=float)[:, None], np.array(says, dtype=float)[:, None]
    weights = np.ones(len(gold)) if weights is None else np.array(weights, dtype=float)
    found = prediction_powered(gold, says, np.zeros(len(gold), int), np.array([rows]), np.array([[mean]]), weights)
    return [values.item() for values in found]


def test_the_share_is_moved_by_how_far_the_model_is_from_its_own_mean():
    mean = np.concatenate([SAYS, OTHERS]).mean()
    share, low, high, effective = powered(GOLD, SAYS, mean, 16)
    # By ppi-python 0.2.3: ppi_mean_pointestimate(GOLD, SAYS, OTHERS, lam=6 / 16) is .44125; our factor is 1 here, which
    # moves by the mean over all rows, theirs by that over the six.
    assert share == pytest.approx(0.4 + mean - SAYS.mean()) == pytest.approx(0.44125)
    assert 0 < low < share < high < 1
    assert effective > 10


def test_many_rows_agree_with_the_reference_implementation():
    drawn = np.random.default_rng(0)
    gold = (drawn.random(20_000) < 0.3).astype(float)
    says = np.clip(0.25 + 0.4 * gold + drawn.normal(0, 0.15, 20_000), 0, 1)
    rows = drawn.choice(20_000, 400, replace=False)
    share, low, high, _ = powered(gold[rows], says[rows], says.mean(), 20_000)
    # ppi-python 0.2.3: .28219, and .25281 to .31157 by ppi_mean_ci, whose interval is Wald's
    assert share == pytest.approx(0.28219, abs=0.001)
    assert (low, high) == pytest.approx((0.25281, 0.31157), abs=0.0015)


def test_a_model_that_knows_nothing_leaves_labelling_alone():
    share, low, high, effective = powered([1, 0, 0, 0], [0.5] * 4, 0.9, 10**9)
    assert (share, effective) == (0.25, pytest.approx(4))
    assert (low, high) == pytest.approx([value.item() for value in wilson_interval(np.array([0.25]), np.array([4.0]))])


def test_a_model_that_says_the_opposite_is_left_out():
    assert powered([1, 0, 0, 0], [0, 1, 1, 1], 0.9, 100)[0] == 0.25


def test_labels_that_all_say_no_are_left_to_themselves():
    share, low, high, effective = powered([0] * 20, np.linspace(0, 0.4, 20), 0.3, 10**9)
    assert (share, low, effective) == (0, 0, 20)
    assert high == pytest.approx(0.161, abs=0.001)  # Wilson's of 0 in 20


def test_with_all_rows_labelled_nothing_is_left_to_doubt():
    share, low, high, _ = powered(GOLD, SAYS, SAYS.mean(), 10)
    assert (share, low, high) == pytest.approx((0.4, 0.4, 0.4))


def test_weights_by_hand():
    """Two strata of 90 and 10 rows, five labelled in each: all of the first have the label, none of the second."""
    gold, weights = [1] * 5 + [0] * 5, [18] * 5 + [2] * 5
    share, *_, effective = powered(gold, [0.5] * 10, 0.5, 100, weights)
    assert share == pytest.approx(0.9)
    assert effective == pytest.approx(100**2 / (5 * 18**2 + 5 * 2**2))  # Kish's
    assert powered(gold, [0.5] * 10, 0.5, 100, np.array(weights) * 7)[0] == pytest.approx(0.9)


def test_a_group_without_labels_has_no_share():
    found = prediction_powered(
        np.array([[1.0], [0.0]]), np.array([[0.8], [0.1]]), np.array([0, 0]), np.array([5, 5]),
        np.array([[0.5], [0.5]]), np.ones(2),
    )  # fmt: skip
    assert not np.isnan([values[0, 0] for values in found]).any()
    assert np.isnan([values[1, 0] for values in found]).all()


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(6, 60))
def test_order_does_not_matter_and_intervals_are_never_wider_than_labels_alone(seed, n):
    drawn = np.random.default_rng(seed)
    gold = drawn.integers(0, 2, (n, 2)).astype(float)
    says, group = np.clip(gold * 0.5 + drawn.random((n, 2)) * 0.6, 0, 1), drawn.integers(0, 3, n)
    sizes, means = np.array([200, 300, 400]), drawn.random((3, 2))
    found = prediction_powered(gold, says, group, sizes, means, np.ones(n))
    order = drawn.permutation(n)
    again = prediction_powered(gold[order], says[order], group[order], sizes, means, np.ones(n))
    for values, others in zip(found, again, strict=True):
        np.testing.assert_allclose(values, others, atol=1e-9)
    m = np.bincount(group, minlength=3)[:, None]
    known = (m > 0)[:, 0]
    with np.errstate(divide="ignore"):
        low, high = wilson_interval(found.share, m / (1 - m / sizes[:, None]))
    assert ((found.high - found.low)[known] <= (high - low)[known] + 1e-9).all()
    assert (found.n_effective[known] >= m[known] - 1e-9).all()


def test_intervals_hold_in_simulation():
    """A short form of experiments/coverage_of_shares.py: a file of 4,000 tweets, 100 labels, 400 samples."""
    drawn = np.random.default_rng(3)
    gold = np.eye(3)[drawn.choice(3, 4000, p=[0.374, 0.465, 0.161])]
    says = drawn.dirichlet([1, 1, 1], 4000) * 0.5 + gold * 0.5
    held, width, alone = [], [], []
    for _ in range(400):
        rows = drawn.choice(4000, 100, replace=False)
        at = np.zeros(100, int)
        found = prediction_powered(gold[rows], says[rows], at, np.array([4000]), says.mean(axis=0)[None], np.ones(100))
        blind = prediction_powered(gold[rows], 0 * says[rows], at, np.array([4000]), np.zeros((1, 3)), np.ones(100))
        held.append((found.low <= gold.mean(axis=0)) & (gold.mean(axis=0) <= found.high))
        width.append(found.high - found.low)
        alone.append(blind.high - blind.low)
    assert 0.93 < np.mean(held) < 0.98
    assert np.mean(width) < 0.9 * np.mean(alone)


# Adjusted counting, EM


def test_adjusted_counting_by_hand():
    """A share of 40, 40, 20 of 1,000 tweets, confused as the matrix says, is counted 370, 380, 250."""
    confusion = np.array([[80, 10, 10], [10, 80, 10], [5, 10, 85]])
    counts = np.array([[370, 380, 250]])
    assert counts[0].tolist() == (np.array([400, 400, 200]) @ confusion / 100).tolist()
    found = adjusted_count(counts, confusion)
    np.testing.assert_allclose(found.share, [[0.4, 0.4, 0.2]])
    assert (found.low < found.share).all()
    assert (found.share < found.high).all()
    wider = adjusted_count(counts, confusion // 5)
    assert (wider.high - wider.low > found.high - found.low).all()


def test_adjusted_counting_stays_within_0_and_1_and_without_tweets_says_nothing():
    found = adjusted_count(np.array([[0, 50, 50], [0, 0, 0]]), np.array([[80, 10, 10], [10, 80, 10], [5, 10, 85]]))
    assert found.share[0, 0] == 0
    assert found.share[0].sum() == pytest.approx(1)
    assert np.isnan(found.share[1]).all()
    assert np.isnan(found.low[1]).all()


def test_em_finds_the_shares_of_calibrated_answers():
    """Two kinds of tweets, as a model sees them that learned from halves: 3 to 1 for the first label, or against it."""
    drawn = np.random.default_rng(0)
    first = drawn.random(200_000) < 0.8
    speaks_for_it = drawn.random(200_000) < np.where(first, 0.75, 0.25)
    chance = np.where(speaks_for_it, 0.75, 0.25)
    answers = np.stack([chance, 1 - chance, np.zeros(200_000)], axis=1)
    found = expectation_maximisation(answers, np.array([0.5, 0.5, 1e-9]))
    assert found == pytest.approx([0.8, 0.2, 0], abs=0.01)
    assert chance.mean() == pytest.approx(0.575, abs=0.01)  # which is what counting or averaging would say
    assert np.isnan(expectation_maximisation(answers[:0], np.ones(3) / 3)).all()


# How many


def test_labels_needed_are_those_of_wilsons_interval():
    for width, share in [(0.1, 0.5), (0.2, 0.3), (0.05, 0.02)]:
        n = labels_needed(width, share=share)
        low, high = wilson_interval(np.array([share, share]), np.array([n, n - 1.0]))
        assert high[0] - low[0] <= width < high[1] - low[1]


def test_labels_needed_with_few_rows_several_groups_and_a_model():
    assert labels_needed(0.1) == 381
    assert labels_needed(0.1, groups=4) == 4 * 381
    assert labels_needed(0.1, rows=500) == 217
    assert labels_needed(0.1, rows=100) < 100
    assert labels_needed(0.1, explained=0.5) == 191


@pytest.mark.parametrize("wrong", [{"width": 0}, {"share": 1.5}, {"explained": 1}, {"groups": 0}])
def test_labels_needed_refuses_what_cannot_be(wrong):
    with pytest.raises(ValueError, match="expected 0 < width < 1"):
        labels_needed(**{"width": 0.1, **wrong})


def test_what_a_small_stratum_has_not_got_goes_to_the_others():
    assert allocation(pd.Series({"a": 100, "b": 3, "c": 50}), 60).tolist() == [29, 3, 28]
    assert allocation(pd.Series({"a": 2, "b": 3}), 5).tolist() == [2, 3]
