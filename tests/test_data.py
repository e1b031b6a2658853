import gzip
import html
import json
import sys
import types

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentiment_kit.data import (
    SENTIPOLC_COLUMNS,
    headless_columns,
    is_sentipolc,
    load_data,
    load_demo,
    load_predictions,
    load_sentipolc,
    load_tweets,
    settle_mixed,
)
from sentiment_kit.errors import DataError, Note
from sentiment_kit.files.tables import read_table
from sentiment_kit.files.writing import write_table
from sentiment_kit.labels import LABELS, label_dtype

HEADER = '"idtwitter","subj","opos","oneg","iro","lpos","lneg","top","text"'
# One row of each kind, invented: positive, negative and ironic, neutral objective, neutral subjective, mixed.
ROWS = [
    '"122449983151669248",1,1,0,0,1,0,0,"Che gioia, ""grandi""!"',
    '"122449983151669249",1,0,1,1,1,0,1,"Bravi, complimenti davvero"',
    '"122449983151669250",0,0,0,0,0,0,2,"Domani sciopero; treni fermi"',
    '"122449983151669251",1,0,0,0,0,0,1,"Mah, vedremo"',
    '"122449983151669252",1,1,1,0,1,1,0,"Bello ma caro"',
]
LABELS_WITH_MIXED = ["positive", "negative", "neutral", "neutral"]


def _layout(kind):
    quoted = [",".join(field if field.startswith('"') else f'"{field}"' for field in row.split(",", 8)) for row in ROWS]
    if kind == "training":
        return "\n".join([HEADER, *ROWS]) + "\n"
    if kind == "gold":
        return "\n".join(quoted) + "\n"
    lines = [HEADER.replace('"', "").replace(",", ";")] + [";".join(row.split(",", 8)) for row in quoted]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("kind", ["training", "gold", "semicolon"])
def test_the_three_sentipolc_layouts_read_the_same(tmp_path, kind):
    path = tmp_path / "sentipolc.csv"
    path.write_text(_layout(kind), encoding="utf-8", newline="")
    table = load_sentipolc(path, mixed="keep")
    assert table["id"].tolist() == [str(122449983151669248 + row) for row in range(5)]
    assert table["text"].iloc[0] == 'Che gioia, "grandi"!'
    assert table["label"].dtype == label_dtype
    assert table["label"].tolist()[:4] == LABELS_WITH_MIXED
    assert table["label"].isna().tolist() == [False] * 4 + [True]
    assert table["subjective"].tolist() == [True, True, False, True, True]
    assert table["ironic"].tolist() == [False, True, False, False, False]
    assert table["literal_label"].tolist()[:4] == ["positive", "positive", "neutral", "neutral"]
    assert table["literal_label"].isna().tolist() == [False] * 4 + [True]
    assert table["topic"].tolist() == ["generic", "political", "school reform", "political", "generic"]
    assert table[["opos", "oneg"]].to_numpy().tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [1, 1]]
    assert is_sentipolc(path)


@pytest.mark.parametrize(
    ("mixed", "expected"),
    [
        ("drop", LABELS_WITH_MIXED),
        ("neutral", [*LABELS_WITH_MIXED, "neutral"]),
        ("negative", [*LABELS_WITH_MIXED, "negative"]),
    ],
)
def test_what_becomes_of_mixed_tweets(tmp_path, mixed, expected):
    path = tmp_path / "s.csv"
    path.write_text(_layout("training"))
    table = load_sentipolc(path, mixed=mixed)
    assert table["label"].tolist() == expected
    assert table.attrs.get("left_out") == ({"mixed": 1} if mixed == "drop" else None)


def test_an_unknown_choice_for_mixed():
    with pytest.raises(ValueError, match='"drop", "neutral", "negative", "keep", but \'both\''):
        load_sentipolc("any.csv", mixed="both")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ROWS[1], ROWS[1].replace(",1,0,1,1,", ",1,0,2,1,"), "row 2, column oneg: expected one of 0, 1, got '2'"),
        (ROWS[2], ROWS[2].replace(",2,", ",7,"), "row 3, column top: expected one of 0, 1, 2, got '7'"),
        (ROWS[3], ROWS[3].replace('"Mah', 'Mah').replace('mo"', "mo"), "line 5: expected 9 fields, got 10"),
        (HEADER, HEADER.replace("oneg", "uneg"), "not a SENTIPOLC .* got idtwitter, subj, opos, uneg,"),
        (HEADER, HEADER.replace(',"text"', ""), "not a SENTIPOLC 2016 file; expected the columns idtwitter, "),
    ],
)  # fmt: skip
def test_a_broken_sentipolc_file_names_row_and_column(tmp_path, old, new, message):
    path = tmp_path / "s.csv"
    path.write_text(_layout("training").replace(old, new))
    with pytest.raises(DataError, match=message):
        load_sentipolc(path)


