import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_kit.analysis.duplicates import near_duplicates
from sentiment_kit.data import load_demo
from sentiment_kit.labels import LABELS
from sentiment_kit.training.splits import split_tweets, without_copies


def _tweets(n, label="neutral"):
    return pd.DataFrame({"text": [f"parola{i} altra{i} ancora{i}" for i in range(n)], "label": label})


def test_shares_by_hand():
    tweets = pd.concat([_tweets(100, label).assign(text=lambda t, label=label: label + t["text"]) for label in LABELS],
                       ignore_index=True)  # fmt: skip
    parts = split_tweets(tweets)
    assert parts.name == "split"
    assert parts.index.equals(tweets.index)
    counted = pd.crosstab(parts, tweets["label"])
    assert (counted.loc["test"] == 20).all()
    assert (counted.loc["validation"] == 8).all()  # a tenth of the 80 that are left
    assert (counted.loc["train"] == 72).all()


def test_no_test_part():
    parts = split_tweets(_tweets(50), test=0, validation=0.2)
    assert parts.value_counts().to_dict() == {"train": 40, "validation": 10, "test": 0}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_copies_stay_together(seed):
    tweets = load_demo("test").head(200)
    copies = tweets.head(80).assign(text="RT @qualcuno: " + tweets["text"].head(80) + " http://t.co/zz9")
    both = pd.concat([tweets, copies], ignore_index=True).sample(frac=1, random_state=seed)
    parts = split_tweets(both, seed=seed)
    assert parts.notna().all()
    groups = near_duplicates(both["text"])
    assert (parts.cat.codes == parts.cat.codes.groupby(groups).transform("first")).all()


def test_the_seed_decides():
    tweets = load_demo("test")
    pd.testing.assert_series_equal(split_tweets(tweets, seed=3), split_tweets(tweets, seed=3))
    assert (split_tweets(tweets, seed=3) != split_tweets(tweets, seed=4)).any()


@pytest.mark.parametrize("rare", [3, 4, 5])
def test_a_rare_label_is_in_every_part(rare):
    labels = ["negative"] * 200 + ["positive"] * rare
    for seed in range(5):
        parts = split_tweets(_tweets(len(labels)).assign(label=labels), seed=seed)
        assert set(parts[-rare:]) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("tweets", "options", "message"),
    [
        (_tweets(50), {"test": 1.0}, "expected test in .0, 1. and validation"),
        (_tweets(50), {"validation": 0}, "expected test in .0, 1. and validation"),
        (_tweets(50).assign(label=[None] + ["neutral"] * 49), {}, "row 0 has none"),
        (_tweets(50).assign(label=[None] + ["neutral"] * 49).set_axis([7, *range(49)]), {}, "but row 7 has none"),
        (_tweets(50).assign(label=["positive"] * 2 + ["neutral"] * 48), {}, "positive has 2"),
        (_tweets(0), {}, "there are none"),
    ],
)
def test_what_cannot_be_split(tweets, options, message):
    with pytest.raises(ValueError, match=message):
        split_tweets(tweets, **options)


def test_copies_of_held_out_tweets_leave():
    tweets = pd.DataFrame({"text": ["Che gol, ragazzi!", "Piove da ieri", "RT @a: che gol, ragazzi!"]}, index=[7, 8, 9])
    left = without_copies(tweets, pd.DataFrame({"text": ["che gol, ragazzi! http://t.co/x"]}))
    assert left.index.tolist() == [8]
    assert without_copies(tweets, tweets[:0]).index.tolist() == [7, 8, 9]
