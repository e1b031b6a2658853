import numpy as np
import pandas as pd
import pytest

from sentiment_kit.analysis.probes import load_pairs
from sentiment_kit.cleaning import clean_tweet
from sentiment_kit.data import load_demo
from sentiment_kit.training.mitigation import (
    MASK,
    balancing_weights,
    clubs_in,
    counterfactual_tweets,
    mask_clubs,
    split_frames,
    swap_clubs,
)

CLUBS = pd.DataFrame({"name": ["Roma", "Lazio", "Milan", "Pro Vercelli"], "article": ["la ", "la ", "il ", "la "]})


def test_weights_by_hand():
    labels = pd.Series(["pos", "pos", "pos", "neg", "pos", "neg"])
    groups = pd.Series(["football"] * 4 + ["other"] * 2)
    weights = balancing_weights(labels, groups)
    # 4 of 6 rows are pos: each group's pos should count as 2 rows, its neg as 1.
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 1, 2, 1])
    assert weights.mean() == pytest.approx(1)
    sums = weights.groupby([groups, labels]).sum()
    np.testing.assert_allclose(sums["football"], sums["other"])


def test_weights_of_a_cell_that_is_empty():
    with pytest.raises(ValueError, match="group 'b' is x"):
        balancing_weights(pd.Series(["x", "y", "y"]), pd.Series(["a", "a", "b"]))
    with pytest.raises(ValueError, match=r"labels and groups must have the same index; .* position 0 \(0 and 1\)"):
        balancing_weights(pd.Series(["x"]), pd.Series(["a"], index=[1]))


def test_clubs_come_with_their_article():
    clubs = clubs_in(load_pairs()).set_index("name")["article"]
    assert clubs.index.is_unique
    assert clubs[["Roma", "Milan", "Inter", "Spezia"]].tolist() == ["la ", "il ", "l'", "lo "]
    assert "ministero" not in " ".join(clubs.index)


def test_masks_are_whole_words():
    texts = pd.Series(["Roma-Lazio 1-0 #Roma", "romano, Romania", "la Pro Vercelli vince"])
    assert mask_clubs(texts, CLUBS).tolist() == [
        f"{MASK}-{MASK} 1-0 #{MASK}", "romano, Romania", f"la {MASK} vince",
    ]  # fmt: skip
    assert clean_tweet(MASK) == MASK


def test_swaps_keep_the_article_and_the_label():
    tweets = pd.DataFrame({"text": ["Forza Roma, la Roma!", "Roma-Lazio", "il Milan", "piove"], "label": list("abcd")})
    swapped = swap_clubs(tweets, CLUBS)
    # "Pro Vercelli" is two words; nobody else takes "il"; where both are named nobody is left.
    assert swapped["text"].tolist() == ["Forza Lazio, la Lazio!", "Roma-Lazio", "il Milan"]
    assert swapped["label"].tolist() == list("abc")


def test_swaps_of_the_demo_differ_and_follow_the_seed():
    tweets = load_demo("train")
    football = tweets[tweets["domain"] == "football"]
    clubs = clubs_in(load_pairs())
    swapped = swap_clubs(football, clubs, seed=1)
    assert len(swapped) > 200
    assert (swapped["text"] != football["text"][swapped.index]).mean() > 0.9
    pd.testing.assert_frame_equal(swapped, swap_clubs(football, clubs, seed=1))
    before, after = (mask_clubs(table["text"], clubs) for table in (football.loc[swapped.index], swapped))
    assert before.tolist() == after.tolist(), "nothing but the name changes"


def test_pairs_become_tweets():
    pairs = pd.DataFrame({"text_a": ["a", "a"], "text_b": ["b", "c"], "tone": ["positive", "positive"]})
    tweets = counterfactual_tweets(pairs)
    assert tweets["text"].tolist() == ["a", "b", "c"]
    assert tweets["label"].astype(str).tolist() == ["positive"] * 3


def test_no_frame_is_in_both_halves():
    pairs = load_pairs()
    trained, tested = split_frames(pairs)
    assert not set(trained["frame"]) & set(tested["frame"])
    assert len(trained) + len(tested) == len(pairs)
    assert set(trained["family"]) == set(tested["family"]) == set(pairs["family"])
    assert abs(trained["frame"].nunique() - tested["frame"].nunique()) <= 6
    pd.testing.assert_frame_equal(trained, split_frames(pairs)[0])
    assert not split_frames(pairs, seed=1)[0].equals(trained)


def test_frames_that_cannot_be_split():
    pairs = load_pairs()
    with pytest.raises(ValueError, match="has one frame"):
        split_frames(pairs[pairs["frame"] == pairs["frame"][0]])
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_frames(pairs, share=1)
