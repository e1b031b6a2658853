import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentiment_kit.errors import DataError
from sentiment_kit.files import writing
from sentiment_kit.files.tables import read_table
from sentiment_kit.files.writing import check_writable, whole_file, whole_folder, write_table

TABLE = pd.DataFrame(
    {
        "id": ["122449983151669248", "2", "3", "4", "5"],
        "text": ['Perché\nno? "sì"; a, b\tc', "", "😂 l'è", "#x", "=1+1"],
        "positive": np.array([0.70912, 1 / 3, 1, 0, np.nan], dtype="float32"),
        "n": [1, 2, 3, 4, 5],
    }
)


@pytest.mark.parametrize(
    "suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet.gz"]
)
def test_what_is_written_is_read_again(tmp_path, suffix):
    path = tmp_path / f"tweets{suffix}"
    write_table(TABLE, path)
    table = read_table(path)
    assert table["id"].tolist() == TABLE["id"].tolist()
    assert table["text"].tolist() == TABLE["text"].tolist()
    assert list(table.columns) == list(TABLE.columns)
    np.testing.assert_array_equal(pd.to_numeric(table["positive"]).astype("float32"), TABLE["positive"])
    assert list(tmp_path.iterdir()) == [path]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            CELLS | st.sampled_from(["a\rb", "\r", "\n", "a\r\n", '"', ",", "\t", ";", "\ta\nb", "\u2028"]), CELLS
        )
    )
)
@example([("\t\n", "\n")])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_any_text_comes_back(tmp_path_factory, suffix, rows):
    path = tmp_path_factory.mktemp("round") / f"t{suffix}"
    table = pd.DataFrame(rows, columns=["text", "note"], dtype=object)
    if suffix == ".tsv" and any(_is_torn(row) for row in rows):
        with pytest.raises(DataError, match="a TSV cannot tell from several rows; write .csv"):
            write_table(table, path)
        return
    write_table(table, path)
    if rows or suffix != ".jsonl":  # no rows are an empty file there
        assert read_table(path).to_numpy().tolist() == [list(row) for row in rows]


def _is_torn(row):
    """Whether line breaks cut a row of two fields so that its first two lines have two fields each."""
    lines = re.split(r"\r\n?|\n", "\t".join(row))[:2]
    return len(lines) > 1 and all(line.count("\t") == 1 for line in lines)


def test_a_carriage_return_is_quoted_and_other_files_keep_their_line_ends(tmp_path):
    write_table(pd.DataFrame({"id": ["1", "2"], "text": ["a\rb", "c"]}), tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes() == b'id,text\r\n1,"a\rb"\r\n2,c\r\n'
    write_table(pd.DataFrame({"id": ["1", "2"], "text": ["a\nb", "c"]}), tmp_path / "n.csv")
    assert (tmp_path / "n.csv").read_bytes() == b'id,text\n1,"a\nb"\n2,c\n'


def test_times_are_written_so_that_one_can_read_them(tmp_path):
    when = pd.to_datetime(["2024-01-02 03:04:05.25", None])
    pd.DataFrame({"text": ["a", "b"], "when": when}).to_parquet(tmp_path / "t.parquet")
    write_table(read_table(tmp_path / "t.parquet"), tmp_path / "t.jsonl")
    lines = (tmp_path / "t.jsonl").read_text().splitlines()
    assert lines == ['{"text":"a","when":"2024-01-02T03:04:05.250000"}', '{"text":"b","when":null}']


FRAME = pd.DataFrame({"text": ["a", "b", "c"], "n": [1, 2, 3]}, index=[5, 7, 7])
INDEX = "__index_level_0__"  # what pandas calls an index without a name


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (FRAME[FRAME["n"] > 1], {"text": ["b", "c"], "n": [2, 3], INDEX: [7, 7]}),
        (pd.concat([FRAME, FRAME]), {"text": ["a", "b", "c"] * 2, "n": [1, 2, 3] * 2, INDEX: [5, 7, 7] * 2}),
        (FRAME.rename_axis("id"), {"id": [5, 7, 7], "text": ["a", "b", "c"], "n": [1, 2, 3]}),
        (FRAME.set_index(["text", "n"]), {"text": ["a", "b", "c"], "n": [1, 2, 3]}),
        (FRAME.rename_axis("n"), {"text": ["a", "b", "c"], "n": [1, 2, 3], INDEX: [5, 7, 7]}),
    ],
    ids=["filtered", "joined", "by id", "two levels", "a name twice"],
)
def test_the_index_of_a_parquet_file_is_columns(tmp_path, frame, expected):
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.to_dict(orient="list") == expected
    assert table.index.equals(pd.RangeIndex(len(frame)))


