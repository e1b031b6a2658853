"""Exact evidence on invented tweets, and what precision and recall the lexicon reaches on tweets labelled by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentiment_kit.analysis.lexicon import KINDS, LEXICON_FILE, football_cues
from sentiment_kit.data import load_demo, load_sentipolc

LABELLED_FILE = Path(__file__).parent / "data" / "sentipolc_football.csv"


def precision_and_recall(tagged: pd.Series, football: pd.Series) -> tuple[float, float]:
    right = (tagged & football).sum()
    return right / tagged.sum(), right / football.sum()


def evidence(text: str) -> str:
    return football_cues([text])["evidence"].iloc[0]


def is_football(text: str) -> bool:
    return bool(football_cues([text])["football"].iloc[0])


# Exact results


def test_five_tweets_by_hand():
    texts = pd.Series(
        [
            "Fuorigioco netto, e l'arbitro dorme #SerieA",
            "Che campo, i tifosi cantano",
            "Ho preso il treno da Roma a Napoli",
            "Oggi piove @utente",
            None,
        ],
        index=[7, 3, 9, 1, 5],
    )
    expected = pd.DataFrame(
        {
            "football": [True, True, False, False, False],
            "evidence": ["fuorigioco, arbitro, #seriea", "campo, tifosi", "roma, napoli", "", ""],
            "score": [2.5, 1.0, 0.5, 0.0, 0.0],
        },
        index=texts.index,
    )
    pd.testing.assert_frame_equal(football_cues(texts), expected, check_dtype=False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("l'Inter e dell'arbitro", "l'inter, arbitro"),
        ("quell’arbitro sotto la curva", "arbitro, curva"),
        ("calcio d’angolo battuto male", "calcio d'angolo"),
        ("#SerieA", "#seriea"),
        ("#RomaLazio", "#romalazio"),
        ("#juvemilan", "#juvemilan"),
        ("#forzaNapoli", "#forzanapoli"),
        ("#JUVNAP stasera", "#juvnap"),
        ("#CalcioDAngolo", "#calciodangolo"),
        ("#MilleVolteForzaJuventus", "juventus"),
        ("RT @acmilan: eccoci", "@acmilan"),
        ("contro il #Napoli", "il napoli"),
        ("gol!!! ⚽", "gol, ⚽"),
    ],
)
def test_hashtags_mentions_and_elisions(text: str, found: str):
    assert evidence(text) == found
    assert football_cues([text])["score"].iloc[0] > 0


@pytest.mark.parametrize(
    ("football", "other"),
    [
        ("Rigore parato al novantesimo", "Il rigore di bilancio non è in discussione"),
        ("La Roma ha vinto, tifosi in festa", "A Roma si vota, e nel Lazio pure"),
        ("La Lazio è seconda", "La sanità nel Lazio è seconda"),
        ("Mister in campo con la difesa a tre", "Il campo dietro casa, in difesa degli alberi"),
        ("L'attacco segna tre gol", "Attacco alla riforma, difesa del governo"),
        ("Conte è il mister giusto, altro che panchina corta", "Il premier Conte a Roma: la partita è aperta"),
        ("Il Napoli vince ancora", "Napoli, traffico in tangenziale"),
        ("Grande Inter, che derby", "Non fare l'interessante, inter nos"),
        ("Il Milan pareggia", "Milan Kundera è un maestro"),
        ("Toro, che gol", "Segno zodiacale: toro"),
        ("Tifosi in rosa, allenatore nuovo", "Quote rosa, partita IVA e squadra di governo"),
        ("Andiamo in serie A!", "Una serie a puntate. In serie. A casa mia"),
    ],
)
def test_ambiguous_words_both_ways(football: str, other: str):
    assert is_football(football)
    assert not is_football(other)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("tifosi tifosi, un tifoso e la tifoseria", 0.5),  # one cue in four forms
        ("Hellas Verona", 1.0),  # one name, not two
        ("Roma, Napoli, Torino: campo, rete, Conte", 0.5),  # places, everyday words and names are one together
        ("#Roma #roma ROMA", 0.5),
        ("arbitro e tifosi", 1.0),  # two independent ones
        ("Juventus Juve", 2.0),
    ],
)
def test_only_independent_cues_add_up(text: str, score: float):
    assert football_cues([text])["score"].tolist() == [score]


def test_what_never_counts_hides_its_words():
    assert evidence("partita IVA e occhi azzurri") == ""
    assert evidence("partita e azzurri") == "partita, azzurri"


def test_a_link_is_no_evidence():
    assert evidence("leggete https://esempio.it/juventus/gol-di-testa") == ""


def test_capitals_count_where_the_cue_asks_for_them():
    assert evidence("un toro nel prato") == ""
    assert evidence("TORO TORO") == "toro"
    assert evidence("#toro") == "#toro"


# Shape of the answer


def test_order_and_index_do_not_matter():
    texts = load_demo()["text"].iloc[:600]
    shuffled = texts.sample(frac=1, random_state=0)
    shuffled.index = [f"riga {number}" for number in range(len(shuffled))]
    expected = football_cues(texts.sample(frac=1, random_state=0)).set_axis(shuffled.index)
    pd.testing.assert_frame_equal(football_cues(shuffled), expected)
    pd.testing.assert_frame_equal(
        football_cues(texts).sample(frac=1, random_state=0).set_axis(shuffled.index), expected
    )


def test_a_list_counts_its_rows_from_zero():
    assert football_cues(["gol", "pioggia"])["football"].to_dict() == {0: True, 1: False}


@pytest.mark.parametrize("nothing", [[], pd.Series([], dtype="str")])
def test_no_rows(nothing):
    table = football_cues(nothing)
    assert table.shape == (0, 3)
    assert list(table.columns) == ["football", "evidence", "score"]
    assert table["football"].dtype == bool
    assert table["score"].dtype == float


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_and_empty(missing):
    table = football_cues(pd.Series(["gol", missing, ""], dtype=object))
    assert table["football"].tolist() == [True, False, False]
    assert table["evidence"].tolist() == ["gol", "", ""]
    assert table["score"].tolist() == [1.0, 0.0, 0.0]


def test_what_is_no_text_is_named():
    with pytest.raises(TypeError, match=r"row 1 \(index 'b'\): expected a tweet as str or a missing value, got int: 3"):
        football_cues(pd.Series(["gol", 3], index=["a", "b"], dtype=object))
    with pytest.raises(TypeError, match="a Series or a list of tweets, got one str"):
        football_cues("gol")


@pytest.mark.parametrize(
    "hostile",
    [
        "#" * 200_000,
        "calcio d'" * 40_000,
        "il " * 100_000,
        "a" * 300_000,
        "#" + "Ab" * 100_000,
        "http:/" * 50_000,
        "@acmilan" * 30_000,
        "Roma" * 60_000,
        "İ" * 100_000,
        "\ud83d" * 1000,
        "\0\u2028\x1c #gol",
    ],
    ids=lambda text: repr(text[:9]),
)
def test_hostile_text_is_read_in_linear_time(hostile: str):
    assert len(football_cues([hostile])) == 1  # quadratic time would take minutes


# The lexicon


def test_no_cue_is_there_twice_and_each_is_found():
    lexicon = pd.read_csv(LEXICON_FILE, keep_default_na=False)
    assert set(lexicon["kind"]) == set(KINDS)
    assert not lexicon["cue"].str.lower().duplicated().any()
    assert lexicon.groupby("group")["note"].first().str.len().gt(0).all()
    plain = lexicon[~lexicon["cue"].str.contains(r"[(+]") & (lexicon["kind"] != "never")]
    score = {"alone": 1.0, "second": 0.5}
    found = football_cues(
        plain["cue"]
        .str.replace("^", "", regex=False)
        .str.title()
        .where(plain["cue"].str.contains("^", regex=False), plain["cue"])
    )
    wrong = plain.assign(score=found["score"])[found["score"].to_numpy() != plain["kind"].map(score).to_numpy()]
    assert wrong.empty, wrong


# Against labels given by hand


@pytest.fixture(scope="module")
def labelled(sentipolc_file: Path) -> pd.DataFrame:
    labels = pd.read_csv(LABELLED_FILE, dtype={"id": str}).set_index("id")
    texts = load_sentipolc(sentipolc_file, mixed="keep").set_index("id")["text"]
    return labels.join(football_cues(texts).rename(columns={"football": "tagged"}), how="left")


def test_precision_and_recall_on_the_labelled_tweets(labelled: pd.DataFrame):
    precision, recall = precision_and_recall(labelled["tagged"], labelled["football"] == 1)
    assert precision >= 0.95
    assert recall >= 0.90


def test_precision_and_recall_on_the_held_out_half(labelled: pd.DataFrame):
    half = labelled[labelled["held_out"] == 1]
    precision, recall = precision_and_recall(half["tagged"], half["football"] == 1)
    assert precision >= 0.90
    assert recall >= 0.85


def test_every_tagged_tweet_is_labelled(labelled: pd.DataFrame, sentipolc_file: Path):
    tweets = load_sentipolc(sentipolc_file, mixed="keep")
    tagged = tweets["id"][football_cues(tweets["text"])["football"]]
    assert set(tagged) <= set(labelled.index)


def test_precision_and_recall_on_the_demo_corpus():
    demo = load_demo()
    precision, recall = precision_and_recall(football_cues(demo["text"])["football"], demo["domain"] == "football")
    assert precision >= 0.97
    assert recall >= 0.35
