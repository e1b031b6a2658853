"""`sentiment-kit sample`, `agree`, `shares`: from scored tweets to a share with an interval."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from sentiment_kit.files.tables import read_table
from sentiment_kit.files.writing import write_table
from sentiment_kit.labels import LABELS
from sentiment_kit.shares.scored import scored_parts

ROW = ["group", "period", "label", "counted", "share", "low", "high", "n", "n_labelled"]


@pytest.fixture(scope="module")
def tweets():
    """300 tweets with answers that are right four times in five; `gold` is not for the file."""
    drawn = np.random.default_rng(0)
    topic = drawn.choice(["school", "trains"], 300, p=[0.8, 0.2])
    gold = drawn.choice(LABELS, 300, p=[0.4, 0.4, 0.2])
    label = np.where(drawn.random(300) < 0.8, gold, drawn.choice(LABELS, 300))
    table = pd.DataFrame({"id": [f"t{number}" for number in range(300)], "text": [f"tweet {n}" for n in range(300)]})
    table["topic"], table["label"], table["gold"] = topic, label, gold
    table["date"] = (pd.Timestamp("2026-03-02") + pd.to_timedelta(drawn.integers(0, 21, 300), unit="D")).strftime("%F")
    for name in LABELS:
        table[name] = np.where(label == name, 0.8, 0.1)
    table.loc[7, "label"] = None  # nothing to read
    table.loc[7, list(LABELS)] = np.nan
    return table


@pytest.fixture
def scored(tweets, tmp_path):
    path = tmp_path / "scored.csv"
    write_table(tweets.drop(columns="gold"), path)
    return path


@pytest.fixture
def labelled(run, scored, tweets, tmp_path):
    path = tmp_path / "labelled.csv"
    assert run("sample", scored, "--n", 100, "--output", path)[0] == 0
    table = read_table(path)
    write_table(table.assign(label=tweets.set_index("id").loc[table["id"], "gold"].to_numpy()), path, force=True)
    return path


# sample


def test_a_sample_is_shuffled_and_shows_no_answer(run, scored, tmp_path):
    code, out, err = run("sample", scored, "--n", 50, "--by", "topic", "--over", "date", "--output", tmp_path / "a.csv")
    assert (code, out) == (0, "")
    assert "50 of 299 tweets from 6 strata are in" in err
    table = read_table(tmp_path / "a.csv")
    assert list(table.columns) == ["row", "id", "text", "label", "topic", "date", "weight"]
    assert (table["label"] == "").all()
    assert table["row"].astype(int).tolist() != sorted(table["row"].astype(int))
    assert table["id"].tolist() == [f"t{int(row) - 1}" for row in table["row"]]
    assert table["weight"].astype(float).sum() == pytest.approx(299)
    guideline = (tmp_path / "a_guideline.md").read_text(encoding="utf-8")
    for word in ("# How to label", "# Come etichettare", "`negative`", "`neutral`", "`positive`", "`mixed`", "ironi"):
        assert word in guideline


def test_the_same_seed_draws_the_same_and_strata_get_as_many(run, scored, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("sample", scored, "--n", 40, "--by", "topic", "--seed", seed, "--output", tmp_path / f"{name}.csv")
    a, b, c = (read_table(tmp_path / f"{name}.csv") for name in "abc")
    assert a["row"].tolist() == b["row"].tolist() != c["row"].tolist()
    assert a["topic"].value_counts().to_dict() == {"school": 20, "trains": 20}
    assert a.groupby("topic")["weight"].nunique().tolist() == [1, 1]


def test_without_ids_the_row_is_kept_to_match_by(run, tweets, tmp_path):
    write_table(tweets[["text", "label"]], tmp_path / "scored.jsonl")
    run("sample", tmp_path / "scored.jsonl", "--n", 400, "--output", tmp_path / "a.csv")
    table = read_table(tmp_path / "a.csv")
    assert list(table.columns) == ["row", "text", "label", "weight"]
    assert sorted(table["row"].astype(int)) == [row for row in range(1, 301) if row != 8]
    write_table(table.assign(label="neg"), tmp_path / "b.csv")
    code, out, err = run("shares", tmp_path / "scored.jsonl", "--sample", tmp_path / "b.csv", "--json")
    assert code == 0, err
    assert [row["share"] for row in json.loads(out)["rows"]] == [1, 0, 0]


def test_texts_and_ids_may_be_in_columns_of_other_names(run, tweets, tmp_path):
    """A file of somebody else's: without its texts nobody could label, and only they show that rows have moved."""
    own = tweets.drop(columns="gold").rename(columns={"id": "tweet_id", "text": "tweet_text"})
    write_table(own, tmp_path / "scored.csv")
    words = ["sample", tmp_path / "scored.csv", "--n", 100, "--output", tmp_path / "a.csv"]
    assert "no column 'text'" in run(*words)[2]
    assert run(*words, "--text-column", "tweet_text", "--by", "tweet_text", "--n", 299)[0] == 0
    assert run(*words, "--text-column", "tweet_text", "--force")[0] == 0
    table = read_table(tmp_path / "a.csv")
    assert table["text"].tolist() == [f"tweet {int(row) - 1}" for row in table["row"]]
    _changed(tmp_path / "a.csv", label="neutral")
    words = ["shares", tmp_path / "scored.csv", "--sample", tmp_path / "a.csv"]
    assert "is the column of its texts the one that --text-column names?" in run(*words)[2]
    assert run(*words, "--text-column", "tweet_text")[0] == 0
    write_table(own.iloc[::-1], tmp_path / "scored.csv", force=True)
    assert "is it a sample of this file, in this order" in run(*words, "--text-column", "tweet_text")[2]


