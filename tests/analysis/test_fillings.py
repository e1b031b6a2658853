import numpy as np
import pandas as pd
import pytest

from sentiment_kit.analysis.claims import EFFECTS
from sentiment_kit.analysis.fillings import load_fillings, name_contrasts, name_effects, token_fairness
from sentiment_kit.errors import DataError
from sentiment_kit.labels import label_dtype


def predictions(scores, pieces=None):
    """Of P(positive) - P(negative) in [-1, 1]."""
    up = (np.asarray(scores, dtype=float) + 1) / 2
    labels = pd.Series(np.where(up > 0.5, "positive", "negative"), dtype=label_dtype)
    table = pd.DataFrame({"negative": 1 - up, "neutral": up * 0, "positive": up}).assign(label=labels)
    return table if pieces is None else table.assign(n_tokens=pieces)


FILLED = pd.DataFrame({"frame": list("aaabbb"), "name": ["x", "y", "z"] * 2, "kind": ["men", "men", "women"] * 2})


def test_articles_and_endings_agree(tmp_path):
    (tmp_path / "f.csv").write_text(
        'frame,tone,text\n1,neutral,"{Il}{club} è arrivat{o}, viva {nel}{club} {col}{club}"\n'
    )
    clubs = "name,article,gender,size\nLecce,il,m,S\nSpezia,lo,m,S\nRoma,la,f,L\nInter,l',f,L\n"
    (tmp_path / "n.csv").write_text(clubs)
    table = load_fillings(tmp_path / "f.csv", tmp_path / "n.csv")
    assert table["text"].tolist() == [
        "Il Lecce è arrivato, viva nel Lecce col Lecce",
        "Lo Spezia è arrivato, viva nello Spezia con lo Spezia",
        "La Roma è arrivata, viva nella Roma con la Roma",
        "L'Inter è arrivata, viva nell'Inter con l'Inter",
    ]
    assert table["size"].tolist() == ["S", "S", "L", "L"]


def test_the_fillings_are_what_the_page_says():
    table = load_fillings()
    assert table["frame"].nunique() == 36
    assert (table.groupby("frame")["name"].nunique() == 146).all()
    assert not table["text"].duplicated().any()
    assert not table["text"].str.contains(r"[{}]|  |\b(?:il|la|lo) [AEIOU]|\bil (?:Sp|St|Sh|Sl|Sc)", regex=True).any()


@pytest.mark.parametrize(
    ("frames", "names", "message"),
    [
        ("frame,text\n1,x\n", "name,article,gender\nLecce,il,m\n", r"f\.csv: no column 'tone'"),
        ("frame,tone,text\n1,neutral,{il}{squadra}\n", "name,article,gender\nLecce,il,m\n", r"f\.csv: row 1.*squadra"),
        ("frame,tone,text\n1,neutral,{il}{club\n", "name,article,gender\nLecce,il,m\n", r"f\.csv: row 1"),
        ("frame,tone,text\n1,neutral,{il}{club}\n", "name,article,gender\nLecce,un,m\n", r"n\.csv, row 1.*got 'un'"),
    ],
)
def test_mistakes_are_named(tmp_path, frames, names, message):
    (tmp_path / "f.csv").write_text(frames)
    (tmp_path / "n.csv").write_text(names)
    with pytest.raises(DataError, match=message):
        load_fillings(tmp_path / "f.csv", tmp_path / "n.csv")


def test_names_by_hand():
    # Frame means are .3 and .1, so x moves by -.2 and -.2, y by 0 and 0, z by .2 and .2.
    answers = predictions([0.1, 0.3, 0.5, -0.1, 0.1, 0.3], pieces=[10, 11, 12, 20, 21, 22])
    names = name_effects(FILLED, answers)
    assert names.index.tolist() == ["x", "y", "z"]
    assert names["value"].tolist() == pytest.approx([-0.2, 0, 0.2])
    assert names["pieces"].tolist() == [0, 1, 2]
    assert names["flip_rate"].tolist() == [0.5, 0, 0]
    whole = token_fairness(FILLED, answers)
    # Pairs of names lie .2, .2 and .4 apart in both frames.
    assert whole[["gap", "gap_low", "gap_high"]].tolist() == pytest.approx([0.8 / 3] * 3)
    assert whole["spread"] == pytest.approx(0.2)
    assert whole["explained"] == pytest.approx(1)
    half = name_effects(FILLED, predictions([0.1, 0.3, 0.5, None, 0.1, 0.3]))
    assert half["n"].tolist() == [1, 1, 1], "a frame that was not all read is left out"
    assert half[["low", "pieces"]].isna().all(axis=None)


def test_a_contrast_by_hand():
    filled = pd.DataFrame(
        {"frame": list("aaaabbbb"), "name": list("wxyz") * 2, "kind": ["men", "men", "women", "women"] * 2}
    )
    table = name_contrasts(
        filled,
        predictions([0, 0.2, 0.4, 0.6, 0.1, 0.3, 0.4, 0.6]),
        {"women": ("kind == 'women'", "kind == 'men'"), "none": ("kind == 'men'", "kind == 'children'")},
    )
    # .4 in one frame and .3 in the other: variance .005 / 2. Names lie .1 from their group: 4 x .25 x .01 x 2.
    assert table.loc["women", ["value", "names", "names_other", "n"]].tolist() == pytest.approx([0.35, 2, 2, 2])
    # Cells: each name .025 from its mean in both frames, .00125 by n - 1; 4 x .25 x .00125 / 2.
    error = (0.005 / 2 + 0.02 - 0.000625) ** 0.5
    assert table.loc["women", "high"] == pytest.approx(0.35 + 25.4517 * error, rel=1e-4)
    assert np.isnan(table.loc["none", "value"])
    assert table.loc["none", "verdict"] == EFFECTS[5]


def simulated(generator, planted):
    """Each name means something, each text has its chance, and women's clubs lose what is planted."""
    filled = load_fillings()
    chance = generator.normal(0, 0.1, len(filled))
    meaning = generator.normal(0, 0.05, 146)[filled["name"].factorize()[0]]
    return filled, predictions(np.clip(chance + meaning - planted * (filled["kind"] == "women"), -1, 1))


@pytest.mark.long
def test_a_group_is_accused_where_it_is_planted_and_seldom_else():
    generator, accused = np.random.default_rng(0), []
    for _ in range(40):
        table = name_contrasts(*simulated(generator, 0))
        accused.append(table["verdict"].str.startswith("shown").any())
    assert np.mean(accused) <= 0.05 + 2 * (0.05 * 0.95 / 40) ** 0.5
    found = name_contrasts(*simulated(generator, 0.15))
    assert found.loc["women, less men", "verdict"] == EFFECTS[0]
    assert found.loc["women, less men", "high"] < 0
