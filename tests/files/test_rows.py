import csv
import gzip
import json
import re
import warnings
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment_kit.errors import DataError, Note
from sentiment_kit.files import encodings
from sentiment_kit.files import rows as readers
from sentiment_kit.files.rows import complaint, inspect, iter_parts
from sentiment_kit.files.tables import read_arrow, read_table
from sentiment_kit.files.writing import write_table
from sentiment_kit.scale.bulk import find_files

NOT_UTF8 = "not UTF-8 (byte 0xe8); save the file as UTF-8, or say its encoding (--encoding; it may be cp1252)"
ROWS = pd.DataFrame({"id": list("abcde"), "text": ["uno, due", 'tre "quattro"', "cinque\nsei", "", "sette"]})


def read(path, rows=2, first=0, **how):
    return list(iter_parts(inspect(path, **how), rows, first=first))


def texts(parts):
    return [text for part in parts for text in part.table["text"].to_pylist()]


def rejected(parts):
    return [(row.line, row.reason) for part in parts for row in part.rejected]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst", ".tsv", ".jsonl", ".jsonl.zst", ".parquet"])
def test_every_format_in_parts(tmp_path, suffix):
    path = tmp_path / f"tweets{suffix}"
    write_table(ROWS, path)
    source = inspect(path)
    assert source.schema.names == ["id", "text"]
    parts = list(iter_parts(source, 2))
    assert [len(part.table) for part in parts] == [2, 2, 1]
    assert texts(parts) == ROWS["text"].tolist()
    assert rejected(parts) == []
    assert texts(iter_parts(source, 2, first=1)) == ROWS["text"].tolist()[2:]
    assert texts(iter_parts(source, 2, first=7)) == []
    assert texts(iter_parts(source, 100)) == ROWS["text"].tolist()


def test_bad_rows_of_a_csv_are_set_apart_with_their_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(
        b"\xef\xbb\xbfid,text\n"  # 1
        b"a,uno\n"
        b"b,due,tre\n"  # 3: three fields
        b"c,per\xe8\n"  # 4: Latin-1
        b'd,"quattro\ncinque"\n'  # 5 and 6, whole
        b"\n"
        b'e,"sei\n'  # 8: does not close, and closes nowhere below
        b"f,set\x00te\n"  # 9: NUL
        b"g\n"  # 10
        b"h,otto\n"
    )
    parts = read(path, rows=3)
    assert texts(parts) == ["uno", "quattro\ncinque", "otto"]
    assert rejected(parts) == [
        (3, "expected 2 fields, got 3"),
        (4, NOT_UTF8),
        (8, "broken quoting (unexpected end of data)"),
        (9, "NUL bytes; is it UTF-16, or cut off by a crash?"),
        (10, "expected 2 fields, got 1"),
    ]
    assert [len(part.table) + len(part.rejected) for part in parts] == [3, 3, 2]
    assert parts[1].rejected[0].raw == 'e,"sei\n'
    assert texts(read(path, rows=3, first=1)) == texts(parts[1:])


def test_bad_lines_of_json(tmp_path):
    path = tmp_path / "t.jsonl"
    deep = '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}"
    lines = ['{"text": "uno", "n": 3}', "{", "[1]", "", deep, '{"text": "\\ud800due", "tags": ["a", 1]}', '{"n": null}']
    path.write_text("\n".join(lines))
    parts = read(path)
    assert parts[0].table.column_names == ["text", "n", "tags"]
    assert texts(parts) == ["uno", "\ufffddue", None]
    assert pa.concat_tables([part.table for part in parts])["n"].to_pylist() == [3, None, None]
    assert pa.concat_tables([part.table for part in parts])["tags"].to_pylist() == [None, '["a", 1]', None]
    assert [line for line, _ in rejected(parts)] == [2, 3, 5]
    assert "expected a JSON object, got list" in rejected(parts)[1][1]