def test_probabilities_are_written_without_digits_they_do_not_have(tmp_path):
    for suffix in (".csv", ".jsonl"):
        write_table(TABLE, tmp_path / f"t{suffix}")
        assert "0.70912" in (tmp_path / f"t{suffix}").read_text()
        assert "0.709120" not in (tmp_path / f"t{suffix}").read_text()


def test_an_existing_file_is_kept_unless_forced(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("precious")
    with pytest.raises(DataError, match=r"t\.csv exists already.*--force"):
        write_table(TABLE, path)
    assert path.read_text() == "precious"
    write_table(TABLE, path, force=True)
    assert len(read_table(path)) == 5


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(TABLE, path)
    before = path.read_bytes()
    with pytest.raises(DataError, match="column a: holds values that no table can"):
        write_table(pd.DataFrame({"a": [object(), {1: 2}]}), path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    write_table(TABLE, path)
    before = path.read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_delimited", full)
    with pytest.raises(DataError, match="cannot be written .No space left on device.; nothing was changed"):
        write_table(TABLE, path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("synced", [False, True])
def test_a_file_is_whole_or_what_it_was(tmp_path, synced):
    path = tmp_path / ("n" * 250)
    for text in ("first", "second"):
        with whole_file(path, synced=synced) as temporary:
            temporary.write_text(text)
        assert path.read_text() == text

    def stopped():
        with whole_file(path, synced=synced) as temporary:
            temporary.write_text("thi")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [(left.name, left.read_text()) for left in tmp_path.iterdir()] == [(path.name, "second")]


def test_a_folder_is_whole_or_what_it_was(tmp_path):
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with whole_folder(path, replace=True) as new:
            (new / name).write_text(name)

    def stopped():
        with whole_folder(path, replace=True) as new:
            (new / "third").write_text("thi")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    with pytest.raises(OSError, match="folder"), whole_folder(path) as new:
        (new / "fourth").write_text("in the way of the second")
    assert [left.relative_to(tmp_path).as_posix() for left in tmp_path.rglob("*")] == ["folder", "folder/second"]


def test_outputs_that_cannot_be_written(tmp_path):
    for name, message in (("t.ods", r"ending in \.csv"), ("no/t.csv", "does not exist"), ("t", "ending in")):
        with pytest.raises(DataError, match=message):
            check_writable(tmp_path / name)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        check_writable(tmp_path / "d.csv")


def test_lone_surrogates_are_written_as_the_replacement_character(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "a\\ud800b"}\n{"text": "\\ud83d\\ude02"}\n')
    table = read_table(tmp_path / "in.jsonl")
    assert table["text"].tolist() == ["a\ufffdb", "😂"]
    for suffix in (".csv", ".jsonl", ".parquet"):
        write_table(table, tmp_path / f"out{suffix}")
        assert read_table(tmp_path / f"out{suffix}")["text"].tolist() == ["a\ufffdb", "😂"]


def _file(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a,b\n1,2\n1,2,3\n", r"t\.csv, line 3: expected 2 fields, got 3"),
        ("t.csv", "a,b\n1\n", "line 2: expected 2 fields, got 1"),
        ("t.csv", 'a,b\n1,"x"y\n', "line 2: broken quoting"),
        ("t.csv", 'a,b\n1,"x\n', "broken quoting"),
        ("t.csv", "a,a\n1,2\n", "'a' occurs twice"),
        ("t.csv", "", "the file is empty"),
        ("t.csv", "\n \n", "the file is empty"),
        ("t.csv", b"\xef\xbb\xbf", "the file is empty"),
        ("t.jsonl", b"\xef\xbb\xbf\n", "the file is empty"),
        ("t.csv", "a,b\nperch\xe8,2\n".encode("latin-1"), "line 2: not UTF-8 .byte 0xe8.*it may be cp1252"),
        ("t.csv", "a,b\n1,2\n3,\x004\n", "line 3: NUL bytes"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16-le"), "NUL bytes.*UTF-16"),
        ("t.tsv", "a\tb\n1\n", "line 2: expected 2 fields"),
        ("t.jsonl", '{"a": 1}\n{"a": \n', "line 2: not valid JSON"),
        ("t.jsonl", '{"a": 1}\n[1]\n', "line 2: expected a JSON object, got list"),
        ("t.parquet", "PAR1 not really", "not a Parquet file, or damaged or cut short"),
        ("t.parquet", "", "not a Parquet file, or damaged or cut short .*0 bytes"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "gzip file is damaged or cut short"),
        ("t.csv.gz", "a,b\n", "gzip file is damaged"),
        ("t.ods", "x", r"expected a file ending in \.csv.*a spreadsheet is saved as \.xlsx"),
    ],
)
def test_broken_files_are_named_with_the_place(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(_file(tmp_path, name, content))


def test_a_parquet_file_cut_short(tmp_path):
    write_table(TABLE, tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    with pytest.raises(DataError, match="cut short"):
        read_table(_file(tmp_path, "half.parquet", whole[: len(whole) // 2]))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "nowhere.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "d.csv")
    with pytest.raises(DataError, match="cannot be read .File name too long"):
        read_table(f"{'a' * 300}.csv")
    with pytest.raises(DataError, match="cannot be read .embedded null byte"):
        read_table("a\0b.csv")
    with pytest.raises(DataError, match="cannot be written .File name too long"):
        check_writable(tmp_path / f"{'a' * 300}.csv")
    write_table(TABLE, tmp_path / f"{'a' * 250}.csv")
    assert len(read_table(tmp_path / f"{'a' * 250}.csv")) == 5


def test_a_byte_order_mark_and_windows_line_ends_are_no_content(tmp_path):
    table = read_table(_file(tmp_path, "t.csv", b"\xef\xbb\xbfid,text\r\n1,ciao\r\n"))
    assert table.to_dict(orient="list") == {"id": ["1"], "text": ["ciao"]}


@pytest.mark.parametrize(
    "content", [b"id;text\r1;a, b\r2;c\r", b"\n\r\nid;text\n1;a, b\n2;c\n", b"\rid;text\r1;a, b\n2;c"]
)
def test_any_line_end_and_a_blank_first_line(tmp_path, content):
    table = read_table(_file(tmp_path, "t.csv", content))
    assert table.to_dict(orient="list") == {"id": ["1", "2"], "text": ["a, b", "c"]}


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    assert read_table(_file(tmp_path, "t.csv", "id,text\n")).shape == (0, 2)


def test_a_tsv_without_quoting(tmp_path):
    table = read_table(_file(tmp_path, "t.tsv", 'id\ttext\n1\t"Ciao" disse\n2\tcosì\n'))
    assert table["text"].tolist() == ['"Ciao" disse', "così"]


def test_a_field_longer_than_the_csv_modules_limit(tmp_path):
    table = read_table(_file(tmp_path, "t.csv", "id,text\n1," + "a" * 200_000 + "\n"))
    assert table["text"].str.len().item() == 200_000


def test_json_lines_keep_types_and_fill_what_is_missing(tmp_path):
    lines = [{"id": 122449983151669248, "text": "a"}, {"id": 2, "extra": [1]}]
    table = read_table(_file(tmp_path, "t.jsonl", "\n".join(map(json.dumps, lines))))
    assert table["id"].tolist() == [122449983151669248, 2]
    assert table["text"].isna().tolist() == [False, True]
    assert table["extra"].tolist() == [None, [1]]


def test_whole_numbers_beside_a_gap_stay_whole(tmp_path):
    lines = '{"id": 122449983151669249, "share": 0.5}\n{"id": null, "share": null}\n'
    table = read_table(_file(tmp_path, "t.jsonl", lines))
    assert table["id"].tolist() == [122449983151669249, pd.NA]
    assert table["share"].dtype == "float64"
    write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == 'id,share\n122449983151669249,0.5\n"",""\n'


def test_a_broken_name_of_a_json_value(tmp_path):
    table = read_table(_file(tmp_path, "t.jsonl", '{"text": "a", "n\\ud800": 1}'))
    assert table.to_dict(orient="list") == {"text": ["a"], "n\ufffd": [1]}


SEMICOLONS = {"id": ["1", "2"], "text": ["Ciao, bello", 'uno; due, "tre"\nquattro'], "label": ["pos", "neg"]}


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_semicolons_as_italian_spreadsheets_write_them(tmp_path, name):
    content = '\ufeffid;text;label\r\n1;Ciao, bello;pos\r\n2;"uno; due, ""tre""\nquattro";neg\r\n'.encode()
    table = read_table(_file(tmp_path, name, gzip.compress(content, mtime=0) if name.endswith(".gz") else content))
    assert table.to_dict(orient="list") == SEMICOLONS


@pytest.mark.parametrize(
    "content",
    [
        'text;id\n"Bello; ma caro";1\n',
        '"text";"id"\n"Bello; ma caro";"1"\n',
        'text;id\n"Bello; ma\ncaro";1\n',
    ],
)
def test_semicolons_after_a_quoted_field(tmp_path, content):
    table = read_table(_file(tmp_path, "t.csv", content))
    assert table["text"].str.split().tolist() == [["Bello;", "ma", "caro"]]
    assert table["id"].tolist() == ["1"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text\nciao; bello\naddio\n", {"text": ["ciao; bello", "addio"]}),
        ('text\n"ciao, bello"\n', {"text": ["ciao, bello"]}),
        ("text\n", {"text": []}),
        ("id,text;note\n1,a;b\n", {"id": ["1"], "text;note": ["a;b"]}),
        ("text;note,id\na;b,1\n", {"text;note": ["a;b"], "id": ["1"]}),
        ('id,text\n1,"a, b; ""c"""\n', {"id": ["1"], "text": ['a, b; "c"']}),
        ('"text;note"\na\n', {"text;note": ["a"]}),
    ],
)
def test_semicolons_that_separate_nothing(tmp_path, content, expected):
    assert read_table(_file(tmp_path, "t.csv", content)).to_dict(orient="list") == expected


def test_a_broken_row_between_semicolons_is_named(tmp_path):
    with pytest.raises(DataError, match=r"t\.csv, line 3: expected 2 fields, got 3"):
        read_table(_file(tmp_path, "t.csv", "id;text\n1;a\n2;b;c\n"))
    with pytest.raises(DataError, match="'id' occurs twice"):
        read_table(_file(tmp_path, "t.csv", "id;id\n1;2\n"))


def test_a_tab_of_a_tsv_goes_before_a_semicolon(tmp_path):
    table = read_table(_file(tmp_path, "t.tsv", "id;n\ttext\n1;2\ta\n"))
    assert table.to_dict(orient="list") == {"id;n": ["1;2"], "text": ["a"]}


def test_a_notebook_shows_errors_of_the_reader_in_one_line():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    for error in (
        "from sentiment_kit.files.tables import DataError as E",
        "from sentiment_kit.hub import ModelError as E",
    ):
        shell.run_cell(error)
        assert shell.run_cell("1 + 1").success
        shown = shell.run_cell("raise E('t.csv: no column text')").error_in_exec._render_traceback_()
        assert shown in (["DataError: t.csv: no column text"], ["ModelError: t.csv: no column text"])
