import numpy as np
import pandas as pd
import pytest
from conftest import NEG, NEU, POS, series
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_kit.errors import DataError
from sentiment_kit.evaluation import confusion_table
from sentiment_kit.labels import LABELS
from sentiment_kit.shares import share_differences, shares, shares_over_time
from sentiment_kit.shares.estimates import answered, period_names, shares_of, tally

FIVE = pd.DataFrame(
    {
        "text": list("abcde"),
        "label": series(NEG, NEG, NEU, POS, None),
        "negative": [0.8, 0.6, 0.1, 0.0, np.nan],
        "neutral": [0.1, 0.4, 0.7, 0.2, np.nan],
        "positive": [0.1, 0.0, 0.2, 0.8, np.nan],
        "topic": ["school", "trains", "trains", "school", "school"],
        "date": ["2026-03-02", "2026-03-08T23:00", "2026-03-17", "2026-03-18", None],
    }
)


@pytest.fixture(scope="module")
def many():
    """2,000 tweets with a model that is right three times in four, and labels of all of them."""
    drawn = np.random.default_rng(0)
    topic = drawn.choice(["school", "trains", "song"], 2000, p=[0.5, 0.3, 0.2])
    gold = np.where(drawn.random(2000) < np.where(topic == "trains", 0.7, 0.2), NEG, NEU)
    gold = np.where(drawn.random(2000) < 0.15, POS, gold)
    answers = np.where(drawn.random(2000) < 0.75, gold, drawn.choice(LABELS, 2000))
    table = pd.DataFrame({"label": series(*answers), "topic": topic})
    table["date"] = pd.Timestamp("2026-03-02") + pd.to_timedelta(drawn.integers(0, 28, 2000), unit="D")
    return table, pd.Series(gold)


def _row(table, **where):
    found = table
    for name, value in where.items():
        found = found[found[name].isna() if value is None else found[name] == value]
    (row,) = found.to_dict("records")
    return row


def test_counting_by_hand():
    found = shares(FIVE, by="topic")
    assert found["label"].tolist() == [*LABELS] * 3
    assert found["counted"].tolist() == [0.5, 0.25, 0.25, 0.5, 0, 0.5, 0.5, 0.5, 0]
    assert found["group"].isna().tolist() == [True] * 3 + [False] * 6
    assert found["n"].tolist() == [4] * 3 + [2] * 6  # the fifth has no answer
    assert found[["share", "low", "high", "difference"]].isna().all(axis=None)
    assert (found["n_labelled"] == 0).all()


def test_a_sample_moves_the_count_towards_the_truth(many):
    table, gold = many
    found = shares(table, sample=gold.sample(400, random_state=1))
    for label in LABELS:
        row = _row(found, label=label)
        assert row["low"] < (gold == label).mean() < row["high"]
        assert abs(row["share"] - (gold == label).mean()) < abs(row["counted"] - (gold == label).mean())
        assert row["difference"] == row["share"] - row["counted"]
        assert row["n_effective"] > row["n_labelled"] == 400
    assert found["share"].sum() == pytest.approx(1, abs=0.02)


def test_all_rows_labelled_is_the_truth(many):
    table, gold = many
    found = shares(table, by="topic", sample=gold)
    right = pd.concat([gold.value_counts(normalize=True), *(gold[table["topic"] == name].value_counts(normalize=True)
                       for name in ("school", "song", "trains"))])  # fmt: skip
    labels = found["label"].tolist()
    expected = [right.iloc[3 * at : 3 * at + 3][labels[3 * at + k]] for at in range(4) for k in range(3)]
    np.testing.assert_allclose(found["share"], expected)
    np.testing.assert_allclose(found["low"], expected)


def test_probabilities_are_used_where_they_are():
    sample = pd.Series([NEG, NEU, NEU, POS], index=[0, 1, 2, 3])
    rows = answered(FIVE)
    assert rows["negative"].tolist() == [0.8, 0.6, 0.1, 0.0]
    assert answered(FIVE.drop(columns=[*LABELS]))["negative"].tolist() == [1, 1, 0, 0]
    assert shares(FIVE, sample=sample)["share"].tolist() == [0.25, 0.5, 0.25]  # all that have an answer


