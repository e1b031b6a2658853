import numpy as np
import pandas as pd
import pytest

from sentiment_kit.report import neat


def test_an_interval_stands_behind_its_value():
    table = pd.DataFrame(
        {"n": [1960, 3], "share": [0.87, np.nan], "low": [0.847, np.nan], "high": [0.89, np.nan]},
        index=pd.Index(["a", "b"], name="score"),
    )
    shown = neat(table)
    assert shown.columns.tolist() == ["n", "share (95% interval)"]
    assert shown.columns.name == "score"
    assert shown.to_numpy().tolist() == [["1,960", "0.870 (0.847 to 0.890)"], ["3", ""]]
    assert shown.index.tolist() == ["a", "b"]


def test_two_intervals_by_their_names():
    table = pd.DataFrame(
        {"slice": ["x"], "value": 0.5, "low": 0.4, "high": 0.6, "gap": -0.1, "gap_low": -0.2, "gap_high": 0.0}
    )
    shown = neat(table, digits=1)
    assert shown.columns.tolist() == ["value (95% interval)", "gap (95% interval)"]
    assert shown.loc["x"].tolist() == ["0.5 (0.4 to 0.6)", "-0.1 (-0.2 to 0.0)"]


def test_a_table_without_rows_stays_one():
    """Its numbers have no text yet, and an interval is put together from texts."""
    table = pd.DataFrame({"a": ["x"], "value": 0.5, "low": 0.4, "high": 0.6}).head(0)
    shown = neat(table)
    assert shown.columns.tolist() == ["value (95% interval)"]
    assert len(shown) == 0


def test_columns_that_only_sound_like_an_interval_stay():
    table = pd.DataFrame({"name": ["x"], "flow": 1.5, "high": 2.5, "low": 3.5})
    assert neat(table, digits=1).loc["x"].to_dict() == {"flow": "1.5", "high": "2.5", "low": "3.5"}


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ([True, False], ["yes", "no"]),
        ([True, None], ["yes", ""]),
        ([1, 2000], ["1", "2,000"]),
        ([960.0, np.nan], ["960", ""]),  # a count beside a gap
        ([0.0, 1.0], ["0.00", "1.00"]),  # shares
        ([0.004, 12345.678], ["0.00", "12,345.68"]),
        (["testo", None], ["testo", ""]),
        (pd.Categorical(["negative", None]), ["negative", ""]),
    ],
)
def test_values_as_one_prints_them(column, written):
    assert neat(pd.DataFrame({"key": ["a", "b"], "x": column}), digits=2)["x"].tolist() == written


def test_small_p_values_are_not_zero():
    table = pd.DataFrame({"key": ["a", "b"], "p_value": [0.0002, 0.04], "q_value": [0.0004, 0.001], "x": [0.0002, 1]})
    assert neat(table).loc["a"].tolist() == ["<0.001", "<0.001", "0.000"]
    assert neat(table).loc["b"].tolist() == ["0.040", "0.001", "1.000"]


def test_several_levels_stay_and_numbers_of_the_index_are_written():
    index = pd.MultiIndex.from_tuples([("a", "b")], names=["label", "score"])
    assert neat(pd.DataFrame({"n": [1]}, index=index)).index.names == ["label", "score"]
    assert neat(pd.DataFrame({"n": [1]}, index=pd.Index([0.5], name="coverage"))).index.tolist() == ["0.500"]


def test_a_series_is_one_column():
    shown = neat(pd.Series([0.5, 2.25], index=["mean", "max"], name="tokens"), digits=1)
    assert shown["tokens"].to_dict() == {"mean": "0.5", "max": "2.2"}
    assert neat(pd.Series([1], index=["a"])).columns.tolist() == [""]


def test_the_table_itself_is_not_changed():
    table = pd.DataFrame({"key": ["a"], "value": 0.5, "low": 0.4, "high": 0.6})
    before = table.copy()
    neat(table)
    pd.testing.assert_frame_equal(table, before)


def test_a_report_may_keep_the_tables_with_all_their_digits(tmp_path, monkeypatch):
    table = pd.DataFrame({"share": [1 / 3]}, index=pd.Index(["a"], name="label"))
    monkeypatch.setenv("SENTIMENT_KIT_TABLES", str(tmp_path / "05"))
    neat(table)
    neat(table["share"])
    assert [path.name for path in sorted((tmp_path / "05").iterdir())] == ["01_table.csv", "02_table.csv"]
    assert (tmp_path / "05" / "01_table.csv").read_text() == "label,share\na,0.3333333333333333\n"


def test_long_texts_are_shown_whole():
    text = "una parola dopo l'altra, " * 10
    assert text.strip() in neat(pd.DataFrame({"text": [text.strip()], "n": [1]}))._repr_html_()