def test_other_files_are_not_sentipolc(tmp_path):
    (tmp_path / "t.csv").write_text("id,text\n1,ciao\n")
    assert not is_sentipolc(tmp_path / "t.csv")
    assert not is_sentipolc(tmp_path / "nowhere.csv")
    assert headless_columns(tmp_path / "t.csv") is None
    with pytest.raises(DataError, match="no such file"):
        load_sentipolc(tmp_path / "nowhere.csv")


def test_only_sentipolcs_own_header_makes_a_file_with_nine_columns_sentipolcs(tmp_path):
    columns = ["idtwitter", "text", *LABELS, "label", "confidence", "n_tokens", "truncated"]
    (tmp_path / "scored.csv").write_text(",".join(columns) + "\n1,ciao,0.1,0.2,0.7,positive,0.7,3,False\n")
    assert not is_sentipolc(tmp_path / "scored.csv")
    assert load_data(tmp_path / "scored.csv")["label"].tolist() == ["positive"]
    (tmp_path / "own.csv").write_text(_layout("training").replace(HEADER, " , ".join(SENTIPOLC_COLUMNS).upper()))
    assert is_sentipolc(tmp_path / "own.csv")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".tsv", ".csv"])
def test_sentipolcs_columns_in_any_container_and_order(tmp_path, suffix):
    (tmp_path / "s.csv").write_text(_layout("training"))
    expected = load_sentipolc(tmp_path / "s.csv", mixed="keep")
    raw = read_table(tmp_path / "s.csv").rename(columns={"idtwitter": "twitterid"})
    write_table(raw[raw.columns[::-1]].reset_index(names="Unnamed: 0"), tmp_path / f"other{suffix}")
    assert is_sentipolc(tmp_path / f"other{suffix}")
    pd.testing.assert_frame_equal(load_data(tmp_path / f"other{suffix}", mixed="keep"), expected)


def test_a_header_of_numbers_is_no_gold_layout(tmp_path):
    (tmp_path / "s.csv").write_text("0,1,2,3,4,5,6,7,8\n122449983151669248,1,0,1,0,0,1,0,ciao\n")
    assert not is_sentipolc(tmp_path / "s.csv")


@pytest.mark.parametrize("rows", [1, 50])
def test_no_other_format_is_taken_for_sentipolcs(tmp_path, rows):
    tweets = pd.DataFrame({"text": ["1,2\r3,4\n" * 50] * rows, "n": range(rows)})
    tweets.to_parquet(tmp_path / "t.parquet")
    write_table(tweets.assign(text="a" * 200_000), tmp_path / "long.jsonl")
    (tmp_path / "t.jsonl").write_bytes((tmp_path / "t.parquet").read_bytes())
    (tmp_path / "cr.csv").write_bytes(b"id,text\r1,a\r2,b\r")
    (tmp_path / "wide.csv").write_text("text\n" + "a" * 200_000)
    (tmp_path / "wider.csv").write_text("a" * 200_000 + ",text\n1,ciao\n")
    for path in sorted(tmp_path.iterdir()):
        assert not is_sentipolc(path)
    assert [
        len(load_data(tmp_path / name)) for name in ("t.parquet", "long.jsonl", "cr.csv", "wide.csv", "wider.csv")
    ] == [*(rows, rows, 2, 1, 1)]
    with pytest.raises(DataError, match=r"t\.jsonl, line 1: NUL bytes"):
        load_data(tmp_path / "t.jsonl")


def test_sentipolc_with_the_line_ends_of_an_old_mac(tmp_path):
    (tmp_path / "s.csv").write_text(_layout("gold"), newline="\r")
    (tmp_path / "t.csv").write_text("\n" + _layout("gold"))
    pd.testing.assert_frame_equal(load_data(tmp_path / "s.csv"), load_data(tmp_path / "t.csv"))
    assert len(load_data(tmp_path / "s.csv")) == 4


