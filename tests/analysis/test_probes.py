import json
import sys

import numpy as np
import pandas as pd
import pytest

from sentiment_kit import cli
from sentiment_kit.analysis.claims import EFFECTS
from sentiment_kit.analysis.lexicon import football_cues
from sentiment_kit.analysis.probes import (
    IDENTITY_PAIRS,
    compare_effects,
    contamination,
    failure_rates,
    family_effects,
    judge_cases,
    load_cases,
    load_pairs,
    score_pairs,
    worst_pairs,
)
from sentiment_kit.data import load_demo
from sentiment_kit.errors import DataError
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model


def predictions(*positive):
    """Positive or negative with that probability of positive; None for a text that was not read."""
    up = np.array([np.nan if value is None else value for value in positive], dtype=float)
    labels = [None if np.isnan(value) else "positive" if value > 0.5 else "negative" for value in up]
    table = pd.DataFrame({"negative": 1 - up, "neutral": up * 0, "positive": up})
    return table.assign(label=pd.Series(labels, dtype=label_dtype))


PAIRS = pd.DataFrame(
    {"family": ["x", "x", "x", "y", "y"], "frame": ["x1", "x1", "x2", "y1", "y1"], "text_a": list("abcde")}
)
SCORED = score_pairs(PAIRS, predictions(0.5, 0.9, 0.2, 0.4, None), predictions(0.7, 0.8, 0.6, 0.4, 0.1))


def test_pairs_by_hand():
    # Scores are 2p - 1: a 0, .8, -.6, -.2, -; b .4, .6, .2, -.2, -.8.
    np.testing.assert_allclose(SCORED["shift"], [0.4, -0.2, 0.8, 0, np.nan], atol=1e-12)
    assert SCORED["flipped"].tolist() == [True, False, True, False, False]
    table = family_effects(SCORED)
    assert table.index.tolist() == ["x", "y"]
    assert table["pairs"].tolist() == [3, 1]
    assert table["frames"].tolist() == [2, 1]
    assert table.loc["x", "shift"] == pytest.approx(1 / 3)
    assert table.loc["x", "flip_rate"] == pytest.approx(2 / 3)
    # Sums .2 of two pairs and .8 of one: residuals -.46667 and .46667 from the mean, standard error .311111. Student's
    # quantile of two frames for two families is 25.4517.
    assert table.loc["x", ["shift_low", "shift_high"]].tolist() == pytest.approx([-7.58497, 8.25164], abs=1e-4)
    assert table.loc["y", ["shift_low", "shift_high", "p_value"]].isna().all()
    # 1.071429 standard errors, of Cauchy's distribution. y is not counted.
    p_value = 1 - 2 * np.arctan(1.071429) / np.pi
    assert table["p_value"].tolist()[0] == pytest.approx(p_value, abs=1e-6)
    assert table["q_value"].tolist() == pytest.approx([p_value, np.nan], abs=1e-6, nan_ok=True)
    assert table["verdict"].tolist() == [EFFECTS[5]] * 2
    # 1 of 2 flips in x1, 1 of 1 in x2: as good as 3 independent pairs (4.5 by their variance), and with Student's
    # quantile of two frames as (1.959964 / 12.7062)^2 x 3 = 0.071380 of them; Wilson's ends with that n, z = 2.241403.
    weight = 2.241403**2 / 0.071380
    half = (weight * (2 / 9 + weight / 4)) ** 0.5
    expected = [(2 / 3 + weight / 2 - half) / (1 + weight), (2 / 3 + weight / 2 + half) / (1 + weight)]
    assert table.loc["x", ["flip_low", "flip_high"]].tolist() == pytest.approx(expected, abs=1e-5)
    # No flip in one frame: Wilson's interval for 0 of 1, z^2 / (1 + z^2).
    assert table.loc["y", ["flip_rate", "flip_low", "flip_high"]].tolist() == pytest.approx([0, 0, 0.834], abs=1e-3)
    assert table["more_flips"].isna().all(), "there are no rival clubs"
    more = family_effects(SCORED, reference="y")["more_flips"]
    assert more.tolist() == pytest.approx([2 / 3, np.nan], nan_ok=True)
    assert worst_pairs(SCORED, 2)["text_a"].tolist() == ["c", "a"]


