import numpy as np
import pytest
from crossed import crossed_interval
from scipy.stats import norm, ttest_1samp


def _mean(sums):
    return sums[..., 0] / sums[..., 1]


def _terms(values):
    values = np.asarray(values, dtype=float)
    return np.stack([values, np.ones_like(values)], axis=-1)


def test_crossed_value_is_the_mean_over_trainings():
    found = crossed_interval(_terms([[1, 0, 1, 1], [1, 0, 0, 0]]), _mean, resamples=500)
    assert found.value == 0.5
    assert found.low == pytest.approx(1 - found.high)


def test_crossed_difference_is_paired_by_training_and_row():
    right = np.random.default_rng(0).integers(0, 2, size=(3, 40))
    found = crossed_interval(_terms(right + 0.25), _mean, reference=_terms(right), resamples=200)
    np.testing.assert_allclose(found[:3], 0.25)
    assert found.p_value < 1e-9
    same = crossed_interval(_terms(right), _mean, reference=_terms(right), resamples=200)
    assert same == (0, 0, 0, 1)


def test_crossed_intervals_know_of_rows_and_of_trainings():
    generator = np.random.default_rng(1)
    rows = np.tile(generator.normal(size=200), (5, 1))  # every training does the same: rows alone vary
    trainings = np.tile(generator.normal(size=(5, 1)), (1, 200))
    half = norm.ppf(0.975) * np.std(rows) / np.sqrt(200)
    for terms in (rows, rows[:1]):  # one training: of rows alone
        found = crossed_interval(_terms(terms), _mean, resamples=4000)
        assert found.high - found.value == pytest.approx(half, rel=0.06)
    # Rows alone do not vary: Student's test of a mean of five.
    found, expected = crossed_interval(_terms(trainings), _mean, resamples=400), ttest_1samp(trainings[:, 0], 0)
    assert found[1:3] == pytest.approx(tuple(expected.confidence_interval()))
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.long
@pytest.mark.parametrize(("spread", "n_rows"), [(0.05, 400), (0.25, 400), (0.25, 80), (0.02, 80)])
def test_crossed_intervals_hold_the_truth_with_five_trainings(spread, n_rows):
    """Two recipes of the same worth, on rows of unequal difficulty; how much seeds and rows differ varies."""
    generator, found, runs = np.random.default_rng(0), [], 300
    for run in range(runs):
        difficulty = generator.normal(size=n_rows)
        worth = generator.normal(1, spread, size=(2, 5, 1))
        right = generator.random((2, 5, n_rows)) < 1 / (1 + np.exp(difficulty - worth))
        found.append(crossed_interval(_terms(right[0]), _mean, reference=_terms(right[1]), resamples=400, seed=run))
    held = sum(low <= 0 <= high for _, low, high, _ in found)
    assert held == sum(p_value >= 0.05 for *_, p_value in found)
    assert 0.92 * runs <= held <= 0.995 * runs  # 95% is nominal; three standard errors of 300 are 3.8 points


def test_crossed_needs_something():
    with pytest.raises(ValueError, match="got 0 and 3"):
        crossed_interval(np.zeros((0, 3, 2)), _mean)
    with pytest.raises(ValueError, match=r"shape of terms, \(2, 3, 2\), got \(1, 3, 2\)"):
        crossed_interval(np.ones((2, 3, 2)), _mean, reference=np.ones((1, 3, 2)))