def test_the_official_training_file_has_the_published_counts(sentipolc_file):
    kept = load_sentipolc(sentipolc_file, mixed="keep")
    assert len(kept) == 7410
    assert kept["label"].isna().sum() == 440
    assert kept["ironic"].sum() == 868
    assert kept["text"].duplicated().sum() == 8
    assert kept["text"].str.len().max() == 158
    assert (kept["text"].map(html.unescape) != kept["text"]).sum() == 86
    assert kept["id"].str.fullmatch(r"\d{15,20}").all()
    table = load_sentipolc(sentipolc_file)
    assert table["label"].value_counts().to_dict() == {"neutral": 2816, "negative": 2543, "positive": 1611}
    neutral = table[table["label"] == "neutral"]
    assert (neutral["subjective"].sum(), (~neutral["subjective"]).sum()) == (504, 2312)
    assert table.attrs["left_out"] == {"mixed": 440}
    assert not (kept["ironic"] & (kept["label"] == "neutral")).any()


TWEETS = {"id": ["9007199254740993", "b"], "text": ["ciao", "addio"], "label": ["POS", ""], "topic": ["x", "y"]}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".csv.gz", ".jsonl.gz", ".parquet"])
def test_load_tweets_reads_every_format(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    frame = pd.DataFrame(TWEETS)
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        records = frame.to_dict(orient="records")
        separator = "," if "csv" in suffix else "\t"
        lines = [separator.join(frame.columns)] + [separator.join(record.values()) for record in records]
        content = "\n".join(map(json.dumps, records) if "jsonl" in suffix else lines).encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    table = load_tweets(path)
    assert list(table.columns) == ["id", "text", "label", "topic"]
    assert table["id"].tolist() == TWEETS["id"]
    assert table["label"].dtype == label_dtype
    assert table["label"].iloc[0] == "positive"
    assert pd.isna(table["label"].iloc[1])


def test_columns_are_named_and_the_displaced_kept(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,body,polarità,code\nold,nuovo,negativo,7\n")
    table = load_tweets(path, text="body", label="polarità", id="code")
    assert table.to_dict(orient="list") == {
        "id": ["7"],
        "text": ["nuovo"],
        "label": ["negative"],
        "text_original": ["old"],
    }


def test_an_id_that_nobody_needs_may_be_missing_or_there_twice(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,text,label\n7,a,pos\n,b,neg\n7,c,neu\n8,d,neu\n")
    tweets = load_tweets(path)
    assert tweets["id"].tolist() == ["7", "", "7", "8"]
    assert load_predictions(path, tweets)["label"].tolist() == ["positive", "negative", "neutral", "neutral"]
    with pytest.raises(DataError, match="t.csv, row 2: the id is missing"):
        load_predictions(path, tweets.iloc[::-1])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["misto", "POS", "NEG"], [None, "positive", "negative"]),
        (["neg_pos", "neutro", ""], [None, "neutral", None]),
        (["-1", "0", "1"], ["negative", "neutral", "positive"]),
        (["-1.0", "", "1.0"], ["negative", None, "positive"]),
    ],
)
def test_labels_as_people_call_them(tmp_path, labels, expected):
    path = tmp_path / "t.csv"
    path.write_text("text,label\n" + "".join(f"t,{label}\n" for label in labels))
    table = load_tweets(path)
    assert table["label"].astype(object).where(table["label"].notna(), None).tolist() == expected
    assert ("mixed" in table) == (expected[0] is None)


def test_what_is_called_mixed_is_treated_as_the_option_says(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\na,misto\nb,pos\n")
    dropped = load_data(path)
    assert dropped["text"].tolist() == ["b"]
    assert dropped.attrs["left_out"] == {"mixed": 1}
    assert load_data(path, mixed="negative")["label"].tolist() == ["negative", "positive"]
    assert load_data(path, mixed="keep")["label"].isna().tolist() == [True, False]


def test_numbers_that_a_parquet_file_has_names_for(tmp_path):
    names = {"info": {"features": {"label": {"names": ["neg", "neu", "pos"], "_type": "ClassLabel"}}}}
    table = pa.table({"text": ["a", "b", "c"], "label": [2, 0, -1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(names)}), tmp_path / "t.parquet")
    labels = load_tweets(tmp_path / "t.parquet")["label"]
    assert labels.isna().tolist() == [False, False, True]
    assert labels.tolist()[:2] == ["positive", "negative"]
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="row 1, column label: expected one of negative, .* got 2"):
        load_tweets(tmp_path / "t.parquet")


