"""The tagger of topics holds what its adapter's README says; the tables of both come from the same functions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentiment_kit.analysis.topics import THRESHOLD, TOPICS, sentipolc_football, tag_football, tag_topics
from sentiment_kit.data import load_demo, load_sentipolc

DATA = Path(__file__).parent / "data"


def precision_and_recall(tagged: pd.Series, football: pd.Series) -> tuple[float, float]:
    right = (tagged & football).sum()
    return right / tagged.sum(), right / football.sum()


@pytest.fixture(scope="module")
def demo_test():
    """The test split, and what a second reader, who did not know the domain, took each tweet to be about."""
    read_as = pd.read_csv(DATA / "demo_topics.csv").set_index("id")["read_as"]
    return load_demo("test", mixed="keep").assign(read_as=lambda tweets: tweets["id"].map(read_as))


@pytest.fixture(scope="module")
def tagged(demo_test):
    return tag_topics(demo_test["text"])


def test_five_tweets():
    texts = pd.Series(
        ["Fuorigioco netto, e l'arbitro dorme #SerieA", "Rigore di bilancio, la manovra in Senato", "@anna", None, ""],
        index=[7, 3, 9, 1, 5],
    )
    football, topics = tag_football(texts), tag_topics(texts)
    assert football["football"].tolist() == [True, False, False, False, False]
    assert football["evidence"].tolist() == ["fuorigioco, arbitro, #seriea", "", "", "", ""]
    assert football["probability"].notna().tolist() == [True, True, False, False, False]
    assert topics["topic"].iloc[:2].tolist() == ["football", "politics"]
    assert topics["topic"].iloc[2:].isna().all()
    np.testing.assert_allclose(topics[list(TOPICS)].iloc[:2].sum(axis=1), 1, atol=1e-6)
    assert football.index.equals(texts.index)
    assert topics.index.equals(texts.index)


def test_no_texts():
    assert tag_football([]).columns.tolist() == ["football", "probability", "evidence"]
    assert tag_topics([]).columns.tolist() == [*TOPICS, "topic"]


def test_order_makes_no_difference(demo_test, tagged):
    shuffled = demo_test["text"].iloc[:100].sample(frac=1, random_state=0)
    again = tag_topics(shuffled).loc[demo_test.index[:100]]
    # float32 adds in another order: it errs in proportion.
    np.testing.assert_allclose(again[list(TOPICS)], tagged[list(TOPICS)].iloc[:100], rtol=1e-4, atol=1e-5)


AIM = pytest.mark.xfail(strict=True, reason="the aim: precision .90, and recall .85 (of the traps .90)")
"""Beside what is held: the card says how far it is from what was aimed at."""


@pytest.mark.parametrize(
    ("precision", "recall"), [pytest.param(0.86, 0.82, id="held"), pytest.param(0.9, 0.85, marks=AIM, id="aim")]
)
def test_football_that_a_reader_can_see_is_found(demo_test, tagged, precision, recall):
    football = demo_test["domain"] == "football"
    visible = demo_test[~football | (demo_test["read_as"] == "football")]
    found = precision_and_recall((tagged["football"] >= THRESHOLD).loc[visible.index], football[visible.index])
    assert football.sum() - football[visible.index].sum() == 31, "nobody could tell of these"
    assert found[0] >= precision
    assert found[1] >= recall


@pytest.mark.parametrize(
    ("precision", "recall"), [pytest.param(0.75, 0.93, id="held"), pytest.param(0.9, 0.9, marks=AIM, id="aim")]
)
def test_traps(precision, recall):
    """220 sentences written to mislead, by a hand of its own; no word of them was trained on."""
    traps = pd.read_csv(DATA / "football_traps.csv")
    found = precision_and_recall(tag_football(traps["text"])["football"], traps["football"] == 1)
    assert found[0] >= precision
    assert found[1] >= recall


@pytest.mark.long
@pytest.mark.parametrize(
    ("part", "precision", "recall"),
    [
        pytest.param("all", 0.94, 0.85, id="held"),
        pytest.param("held out", 0.9, 0.73, id="held out"),
        pytest.param("held out", 0.9, 0.85, marks=AIM, id="aim"),
        pytest.param("held out, agreed", 0.9, 0.8, id="held out, two readers agree"),
    ],
)
def test_sentipolc(sentipolc_file, part, precision, recall):
    labelled = pd.read_csv(DATA / "sentipolc_football.csv", dtype={"id": str}).set_index("id")
    tweets = load_sentipolc(sentipolc_file, mixed="keep").set_index("id").loc[labelled.index]
    if part != "all":
        labelled = labelled[labelled["held_out"] == 1]
    if part == "held out, agreed":
        labelled = labelled[labelled["read_again"] == labelled["football"]]
    found = tag_football(tweets["text"].loc[labelled.index])["football"]
    found = precision_and_recall(found, labelled["football"] == 1)
    assert found[0] >= precision
    assert found[1] >= recall


def test_other_topics_are_told_apart(demo_test, tagged):
    right = tagged["topic"].astype(str) == demo_test["domain"]
    assert right.mean() >= 0.67
    assert right.groupby(demo_test["domain"]).mean().min() >= 0.45, "of eight topics, many of them not to be seen"


def test_football_in_sentipolc_is_what_was_read():
    read, found = pd.read_csv(DATA / "sentipolc_football.csv"), sentipolc_football()
    # All 423 tweets with such a word, 193 about football, and 1 of 170 of the other 6,987.
    assert (len(read), read["football"].sum()) == (found["n"], 193 + 1)
    assert found["share"] == pytest.approx((193 + 6987 / 170) / 7410)
    assert found[["low", "high"]].round(3).tolist() == [0.027, 0.057]
