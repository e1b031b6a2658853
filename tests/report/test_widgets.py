import sys

import pandas as pd
import pytest

from sentiment_kit.labels import LABELS
from sentiment_kit.report.widgets import Answer, answer, as_html, as_text, text_box

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


def test_every_model_answers(demo_model, tiny_model):
    found = answer({"demo": demo_model, "tiny": tiny_model}, "Che bella giornata 😊")
    assert [one.model for one in found] == ["demo", "tiny"]
    for one in found:
        assert one.prediction[list(LABELS)].sum() == pytest.approx(1, abs=1e-5)
        assert one.words["word"].tolist() == ["Che", "bella", "giornata", "😊"]
        assert not one.note


def test_nothing_to_read(demo_model):
    (found,) = answer({"demo": demo_model}, "@a http://t.co/x")
    assert "nothing to read" in as_text([found])
    assert "nothing to read" in as_html([found])


def test_without_captum_there_are_probabilities_and_a_hint(demo_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    (found,) = answer({"demo": demo_model}, "ciao")
    assert "explain" in found.note
    assert f"no words: {found.note}" in as_text([found])
    assert "%" in as_text([found])


def test_the_box_answers_at_once_and_when_asked(demo_model):
    box = text_box({"demo": demo_model}, text="che schifo")
    (entry, button), shown = box.children[0].children, box.children[1]
    first = shown.value
    assert "schifo" in first
    entry.value = "che meraviglia"
    assert "meraviglia" in shown.value
    button.click()
    assert "meraviglia" in shown.value
    assert text_box({"demo": demo_model}).children[1].value == ""