def test_other_labels_are_folded(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(f'{{"text": "a", "label": {label}}}\n' for label in ("1", "3.0", '"5"', "null", '"NEG"')))
    labels = load_tweets(path, fold="1,2=negative 3=neutral 4,5=positive")["label"]
    assert labels.astype(object).where(labels.notna(), None).tolist() == [
        *("negative", "neutral", "positive", None, "negative")
    ]
    with pytest.raises(DataError, match=r"row 2, column label: expected one of negative, .*, 1, .* got 3\.0 .1 such"):
        load_tweets(path, fold="1=negative 5=positive")
    with pytest.raises(DataError, match="fold: expected a rule such as"):
        load_tweets(path, fold="1=bello")


def test_classes_with_gaps_and_numbers_without_a_name(tmp_path):
    names = {"info": {"features": {"label": {"names": ["neg", "neu", "pos"], "_type": "ClassLabel"}}}}
    for values, found in (([2, None, -1], ["positive", None, None]), ([2, 7, None], None)):
        table = pa.table({"text": list("abc"), "label": values})
        pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(names)}), tmp_path / "t.parquet")
        if found is None:
            with pytest.raises(DataError, match="row 2, column label: expected one of .* got 7"):
                load_tweets(tmp_path / "t.parquet")
        else:
            labels = load_tweets(tmp_path / "t.parquet")["label"]
            assert labels.astype(object).where(labels.notna(), None).tolist() == found


def test_a_folder_of_save_to_disk(tmp_path):
    names = {"info": {"features": {"label": {"names": ["neg", "neu", "pos"], "_type": "ClassLabel"}}}}
    table = pa.table({"text": ["a", "b"], "label": [2, 0]})
    table = table.replace_schema_metadata({"huggingface": json.dumps(names)})
    for split in ("train", "test"):
        (tmp_path / "saved" / split).mkdir(parents=True)
        with pa.ipc.new_stream(tmp_path / "saved" / split / "data-00000-of-00001.arrow", table.schema) as writer:
            writer.write_table(table if split == "train" else table.slice(1))
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        (tmp_path / "saved" / split / "state.json").write_text(json.dumps(state))
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert load_data(tmp_path / "saved")["label"].tolist() == ["positive", "negative"]
    assert load_data(tmp_path / "saved", split="test")["text"].tolist() == ["b"]
    assert load_data(tmp_path / "saved" / "train")["text"].tolist() == ["a", "b"]
    with pytest.raises(DataError, match="no split 'validation'; there are: test, train"):
        load_data(tmp_path / "saved", split="validation")
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match="a folder, and no data set that was saved to one"):
        load_data(tmp_path / "other")


def test_what_python_shows_of_bytes_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("text\nciao\n\"b'perch\\xc3\\xa9\"\n\"b'perch\\xc3\\xa9'\"\nb'è'sì\n")
    with pytest.warns(
        Note, match=r"t\.csv, row 3: b'perch.* is no text, but what Python shows of bytes \(1 such rows\)"
    ):
        load_tweets(tmp_path / "t.csv")


def test_predictions_in_the_same_order_need_no_ids(tmp_path):
    (tmp_path / "gold.csv").write_text("id,text,label\n1,a,pos\n1,b,neg\n,c,neu\n")
    tweets = load_tweets(tmp_path / "gold.csv")
    (tmp_path / "scored.csv").write_text("id,testo,label\n1.2E+17,a,pos\n1.2E+17,b,pos\nx,c,pos\n")
    assert load_predictions(tmp_path / "scored.csv", tweets)["label"].tolist() == ["positive"] * 3
    (tmp_path / "scored.csv").write_text("id,testo,label\n1.2E+17,a,pos\n1.2E+17,c,pos\nx,b,pos\n")
    with pytest.raises(DataError, match="there more than once"):
        load_predictions(tmp_path / "scored.csv", tweets)


def test_a_file_without_a_header_in_another_encoding(tmp_path):
    (tmp_path / "t.tsv").write_bytes("101\tperché no\t-1\n102\tsì\t1\n".encode("cp1252"))
    with pytest.warns(Note, match="text in cp1252"):
        table = load_data(tmp_path / "t.tsv", columns=["id", "text", "label"], encoding="cp1252")
    assert table.to_dict("list") == {
        "id": ["101", "102"],
        "text": ["perché no", "sì"],
        "label": ["negative", "positive"],
    }


