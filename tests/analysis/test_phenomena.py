import emoji
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_kit.analysis.phenomena import EMOJI, tag_phenomena
from sentiment_kit.data import load_demo


def marks(text):
    row = tag_phenomena([text]).iloc[0]
    return {name for name in row.index if isinstance(row[name], bool | np.bool_) and row[name]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Oggi piove", set()),
        ("Non ci credo, mai più", {"negation"}),
        ("nn mi va, nessuno risponde", {"negation"}),
        ("Nonna e nonno al mare", set()),
        ("Perché?", {"question"}),
        ("leggete http://a.it/x?y=1!", {"exclamation"}),  # the link's question mark is gone with it
        ("Evviva!", {"exclamation"}),
        ("bellissimo 😍", {"emoji_positive", "intensifier"}),
        ("uffa 😡👍🏽", {"emoji_negative", "emoji_positive"}),
        ("che bello :-)", {"emoji_positive"}),
        ("che peccato :(", {"emoji_negative"}),
        ("che ridere xD XDDD", {"emoji_positive", "laughter"}),
        ("ci sei cascato x'D", {"emoji_positive"}),
        ("al mare 8-)", {"emoji_positive"}),
        ("il testo (capitolo 8)", set()),
        ("8) un'altra cosa", set()),
        ("Windows XP", set()),
        ("il canale 8D", set()),
        ("f(x) e [x]", set()),
        ("la lista (34,8)", set()),
        ("ci vediamo alle 18:30", set()),
        ("bellooo", {"elongation"}),
        ("Papa Giovanni XXIII", set()),
        ("ahahah che ridere", {"laughter"}),
        ("hahaha", {"laughter"}),
        ("eheh", {"laughter"}),
        ("ah ah ah", {"laughter"}),
        ("muoio 😂", {"laughter", "emoji_positive"}),
        ("la casa, l'aria", set()),
        ("ahi che male", set()),
        ("bravi, ma lenti", {"contrast"}),
        ("Bravi però lenti", {"contrast"}),
        ("Ma che dici", set()),  # an opening, and no contrast
        ("mamma", set()),
        ("davvero un sacco di gente", {"intensifier"}),
        ("il prossimo turno", set()),
    ],
)
def test_marks(text, found):
    assert marks(text) == found


def test_numbers():
    table = tag_phenomena(["#Forza #ragazzi, CHE bello 🎉👏🏽!", "12:30", "", None])
    assert table["hashtags"].tolist() == [2, 0, 0, 0]
    # Forza ragazzi CHE bello: F, C, H, E of 20 letters.
    assert table["upper_case"].tolist() == [4 / 20, 0, 0, 0]
    assert table["length"].tolist() == [8, 3, 0, 0]
    assert table["unknown"].isna().all()


def test_unknown_words():
    vocabulary = {"roma", "Vince", "▁ancora"}
    table = tag_phenomena(["Roma Vince ancora", "Roma vince sempre", "12 !"], vocabulary=vocabulary)
    assert table["unknown"].tolist()[:2] == [0, 2 / 3]
    assert np.isnan(table["unknown"].iloc[2])


def test_the_lists_do_not_meet():
    assert not EMOJI["emoji_positive"] & EMOJI["emoji_negative"]
    assert all(emoji.is_emoji(sign) for signs in EMOJI.values() for sign in signs)


@pytest.mark.parametrize(
    ("mark", "annotated", "precision", "recall"),
    [
        ("negation", "negation", 0.95, 0.96),
        ("question", "question", 0.98, 1.0),
        ("elongation", "elongation", 1.0, 1.0),
        ("contrast", "contrast", 0.72, 0.86),
        ("laughter", "laughter", 0.76, 1.0),
    ],
)
def test_agreement_with_the_demo_corpus(mark, annotated, precision, recall):
    """Emoji that laugh are counted here and not there; "ma" and "invece" do not always oppose."""
    tweets = load_demo()
    there = tweets["phenomena"].str.split().map(lambda names: annotated in names)
    here = tag_phenomena(tweets["text"])[mark]
    both = (there & here).sum()
    assert both / here.sum() >= precision
    assert both / there.sum() >= recall


def test_hashtags_agree_with_the_demo_corpus():
    tweets = load_demo()
    there = tweets["phenomena"].str.split().map(lambda names: "hashtag" in names)
    assert ((tag_phenomena(tweets["text"])["hashtags"] > 0) == there).all()


def test_order_index_and_type():
    texts = load_demo()["text"].iloc[:300]
    shuffled = texts.sample(frac=1, random_state=0)
    table = tag_phenomena(texts)
    pd.testing.assert_frame_equal(tag_phenomena(shuffled), table.loc[shuffled.index])
    assert set(table.dtypes.astype(str)) == {"bool", "int64", "float64"}
    assert tag_phenomena([]).dtypes.tolist() == table.dtypes.tolist()
    with pytest.raises(TypeError, match=r"row 1 \(index 1\): expected a tweet as str or a missing value, got int"):
        tag_phenomena(["a", 3])
    with pytest.raises(TypeError, match="expected a Series or a list of tweets, got one str"):
        tag_phenomena("ciao")


@given(st.text())
def test_any_text(text):
    row = tag_phenomena([text], vocabulary=set()).iloc[0]
    assert 0 <= row["upper_case"] <= 1
    assert row["length"] <= 2 * len(text)


def test_long_runs_take_linear_time():
    """A quadratic pattern would not come back from these."""
    for piece in ("a", "ah", "ha", "eh ", ":'", "non", "X", "#", "molt", "(", "😂", "aaa b"):
        tag_phenomena([piece * 100_000])