# A tab-separated row is decided by the number of its fields


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ('a\tdice "ciao\nb\t"a tutti\n', ['dice "ciao', '"a tutti']),
        ('a\t"Che serata\nb\tuno\nc\tdice "ciao"\n', ['"Che serata', "uno", 'dice "ciao"']),
        ('a\t"Bello" disse\nb\tsì\n', ['"Bello" disse', "sì"]),
        ('a\t"ciao ""bella"""\nb\t"due"\n', ['ciao "bella"', "due"]),
        ('a\t"uno\ndue"\nb\ttre\n', ["uno\ndue", "tre"]),
        ('a\t"uno\tdue"\n', ["uno\tdue"]),
        ('"a\nb"\tuno\n', ["uno"]),
        ('a\t"\nb\t""\n', ['"', ""]),
        ('a\t"uno ""due\ntre"\nb\t"quattro\n', ['uno "due\ntre', '"quattro']),
    ],
)
def test_quotes_in_a_tsv(tmp_path, rows, expected):
    path = tmp_path / "t.tsv"
    path.write_text("id\ttext\n" + rows)
    parts = read(path)
    assert texts(parts) == expected
    assert rejected(parts) == []


def test_one_badly_quoted_row_of_a_tsv_spoils_no_other(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text('id\ttext\na\t"uno"\nb\t"due\tx\tdue\nc\t"tre"\n')
    parts = read(path)
    assert texts(parts) == ["uno", "tre"]
    assert rejected(parts) == [(3, "expected 2 fields, got 4")]


def test_a_bad_byte_in_a_tsv_leaves_its_quotes(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b'id\ttext\na\t"ciao ""bella"""\nb\tperch\xe8\n')
    parts = read(path)
    assert texts(parts) == ['ciao "bella"']
    assert rejected(parts) == [(3, NOT_UTF8)]


def test_a_broken_header_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"localit\xe0\nid,text\na,uno\n")
    with pytest.raises(DataError, match=r"t\.csv, line 1: not UTF-8 .byte 0xe0.*; expected a header"):
        read(path)


def test_a_semicolon_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id;text\na;uno, due\n")
    assert texts(read(path)) == ["uno, due"]


HEADLESS = '"122449983151669248",1,1,0,0,1,0,0,"Che gioia; ""grandi"""\n"2",0,0,0,0,0,0,2\n"3",1,0,1,1,1,0,1,Bravi\n'


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_file_without_a_header_whose_columns_are_named(tmp_path, delimiter):
    path = tmp_path / "gold.csv"
    path.write_text(HEADLESS.replace(",", delimiter))
    names = [*"abcdefgh", "text"]
    source = inspect(path, columns=names)
    assert (source.schema.names, source.lines, source.layout.headed) == (names, 3, False)
    parts = read(path, columns=names)
    assert texts(parts) == ['Che gioia; "grandi"', "Bravi"]
    assert rejected(parts) == [(2, "expected 9 fields, got 8")]
    path.write_bytes(b'"1",1,1,0,0,1,0,0,"perch\xe8"\n' + HEADLESS.encode())
    assert rejected(read(path, columns=names))[0] == (1, NOT_UTF8)


