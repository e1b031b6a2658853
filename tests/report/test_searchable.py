import pandas as pd
import pytest

from sentiment_kit.report.tables import searchable

TABLE = pd.DataFrame({"text": ["<script>alert(1)</script> così", "=cmd"], "score": [0.123456, 2.0]}, index=[7, 8])


def test_texts_are_escaped_and_numbers_rounded():
    page = searchable(TABLE, name="errors").data
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; così" in page
    assert "0.123" in page
    assert "0.1234" not in page


def test_the_same_table_gives_the_same_page_and_fetches_nothing():
    assert searchable(TABLE, name="errors").data == searchable(TABLE, name="errors").data
    assert 'id="table-errors"' in searchable(TABLE, name="errors").data
    assert "unpkg" not in searchable(TABLE, name="errors").data


def test_long_tables_are_whole():
    page = searchable(pd.DataFrame({"text": [f"tweet numero {n}" for n in range(5000)]}), name="many").data
    assert page.count("tweet numero 4999") >= 1


def test_column_names_are_escaped():
    assert "<b>" not in searchable(TABLE.rename(columns={"text": "<b>text"}), name="t").data


def test_a_name_must_be_an_id():
    with pytest.raises(ValueError, match="lower-case letters"):
        searchable(TABLE, name="1 table")
