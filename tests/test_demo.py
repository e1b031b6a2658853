"""The demo corpus and model keep what their README promises."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from sentiment_kit.analysis.baseline import fit_tfidf, predict_tfidf
from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import load_demo
from sentiment_kit.evaluation.scores import scores
from sentiment_kit.hub import DEMO_FOLDER
from sentiment_kit.inference import predict

PHENOMENA = {
    "contrast",
    "dialect",
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
    return load_demo()


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


def test_the_split_is_stratified(demo):
    test = demo["split"] == "test"
    shares = test.groupby([demo["domain"], demo["label"]], observed=True).mean()
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


def test_the_model_is_small_and_safe():
    files = {path.name: path.stat().st_size for path in DEMO_FOLDER.iterdir()}
    assert "model.safetensors" in files
    assert not any(name.endswith(".bin") for name in files)
    assert sum(files.values()) < 8_000_000


def test_the_model_comes_within_3_points_of_tfidf(demo_model):
    train, test = load_demo("train"), load_demo("test")
    baseline = scores(test["label"], predict_tfidf(fit_tfidf(train), test["text"])).loc["accuracy"]
    network = scores(test["label"], predict(demo_model, test["text"])["label"]).loc["accuracy"]
    assert network["n"] == baseline["n"] == len(test)
    assert network["value"] >= baseline["value"] - 0.03