def test_another_model_is_compared_pair_by_pair():
    other = SCORED.assign(shift=[0.3, -0.3, 0.9, 0, 0])
    table = compare_effects(SCORED, other)
    assert table.loc["x", ["shift", "shift_against", "own"]].tolist() == pytest.approx([1 / 3, 0.3, 1 / 30])
    assert table["pairs"].tolist() == [3, 1], "only pairs that both models read"
    same = compare_effects(SCORED, SCORED)
    assert same[["own", "own_low", "own_high"]].loc["x"].tolist() == [0, 0, 0]


def test_the_order_of_pairs_does_not_matter():
    shuffled = SCORED.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(family_effects(SCORED), family_effects(shuffled).loc[["x", "y"]])


def test_cases_by_hand():
    cases = pd.DataFrame(
        {
            "capability": ["c"] * 7,
            "kind": ["MFT", "MFT", "INV", "INV", "DIR", "DIR", "DIR"],
            "text": list("abcdefg"),
            "other": ["", "", *"CDEFG"],
            "expected": ["positive", "negative|neutral", "same", "same", "up", "down", "up"],
        }
    )
    first = predictions(0.4, 0.4, 0.9, 0.9, 0.5, 0.5, 0.5)
    second = predictions(None, None, 0.6, 0.4, 0.49, 0.6, None)
    judged = judge_cases(cases, first, second)
    # The fifth goes down by .02, within the tolerance of .05; the last was not read.
    assert judged["failed"].tolist() == [True, False, False, True, False, True, True]
    assert judge_cases(cases, first, second, tolerance=0.01)["failed"].tolist()[4]
    rates = failure_rates(judged)
    assert rates.index.tolist() == [("c", "MFT"), ("c", "INV"), ("c", "DIR")]
    assert rates["count"].tolist() == [1, 1, 2]
    assert rates["n"].tolist() == [2, 2, 3]


def _stub(texts, generator, bias):
    """Answers at random; a text with a football word gets `bias` more of positive."""
    chance = 0.2 + 0.5 * generator.random(len(texts)) + bias * football_cues(texts)["football"].to_numpy()
    return predictions(*chance)


def test_a_planted_bias_is_found():
    pairs = load_pairs()
    pairs = pairs[pairs["family"].isin(["club_to_other", "rival_clubs"])].reset_index(drop=True)
    generator = np.random.default_rng(0)
    biased = score_pairs(pairs, *(_stub(pairs[side], generator, 0.3) for side in ("text_a", "text_b")))
    table = family_effects(biased)
    assert table.loc["club_to_other", "verdict"] == EFFECTS[0]
    assert table.loc["club_to_other", "shift_high"] < 0
    assert "not shown" in table.loc["rival_clubs", "verdict"] or table.loc["rival_clubs", "verdict"] == EFFECTS[5]


@pytest.mark.long
@pytest.mark.parametrize("noise", [0.02, 0.4])
def test_a_fair_model_is_seldom_accused(noise):
    """Labels that flip at any change of a name, 100 times: at most 5% of the models may be accused of anything."""
    pairs, generator, accused = load_pairs(), np.random.default_rng(1), []
    for _ in range(100):
        feeling = generator.random(pairs["frame"].nunique())[pairs["frame"].factorize()[0]]
        sides = (predictions(*np.clip(feeling + generator.normal(0, noise, len(pairs)), 0, 1)) for _ in range(2))
        table = family_effects(score_pairs(pairs, *sides))
        assert noise < 0.1 or table["flip_rate"].min() > 0.1, "unstable indeed"
        accused.append(table["verdict"].str.startswith("shown").any() or (table["more_low"] > 0).any())
    assert np.mean(accused) <= 0.1 + 2 * (0.1 * 0.9 / 100) ** 0.5  # two kinds of verdicts, 5% each


def test_the_identity_pairs_are_what_the_page_says():
    pairs = load_pairs(IDENTITY_PAIRS)
    assert len(pairs) >= 150
    assert pairs["frame"].nunique() >= 50
    assert set(pairs["family"]) == {"origin", "religion", "orientation", "disability", "region", "age"}
    assert len(pairs[["frame", "family"]].drop_duplicates()) == pairs["frame"].nunique()
    assert set(pairs["tone"]) == set(LABELS)
    texts = {*pairs["text_a"], *pairs["text_b"]}
    assert not pairs.duplicated(["text_a", "text_b"]).any()
    assert not texts & ({*load_demo()["text"]} | {*load_pairs()["text_a"]})


