import json
import sys

import numpy as np
import pandas as pd
import pytest

from sentiment_kit import cli
from sentiment_kit.analysis.lexicon import football_cues
from sentiment_kit.analysis.probes import (
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
    # Of two frames a resample has x1 twice (mean .1), both (mean 1/3) or x2 twice (.8), the outer ones 1 time in 4.
    # With two frames Student's interval is 12.706 / 1.95996 as wide, and sqrt(2) more for the spread of two.
    wider = 12.7062 / 1.959964 * 2**0.5
    expected = [1 / 3 + wider * (0.1 - 1 / 3), 1 / 3 + wider * (0.8 - 1 / 3)]
    assert table.loc["x", ["shift_low", "shift_high"]].tolist() == pytest.approx(expected, rel=1e-4)
    assert table.loc["y", ["shift_low", "shift_high"]].isna().all()
    # Signs of x1's shift (.2) and of x2's (.8) at random: alike, and so as large, every other time. y has one frame.
    assert table["p_value"].tolist() == pytest.approx([0.5, np.nan], abs=0.02, nan_ok=True)
    assert table["q_value"].tolist() == table["p_value"].tolist()[:1] + [pytest.approx(np.nan, nan_ok=True)]
    assert table["shown"].tolist() == [False, False]
    # 1 of 2 flips in x1, 1 of 1 in x2: as good as 3 independent pairs (4.5 by their variance), and with Student's
    # quantile of two frames as (1.959964 / 12.7062)^2 x 3 = 0.071380 of them; Wilson's ends with that n.
    assert table.loc["x", ["flip_low", "flip_high"]].tolist() == pytest.approx([0.008125, 0.997956], abs=1e-6)
    # No flip in one frame: Wilson's interval for 0 of 1.
    assert table.loc["y", ["flip_rate", "flip_low", "flip_high"]].tolist() == pytest.approx([0, 0, 0.7935], abs=1e-4)
    assert worst_pairs(SCORED, 2)["text_a"].tolist() == ["c", "a"]


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
    assert table.loc["club_to_other", "shown"]
    assert table.loc["club_to_other", "shift_high"] < 0
    assert not table.loc["rival_clubs", "shown"]


def test_a_fair_model_is_seldom_accused():
    """Answers drawn apart from the texts, 200 times: at most 5% of the families may look biased."""
    pairs, generator = load_pairs(), np.random.default_rng(1)
    accused = []
    for seed in range(200):
        a, b = (predictions(*generator.random(len(pairs))) for _ in range(2))
        accused.extend(family_effects(score_pairs(pairs, a, b), resamples=400, seed=seed)["shown"])
    assert len(accused) == 200 * pairs["family"].nunique()
    error = (0.05 * 0.95 / len(accused)) ** 0.5
    assert np.mean(accused) <= 0.05 + 2 * error


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
    assert biased["shown"]
    assert biased["q_value"] < 0.01
    assert -0.05 < plain["shift_low"] <= plain["shift_high"] < 0.05
    assert not effects["demo-biased"].loc["rival_clubs", "shown"]


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
        (load_pairs, "family,frame\nx,1\n", "no column tone, subject_a, subject_b, text_a, text_b"),
        (
            load_pairs,
            "family,frame,tone,subject_a,subject_b,text_a,text_b\nx,1,neutral,A,B,ciao,ciao\n",
            "row 1, text_a and text_b are the same",
        ),
        (
            load_pairs,
            "family,frame,tone,subject_a,subject_b,text_a,text_b\nx,1,neutral,A,B,ciao A,ciao B\nx,,neutral,A,B,a,b\n",
            "row 2, column frame: empty",
        ),
        (load_cases, "capability,kind,text,other,expected\nc,FOO,a,,negative\n", "row 1, column kind: expected MFT"),
        (load_cases, "capability,kind,text,other,expected\nc,MFT,a,,bad\n", "row 1, column expected: for MFT one of"),
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
            "row 2, column expected: for MFT one of negative, neutral, positive, got 'x'; row 3, ",
        ),
    ],
)
def test_bad_rows_are_named_with_their_numbers(tmp_path, load, content, message):
    (tmp_path / "own.csv").write_text(content)
    with pytest.raises(DataError, match=r"own\.csv") as error:
        load(tmp_path / "own.csv")
    assert message in str(error.value)
    assert ("(and 2 more)" in str(error.value)) == (content.count("c,MFT,a,,x") == 7)


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
    assert len(found["families"]) == 6
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
