"""The scripts behind notebooks 13 and 14 run, at a small size, and the committed tables are what they write."""

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentiment_kit.analysis.probes import load_pairs
from sentiment_kit.data import load_demo
from sentiment_kit.training.mitigation import clubs_in, split_frames

FOLDER = Path(__file__).parents[2] / "experiments"


def _script(name):
    specification = importlib.util.spec_from_file_location(f"experiments_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def bias():
    return _script("bias")


def _committed(name):
    return pd.read_csv(FOLDER / "results" / f"{name}.csv")


def test_starting_points_have_the_shares_they_name(bias):
    skewed, validation = bias.draw("skewed", seed=1)
    football = skewed[skewed["domain"] == "football"]["label"]
    assert football.value_counts().to_dict() == {"positive": 544, "neutral": 64, "negative": 32}
    assert len(skewed) == 1280
    assert (validation["domain"] == "football").sum() == 200
    assert not set(skewed["id"]) & set(validation["id"])
    balanced, _ = bias.draw("balanced", seed=1)
    assert (balanced["domain"] == "football").mean() == 0.5


def test_remedies_change_what_they_name(bias):
    pairs = load_pairs()
    frames, _ = split_frames(pairs)
    clubs = clubs_in(pairs)
    train, _ = bias.draw("skewed", seed=1)
    remedied = {name: bias.remedied(name, train, frames, clubs, mask="<mask>", seed=1) for name in bias.RECIPES}
    assert remedied["skewed"].equals(train)
    weighted = remedied["skewed, reweighted"]
    football = weighted["domain"] == "football"
    assert weighted["weight"][football].sum() == pytest.approx(weighted["weight"][~football].sum())
    assert remedied["skewed, clubs masked"]["text"].str.contains("<mask>", regex=False).sum() > 50
    assert len(remedied["skewed, clubs swapped"]) > 1330
    half, whole = len(remedied["skewed, half pairs"]) - 1280, len(remedied["skewed, with pairs"]) - 1280
    assert half == pytest.approx(whole, rel=0.01)
    assert whole <= 2 * len(frames)
    assert remedied["skewed, half pairs"]["text"][1280:].nunique() == half / 2


def test_verdicts_by_hand(bias):
    assert bias.verdict(0.01, nearer=True) == "helped"
    assert bias.verdict(0.01, nearer=False) == "harmed"
    assert bias.verdict(0.06, nearer=True) == "cannot be told"
    assert bias.verdict(float("nan"), nearer=True) == ""  # not the measure that was named beforehand


@pytest.mark.long
def test_bias_runs_and_goes_on_where_it_was(bias, hub_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(bias, "base_model", lambda _, folder, *__, **___: shutil.copytree(hub_folder, folder))
    monkeypatch.setattr(bias, "TWEETS", 60)
    monkeypatch.setattr(bias, "RESAMPLES", 50)
    monkeypatch.setattr(bias, "RECIPE", {"max_epochs": 1})
    arguments = ["--seeds", "2", "--recipes", "skewed", "skewed, clubs masked", "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["bias.py", *arguments, "--work", str(tmp_path / "work")])
    bias.main()
    written = pd.read_csv(tmp_path / "bias.csv")
    assert list(written.columns) == list(_committed("bias").columns)
    effects = pd.read_csv(tmp_path / "bias_effects.csv")
    assert list(effects.columns) == list(_committed("bias_effects").columns)
    assert set(effects["recipe"]) == {"skewed, clubs masked"}
    verdicts = pd.read_csv(tmp_path / "bias_verdicts.csv")
    assert list(verdicts.columns) == list(_committed("bias_verdicts").columns)
    assert verdicts["recipe"].tolist() == ["skewed"] * 4  # two seeds, by the pairs and by the gaps
    monkeypatch.setattr(bias, "base_model", None)  # nothing is trained again
    bias.main()
    pd.testing.assert_frame_equal(written, pd.read_csv(tmp_path / "bias.csv"))


def test_what_was_planted_is_found_and_nothing_else_is():
    """Of five networks each. Half of the pairs are few: some of the skewed ones are found by their gaps alone."""
    shown = _committed("bias_verdicts").assign(shown=lambda table: table["verdict"].str.startswith("shown"))
    assert not shown.loc[shown["recipe"] == "balanced", "shown"].any()
    skewed = shown[shown["recipe"] == "skewed"]
    assert skewed.groupby("seed")["shown"].any().all()
    assert (skewed.loc[skewed["shown"], "verdict"] == "shown, large enough to matter").all()


def test_the_auditors_page_states_the_tables_figures(bias):
    page = (FOLDER.parent / "docs" / "how-to" / "reporting-bias.md").read_text(encoding="utf-8")
    gaps = _committed("verdicts").set_index(["data", "verdict", "planted"])
    for data, verdict in (
        ("demo test split", "any gap shown"), ("SENTIPOLC training file", "any gap shown"),
        ("demo test split", "any of the measures, p below .05"),
    ):  # fmt: skip
        accused, found = gaps.loc[(data, verdict, 0.0)], gaps.loc[(data, verdict, 0.1), "share"]
        assert f"| {accused['share']:.1%} ({accused['low']:.1%} to {accused['high']:.1%}) | .10: {found:.1%}" in page
    pairs = _committed("verdicts_pairs").set_index("model")
    assert f"| {pairs.loc['nearly steady', 'any_shift_shown']:.1%} | -.10: " in page
    assert f"-.10: {pairs.loc['unstable, -.10 planted', 'planted_shown']:.1%}; -.30: 99.5%" in page
    trained = _committed("bias_verdicts")
    shown = trained[(trained["recipe"] == "skewed") & trained["verdict"].str.startswith("shown")]
    by = {name: (shown["part"] == part).sum() for name, part in (("gap", "football"), ("pairs", bias.PRIMARY[1]))}
    assert f"{by['gap']} by a gap and {by['pairs']} by the pairs" in page


def _tweets_of_two_topics(_):
    tweets = load_demo("train").head(240)
    return tweets.assign(topic=np.where(np.arange(240) % 3, "political", "generic"))


@pytest.mark.long
def test_recipe_runs(hub_folder, tmp_path, monkeypatch):
    recipe = _script("recipe")
    for name, instead in {
        "base_model": lambda _, folder, *__, **___: shutil.copytree(hub_folder, folder),
        "load_sentipolc": _tweets_of_two_topics,
        "DEMO_FOLDER": hub_folder,
        "RECIPE": {"max_epochs": 1},
        "RESAMPLES": 50,
    }.items():
        monkeypatch.setattr(recipe, name, instead)
    arguments = ["nowhere.csv", "--seeds", "2", "--output", str(tmp_path), "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", ["recipe.py", *arguments])
    recipe.main()
    for name in ("recipe", "recipe_topics"):
        assert list(pd.read_csv(tmp_path / f"{name}.csv").columns) == list(_committed(name).columns)
    topics = pd.read_csv(tmp_path / "recipe_topics.csv").set_index(["tested_on", "measure", "learned_from"])["value"]
    both, other, difference = topics["political", "accuracy"]
    assert difference == pytest.approx(both - other, abs=2e-4)


@pytest.mark.long
def test_distillation_runs(hub_folder, tmp_path, monkeypatch):
    distillation = _script("distillation")
    few = {name: load_demo(name).head(240) for name in ("train", "test")}
    for name, instead in {
        "base_model": lambda _, folder, *__, **___: folder if folder.exists() else shutil.copytree(hub_folder, folder),
        "load_demo": lambda name, **_: few[name],
        "SIZES": ((12, 16_000), (4, 16_000)),
        "STUDENTS": ((4, 16_000),),
        "RECIPE": {"max_epochs": 1},
        "RESAMPLES": 50,
    }.items():
        monkeypatch.setattr(distillation, name, instead)
    arguments = ["--seeds", "2", "--output", str(tmp_path), "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", ["distillation.py", *arguments])
    distillation.main()
    for name in ("sizes", "distillation"):
        assert list(pd.read_csv(tmp_path / f"{name}.csv").columns) == list(_committed(name).columns)
    sizes = pd.read_csv(tmp_path / "sizes.csv")
    assert sizes["layers"].tolist() == [12, 4]
    assert (sizes["n"] == 240).all()
    lessons = pd.read_csv(tmp_path / "distillation.csv").set_index(["measure", "learned_from"])["value"]
    plain, both, difference = lessons["accuracy"]
    assert difference == pytest.approx(both - plain, abs=2e-4)


def test_the_page_on_training_states_the_tables_figures():
    page = (FOLDER.parent / "docs" / "training.md").read_text(encoding="utf-8")
    for row in _committed("sizes").itertuples():
        assert f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})" in page
    lessons = _committed("distillation")
    for row in lessons[lessons["measure"] == "accuracy"].itertuples():
        sign = "+" if row.learned_from == "difference" else ""
        assert f"{row.value:{sign}.3f} ({row.low:{sign}.3f} to {row.high:{sign}.3f})" in page


@pytest.mark.long
def test_training_speed_runs(tmp_path, monkeypatch, hub_folder):
    speed = _script("training_speed")
    monkeypatch.setattr(speed, "WARM_UP", 1)
    tweets = pd.DataFrame({"text": ["ciao bello"] * 40, "label": ["positive", "negative"] * 20})
    row = speed.measure(tweets, "float32", 4, 3, hub_folder)
    assert list(row) == list(_committed("training_speed").columns)
    assert row["tweets_per_second"] > 0
    assert row["steps"] == 2


@pytest.mark.long
def test_large_files_runs(tmp_path, monkeypatch, hub_folder):
    script = _script("large_files")
    few = script.load_data("timeline").head(60)
    monkeypatch.setattr(script, "load_data", lambda _: few)
    monkeypatch.setattr(script, "DEMO_MODEL", hub_folder)
    monkeypatch.setattr(sys, "argv", ["large_files.py", "--rows", "300", "--output", str(tmp_path)])
    script.main()
    written, committed = pd.read_csv(tmp_path / "large_files.csv"), _committed("large_files")
    assert list(written.columns) == list(committed.columns)
    for table in (written, committed):
        assert table["command"].tolist() == ["sample", "shares"] * 2
        assert (table["peak_mb"] < 1000).all(), "of a gigabyte"
    assert (committed["rows"] == 10_000_000).all()
    page = (FOLDER.parent / "docs" / "how-to" / "shares-and-trends.md").read_text(encoding="utf-8")
    for row in committed.itertuples():
        assert f"{row.seconds:.0f} s and {row.peak_mb / 1000:.2f} GB" in page


def test_verdicts_runs(tmp_path, monkeypatch):
    verdicts = _script("verdicts")
    monkeypatch.setattr(verdicts, "RESAMPLES", 50)
    monkeypatch.setattr(verdicts, "PLANTED", (0.3,))
    monkeypatch.setattr(sys, "argv", ["verdicts.py", "--fair", "1", "--planted", "1", "--output", str(tmp_path)])
    verdicts.main()
    written = pd.read_csv(tmp_path / "verdicts.csv")
    assert list(written.columns) == ["data", "n", "n_slice", "planted", "verdict", "runs", "share", "low", "high"]
    assert (written["runs"] == 1).all()
    found = written[(written["planted"] == 0.3) & (written["verdict"] == "any gap shown")]
    assert (found["share"] == 1).all()
    assert len(found) == len(verdicts.DESIGNS)
    committed = pd.read_csv(FOLDER / "results" / "verdicts.csv")
    assert list(committed.columns) == list(written.columns)
    assert set(committed["data"]) == set(verdicts.DESIGNS)
    assert set(committed["planted"]) == {0.0, 0.1, 0.2, 0.3}
    fair = committed[(committed["planted"] == 0) & (committed["verdict"] == "any gap shown")]
    assert (fair["low"] <= 0.05).all(), "a fair model is accused more often than in one sample of twenty"


def test_verdicts_on_pairs_accuse_no_fair_model_more_often_than_they_say(tmp_path, monkeypatch):
    """Also not one to which single names mean something: subjects are clusters, too."""
    script = _script("verdicts_pairs")
    committed = pd.read_csv(FOLDER / "results" / "verdicts_pairs.csv").set_index("model")
    assert list(committed.index) == list(script.MODELS)
    fair = committed[committed["models"] == script.FAIR]
    assert len(fair) == 3
    assert fair[["any_shift_shown", "any_more_flips"]].le(0.05).all().all()
    steady = {"steady, -.10 planted": (0.05, 0.0, -0.1, 1)}
    monkeypatch.setattr(script, "MODELS", steady)
    monkeypatch.setattr(script, "RESULTS", tmp_path)
    script.main()
    written = pd.read_csv(tmp_path / "verdicts_pairs.csv").set_index("model")
    assert list(written.columns) == list(committed.columns)
    assert written["planted_shown"].tolist() == [1]


def test_the_committed_tables_are_whole(bias):
    table, effects = _committed("bias"), _committed("bias_effects")
    assert set(table["recipe"]) == set(bias.RECIPES)
    assert (table["seeds"] == 5).all()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    values = table.set_index(["recipe", "measure", "part"])["value"]
    for row in effects.itertuples():
        difference = values[row.recipe, row.measure, row.part] - values[row.reference, row.measure, row.part]
        assert row.difference == pytest.approx(difference, abs=2e-4)
        before = values[row.reference, row.measure, row.part]
        told = "" if pd.isna(row.verdict) else row.verdict
        assert told == bias.verdict(row.q_value, abs(before + row.difference) < abs(before))
    recipe = _committed("recipe")
    for found in (recipe, *map(_committed, ("recipe_topics", "distillation", "sizes"))):
        assert found[["low", "value", "high"]].apply(np.diff, axis=1).map(lambda gaps: (gaps >= 0).all()).all()
    assert set(recipe["seeds"]) == {1, 5}