def test_without_ids_and_labels(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text\na\nb\n")
    table = load_tweets(path)
    assert table["id"].tolist() == ["1", "2"]
    assert table["label"].isna().all()
    assert table["label"].dtype == label_dtype


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("t.csv", "id,tweet\n1,a\n", {}, r"t\.csv: no column 'text'; its columns are: id, tweet"),
        ("t.csv", "text\na\n", {"label": "gold"}, "no column 'gold'"),
        ("t.csv", "text,label\na,pos\nb,joy\n", {}, "row 2, column label: expected one of negative.* got 'joy'"),
        ("t.csv", "text,label\na,1\n", {}, "row 1, column label: .* got '1'"),
        ("t.jsonl", '{"id": 1.5e17, "text": "a"}', {}, "column id: ids are stored as floating-point"),
        ("t.jsonl", '{"text": "a"}\n{"text": 5}', {}, "line 2: expected text in .text., got int"),
        ("t.jsonl", '{"text": ["a", "b"]}', {}, "line 1: expected text in .text., got list"),
        ("t.jsonl", '{"text": "a", "label": ["a", "b"]}', {}, r"row 1, column label: .* got \['a', 'b'\]"),
        ("t.csv", "testo,text_original,text\na,b,c\n", {"text": "testo"}, "'text' would become 'text_original', which"),
    ],
)
def test_bad_tables_name_row_and_column(tmp_path, name, content, options, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        load_tweets(tmp_path / name, **options)


def test_a_parquet_file_of_lists(tmp_path):
    pd.DataFrame({"text": [["a", "b"]] * 3}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="row 1, column text: expected text, got array"):
        load_tweets(tmp_path / "t.parquet")
    pd.DataFrame({"text": ["a"], "id": [["a", "b"]]}).to_parquet(tmp_path / "i.parquet")
    assert load_tweets(tmp_path / "i.parquet")["id"].tolist() == ["['a' 'b']"]


def test_a_filtered_frame_has_as_many_rows_as_it_has(tmp_path):
    pd.DataFrame({"text": list("abc"), "label": ["pos", "", "neg"]}, index=[5, 7, 9]).to_parquet(tmp_path / "t.parquet")
    table = load_tweets(tmp_path / "t.parquet")
    assert table[["id", "text"]].to_numpy().tolist() == [["1", "a"], ["2", "b"], ["3", "c"]]
    assert _missing_as_none(table["label"]) == ["positive", None, "negative"]


MARKED = '{"text": "a", "opos": 1, "oneg": 0}\n'


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ('"opos": 1.0, "oneg": 0.0', [1, 0]),
        ('"opos": "0", "oneg": " 1"', [0, 1]),
        ('"oneg": 0', "row 2, column opos: expected one of 0, 1, got <NA> .1 such rows"),
        ('"opos": 0, "oneg": 0.5', "row 2, column oneg: expected one of 0, 1, got 0.5 .1 such rows"),
        ('"opos": "sì", "oneg": 0', "row 2, column opos: expected one of 0, 1, got 'sì' .1 such rows"),
        ('"opos": [1], "oneg": 0', r"row 2, column opos: expected one of 0, 1, got \[1\] .1 such rows"),
    ],
)
def test_marks_are_compared_as_numbers(tmp_path, second, found):
    (tmp_path / "t.jsonl").write_text(f'{MARKED}{{"text": "b", {second}}}\n', encoding="utf-8")
    if isinstance(found, str):
        with pytest.raises(DataError, match=found):
            load_tweets(tmp_path / "t.jsonl")
    else:
        assert load_tweets(tmp_path / "t.jsonl")[["opos", "oneg"]].to_numpy().tolist() == [[1, 0], found]


def test_a_missing_file_is_no_hub_id(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_tweets(tmp_path / "folder" / "t.csv")
    with pytest.raises(DataError, match="no such file"):
        load_tweets("data/t.csv")
    with pytest.raises(DataError, match="expected a file ending in"):
        load_data("Che bella giornata! " * 50)


def test_a_hub_id_without_the_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"owner/name: no such file.*pip install \"sentiment-kit\[datasets\]\""):
        load_tweets("owner/name")


def test_a_hub_data_set_names_its_class_labels(monkeypatch):
    class Loaded:
        def with_format(self, kind):
            assert kind == "arrow"
            return self

        def __getitem__(self, rows):
            features = {"label": {"_type": "ClassLabel", "names": ["neg", "neu", "pos"]}}
            said = {"huggingface": json.dumps({"info": {"features": features}})}  # by every table of the library
            return pa.table({"text": list("abcd"), "label": [2, 0, -1, None]}).replace_schema_metadata(said)

    calls = []

    def load_dataset(*arguments, **options):
        calls.append((*arguments, options))
        return Loaded()

    hub = types.SimpleNamespace(load_dataset=load_dataset, __spec__=object())
    monkeypatch.setitem(sys.modules, "datasets", hub)
    table = load_tweets("owner/name", split="test")
    load_tweets("owner/name:italian")
    assert calls == [("owner/name", None, {"split": "test"}), ("owner/name", "italian", {"split": "train"})]
    assert table["label"].tolist()[:2] == ["positive", "negative"]
    assert table["label"].isna().tolist() == [False, False, True, True]