def test_the_pairs_are_what_the_course_says():
    pairs = load_pairs()
    assert len(pairs) >= 400
    assert pairs["frame"].nunique() >= 120
    assert set(pairs["family"]) == {"rival_clubs", "club_to_other", "person", "word_sense", "gender", "north_south"}
    assert len(pairs[["frame", "family"]].drop_duplicates()) == pairs["frame"].nunique()
    assert set(pairs["tone"]) == set(LABELS)
    assert not pairs.duplicated(["text_a", "text_b"]).any()
    tweets = set(load_demo()["text"])
    assert not tweets & {*pairs["text_a"], *pairs["text_b"]}
    shared = [
        len({*a.split()} & {*b.split()}) / max(len(a.split()), len(b.split()))
        for a, b in zip(pairs["text_a"], pairs["text_b"], strict=True)
    ]
    assert np.median(shared) > 0.6, "the two texts share most of their words"


def test_the_cases_are_what_the_course_says():
    cases = load_cases()
    assert len(cases) >= 600
    assert cases["capability"].nunique() >= 15
    assert set(cases["kind"]) == {"MFT", "INV", "DIR"}
    assert not cases.duplicated(["text", "other"]).any()
    assert not set(load_demo()["text"]) & {*cases["text"], *cases["other"]}
    assert (cases.groupby("capability").size() >= 30).all()


# Contamination


def known_and_unknown(gap, n, seed):
    """Gold labels and predictions of two sets: the probability of the gold label is higher by `gap` on the first."""
    generator = np.random.default_rng(seed)
    for higher in (gap, 0.0):
        gold = pd.Series(generator.choice(["negative", "positive"], n), dtype=label_dtype)
        right = np.clip(generator.beta(4, 2, n) + higher, 0.01, 0.99)
        yield gold, predictions(*np.where(gold == "positive", right, 1 - right))


def test_contamination_by_hand():
    seen, unseen = predictions(0.8, 0.4, None), predictions(0.5, 0.1)
    table = contamination(
        pd.Series(["positive", "negative", "positive"], dtype=label_dtype),
        seen,
        pd.Series(["positive", "positive"], dtype=label_dtype),
        unseen,
    )
    assert table.loc["loss", "value"] == pytest.approx(-np.log([0.8, 0.6]).mean())
    assert table.loc["loss", "unseen"] == pytest.approx(-np.log([0.5, 0.1]).mean())
    assert table.loc["confidence", ["value", "unseen"]].tolist() == pytest.approx([0.7, 0.7])
    assert table[["n", "n_unseen"]].to_numpy().tolist() == [[2, 2], [2, 2]]
    assert table["verdict"].tolist() == ["cannot tell at this n"] * 2


def test_contamination_is_shown_where_it_is_and_not_where_it_is_not():
    (a, b), (c, d) = known_and_unknown(0.15, 400, 0)
    assert contamination(a, b, c, d)["verdict"].tolist() == ["shown", "shown"]
    assert contamination(c, d, a, b)["verdict"].tolist() == ["not shown", "not shown"]
    (a, b), (c, d) = known_and_unknown(0.0, 20, 1)
    assert contamination(a, b, c, d).loc["loss", "verdict"] == "cannot tell at this n"


def test_the_biased_twin_is_found_and_the_plain_model_lies_inside_a_size_that_matters(demo_model):
    """From a club to another subject the twin, to which all football is good, falls; .05 is what would matter."""
    pairs = load_pairs()
    pairs = pairs[pairs["family"].isin(["club_to_other", "rival_clubs"])]
    effects = {}
    for model in (load_model("demo-biased", device="cpu"), demo_model):
        answers = (predict(model, pairs[side]) for side in ("text_a", "text_b"))
        effects[model.name] = family_effects(score_pairs(pairs, *answers))
    biased, plain = (effects[name].loc["club_to_other"] for name in ("demo-biased", "demo"))
    assert biased["shift"] <= -0.10
    assert biased["verdict"] == EFFECTS[0]
    assert biased["q_value"] < 0.01
    assert plain["verdict"] == EFFECTS[3]
    assert -0.05 < plain["shift_low"] <= plain["shift_high"] < 0.05
    assert not effects["demo-biased"].loc["rival_clubs", "verdict"].startswith("shown")


