import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sentiment_kit.evaluation.confusion import confusion_difference, confusion_table
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.report.plots import save_figure
from sentiment_kit.report.score_plots import (
    confusion_difference_heatmap,
    confusion_heatmap,
    coverage_curve,
    reliability_diagram,
)


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


# Confusions


def labels(*names):
    return pd.Series(names, dtype=label_dtype)


# Of four negative tweets three are right, of two neutral one, of one positive none.
GOLD = labels(*["negative"] * 4, *["neutral"] * 2, "positive")
A = labels("negative", "negative", "negative", "neutral", "neutral", "positive", "negative")
# Another model: all negative tweets right, both neutral ones called positive, and the positive one right.
B = labels(*["negative"] * 4, "positive", "positive", "positive")


def test_confusion_heatmap_shows_share_interval_and_count():
    # Wilson's interval of 3 of 4 is 30.1% to 95.4%, of 1 of 4 its complement, of 0 of 4 0 to 3.841 / 7.841 = 49.0%;
    # of 1 of 2 9.5% to 90.5%, of 0 of 2 0 to 3.841 / 5.841 = 65.8%; of 1 of 1 20.7% to 100%, and its complement.
    ax = confusion_heatmap(confusion_table(GOLD, A))
    assert texts_of(ax) == [
        *("75%\n30 to 95%\n3 of 4", "25%\n5 to 70%\n1 of 4", "0%\n0 to 49%\n0 of 4"),
        *("0%\n0 to 66%\n0 of 2", "50%\n9 to 91%\n1 of 2", "50%\n9 to 91%\n1 of 2"),
        *("100%\n21 to 100%\n1 of 1", "0%\n0 to 79%\n0 of 1", "0%\n0 to 79%\n0 of 1"),
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == list(LABELS)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(LABELS)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 3), (3, 0))  # the first row is at the top
    np.testing.assert_allclose(ax.collections[0].get_array().ravel(), [0.75, 0.25, 0, 0, 0.5, 0.5, 1, 0, 0])
    assert ax.collections[0].get_clim() == (0, 1)
    ax.figure.canvas.draw()