def test_load_data_takes_whatever_a_notebook_names(tmp_path):
    (tmp_path / "s.csv").write_text(_layout("gold"))
    (tmp_path / "t.csv").write_text("text,label\na,pos\n")
    pd.testing.assert_frame_equal(load_data("demo", split="test"), load_demo("test"))
    assert len(load_data(tmp_path / "s.csv")) == 4
    assert len(load_data(tmp_path / "s.csv", mixed="keep")) == 5
    assert load_data(tmp_path / "t.csv")["label"].tolist() == ["positive"]
    with pytest.raises(DataError, match="no such file"):
        load_data(tmp_path / "no.csv")


def test_load_data_takes_other_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,testo,label,polarità\nold,ciao,pos,neg\n")
    assert load_data(path)[["text", "label"]].iloc[0].tolist() == ["old", "positive"]
    table = load_data(path, text="testo", label="polarità")
    assert table[["text", "label", "text_original", "label_original"]].iloc[0].tolist() == [
        *("ciao", "negative", "old", "pos")
    ]
    for options, missing in (({"text": "body"}, "body"), ({"label": "gold"}, "gold")):
        with pytest.raises(DataError, match=f"no column '{missing}'; its columns are: text, testo, label, polarità"):
            load_data(path, **options)


def test_the_demo_and_sentipolc_files_have_their_own_columns(tmp_path):
    (tmp_path / "s.csv").write_text(_layout("training"))
    names = {"text": "testo", "label": "polarità"}
    pd.testing.assert_frame_equal(load_data(tmp_path / "s.csv", **names), load_sentipolc(tmp_path / "s.csv"))
    pd.testing.assert_frame_equal(load_data("demo", split="test", **names), load_demo("test"))


# Mixed rows


@pytest.mark.parametrize(("mixed", "last"), [("drop", None), ("keep", None), ("neutral",) * 2, ("negative",) * 2])
def test_settle_mixed(tmp_path, mixed, last):
    (tmp_path / "s.csv").write_text(_layout("training"))
    tweets = load_sentipolc(tmp_path / "s.csv", mixed="keep").set_axis(["c", "a", "a", "b", "d"])
    before = tweets.copy()
    settled = settle_mixed(tweets, mixed)
    assert settled.dtype == label_dtype
    assert settled.index.tolist() == ["c", "a", "a", "b", "d"]
    assert settled.astype(object).where(settled.notna(), None).tolist() == [*LABELS_WITH_MIXED, last]
    pd.testing.assert_frame_equal(tweets, before)
    if mixed in LABELS:
        loaded = load_sentipolc(tmp_path / "s.csv", mixed=mixed)["label"]
        assert settled.tolist() == loaded.tolist()


def test_settle_mixed_without_marks_leaves_missing_labels_missing():
    tweets = pd.DataFrame({"label": pd.Series(["positive", None], dtype=label_dtype)})
    for mixed in ("drop", "keep", "neutral", "negative"):
        pd.testing.assert_series_equal(settle_mixed(tweets, mixed), tweets["label"])
    # With marks, those that are not mixed; a mixed row's own label goes.
    mixed = tweets.assign(label=pd.Series(["neutral", "neutral"], dtype=label_dtype), opos=[1, 1], oneg=[1, 0])
    assert _missing_as_none(settle_mixed(mixed, "drop")) == [None, "neutral"]
    assert _missing_as_none(settle_mixed(mixed, "keep")) == [None, "neutral"]
    marked = tweets.assign(opos=[1, 0], oneg=[1, 0])
    assert _missing_as_none(settle_mixed(marked, "negative")) == ["negative", None]
    with pytest.raises(ValueError, match='"drop", "neutral", "negative", "keep", but \'both\''):
        settle_mixed(tweets, "both")


# Predictions made elsewhere

GOLD = pd.DataFrame(
    {"id": list("abcde"), "text": ["A", "B", "C", "D", "E"], "label": pd.Series([None] * 5, dtype=label_dtype)},
    index=[7, 3, 3, 1, 0],
)


