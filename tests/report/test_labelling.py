import pandas as pd
import pytest

from sentiment_kit.errors import DataError
from sentiment_kit.files.tables import read_table
from sentiment_kit.files.writing import write_table
from sentiment_kit.report import labelling_box

pytest.importorskip("ipywidgets")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "to_label.csv"
    table = pd.DataFrame(
        {"id": ["7", "8", "9"], "text": ["a", "<b>", "&lt;3"], "label": ["", "", ""], "weight": [2.5] * 3}
    )
    write_table(table, path)
    return path


def _parts(box):
    shown, row = box.children
    field, *buttons = row.children
    return shown, field, {button.description.split()[1]: button for button in buttons}


def _labels(path):
    return read_table(path)["label"].tolist()


def test_keys_label_and_every_answer_is_written(path):
    shown, field, _ = _parts(labelling_box(path))
    assert "0 of 3 labelled" in shown.value
    field.value = "1"
    assert _labels(path) == ["negative", "", ""]
    assert field.value == ""  # ready for the next
    assert "&lt;b&gt;" in shown.value
    field.value = "4"
    assert ">&lt;3<" in shown.value  # <3, as it was before Twitter's interface escaped it
    field.value = "x"
    assert _labels(path) == ["negative", "mixed", ""]
    field.value = "2"
    assert "All tweets are labelled" in shown.value
    assert read_table(path)["weight"].tolist() == ["2.5"] * 3


def test_buttons_do_the_same_and_undo_and_later(path):
    shown, _, buttons = _parts(labelling_box(path))
    assert list(buttons) == ["negative", "neutral", "positive", "mixed", "later", "undo"]
    buttons["later"].click()
    assert "&lt;b&gt;" in shown.value
    buttons["positive"].click()
    assert _labels(path) == ["", "positive", ""]
    buttons["undo"].click()
    assert _labels(path) == ["", "", ""]
    assert "&lt;b&gt;" in shown.value
    buttons["undo"].click()  # nothing is left to undo
    assert _labels(path) == ["", "", ""]


def test_a_box_goes_on_where_another_stopped(path):
    _parts(labelling_box(path))[1].value = "3"
    shown, field, _ = _parts(labelling_box(path))
    assert "1 of 3 labelled" in shown.value
    field.value = "2"
    assert _labels(path) == ["positive", "neutral", ""]


def test_what_another_box_labelled_can_be_taken_back(path):
    for key in "123":
        _parts(labelling_box(path))[1].value = key
    shown, field, _ = _parts(labelling_box(path))
    assert not field.disabled
    field.value = "u"
    assert _labels(path) == ["negative", "neutral", ""]
    field.value = "u"
    assert _labels(path) == ["negative", "", ""]
    assert "&lt;b&gt;" in shown.value


def test_after_a_button_the_next_key_goes_to_the_field(path, monkeypatch):
    focused = []
    monkeypatch.setattr("ipywidgets.Text.focus", lambda field: focused.append(field))
    _, field, buttons = _parts(labelling_box(path))
    buttons["neutral"].click()
    assert focused == [field]


def test_a_table_without_labels_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,a\n")
    with pytest.raises(DataError, match="no column 'label'"):
        labelling_box(tmp_path / "a.csv")