@pytest.mark.parametrize(
    "content",
    [b"id;text\r1;a, b\r2;c\r", b"\n\r\nid;text\n1;a, b\n2;c\n", b"\rid;text\r\n1;a, b\r2;c", b'id,text\r1,"a\rb"\r'],
)
def test_what_fits_in_memory_is_read_alike(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert pa.concat_tables([part.table for part in read(path)]).to_pydict() == read_table(path).to_dict("list")


def test_json_values_that_are_no_text_are_set_apart_where_text_is_asked_for(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "uno", "n": 1}\n\n{"text": 5}\n{"text": ["a"], "m": 1}\n{"text": null}\n{"n": 2}\n')
    source = inspect(path, text="text")
    assert source.schema.names == ["text", "n", "m"]
    parts = list(iter_parts(source, 2))
    assert texts(parts) == ["uno", None, None]
    assert rejected(parts) == [(3, "expected text in 'text', got int"), (4, "expected text in 'text', got list")]
    assert parts[0].rejected[0].raw == '{"text": 5}\n'
    assert texts(read(path)) == ['"uno"', "5", '["a"]', None, None]  # of several types: JSON


def test_a_broken_name_of_a_json_value(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a", "n\\ud800": 1}\n')
    assert read(path)[0].table.to_pydict() == {"text": ["a"], "n\ufffd": [1]}


def test_a_long_line_is_rejected_and_the_rest_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LONGEST_LINE", 1000)
    path = tmp_path / "t.csv"
    path.write_text("id,text\na," + "x" * 5000 + "\nb,due\n" + "c," + "y" * 990 + "\n")
    parts = read(path)
    assert texts(parts) == ["due", "y" * 990]
    assert rejected(parts) == [(2, "a line of more than 1,000 characters")]
    assert len(parts[0].rejected[0].raw) <= 10_000


def test_a_quote_that_never_closes_does_not_swallow_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LONGEST_RECORD", 10)
    path = tmp_path / "t.csv"
    path.write_text('text\n"aperta\n' + "".join(f"riga {number}\n" for number in range(100)))
    parts = read(path, rows=1000)
    assert texts(parts) == [f"riga {number}" for number in range(100)]
    assert rejected(parts) == [(2, "broken quoting (a quote that does not close within 10 lines)")]


def test_a_record_is_no_longer_than_a_line_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LONGEST_LINE", 1000)
    path = tmp_path / "t.csv"
    path.write_text('text\n"aperta\n' + ("x" * 400 + "\n") * 3)
    parts = read(path, rows=10)
    assert texts(parts) == ["x" * 400] * 3
    assert rejected(parts) == [(2, "broken quoting (a quote that does not close within 3 lines)")]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_part_of_long_texts_is_shorter(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(readers, "LONGEST_PART", 1000)
    path = tmp_path / f"t{suffix}"
    write_table(pd.DataFrame({"text": ["a" * 400, "b" * 400, "c" * 400, "d", "e" * 2000, "f"]}), path)
    parts = read(path, rows=100)
    assert [len(part.table) for part in parts] == [3, 2, 1]
    assert texts(read(path, rows=100, first=1)) == texts(parts[1:])


def test_texts_of_a_megabyte_and_many_columns(tmp_path):
    path = tmp_path / "t.csv"
    names = ["text", *(f"c{number}" for number in range(99_999))]
    path.write_text(",".join(names) + "\n" + "parola " * 150_000 + "," * 99_999 + "\n")
    (part,) = read(path)
    assert part.table.num_columns == 100_000
    assert len(texts([part])[0]) == 1_050_000


def test_files_that_are_broken_as_a_whole(tmp_path):
    def refused(name, data, message):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(DataError, match=message):
            read(path)

    whole = gzip.compress(b"text\n" + b"ciao\n" * 1000)
    refused("a.csv", b"", "the file is empty")
    refused("b.csv", b"\n\n", "the file is empty")
    refused("c.csv", b"text,text\na,b\n", "the column 'text' occurs twice")
    refused("d.csv.gz", whole[: len(whole) // 2], "damaged or cut short")
    refused("e.csv.gz", b"no gzip at all", "damaged or cut short")
    refused("f.parquet", b"PAR1 no", "not a Parquet file")
    refused("g.parquet.gz", b"x", "damaged or cut short")
    with pytest.raises(DataError, match="no such file"):
        inspect(tmp_path / "missing.csv")


def test_a_bomb_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "EXPANSION", 5)
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"text\n")
        for _ in range(110):
            file.write((b"a" * 99_999 + b"\n") * 10)
    with pytest.raises(DataError, match="unpacks to more than 100,000,000 bytes, 5 times its size"):
        inspect(path)
    with pytest.raises(DataError, match="unpacks to more than"):
        read_table(path)


def test_parquet_keeps_its_types_over_row_groups(tmp_path):
    path = tmp_path / "t.parquet"
    table = pa.table({"text": [str(number) for number in range(25)], "n": range(25), "tags": [["a"]] * 25})
    pq.write_table(table, path, row_group_size=4)
    parts = read(path, rows=10, first=1)
    assert [len(part.table) for part in parts] == [10, 5]
    joined = pa.concat_tables([part.table for part in parts])
    assert joined.schema.types == table.schema.types
    assert joined["n"].to_pylist() == list(range(10, 25))


def test_folders_and_patterns(tmp_path):
    for name in ("b.csv", "a.csv", "notes.md", "texts.txt", "in/c.jsonl.gz", ".hidden.csv", ".ipynb_checkpoints/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\n")
    names = [path.name for path in find_files([tmp_path])]
    assert names == ["a.csv", "b.csv", "c.jsonl.gz"]
    assert [path.name for path in find_files([tmp_path / "*.csv"])][-2:] == ["a.csv", "b.csv"]
    twice = [tmp_path / "b.csv", tmp_path, tmp_path / "in" / ".." / "a.csv"]
    assert [path.name for path in find_files(twice)] == ["b.csv", "a.csv", "c.jsonl.gz"]
    with pytest.raises(DataError, match=r"notes\.md: expected a file ending in \.csv"):
        find_files([tmp_path / "notes.md"])
    assert [path.name for path in find_files([tmp_path / "texts.txt"])] == ["texts.txt"]
    for nothing in (tmp_path / "*.parquet", "Che bella giornata! " * 50):
        with pytest.raises(DataError, match="no such file, or a folder or pattern without one"):
            find_files([nothing])


PIECES = [b"a,b", b'"', b"\n", b",", b"\r\n", b"\r", b"\xe8", b"\x00", b"x", b'""', b"\xef\xbb\xbf"]


@settings(max_examples=150, deadline=None)
@given(data=st.lists(st.sampled_from(PIECES)))
def test_parts_do_not_change_what_is_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "t.csv"
    path.write_bytes(b"id,text\n" + b"".join(data))
    source = inspect(path)
    whole, cut = list(iter_parts(source, 1000)), list(iter_parts(source, 1))
    assert texts(whole) == texts(cut)
    assert rejected(whole) == rejected(cut)
    assert texts(iter_parts(source, 1, first=1)) == texts(cut[1:])
    if not rejected(whole):
        with path.open(encoding="utf-8", newline="") as file:
            expected = [row for row in csv.reader(file) if row]
        left_out = len(expected) - 1 - len(texts(whole))
        assert texts(whole) == [row[1] for row in expected[1 : len(expected) - left_out]]
        assert expected[len(expected) - left_out :] == [["", ""]] * left_out


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([b'"', b"x", b",", b"\xe8", b"\x00", b" "]), min_size=1).map(b"".join).filter(bytes.strip)
)
def test_every_line_is_good_or_rejected(tmp_path_factory, line):
    """Lines between two that are sound: both are read, and the line is a row or a rejected one with its text."""
    path = tmp_path_factory.mktemp("fuzz") / "t.csv"
    path.write_bytes(b"id,text\na,prima\n-" + line + b"\nb,dopo\n")
    parts = list(iter_parts(inspect(path), 100))
    found = texts(parts)
    assert found[0] == "prima"
    assert found[-1] == "dopo"
    assert (len(found), len(rejected(parts))) in [(3, 0), (2, 1)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.dictionaries(st.sampled_from(["text", "n"]), st.text()), st.integers(), st.text())))
