import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from sentiment_kit.shares import agreement, agreement_by, disagreements

FIVE = pd.DataFrame(
    {
        "a": ["negative", "negative", "neutral", "positive", "neutral"],
        "b": ["negative", "neutral", "neutral", "positive", None],
    },
    index=[10, 20, 30, 40, 50],
)
GAP = None
# Four observers, twelve units: Krippendorff, Computing Krippendorff's alpha-reliability (2011), example C
KRIPPENDORFF = pd.DataFrame(
    [[1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
     [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP]]
).T  # fmt: skip
# How many of fourteen psychiatrists gave which of five diagnoses to ten patients: kappa .210 (the usual worked example)
DIAGNOSES = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0],
             [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]  # fmt: skip


def test_five_rows_by_hand():
    found = agreement(FIVE, resamples=200)
    value = found["value"]
    assert (found["n"] == 4).all()  # the fifth has one label
    assert value["agreement"] == 3 / 4
    assert value["cohen_kappa a b"] == pytest.approx((0.75 - 5 / 16) / (1 - 5 / 16))
    # Of both: negative 3, neutral 3, positive 2; chance by what all give, with and without Krippendorff's correction
    assert value["fleiss_kappa"] == pytest.approx((0.75 - 22 / 64) / (1 - 22 / 64))
    assert value["krippendorff_alpha"] == pytest.approx((0.75 - 14 / 56) / (1 - 14 / 56))
    assert value["agreement negative"] == pytest.approx(2 / 3)
    assert value["agreement positive"] == 1
    p = value["ceiling"]
    assert p**2 + (1 - p) ** 2 / 2 == pytest.approx(0.75)
    assert (found["low"] <= value).all()
    assert (value <= found["high"]).all()


def test_published_values():
    assert agreement(KRIPPENDORFF, resamples=10)["value"]["krippendorff_alpha"] == pytest.approx(0.743, abs=0.0005)
    rows = [[name for name, count in enumerate(row) for _ in range(count)] for row in DIAGNOSES]
    assert agreement(pd.DataFrame(rows), resamples=10)["value"]["fleiss_kappa"] == pytest.approx(0.210, abs=0.0005)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.sampled_from(["negative", "neutral", "positive", "mixed"])] * 3), min_size=5))
def test_cohens_kappa_is_scikit_learns_and_order_does_not_matter(rows):
    labels = pd.DataFrame(rows, columns=["a", "b", "c"])
    found = agreement(labels, resamples=5)["value"]
    for a, b in ("ab", "ac", "bc"):
        if len({*labels[a], *labels[b]}) > 1:
            assert found[f"cohen_kappa {a} {b}"] == pytest.approx(cohen_kappa_score(labels[a], labels[b]))
    again = agreement(labels.sample(frac=1, random_state=0), resamples=5)["value"]
    pd.testing.assert_series_equal(found, again)


def test_people_who_agree_on_everything():
    found = agreement(FIVE[["a"]].assign(b=FIVE["a"]), resamples=50)["value"]
    assert found[["agreement", "cohen_kappa a b", "fleiss_kappa", "krippendorff_alpha", "ceiling"]].tolist() == [1] * 5


def test_agreement_below_chance_has_no_ceiling():
    labels = pd.DataFrame({"a": ["negative", "neutral"], "b": ["neutral", "negative"]})
    assert np.isnan(agreement(labels, resamples=10)["value"]["ceiling"])


def test_agreement_by_group():
    topics = pd.Series(["school", "trains", "school", "trains", "trains"], index=FIVE.index)
    found = agreement_by(FIVE, topics, resamples=20)
    assert found.loc[("school", "agreement"), "value"] == 1
    assert found.loc[("trains", "agreement"), ["value", "n"]].tolist() == [0.5, 2]


def test_disagreements_come_with_the_worst_first():
    labels = FIVE.assign(c=["negative", "positive", "negative", "positive", "neutral"])
    assert disagreements(labels).index.tolist() == [20, 30]
    assert disagreements(FIVE).to_dict("index") == {20: {"a": "negative", "b": "neutral"}}


def test_one_annotator_is_not_enough():
    with pytest.raises(ValueError, match="two annotators or more, got 1"):
        agreement(FIVE[["a"]])