def test_each_stratum_is_in_the_sample_or_none_is_drawn(run, scored, tmp_path):
    code, _, err = run("sample", scored, "--n", 5, "--by", "topic", "--over", "date", "--output", tmp_path / "a.csv")
    assert code == 2
    assert "--n 5 leaves some of 6 strata without a tweet" in err
    assert not list(tmp_path.glob("a*"))


def test_a_sample_is_drawn_part_by_part(run, scored, tmp_path, monkeypatch):
    """Each tweet as likely as any other, whatever part it is in; of each stratum no more are kept than are wanted."""
    monkeypatch.setattr("sentiment_kit.shares.scored._ROWS", 40)
    times = np.zeros(300)
    for seed in range(20):
        run("sample", scored, "--n", 150, "--seed", seed, "--output", tmp_path / "a.csv", "--force")
        rows = read_table(tmp_path / "a.csv")["row"].astype(int)
        assert rows.is_unique
        assert len(rows) == 150
        times[rows - 1] += 1
    assert [part.sum() for part in np.split(times, 3)] == pytest.approx([1000] * 3, abs=60)


# shares


def test_shares_without_a_sample_are_counted(run, scored, tweets):
    code, out, _ = run("shares", scored, "--by", "topic", "--json")
    assert code == 0
    found = json.loads(out)
    assert [list(row) for row in found["rows"]] == [ROW] * 9
    first = found["rows"][0]
    counted = (tweets["label"] == "negative").sum() / 299
    assert first == dict(
        zip(ROW, [None, None, "negative", pytest.approx(counted), None, None, None, 299, 0], strict=True)
    )
    assert found["provenance"]["data"][0]["name"] == "scored.csv"
    assert found["provenance"]["options"]["by"] == "topic"


def test_shares_with_a_sample_hold_the_truth_and_are_written(run, scored, labelled, tweets, tmp_path):
    folder = tmp_path / "out"
    words = ["shares", scored, "--sample", labelled, "--by", "topic", "--over", "date", "--output", folder]
    code, out, err = run(*words)
    assert code == 0, err
    assert "corrected by the labels" in out
    assert "differences hold at q = .05" in out
    names = [f"{name}.{suffix}" for name in ("over_time", "shares") for suffix in ("png", "svg")]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*names, "differences.csv", "shares.csv", "shares.json"]
    )
    table = pd.read_csv(folder / "shares.csv")
    whole = table[table["group"].isna() & table["period"].isna()].set_index("label")
    truth = tweets.loc[tweets["label"].notna(), "gold"].value_counts(normalize=True).reindex(whole.index)
    assert ((whole["low"] < truth) & (truth < whole["high"])).all()
    assert whole["n_labelled"].tolist() == [100] * 3
    assert len(json.loads((folder / "shares.json").read_text(encoding="utf-8"))["rows"]) == len(table)
    assert run(*words)[0] == 2
    assert run(*words, "--force")[0] == 0