def test_json_lines_round(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("fuzz") / "t.jsonl"
    path.write_text('{"text": "prima"}\n' + "".join(json.dumps(value) + "\n" for value in values))
    parts = read(path, rows=3)
    good = [value for value in values if isinstance(value, dict)]
    assert texts(parts)[1:] == [
        value.get("text").encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "text" in value else None
        for value in good
    ]
    assert len(rejected(parts)) == len(values) - len(good)


# Both routes: part by part, and as a whole


CONTENT = st.lists(
    st.sampled_from(
        [b"a", b'"', b"\n", b"\t", b",", b";", b"\r\n", b"\r", b"\xe8", b"\x00", b'""', b"1", b"null", b"1.5"]
    )
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
)
OBJECTS = st.lists(st.dictionaries(st.sampled_from(["a", "b"]), VALUES), min_size=1)


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(st.just(".csv"), CONTENT.map(lambda pieces: b"id,text\n" + b"".join(pieces)))
    | st.tuples(st.just(".tsv"), CONTENT.map(lambda pieces: b"id\ttext\n" + b"".join(pieces)))
    | st.tuples(st.just(".jsonl"), OBJECTS.map(lambda rows: "\n".join(map(json.dumps, rows)).encode()))
    | st.tuples(st.just(".jsonl"), CONTENT.map(lambda pieces: b'{"a": 1}\n{"a": ' + b"".join(pieces) + b"}"))
)
def test_a_file_is_read_alike_in_parts_and_as_a_whole(tmp_path_factory, file):
    """The same rows, the same values and types; and where something is wrong, the same first complaint."""
    suffix, data = file
    path = tmp_path_factory.mktemp("routes") / f"t{suffix}"
    path.write_bytes(data)
    try:
        source = inspect(path)
    except DataError as error:
        with pytest.raises(DataError, match=re.escape(str(error))):
            read_arrow(path)
        return
    parts = list(iter_parts(source, 2))
    bad = [row for part in parts for row in part.rejected]
    if bad:
        with pytest.raises(DataError, match=re.escape(complaint(path, bad[0]))):
            read_arrow(path)
    else:
        whole = read_arrow(path)
        assert whole.schema == source.schema
        assert pa.concat_tables([part.table for part in parts] or [source.schema.empty_table()]).to_pylist() == (
            whole.to_pylist()
        )