def test_contamination_is_seldom_shown_where_there_is_none():
    shown = []
    for seed in range(100):
        (a, b), (c, d) = known_and_unknown(0.0, 100, seed)
        shown.append((contamination(a, b, c, d)["verdict"] == "shown").tolist())
    limit = 0.025 + 2 * (0.025 * 0.975 / 200) ** 0.5
    assert (np.mean(shown, axis=0) <= limit).all()


def test_the_demo_model_has_seen_its_training_split(demo_model):
    parts = []
    for split in ("train", "test"):
        tweets = load_demo(split).sample(400, random_state=0)
        parts += [tweets["label"], predict(demo_model, tweets["text"])]
    assert contamination(*parts)["verdict"].tolist() == ["shown", "shown"]


@pytest.mark.parametrize(
    ("load", "content", "message"),
    [
        (load_pairs, "family,frame\nx,1\n", "no column 'tone'"),
        (
            load_pairs,
            "family,frame,tone,subject_a,subject_b,text_a,text_b\nx,1,neutral,A,B,ciao,ciao\n",
            "row 1, column text_b: expected another text",
        ),
        (
            load_pairs,
            "family,frame,tone,subject_a,subject_b,text_a,text_b\nx,1,neutral,A,B,ciao A,ciao B\nx,,neutral,A,B,a,b\n",
            "row 2, column frame: expected a text",
        ),
        (load_cases, "capability,kind,text,other,expected\nc,FOO,a,,negative\n", "row 1, column kind: expected MFT"),
        (
            load_cases,
            "capability,kind,text,other,expected\nc,MFT,a,,bad\n",
            "row 1, column expected: expected for MFT one of",
        ),
        (load_cases, "capability,kind,text,other,expected\nc,DIR,a,b,same\n", "for DIR one of up, down, got 'same'"),
        (
            load_cases,
            "capability,kind,text,other,expected\nc,DIR,a,b,up|down\n",
            "up, down, got 'up|down'",
        ),
        (load_cases, "capability,kind,text,other,expected\nc,INV,a,,same\n", "row 1, column other: expected a second"),
        (load_cases, "capability,kind,text,other,expected\nc,MFT,a,b,neutral\n", "row 1, column other"),
        (
            load_cases,
            'capability,kind,text,other,expected\nc,MFT,"due\nrighe",,neutral\n' + "c,MFT,a,,x\n" * 7,
            "row 2, column expected: expected for MFT one of negative, neutral, positive, got 'x' (7 such rows)",
        ),
    ],
)
def test_bad_rows_are_named_with_their_numbers(tmp_path, load, content, message):
    (tmp_path / "own.csv").write_text(content)
    with pytest.raises(DataError, match=r"own\.csv") as error:
        load(tmp_path / "own.csv")
    assert message in str(error.value)


def test_the_command(monkeypatch, capsys, tmp_path, hub_folder):
    (tmp_path / "cases.csv").write_text("capability,kind,text,other,expected\nmine,INV,Che bello,CHE BELLO,same\n")
    for arguments in (["--cases", str(tmp_path / "cases.csv")], []):
        monkeypatch.setattr(sys, "argv", ["sentiment-kit", "probe", "--model", str(hub_folder), "--json", *arguments])
        with pytest.raises(SystemExit):
            cli.main()
        found = json.loads(capsys.readouterr().out)
        if arguments:
            assert [row["capability"] for row in found["capabilities"]] == ["mine"]
            assert "families" not in found
    assert len(found["families"]) == 12
    assert len(found["capabilities"]) >= 15
    assert all(0 <= row["share"] <= 1 for row in found["capabilities"])
    assert len(found["worst_pairs"]) == 10
    failing = {row["capability"] for row in found["capabilities"] if row["count"]}
    assert {row["capability"] for row in found["failures"]} == failing
    monkeypatch.setattr(sys, "argv", ["sentiment-kit", "probe", "--model", str(hub_folder)])
    with pytest.raises(SystemExit):
        cli.main()
    printed = capsys.readouterr().out
    assert found["worst_pairs"][0]["text_b"] in printed
    assert found["failures"][0]["text"] in printed


def test_cases_are_called_as_people_call_them(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("capability,kind,text,other,expected\nlitote,mft,Non è male,,POS|neutro\nnomi,Inv,a,b,Same\n")
    cases = load_cases(path)
    assert cases["kind"].tolist() == ["MFT", "INV"]
    assert cases["expected"].tolist() == ["positive|neutral", "same"]