def test_a_folder_that_score_wrote_gives_the_same(run, tweets, tmp_path):
    (tmp_path / "in.csv").write_text("".join(["text,topic\n", *[f"che bello {n},{n % 2}\n" for n in range(30)]]))
    for output in ("folder", "scored.csv"):
        assert run("score", tmp_path / "in.csv", tmp_path / output, "--model", "demo", "--device", "cpu")[0] == 0
    outs = [
        json.loads(run("shares", tmp_path / name, "--by", "topic", "--json")[1]) for name in ("folder", "scored.csv")
    ]
    for row, other in zip(outs[0]["rows"], outs[1]["rows"], strict=True):
        assert row == other
    assert outs[0]["provenance"]["model"]["name"] == "demo"
    (tmp_path / "folder" / "manifest.json").write_text("{}")
    assert "has not ended" in run("shares", tmp_path / "folder")[2]
    (tmp_path / "folder" / "manifest.json").unlink()
    assert "expected a folder that" in run("shares", tmp_path / "folder")[2]


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    """A file of ten parts takes little more than one of a single part; in parts of 100,000, ten million do, too."""
    monkeypatch.setattr("sentiment_kit.shares.scored._ROWS", 2000)
    peaks = []
    for rows in (2000, 20_000):
        path = tmp_path / f"{rows}.parquet"
        write_table(pd.DataFrame({"text": [f"tweet {n}" for n in range(rows)], "label": "neutral"}), path)
        list(scored_parts(path))  # what is loaded once
        tracemalloc.start()
        assert sum(len(part) for part in scored_parts(path)) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def _changed(path, **columns):
    table = read_table(path)
    write_table(table.assign(**columns), path, force=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": ""}, "no label yet"),
        ({"label": "angry"}, "row 1, column label: expected one of negative, neutral, positive, mixed"),
        ({"id": "1.2E+18"}, "the id '1.2E+18' is there more than once (99 such rows); if the ids were rounded, delete"),
        ({"text": "other"}, "is it a sample of this file"),
        ({"weight": "many"}, "row 1, column weight: expected a number above 0, as `sample` wrote it, got 'many' (100"),
        ({"weight": "0"}, "row 1, column weight: expected a number above 0"),
        ({"id": [f"x{n}" for n in range(100)]}, "100 of 100 tweets are not in"),
    ],
)
def test_a_sample_that_does_not_fit_is_one_line(run, scored, labelled, change, message):
    _changed(labelled, **change)
    code, out, err = run("shares", scored, "--sample", labelled)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_files_that_an_italian_spreadsheet_wrote_say_the_same(run, scored, labelled, tmp_path):
    """Semicolons, commas in the numbers, a byte order mark; the labels in Italian, and mixed by another name."""
    table = read_table(labelled)
    table["label"] = table["label"].where(table.index >= 5, "misto")
    write_table(table, labelled, force=True)
    expected = run("shares", scored, "--sample", labelled)
    table["label"] = table["label"].replace({"negative": "negativo", "misto": "neg_pos"})
    table["weight"] = table["weight"].astype(str).str.replace(".", ",")
    table.to_csv(tmp_path / "etichette.csv", sep=";", index=False, encoding="utf-8-sig")
    answers = read_table(scored).replace({"0.8": "0,8", "0.1": "0,1"})
    answers.to_csv(tmp_path / "risposte.csv", sep=";", index=False, encoding="utf-8-sig")
    assert answers["negative"].str.contains(",").any()
    code, out, _ = run("shares", tmp_path / "risposte.csv", "--sample", tmp_path / "etichette.csv")
    assert code == expected[0] == 0
    assert out.replace("risposte", "scored") == expected[1]