# Files as people have them

TWO = {"id": ["1", "2"], "text": ["Che bella, davvero", "Pessimo"], "label": ["positive", "negative"]}


FIRST, SECOND = (json.dumps(dict(zip(TWO, row, strict=True))) for row in zip(*TWO.values(), strict=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tabs.csv", "id\ttext\tlabel\n1\tChe bella, davvero\tpositive\n2\tPessimo\tnegative\n"),
        ("bars.csv", "id|text|label\n1|Che bella, davvero|positive\n2|Pessimo|negative\n"),
        ("told.csv", "sep=;\r\nid;text;label\r\n1;Che bella, davvero;positive\r\n2;Pessimo;negative\r\n"),
        ("excel.csv", "\ufeffid;text;label;;\n1;Che bella, davvero;positive;;\n2;Pessimo;negative;;\n;;;;\n;;;;\n"),
        ("spaces.csv", 'id, text, label\n1, "Che bella, davvero", positive\n2, Pessimo, negative\n'),
        ("utf16.csv", 'id,text,label\n1,"Che bella, davvero",positive\n2,Pessimo,negative\n'.encode("utf-16")),
        ("array.json", f"[{FIRST}, {SECOND}]"),
        ("pretty.jsonl", json.dumps([json.loads(FIRST), json.loads(SECOND)], indent=1)),
        ("several.json", "\n".join(json.dumps(json.loads(one), indent=1) for one in (FIRST, SECOND))),
        ("lines.ndjson", f"{FIRST}\n{SECOND}\n"),
        ("pages.jsonl", f'{{"data": [{FIRST}], "meta": {{}}}}\n{{"data": [{SECOND}]}}\n'),
        ("tweets.js", f'window.YTD.tweets.part0 = [{{"tweet": {FIRST}}}, {{"tweet": {SECOND}}}]'),
    ],
)
def test_the_same_table_as_people_have_it(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        assert read_table(path).to_dict("list") == TWO
        assert texts(read(path)) == TWO["text"]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("id;text\n1;a\n", "semicolons between its fields"),
        ("id, text\n1, a\n", "a space after each of them, which is left out"),
        ("id,text,\n1,a,\n", "empty columns without a name at its end"),
        ("id,text\n1,a\n,\n", "1 blank rows below the table are left out"),
    ],
)
def test_what_one_might_not_expect_is_said(tmp_path, content, note):
    (tmp_path / "t.csv").write_text(content)
    with pytest.warns(Note, match=note):
        read_table(tmp_path / "t.csv")


def test_blank_rows_above_others_and_quoted_ones_stay(tmp_path):
    (tmp_path / "t.csv").write_text('id,text\n,\n1,a\n"",""\n')
    assert read_table(tmp_path / "t.csv")["text"].tolist() == ["", "a", ""]


def test_a_value_in_a_column_without_a_name_is_set_apart(tmp_path):
    (tmp_path / "t.csv").write_text("id,text,\n" + "1,a,\n" * 200 + "2,b,?\n")
    with pytest.warns(Note):
        assert rejected(read(tmp_path / "t.csv", rows=500)) == [(202, "['?'] in columns without a name")]


def test_columns_without_a_name_that_are_not_empty_get_numbers(tmp_path):
    (tmp_path / "t.csv").write_text(",text,\n0,a,x\n")
    assert read_table(tmp_path / "t.csv").to_dict("list") == {"column 1": ["0"], "text": ["a"], "column 3": ["x"]}


