import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from sentiment_kit import cli
from sentiment_kit.data import load_demo
from sentiment_kit.errors import DataError, Note
from sentiment_kit.files.tables import read_arrow
from sentiment_kit.files.writing import write_table
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.scale import bulk
from sentiment_kit.scale.bulk import read_scored, score_file, score_files

TWEETS = load_demo("test")[["id", "text", "label"]].iloc[:90].reset_index(drop=True)


@pytest.fixture
def tweets_file(tmp_path):
    write_table(TWEETS, tmp_path / "tweets.csv")
    return tmp_path / "tweets.csv"


NOT_UTF8 = "not UTF-8 (byte 0xe8); save the file as UTF-8, or say its encoding (--encoding; it may be cp1252)"


def contents(folder):
    """Everything that a user sees in a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("[!.]*.*"))}


def scored(folder):
    return pd.concat([pq.read_table(path).to_pandas() for path in sorted(folder.glob("part-*"))], ignore_index=True)


def test_the_parts_are_the_file_with_its_predictions(tweets_file, tmp_path, tiny_model):
    done = score_files([tweets_file], tmp_path / "out", model=tiny_model, part_rows=40)
    assert done[:4] == (90, 0, 0, 3)
    assert sorted(contents(tmp_path / "out")) == [
        "manifest.json",
        "part-00000-000000.parquet",
        "part-00000-000001.parquet",
        "part-00000-000002.parquet",
    ]
    table, expected = scored(tmp_path / "out"), predict(tiny_model, TWEETS["text"])
    assert table["text"].tolist() == TWEETS["text"].tolist()
    assert table["label"].tolist() == TWEETS["label"].tolist(), "the input's own column"
    assert table["predicted_label"].tolist() == expected["label"].tolist()
    np.testing.assert_allclose(table[list(LABELS)], expected[list(LABELS)], atol=1e-5)
    assert table["n_tokens"].tolist() == expected["n_tokens"].tolist()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["done"] == {"rows": 90, "rejected": 0, "unreadable": 0, "parts": 3, "truncated": 0}
    assert manifest["data"][0]["name"] == "tweets.csv"
    assert [len(manifest["model"][name]) for name in ("weights", "tokenizer")] == [64, 64]
    assert str(tmp_path) not in json.dumps(manifest)


def test_several_files_of_several_formats(tmp_path, tiny_model):
    for number, suffix in enumerate([".csv.gz", ".tsv", ".jsonl.zst", ".parquet"]):
        write_table(TWEETS.iloc[20 * number : 20 * number + 20], tmp_path / f"{number}{suffix}")
    done = score_files([tmp_path / "*.*"], tmp_path / "out", model=tiny_model, part_rows=15)
    assert done[:4] == (80, 0, 0, 8)
    assert scored(tmp_path / "out")["text"].tolist() == TWEETS["text"].tolist()[:80]


def test_broken_and_empty_rows(tmp_path, tiny_model):
    path = tmp_path / "t.csv"
    path.write_bytes(b"id,text\n1,bello\n2,due,tre\n3,@solo\n4,perch\xe8\n5,brutto\n")
    done = score_files([path], tmp_path / "out", model=tiny_model, part_rows=2)
    assert done[:4] == (3, 2, 1, 3)
    table = scored(tmp_path / "out")
    assert table["id"].tolist() == ["1", "3", "5"]
    assert table["label"].isna().tolist() == [False, True, False]
    rejected = [
        json.loads(line)
        for part in sorted((tmp_path / "out" / "rejected").iterdir())
        for line in part.read_text().splitlines()
    ]
    assert [(row["file"], row["line"], row["reason"]) for row in rejected] == [
        (path.as_posix(), 3, "expected 2 fields, got 3"),
        (path.as_posix(), 5, NOT_UTF8),
    ]
    with pytest.raises(DataError, match=r"t\.csv, line 3: expected 2 fields, got 3; without --strict"):
        score_files([path], tmp_path / "strict", model=tiny_model, part_rows=1, strict=True)
    assert len(scored(tmp_path / "strict")) == 1, "what came before is kept"


def test_json_values_that_are_no_text_are_set_apart(tmp_path, tiny_model):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "bello"}\n{"text": 5}\n{"text": ["brutto"]}\n{"text": null}\n')
    assert score_files([path], tmp_path / "out", model=tiny_model)[:4] == (2, 2, 1, 1)
    lines = (tmp_path / "out" / "rejected" / "part-00000-000000.jsonl").read_text().splitlines()
    assert [(row["line"], row["reason"], row["raw"]) for row in map(json.loads, lines)] == [
        (2, "expected text in 'text', got int", '{"text": 5}\n'),
        (3, "expected text in 'text', got list", '{"text": ["brutto"]}\n'),
    ]
    with pytest.raises(DataError, match=r"t\.jsonl, line 2: expected text in 'text', got int; without --strict"):
        score_files([path], tmp_path / "strict", model=tiny_model, strict=True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_whose_name_is_not_utf8(tmp_path, tiny_model):
    path = tmp_path / os.fsdecode(b"caff\xe8.csv")
    path.write_text("text\nbello\na,b\n")
    for _ in range(2):
        assert score_files([path], tmp_path / "out", model=tiny_model)[:4] == (1, 1, 0, 1)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"][0]["name"] == "caff\ufffd.csv"


def test_a_part_without_any_label_has_the_same_types(tmp_path, tiny_model):
    path = tmp_path / "t.csv"
    path.write_text("id,text\n1,@solo\n2,bello\n3,x,y\n")
    score_files([path], tmp_path / "out", model=tiny_model, part_rows=1)
    tables = [pq.read_table(part) for part in sorted((tmp_path / "out").glob("part-*"))]
    assert [len(table) for table in tables] == [1, 1, 0]
    assert pa.concat_tables(tables)["label"].to_pylist()[0] is None  # raises where types differ


def test_an_output_inside_the_input_is_no_input(tmp_path, tiny_model):
    write_table(TWEETS, tmp_path / "t.csv")
    for _ in range(2):
        assert score_files([tmp_path], tmp_path / "scored", model=tiny_model, part_rows=50).rows == 90


# Stopped and taken up again


def test_the_bar_counts_rows_and_names_parts_and_begins_where_the_last_run_stopped(tmp_path, tiny_model, capsys):
    path, out = tmp_path / "t.csv", tmp_path / "out"
    path.write_text("id,text\n" + "".join(f"{number},bello {number}\n" for number in range(9)) + "9,x,y\n")
    score_files([path], out, model=tiny_model, part_rows=2, progress=True)
    shown = capsys.readouterr().err
    assert "10/10" in shown
    assert "rows/s" in shown
    assert "part-00000-000004" in shown
    (out / "part-00000-000004.parquet").unlink()  # one good row and the rejected one
    score_files([path], out, model=tiny_model, part_rows=2, progress=True)
    shown = capsys.readouterr().err
    assert "8/10" in shown
    assert "10/10" in shown


def test_only_what_is_missing_is_done_again(tweets_file, tmp_path, tiny_model, monkeypatch):
    out = tmp_path / "out"
    score_files([tweets_file], out, model=tiny_model, part_rows=20)
    whole = contents(out)
    (out / "part-00000-000001.parquet").unlink()
    (out / "part-00000-000004.parquet").unlink()
    (out / ".part-00000-000004.parquet.tmp").write_bytes(b"half")
    sizes = []

    def counted(model, texts, **options):
        sizes.append(len(texts))
        return predict(model, texts, **options)

    monkeypatch.setattr(bulk, "predict", counted)
    score_files([tweets_file], out, model=tiny_model, part_rows=20)
    assert sizes == [20, 10]
    assert contents(out) == whole
    assert not list(out.glob(".*.tmp"))


SCRIPT = (
    "import sys; from sentiment_kit.scale.bulk import score_files; from sentiment_kit.model import load_model\n"
    "score_files([sys.argv[1]], sys.argv[2], model=load_model(sys.argv[3], device='cpu'), part_rows=100)"
)


@pytest.mark.long
def test_a_run_that_is_killed_three_times_ends_in_the_same_bytes(tmp_path, tiny_model):
    """SIGKILL once the manifest, the first part, and six parts are there; then the same run finishes."""
    path, out = tmp_path / "t.csv", tmp_path / "out"
    write_table(pd.DataFrame({"text": [f"{text} {number}" for number in range(12) for text in TWEETS["text"]]}), path)
    with path.open("ab") as file:
        file.write(b"uno,due\n")
    score_files([path], tmp_path / "undisturbed", model=tiny_model, part_rows=100)
    for parts in (0, 1, 6):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path), str(out), tiny_model.name])
        while process.poll() is None and not (
            (out / "manifest.json").exists() and len(list(out.glob("part-*"))) >= parts
        ):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.005)
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was killed before the end"
        assert parts <= len(list(out.glob("part-*"))) < 11
    score_files([path], out, model=tiny_model, part_rows=100)
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_another_run_in_the_folder_is_refused_with_the_difference(tweets_file, tmp_path, tiny_model, demo_model):
    out = tmp_path / "out"
    score_files([tweets_file], out, model=tiny_model, part_rows=50)
    before = contents(out)
    with pytest.raises(DataError, match="was begun with model 'model', now it is 'demo'"):
        score_files([tweets_file], out, model=demo_model, part_rows=50)
    swapped = dataclasses.replace(tiny_model, labels=("positive", "neutral", "negative"))
    with pytest.raises(DataError, match="was begun with labels"):
        score_files([tweets_file], out, model=swapped, part_rows=50)
    with pytest.raises(DataError, match="was begun with text 'text', now it is 'id'"):
        score_files([tweets_file], out, model=tiny_model, part_rows=50, text="id")
    with pytest.raises(DataError, match="batch_size None, now it is 8"):
        score_files([tweets_file], out, model=tiny_model, part_rows=50, batch_size=8)
    with pytest.raises(DataError, match="part_rows 50, now it is 51"):
        score_files([tweets_file], out, model=tiny_model, part_rows=51)
    other = tmp_path / "other.csv"
    write_table(TWEETS, other)
    with pytest.raises(DataError, match="was begun with 1 inputs, and now there are 2"):
        score_files([tweets_file, other], out, model=tiny_model, part_rows=50)
    with tweets_file.open("a") as file:
        file.write("x,y,positive\n")
    with pytest.raises(DataError, match=r"another input: tweets\.csv had size \d+, tweets\.csv has \d+"):
        score_files([tweets_file], out, model=tiny_model, part_rows=50)
    assert contents(out) == before


def test_two_runs_on_one_folder(tweets_file, tmp_path, tiny_model):
    out = tmp_path / "out"
    out.mkdir()
    with FileLock(out / ".lock"), pytest.raises(DataError, match="another run is writing there"):
        score_files([tweets_file], out, model=tiny_model)
    assert score_files([tweets_file], out, model=tiny_model).rows == 90


def test_a_full_disk_loses_nothing(tweets_file, tmp_path, tiny_model, monkeypatch):
    out = tmp_path / "out"
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) == 7:  # the manifest and two parts took two each, for file and folder
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"cannot be written .No space left on device.*run the same command again"):
        score_files([tweets_file], out, model=tiny_model, part_rows=20)
    assert not list(out.glob(".*.tmp"))
    n_parts = len(list(out.glob("part-*")))
    assert 0 < n_parts < 5
    assert score_files([tweets_file], out, model=tiny_model, part_rows=20).rows == 90


def test_mistakes_come_before_the_work(tweets_file, tmp_path, tiny_model):
    with pytest.raises(DataError, match=r"tweets\.csv: no column 'testo'; its columns are: id, text, label"):
        score_files([tweets_file], tmp_path / "out", model=tiny_model, text="testo")
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    (tmp_path / "mine" / ".part-of-it.tmp").write_text("precious")
    with pytest.raises(DataError, match=r"holds thesis\.txt and no manifest\.json"):
        score_files([tweets_file], tmp_path / "mine", model=tiny_model)
    assert (tmp_path / "mine" / ".part-of-it.tmp").read_text() == "precious", (
        "nothing goes from a folder that is not ours"
    )
    with pytest.raises(DataError, match="holds all inputs"):
        score_files([tweets_file], tmp_path, model=tiny_model)
    with pytest.raises(DataError, match="cannot be used as a folder"):
        score_files([tweets_file], tweets_file / "out", model=tiny_model)
    full = tmp_path / "full.csv"
    write_table(TWEETS.assign(predicted_label="x"), full)
    with pytest.raises(DataError, match=r"full\.csv: has the columns label, predicted_label already"):
        score_files([full], tmp_path / "out", model=tiny_model)
    number = tmp_path / "n.parquet"
    pq.write_table(pa.table({"text": [1, 2]}), number)
    with pytest.raises(DataError, match=r"n\.parquet, column 'text': expected text, got int64"):
        score_files([number], tmp_path / "out", model=tiny_model)


# The command


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["sentiment-kit", "score", "--model", "demo", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0


def test_the_command_to_a_folder(tweets_file, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, tweets_file, tmp_path / "out") == 0
    assert "0 with nothing to read, 0 truncated; 0 rows that cannot be read set apart" in capsys.readouterr().err
    assert run(monkeypatch, tweets_file, tweets_file, tmp_path / "more") == 0
    assert len(scored(tmp_path / "more")) == 90, "the same file counts once"


def test_the_command_is_interrupted(tweets_file, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk, "predict", interrupted)
    assert run(monkeypatch, tweets_file, tmp_path / "out") == 130
    assert "Run the same command again to go on." in capsys.readouterr().err


def test_the_command_is_stopped_by_ctrl_c(tmp_path):
    table = pd.DataFrame({"text": [f"{text} {number}" for number in range(600) for text in TWEETS["text"]]})
    write_table(table, tmp_path / "t.csv")
    command = [sys.executable, "-m", "sentiment_kit", "score", "--model", "demo", str(tmp_path / "t.csv")]
    process = subprocess.Popen(
        [*command, str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    )
    while process.poll() is None and not (tmp_path / "out" / "manifest.json").exists():
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, "Run the same command again" in errors) == (130, True), errors
    assert "Traceback" not in errors
    assert not list((tmp_path / "out").glob(".*.tmp"))


def test_the_command_needs_an_output(tweets_file, monkeypatch, capsys):
    assert run(monkeypatch, tweets_file) == 2
    assert "say where to write" in capsys.readouterr().err


# One set of options


BROKEN = "id,text\na,Che bello\nb,due,tre\nc,=1+1\n"


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_rows_that_cannot_be_read_are_set_apart(tmp_path, monkeypatch, capsys, name):
    (tmp_path / "t.csv").write_text(BROKEN)
    assert run(monkeypatch, tmp_path / "t.csv", tmp_path / name) == 0
    assert "1 rows that cannot be read set apart in" in capsys.readouterr().err
    apart = tmp_path / ("out/rejected/part-00000-000000.jsonl" if name == "out" else "out.csv.rejected.jsonl")
    row = json.loads(apart.read_text())
    assert (row["line"], row["reason"], row["raw"]) == (3, "expected 2 fields, got 3", "b,due,tre\n")


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_with_strict_nothing_may_be_broken(tmp_path, monkeypatch, capsys, name):
    (tmp_path / "t.csv").write_text(BROKEN)
    assert run(monkeypatch, tmp_path / "t.csv", tmp_path / name, "--strict") == 2
    assert "t.csv, line 3: expected 2 fields, got 3; without --strict" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("*.csv")] == ["t.csv"]


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_force_replaces_what_is_there(tmp_path, monkeypatch, name):
    for text in ("Che bello", "Che schifo"):
        (tmp_path / "t.csv").write_text(f"text\n{text}\n")
        assert run(monkeypatch, tmp_path / "t.csv", tmp_path / name, "--force") == 0
    found = pd.read_csv(tmp_path / name) if name == "out.csv" else scored(tmp_path / name)
    assert found["text"].tolist() == ["Che schifo"]
    assert not list(tmp_path.glob(".*.parts")), "what a file was made of is gone"


def test_a_run_to_a_file_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    (tmp_path / "t.csv").write_text("text\nChe bello\n")
    monkeypatch.setattr(bulk, "write_table", MagicMock(side_effect=KeyboardInterrupt))
    assert run(monkeypatch, tmp_path / "t.csv", tmp_path / "out.csv") == 130
    assert "Run the same command again to go on." in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(bulk, "predict", None)  # all is done but the file
    assert run(monkeypatch, tmp_path / "t.csv", tmp_path / "out.csv") == 0
    assert pd.read_csv(tmp_path / "out.csv")["text"].tolist() == ["Che bello"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "t.csv"]


def test_what_a_format_cannot_hold_is_said_before_the_scoring(tmp_path, monkeypatch, capsys):
    table = pa.table({"text": ["ciao"], "m": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))})
    pq.write_table(table, tmp_path / "t.parquet")
    monkeypatch.setattr(bulk, "predict", None)
    assert run(monkeypatch, tmp_path / "t.parquet", tmp_path / "out.csv") == 2
    assert "column m: .csv cannot hold map<string, int64" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_several_inputs_go_to_no_file(tweets_file, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, tweets_file, tweets_file, tmp_path / "out.csv") == 2
    assert "2 inputs go to a folder, but" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
    (tmp_path / "dir.csv").mkdir()
    assert run(monkeypatch, tweets_file, tweets_file, tmp_path / "dir.csv") == 0


def test_sentipolc_without_its_header_to_a_file_and_to_a_folder(tmp_path, monkeypatch):
    rows = [f'"{number}",1,0,1,0,0,1,{number % 3},"{text}"' for number, text in enumerate(["Che bello", "Che schifo"])]
    (tmp_path / "gold.csv").write_text("\n".join(rows) + "\n")
    assert run(monkeypatch, tmp_path / "gold.csv", tmp_path / "out.parquet") == 0
    assert run(monkeypatch, tmp_path / "gold.csv", tmp_path / "out") == 0
    one, parts = pd.read_parquet(tmp_path / "out.parquet"), scored(tmp_path / "out")
    assert parts.columns.tolist() == one.columns.tolist()
    columns = ["idtwitter", "top", "text", "label", "n_tokens"]
    assert parts[columns].to_numpy().tolist() == one[columns].to_numpy().tolist()
    assert one["idtwitter"].tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (TWEETS.iloc[[5, 7, 9, 7]], ["id", "text", "label", "__index_level_0__"]),
        (pd.concat([TWEETS.iloc[:2], TWEETS.iloc[:2]]), ["id", "text", "label", "__index_level_0__"]),
        (TWEETS.iloc[:3].set_index("id"), ["text", "label", "id"]),
    ],
    ids=["filtered", "joined", "by id"],
)
def test_rows_of_a_parquet_file_stay_as_many(tmp_path, monkeypatch, demo_model, frame, columns):
    frame.to_parquet(tmp_path / "t.parquet")
    assert run(monkeypatch, tmp_path / "t.parquet", tmp_path / "out.csv") == 0
    table = pd.read_csv(tmp_path / "out.csv", dtype={"id": str})
    assert table.columns.tolist()[: len(columns) + 1] == [*columns, "negative"]
    assert table["text"].tolist() == frame["text"].tolist()
    assert table["predicted_label"].tolist() == predict(demo_model, frame["text"])["label"].tolist()


def test_a_spreadsheet_does_not_run_cells(tmp_path, monkeypatch):
    table = pd.DataFrame({"text": ["=1+1", "@a bello", "-3", "ok"]})
    write_table(table, tmp_path / "t.csv")
    assert run(monkeypatch, tmp_path / "t.csv", tmp_path / "plain.csv") == 0
    assert run(monkeypatch, tmp_path / "t.csv", tmp_path / "safe.csv", "--spreadsheet-safe") == 0
    assert pd.read_csv(tmp_path / "plain.csv")["text"].tolist() == ["=1+1", "@a bello", "-3", "ok"]
    assert pd.read_csv(tmp_path / "safe.csv")["text"].tolist() == ["'=1+1", "'@a bello", "'-3", "ok"]


# Read again


def test_what_was_scored_is_read_in_order(tmp_path, tiny_model):
    texts = load_demo("test")["text"].head(7)
    write_table(pd.DataFrame({"testo": texts, "negative": "mine"}), tmp_path / "t.csv")
    score_files([tmp_path / "t.csv"], tmp_path / "out", model=tiny_model, text="testo", part_rows=3)
    table, manifest = read_scored(tmp_path / "out")
    assert list(table.columns) == ["text", *LABELS]
    assert table["text"].tolist() == texts.tolist()
    np.testing.assert_allclose(table[list(LABELS)].astype(float), predict(tiny_model, texts)[list(LABELS)], atol=1e-6)
    assert manifest["model"]["name"] == "model"  # of a folder, its last part


def test_a_run_of_an_earlier_version_is_neither_gone_on_with_nor_read(tmp_path, tiny_model):
    write_table(pd.DataFrame({"text": ["ciao"]}), tmp_path / "t.csv")
    path = tmp_path / "out" / "manifest.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"sentiment_kit": "0.1.0", "model": "demo", "inputs": [], "done": {}}))
    with pytest.raises(DataError, match=r"begun with a manifest of another form.*\(--force"):
        score_files([tmp_path / "t.csv"], tmp_path / "out", model=tiny_model)
    with pytest.raises(DataError, match="score the tweets again"):
        read_scored(tmp_path / "out")
    assert score_files([tmp_path / "t.csv"], tmp_path / "out", model=tiny_model, force=True).rows == 1
    for foreign in ('{"name": "an app"}', "[1]"):
        path.write_text(foreign)
        with pytest.raises(DataError, match="written by something else"):
            score_files([tmp_path / "t.csv"], tmp_path / "out", model=tiny_model, force=True)
        assert path.read_text() == foreign


def test_a_run_that_has_not_ended_is_not_read(tmp_path, tiny_model):
    with pytest.raises(DataError, match=r"expected a folder that `sentiment-kit score` wrote"):
        read_scored(tmp_path)
    write_table(pd.DataFrame({"text": ["ciao"]}), tmp_path / "t.csv")
    score_files([tmp_path / "t.csv"], tmp_path / "out", model=tiny_model)
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["done"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="has not ended"):
        read_scored(tmp_path / "out")


# What the output can hold, and how it is written


def test_an_italian_spreadsheet_goes_back_as_it_came(tmp_path, monkeypatch, capsys):
    came = "\ufeffid;testo;giudizio;peso\r\n1;Che bella città;positivo;0,5\r\n2;Pessimo, davvero;negativo;1,25\r\n"
    (tmp_path / "in.csv").write_bytes(came.encode())
    assert run(monkeypatch, tmp_path / "in.csv", tmp_path / "out.csv", "--text-column", "testo") == 0
    header, first, second, end = (tmp_path / "out.csv").read_bytes().decode().split("\r\n")
    assert header.startswith("\ufeffid;testo;giudizio;peso;negative;")
    assert re.match(r"1;Che bella città;positivo;0,5;0,\d+;0,\d+;0,\d+;", first)
    assert second.startswith("2;Pessimo, davvero;negativo;1,25;0,")
    assert end == ""
    said = capsys.readouterr().err
    assert "out.csv is written as its input came, with semicolons between its fields, commas in its numbers" in said
    for dialect, beginning in (("unix", b"id,testo,"), ("excel", b"\xef\xbb\xbfid,testo,")):
        options = ("--text-column", "testo", "--csv-dialect", dialect, "--force")
        assert run(monkeypatch, tmp_path / "in.csv", tmp_path / "out.csv", *options) == 0
        assert (tmp_path / "out.csv").read_bytes().startswith(beginning)
        assert '1,Che bella città,positivo,"0,5",0.' in (tmp_path / "out.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.xlsx"])
def test_what_the_output_cannot_hold_is_found_before_the_scoring(tmp_path, monkeypatch, tiny_model, name):
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    monkeypatch.setattr(bulk, "predict", lambda *arguments, **options: pytest.fail("scored"))
    write_table(pa.table({"text": ["ciao"], "img": [b"x"]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=f"{name}, column img: .* cannot hold binary; write .parquet"):
        score_file(tmp_path / "t.parquet", tmp_path / name, model=tiny_model)
    (tmp_path / "t.jsonl").write_text('{"text": "ciao", "n": 1}\n{"text": "ciao", "n": "uno"}\n')
    with pytest.raises(DataError, match="column n: .parquet cannot hold several types"):
        score_file(tmp_path / "t.jsonl", tmp_path / "out.parquet", model=tiny_model)
    assert {path.name for path in tmp_path.iterdir()} == {"t.parquet", "t.jsonl"}


def test_whole_numbers_beside_a_gap_and_nested_values_stay(tmp_path, tiny_model):
    table = pa.table({"text": ["ciao", "no"], "id": [1234567890123456787, None], "list": [[0.5] * 2000, None]})
    write_table(table, tmp_path / "t.parquet")
    score_file(tmp_path / "t.parquet", tmp_path / "out.csv", model=tiny_model)
    score_files([tmp_path / "t.parquet"], tmp_path / "out", model=tiny_model)
    cells = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert cells["id"].tolist() == ["1234567890123456787", ""]
    assert json.loads(cells["list"][0]) == [0.5] * 2000
    part = pq.read_table(next((tmp_path / "out").glob("part-*")))
    assert part.select(["text", "id", "list"]).to_pylist() == table.to_pylist()


def test_a_sheet_to_a_sheet(tmp_path, tiny_model):
    pytest.importorskip("openpyxl")
    write_table(pa.table({"text": ["ciao", "=1+1", None], "n": [1, 2, 3]}), tmp_path / "t.xlsx")
    done = score_file(tmp_path / "t.xlsx", tmp_path / "out.xlsx", model=tiny_model)
    assert (done.rows, done.unreadable) == (3, 1)
    table = read_arrow(tmp_path / "out.xlsx")
    assert table.select(["text", "n"]).to_pylist() == [
        {"text": "ciao", "n": 1}, {"text": "=1+1", "n": 2}, {"text": None, "n": 3}
    ]  # fmt: skip
    assert table["label"].null_count == 1


def test_texts_that_are_bytes_are_named(tmp_path, tiny_model):
    (tmp_path / "t.csv").write_text("text\nb'ciao'\n")
    with pytest.warns(Note, match=r"t\.csv, row 1: b'ciao' is no text, but what Python shows of bytes"):
        score_file(tmp_path / "t.csv", tmp_path / "out.csv", model=tiny_model)
