import gzip
import io
import json
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from sentiment_kit import __version__, cli, errors
from sentiment_kit.commands.train import _summary
from sentiment_kit.data import load_demo, load_sentipolc
from sentiment_kit.files.tables import read_table
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.training.model_card import read_record

ADDED = [*LABELS, "label", "confidence", "n_tokens", "truncated"]


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


def test_int8_says_how_many_labels_it_changes(run, tweets_file, tmp_path, hub_folder):
    code, _, err = run("score", tweets_file, tmp_path / "scored.csv", "--model", hub_folder, "--backend", "onnx-int8")
    assert code == 0
    assert re.search(r"onnx-int8: \d+ of 128 labels differ from float32 on the demo's tweets", err)


def test_score_reads_every_format_and_keeps_what_is_called_alike(run, tmp_path):
    pd.DataFrame({"text": ["ciao"], "label": ["mine"]}).to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    code, _, err = run("score", tmp_path / "in.jsonl", tmp_path / "out.csv", "--model", "demo")
    assert code == 0
    assert "in.jsonl has such columns already: the prediction's label is predicted_label" in err
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


def _json(run, *arguments):
    code, out, err = run("evaluate", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_evaluate_prints_scores(run, tiny_model):
    demo = load_demo("test")
    code, out, _ = run("evaluate", "demo", "--model", tiny_model.name)
    assert code == 0
    assert out.startswith(f"{tiny_model.name} on demo: 943 labelled tweets, 17 mixed")
    assert "official_ceiling" in out
    result = _json(run, "demo", "--model", tiny_model.name)
    right = (predict(tiny_model, demo["text"])["label"] == demo["label"]).mean()
    assert result["accuracy"]["value"] == pytest.approx(right)
    assert result["accuracy"]["low"] < right < result["accuracy"]["high"]
    assert result["n"] == len(demo)
    came_from = result["provenance"]
    assert (came_from["model"]["name"], came_from["data"][0]["name"]) == ("model", "demo")
    assert came_from["options"] == {"mixed": "drop", "by": None}
    assert [len(came_from["model"][name]) for name in ("weights", "tokenizer")] == [64, 64]
    assert set(result["per_class"]["neutral"]["f1"]) == {"value", "low", "high", "n"}
    assert 0 < result["calibration"]["ece_width"]["value"] < 1


SENTIPOLC_ROWS = (
    "idtwitter,subj,opos,oneg,iro,lpos,lneg,top,text\n"
    '"1",1,1,0,0,1,0,0,"Bello"\n"2",1,1,1,0,1,1,0,"Mah"\n"3",1,0,1,0,0,1,1,"@solo"\n"4",0,0,0,0,0,0,1,"Alle 15"\n'
)


@pytest.fixture
def gold_file(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text(SENTIPOLC_ROWS)
    return path


@pytest.fixture
def answers_file(tmp_path):
    """By id, in another order, one more than asked for; the third tweet was not read."""
    path = tmp_path / "answers.csv"
    path.write_text("label,id\nneutral,4\nPOS,1\n,3\npositive,9\nnegative,2\n")
    return path


@pytest.mark.parametrize(
    ("mixed", "n", "right"), [("drop", 3, 2), ("keep", 3, 2), ("neutral", 4, 2), ("negative", 4, 3)]
)
def test_evaluate_takes_predictions_by_id_and_mixed_as_told(run, gold_file, answers_file, mixed, n, right):
    result = _json(run, gold_file, "--predictions", answers_file, "--mixed", mixed)
    counts = {name: result[name] for name in ("n", "n_mixed", "n_unlabelled", "n_unreadable")}
    assert counts == {"n": n, "n_mixed": 1, "n_unlabelled": 0, "n_unreadable": 1}
    assert result["accuracy"]["value"] == right / n
    assert result["official"]["n"] == 4
    # opos: true 1 1 0 0, answered 1 0 - 0: F1(1) = 2/3, F1(0) = 2 * 1 / (2 + 2). oneg: true 0 1 1 0, answered 0 1 - 0:
    # F1(1) = 2/3, F1(0) = 1.
    assert result["official"]["value"] == pytest.approx((2 / 3 + 1 / 2 + 2 / 3 + 1) / 4)
    assert result["calibration"] is None


def test_evaluate_takes_predictions_by_row_where_there_is_no_id(run, gold_file, tmp_path):
    (tmp_path / "rows.csv").write_text("label\npositive\nneutral\nneutral\nneutral\n")
    assert _json(run, gold_file, "--predictions", tmp_path / "rows.csv")["accuracy"]["value"] == 2 / 3
    (tmp_path / "rows.csv").write_text("label\npositive\nneutral\n")
    code, _, err = run("evaluate", gold_file, "--predictions", tmp_path / "rows.csv")
    assert (code, err.count("\n")) == (2, 1)
    assert "2 predictions for 4 tweets, and no column id to match them by" in err


def test_evaluate_reads_what_score_wrote(run, gold_file, tmp_path):
    assert run("score", gold_file, tmp_path / "scored.csv", "--model", "demo")[0] == 0
    by_file = _json(run, gold_file, "--predictions", tmp_path / "scored.csv")
    by_model = _json(run, gold_file, "--model", "demo")
    assert by_file["accuracy"] == by_model["accuracy"]
    assert by_file["calibration"]["brier"]["value"] == pytest.approx(by_model["calibration"]["brier"]["value"])


def test_evaluate_groups_and_writes_a_folder(run, gold_file, answers_file, tmp_path):
    folder = tmp_path / "card"
    arguments = ("evaluate", gold_file, "--predictions", answers_file, "--by", "topic", "--output", folder)
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "Accuracy by group" in out
    assert "note: undefined on these rows, so NaN: " in err
    groups = read_table(folder / "groups.csv").set_index("group")
    assert groups["n"].to_dict() == {"generic": "1", "political": "2"}
    assert groups["value"].to_dict() == {"generic": "1.0", "political": "0.5"}
    assert {"scores.csv", "protocols.csv", "confusion.png", "confusion.svg", "scorecard.json"} <= {
        path.name for path in folder.iterdir()
    }
    code, _, err = run(*arguments)
    assert code == 2
    assert "exists already and is kept" in err
    assert run(*arguments, "--force")[0] == 0


@pytest.mark.parametrize("label", LABELS)
def test_evaluate_scores_constant_answers_on_the_official_file(run, sentipolc_file, tmp_path, label):
    tweets = load_sentipolc(sentipolc_file, mixed="keep")
    tweets[["id"]].assign(label=label).to_csv(tmp_path / "constant.csv", index=False)
    result = _json(run, sentipolc_file, "--predictions", tmp_path / "constant.csv")
    n_of = {"negative": 2543, "neutral": 2816, "positive": 1611}
    assert (result["n"], result["n_mixed"]) == (6970, 440)
    assert result["accuracy"]["value"] == n_of[label] / 6970
    assert result["official"]["value"] == result[f"always_{label}"]["value"]
    assert result["mcc"]["value"] is None


def test_evaluate_takes_other_column_names(run, tmp_path):
    (tmp_path / "it.csv").write_text("testo;voto\nChe bello, grazie 😍;positivo\nAlle 15;neutro\n")
    result = _json(run, tmp_path / "it.csv", "--model", "demo", "--text-column", "testo", "--label-column", "voto")
    assert result["n"] == 2


@pytest.mark.parametrize(
    ("predictions", "arguments", "message"),
    [
        ("id,label\n1,neutral\n2,neutral\n3,neutral\n", (), "no prediction for 1 of 4 tweets, the first with id '4'"),
        ("id,label\n1,neutral\n1,neutral\n", (), "the id '1' is there more than once"),
        ("id,label\n1,joy\n", (), "row 1, column label: expected one of negative, neutral, positive"),
        ("id,vote\n1,joy\n", (), "no column 'label'; its columns are: id, vote"),
        ("id,label,negative\n1,neutral,0.1\n", (), "no column 'neutral'"),
        ("id,label\n1,neutral\n", ("--model", "demo"), "--predictions and --model were both given"),
        ("id,label\n1,neutral\n", ("--by", "club"), "no column 'club'; its columns are: id, text, label"),
        ("id,label\n1,neutral\n", ("--output", "no/card"), "does not exist; create it first"),
    ],
)
def test_bad_predictions_are_one_line_and_exit_code_2(run, gold_file, tmp_path, predictions, arguments, message):
    (tmp_path / "p.csv").write_text(predictions)
    code, out, err = run("evaluate", gold_file, "--predictions", tmp_path / "p.csv", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_the_version(run):
    assert run("--version")[:2] == (0, f"sentiment-kit {__version__}\n")


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("in.csv", "a,b\n1,2\n", (), "no column 'text'; its columns are: a, b"),
        ("in.csv", "text\na,b\n", (), "line 2: expected 1 fields, got 2"),
        ("in.csv", "", (), "the file is empty"),
        ("in.csv", b"text\nperch\xe9\n", (), "line 2: not UTF-8"),
        ("in.csv", b"text\na\x00\n", (), "line 2: NUL bytes"),
        ("in.jsonl", '{"text": 3}', (), "line 1: expected text in 'text', got int"),
        ("in.xls", "x", (), "expected a file ending in"),
        ("in.csv.gz", gzip.compress(b"text\nciao\n", mtime=0)[:-9], (), "gzip file is damaged or cut short"),
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
    assert "no column 'label'; its columns are: nr, text" in err


def test_a_bug_is_not_taken_for_a_users_mistake(run, tweets_file, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise ValueError("a bug")

    monkeypatch.setattr("sentiment_kit.scale.bulk.inspect", broken)
    monkeypatch.setattr(
        sys, "argv", ["sentiment-kit", "score", str(tweets_file), str(tmp_path / "o.csv"), "--model", "demo"]
    )
    with pytest.raises(ValueError, match="a bug"):
        cli.main()


def test_usage_errors_exit_with_2(run):
    assert run("score")[0] == 2
    assert run("nonsense")[0] == 2
    assert run("--help")[0] == 0


# Training


@pytest.fixture
def labelled_file(tmp_path):
    load_demo("train").head(120)[["id", "text", "label"]].to_csv(tmp_path / "labelled.csv", index=False)
    return tmp_path / "labelled.csv"


@pytest.fixture
def tiny(hub_folder):
    return ("--base", hub_folder, "--max-epochs", "1", "--batch-size", "16")


def test_train_splits_trains_and_tells(run, labelled_file, tmp_path, tiny, hub_folder):
    out = tmp_path / "model"
    code, printed, err = run("train", labelled_file, "--output", out, *tiny, "--seeds", "2")
    assert code == 0, err
    assert "train 86, validation 10, test 24 tweets" in err
    assert "Mean and standard deviation over the seeds" in printed
    assert "accuracy on 24 tweets that steered nothing" in printed
    assert (out / "learning_curve.png").stat().st_size > 5000
    record = read_record(out)
    assert record["base"]["name"] == hub_folder.name
    assert record["recipe"]["learning_rate"] == 2e-5, "the card's, unless told otherwise"
    assert [row["seed"] for row in record["seeds"]] == [42, 43]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labelled.csv", "model"]
    code, printed, _ = run("evaluate", "demo", "--model", out)
    assert code == 0
    assert "accuracy" in printed


def test_train_leaves_out_what_has_no_label_or_nothing_to_read(run, labelled_file, tmp_path, tiny):
    """One tweet of nothing but a link among the demo's, and it trains on all the others."""
    with labelled_file.open("a", encoding="utf-8") as file:
        file.write("x1,http://t.co/x,positive\nx2,@a,neutral\nx3,bello,\n")
    code, _, err = run("train", labelled_file, "--output", tmp_path / "m", *tiny)
    assert code == 0, err
    assert f"{labelled_file}: 1 rows without label were left out\n" in err
    assert f"{labelled_file}: 2 rows with nothing to read were left out\n" in err
    assert "train 86, validation 10, test 24 tweets" in err


def test_the_summary_of_a_training():
    row = {"epochs": 2, "accuracy": 0.5, "macro_f1": 0.25}
    table = pd.DataFrame([row, row | {"accuracy": 0.75}], index=pd.Index([42, 43], name="seed"))
    told = _summary(table, 1200, Path("m")).split("\n\n")
    assert told[1].splitlines() == [
        "Mean and standard deviation over the seeds", "      accuracy  macro_f1", "mean     0.625      0.25",
        "std      0.177      0.00",
    ]  # fmt: skip
    said = "on 1,200 tweets that steered nothing. The model is in m; its README.md tells how it was made"
    assert told[2] == f"accuracy {said}"
    one = table.rename(columns={"accuracy": "agreement"})[:1]
    assert _summary(one, 1200, Path("m")).split("\n\n")[1:] == [f"agreement with the teacher {said}"]


def test_train_json(run, labelled_file, tmp_path, tiny):
    code, printed, _ = run("train", labelled_file, "--output", tmp_path / "m", *tiny, "--json")
    found = json.loads(printed)
    assert code == 0
    assert found["n_test"] == 24
    assert found["seeds"][0]["accuracy_low"] <= found["seeds"][0]["accuracy"]


def test_train_passes_options_of_transformers_on(run, labelled_file, tmp_path, tiny):
    settings = ("--set", "weight_decay=1e-2", "--set", "bf16=no", "--set", "lr-scheduler-type=cosine")
    code, _, err = run("train", labelled_file, "--output", tmp_path / "m", *tiny, *settings)
    assert code == 0, err
    recipe = read_record(tmp_path / "m")["recipe"]
    assert (recipe["weight_decay"], recipe["bf16"], recipe["lr_scheduler_type"]) == (0.01, False, "cosine")
    assert len(re.findall(r"^seed 42, epoch 1: train_loss", err, flags=re.MULTILINE)) == 1


def test_train_with_files_of_ones_own_leaves_copies_out(run, labelled_file, tmp_path, tiny):
    table = pd.read_csv(labelled_file)
    table.head(10).to_csv(tmp_path / "test.csv", index=False)
    table[40:60].to_csv(tmp_path / "validation.csv", index=False)
    held_out = ("--test", tmp_path / "test.csv", "--validation", tmp_path / "validation.csv")
    code, _, err = run("train", labelled_file, "--output", tmp_path / "m", *tiny, *held_out)
    assert code == 0, err
    assert "10 tweets for test; 10 rows of" in err
    assert "20 tweets for validation; 20 rows of" in err
    assert "train 90, validation 20, test 10 tweets" in err


@pytest.mark.long
def test_train_on_sentipolc(run, sentipolc_file, tmp_path, tiny):
    code, _, err = run("train", sentipolc_file, "--output", tmp_path / "m", *tiny)
    assert code == 0, err
    assert "train 5,033, validation 549, test 1,388 tweets" in err
    assert read_record(tmp_path / "m")["test"]["rows"] == 1388


def test_a_student_learns_from_a_teacher(run, tmp_path, hub_folder, tiny):
    texts = pd.DataFrame({"text": [*load_demo("train")["text"].head(100), "@a http://t.co/x"]})
    texts.to_csv(tmp_path / "unlabelled.csv", index=False)
    options = ("--output", tmp_path / "m", *tiny, "--teacher", "demo")
    code, printed, err = run("train", tmp_path / "unlabelled.csv", *options)
    assert code == 0, err
    assert "1 rows with nothing to read were left out" in err
    assert re.search(r"agreement with the teacher on (19|20|21) tweets", printed)
    record = read_record(tmp_path / "m")
    assert record["teacher"] == "demo"
    assert "labels" not in record["data"]["train"]
    # The same from what `score` wrote.
    assert run("score", tmp_path / "unlabelled.csv", tmp_path / "scored", "--model", "demo")[0] == 0
    options = ("--output", tmp_path / "again", *tiny, "--teacher", "demo")
    code, again, err = run("train", tmp_path / "scored", *options)
    assert code == 0, err
    assert again.splitlines()[:3] == printed.splitlines()[:3]
    code, _, err = run("train", tmp_path / "scored", "--output", tmp_path / "other", *tiny, "--teacher", hub_folder)
    assert code == 2
    assert "was scored by demo, which has other weights than" in err


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"text": ["a", "b"], "label": ["", ""]}, (), "no row has a label"),
        ({"text": ["a", "b"], "label": ["buono", "positive"]}, (), "buono"),
        ({"text": list("abcdef"), "label": ["positive"] * 6}, (), "training split: expected at least two labels"),
        ({"text": [*"abcdefgh"], "label": ["positive", "negative"] * 4}, (), "4 rows are fewer than a batch of 16"),
        ({"text": ["", "@a"] * 9, "label": ["positive", "negative"] * 9}, (), "18 rows with nothing to read were left"),
        (
            {"text": ["a"], "label": ["positive"]},
            ("--set", "wait=1"),
            "--set wait=1: transformers' TrainingArg",
        ),
        ({"text": ["a"], "label": ["positive"]}, ("--set", "bf16=so"), "bf16: Truthy value expected: got so"),
        ({"text": ["a"], "label": ["positive"]}, ("--set", "learning-rate=1"), "option of its own, --learning-rate"),
        ({"text": ["a"]}, (), "no column 'label'"),
    ],
)
def test_train_says_what_is_wrong_before_it_begins(run, tmp_path, table, options, message, tiny):
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    code, _, err = run("train", tmp_path / "t.csv", "--output", tmp_path / "m", *tiny, *options)
    assert code == 2, err
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


