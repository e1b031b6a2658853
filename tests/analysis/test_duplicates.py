import pandas as pd
import pytest

from sentiment_kit.analysis.duplicates import near_duplicates
from sentiment_kit.data import load_demo, load_sentipolc

TEXTS = [
    "Il ministro riferisce alle 15 in aula",
    "RT @radio: il ministro riferisce alle 15 in aula http://t.co/abc",
    "Il ministro riferisce alle 15 in aula, forse",
    "Il ministro non riferisce",
    None,
    "",
    "",
]


def test_by_hand():
    # "forse": of the pairs of the first (8, with begin and end) 7 are shared, 10 are in either.
    assert near_duplicates(TEXTS).tolist() == [0, 0, 0, 1, 2, 3, 4]
    assert near_duplicates(TEXTS, threshold=0.71).tolist() == [0, 0, 1, 2, 3, 4, 5]


def test_a_chain_is_one_group():
    words = ["uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici", "dodici"]
    chain = [" ".join(words[start : start + 8]) for start in range(5)]
    assert near_duplicates([chain[0], chain[4]]).tolist() == [0, 1]
    assert near_duplicates(chain, threshold=0.5).tolist() == [0] * 5


def test_the_order_does_not_matter():
    texts = pd.Series(TEXTS * 2 + load_demo()["text"].iloc[:100].tolist(), dtype=object)
    groups = near_duplicates(texts)
    shuffled = texts.sample(frac=1, random_state=1)
    renamed = near_duplicates(shuffled).loc[texts.index]
    assert pd.factorize(renamed)[0].tolist() == groups.tolist()


def test_more_texts_than_are_compared_at_a_time():
    texts = load_demo()["text"]
    copies = pd.concat([texts, texts.iloc[:50]], ignore_index=True)
    groups = near_duplicates(copies)
    assert groups.iloc[: len(texts)].tolist() == list(range(len(texts))), "no near-duplicates in the demo corpus"
    assert groups.iloc[len(texts) :].tolist() == list(range(50))


def test_nothing_and_mistakes():
    assert near_duplicates([]).tolist() == []
    with pytest.raises(ValueError, match="threshold must be above 0 and at most 1, but 0 was passed"):
        near_duplicates(TEXTS, threshold=0)
    with pytest.raises(TypeError, match="row 0"):
        near_duplicates([1])


def test_the_copies_of_the_real_file(sentipolc_file):
    sizes = near_duplicates(load_sentipolc(sentipolc_file, mixed="keep")["text"]).value_counts()
    assert (sizes[sizes > 1].count(), sizes[sizes > 1].sum(), sizes.max()) == (105, 268, 14)
