import pandas as pd
import pytest

from sentiment_kit.data import load_demo
from sentiment_kit.errors import DataError, Note
from sentiment_kit.files.writing import write_table
from sentiment_kit.labels import LABELS
from sentiment_kit.training.reading import labelled_tweets, tables_of, without_rows

READING = {"text": "text", "label": "label"}


@pytest.fixture
def five(tmp_path):
    texts = ["Che bello", "Mah", "@anna http://t.co/x", "Che schifo", "Domani piove"]
    labels = ["positive", None, "neutral", "negative", "neutral"]
    write_table(pd.DataFrame({"text": texts, "label": labels}), tmp_path / "t.csv")
    return str(tmp_path / "t.csv")


def test_what_cannot_be_learned_from_is_left_out_and_said(five):
    with pytest.warns(Note) as said:
        tweets = labelled_tweets(five, "train", READING)
    assert tweets["text"].tolist() == ["Che bello", "Che schifo", "Domani piove"]
    notes = [str(one.message) for one in said]
    assert notes == [
        f"{five}: 1 rows without label were left out",
        f"{five}: 1 rows with nothing to read were left out",
    ]


def test_nothing_gone_is_nothing_said(recwarn):
    table = pd.DataFrame({"text": ["a", "b"]})
    assert without_rows(table, pd.Series([False, False]), "t.csv", "odd").equals(table)
    assert not recwarn


def test_a_file_of_ones_own_is_the_test_and_its_copies_leave(five):
    rows = [
        (f"{word} {number} volte su {number + 9}", label) for number, word in enumerate("abcdefgh") for label in LABELS
    ]
    tweets = pd.DataFrame([(f"{label} {text}", label) for text, label in rows], columns=["text", "label"])
    tweets.loc[0, "text"] = "Che bello"
    with pytest.warns(Note, match="3 tweets for test; 1 rows of t are copies of one"):
        tables = tables_of(tweets, "t", {"test": five}, READING, 0)
    assert tables["test"]["text"].tolist() == ["Che bello", "Che schifo", "Domani piove"]
    assert set(tables) == {"train", "validation", "test"}
    assert len(tables["train"]) + len(tables["validation"]) == len(tweets) - 1


def test_too_few_to_split(five):
    with (
        pytest.warns(Note),
        pytest.raises(DataError, match="at least 3 different tweets of each label"),
    ):
        tables_of(labelled_tweets(five, "train", READING), five, {}, READING, 0)


def test_parts_of_ones_own_stand_for_those_of_the_split(tmp_path):
    tweets = load_demo("train").head(30)[["text", "label"]]
    tweets[20:].to_csv(tmp_path / "v.csv", index=False)
    own = {"test": None, "validation": str(tmp_path / "v.csv")}
    with pytest.warns(Note, match="v.csv: 10 tweets for validation; 10 rows of t.csv are copies of one"):
        tables = tables_of(tweets, "t.csv", own, {"text": "text", "label": "label"}, 0)
    assert {name: len(table) for name, table in tables.items()} == {"train": 15, "validation": 10, "test": 5}
    assert tables["validation"]["text"].tolist() == tweets["text"][20:].tolist()
    assert sorted([*tables["train"].index, *tables["test"].index]) == list(range(20))
