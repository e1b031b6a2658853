"""No value changes on its way from one format to another; what a format cannot hold is refused, by column."""

import json
import re
import warnings
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentiment_kit.errors import DataError, Note
from sentiment_kit.files.rows import inspect, iter_parts, json_type
from sentiment_kit.files.tables import read_arrow
from sentiment_kit.files.writing import check_values, write_table

pytest.importorskip("openpyxl")

FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx")
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
INTEGERS = {
    pa.int8(): (-(2**7), 2**7 - 1),
    pa.uint16(): (0, 2**16 - 1),
    pa.int64(): (-(2**63), 2**63 - 1),
    pa.uint64(): (0, 2**64 - 1),
}
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1960, 1, 1), datetime(2200, 1, 1))
VALUES = {
    pa.string(): text,
    pa.large_string(): text,
    pa.dictionary(pa.int32(), pa.string()): text,
    **{kind: st.integers(*ends) for kind, ends in INTEGERS.items()},
    pa.bool_(): st.booleans(),
    pa.float64(): finite,
    pa.float32(): st.floats(width=32, allow_nan=False, allow_infinity=False),
    pa.decimal128(20, 6): st.decimals(-(10**12), 10**12, places=6),
    pa.date32(): st.dates(date(1850, 1, 1)),
    pa.timestamp("us"): moments,
    pa.timestamp("ns", "Europe/Rome"): moments,
    pa.timestamp("s"): moments.map(lambda moment: moment.replace(microsecond=0)),
    pa.time64("us"): st.times(),
    pa.duration("us"): st.timedeltas(timedelta(-1000), timedelta(1000)),
    pa.list_(pa.int64()): st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    pa.list_(pa.float64()): st.lists(finite, max_size=30),
    pa.struct({"id": pa.int64(), "n": pa.string()}): st.fixed_dictionaries(
        {"id": st.none() | st.integers(-(2**63), 2**63 - 1), "n": st.none() | text}
    ),
    pa.list_(pa.struct({"a": pa.list_(pa.bool_())})): st.lists(
        st.fixed_dictionaries({"a": st.none() | st.lists(st.booleans(), max_size=2)}), max_size=2
    ),
    pa.null(): st.none(),
}


def refusal(table, path):
    """What is said of a table that a file cannot hold; "" of one that it can."""
    try:
        check_values(table, path)
    except DataError as error:
        return str(error)
    return ""


