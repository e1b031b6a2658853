from datetime import date, datetime

import pyarrow as pa
import pytest

from sentiment_kit.errors import DataError
from sentiment_kit.files.rows import inspect, iter_parts
from sentiment_kit.files.tables import read_arrow, read_table
from sentiment_kit.files.writing import write_table

openpyxl = pytest.importorskip("openpyxl")


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
            if row and row[0] == ROWS[1][0]:  # openpyxl would cut it to 16 digits
                cell = sheet.cell(sheet.max_row, 1)
                cell._value, cell.data_type = str(row[0]), "n"
    book.save(path)
    return path


ROWS = [["id", "text", "n", "when"], [1234567890123456787, "Che bella", 0.5, datetime(2024, 1, 2)], [2, 2024, None]]


def test_a_sheet_keeps_its_types(tmp_path):
    path = workbook(tmp_path / "t.xlsx", tweets=[[], *ROWS, [], [None, ""]])
    table = read_arrow(path, text="text")
    assert table.schema.types == [pa.int64(), pa.string(), pa.float64(), pa.date32()]
    assert table.to_pylist() == [
        {"id": 1234567890123456787, "text": "Che bella", "n": 0.5, "when": date(2024, 1, 2)},
        {"id": 2, "text": "2024", "n": None, "when": None},
    ]
    parts = list(iter_parts(inspect(path, text="text"), 1))
    assert pa.concat_tables([part.table for part in parts]).equals(table)


def test_midnight_among_times_is_a_time(tmp_path):
    """A sheet keeps no type of its cells: a moment at midnight is a date there."""
    moments = [datetime(2024, 1, 2), datetime(2024, 1, 2, 3, 4)]
    path = workbook(tmp_path / "t.xlsx", tweets=[["when"], *([moment] for moment in moments)])
    assert read_arrow(path)["when"].to_pylist() == moments
    parts = list(iter_parts(inspect(path), 1))
    assert pa.concat_tables([part.table for part in parts])["when"].to_pylist() == moments


def test_one_of_several_sheets_is_named(tmp_path):
    path = workbook(tmp_path / "t.xlsx", Foglio1=ROWS, altro=[["text"], ["ciao"]])
    assert read_table(path, sheet="altro")["text"].tolist() == ["ciao"]
    for sheet in (None, "Foglio 1"):
        with pytest.raises(DataError, match=r"has the sheets Foglio1, altro; say which \(--sheet"):
            read_table(path, sheet=sheet)
    (tmp_path / "t.csv").write_text("text\nciao\n")
    with pytest.raises(DataError, match=r"a \.csv file has no sheets, but 'altro' was named"):
        read_table(tmp_path / "t.csv", sheet="altro")


def test_a_sheet_without_names(tmp_path):
    path = workbook(tmp_path / "t.xlsx", tweets=ROWS[1:])
    table = read_table(path, columns=["id", "text", "n", "when"])
    assert table["id"].tolist() == [1234567890123456787, 2]
    with pytest.raises(DataError, match="expected 2 columns, got 4"):
        read_table(path, columns=["id", "text"])
    nameless = workbook(tmp_path / "u.xlsx", tweets=[["text", None], ["ciao", 1]])
    assert read_table(nameless).to_dict("list") == {"text": ["ciao"], "column 2": [1]}
    twice = workbook(tmp_path / "v.xlsx", tweets=[["text", "text"], ["ciao", 1]])
    with pytest.raises(DataError, match="'text' occurs twice"):
        read_table(twice)


def test_files_that_are_no_spreadsheets(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"x")
    with pytest.raises(DataError, match=r"t\.xlsx: not an \.xlsx file, or damaged"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="the file is empty"):
        read_table(workbook(tmp_path / "empty.xlsx", tweets=[]))


def test_what_looks_like_something_else_is_text(tmp_path):
    texts = ["=1+1", "#N/A", "_x000D_", "a\r\nb", " spaced ", "\x07", "'", "007", "1e5", "TRUE"]
    write_table(pa.table({"text": texts, "long": [10**17] * len(texts)}), tmp_path / "t.xlsx")
    assert read_table(tmp_path / "t.xlsx")["text"].tolist() == texts
    cells = [cell.data_type for cell in openpyxl.load_workbook(tmp_path / "t.xlsx").active["A"]]
    assert "f" not in cells
    assert read_table(tmp_path / "t.xlsx")["long"].tolist() == ["100000000000000000"] * len(texts)


def test_a_spreadsheet_needs_the_extra(tmp_path, monkeypatch):
    path = workbook(tmp_path / "t.xlsx", tweets=ROWS)
    monkeypatch.setattr("sentiment_kit.errors.find_spec", lambda name: None)
    for refused in (lambda: read_table(path), lambda: write_table(pa.table({}), tmp_path / "u.xlsx")):
        with pytest.raises(DataError, match=r"spreadsheet needs openpyxl.*sentiment-kit\[excel\]"):
            refused()