def test_confusion_heatmap_with_what_has_no_prediction():
    predicted = A.where(A.index != 3, None)  # a negative tweet that was not read
    ax = confusion_heatmap(confusion_table(GOLD, predicted))
    assert texts_of(ax)[:4] == [
        *("75%\n30 to 95%\n3 of 4", "0%\n0 to 49%\n0 of 4", "0%\n0 to 49%\n0 of 4", "25%\n5 to 70%\n1 of 4")
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == [*LABELS, "(none)"]
    assert len(ax.texts) == 12


def test_confusion_heatmap_normalised_by_column_and_by_all():
    assert texts_of(confusion_heatmap(confusion_table(GOLD, A, normalise="predicted"))) == [
        *("75%\n30 to 95%\n3 of 4", "50%\n9 to 91%\n1 of 2", "0%\n0 to 79%\n0 of 1"),
        *("0%\n0 to 49%\n0 of 4", "50%\n9 to 91%\n1 of 2", "100%\n21 to 100%\n1 of 1"),
        *("25%\n5 to 70%\n1 of 4", "0%\n0 to 66%\n0 of 2", "0%\n0 to 79%\n0 of 1"),
    ]
    # 3 of 7 is 42.9% (15.8% to 75.0%), 1 of 7 is 14.3% (2.6% to 51.3%), 0 of 7 0 to 3.841 / 10.841 = 35.4%.
    assert texts_of(confusion_heatmap(confusion_table(GOLD, A, normalise="all")))[:3] == [
        *("43%\n16 to 75%\n3 of 7", "14%\n3 to 51%\n1 of 7", "0%\n0 to 35%\n0 of 7")
    ]


def test_confusion_heatmap_groups_thousands():
    many = GOLD.repeat(1500).reset_index(drop=True), A.repeat(1500).reset_index(drop=True)
    assert texts_of(confusion_heatmap(confusion_table(*many)))[0] == "75%\n74 to 76%\n4,500 of 6,000"


def test_an_undefined_cell_keeps_its_text():
    ax = confusion_heatmap(confusion_table(GOLD[:6], A[:6]))  # no positive tweet
    assert texts_of(ax)[6:] == ["–\n0 of 0"] * 3


def test_confusion_difference_heatmap_shows_points_and_is_bold_where_clear():
    cells = confusion_difference(GOLD, A, B, resamples=100)
    cells[["low", "high"]] = [
        *[(0.1, 0.4), (-0.5, -0.01), (0, 0)],
        *[(0, 0.2), (-0.9, 0), (0.25, 0.75)],
        *[(-1, 0.5), (-0.2, 0.1), (0.5, 1)],
    ]  # fmt: skip
    ax = confusion_difference_heatmap(cells)
    # Negative: 3 of 4 to 4 of 4 and 1 of 4 to none; neutral: 1 of 2 each to 2 of 2 called positive; positive: 1 of 1.
    assert texts_of(ax) == [
        *("+25.0\n+10.0 to +40.0\n3 to 4", "-25.0\n-50.0 to -1.0\n1 to 0", "+0.0\n+0.0 to +0.0\n0 to 0"),
        *("+0.0\n+0.0 to +20.0\n0 to 0", "-50.0\n-90.0 to +0.0\n1 to 0", "+50.0\n+25.0 to +75.0\n1 to 2"),
        *("-100.0\n-100.0 to +50.0\n1 to 0", "+0.0\n-20.0 to +10.0\n0 to 0", "+100.0\n+50.0 to +100.0\n0 to 1"),
    ]
    bold = [text.get_fontweight() == "bold" for text in ax.texts]
    assert bold == [True, True, False, False, False, True, False, False, True]
    assert ax.collections[0].get_clim() == (-1, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    ax.figure.canvas.draw()


def test_confusion_difference_heatmap_of_a_model_and_itself():
    ax = confusion_difference_heatmap(confusion_difference(GOLD, A, A, resamples=100))
    assert [text.split("\n")[0] for text in texts_of(ax)] == ["+0.0"] * 9
    assert ax.collections[0].get_clim() == (-0.1, 0.1)  # full colour from ten points on, however small the differences


def test_confusion_difference_heatmap_of_an_undefined_row():
    ax = confusion_difference_heatmap(confusion_difference(GOLD[:6], A[:6], B[:6], resamples=100))  # no positive tweet
    assert texts_of(ax)[6:] == ["–\n0 to 0"] * 3


# Calibration


BINS = pd.DataFrame(
    {
        "lower": [0, 0.2, 0.4, 0.6, 0.97],
        "upper": [0.2, 0.4, 0.6, 0.97, 1],
        "n": [0, 1000, 0, 3000, 6000],
        "confidence": [np.nan, 0.35, np.nan, 0.8, 0.99],
        "accuracy": [np.nan, 0.5, np.nan, 0.7, 0.9],
        "low": [np.nan, 0.45, np.nan, 0.6, 0.88],
        "high": [np.nan, 0.6, np.nan, 0.75, 0.95],
    }
)


def test_reliability_diagram():
    ax = reliability_diagram(BINS)
    assert ax.get_title() == "10,000 rows"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence", "accuracy")
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (0, 1.02))
    # The last bin is too narrow for its number.
    assert texts_of(ax) == ["1,000", "3,000"]
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in ax.patches]
    expected = [(0, 0.2, 0), (0.2, 0.2, 0.1), (0.4, 0.2, 0), (0.6, 0.37, 0.3), (0.97, 0.03, 0.6)]
    np.testing.assert_allclose(bars, expected)
    points = ax.containers[1]
    np.testing.assert_array_equal(points.lines[0].get_xydata(), [(0.35, 0.5), (0.8, 0.7), (0.99, 0.9)])
    ends = [segment[:, 1] for segment in points.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [(0.45, 0.6), (0.6, 0.75), (0.88, 0.95)])
    diagonal = next(line for line in ax.lines if line.get_linestyle() == "--")
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        *("share of the rows", "as good as it says", "accuracy, 95% interval")
    }
    ax.figure.canvas.draw()


