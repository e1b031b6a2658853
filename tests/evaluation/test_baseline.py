import numpy as np
import pandas as pd
import pytest

from sentiment_kit.evaluation.baseline import crossvalidated_tfidf, fit_tfidf, learning_curve, predict_tfidf
from sentiment_kit.labels import label_dtype

TRAIN = pd.DataFrame(
    {
        "text": ["bello bello", "che bello", "brutto", "brutto davvero", "oggi treno", "treno alle 8", None, "boh"],
        "label": ["positive", "positive", "negative", "negative", "neutral", "neutral", "positive", None],
    }
).astype({"label": label_dtype})


@pytest.fixture(scope="module")
def pipeline():
    return fit_tfidf(TRAIN)


def test_it_learns_the_words(pipeline):
    texts = pd.Series(["bello @user", "brutto http://t.co/Ab12Cd34Ef", "il treno", None], index=list("abcd"))
    labels = predict_tfidf(pipeline, texts)
    assert labels.tolist()[:3] == ["positive", "negative", "neutral"]
    assert labels.index.tolist() == list("abcd")
    assert labels.dtype == label_dtype
    assert pd.notna(labels["d"])


def test_it_does_not_depend_on_the_order_of_the_texts(pipeline):
    texts = TRAIN["text"].fillna("")
    pd.testing.assert_series_equal(predict_tfidf(pipeline, texts[::-1]).sort_index(), predict_tfidf(pipeline, texts))


def test_crossvalidation_never_shows_a_tweet_to_its_own_judge():
    """Every text has one word of its own: a judge that had seen the tweet would know its label from it."""
    n = 60
    tweets = pd.DataFrame(
        {
            "text": [f"parola{chr(97 + row % 26)}{chr(97 + row // 26)}" for row in range(n)],
            "label": pd.Series(np.random.default_rng(0).choice(["negative", "positive"], n), dtype=label_dtype),
        }
    ).set_axis(range(100, 100 + n))
    seen = predict_tfidf(fit_tfidf(tweets), tweets["text"])
    unseen = crossvalidated_tfidf(tweets)
    assert (seen == tweets["label"]).all()
    assert (unseen == tweets["label"]).mean() < 0.75
    assert unseen.index.equals(tweets.index)
    pd.testing.assert_series_equal(unseen, crossvalidated_tfidf(tweets))


def test_crossvalidation_leaves_out_what_it_cannot_judge():
    tweets = pd.DataFrame({"text": ["bello"] * 5 + ["brutto"] * 6, "label": ["positive"] * 5 + ["negative"] * 6})
    tweets = tweets.astype({"label": label_dtype})
    tweets.loc[10, "label"] = None
    predicted = crossvalidated_tfidf(tweets, folds=5)
    assert predicted.iloc[:10].tolist() == tweets["label"].iloc[:10].tolist()
    assert pd.isna(predicted[10])
    with pytest.raises(ValueError, match="at least 6 labelled tweets of each label, but the rarest has 5"):
        crossvalidated_tfidf(tweets, folds=6)


def tweets_of(words: dict[str, str], copies: int) -> pd.DataFrame:
    rows = [(word, label) for word, label in words.items() for _ in range(copies)]
    return pd.DataFrame(rows, columns=["text", "label"]).astype({"label": label_dtype})


def test_a_learning_curve_by_hand():
    """Of one word a label, what was read once is known, and what was never read cannot be."""
    words = {"bello": "positive", "brutto": "negative", "treno": "neutral"}
    tweets, train = tweets_of(words, 2), tweets_of(words, 20)
    curve = learning_curve(tweets, train, shares=(0.5, 1))
    assert curve.index.tolist() == [30, 60]
    assert curve["value"].tolist() == [1, 1]
    assert curve["n"].tolist() == [6, 6]
    few = learning_curve(tweets, pd.concat([train[train["label"] != "neutral"], train[:0]]), shares=(1,))
    assert few["value"].tolist() == [pytest.approx(4 / 6)]


def test_a_learning_curve_without_other_tweets_is_crossvalidated():
    tweets = tweets_of({"bello": "positive", "brutto": "negative"}, 25)
    curve = learning_curve(tweets, shares=(0.5, 1))
    assert curve.index.tolist() == [20, 40]
    assert curve.index.name == "n_train"
    assert curve["value"].tolist() == [1, 1]
    assert curve["n"].tolist() == [50, 50]
