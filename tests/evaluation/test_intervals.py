import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from sentiment_kit.evaluation.intervals import (
    bootstrap,
    difference_from_intervals,
    difference_interval,
    divide,
    mean_of_defined,
    minimum_detectable_difference,
    n_for_gap,
    p_of_difference,
    power_of_gap,
    proportions,
    simultaneous_quantiles,
    simultaneous_z,
    stratified_proportion,
    wilson_interval,
)

# Shares


def test_proportions():
    table = proportions(pd.Series({"a": 0, "b": 50, "c": 100}), 100)
    assert table.columns.tolist() == ["count", "n", "share", "low", "high"]
    assert table["share"].tolist() == [0, 0.5, 1]
    # Wilson's interval never leaves [0, 1] and is never empty: 0 of 100 may still be up to 3.7%. With z^2 = 3.841459,
    # the ends are (share + z^2 / 2n +- z sqrt(share (1 - share) / n + z^2 / 4n^2)) / (1 + z^2 / n):
    # a: high = 3.841459 / 103.841459; b: (0.5192073 +- 1.959964 sqrt(0.00259604)) / 1.0384146; c: 1 less those of a.
    np.testing.assert_allclose(table["low"], [0, 0.403832, 0.963006], atol=1e-6)
    np.testing.assert_allclose(table["high"], [0.036994, 0.596168, 1], atol=1e-6)
    assert np.isnan(proportions(pd.Series({"a": 0}), 0)["low"]).all()
    with pytest.raises(ValueError, match="0 <= count <= n"):
        proportions(pd.Series({"a": 3}), 2)
    with pytest.raises(ValueError, match="same index"):
        proportions(pd.Series({"a": 1}), pd.Series({"b": 2}))