def _missing_as_none(labels):
    return labels.astype(object).where(labels.notna(), None).tolist()


def _predictions(folder, content, name="p.csv", tweets=GOLD):
    (folder / name).write_text(content, encoding="utf-8")
    return load_predictions(folder / name, tweets)


def test_predictions_are_matched_by_id(tmp_path):
    found = _predictions(tmp_path, "label,id\nneutral,e\nNEG,a\n,c\nPositivo,b\nneg,zzz\nneu,d\n")
    assert found.columns.tolist() == ["text", "label"]
    assert found.index.tolist() == GOLD.index.tolist()
    assert found["text"].tolist() == list("ABCDE")
    assert found["label"].dtype == label_dtype
    assert _missing_as_none(found["label"]) == ["negative", "positive", None, "neutral", "neutral"]


def test_predictions_without_ids_are_taken_in_order(tmp_path):
    found = _predictions(tmp_path, "label\npos\nneg\nneu\npos\nneg\n")
    assert found["label"].tolist() == ["positive", "negative", "neutral", "positive", "negative"]
    assert found["text"].tolist() == list("ABCDE")
    with pytest.raises(DataError, match=r"p\.csv: 4 predictions for 5 tweets, and no column id to match them by"):
        _predictions(tmp_path, "label\npos\nneg\nneu\npos\n")


def test_a_scored_sentipolc_file(tmp_path):
    # As `sentiment-kit score` writes it: SENTIPOLC's own columns, then the prediction's.
    (tmp_path / "s.csv").write_text(_layout("training"))
    scored = read_table(tmp_path / "s.csv")[::-1]
    scored = scored.assign(label=["neutral", "positive", "", "negative", "negative"])
    write_table(scored, tmp_path / "scored.csv")
    tweets = load_sentipolc(tmp_path / "s.csv", mixed="keep")
    found = load_predictions(tmp_path / "scored.csv", tweets)
    assert _missing_as_none(found["label"]) == ["negative", "negative", None, "positive", "neutral"]
    assert found["text"].tolist() == tweets["text"].tolist()


def test_the_predicted_label_and_not_the_gold_one(tmp_path):
    content = "id,label,predicted_label,negative,neutral,positive,predicted_negative\n"
    content += "".join(f"{id},pos,neg,9,0.3,0.1,0.6\n" for id in "abcde")
    found = _predictions(tmp_path, content)
    assert found["label"].tolist() == ["negative"] * 5
    assert found[list(LABELS)].iloc[0].tolist() == [0.6, 0.3, 0.1]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz"])
def test_probabilities_of_every_format(tmp_path, suffix):
    table = pd.DataFrame(
        {
            "id": list("edcba"),
            "label": ["positive", "neutral", None, "negative", "neutral"],
            "negative": [0.125, 0.25, np.nan, 0.75, 0],
            "neutral": [0.125, 0.5, np.nan, 0.25, 1],
            "positive": [0.75, 0.25, np.nan, 0, 0],
        }
    )
    write_table(table, tmp_path / f"p{suffix}")
    found = load_predictions(tmp_path / f"p{suffix}", GOLD)
    assert found.columns.tolist() == ["text", "label", *LABELS, "confidence"]
    assert _missing_as_none(found["label"]) == ["neutral", "negative", None, "neutral", "positive"]
    np.testing.assert_array_equal(found[list(LABELS)], table[list(LABELS)][::-1])
    np.testing.assert_array_equal(found["confidence"], [1, 0.75, np.nan, 0.5, 0.75])


def test_probabilities_beside_no_label_are_not_read(tmp_path):
    found = _predictions(tmp_path, "label,negative,neutral,positive\n" + "neg,0.6,0.2,0.2\n" * 4 + ",7,,nonsense\n")
    assert found[[*LABELS, "confidence"]].iloc[4].isna().all()
    assert found[[*LABELS, "confidence"]].iloc[3].tolist() == [0.6, 0.2, 0.2, 0.6]


def test_rounded_probabilities_are_taken_as_they_are(tmp_path):
    found = _predictions(
        tmp_path, "label,negative,neutral,positive\n" + "neg,0.34,0.33,0.33\n" * 4 + "neg,.33,.33,.33\n"
    )
    assert found["confidence"].tolist() == [0.34] * 4 + [0.33]


