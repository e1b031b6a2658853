"""The timeline is as messy as its README says, and read as any file of tweets is."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import DEMO_FILE, TIMELINE_FILE, is_mixed, load_data, load_demo


@pytest.fixture(scope="module")
def timeline():
    return load_data("timeline", mixed="keep")


@pytest.fixture(scope="module")
def words(timeline):
    """Of each tweet; retweets are others' words again."""
    own = timeline["text"][~timeline["text"].str.startswith("RT ")]
    return [re.findall(r"\w+", text.lower()) for text in clean_tweets(own).fillna("")]


def test_columns_and_rows(timeline):
    assert timeline.columns.tolist() == [
        "id", "text", "label", "mixed", "date", "author", "topic", "label_a", "label_b", "subjective", "ironic",
        "opos", "oneg",
    ]  # fmt: skip
    assert len(timeline) >= 1500
    assert timeline["id"].is_unique
    assert not timeline["text"].duplicated().any()
    assert timeline["text"].str.len().between(2, 280).all()
    assert timeline["author"].nunique() >= 150


def test_the_readme_counts_what_is_there(timeline):
    readme = (DEMO_FILE.parent / "README.md").read_text(encoding="utf-8")
    both = timeline[(timeline["label_a"] != "") & (timeline["label_b"] != "")]
    skipped = [int((timeline[name] == "").sum()) for name in ("label_a", "label_b")]
    assert f"{len(timeline):,} tweets as messy as life" in readme
    assert f"{timeline['author'].nunique()} invented\nauthors" in readme
    assert f"({skipped[0]} and {skipped[1]})" in readme
    assert f"agree on {(both['label_a'] == both['label_b']).mean():.0%} of the tweets" in readme


def test_ten_weeks_in_order(timeline):
    dates = pd.to_datetime(timeline["date"], format="%Y-%m-%d %H:%M")
    assert dates.is_monotonic_increasing
    assert dates.min() >= pd.Timestamp("2025-03-03")
    assert dates.max() < pd.Timestamp("2025-05-12")
    assert dates.dt.to_period("W-SUN").nunique() == 10


def test_most_is_neutral_and_something_is_missing(timeline):
    shares = timeline["label"].value_counts(normalize=True)
    assert 0.6 <= shares["neutral"] <= 0.75
    assert shares["negative"] > shares["positive"]
    unknown = timeline["label"].isna() & ~is_mixed(timeline)
    assert 10 <= unknown.sum() <= 30
    assert timeline[["subjective", "ironic"]].dtypes.eq(bool).all()
    assert 0.02 <= is_mixed(timeline).mean() <= 0.08
    assert load_data("timeline").attrs["left_out"] == {"mixed": int(is_mixed(timeline).sum())}


def test_annotators_disagree_as_people_do(timeline):
    both = timeline[(timeline["label_a"] != "") & (timeline["label_b"] != "")]
    assert 0.97 <= len(both) / len(timeline) < 1
    assert 0.7 <= (both["label_a"] == both["label_b"]).mean() <= 0.9


def test_it_is_messy(timeline):
    texts = timeline["text"]
    assert 0.03 <= texts.str.match(r"RT @\w+: ").mean() <= 0.1
    assert texts.str.contains(r"https?://").mean() >= 0.1
    assert texts.str.contains(r"(?<!\w)#\w").mean() >= 0.15
    assert texts.str.contains(r"(?<!\w)@\w").mean() >= 0.1
    assert texts.str.contains("…").any()
    tags = Counter(tag.lower() for text in texts for tag in re.findall(r"#\w+", text))
    assert tags.most_common(1)[0][1] >= 40, "something trends"


def test_the_language_is_as_varied_as_real_tweets(words):
    for seed in range(3):
        sample = [words[i] for i in np.random.default_rng(seed).choice(len(words), 1000, replace=False)]
        forms = Counter(word for row in sample for word in row)
        assert len(forms) >= 3000
        assert sum(count == 1 for count in forms.values()) >= 0.55 * len(forms)  # five stories repeat their words
    opening = Counter(tuple(row[:3]) for row in words if len(row) > 3).most_common(1)[0]
    assert opening[1] <= 12, opening


def test_it_shares_no_tweet_with_the_corpus(timeline):
    assert not set(timeline["text"]) & set(load_demo(mixed="keep")["text"])
    assert TIMELINE_FILE.parent == DEMO_FILE.parent
