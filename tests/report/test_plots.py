import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from sentiment_kit.evaluation.intervals import proportions
from sentiment_kit.labels import LABELS
from sentiment_kit.report.plots import (
    LABEL_COLOURS,
    interval_dots,
    learning_curves,
    probability_bars,
    save_figure,
    share_bars,
    word_bars,
)


@pytest.fixture
def predictions():
    rows = [("Che bello costa $5", 0.1, 0.2, 0.7), ("schifo " * 20, 0.9, 0.06, 0.04), ("@solo", np.nan, np.nan, np.nan)]
    return pd.DataFrame(rows, columns=["text", *LABELS], index=[7, 7, 9])


def test_probability_bars(predictions):
    ax = probability_bars(predictions)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == r"Che bello costa \$5"
    # Lines of at most 52 signs hold seven words of six.
    assert names[1].split("\n") == [" ".join(["schifo"] * 7)] * 2 + [" ".join(["schifo"] * 6)]
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["10%", "90%", "20%", "70%"]
    assert ax.get_xlim() == (0, 1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(LABELS)
    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(3, 3)
    np.testing.assert_allclose(widths.sum(axis=0), [1, 1, 0])
    ax.figure.canvas.draw()


def test_a_text_beside_a_bar_has_three_lines_at_most(predictions):
    ax = probability_bars(predictions.assign(text=["schifo " * 40, "a" * 500, "due\nrighe"]))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert [name.count("\n") for name in names] == [2, 2, 0]
    assert [name.endswith("…") for name in names] == [True, True, False]
    assert all(len(line) <= 52 for name in names for line in name.split("\n"))
    assert names[2] == "due righe"


def test_signs_that_the_font_lacks_are_boxes_and_warn_of_nothing(predictions, recwarn):
    ax = probability_bars(predictions.assign(text="che figura 🤦🏽‍♀️ 漢字 è vero"))
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text().count("□") == 2
    assert "🤦" in ax.get_yticklabels()[0].get_text()
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


def test_a_share_of_nothing_is_undefined():
    ax = share_bars(proportions(pd.Series({"a": 1, "b": 0}), pd.Series({"a": 2, "b": 0})), xlabel="x")
    assert texts_of(ax) == ["50.0% (n = 2)", "undefined (n = 0)"]


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


# Scores


DOTS = pd.DataFrame(
    {
        "value": [0.5, np.nan, 0.71234],
        "low": [0.4, np.nan, 0.6999],
        "high": [0.65, np.nan, 0.72],
        "n": [1200, 0, 7],
        "ceiling": [1, 0.9, np.nan],
    },
    index=["accuracy", "mcc", "macro_f1"],
)


def test_interval_dots_show_value_interval_and_n():
    ax = interval_dots(DOTS.drop(columns="ceiling"), xlabel="how good")
    assert texts_of(ax) == ["0.500 (0.400 to 0.650), n = 1,200", "undefined (n = 0)", "0.712 (0.700 to 0.720), n = 7"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["accuracy", "mcc", "macro_f1"]
    assert ax.get_yticks().tolist() == [0, 1, 2]
    assert ax.get_ylim() == (2.5, -0.5)  # the first row is at the top
    assert ax.get_xlabel() == "how good"
    # An interval and a dot for each row that has a value.
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines]
    assert drawn == [([0.4, 0.65], [0, 0]), ([0.5], [0]), ([0.6999, 0.72], [2, 2]), ([0.71234], [2])]
    ax.figure.canvas.draw()


def test_interval_dots_mark_the_ceiling():
    ax = interval_dots(DOTS)
    ticks = [line for line in ax.lines if line.get_marker() == "|"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in ticks] == [(1, 0), (0.9, 1)]


def test_interval_dots_name_rows_of_two_levels_and_shorten_them():
    index = pd.MultiIndex.from_tuples([("negative", "f1"), ("a group " * 10, "costs $5")])
    ax = interval_dots(DOTS[:2].set_axis(index))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == "negative · f1"
    assert len(names[1]) == 60
    assert names[1].endswith("…")
    assert interval_dots(DOTS[:1].set_axis(["costs $5"])).get_yticklabels()[0].get_text() == r"costs \$5"


def test_interval_dots_take_colours_by_name():
    ax = interval_dots(DOTS, colours={"accuracy": "#123456"})
    of_accuracy = [to_hex(line.get_color()) for line in ax.lines if 0 in line.get_ydata() and line.get_marker() != "|"]
    assert of_accuracy == ["#123456"] * 2
    of_macro_f1 = {to_hex(line.get_color()) for line in ax.lines if 2 in line.get_ydata()}
    assert len(of_macro_f1 - {"#123456"}) == len(of_macro_f1) == 1


# Files


def test_save_figure_writes_png_and_svg_and_closes(tmp_path):
    ax = interval_dots(DOTS)
    save_figure(ax, tmp_path / "dots")
    assert {path.name for path in tmp_path.iterdir()} == {"dots.png", "dots.svg"}
    assert plt.imread(tmp_path / "dots.png").ndim == 3
    svg = (tmp_path / "dots.svg").read_text()
    assert svg.startswith("<?xml")
    assert "<svg" in svg
    assert plt.get_fignums() == []


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    draw = {
        "dots": lambda: interval_dots(DOTS),
        "shares": lambda: share_bars(proportions(pd.Series({"a": 1}), 2)),
    }
    for name in draw:
        save_figure(draw[name](), tmp_path / f"first_{name}")
    for name in reversed(draw):
        save_figure(draw[name](), tmp_path / f"second_{name}")
    for name in draw:
        for suffix in (".png", ".svg"):
            first, second = (tmp_path / f"{which}_{name}{suffix}" for which in ("first", "second"))
            assert first.read_bytes() == second.read_bytes(), first.name


def test_save_figure_leaves_the_settings_alone(tmp_path):
    before = plt.rcParams["svg.hashsalt"]
    save_figure(interval_dots(DOTS), tmp_path / "dots")
    assert plt.rcParams["svg.hashsalt"] == before


def test_save_figure_of_one_of_two_axes_saves_both(tmp_path):
    figure, (left, right) = plt.subplots(ncols=2)
    interval_dots(DOTS, ax=left, xlabel="left")
    save_figure(interval_dots(DOTS, ax=right, xlabel="right"), tmp_path / "both")
    assert not plt.fignum_exists(figure.number)
    svg = (tmp_path / "both.svg").read_text()
    assert "<!-- left -->" in svg
    assert "<!-- right -->" in svg


# All of them


def test_a_given_axes_is_drawn_on_and_returned(predictions):
    ax = probability_bars(predictions)
    for draw, table in (
        (share_bars, proportions(pd.Series({"a": 1}), 2)),
        (probability_bars, predictions),
        (interval_dots, DOTS),
    ):
        assert draw(table, ax=ax) is ax


def test_the_three_colours_differ():
    assert list(LABEL_COLOURS) == list(LABELS)
    assert len(set(LABEL_COLOURS.values())) == 3


def test_word_bars():
    words = pd.DataFrame({"word": ["bello", "non", "$"], "attribution": [0.8, -0.3, 0.0]})
    ax = word_bars(words)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["bello", "non", r"\$"]
    assert [bar.get_width() for bar in ax.patches] == [0.8, -0.3, 0]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches[:2]] == [
        LABEL_COLOURS["positive"],
        LABEL_COLOURS["negative"],
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first word is on top"
    assert word_bars(words, xlabel="mean").get_xlabel() == "mean"


def test_learning_curves():
    curve = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.9, 0.5], "validation_loss": [0.8, 0.7]})
    ax = learning_curves(curve)
    drawn = {tuple(line.get_ydata()) for line in ax.lines if len(line.get_ydata())}
    assert drawn == {(0.9, 0.5), (0.8, 0.7)}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert ax.get_xticks().tolist() == [1, 2]
    seeds = pd.concat([curve.assign(seed=seed) for seed in (1, 2)])
    assert sum(len(line.get_ydata()) == 2 for line in learning_curves(seeds).lines) == 4