def test_quotes_with_a_backslash_among_rows_that_have_none(tmp_path):
    content = 'id,text\n1,"Ha detto \\"che bello\\", e basta"\n2,"a ""b"""\n3,"C:\\"\n4,"x\\"y"z"\n5,fine\n'
    (tmp_path / "t.csv").write_text(content)
    parts = read(tmp_path / "t.csv", rows=10)
    assert texts(parts) == ['Ha detto "che bello", e basta', 'a "b"', "C:\\", "fine"]
    assert [line for line, _ in rejected(parts)] == [5]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "utf-16", "utf-16-le"])
def test_an_encoding_that_is_said(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes("id,text\n1,perché è così\n".encode(encoding))
    with pytest.warns(Note, match=f"text in {encoding}"):
        assert read_table(tmp_path / "t.csv", encoding=encoding)["text"].tolist() == ["perché è così"]
    if encoding in ("cp1252", "mac_roman"):
        with pytest.raises(DataError, match=rf"line 2: not UTF-8 .*it may be {encoding}"):
            read_table(tmp_path / "t.csv")
    with pytest.raises(DataError, match="encoding must be one that Python knows"):
        read_table(tmp_path / "t.csv", encoding="nonsense")


def test_a_wrong_encoding_is_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes("id,text\n1,perché\n".encode("cp1252"))
    with pytest.warns(Note), pytest.raises(DataError, match="line 2: not ascii, as it was said to be"):
        read_table(tmp_path / "t.csv", encoding="ascii")


def test_a_line_of_plain_text_is_a_text(tmp_path):
    (tmp_path / "t.txt").write_text('Che bella, "davvero"\n\nPessimo\tservizio\n')
    assert read_table(tmp_path / "t.txt")["text"].tolist() == ['Che bella, "davvero"', "", "Pessimo\tservizio"]


def test_a_zip_holds_one_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "tweets.zip", "w") as archive:
        archive.writestr("in/tweets.csv", "id,text\n1,ciao\n")
        archive.writestr("__MACOSX/in/._tweets.csv", "x")
    assert read_table(tmp_path / "tweets.zip")["text"].tolist() == ["ciao"]
    with zipfile.ZipFile(tmp_path / "tweets.zip", "a") as archive:
        archive.writestr("b.csv", "id,text\n")
    with pytest.raises(DataError, match=r"expected one file in it, found 2 \(in/tweets.csv, b.csv\)"):
        read_table(tmp_path / "tweets.zip")
    (tmp_path / "tweets.zip").rename(tmp_path / "tweets.csv.zip")
    with pytest.raises(DataError, match=r"^[^ ]+tweets\.csv\.zip: expected one file in it, found 2 .*, and name one$"):
        read_table(tmp_path / "tweets.csv.zip")
    (tmp_path / "broken.csv.zip").write_bytes(b"PK no")
    with pytest.raises(DataError, match="not a .zip file"):
        read_table(tmp_path / "broken.csv.zip")


def test_text_inside_of_objects(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"post": {"text": "ciao"}}\n{"post": {"text": 3}}\n{"post": null}\n')
    parts = read(path, rows=10, text="post.text")
    assert [text for part in parts for text in part.table["post.text"].to_pylist()] == ["ciao", None]
    assert rejected(parts) == [(2, "expected text in 'post.text', got int")]
    assert inspect(path, text="note.text").schema.names == ["post"]


def test_a_tweet_that_begins_with_a_quote_swallows_no_other(tmp_path):
    rows = [
        '1\t"Che spettacolo\tpositive',
        "2\tTreno in ritardo\tnegative",
        '3\tHa detto "mai"\tnegative',
        '4\tCiao"\tneutral',
    ]
    path = tmp_path / "t.tsv"
    path.write_text("\n".join(["id\ttext\tlabel", *rows]) + "\n")
    assert texts(read(path)) == ['"Che spettacolo', "Treno in ritardo", 'Ha detto "mai"', 'Ciao"']
    path.write_text("\n".join(["id\ttext\tlabel", *rows[:2], "rotta", *rows[2:]]) + "\n")
    parts = read(path, rows=10)
    assert texts(parts) == ['"Che spettacolo', "Treno in ritardo", 'Ha detto "mai"', 'Ciao"']
    assert rejected(parts) == [(4, "expected 3 fields, got 1")]