def test_mixed_is_a_label_that_only_people_give(many):
    table, gold = many
    some = gold.sample(200, random_state=2)
    found = shares(table, sample=some.where(np.arange(200) % 10 > 0, "mixed"))
    row = _row(found, label="mixed")
    assert row["counted"] == 0
    assert row["share"] == pytest.approx(0.1, abs=0.001)
    assert 0.05 < row["low"] < 0.1 < row["high"] < 0.16
    assert len(found) == 4


def test_weights_of_a_stratified_sample(many):
    table, gold = many
    drawn = pd.concat([part.sample(60, random_state=0) for _, part in gold.groupby(table["topic"])])
    sizes = table["topic"].value_counts()
    weighted = pd.DataFrame({"label": drawn, "weight": table.loc[drawn.index, "topic"].map(sizes) / 60})
    found = _row(shares(table, sample=weighted), label=NEG)
    assert found["low"] < (gold == NEG).mean() < found["high"]
    unweighted = _row(shares(table, sample=drawn), label=NEG)
    assert unweighted["share"] != found["share"]


def test_adjusted_counting_takes_a_confusion_matrix_from_elsewhere(many):
    table, gold = many
    cells = confusion_table(gold.iloc[:1000], table["label"].iloc[:1000])
    found = shares(table.iloc[1000:], method="adjusted", confusion=cells)
    for label in LABELS:
        row = _row(found, label=label)
        assert row["low"] < (gold.iloc[1000:] == label).mean() < row["high"]
    own = shares(table, sample=gold.iloc[:300], method="adjusted")
    assert own["low"].notna().all()
    assert (own["method"] == "adjusted").all()


def test_em_has_no_interval(many):
    table, gold = many
    chances = {label: np.where(table["label"] == label, 0.8333, 0.0833) for label in LABELS}
    found = shares(table.assign(**chances), by="topic", method="em", priors=dict.fromkeys(LABELS, 1 / 3))
    assert found["low"].isna().all()
    row = _row(found, group="trains", label=NEG)
    truth = (gold[table["topic"] == "trains"] == NEG).mean()
    assert abs(row["share"] - truth) < abs(row["counted"] - truth)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"method": "ppi"}, "the method ppi needs a sample"),
        ({"method": "adjusted"}, "the method adjusted needs a sample"),
        ({"method": "em"}, "the method em needs priors"),
        ({"sample": pd.Series([NEG], index=[77])}, "1 of 1 are not among them"),
        ({"sample": pd.Series(["angry"], index=[0])}, "labels of the sample must be among .* got 'angry'"),
        ({"method": "guess"}, "method must be one of counting, ppi, adjusted, em, but 'guess' was passed"),
        ({"by": pd.Series(["a"])}, "must have the same index"),
    ],
)
def test_what_cannot_be_done_is_said(how, message):
    with pytest.raises(ValueError, match=message):
        shares(FIVE, **how)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_order_of_rows_and_parts_does_not_matter(seed):
    drawn = np.random.default_rng(seed)
    table = pd.DataFrame({"label": series(*drawn.choice(LABELS, 60)), "topic": drawn.choice(["x", "y"], 60)})
    sample = pd.Series(drawn.choice(LABELS, 20), index=drawn.choice(60, 20, replace=False))
    whole = shares(table, by="topic", sample=sample)
    order = drawn.permutation(60)
    pd.testing.assert_frame_equal(whole, shares(table.iloc[order], by="topic", sample=sample.iloc[::-1]))
    rows = answered(table, "topic")
    parts = pd.concat([tally(rows.iloc[:17]), tally(rows.iloc[17:])]).groupby(level=["group", "period"]).sum()
    labelled = rows.join(pd.DataFrame({"gold": sample, "weight": 1.0}), how="inner")
    pd.testing.assert_frame_equal(whole, shares_of(parts, labelled))