# One text, and all notebooks


def test_try_answers_for_each_model(run, hub_folder):
    code, printed, _ = run("try", "Che", "bella giornata", "--model", "demo", "--model", hub_folder)
    assert code == 0
    assert re.findall(r"^(\S+): ", printed, flags=re.MULTILINE) == ["demo", str(hub_folder)]
    assert printed.count("%") == 6
    assert "bella (" in printed


def test_try_asks_for_texts_until_there_are_none(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("che schifo\n\n@a http://t.co/x\n"))
    code, printed, _ = run("try", "--model", "demo")
    assert code == 0
    assert printed.count("demo: ") == 2
    assert "nothing to read" in printed


def test_report_says_which_notebook_failed_by_its_exit_code_too(run, tmp_path):
    for name, source in (("01_good", "print(1)"), ("02_bad", "1 / 0")):
        cells = [nbformat.v4.new_markdown_cell("# Is it?"), nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    code, _, err = run("report", "--notebooks", tmp_path, "--output", tmp_path / "site")
    assert code == 1
    assert "02_bad failed: ZeroDivisionError: division by zero" in err
    assert "1 of 2 notebooks" in err
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in index
    assert run("report", "--notebooks", tmp_path, "--output", tmp_path / "site", "--only", "1")[0] == 0


def test_report_passes_columns_on_whatever_their_names(run, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "sentiment_kit.course.notebooks.write_report", lambda *_, **options: asked.update(options) or []
    )
    named = ("--label-column", "voto", "--by", "by", "--date", "date")
    assert run("report", "--output", tmp_path / "site", *named)[0] == 0
    assert asked["columns"] == {"LABEL": "voto", "BY": "by", "DATE": "date"}  # TEXT is the notebooks' own


def test_report_refuses_what_cannot_be_before_it_runs(run, tmp_path):
    for options, message in (
        (("--only", "77"), "no notebook '77'"),
        (("--data", "nowhere.csv"), "nowhere.csv"),
        (("--in-place", "--model", "other"), "--in-place runs the notebooks as they are committed"),
        (("--notebooks", tmp_path), "no notebooks in"),
    ):
        code, _, err = run("report", "--output", tmp_path / "site", *options)
        assert code == 2
        assert message in err
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("arguments", "module", "extra"),
    [(["report"], "papermill", "notebooks"), (["train", "demo", "--base", "demo"], "accelerate", "train")],
)
def test_a_missing_extra_is_one_line(run, tmp_path, monkeypatch, arguments, module, extra):
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    code, _, err = run(*arguments, "--output", tmp_path / "out")
    assert code == 2
    assert err == f'sentiment-kit: this needs {module}, which is not installed: pip install "sentiment-kit[{extra}]"\n'