HEAD = "id,label,negative,neutral,positive\n"
GOOD = "a,neg,0.6,0.2,0.2\nb,neg,0.6,0.2,0.2\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,sentiment\na,pos\n", r"p\.csv: no column 'label'; its columns are: id, sentiment"),
        ("id,label\na,pos\nb,joy\n", "row 2, column label: expected one of negative, .*, mixed .* got 'joy'"),
        ("id,predicted_label,label\na,joy,neg\n", "row 1, column predicted_label: expected one of .* got 'joy'"),
        ("id,label,negative,positive\na,pos,0.2,0.8\n", "no column 'neutral'"),
        (HEAD + GOOD + "c,neg,1.5,-0.25,-0.25\n", "row 3, column negative: expected a probability .* got '1.5' .1 "),
        (HEAD + GOOD + "c,neg,1.2,-0.2,0\nd,neg,0.9,-0.1,0.2\n", "row 3, column negative: .* got '1.2'"),
        (HEAD + GOOD + "c,neg,0.9,-0.1,0.2\nd,neg,0.9,-0.1,0.2\n", "row 3, column neutral: .* got '-0.1' .2 such rows"),
        (HEAD + GOOD + "c,neg,0.9,,0.1\n", "row 3, column neutral: expected a probability from 0 to 1, got ''"),
        (HEAD + GOOD + "c,neg,0.9,high,0.1\n", "row 3, column neutral: .* got 'high'"),
        (HEAD + GOOD + "c,neg,0.9,nan,0.1\n", "row 3, column neutral: .* got 'nan'"),
        (HEAD + GOOD + "c,neg,0.9,inf,0.1\n", "row 3, column neutral: .* got 'inf'"),
        (HEAD + GOOD + "c,neg,0.6,0.2,0.1\n", r"row 3, .*l \+ positive: expected a sum of 1, got 0\.9 \(1 such rows\)"),
        (HEAD + GOOD + "c,neg,0.6,0.3,0.2\n", r"row 3, .* expected a sum of 1, got 1\.1"),
        ("id,label\na,neg\nb,neg\na,pos\n", r"p\.csv: the id 'a' is there more than once \(1 such rows\)"),
        ("id,label\na,neg\n,pos\n", "row 2: the id is missing"),
        ("id,label\na,neg\nc,pos\nx,pos\n", r"no prediction for 3 of 5 tweets, the first with id 'b'.* start with 'a'"),
        ("id,label\n", r"no prediction for 5 of 5 tweets, the first with id 'a'; its own ids start with '?\(none\)"),
    ],
)  # fmt: skip
def test_bad_predictions_name_row_and_column(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        _predictions(tmp_path, content)


def test_tweets_whose_ids_are_no_ids(tmp_path):
    with pytest.raises(DataError, match="the tweets: the id 'a' is there more than once"):
        _predictions(tmp_path, "id,label\na,neg\nb,neg\n", tweets=GOLD.assign(id=list("abada")))
    # In their order there is nothing to match.
    found = _predictions(tmp_path, "label\n" + "neg\n" * 5, tweets=GOLD.assign(id="a"))
    assert found["label"].tolist() == ["negative"] * 5


def test_no_file_of_predictions(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_predictions(tmp_path / "no.csv", GOLD)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(5)), st.permutations(range(5)))
def test_with_ids_the_order_of_the_rows_does_not_matter(tmp_path, order, other):
    rows = ["a,neg,0.6,0.2,0.2", "b,neu,0,1,0", "c,pos,0.1,0.1,0.8", "d,,,,", "e,neg,0.4,0.3,0.3"]
    expected = _predictions(tmp_path, "\n".join([HEAD.strip(), *rows]))
    shuffled = _predictions(tmp_path, "\n".join([HEAD.strip(), *(rows[number] for number in order)]))
    pd.testing.assert_frame_equal(shuffled, expected)
    tweets = GOLD.iloc[list(other)]
    pd.testing.assert_frame_equal(load_predictions(tmp_path / "p.csv", tweets), expected.iloc[list(other)])


# The demo corpus


def test_load_demo_splits():
    whole, train, test = load_demo(), load_demo("train"), load_demo("test")
    assert len(whole) == len(train) + len(test)
    assert set(train["id"]).isdisjoint(test["id"])
    assert list(whole.columns) == ["id", "text", "label", "mixed", "domain", "phenomena", "split", "ironic"]
    assert whole["ironic"].dtype == bool
    assert 0 < whole["ironic"].sum() < len(whole)
    with pytest.raises(ValueError, match='"all", "train", "test", but \'dev\''):
        load_demo("dev")