# Along time


def test_periods_by_hand():
    names = period_names(FIVE["date"], "week")
    assert names.tolist() == ["2026-03-02", "2026-03-02", "2026-03-16", "2026-03-16", "(none)"]
    assert period_names(FIVE["date"], "month").tolist() == ["2026-03-01"] * 4 + ["(none)"]
    assert period_names(FIVE["date"], "day").tolist()[1] == "2026-03-08"
    assert period_names(pd.Series(["Wed Oct 10 20:19:24 +0000 2018", "2018-10-11T00:30:00+02:00"]), "day").tolist() == [
        "2018-10-10", "2018-10-10",
    ]  # fmt: skip
    assert period_names(pd.Series([pd.Timestamp("2018-10-10 20:00")]), "day").tolist() == ["2018-10-10"]


def test_a_date_that_is_none_is_named():
    with pytest.raises(DataError, match=r"row 1, column date: expected a date such as .* got '31/12/2026'"):
        shares_over_time(FIVE.assign(date=["2026-03-02", "31/12/2026", None, None, None]), "date")
    with pytest.raises(ValueError, match="every must be one of day, week, month"):
        shares_over_time(FIVE, "date", every="year")


def test_gaps_are_gaps():
    found = shares_over_time(FIVE, "date", by="topic").shares
    negative = found[found["label"] == NEG]
    weeks = negative[negative["group"].isna() & negative["period"].notna()]
    assert weeks["period"].tolist() == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert weeks["n"].tolist() == [2, 0, 2]
    assert weeks["counted"].tolist()[::2] == [1, 0]
    assert np.isnan(weeks["counted"].iloc[1])
    assert len(negative) == 1 + 2 + 3 + 2 * 3


def test_differences_are_those_of_the_shares_with_an_interval_that_p_agrees_with(many):
    table, gold = many
    found = shares_over_time(table, "date", by="topic", sample=gold.sample(300, random_state=3))
    pairs = found.differences
    assert len(pairs) == 3 * 6 + 3 * 3  # four weeks, three topics, three labels
    row = _row(pairs, label=NEG, what="group", a="school", b="trains")
    ends = [_row(found.shares, group=name, period=None, label=NEG) for name in ("school", "trains")]
    assert row["difference"] == pytest.approx(ends[1]["share"] - ends[0]["share"])
    means = [(gold[table["topic"] == name] == NEG).mean() for name in ("school", "trains")]
    assert row["low"] < means[1] - means[0] < row["high"]
    assert row["q_value"] < 0.001
    assert ((pairs["p_value"] < 0.05) == ((pairs["low"] > 0) | (pairs["high"] < 0))).all()
    assert (pairs["q_value"] >= pairs["p_value"] - 1e-12).all()


def test_a_change_of_the_mix_is_told_from_a_change_of_the_tweets():
    """Every tweet on trains is negative, none on school; the second week is about trains."""
    topic = ["trains"] * 10 + ["school"] * 90 + ["trains"] * 90 + ["school"] * 10
    table = pd.DataFrame({"label": series(*[NEG if name == "trains" else NEU for name in topic]), "topic": topic})
    table["date"] = ["2026-03-02"] * 100 + ["2026-03-09"] * 100
    pairs = shares_over_time(table, "date", by="topic", sample=table["label"].astype(object)).differences
    row = _row(pairs, label=NEG, what="period")
    assert (row["difference"], row["by_mix"], row["standardised"]) == pytest.approx((0.8, 0.8, 0))
    assert row["note"] == "the mix of the groups alone makes half of this change or more"
    assert _row(pairs, label=NEG, what="group")["note"] == ""


def test_without_a_sample_nothing_is_compared():
    found = share_differences(shares(FIVE, by="topic"))
    assert found.empty
    assert list(found.columns)[:5] == ["label", "what", "a", "b", "difference"]
