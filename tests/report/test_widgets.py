import re
import sys

import pandas as pd
import pytest

from sentiment_kit.data import load_demo
from sentiment_kit.evaluation import confused_tweets
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.report.widgets import Answer, answer, as_html, as_text, confusion_explorer, text_box

PREDICTION = pd.Series(
    {"negative": 0.75, "neutral": 0.25, "positive": 0.0, "label": "negative", "n_tokens": 5, "truncated": False}
)
WORDS = pd.DataFrame(
    {"text": "non bello <b>", "word": ["non", "bello", "<b>"], "start": [0, 4, 10], "end": [3, 9, 13],
     "attribution": [1.5, -0.25, 0.0], "target": "negative"}
)  # fmt: skip


def test_the_terminal_by_hand():
    shown = as_text([Answer("one", PREDICTION, WORDS, "")])
    assert shown.splitlines() == [
        "one: negative",
        "  negative ██████████████████        75.0%",
        "  neutral  ██████                    25.0%",
        "  positive                            0.0%",
        "  for it   non (+1.50)",
        "  against  bello (-0.25)",
    ]


def test_the_page_escapes_and_colours():
    shown = as_html([Answer("<i>", PREDICTION, WORDS, "")])
    assert "<i>" not in shown
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
    assert "width: 75.0%" in shown
    assert "rgba(0, 114, 178" in shown


def test_every_model_answers(tiny_model):
    found = answer({"demo": tiny_model, "tiny": tiny_model}, "Che bella giornata 😊")
    assert [one.model for one in found] == ["demo", "tiny"]
    for one in found:
        assert one.prediction[list(LABELS)].sum() == pytest.approx(1, abs=1e-5)
        assert one.words["word"].tolist() == ["Che", "bella", "giornata", "😊"]
        assert not one.note


def test_nothing_to_read(tiny_model):
    (found,) = answer({"demo": tiny_model}, "@a http://t.co/x")
    assert "nothing to read" in as_text([found])
    assert "nothing to read" in as_html([found])


def test_without_captum_there_are_probabilities_and_a_hint(tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    (found,) = answer({"demo": tiny_model}, "ciao")
    assert "explain" in found.note
    assert f"no words: {found.note}" in as_text([found])
    assert "%" in as_text([found])


def test_the_box_answers_at_once_and_when_asked(tiny_model):
    box = text_box({"demo": tiny_model}, text="che schifo")
    (entry, button), shown = box.children[0].children, box.children[1]
    first = shown.value
    assert "schifo" in first
    entry.value = "che meraviglia"
    assert "meraviglia" in shown.value
    button.click()
    assert "meraviglia" in shown.value
    assert text_box({"demo": tiny_model}).children[1].value == ""


# A confusion matrix whose cells open


@pytest.fixture
def tweets():
    return load_demo("test").head(240).set_index("id")


@pytest.fixture
def predictions(tweets, tiny_model):
    return predict(tiny_model, tweets["text"], progress=False)


def _buttons(explorer):
    return {
        button.tooltip: button
        for button in explorer.children[0].children
        if hasattr(button, "tooltip") and button.tooltip
    }


def test_the_buttons_have_the_counts_of_the_matrix(tweets, predictions, tiny_model):
    buttons = _buttons(confusion_explorer(tweets, predictions, tiny_model))
    counts = pd.crosstab(tweets["label"], predictions["label"])
    assert len(buttons) == 9
    for gold in counts.index:
        for predicted in counts.columns:
            assert buttons[f"{gold} taken for {predicted}"].description == str(counts.loc[gold, predicted])


def test_a_click_shows_the_tweets_of_the_cell_and_next_the_next(tweets, predictions, tiny_model):
    explorer = confusion_explorer(tweets, predictions, tiny_model, rows=2)
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


def test_text_is_escaped_and_an_empty_cell_says_so(tiny_model):
    tweets = pd.DataFrame({"text": ["<script>alert(1)</script> bello"], "label": ["positive"]})
    predictions = predict(tiny_model, tweets["text"], progress=False)
    explorer = confusion_explorer(tweets, predictions, tiny_model)
    _buttons(explorer)[f"positive taken for {predictions['label'][0]}"].click()
    assert "<script" not in explorer.children[1].value
    empty = next(label for label in ("negative", "neutral") if label != predictions["label"][0])
    _buttons(explorer)[f"positive taken for {empty}"].click()
    assert "none" in explorer.children[1].value
