import gzip
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sentiment_kit import cli
from sentiment_kit.data import load_demo
from sentiment_kit.files import read_table
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS

ADDED = [*LABELS, "label", "confidence", "n_tokens", "truncated"]


@pytest.fixture
def run(monkeypatch, capsys):
    """The command in this process: exit code, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sentiment-kit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture
def tweets_file(tmp_path):
    path = tmp_path / "tweets.csv"
    path.write_text('nr,text\n007,"Che bello, grazie 😍"\n008,@solo\n009,\n010,Che schifo\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz"])
def test_score_adds_the_predictions_columns(run, tweets_file, tmp_path, demo_model, suffix):
    output = tmp_path / f"scored{suffix}"
    code, out, err = run("score", tweets_file, output, "--model", "demo", "--device", "cpu")
    assert (code, out) == (0, "")
    assert "4 tweets in" in err
    assert "2 with nothing to read" in err
    table = read_table(output)
    assert list(table.columns) == ["nr", "text", *ADDED]
    assert table["nr"].tolist() == ["007", "008", "009", "010"]
    expected = predict(demo_model, read_table(tweets_file)["text"])
    np.testing.assert_allclose(pd.to_numeric(table["positive"]), expected["positive"], atol=1e-6)
    assert table["label"].replace("", None).isna().tolist() == [False, True, True, False]


def test_score_reads_every_format_and_keeps_what_is_called_alike(run, tmp_path):
    pd.DataFrame({"text": ["ciao"], "label": ["mine"]}).to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    code, _, err = run("score", tmp_path / "in.jsonl", tmp_path / "out.csv", "--model", "demo")
    assert code == 0
    assert "the input has label; the prediction's is called predicted_<name>" in err
    table = read_table(tmp_path / "out.csv")
    assert table["label"].tolist() == ["mine"]
    assert table["predicted_label"].item() in LABELS
    code, _, err = run("score", tmp_path / "out.csv", tmp_path / "again.csv", "--model", "demo")
    assert code == 2
    assert "predicted_label already" in err


def test_score_takes_another_column_and_forces(run, tmp_path):
    (tmp_path / "in.tsv").write_text("testo\nciao\n")
    (tmp_path / "out.csv").write_text("precious")
    arguments = ("score", tmp_path / "in.tsv", tmp_path / "out.csv", "--model", "demo", "--text-column", "testo")
    code, _, err = run(*arguments)
    assert (code, (tmp_path / "out.csv").read_text()) == (2, "precious")
    assert "exists already" in err
    assert run(*arguments, "--force")[0] == 0
    assert list(read_table(tmp_path / "out.csv").columns) == ["testo", *ADDED]


def test_score_reads_a_sentipolc_file_without_header(run, tmp_path):
    (tmp_path / "gold.csv").write_text('"122449983151669248","1","1","0","0","1","0","0","Che gioia"\n')
    assert run("score", tmp_path / "gold.csv", tmp_path / "out.csv", "--model", "demo")[0] == 0
    table = read_table(tmp_path / "out.csv")
    assert table["idtwitter"].item() == "122449983151669248"
    assert table["label"].item() in LABELS


def test_evaluate_prints_scores(run, tmp_path, demo_model):
    demo = load_demo("test")
    demo.to_csv(tmp_path / "gold.csv", index=False)
    code, out, _ = run("evaluate", tmp_path / "gold.csv", "--model", "demo")
    assert code == 0
    assert "accuracy 0." in out
    assert "95% interval" in out
    code, out, _ = run("evaluate", tmp_path / "gold.csv", "--model", "demo", "--json")
    result = json.loads(out)
    right = (predict(demo_model, demo["text"])["label"] == demo["label"]).mean()
    assert result["accuracy"]["value"] == pytest.approx(right)
    assert result["accuracy"]["low"] < right < result["accuracy"]["high"]
    assert result["n"] == len(demo)
    assert list(result["per_class"]) == list(LABELS)
    assert set(result["per_class"]["neutral"]) == {"precision", "recall", "f1", "support"}


def test_evaluate_counts_mixed_unlabelled_and_unreadable(run, tmp_path):
    rows = ['"1",1,1,0,0,1,0,0,"Bello"', '"2",1,1,1,0,1,1,0,"Mah"', '"3",1,0,1,0,0,1,0,"@solo"']
    (tmp_path / "s.csv").write_text("\n".join(["idtwitter,subj,opos,oneg,iro,lpos,lneg,top,text", *rows]))
    result = json.loads(run("evaluate", tmp_path / "s.csv", "--model", "demo", "--json")[1])
    counts = {name: result[name] for name in ("n", "n_mixed_left_out", "n_unlabelled", "n_unreadable")}
    assert counts == {"n": 2, "n_mixed_left_out": 1, "n_unlabelled": 0, "n_unreadable": 1}
    assert result["per_class"]["neutral"]["recall"] is None


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("in.csv", "a,b\n1,2\n", (), "no column 'text'; its columns are: a, b"),
        ("in.csv", "text\na,b\n", (), "row 1: expected 1 fields (text), got 2"),
        ("in.csv", "", (), "the file is empty"),
        ("in.csv", b"text\nperch\xe9\n", (), "line 2: not UTF-8"),
        ("in.csv", b"text\na\x00\n", (), "line 2: NUL bytes"),
        ("in.jsonl", '{"text": 3}', (), "row 1, column text: expected text, got int 3"),
        ("in.xls", "x", (), "expected a file ending in"),
        ("in.csv.gz", gzip.compress(b"text\nciao\n")[:-9], (), "gzip file is damaged or cut short"),
        ("in.parquet", "PAR1", (), "not a Parquet file"),
        ("in.csv", "text\nciao\n", ("--model", "./nowhere"), "no such folder: './nowhere'"),
        ("in.csv", "text\nciao\n", ("--device", "gpu"), "device must be one of"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, tmp_path, name, content, arguments, message):
    path, output = tmp_path / name, tmp_path / "out.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, err = run(
        "score", path, output, *(arguments if "--model" in arguments else ("--model", "demo", *arguments))
    )
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert err.startswith("sentiment-kit: ")
    assert sorted(tmp_path.iterdir()) == [path]


def test_missing_files_and_folders(run, tmp_path):
    code, _, err = run("score", tmp_path / "no.csv", tmp_path / "out.csv", "--model", "demo")
    assert (code, err) == (2, f"sentiment-kit: {tmp_path / 'no.csv'}: no such file\n")
    assert "does not exist" in run("score", tmp_path / "no.csv", tmp_path / "no" / "out.csv")[2]
    code, _, err = run("evaluate", tmp_path / "no.csv", "--model", "demo")
    assert (code, err.count("\n")) == (2, 1)


def test_evaluate_needs_labels(run, tweets_file):
    code, _, err = run("evaluate", tweets_file, "--model", "demo")
    assert code == 2
    assert "no row has a label" in err


def test_a_bug_is_not_taken_for_a_users_mistake(run, tweets_file, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise ValueError("a bug")

    monkeypatch.setattr(cli, "read_table", broken)
    monkeypatch.setattr(sys, "argv", ["sentiment-kit", "score", str(tweets_file), str(tmp_path / "o.csv")])
    with pytest.raises(ValueError, match="a bug"):
        cli.main()


def test_usage_errors_exit_with_2(run):
    assert run("score")[0] == 2
    assert run("nonsense")[0] == 2
    assert run("--help")[0] == 0


def test_python_dash_m_is_the_command(tweets_file, tmp_path):
    command = [sys.executable, "-m", "sentiment_kit", "score", tweets_file, tmp_path / "o.csv", "--model", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(read_table(tmp_path / "o.csv")) == 4
