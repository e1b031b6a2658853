import pandas as pd
import pytest

from sentiment_kit.baseline import fit_tfidf, predict_tfidf
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
