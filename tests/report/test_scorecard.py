import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sentiment_kit.data import load_sentipolc
from sentiment_kit.errors import DataError
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.provenance import provenance
from sentiment_kit.report import scorecard
from sentiment_kit.report.scorecard import check_new_folder, make_scorecard, scorecard_json, write_scorecard

# Six tweets: the first, third and fourth are right, the second is called neutral, the fifth has no prediction, and the
# sixth, marked both ways, is called negative.
TWEETS = pd.DataFrame(
    {
        "id": list("abcdef"),
        "text": ["no", "mai", "forse", "sì", "@solo", "bello ma caro"],
        "label": pd.Series(["negative", "negative", "neutral", "positive", "positive", None], dtype=label_dtype),
        "opos": [0, 0, 0, 1, 1, 1],
        "oneg": [1, 1, 0, 0, 0, 1],
        "topic": ["politics", "politics", "politics", "school", None, "mixed only"],
    }
)
PROBABILITIES = [
    (0.7, 0.2, 0.1), (0.2, 0.5, 0.3), (0.1, 0.8, 0.1), (0.2, 0.1, 0.7), (np.nan,) * 3, (0.6, 0.1, 0.3)
]  # fmt: skip
PREDICTIONS = pd.DataFrame(PROBABILITIES, columns=list(LABELS)).assign(
    label=pd.Series(["negative", "neutral", "neutral", "positive", None, "negative"], dtype=label_dtype)
)
JSON_SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "kappa")
JSON_OFFICIAL = ("official", "official_pos", "official_neg", "official_ceiling")
JSON_OFFICIAL += ("always_negative", "always_neutral", "always_positive")
COUNTS = ("n", "n_mixed", "n_unlabelled", "n_unreadable")
IGNORE_UNDEFINED = pytest.mark.filterwarnings("ignore:undefined on these rows", "ignore:no row has both")


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def parsed(card, **options):
    """The JSON of a scorecard, which must be JSON as the standard has it: no NaN, no Infinity."""
    return json.loads(scorecard_json(card, provenance(**options)), parse_constant=no_constant)


def interval(found):
    return [found[name] for name in ("value", "low", "high")]


@pytest.fixture(scope="module")
def card():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make_scorecard(TWEETS, PREDICTIONS, by="topic")
    assert "undefined on these rows, so NaN: mixed only" in [str(warning.message) for warning in caught]
    return made


@pytest.fixture(scope="module")
def card_of_labels():
    """Without probabilities, marks or groups; the last tweet has no label."""
    with pytest.warns(UserWarning, match="forced choice"):
        return make_scorecard(TWEETS[["id", "text", "label"]], PREDICTIONS[["label"]])


# What is in it


def test_the_counts(card, card_of_labels):
    assert card.counts == {"n": 5, "n_mixed": 1, "n_unlabelled": 0, "n_unreadable": 1}
    assert card_of_labels.counts == {"n": 5, "n_mixed": 0, "n_unlabelled": 1, "n_unreadable": 1}


def test_the_tables(card, card_of_labels):
    always = ["scores", "per_class", "official", "protocols", "confusion"]
    assert list(card.tables) == [*always, "calibration", "reliability", "risk_coverage", "groups"]
    assert list(card_of_labels.tables) == always