def test_a_difference_of_two_shares_as_newcombe_published_it():
    """Table II of Newcombe (Statistics in Medicine, 1998), method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    for (a, n), (b, m), expected in (
        ((56, 70), (48, 80), (0.2, 0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.6, 0.1705, 0.8090)),
    ):
        shares = proportions(pd.Series([a, b]), pd.Series([n, m]))[["share", "low", "high"]].to_numpy()
        assert difference_from_intervals(*shares).tolist() == pytest.approx(expected, abs=5e-5)
        turned = difference_from_intervals(*shares[::-1])
        assert turned.tolist() == pytest.approx([-expected[0], -expected[2], -expected[1]], abs=5e-5)


def strata(*rows):
    return pd.DataFrame(rows, columns=["size", "n", "count"])


def test_a_stratified_share_by_hand():
    # 10 of 20 known, and of the other 80 a sample of 40 with 4: (10 + 80 / 10) / 100, as unsure as 80% of that tenth.
    found = stratified_proportion(strata((20, 20, 10), (80, 40, 4)))
    low, high = (end.item() for end in wilson_interval(np.array([0.1]), np.array([40.0])))
    assert found["share"] == pytest.approx(0.18)
    assert found["n"] == 60
    assert found["low"] == pytest.approx(0.1 + 0.8 * low)
    assert found["high"] == pytest.approx(0.1 + 0.8 * high)


def test_a_stratified_share_of_one_sample_and_of_all():
    one = stratified_proportion(strata((1000, 50, 5)))
    assert one[["low", "high"]].tolist() == pytest.approx(
        proportions(pd.Series([5]), 50).loc[0, ["low", "high"]].tolist()
    )
    assert stratified_proportion(strata((4, 4, 1), (4, 4, 3)))[["share", "low", "high"]].tolist() == [0.5] * 3


@pytest.mark.parametrize("row", [(5, 0, 0), (5, 6, 0)])
def test_a_part_is_read_at_least_once_and_not_more_than_it_has(row):
    with pytest.raises(ValueError, match="1 <= n <= size"):
        stratified_proportion(strata((10, 5, 1), row))


def test_a_share_of_nothing_is_nan_beside_others():
    table = proportions(pd.Series([0, 1, 0]), pd.Series([0, 1, 1]))
    assert table["n"].tolist() == [0, 1, 1]
    assert table.loc[0, ["share", "low", "high"]].isna().all()
    # One row: 1 / (1 + z^2) = 1 / 4.841459, and its complement.
    np.testing.assert_allclose(table.loc[1, ["share", "low", "high"]].tolist(), [1, 0.206549, 1], atol=1e-6)
    np.testing.assert_allclose(table.loc[2, ["share", "low", "high"]].tolist(), [0, 0, 0.793451], atol=1e-6)


def test_no_shares_at_all():
    assert proportions(pd.Series([], dtype=int), 5).columns.tolist() == ["count", "n", "share", "low", "high"]


def test_index_labels_may_occur_twice():
    index = ["a", "a", "b"]
    table = proportions(pd.Series([1, 2, 3], index=index), pd.Series([2, 4, 4], index=index))
    assert table.index.tolist() == index
    assert table["share"].tolist() == [0.5, 0.5, 0.75]


def test_a_negative_count_is_an_error():
    with pytest.raises(ValueError, match="0 <= count <= n"):
        proportions(pd.Series([-1]), 2)


COUNTS_OF_N = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None, max_examples=60)
@given(st.lists(COUNTS_OF_N, min_size=1, max_size=8))
def test_wilson_as_in_scipy_whatever_the_order_and_index(rows):
    count, n = (pd.Series(column) for column in zip(*rows, strict=True))
    table = proportions(count, n)
    for (successes, trials), (_, row) in zip(rows, table.iterrows(), strict=True):
        if trials == 0:
            assert row[["share", "low", "high"]].isna().all()
            continue
        expected = binomtest(successes, trials).proportion_ci(method="wilson")
        np.testing.assert_allclose([row["low"], row["high"]], [expected.low, expected.high], atol=1e-12)
        assert 0 <= row["low"] <= row["share"] <= row["high"] <= 1
    names = [f"row {number}" for number in range(len(rows))]
    renamed = proportions(count[::-1].set_axis(names), n[::-1].set_axis(names))
    np.testing.assert_array_equal(renamed.to_numpy(dtype=float), table[::-1].to_numpy(dtype=float))


# Division that may be undefined


def test_divide_is_nan_where_there_is_nothing_to_divide_by():
    found = divide(np.array([1, 0, 3]), np.array([2, 0, 0]))
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan])


def test_mean_of_what_is_defined():
    values = np.array([[1, 2, 6], [1, np.nan, 2], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_of_defined(values), [3, 1.5, np.nan])


# Bootstrap


def shares(counts):
    """Of a 2 x 2 table of truth by answer: what is right, and what is right of the second class."""
    n = counts.sum(axis=(-2, -1))
    return {
        "accuracy": divide(counts[..., 0, 0] + counts[..., 1, 1], n),
        "recall": divide(counts[..., 1, 1], counts[..., 1, :].sum(axis=-1)),
    }


def first_share(counts):
    return {"share": divide(counts[..., 0], counts.sum(axis=-1))}


def test_bootstrap_of_five_rows_by_hand():
    # 3 of 5: a resample has Binomial(5, 0.6) right, of which P(0) = 0.01024 and P(<= 1) = 0.08704, so the 2.5% quantile
    # is 1; P(5) = 0.07776, so the 97.5% quantile is 5.
    table = bootstrap(np.array([3, 2]), first_share, resamples=4000)
    assert table.columns.tolist() == ["value", "low", "high"]
    assert table.loc["share"].tolist() == [3 / 5, 1 / 5, 1]


def test_bootstrap_equals_drawing_rows():
    counts = np.array([[130, 20], [15, 35]])
    rows = np.repeat(np.arange(4), counts.ravel())  # each row of the data by its cell
    generator = np.random.default_rng(1)
    drawn = [np.bincount(generator.choice(rows, len(rows)), minlength=4).reshape(2, 2) for _ in range(4000)]
    table = bootstrap(counts, shares, resamples=4000)
    assert table["value"].tolist() == [165 / 200, 35 / 50]
    for name, tolerance in (("accuracy", 0.0075), ("recall", 0.02)):
        # One row more or less (0.005, 0.01), and the Monte-Carlo error of a quantile near 2.5% of 4000 (0.04 of
        # the standard deviation, twice): 0.0025 and 0.006 more.
        expected = np.quantile([shares(resample)[name] for resample in drawn], [0.025, 0.975])
        np.testing.assert_allclose(table.loc[name, ["low", "high"]].tolist(), expected, atol=tolerance)


def test_bootstrap_depends_on_the_seed_alone():
    counts = np.array([[120, 17], [23, 43]])
    first = bootstrap(counts, shares, resamples=50, seed=3)
    pd.testing.assert_frame_equal(first, bootstrap(counts, shares, resamples=50, seed=3))
    assert not first.equals(bootstrap(counts, shares, resamples=50, seed=4))


def test_resamples_in_which_a_value_is_undefined_are_left_out():
    # With one row of the second class, about e^-1 of the resamples have none; in the others all of them are wrong, and
    # the draw is smoothed.
    table = bootstrap(np.array([[9, 0], [1, 0]]), shares, resamples=1000)
    assert table.loc["recall", ["value", "low"]].tolist() == [0, 0]
    assert 0 < table.loc["recall", "high"] <= 1
    # With 2 right of 3, in 0.7^10 = 2.8% of the resamples there are none, in 0.8^10 - 2.8% = 7.9% all of them are
    # wrong, in 0.9^10 - 2.8% = 32.0% right: both well above 2.5%.
    table = bootstrap(np.array([[7, 0], [1, 2]]), shares, resamples=1000)
    assert table.loc["recall"].tolist() == [2 / 3, 0, 1]


def test_what_is_undefined_has_no_interval():
    table = bootstrap(np.array([[5, 1], [0, 0]]), shares, resamples=100)
    assert table.loc["recall"].isna().all()
    assert table.loc["accuracy"].notna().all()


def test_no_rows_have_no_interval():
    assert bootstrap(np.zeros((2, 2), dtype=int), shares, resamples=100).isna().all(axis=None)


def test_one_row_leaves_nearly_everything_possible():
    table = bootstrap(np.array([1, 0]), first_share)
    assert table.loc["share"].tolist() == [1, 0, 1]


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_without_errors_the_interval_comes_close_to_wilsons(n):
    # Spread over the nine cells of three labels, six of them wrong: about Poisson(2/3) rows are wrong, P(<= 1) = 0.856
    # and P(<= 2) = 0.970, so 2 or 3 at the 97.5% quantile, where Wilson's interval has z^2 = 3.84. Tolerance: two rows.
    counts = np.diag([n // 2, n - n // 2, 0])
    table = bootstrap(counts, lambda drawn: {"accuracy": np.trace(drawn, axis1=-2, axis2=-1) / n})
    expected = proportions(pd.Series([n]), n).loc[0]
    assert table.loc["accuracy", ["value", "high"]].tolist() == [1, 1]
    assert table.loc["accuracy", "low"] < 1
    assert table.loc["accuracy", "low"] == pytest.approx(expected["low"], abs=2 / n)


def test_fewer_than_one_resample_is_an_error():
    with pytest.raises(ValueError, match="resamples must be at least 1, but 0 was passed"):
        bootstrap(np.array([3, 2]), first_share, resamples=0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4), st.integers(0, 5))
def test_an_interval_contains_its_value(counts, seed):
    table = bootstrap(np.array(counts).reshape(2, 2), shares, resamples=200, seed=seed).dropna()
    assert table["value"].between(table["low"], table["high"]).all()
    assert table.to_numpy().min(initial=0) >= 0
    assert table.to_numpy().max(initial=1) <= 1


# What so many rows can show


def test_detectable_difference_against_the_textbook():
    # 0.5 against 0.4: (1.959964 sqrt(2 * 0.45 * 0.55) + 0.841621 sqrt(0.25 + 0.24))^2 / 0.1^2 = 387.3 rows each.
    assert minimum_detectable_difference(388, 388) < 0.1 < minimum_detectable_difference(387, 387)
    assert minimum_detectable_difference(388, 388) == pytest.approx(0.1, abs=2e-4)
    # Against a share known exactly: (1.959964 * 0.5 + 0.841621 sqrt(0.24))^2 / 0.1^2 = 193.8 rows.
    assert minimum_detectable_difference(194) < 0.1 < minimum_detectable_difference(193)


def test_more_power_asks_for_more():
    # As above with 90% power: (1.959964 sqrt(0.495) + 1.281552 sqrt(0.49))^2 / 0.1^2 = 518.2 rows each.
    assert minimum_detectable_difference(519, 519, power=0.9) < 0.1 < minimum_detectable_difference(518, 518, power=0.9)


def exact_power(n, other, share, drop):
    """How often the two-sided test of two proportions rejects, summed over all outcomes."""
    right, right_other = np.arange(n + 1)[:, None], np.arange(other + 1)[None]
    pooled = (right + right_other) / (n + other)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / other))
    rejected = np.abs(right / n - right_other / other) > norm.ppf(0.975) * np.where(error > 0, error, np.inf)
    chance = binom.pmf(right, n, share - drop) * binom.pmf(right_other, other, share)
    return float(chance[rejected].sum())


@pytest.mark.parametrize(("n", "other", "share"), [(388, 388, 0.5), (150, 600, 0.7), (300, 100, 0.8)])
def test_a_detectable_difference_is_found_with_that_power(n, other, share):
    drop = minimum_detectable_difference(n, other, share=share)
    assert exact_power(n, other, share, drop) == pytest.approx(0.8, abs=0.02)
    assert exact_power(n, other, share, drop / 2) < 0.5


def test_power_against_a_share_known_exactly():
    n, share = 400, 0.7
    lower = share - minimum_detectable_difference(n, share=share)
    right = np.arange(n + 1)
    rejected = np.abs(right / n - share) > norm.ppf(0.975) * np.sqrt(share * (1 - share) / n)
    assert binom.pmf(right, n, lower)[rejected].sum() == pytest.approx(0.8, abs=0.02)


def test_so_few_rows_show_nothing():
    # Even a drop to 0 must exceed z sqrt(0.25 / n): n > 3.84 for a share of 0.5.
    assert np.isnan(minimum_detectable_difference(0))
    assert np.isnan(minimum_detectable_difference(3))
    assert 0.4 < minimum_detectable_difference(4) <= 0.5
    # And n > 3.84 * 0.95 / 0.05 = 72.99 for a share of 0.05.
    assert np.isnan(minimum_detectable_difference(72, share=0.05))
    assert 0 < minimum_detectable_difference(73, share=0.05) <= 0.05


@given(st.integers(1, 5000), st.integers(1, 500), st.none() | st.integers(1, 5000), st.floats(0.02, 0.98))
def test_more_rows_show_smaller_differences(n, more, other, share):
    few = minimum_detectable_difference(n, other, share=share)
    many = minimum_detectable_difference(n + more, other, share=share)
    if not np.isnan(few):
        assert 0 < many < few <= share


@given(st.integers(20, 5000), st.integers(20, 5000))
def test_a_reference_known_exactly_shows_more(n, other):
    exact, drawn = minimum_detectable_difference(n), minimum_detectable_difference(n, other)
    assert np.isnan(drawn) or exact < drawn
    assert minimum_detectable_difference(n, 10**9) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    ("n", "options"), [(-1, {}), (10, {"other": 0}), (10, {"share": 1.1}), (10, {"share": -0.1}), (0, {"other": 0})]
)
def test_impossible_rows_and_shares_are_errors(n, options):
    with pytest.raises(ValueError, match="expected n >= 0, other >= 1, share in"):
        minimum_detectable_difference(n, **options)


def test_the_power_of_a_criterion():
    """ "Not worse by .05" with 480 rows a side and an accuracy of .8: half of all models without a gap fail."""
    # (.05 / sqrt(2 x .8 x .2 / 480) - 1.96) is -.02, but pooled under the criterion .0259 is a bit larger.
    assert power_of_gap(0, 480, 480, share=0.8, criterion=-0.05) == pytest.approx(0.49, abs=0.005)
    needed = n_for_gap(0, share=0.8, criterion=-0.05)
    assert power_of_gap(0, needed, needed, share=0.8, criterion=-0.05) >= 0.8
    assert power_of_gap(0, needed - 1, needed - 1, share=0.8, criterion=-0.05) < 0.8


def test_power_against_the_textbook():
    assert n_for_gap(-0.1) == 388  # as above
    assert n_for_gap(-0.1, ratio=np.inf) == 194
    assert n_for_gap(-0.1, power=0.9) == 519
    assert power_of_gap(-0.1, 388, 388) == pytest.approx(0.8, abs=1e-3)
    assert power_of_gap(0, 100, 100) == pytest.approx(0.025)  # in one direction


@given(st.integers(30, 5000), st.integers(30, 5000), st.floats(0.1, 0.95))
def test_power_is_the_inverse_of_what_is_detectable(n, other, share):
    drop = minimum_detectable_difference(n, other, share=share)
    assert np.isnan(drop) or power_of_gap(-drop, n, other, share=share) == pytest.approx(0.8)


@pytest.mark.parametrize(("share", "criterion", "n", "other"), [(0.8, -0.05, 480, 480), (0.85, -0.1, 150, 800)])
def test_so_many_simulated_models_meet_the_criterion(share, criterion, n, other):
    generator = np.random.default_rng(0)
    right, right_other = generator.binomial(n, share, 4000) / n, generator.binomial(other, share, 4000) / other
    low, _ = difference_interval(right, np.full(4000, float(n)), right_other, np.full(4000, float(other)))
    expected = power_of_gap(0, n, other, share=share, criterion=criterion)
    assert (low > criterion).mean() == pytest.approx(expected, abs=0.04)


def test_impossible_gaps_are_errors():
    with pytest.raises(ValueError, match="shares in"):
        power_of_gap(-0.6, 10, 10)
    with pytest.raises(ValueError, match="rows on both sides"):
        power_of_gap(-0.1, 0, 10)
    with pytest.raises(ValueError, match="other than the criterion"):
        n_for_gap(-0.1, criterion=-0.1)


# Two groups, and many estimates


def test_difference_by_hand():
    # 0 of 3: at most 1 - .025^(1/3) = .7076; 40 of 40: at least .025^(1/40) = .9119.
    low, high = difference_interval(np.array([0.0]), np.array([3.0]), np.array([1.0]), np.array([40.0]))
    assert low.item() == -1
    assert high.item() == pytest.approx(-1 + np.hypot(1 - 0.025 ** (1 / 3), 1 - 0.025 ** (1 / 40)))


@given(st.integers(1, 80), st.integers(1, 400), st.data())
def test_the_p_value_is_where_the_interval_touches_zero(n, other, data):
    right, right_other = data.draw(st.integers(0, n)), data.draw(st.integers(0, other))
    sides = np.array([right / n]), np.array([float(n)]), np.array([right_other / other]), np.array([float(other)])
    p_value = p_of_difference(*sides).item()
    low, high = difference_interval(*sides)
    assert (p_value < 0.05) == (low.item() > 0 or high.item() < 0) or p_value == pytest.approx(0.05, abs=1e-6)


def test_few_rows_accuse_seldom():
    """3 rows of a group beside 900 others, both right in 87%: p below .001 at most so often."""
    generator = np.random.default_rng(0)
    right, right_other = generator.binomial(3, 0.87, 20_000) / 3, generator.binomial(900, 0.87, 20_000) / 900
    p_values = p_of_difference(right, np.full(20_000, 3.0), right_other, np.full(20_000, 900.0))
    assert (p_values < 0.001).mean() <= 0.001
    assert (p_values < 0.01).mean() <= 0.01


def test_simultaneous_z():
    generator = np.random.default_rng(0)
    alike = np.repeat(generator.normal(size=(500, 1)), 4, axis=1)
    assert simultaneous_z(alike[:, :1]) == pytest.approx(norm.ppf(0.975))
    assert simultaneous_z(alike) == pytest.approx(norm.ppf(0.975), abs=0.05)
    apart = np.kron(np.eye(10), np.ones((50, 1)))  # rows of their own: independent
    assert simultaneous_z(apart) == pytest.approx(norm.isf((1 - 0.95 ** (1 / 10)) / 2), abs=0.05)
    assert simultaneous_z(np.column_stack([apart, np.zeros(500), np.full(500, np.nan)])) == simultaneous_z(apart)


def test_simultaneous_quantiles():
    draws = np.random.default_rng(0).normal(size=(20_000, 5))
    low, high = simultaneous_quantiles(draws)
    assert ((low <= draws) & (draws <= high)).all(axis=1).mean() == pytest.approx(0.95, abs=0.002)
    np.testing.assert_allclose(high, norm.isf((1 - 0.95 ** (1 / 5)) / 2), atol=0.1)
