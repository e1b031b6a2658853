import numpy as np
import pandas as pd
import pytest

from sentiment_kit.evaluation import proportions
from sentiment_kit.labels import LABELS
from sentiment_kit.plots import LABEL_COLOURS, label_bars, length_histogram, probability_bars, share_bars


@pytest.fixture
def predictions():
    rows = [("Che bello costa $5", 0.1, 0.2, 0.7), ("schifo " * 20, 0.9, 0.06, 0.04), ("@solo", np.nan, np.nan, np.nan)]
    return pd.DataFrame(rows, columns=["text", *LABELS], index=[7, 7, 9])


def test_probability_bars(predictions):
    ax = probability_bars(predictions)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == r"Che bello costa \$5"
    assert names[1].endswith("…")
    assert len(names[1]) == 45
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["10%", "90%", "20%", "70%"]
    assert ax.get_xlim() == (0, 1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(LABELS)
    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(3, 3)
    np.testing.assert_allclose(widths.sum(axis=0), [1, 1, 0])
    ax.figure.canvas.draw()


def test_signs_that_the_font_lacks_are_boxes_and_warn_of_nothing(predictions, recwarn):
    ax = probability_bars(predictions.assign(text="che figura 🤦🏽‍♀️ مرحبا è vero"))
    ax.figure.canvas.draw()
    assert "□" in ax.get_yticklabels()[0].get_text()
    assert ax.get_yticklabels()[0].get_text().endswith("è vero")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_share_bars_show_share_interval_and_n():
    table = proportions(pd.Series({"mentions": 3, "urls": 40}), 100)
    ax = share_bars(table, xlabel="labels changed")
    assert [text.get_text() for text in ax.texts] == ["3.0% (n = 100)", "40.0% (n = 100)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["mentions", "urls"]
    assert ax.get_xlabel() == "labels changed"
    assert ax.get_xlim()[1] > table["high"].max()


def test_share_bars_of_nothing_have_an_axis():
    share_bars(proportions(pd.Series({"none": 0}), 5)).figure.canvas.draw()


def test_label_bars(predictions):
    counts = pd.DataFrame({"negative": [1, 30], "positive": [3, 10]}, index=["small", "large"])
    ax = label_bars(counts)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["small (n = 4)", "large (n = 40)"]
    assert [text.get_text() for text in ax.texts] == ["25%", "75%", "75%", "25%"]


def test_length_histogram_names_median_longest_and_limit():
    ax = length_histogram(pd.Series([3, 3, 5, 9, 0]), limit=512)
    assert ax.texts[0].get_text() == "median 4"
    assert ax.get_title() == "4 texts, longest 9 tokens; the model reads 512"
    assert len(ax.lines) == 1
    assert len(length_histogram(pd.Series([510, 512]), limit=512).lines) == 2


def test_a_given_axes_is_drawn_on_and_returned(predictions):
    ax = probability_bars(predictions)
    for draw, table in (
        (share_bars, proportions(pd.Series({"a": 1}), 2)),
        (length_histogram, pd.Series([3, 4])),
        (label_bars, pd.DataFrame({"neutral": [1]})),
        (probability_bars, predictions),
    ):
        assert draw(table, ax=ax) is ax


def test_the_three_colours_differ():
    assert list(LABEL_COLOURS) == list(LABELS)
    assert len(set(LABEL_COLOURS.values())) == 3