def test_reliability_diagram_of_no_rows():
    ax = reliability_diagram(BINS.assign(n=0, confidence=np.nan, accuracy=np.nan, low=np.nan, high=np.nan))
    assert ax.get_title() == "0 rows"


def curve(*accuracies, n=1000):
    """Equally many more answers at each step, 5 points to either side of the accuracy."""
    accuracy = pd.Series(accuracies)
    coverage = pd.Series(range(1, len(accuracy) + 1)) / len(accuracy)
    answers = {"n": (n * coverage).round().astype(int), "coverage": coverage, "accuracy": accuracy}
    return pd.DataFrame({**answers, "low": accuracy - 0.05, "high": accuracy + 0.05})


def test_coverage_curve():
    ax = coverage_curve(curve(0.9, 0.8, 0.75, 0.7))
    assert ax.get_xlabel() == "share of 1,000 tweets answered, the surest first"
    assert ax.get_ylabel() == "accuracy of the answers"
    assert ax.lines[0].get_xydata().tolist() == [[0.25, 0.9], [0.5, 0.8], [0.75, 0.75], [1, 0.7]]
    assert ax.get_xlim() == (0, 1)
    assert ax.get_ylim() == (pytest.approx(0.95 * 0.65), 1.01)
    assert ax.get_legend() is None
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (pytest.approx(0.65), pytest.approx(0.95))
    ax.figure.canvas.draw()
    assert all(label.get_text().endswith("%") for label in ax.get_xticklabels() + ax.get_yticklabels())


def test_the_labels_of_a_coverage_curve_say_where_their_ticks_stand():
    ax = coverage_curve(curve(0.99, 0.98, 0.93, 0.88))  # ticks every 2.5 points
    ax.figure.canvas.draw()
    shown = [float(label.get_text().rstrip("%")) for label in ax.get_yticklabels()]
    assert shown == pytest.approx([100 * tick for tick in ax.get_yticks()])
    assert any(share % 1 for share in shown)


def test_the_first_few_answers_do_not_set_the_limits():
    # The first of 25 is at 4%.
    assert coverage_curve(curve(0.1, *[0.8] * 24)).get_ylim()[0] == pytest.approx(0.95 * 0.75)
    assert coverage_curve(curve(0.9, 0.1, *[0.8] * 23)).get_ylim()[0] == pytest.approx(0.95 * 0.05)


def test_a_coverage_curve_that_touches_0_or_is_empty_starts_there():
    assert coverage_curve(curve(0.05, 0.05)).get_ylim() == (0, 1.01)
    ax = coverage_curve(curve(0.5)[:0])
    assert ax.get_ylim() == (0, 1.01)
    assert ax.get_xlabel().startswith("share of 0 tweets")


# All of them


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    draw = {
        "heat": lambda: confusion_heatmap(confusion_table(GOLD, A)),
        "bins": lambda: reliability_diagram(BINS),
        "curve": lambda: coverage_curve(curve(0.9, 0.8)),
    }
    for name in draw:
        save_figure(draw[name](), tmp_path / f"first_{name}")
    for name in reversed(draw):
        save_figure(draw[name](), tmp_path / f"second_{name}")
    for name in draw:
        for suffix in (".png", ".svg"):
            first, second = (tmp_path / f"{which}_{name}{suffix}" for which in ("first", "second"))
            assert first.read_bytes() == second.read_bytes(), first.name


def test_a_given_axes_is_drawn_on_and_returned():
    ax = reliability_diagram(BINS)
    for draw, table in ((reliability_diagram, BINS), (coverage_curve, curve(0.5))):
        assert draw(table, ax=ax) is ax
    for draw, table in (
        (confusion_heatmap, confusion_table(GOLD, A)),
        (confusion_difference_heatmap, confusion_difference(GOLD, A, B, resamples=10)),
    ):
        _, ax = plt.subplots()
        assert draw(table, ax=ax) is ax
        assert len(ax.texts) == 9
        assert len(ax.figure.axes) == 1