def test_the_json_by_hand(card):
    found = parsed(card, mixed="drop")
    parts = ["per_class", "protocols", "calibration", "groups", "provenance"]
    assert list(found) == [*COUNTS, *JSON_SCORES, *JSON_OFFICIAL, *parts]
    assert found["provenance"]["options"] == {"mixed": "drop"}
    assert [found[name] for name in COUNTS] == [5, 1, 0, 1]
    assert found["accuracy"]["value"] == 3 / 5
    # One right of each class: negative 2 / (2 + 1), neutral 2 / (1 + 2), positive 2 / (2 + 1).
    assert found["macro_f1"]["value"] == pytest.approx(2 / 3)
    # opos = 1: one of three found, 2 / (3 + 1); 0: three of three, and the mixed one, 6 / (3 + 4).
    # oneg = 1: two of three found, 4 / (3 + 2); 0: two of three found, and the second tweet, 4 / (3 + 3).
    assert found["official_pos"]["value"] == pytest.approx((1 / 2 + 6 / 7) / 2)
    assert found["official_neg"]["value"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found["official"]["value"] == pytest.approx((1 / 2 + 6 / 7 + 4 / 5 + 2 / 3) / 4)
    # The mixed tweet called positive: all of opos; oneg = 1 4 / (3 + 2), 0 6 / (3 + 4).
    assert found["official_ceiling"]["value"] == pytest.approx((2 + 4 / 5 + 6 / 7) / 4)
    for name in JSON_SCORES + JSON_OFFICIAL:
        assert list(found[name]) == ["value", "low", "high", "n"]
        value, low, high = interval(found[name])
        assert low <= value <= high
        assert found[name]["n"] == (5 if name in JSON_SCORES else 6)
        assert isinstance(found[name]["n"], int)


def test_the_classes_in_the_json_by_hand(card):
    found = parsed(card)["per_class"]
    assert list(found) == list(LABELS)
    assert [found[label]["support"] for label in LABELS] == [2, 1, 2]
    values = [[found[label][score]["value"] for score in ("precision", "recall", "f1")] for label in LABELS]
    np.testing.assert_allclose(values, [[1, 1 / 2, 2 / 3], [1 / 2, 1, 2 / 3], [1, 1 / 2, 2 / 3]])
    assert [found["neutral"][score]["n"] for score in ("precision", "recall", "f1")] == [2, 1, 2]
    for label in LABELS:
        assert list(found[label]) == ["precision", "recall", "f1", "support"]
        for score in ("precision", "recall", "f1"):
            value, low, high = interval(found[label][score])
            assert low <= value <= high


def test_the_protocols_in_the_json(card):
    found = parsed(card)["protocols"]
    assert sum(map(len, found.values())) == 15
    assert list(found["three classes, mixed dropped"]) == ["accuracy", "macro-F1"]
    assert found["three classes, mixed dropped"]["accuracy"]["value"] == 3 / 5
    row = found["official 2016"]["polarity score"]
    assert list(row) == ["value", "low", "high", "n", "ceiling", "measures", "compare_with"]
    assert (row["value"], row["n"]) == (parsed(card)["official"]["value"], 6)
    assert row["ceiling"] == parsed(card)["official_ceiling"]["value"]
    assert row["measures"].startswith("mean F1 of opos")


def test_calibration_in_the_json_by_hand(card, card_of_labels):
    found = parsed(card)["calibration"]
    # Four tweets have both. Squared distances: 0.3^2 + 0.2^2 + 0.1^2 = 0.14; 0.8^2 + 0.5^2 + 0.3^2 = 0.98;
    # 0.1^2 + 0.2^2 + 0.1^2 = 0.06; 0.2^2 + 0.1^2 + 0.3^2 = 0.14; their mean is 1.32 / 4.
    assert found["brier"]["value"] == pytest.approx(0.33)
    assert found["brier"]["n"] == 4
    assert found["nll"]["value"] == pytest.approx(-np.log([0.7, 0.2, 0.8, 0.7]).mean())
    # Confidences 0.7, 0.7, 0.8 right and 0.5 wrong, each value in a bin of its own: two gaps of 0.3 (as one bin), 0.2
    # and 0.5, so (0.6 + 0.2 + 0.5) / 4.
    assert found["ece_width"]["value"] == pytest.approx(1.3 / 4)
    assert found["mce_width"]["value"] == pytest.approx(0.5)
    assert list(found["ece_width"]) == ["value", "low", "high", "n", "chance"]
    assert found["brier"]["chance"] is None
    assert parsed(card_of_labels)["calibration"] is None


def test_groups_in_the_json_by_hand(card, card_of_labels):
    found = parsed(card)["groups"]
    # The fifth tweet has no topic and no prediction; the only mixed one has no label, so nothing can be right.
    assert list(found) == ["mixed only", "politics", "school", "(none)"]
    assert [group["value"] for group in found.values()] == [None, 2 / 3, 1, 0]
    assert [group["n"] for group in found.values()] == [0, 3, 1, 1]
    assert interval(found["mixed only"]) == [None] * 3
    assert {"value", "low", "high", "n", "gap", "q_value", "detectable"} <= set(found["school"])
    assert parsed(card_of_labels)["groups"] is None


def test_an_infinite_loss_is_null_in_the_json():
    predictions = PREDICTIONS.copy()
    predictions.loc[1, list(LABELS)] = [0, 0.6, 0.4]  # the true label is negative
    made = make_scorecard(TWEETS, predictions)
    assert np.isinf(made.tables["calibration"].loc["nll", "value"])
    assert parsed(made)["calibration"]["nll"]["value"] is None
    assert parsed(made)["calibration"]["brier"]["value"] is not None


@pytest.mark.parametrize(
    ("mixed", "n", "right", "support"),
    [("drop", 5, 3, [2, 1, 2]), ("keep", 5, 3, [2, 1, 2]), ("neutral", 6, 3, [2, 2, 2]), ("negative", 6, 4, [3, 1, 2])],
)
def test_what_mixed_tweets_count_as(card, mixed, n, right, support):
    made = make_scorecard(TWEETS, PREDICTIONS, mixed=mixed)
    found = parsed(made)
    assert found["accuracy"]["value"] == pytest.approx(right / n)
    assert [found["per_class"][label]["support"] for label in LABELS] == support
    assert [found[name] for name in COUNTS] == [n, 1, 0, 1]
    # The official score and the protocols see them in any case.
    for name in ("official", "protocols"):
        pd.testing.assert_frame_equal(made.tables[name], card.tables[name])


def test_an_unknown_choice_for_mixed():
    with pytest.raises(ValueError, match='"drop", "neutral", "negative", "keep", but \'both\''):
        make_scorecard(TWEETS, PREDICTIONS, mixed="both")


def test_order_and_index_of_the_rows_do_not_matter(card_of_labels):
    order = [4, 0, 5, 2, 1, 3]
    index = pd.Index(["x", "x", "y", "z", "z", "z"])
    tweets, given = (table.iloc[order].set_axis(index) for table in (TWEETS, PREDICTIONS))
    with pytest.warns(UserWarning, match="forced choice"):
        made = make_scorecard(tweets[["id", "text", "label"]], given[["label"]])
    assert scorecard_json(made, {}) == scorecard_json(card_of_labels, {})


# Predictions that need no model


@IGNORE_UNDEFINED
@pytest.mark.parametrize(("label", "right"), [("negative", 2), ("neutral", 1), ("positive", 2)])
def test_constant_predictions(label, right):
    constant = pd.DataFrame({"label": pd.Series([label] * 6, dtype=label_dtype)})
    found = parsed(make_scorecard(TWEETS, constant))
    assert found["accuracy"]["value"] == right / 5
    # Everything of one class found, nothing of the others.
    assert found["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert found["macro_f1"]["value"] == pytest.approx(2 * right / (right + 5) / 3)
    assert found["kappa"]["value"] == pytest.approx(0)
    assert interval(found["mcc"]) == [None] * 3
    assert found["official"] == found[f"always_{label}"]
    # Three of six are marked on either side. Nothing marked: F1 of 0 is 6 / (3 + 6), of 1 is 0; all marked: the same.
    assert found["official"]["value"] == pytest.approx(1 / 3)
    assert found["per_class"][label]["recall"]["value"] == 1
    for other in set(LABELS) - {label}:
        assert found["per_class"][other]["precision"]["value"] is None
        assert found["per_class"][other]["recall"]["value"] == found["per_class"][other]["f1"]["value"] == 0
    two = found["protocols"]["two classes, neutral answers wrong"]["accuracy"]["value"]
    assert two == (0 if label == "neutral" else 1 / 2)


@IGNORE_UNDEFINED
@pytest.mark.parametrize("mixed_as", ["negative", "neutral", "positive", None])
def test_predictions_made_from_the_gold_labels(mixed_as):
    given = pd.DataFrame({"label": pd.Series([*TWEETS["label"][:5], mixed_as], dtype=label_dtype)})
    found = parsed(make_scorecard(TWEETS, given))
    for name in JSON_SCORES:
        assert found[name]["value"] == 1
        assert found[name]["high"] == 1
    if mixed_as in ("negative", "positive"):
        assert found["official"]["value"] == pytest.approx(found["official_ceiling"]["value"])
    else:
        assert found["official"]["value"] < found["official_ceiling"]["value"]
    assert found["n_unreadable"] == (mixed_as is None)


@IGNORE_UNDEFINED
def test_no_row_has_a_label():
    tweets = TWEETS[["id", "text", "label"]].assign(label=pd.Series([None] * 6, dtype=label_dtype))
    with pytest.warns(UserWarning, match="no row has a gold label"):
        found = parsed(make_scorecard(tweets, PREDICTIONS))
    assert [found[name] for name in COUNTS] == [0, 0, 6, 1]
    for name in (*JSON_SCORES, *JSON_OFFICIAL):
        assert found[name] == {"value": None, "low": None, "high": None, "n": 0}


def test_predictions_for_other_rows_are_an_error():
    with pytest.raises(ValueError, match="must have the same index"):
        make_scorecard(TWEETS, PREDICTIONS[:5])


# The folder


CSV = ("scores", "per_class", "official", "protocols", "confusion", "calibration", "reliability", "risk_coverage")
FIGURES = ("scores", "per_class", "protocols", "confusion", "reliability", "risk_coverage")


@pytest.fixture(scope="module")
def folder(card, tmp_path_factory):
    path = tmp_path_factory.mktemp("scorecard") / "card"
    write_scorecard(card, path, {"gold": "tweets.csv"})
    return path


@pytest.fixture
def undrawn(monkeypatch):
    """Without the figures, which take seconds."""
    monkeypatch.setattr(scorecard, "_draw", lambda tables, folder: None)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_table_and_figure_is_written(folder, card):
    expected = {f"{name}.csv" for name in (*CSV, "groups")} | {"scorecard.json"}
    expected |= {f"{name}{suffix}" for name in (*FIGURES, "groups") for suffix in (".png", ".svg")}
    found = contents(folder)
    assert set(found) == expected
    for name, content in found.items():
        if name.endswith(".png"):
            assert content.startswith(b"\x89PNG\r\n")
            assert plt.imread(folder / name).std() > 0
        if name.endswith(".svg"):
            assert content.rstrip().endswith(b"</svg>")
    assert found["scorecard.json"].decode() == scorecard_json(card, {"gold": "tweets.csv"}) + "\n"
    assert list(folder.parent.iterdir()) == [folder]
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", [*CSV, "groups"])
def test_a_csv_file_holds_its_table(folder, card, name):
    table = card.tables[name]
    keys = [] if isinstance(table.index, pd.RangeIndex) else list(range(table.index.nlevels))
    found = pd.read_csv(folder / f"{name}.csv", index_col=keys or None, keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(found, table, check_dtype=False, check_names=False, check_index_type=False)


def test_without_probabilities_and_groups_there_are_fewer_files(tmp_path, card_of_labels):
    write_scorecard(card_of_labels, tmp_path / "card", {})
    assert {path.name for path in (tmp_path / "card").iterdir()} == {
        *("scorecard.json", "scores.csv", "per_class.csv", "official.csv", "protocols.csv", "confusion.csv"),
        *("scores.png", "per_class.png", "protocols.png", "confusion.png"),
        *("scores.svg", "per_class.svg", "protocols.svg", "confusion.svg"),
    }


def test_the_same_input_gives_the_same_bytes_in_another_process(folder, tmp_path):
    TWEETS.to_pickle(tmp_path / "tweets.pkl")
    PREDICTIONS.to_pickle(tmp_path / "predictions.pkl")
    program = (
        "import sys, pandas as pd\n"
        "from sentiment_kit.report.scorecard import make_scorecard, write_scorecard\n"
        "tweets, predictions = pd.read_pickle(sys.argv[1]), pd.read_pickle(sys.argv[2])\n"
        'card = make_scorecard(tweets, predictions, by="topic")\n'
        'write_scorecard(card, sys.argv[3], {"gold": "tweets.csv"})\n'
    )
    paths = [str(tmp_path / name) for name in ("tweets.pkl", "predictions.pkl", "card")]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", program, *paths]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    again, first = contents(tmp_path / "card"), contents(folder)
    assert set(again) == set(first)
    assert [name for name in first if again[name] != first[name]] == []


def test_an_existing_folder_is_kept_unless_forced(tmp_path, card_of_labels, undrawn):
    path = tmp_path / "card"
    write_scorecard(card_of_labels, path, {"gold": "first"})
    (path / "groups.csv").write_text("stale")
    before = contents(path)
    with pytest.raises(DataError, match="card exists already and is kept; choose another name, .* --force"):
        write_scorecard(card_of_labels, path, {"gold": "second"})
    assert contents(path) == before
    write_scorecard(card_of_labels, path, {"gold": "second"}, force=True)
    assert json.loads((path / "scorecard.json").read_text())["provenance"] == {"gold": "second"}
    assert not (path / "groups.csv").exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_holds_no_scorecard_is_never_replaced(tmp_path, card_of_labels, undrawn, force):
    path = tmp_path / "thesis"
    path.mkdir()
    (path / "chapter.txt").write_text("precious")
    with pytest.raises(DataError, match="holds no scorecard and is kept" if force else "exists already and is kept"):
        write_scorecard(card_of_labels, path, {}, force=force)
    assert contents(tmp_path) == {"thesis/chapter.txt": b"precious"}


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_around_a_scorecard_is_never_replaced(tmp_path, card_of_labels, undrawn, force):
    write_scorecard(card_of_labels, tmp_path / "card", {})
    before = contents(tmp_path)
    with pytest.raises(DataError, match="is kept"):
        write_scorecard(card_of_labels, tmp_path, {}, force=force)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("force", [False, True])
def test_an_empty_folder_is_filled(tmp_path, card_of_labels, undrawn, force):
    (tmp_path / "card").mkdir()
    write_scorecard(card_of_labels, tmp_path / "card", {}, force=force)
    assert (tmp_path / "card" / "scorecard.json").exists()


@pytest.mark.parametrize("force", [False, True])
def test_names_under_which_there_can_be_no_folder(tmp_path, card_of_labels, force):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataError, match="file is a file; expected the name of a folder to create"):
        write_scorecard(card_of_labels, tmp_path / "file", {}, force=force)
    with pytest.raises(DataError, match="the folder .*nowhere does not exist; create it first"):
        write_scorecard(card_of_labels, tmp_path / "nowhere" / "card", {}, force=force)
    assert contents(tmp_path) == {"file": b"precious"}


def test_what_would_be_refused_later_is_refused_now(tmp_path):
    (tmp_path / "file").write_text("x")
    check_new_folder(tmp_path / "new")
    with pytest.raises(DataError, match="exists already"):
        check_new_folder(tmp_path)
    with pytest.raises(DataError, match="holds no scorecard"):
        check_new_folder(tmp_path, force=True)
    with pytest.raises(DataError, match="is a file"):
        check_new_folder(tmp_path / "file")
    with pytest.raises(DataError, match="does not exist"):
        check_new_folder(tmp_path / "no" / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (OSError(28, "No space left on device"), DataError, "card: cannot be written .No space left on device"),
        (RuntimeError("a bug"), RuntimeError, "a bug"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
@pytest.mark.parametrize("where", ["save_figure", "scorecard_json"])
def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch, card_of_labels, where, error, raised, message):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(scorecard, where, fail)
    with pytest.raises(raised, match=message):
        write_scorecard(card_of_labels, tmp_path / "card", {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_scorecard_that_was_there(tmp_path, monkeypatch, card_of_labels, undrawn):
    write_scorecard(card_of_labels, tmp_path / "card", {"gold": "first"})
    before = contents(tmp_path)

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scorecard, "_draw", fail)
    with pytest.raises(DataError, match="No space left on device"):
        write_scorecard(card_of_labels, tmp_path / "card", {"gold": "second"}, force=True)
    assert contents(tmp_path) == before


def test_a_failed_renaming_keeps_the_scorecard_that_was_there(tmp_path, monkeypatch, card_of_labels, undrawn):
    write_scorecard(card_of_labels, tmp_path / "card", {"gold": "first"})
    before = contents(tmp_path)
    rename = Path.rename

    def fail_for_the_new_one(self, target):
        if "second" in (self / "scorecard.json").read_text():
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new_one)
    with pytest.raises(DataError, match="cannot be written .Input/output error"):
        write_scorecard(card_of_labels, tmp_path / "card", {"gold": "second"}, force=True)
    assert contents(tmp_path) == before


# The official file


def test_the_official_training_file(sentipolc_file):
    tweets = load_sentipolc(sentipolc_file, mixed="keep")
    mixed = tweets["label"].isna()
    given = pd.DataFrame({"label": tweets["label"].fillna("neutral")})
    with pytest.warns(UserWarning, match="forced choice"):
        made = make_scorecard(tweets, given, by="topic")
    found = parsed(made)
    assert [found[name] for name in COUNTS] == [6970, 440, 0, 0]
    assert found["accuracy"]["value"] == found["macro_f1"]["value"] == 1
    assert [found["per_class"][label]["support"] for label in LABELS] == [2543, 2816, 1611]
    assert sum(group["n"] for group in found["groups"].values()) == 6970
    assert found["official"]["n"] == 7410
    # Short of the ceiling by the mixed tweets alone, which are called neither: found of opos = 1 1611 of 2051, of 0
    # 5359 and 440 more; of oneg = 1 2543 of 2983, of 0 4427 and 440 more.
    short = 2 * 1611 / (2051 + 1611) + 2 * 5359 / (5799 + 5359) + 2 * 2543 / (2983 + 2543) + 2 * 4427 / (4867 + 4427)
    assert found["official"]["value"] == pytest.approx(short / 4)
    assert found["official"]["value"] < found["official_ceiling"]["value"] < 1
    # Without them the ceiling is reached, and it is 1.
    with pytest.warns(UserWarning, match="forced choice"):
        unmixed = parsed(make_scorecard(tweets[~mixed], given[~mixed]))
    assert unmixed["official"]["value"] == unmixed["official_ceiling"]["value"] == 1
    assert unmixed["n_mixed"] == 0
