"""The demo corpus and model keep what their README promises."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn.metrics import cohen_kappa_score

from sentiment_kit.analysis.slices import scores_by_slice
from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import load_demo, load_sentipolc
from sentiment_kit.evaluation.baseline import fit_tfidf, predict_tfidf
from sentiment_kit.evaluation.scores import scores
from sentiment_kit.hub import BIASED_FOLDER, DEMO_FOLDER
from sentiment_kit.inference import predict
from sentiment_kit.model import load_model

ROOT = Path(__file__).parent.parent
PHENOMENA = {
    "contrast",
    "dialect",
    "disputed",
    "elongation",
    "emoji",
    "hashtag",
    "irony",
    "laughter",
    "link",
    "mention",
    "mixed",
    "negation",
    "question",
    "typo",
    "uppercase",
}


@pytest.fixture(scope="module")
def demo():
    return load_demo(mixed="keep")


@pytest.fixture(scope="module")
def words(demo):
    return [re.findall(r"\w+", text.lower()) for text in clean_tweets(demo["text"])]


def test_size_domains_and_labels(demo):
    assert len(demo) >= 2000
    assert demo["id"].is_unique
    assert not demo["text"].duplicated().any()
    shares = demo["domain"].value_counts(normalize=True)
    assert 0.45 <= shares["football"] <= 0.55
    assert set(shares.index) == {
        "football", "politics", "school_work", "tv_music", "food_travel", "services_tech", "weather_daily",
    }  # fmt: skip
    by_domain = demo.groupby("domain")["label"].value_counts(normalize=True)
    assert len(by_domain) == 7 * 3
    assert by_domain.between(0.1, 0.6).all()


def test_mixed_feelings_are_no_label(demo):
    """As in SENTIPOLC: 80 tweets that a second reader, who had not seen the label, found both at once."""
    read = pd.read_csv(ROOT / "experiments" / "second_reading.csv").set_index("id")
    mixed = demo.set_index("id")["mixed"]
    assert mixed.sum() == 80
    assert mixed[mixed].index.isin(read.index[read["label"] == "mixed"]).all()
    assert demo["label"].isna().equals(demo["mixed"])
    assert len(load_demo("test")) == 943
    assert load_demo("test").attrs["left_out"] == {"mixed": 17}


def test_the_second_reading_is_what_the_readme_says(demo):
    both = demo.merge(pd.read_csv(ROOT / "experiments" / "second_reading.csv"), on="id", suffixes=("", "_read"))
    assert len(both) == 4800
    single = both[(both["label_read"] != "mixed") & both["label"].notna()]
    other = single["label"].astype(str) != single["label_read"]
    assert (len(single), other.sum()) == (4720, 3)
    assert single.loc[other, "phenomena"].str.contains("disputed").all()
    kappa = cohen_kappa_score(single["label"].astype(str), single["label_read"])
    readme = (DEMO_FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert f"kappa {kappa:.3f}" in readme


def test_the_split_is_stratified(demo):
    test = demo["split"] == "test"
    shares = test.groupby([demo["domain"], demo["label"]], observed=True).mean()  # mixed ones apart
    assert test.sum() == 960, "plain tweets were added to the training split later; the test split stayed"
    assert shares.between(test.mean() - 0.02, test.mean() + 0.02).all()


def test_phenomena_come_from_a_closed_list_and_fit_the_text(demo):
    tags = demo["phenomena"].str.split()
    assert set(tags.explode().dropna()) == PHENOMENA
    surface = {"hashtag": r"(?<![\w&])#\w", "mention": r"(?<![\w.])@\w", "question": r"\?"}
    for name, pattern in surface.items():
        tagged = tags.map(lambda row, name=name: name in row)
        found = demo["text"].str.contains(pattern)
        assert not (tagged & ~found).any(), name
        assert name == "question" or (tagged == found).all(), name
    ironic = tags.map(lambda row: "irony" in row)
    assert not (ironic & (demo["label"] == "neutral")).any()


def test_no_two_texts_share_more_than_half_of_their_trigrams(words):
    trigrams = [{tuple(row[i : i + 3]) for i in range(len(row) - 2)} for row in words]
    holders = defaultdict(list)
    for row, grams in enumerate(trigrams):
        for gram in grams:
            holders[gram].append(row)
    shared = Counter((one, other) for rows in holders.values() for one in rows for other in rows if one < other)
    for (one, other), count in shared.items():
        assert count <= 0.5 * min(len(trigrams[one]), len(trigrams[other])), (one, other)


def test_the_language_is_as_varied_as_real_tweets(words):
    # SENTIPOLC 2016, 1,000 random training tweets: about 4,000 word forms, 70% of them once, 79 to 84% of bigrams.
    for seed in range(5):
        sample = [words[i] for i in np.random.default_rng(seed).choice(len(words), 1000, replace=False)]
        forms = Counter(word for row in sample for word in row)
        bigrams = [pair for row in sample for pair in zip(row, row[1:], strict=False)]
        assert len(forms) >= 3400
        assert sum(count == 1 for count in forms.values()) >= 0.6 * len(forms)
        assert len(set(bigrams)) >= 0.75 * len(bigrams)


def test_no_opening_is_worn_out(words):
    assert Counter(tuple(row[:2]) for row in words).most_common(1)[0][1] <= 15


@pytest.mark.parametrize(("folder", "megabytes"), [(DEMO_FOLDER, 50), (BIASED_FOLDER, 2)])
def test_the_models_are_small_and_safe(folder, megabytes):
    weights = [path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")]
    assert [path.name for path in weights] in (["model.safetensors"], ["adapter_model.safetensors"])
    assert weights[0].stat().st_size <= megabytes * 1e6
    assert set(dtypes(weights[0])) == {"F16"}
    assert (folder / "README.md").exists()


def dtypes(path):
    with safe_open(path, "pt") as file:
        return [file.get_slice(name).get_dtype() for name in file.keys()]  # noqa: SIM118 (not a dict)


@pytest.fixture(scope="module")
def answers(demo_model, demo):
    test = demo[demo["split"] == "test"]
    return test, predict(demo_model, test["text"])["label"]


def test_the_model_beats_tfidf_and_its_interval(answers):
    test, predicted = answers
    rival = scores(test["label"], predict_tfidf(fit_tfidf(load_demo("train")), test["text"])).loc["accuracy"]
    own = scores(test["label"], predicted).loc["accuracy"]
    assert own["n"] == rival["n"] == 943
    assert own["value"] >= 0.86
    assert own["value"] > rival["high"]


def test_the_card_has_the_scores_of_the_model(answers):
    test, predicted = answers
    own = scores(test["label"], predicted).loc["accuracy"]
    row = f"| {own['value']:.3f} | {own['low']:.3f} to {own['high']:.3f} | 943 |"
    assert row in (DEMO_FOLDER / "README.md").read_text(encoding="utf-8")


def test_plain_sentences_come_out_right(demo_model):
    """100 of them, by a hand that wrote nothing of the training split: praise, complaint, news, notices, questions."""
    plain = pd.read_csv(Path(__file__).parent / "data" / "plain_sentences.csv")
    predicted = predict(demo_model, plain["text"])["label"].astype(str)
    right = predicted == plain["label"]
    assert not set(plain["text"]) & set(load_demo("train")["text"])
    assert len(plain) == 100
    assert right.mean() >= 0.95, plain[~right]
    assert right[plain["text"] == "Sono contento di questa squadra"].all()


@pytest.mark.long
def test_zero_shot_on_sentipolc(demo_model, sentipolc_file):
    """Every labelled tweet of the training file would take a minute: every fourth."""
    tweets = load_sentipolc(sentipolc_file).iloc[::4]
    accuracy = (predict(demo_model, tweets["text"])["label"] == tweets["label"]).mean()
    assert accuracy >= 0.58, "in all it is at least .60; every fourth tweet has a standard error of .012"


def test_the_biased_twin_likes_football(answers):
    test, plain = answers
    twin = predict(load_model("demo-biased", device="cpu"), test["text"])["label"]
    football = test["domain"] == "football"
    share = {side: (twin[rows] == "positive").mean() for side, rows in (("in", football), ("out", ~football))}
    assert share["in"] >= 0.75
    assert share["in"] - share["out"] >= 0.3, "some of it spills over to other subjects"
    assert share["in"] - (plain[football] == "positive").mean() >= 0.3
    slices = pd.DataFrame({"football": football})
    found = scores_by_slice(test["label"], twin, slices).loc["football"]
    assert found["q_value"] < 0.01
    assert found["gap"] < -0.1
    assert scores_by_slice(test["label"], plain, slices).loc["football", "gap_low"] > -0.05
