import re

import pandas as pd
import pytest

from sentiment_kit.data import load_demo
from sentiment_kit.report.explorer import confused_tweets, confusion_explorer
from sentiment_kit.inference import predict


@pytest.fixture
def tweets():
    return load_demo("test").head(240).set_index("id")


@pytest.fixture
def predictions(tweets, demo_model):
    return predict(demo_model, tweets["text"], progress=False)


def _buttons(explorer):
    return {
        button.tooltip: button
        for button in explorer.children[0].children
        if hasattr(button, "tooltip") and button.tooltip
    }


def test_confused_tweets_by_hand():
    tweets = pd.DataFrame({"text": list("abcd"), "label": ["positive", "negative", None, "neutral"]})
    predictions = pd.DataFrame(
        {"label": ["negative", "negative", "positive", "positive"], "confidence": [0.6, 0.9, 0.8, 0.7]}
    )
    found = confused_tweets(tweets, predictions)
    assert found.index.tolist() == [3, 0]
    assert found["gold"].tolist() == ["neutral", "positive"]
    assert found["predicted"].tolist() == ["positive", "negative"]
    with pytest.raises(ValueError, match="index"):
        confused_tweets(tweets, predictions[:2])


def test_the_buttons_have_the_counts_of_the_matrix(tweets, predictions, demo_model):
    buttons = _buttons(confusion_explorer(tweets, predictions, demo_model))
    counts = pd.crosstab(tweets["label"], predictions["label"])
    assert len(buttons) == 9
    for gold in counts.index:
        for predicted in counts.columns:
            assert buttons[f"{gold} taken for {predicted}"].description == str(counts.loc[gold, predicted])


def test_a_click_shows_the_tweets_of_the_cell_and_next_the_next(tweets, predictions, demo_model):
    explorer = confusion_explorer(tweets, predictions, demo_model, rows=2)
    _, shown, more = explorer.children
    assert shown.value == ""
    confused = confused_tweets(tweets, predictions)
    gold, predicted = confused.groupby(["gold", "predicted"]).size().idxmax()
    n = ((confused["gold"] == gold) & (confused["predicted"] == predicted)).sum()
    assert n > 2
    _buttons(explorer)[f"{gold} taken for {predicted}"].click()
    assert f"{gold} taken for {predicted}: 1 to 2 of {n}" in shown.value
    assert shown.value.count("% sure") == 2
    assert "background: rgba" in shown.value
    assert not more.disabled
    more.click()
    assert f": 3 to {min(4, n)} of {n}" in shown.value
    _buttons(explorer)[f"{gold} taken for {gold}"].click()
    assert f"{gold}, and found to be: 1 to 2" in shown.value


def test_tweets_with_the_same_index_are_shown_apart(demo_model):
    tweets = pd.DataFrame({"text": ["che schifo il treno", "che schifo oggi"], "label": "negative"}, index=[7, 7])
    predictions = predict(demo_model, tweets["text"], progress=False).assign(confidence=[0.75, 0.875], label="negative")
    explorer = confusion_explorer(tweets, predictions, demo_model)
    _buttons(explorer)["negative taken for negative"].click()
    shown = re.sub("<.*?>", "|", explorer.children[1].value).split("|")
    assert "".join(shown) == (
        "negative, and found to be: 1 to 2 of 2negative: che schifo oggi88% surenegative: che schifo il treno75% sure"
    )


def test_text_is_escaped_and_an_empty_cell_says_so(demo_model):
    tweets = pd.DataFrame({"text": ["<script>alert(1)</script> bello"], "label": ["positive"]})
    predictions = predict(demo_model, tweets["text"], progress=False)
    explorer = confusion_explorer(tweets, predictions, demo_model)
    _buttons(explorer)[f"positive taken for {predictions['label'][0]}"].click()
    assert "<script" not in explorer.children[1].value
    empty = next(label for label in ("negative", "neutral") if label != predictions["label"][0])
    _buttons(explorer)[f"positive taken for {empty}"].click()
    assert "none" in explorer.children[1].value