def test_labels_that_are_still_missing_are_counted(run, scored, labelled):
    table = read_table(labelled)
    _changed(labelled, label=table["label"].where(table.index >= 10, ""))
    code, out, err = run("shares", scored, "--sample", labelled)
    assert code == 0
    assert "10 tweets without a label" in err
    assert " 90" in out


def test_what_is_no_scored_file_is_one_line(run, scored, tmp_path):
    for words, message in [
        (["shares", tmp_path / "none.csv"], "none.csv"),
        (["shares", scored, "--by", "party"], "no column 'party'"),
        (["shares", scored, "--over", "topic"], "expected a date such as"),
        (["sample", scored, "--output", tmp_path / "a.xls"], "expected an output ending in"),
    ]:
        code, _, err = run(*words)
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
    (tmp_path / "empty.csv").write_text("text,label\n")
    for words in (
        ["shares", tmp_path / "empty.csv"],
        ["sample", tmp_path / "empty.csv", "--output", tmp_path / "a.csv"],
    ):
        assert "no tweet has an answer" in run(*words)[2]
    (tmp_path / "odd.csv").write_text("text,label,negative,neutral,positive\na,neutral,.1,.2,.1\n")
    assert "row 1: the three probabilities do not sum to 1" in run("shares", tmp_path / "odd.csv")[2]


# agree


@pytest.fixture
def annotators(labelled, tmp_path):
    table = read_table(labelled)
    other = table["label"].where(table.index % 5 > 0, "misto")
    write_table(table, tmp_path / "anna.csv")
    write_table(table.assign(label=other).iloc[::-1], tmp_path / "bruno.csv")
    return tmp_path / "anna.csv", tmp_path / "bruno.csv"


def test_agreement_is_printed_and_differences_are_written(run, annotators, tmp_path):
    code, out, _ = run("agree", *annotators, "--output", tmp_path / "differ.csv")
    assert code == 0
    assert "20 tweets labelled differently, the first ten" in out
    for name in ("cohen_kappa anna bruno", "fleiss_kappa", "krippendorff_alpha", "ceiling", "agreement mixed"):
        assert name in out
    differ = read_table(tmp_path / "differ.csv")
    assert list(differ.columns) == ["id", "anna", "bruno", "text"]
    assert (differ["bruno"] == "mixed").all()
    assert len(differ) == 20


def test_agreement_as_json(run, annotators):
    found = json.loads(run("agree", *annotators, "--json")[1])
    values = {row["score"]: row["value"] for row in found["agreement"]}
    assert values["agreement"] == 0.8
    assert len(found["disagreements"]) == 20
    assert [source["name"] for source in found["provenance"]["data"]] == ["anna.csv", "bruno.csv"]


def test_agreement_by_a_column(run, labelled, tmp_path):
    table = read_table(labelled).assign(topic=["x", "y"] * 50)
    write_table(table, tmp_path / "a.csv")
    write_table(table, tmp_path / "b.csv")
    found = json.loads(run("agree", tmp_path / "a.csv", tmp_path / "b.csv", "--by", "topic", "--json")[1])
    assert {row["group"] for row in found["by_group"]} == {"x", "y"}
    assert run("agree", tmp_path / "a.csv", tmp_path / "b.csv")[1].endswith("\n0 tweets labelled differently\n")
    assert "no column 'party'" in run("agree", tmp_path / "a.csv", tmp_path / "b.csv", "--by", "party")[2]


def test_files_that_cannot_be_compared_are_one_line(run, annotators, tmp_path):
    anna, bruno = annotators
    assert "expected two files or more" in run("agree", anna)[2]
    assert "expected two files or more" in run("agree", anna, anna)[2]
    write_table(read_table(bruno).assign(id=[f"x{n}" for n in range(100)]), tmp_path / "c.csv")
    assert "no tweet is labelled in two of" in run("agree", anna, tmp_path / "c.csv")[2]
    write_table(read_table(bruno).drop(columns=["id", "row"]), tmp_path / "d.csv")
    assert "expected a column id or row" in run("agree", anna, tmp_path / "d.csv")[2]
