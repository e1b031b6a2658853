"""Each row of ../shared/cases: files as people have them end in the right value, or in a message one can act on.

The kinds have tests of their own, with files written there; these say that none of the files was forgotten.
"""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the files of people are not at ../shared/cases")
LONG = "1234567890123456787"

# The command, the file, further options; and a line that standard error must have: of what was read, or what to do.
SCORED = [
    ("embedding.parquet", (), "1 tweets"),
    ("v1.jsonl", ("--text-column", "full_text"), "2 tweets"),
    ("map.parquet", (), ".csv cannot hold map<string, int64 ('m')>; write .parquet, or leave the column out"),
    ("trailing_semicolons.csv", (), "1 blank rows below the table are left out"),
    ("trailing2.csv", ("--text-column", "testo"), "empty columns without a name at its end, which are left out"),
    ("tabs.csv", (), "is written as its input came, with tabs between its fields"),
    ("tabs_no_comma.csv", (), "is written as its input came, with tabs between its fields"),
    ("pipe.csv", (), "is written as its input came, with bars between its fields"),
    ("sep_line.csv", (), "is written as its input came, with semicolons between its fields"),
    ("space_after_comma.csv", (), "a space after each of them, which is left out"),
    ("space_header_only.csv", (), "a space after each of them, which is left out"),
    ("semicolon_comma_header.csv", (), "is written as its input came, with semicolons between its fields"),
    ("haspeede_headerless.tsv", (), "if these are no names, name them (--no-header"),
    ("haspeede_headerless.tsv", ("--no-header", "--columns", "id,text,label"), "3 tweets"),
    ("headerless.csv", ("--no-header", "--columns", "label,text"), "2 tweets"),
    ("raw_quotes.tsv", (), "5 tweets"),
    ("backslash.csv", (), "2 tweets"),
    ("array.json", (), "2 tweets"),
    ("array.jsonl", (), "2 tweets"),
    ("tweets.js", ("--text-column", "full_text"), "tweets in"),
    ("tweets.ndjson", (), "1 tweets"),
    ("pretty.jsonl", (), "2 tweets"),
    ("lines.txt", (), "2 tweets"),
    ("kaggle.csv.zip", (), "1 tweets"),
    ("t.csv.bz2", (), "1 tweets"),
    ("bytes_repr.csv", (), "is no text, but what Python shows of bytes (1 such rows)"),
    ("excel_it.csv", ("--text-column", "testo"), "commas in its numbers, a byte order mark"),
    ("cp1252.csv", ("--text-column", "testo"), "--encoding"),
    ("cp1252.csv", ("--text-column", "testo", "--encoding", "cp1252"), "text in cp1252"),
    ("mac_roman.csv", ("--text-column", "testo", "--encoding", "mac_roman"), "text in mac_roman"),
    ("utf16.csv", (), "1 tweets"),
    ("html.csv", (), "1 tweets"),
    ("twitterarchive.csv", (), "1 tweets"),
    ("int_columns.parquet", (), "no column 'text'; its columns are: 0, 1; rename one, or say which it is"),
    ("tz.parquet", (), "3 tweets"),
    ("binary_text.parquet", (), "column 'text': expected text, got binary"),
    ("by_gap.csv", (), "12 tweets"),
    ("by_gap.jsonl", (), "12 tweets"),
    ("by_gap.parquet", (), "12 tweets"),
    ("small_train.csv", (), "160 tweets"),
    ("sentipolc_pandas_header.csv", (), "its columns are: 0, 1, 2, 3, 4, 5, 6, 7, 8; rename one, or say which it is"),
]
EVALUATED = [
    ("sentipolc.jsonl", "4 tweets"),
    ("sentipolc.tsv", "2 tweets"),
    ("sentipolc_index.csv", "2 tweets"),
    ("eight.csv", "8 tweets"),
    ("sentipolc14.csv", "no column 'label'; its columns are: id, subj, pos, neg, iro, top, text; rename one"),
    ("hf_classlabel.parquet", "3 tweets"),
    ("label_mixed.csv", "3 tweets"),
    ("label_num.csv", "3 tweets"),
    ("label_float.csv", "--fold"),
    ("label_nan.csv", "row 2, column label: expected one of negative, neutral, positive, mixed"),
    ("two_labels.csv", "undefined on these rows, so NaN: precision of neutral"),
    ("one_class.csv", "undefined on these rows, so NaN: recall of neutral"),
    ("excel_blank_rows.csv", "2 tweets"),
    ("blank_id.csv", "2 tweets"),
    ("raw_quotes.tsv", "5 tweets"),
    ("multiemo.tsv", "no column 'text'; its columns are: comment, POS, NEG, NEU; rename one"),
]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("name", ["reply_ids.parquet", "reply_ids.jsonl", "struct.parquet", "int_nan.jsonl"])
def test_no_digit_is_lost(run, tmp_path, name, suffix):
    out = tmp_path / f"out{suffix}"
    code, _, err = run("score", CASES / name, out, "--model", "demo")
    assert code == 0, err
    written = str(pq.read_table(out).to_pylist()) if suffix == ".parquet" else out.read_text(encoding="utf-8")
    assert LONG[:15] in written
    assert "e+18" not in written


def test_what_a_format_cannot_hold_is_said_before_the_scoring(run, tmp_path):
    for name, suffix, says in (
        ("int_float.jsonl", ".parquet", "column reply: .parquet cannot hold several types"),
        ("mixed_types.jsonl", ".parquet", "column n: .parquet cannot hold several types"),
        ("binary_other.parquet", ".jsonl", "column img: .jsonl cannot hold binary; write .parquet"),
    ):
        code, _, err = run("score", CASES / name, tmp_path / f"out{suffix}", "--model", "demo")
        assert code == 2
        assert says in err
        assert "tweets/s" not in err


@pytest.mark.parametrize(("name", "options", "says"), SCORED, ids=lambda value: str(value)[:30])
def test_score(run, tmp_path, name, options, says):
    code, _, err = run("score", CASES / name, tmp_path / "out.csv", "--model", "demo", *options)
    assert says in err
    assert code == (0 if "tweets in" in err else 2)
    assert "Traceback" not in err


@pytest.mark.parametrize(("name", "says"), EVALUATED)
def test_evaluate(run, name, says):
    code, _, err = run("evaluate", CASES / name, "--model", "demo")
    assert says in err
    assert code == (0 if "tweets in" in err else 2)


@pytest.mark.parametrize("name", ["cases_it.csv", "cases_it2.csv"])
def test_cases_named_as_people_name_them(run, name):
    code, printed, err = run("probe", "--cases", CASES / name, "--model", "demo")
    assert code == 0, err
    assert printed


def test_no_file_is_forgotten():
    named = {row[0] for row in SCORED + EVALUATED} | {"cases_it.csv", "cases_it2.csv", "README.md"}
    named |= {"reply_ids.parquet", "reply_ids.jsonl", "struct.parquet", "int_nan.jsonl", "int_float.jsonl"}
    named |= {"mixed_types.jsonl", "binary_other.parquet"}
    assert {path.name for path in CASES.iterdir()} <= named
