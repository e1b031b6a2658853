import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import NEG, NEU, POS, series

from sentiment_kit.report import share_dots, share_lines
from sentiment_kit.shares import shares, shares_over_time


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def table():
    labels = series(*[NEG, NEU, POS, NEU] * 30)
    dates = ["2026-03-02"] * 60 + ["2026-03-16"] * 60
    return pd.DataFrame({"label": labels, "topic": ["school", "trains", "school"] * 40, "date": dates})


def _legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_dots_say_what_they_show(table):
    sample = table["label"].astype(object).sample(40, random_state=0)
    found = shares(table, by="topic", sample=sample)
    ax = share_dots(found)
    assert ax.get_title() == "Shares corrected by 40 labels, 95% intervals\n120 tweets"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "all tweets\nn = 120",
        "school\nn = 80",
        "trains\nn = 40",
    ]
    assert _legend(ax) == [NEG, NEU, POS, "counted"]
    assert ax.figure.get_size_inches()[0] == 5  # readable at 390 px
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    assert dots[0] == found["share"].iloc[0]
    assert dots[1] == found["counted"].iloc[0]


def test_dots_without_a_sample_are_only_counted(table):
    ax = share_dots(shares(table))
    assert ax.get_title() == "Answers counted, not corrected\n120 tweets"
    assert _legend(ax) == ["counted"]


def test_only_the_largest_of_many_groups_are_drawn():
    labels = series(*[NEG, POS] * 200)
    groups = np.repeat([f"group {number:02}" for number in range(20)], 20)
    ax = share_dots(shares(pd.DataFrame({"label": labels, "who": groups}), by="who"))
    assert len(ax.get_yticks()) == 16
    assert ax.get_title().endswith("400 tweets, 15 largest of 20 groups")


def test_lines_break_at_a_gap(table):
    sample = table["label"].astype(object).sample(60, random_state=0)
    ax = share_lines(shares_over_time(table, "date", by="topic", sample=sample).shares)
    line = next(line for line in ax.lines if line.get_label() == NEG)
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]
    assert _legend(ax) == [NEG, NEU, POS, "counted"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert ax.get_title() == "Shares corrected by 60 labels, 95% intervals\n120 tweets"


def test_some_groups_alone_may_be_drawn(table):
    found = shares(table, by="topic")
    assert share_dots(found[found["group"] == "school"]).get_title() == ""