def value_of(value, kind):
    """What a value says, whatever type it has by now."""
    if value is None or value == "":
        return None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Decimal(str(np.float32(value)) if kind == pa.float32() else str(value))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        moment = pd.Timestamp(str(value)) if not isinstance(value, date) else pd.Timestamp(value)
        return moment.tz_convert("UTC") if moment.tzinfo else moment
    if pa.types.is_nested(kind):
        return json.loads(value) if isinstance(value, str) else value
    if pa.types.is_boolean(kind):
        return str(value).lower()
    return str(value)


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(list(VALUES)), data=st.data())
def test_no_value_changes(tmp_path, suffix, kind, data):
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=4))
    table = pa.table({"text": pa.array(["t"] * len(values), pa.string()), "n": pa.array(values, kind)})
    expected = [value_of(value, kind) for value in table["n"].to_pylist()]
    write_table(table, tmp_path / "in.parquet", force=True)
    path = tmp_path / f"out{suffix}"
    refused = refusal(read_arrow(tmp_path / "in.parquet"), path)
    if refused:
        assert suffix == ".tsv"
        assert "line breaks and tabs" in refused
        return
    write_table(read_arrow(tmp_path / "in.parquet"), path, force=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        if not values and suffix in (".jsonl", ".json", ".xlsx"):
            return  # without a row they have no columns
        back = read_arrow(path)
    assert [value_of(value, kind) for value in back["n"].to_pylist()] == expected


JSON = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | finite | text
"""What stands in one column of JSON Lines."""


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(JSON | st.lists(JSON, max_size=2) | st.dictionaries(text, JSON, max_size=2), min_size=1))
def test_no_value_of_json_changes(tmp_path, suffix, values):
    lines = [json.dumps({"text": "t", "n": value}) for value in values]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    table, path = read_arrow(tmp_path / "in.jsonl"), tmp_path / f"out{suffix}"
    refused = refusal(table, path)
    if refused:
        mixed = {".parquet": "several types, or whole numbers of more than 64 bits", ".tsv": "line breaks and tabs"}
        assert mixed[suffix] in refused
        return
    write_table(table, path, force=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        back = read_arrow(path)["n"]
    found = [_plain(value, back.type) for value in back.to_pylist()]
    if suffix in (".jsonl", ".json", ".parquet"):
        assert found == values
        assert [type(value) is bool for value in found] == [type(value) is bool for value in values]
    else:
        assert [_shown(value) for value in found] == [_shown(value) for value in values]


def _plain(value, kind):
    return json.loads(value) if value is not None and kind == json_type else value


def _shown(value):
    """As a cell has it: numbers by their value, true and false in any letters."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    cell = "" if value is None else str(value)
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", cell):
        return Fraction(cell)
    return cell.lower() if cell in ("True", "False") else cell


MAP = pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))


@pytest.mark.parametrize(
    ("column", "suffix", "message"),
    [
        (pa.array([b"\xff"]), ".csv", r"column n: \.csv cannot hold binary; write \.parquet"),
        (pa.array([b"\xff"]), ".jsonl", r"column n: \.jsonl cannot hold binary; write \.parquet"),
        (pa.array([b"\xff"]).dictionary_encode(), ".xlsx", r"column n: \.xlsx cannot hold dictionary<values=binary"),
        (pa.array([[b"\xff"]]), ".tsv", r"column n: \.tsv cannot hold list<.*binary"),
        (MAP, ".jsonl", r"column n: \.jsonl cannot hold map<string, int64"),
        (pa.StructArray.from_arrays([MAP], ["m"]), ".csv", r"column n: \.csv cannot hold struct<m: map<"),
        (pa.array(["a" * 40_000]), ".xlsx", r"row 1, column n: a cell of \.xlsx holds 32,767 characters, .* 40,000"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_by_column(tmp_path, column, suffix, message):
    table = pa.table({"n": column})
    for refuses in (check_values, write_table):
        with pytest.raises(DataError, match=message):
            refuses(table, tmp_path / f"out{suffix}")
    write_table(table, tmp_path / "out.parquet")
    assert read_arrow(tmp_path / "out.parquet")["n"].to_pylist() == column.to_pylist()


@pytest.mark.parametrize(("line", "named"), [('{"n": "uno"}', "1"), ('{"n": 36893488147419103232}', "1")])
def test_parquet_holds_no_mixed_types(tmp_path, line, named):
    (tmp_path / "in.jsonl").write_text('{"n": 1}\n' + line)
    table = read_arrow(tmp_path / "in.jsonl")
    with pytest.raises(
        DataError, match=rf"column n: \.parquet cannot hold several types, .* \({named}\); write \.jsonl"
    ):
        check_values(table, "out.parquet")


def test_times_that_python_cannot_hold_come_back(tmp_path):
    far = pa.array([2**55, 0], pa.timestamp("s")).cast(pa.timestamp("s"))
    odd = pa.array([1, 1_000_000_001], pa.time64("ns"))
    write_table(pa.table({"far": far[1:], "odd": odd[:1]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "far,odd\n1970-01-01 00:00:00,00:00:00.000000001\n"


def test_parts_hold_what_a_file_does(tmp_path):
    """The other way to a result: parts of Parquet, as a folder has them."""
    table = pa.table({kind_name(kind): pa.nulls(3, kind) for kind in VALUES} | {"id": [2**63 - 1, None, 3]})
    pq.write_table(table, tmp_path / "t.parquet")
    parts = list(iter_parts(inspect(tmp_path / "t.parquet"), 2))
    assert pa.concat_tables([part.table for part in parts]).to_pylist() == table.to_pylist()


def kind_name(kind):
    return str(kind)


def test_a_time_of_day_and_a_length_are_text_in_a_sheet(tmp_path):
    table = pa.table({"time": [time(1, 2)], "length": [timedelta(hours=2)], "moment": [datetime(2024, 1, 2, 3, 4)]})
    write_table(table, tmp_path / "t.xlsx")
    assert read_arrow(tmp_path / "t.xlsx").to_pylist() == [
        {"time": "01:02:00", "length": "2:00:00", "moment": datetime(2024, 1, 2, 3, 4)}
    ]
