import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from sentiment_kit.data import load_data, load_sentipolc, settle_mixed
from sentiment_kit.evaluation import protocols
from sentiment_kit.evaluation.protocols import PROTOCOLS, protocol_table
from sentiment_kit.evaluation.scores import official_polarity_score
from sentiment_kit.labels import LABELS, label_dtype

MARKS = {"negative": (0, 1), "neutral": (0, 0), "positive": (1, 0), "mixed": (1, 1)}  # (opos, oneg)

OFFICIAL = ("official 2016", "polarity score")
DROPPED = "three classes, mixed dropped"
AS_NEUTRAL = "three classes, mixed as neutral"
AS_NEGATIVE = "three classes, mixed as negative"
FOUR = "four classes, mixed its own (UINAUIL)"
MARKED = ("marked polarities (pysentimiento)", "mean F1")
BALANCED = ("three balanced classes (UMSAB)", "macro-F1")
NEUTRAL_WRONG = "two classes, neutral answers wrong"
FORCED = "two classes, forced choice"
ROWS = [
    OFFICIAL,
    *itertools.product((DROPPED, AS_NEUTRAL, AS_NEGATIVE, FOUR), ("accuracy", "macro-F1")),
    MARKED,
    BALANCED,
    *itertools.product((NEUTRAL_WRONG, FORCED), ("accuracy", "macro-F1")),
]


def labels(*names, index=None):
    return pd.Series([None if name == "mixed" else name for name in names], index=index, dtype=label_dtype)


def tweet_table(*names, index=None):
    """A tweet table as `load_sentipolc(..., mixed="keep")` makes it, from negative, neutral, positive, mixed."""
    index = pd.RangeIndex(len(names)) if index is None else index
    marks = np.array([MARKS[name] for name in names], dtype="int8").reshape(-1, 2)
    return pd.DataFrame({"label": labels(*names, index=index), "opos": marks[:, 0], "oneg": marks[:, 1]}, index=index)


def answers(*names, probabilities=None):
    table = pd.DataFrame({"label": labels(*names)})
    if probabilities is not None:
        table[list(LABELS)] = probabilities
    return table


def table_of(tweets, predictions, resamples=10):
    return protocol_table(tweets, predictions, resamples=resamples)


NAN = (np.nan,) * 3
TWEETS = tweet_table("negative", "negative", "neutral", "positive", "positive", "mixed")
PREDICTIONS = answers(
    *("negative", "neutral", "neutral", "positive", None, "negative"),
    probabilities=[(0.7, 0.2, 0.1), (0.2, 0.5, 0.3), (0.1, 0.8, 0.1), (0.2, 0.1, 0.7), NAN, (0.6, 0.1, 0.3)],
)


def test_every_protocol_by_hand_on_six_tweets():
    # Right are the first, third and fourth; the second is called neutral, the fifth not at all, the mixed one negative.
    #
    # Official, opos: three marked, of which one is called positive, and no other: F1 of 1 is 2 / (3 + 1) = 1/2; of 0,
    # the first three and the mixed one are called so, three of them rightly: 6 / (3 + 4) = 6/7. oneg: three marked, two
    # called negative, rightly: F1 of 1 is 4 / (3 + 2) = 4/5; of 0, the second, third, fourth are called so, and the
    # fifth is not called anything: 4 / (3 + 3) = 2/3.
    opos, oneg = (1 / 2, 6 / 7), (4 / 5, 2 / 3)
    expected = {
        OFFICIAL: (sum(opos + oneg) / 4, 6),
        # Each class has one right: negative 2 / (2 + 1), neutral 2 / (1 + 2), positive 2 / (2 + 1).
        (DROPPED, "accuracy"): (3 / 5, 5),
        (DROPPED, "macro-F1"): (2 / 3, 5),
        # The mixed tweet is a neutral one called negative: 2 / (2 + 2), 2 / (2 + 2), 2 / (2 + 1).
        (AS_NEUTRAL, "accuracy"): (3 / 6, 6),
        (AS_NEUTRAL, "macro-F1"): ((1 / 2 + 1 / 2 + 2 / 3) / 3, 6),
        # The mixed tweet is rightly called negative: 4 / (3 + 2), 2 / (1 + 2), 2 / (2 + 1).
        (AS_NEGATIVE, "accuracy"): (4 / 6, 6),
        (AS_NEGATIVE, "macro-F1"): ((4 / 5 + 2 / 3 + 2 / 3) / 3, 6),
        # The mixed tweet is wrong, and one more that is called negative: 2 / (2 + 2), 2/3, 2/3, 0.
        (FOUR, "accuracy"): (3 / 6, 6),
        (FOUR, "macro-F1"): ((1 / 2 + 2 / 3 + 2 / 3 + 0) / 4, 6),
        MARKED: ((opos[0] + oneg[0]) / 2, 6),
        # Each class weighs 1: half of negative called so, half neutral; neutral called so; half of positive called so.
        # 2 (1/2) / (1 + 1/2), 2 / (1 + 3/2), 2 (1/2) / (1 + 1/2).
        BALANCED: ((2 / 3 + 4 / 5 + 2 / 3) / 3, 5),
        # Of the first, second, fourth, fifth the first and the fourth are right, and nothing is called what it is not.
        (NEUTRAL_WRONG, "accuracy"): (2 / 4, 4),
        (NEUTRAL_WRONG, "macro-F1"): (2 / 3, 4),
        # The second is rather positive (0.3) than negative (0.2): negative 2 / (2 + 1), positive 2 / (2 + 2).
        (FORCED, "accuracy"): (2 / 4, 4),
        (FORCED, "macro-F1"): ((2 / 3 + 1 / 2) / 2, 4),
    }
    table = protocol_table(TWEETS, PREDICTIONS)
    assert table.index.tolist() == ROWS == list(expected)
    assert table.index.names == ["protocol", "score"]
    assert table.columns.tolist() == ["value", "low", "high", "n", "ceiling", "measures", "compare_with"]
    np.testing.assert_allclose(table["value"], [value for value, _ in expected.values()], atol=1e-12)
    assert table["n"].tolist() == [n for _, n in expected.values()]


def test_ceilings_by_hand_on_six_tweets():
    table = table_of(TWEETS, PREDICTIONS)
    # All but the mixed tweet are right, and that is called positive: all of opos; of oneg = 1 two of three are found,
    # 4 / (3 + 2), and of oneg = 0 one too many, 6 / (3 + 4). Calling it negative is the same with the sides exchanged.
    assert table.loc[OFFICIAL, "ceiling"] == pytest.approx((1 + 1 + 4 / 5 + 6 / 7) / 4)
    assert table.loc[MARKED, "ceiling"] == pytest.approx((1 + 4 / 5) / 2)
    # One of six cannot be right. The class that it is called loses least if it is of the larger ones: 4 / (2 + 3).
    assert table.loc[(FOUR, "accuracy"), "ceiling"] == pytest.approx(5 / 6)
    assert table.loc[(FOUR, "macro-F1"), "ceiling"] == pytest.approx((4 / 5 + 1 + 1 + 0) / 4)
    others = [row for row in ROWS if row not in (OFFICIAL, MARKED) and row[0] != FOUR]
    assert table.loc[others, "ceiling"].tolist() == [1] * 11


def sklearn_official(gold, predicted):
    """From the marks alone; a prediction that is missing is neither 0 nor 1."""
    marks = [np.array([MARKS.get(name, (2, 2)) for name in names]) for names in (gold, predicted)]
    f1 = [f1_score(marks[0][:, side], marks[1][:, side], labels=[0, 1], average=None) for side in (0, 1)]
    return np.mean(f1)


@pytest.mark.parametrize(
    "names",
    [
        ("negative", "neutral", "positive", "mixed"),
        ("negative", "negative", "neutral", "positive", "mixed", "mixed"),
        ("negative", "neutral", "positive", "mixed", "mixed", "mixed"),
        ("negative", "neutral", "positive", "positive", "mixed"),
        ("negative", "neutral", "neutral", "positive"),
    ],
)
def test_ceilings_are_the_best_of_all_possible_answers(names):
    every = list(itertools.product(LABELS, repeat=len(names)))
    table = table_of(tweet_table(*names), answers(*names, probabilities=np.full((len(names), 3), 1 / 3)))
    assert table.loc[OFFICIAL, "ceiling"] == pytest.approx(max(sklearn_official(names, answer) for answer in every))
    counts = np.zeros((len(every), 4, 4), dtype=int)
    for row, answer in enumerate(every):
        for gold, label in zip(names, answer, strict=True):
            counts[row, list(MARKS).index(gold), LABELS.index(label)] += 1
    for protocol in PROTOCOLS:
        best = protocols.SCORES[protocol.value](protocols.ROWS[protocol.rows](counts)).max()
        assert table.loc[(protocol.protocol, protocol.score), "ceiling"] == pytest.approx(best), protocol


def test_no_value_is_above_its_ceiling_nor_outside_its_interval():
    table = protocol_table(TWEETS, PREDICTIONS, resamples=1000)
    assert (table["value"] <= table["ceiling"] + 1e-12).all()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert ((table["low"] >= 0) & (table["high"] <= 1) & (table["ceiling"] <= 1)).all()


def test_every_row_says_what_it_measures_and_what_to_compare_it_with():
    table = table_of(TWEETS, PREDICTIONS)
    assert (table[["measures", "compare_with"]].map(len) > 0).all(axis=None)
    assert not table["measures"].duplicated().any()


# Against scikit-learn


def drawn(seed, n=150):
    """Random gold with mixed rows and a fifth of the predictions missing; n is enough for all combinations."""
    generator = np.random.default_rng(seed)
    gold = generator.choice(list(MARKS), n, p=[0.35, 0.35, 0.2, 0.1]).tolist()
    predicted = [None if name == "missing" else name for name in generator.choice([*LABELS, "missing"], n).tolist()]
    probabilities = generator.dirichlet([1, 1, 1], n)
    probabilities[[name is None for name in predicted]] = np.nan
    return gold, predicted, probabilities


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_scikit_learn_on_random_tweets(seed):
    gold, predicted, probabilities = drawn(seed)
    table = table_of(tweet_table(*gold), answers(*predicted, probabilities=probabilities))
    gold, given = np.array(gold, dtype=object), np.array([name or "missing" for name in predicted], dtype=object)
    readable = ~np.isnan(probabilities[:, 0])
    forced = np.where(readable, np.where(probabilities[:, 2] > probabilities[:, 0], "positive", "negative"), "missing")
    two = np.isin(gold, ["negative", "positive"])
    rows = {
        DROPPED: (gold != "mixed", gold, given, LABELS),
        AS_NEUTRAL: (slice(None), np.where(gold == "mixed", "neutral", gold), given, LABELS),
        AS_NEGATIVE: (slice(None), np.where(gold == "mixed", "negative", gold), given, LABELS),
        FOUR: (slice(None), gold, given, [*LABELS, "mixed"]),
        NEUTRAL_WRONG: (two, gold, given, ["negative", "positive"]),
        FORCED: (two, gold, forced, ["negative", "positive"]),
    }
    for name, (kept, true, answer, classes) in rows.items():
        true, answer = true[kept].astype(str), answer[kept].astype(str)
        assert table.loc[(name, "accuracy"), "value"] == pytest.approx(accuracy_score(true, answer)), name
        expected = f1_score(true, answer, labels=list(classes), average="macro", zero_division=0)
        assert table.loc[(name, "macro-F1"), "value"] == pytest.approx(expected), name
        assert table.loc[name, "n"].tolist() == [len(true)] * 2
    assert table.loc[OFFICIAL, "value"] == pytest.approx(sklearn_official(gold, given))
    marked = [
        f1_score(np.isin(gold, [own, "mixed"]), given == own)  # opos = 1, then oneg = 1
        for own in ("positive", "negative")
    ]
    assert table.loc[MARKED, "value"] == pytest.approx(np.mean(marked))


@pytest.mark.parametrize("seed", range(4))
def test_balanced_classes_are_each_class_repeated_to_equal_size(seed):
    gold, predicted, _ = drawn(seed)
    of_class = {label: gold.count(label) for label in LABELS}
    size = math.lcm(*of_class.values())
    true, given, weight = (np.array(column) for column in zip(*[
        (name, answer or "missing", size // of_class[name])
        for name, answer in zip(gold, predicted, strict=True) if name != "mixed"
    ], strict=True))  # fmt: skip
    expected = f1_score(true, given, labels=list(LABELS), average="macro", sample_weight=weight)
    with pytest.warns(UserWarning, match="forced choice"):
        table = table_of(tweet_table(*gold), answers(*predicted))
    assert table.loc[BALANCED, "value"] == pytest.approx(expected)
    assert table.loc[BALANCED, "n"] == len(gold) - gold.count("mixed")


def test_balanced_classes_by_repeating_rows():
    # Repeated to two each: negative once right and once called neutral, neutral and positive twice right.
    gold, predicted = ["negative", "negative", "neutral", "positive"], ["negative", "neutral", "neutral", "positive"]
    repeated = [[*names, *names[2:]] for names in (gold, predicted)]
    expected = f1_score(*repeated, labels=list(LABELS), average="macro")
    assert expected == pytest.approx((2 / 3 + 4 / 5 + 1) / 3)
    with pytest.warns(UserWarning, match="forced choice"):
        assert table_of(tweet_table(*gold), answers(*predicted)).loc[BALANCED, "value"] == pytest.approx(expected)


# What does not matter


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(list(MARKS)), st.sampled_from([*LABELS, None])), max_size=12), st.randoms()
)  # fmt: skip
def test_order_and_index_of_the_rows_do_not_matter(rows, random):
    rows = [*zip(MARKS, [*LABELS, None], strict=True), *rows]  # so that nothing is undefined
    probabilities = {"negative": (0.5, 0.3, 0.2), "neutral": (0.2, 0.5, 0.3), "positive": (0.1, 0.2, 0.7), None: NAN}

    def tabulated(rows, index):
        gold, predicted = zip(*rows, strict=True)
        given = answers(*predicted, probabilities=[probabilities[name] for name in predicted])
        return table_of(tweet_table(*gold, index=index), given.set_axis(index))

    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(
        tabulated(rows, pd.RangeIndex(len(rows))), tabulated(shuffled, pd.Index(["same"] * len(rows)))
    )


def test_the_same_seed_gives_the_same_intervals():
    first = protocol_table(TWEETS, PREDICTIONS, resamples=50, seed=1)
    pd.testing.assert_frame_equal(first, protocol_table(TWEETS, PREDICTIONS, resamples=50, seed=1))
    other = protocol_table(TWEETS, PREDICTIONS, resamples=50, seed=2)
    assert first["value"].equals(other["value"])
    assert not first["low"].equals(other["low"])


def test_what_mixed_tweets_were_settled_as_does_not_matter():
    expected = table_of(TWEETS, PREDICTIONS)
    for mixed in ("neutral", "negative"):
        pd.testing.assert_frame_equal(expected, table_of(TWEETS.assign(label=settle_mixed(TWEETS, mixed)), PREDICTIONS))


def test_the_official_row_is_the_official_score():
    expected = official_polarity_score(TWEETS, PREDICTIONS["label"], resamples=200, seed=5)
    row = protocol_table(TWEETS, PREDICTIONS, resamples=200, seed=5).loc[OFFICIAL]
    assert row[["value", "low", "high", "n"]].tolist() == expected.loc["official"].tolist()
    assert row["ceiling"] == expected.loc["official_ceiling", "value"]


# Where something is not there


def test_without_mixed_tweets_three_labels_can_be_wholly_right():
    table = table_of(TWEETS[:5], PREDICTIONS[:5])
    assert table["ceiling"].tolist() == [1] * 15
    for name in (AS_NEUTRAL, AS_NEGATIVE, FOUR):
        assert table.loc[name, "value"].tolist() == table.loc[DROPPED, "value"].tolist() == [3 / 5, 2 / 3]
        assert table.loc[name, "n"].tolist() == [5, 5]


def test_labels_alone_are_tweets_of_which_none_is_mixed():
    with_marks = table_of(TWEETS[:5], PREDICTIONS[:5])
    pd.testing.assert_frame_equal(table_of(TWEETS[["label"]][:5], PREDICTIONS[:5]), with_marks)
    # The sixth has no label, and no marks say that it is mixed.
    pd.testing.assert_frame_equal(table_of(TWEETS[["label"]], PREDICTIONS), with_marks)


def test_without_probabilities_there_is_no_forced_choice():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = table_of(TWEETS, PREDICTIONS[["label"]])
    assert [str(warning.message) for warning in caught] == [
        "undefined on these rows, so NaN: "
        "accuracy of two classes, forced choice, macro-F1 of two classes, forced choice"
    ]
    assert table.loc[FORCED, ["value", "low", "high"]].isna().all(axis=None)
    assert table.loc[FORCED, "n"].tolist() == [0, 0]
    pd.testing.assert_frame_equal(table[:-2], table_of(TWEETS, PREDICTIONS)[:-2])


def test_a_forced_choice_between_equals_is_negative():
    tweets = tweet_table("negative", "negative", "positive", "neutral")
    table = table_of(tweets, answers(*["neutral"] * 4, probabilities=[(0.2, 0.6, 0.2)] * 4))
    assert table.loc[(FORCED, "accuracy"), "value"] == pytest.approx(2 / 3)
    assert table.loc[(NEUTRAL_WRONG, "accuracy"), "value"] == 0


def test_a_class_that_is_not_there_leaves_some_protocols_undefined():
    tweets, given = tweet_table("negative", "negative", "neutral"), answers("negative", "neutral", "neutral")
    given[list(LABELS)] = 1 / 3
    with pytest.warns(UserWarning, match="undefined on these rows, so NaN: polarity score of official 2016, "):
        table = table_of(tweets, given)
    assert table.index[table["value"].isna()].tolist() == [OFFICIAL, MARKED, BALANCED]
    assert table.loc[table["value"].isna(), ["low", "high"]].isna().all(axis=None)
    # The mean F1 of the two that are there: 2 / (2 + 1), 2 / (1 + 2).
    assert table.loc[(DROPPED, "macro-F1"), "value"] == pytest.approx(2 / 3)


def test_mixed_tweets_alone():
    with pytest.warns(UserWarning, match="accuracy of three classes, mixed dropped"):
        table = table_of(tweet_table("mixed", "mixed"), answers("negative", "positive"))
    assert table.loc[DROPPED, "n"].tolist() == [0, 0]
    assert table.loc[DROPPED, "value"].isna().all()
    assert table.loc[[(AS_NEGATIVE, "accuracy"), (FOUR, "accuracy")], "value"].tolist() == [0.5, 0]


def test_predictions_for_other_rows_are_an_error():
    with pytest.raises(ValueError, match="tweets and predicted labels must have the same index; they have 6 and 5"):
        protocol_table(TWEETS, PREDICTIONS[:5])
    with pytest.raises(ValueError, match="predicted labels must be among negative, neutral, positive, got 'joy'"):
        protocol_table(TWEETS, pd.DataFrame({"label": ["joy"] * 6}))


def test_marks_read_from_a_csv_file_of_another_layout(tmp_path):
    rows = ["id,label,opos,oneg,text", "1,negative,0,1,a", "2,neutral,0,0,b", "3,positive,1,0,c", "4,,1,1,d"]
    (tmp_path / "tweets.csv").write_text("\n".join(rows) + "\n")
    tweets = load_data(tmp_path / "tweets.csv", mixed="keep")
    with pytest.warns(UserWarning, match="forced choice"):
        table = table_of(tweets, answers("negative", "neutral", "positive", "positive"))
    assert table.loc[(DROPPED, "accuracy"), ["value", "n"]].tolist() == [1, 3]
    assert table.loc[OFFICIAL, "value"] == table.loc[OFFICIAL, "ceiling"]


# The official file


def test_the_official_training_file_under_every_protocol(sentipolc_file):
    tweets = load_sentipolc(sentipolc_file, mixed="keep")
    mixed = tweets["label"].isna()
    perfect = pd.DataFrame({"label": tweets["label"].fillna("negative")})
    perfect[list(LABELS)] = pd.get_dummies(perfect["label"])[list(LABELS)].astype(float)
    table = table_of(tweets, perfect, resamples=20)
    # 2543 negative, 2816 neutral, 1611 positive, 440 mixed.
    expected = {DROPPED: 6970, AS_NEUTRAL: 7410, AS_NEGATIVE: 7410, FOUR: 7410, NEUTRAL_WRONG: 4154, FORCED: 4154}
    for name, n in expected.items():
        assert table.loc[name, "n"].tolist() == [n, n]
    assert table.loc[[OFFICIAL, MARKED, BALANCED], "n"].tolist() == [7410, 7410, 6970]
    # Only the mixed tweets keep predictions made from the gold labels from being right throughout.
    wholly_right = [row for row in ROWS if row[0] in (DROPPED, AS_NEGATIVE, NEUTRAL_WRONG, FORCED)] + [BALANCED]
    assert table.loc[wholly_right, "value"].tolist() == [1] * 9
    assert table.loc[(FOUR, "accuracy"), ["value", "ceiling"]].tolist() == [6970 / 7410] * 2
    assert table.loc[(AS_NEUTRAL, "accuracy"), "value"] == 6970 / 7410
    # Neutral is the largest class, so it suffers least from 440 more, and negative a little more.
    assert table.loc[(FOUR, "macro-F1"), "value"] == pytest.approx((2 + 2 * 2543 / (2 * 2543 + 440)) / 4)
    assert table.loc[(FOUR, "macro-F1"), "ceiling"] == pytest.approx((2 + 2 * 2816 / (2 * 2816 + 440)) / 4)

    def official(positive):
        given = perfect["label"].astype(object)
        given[mixed] = ["positive"] * positive + ["negative"] * (440 - positive)
        return given

    # So many of the 440 called positive, the others negative: found of opos = 1 and of oneg = 1, and false 0s.
    positive = np.arange(441)
    f1 = [
        2 * (1611 + positive) / (2 * 1611 + 440 + positive),
        2 * 5359 / (2 * 5359 + 440 - positive),
        2 * (2543 + 440 - positive) / (2 * 2543 + 880 - positive),
        2 * 4427 / (2 * 4427 + positive),
    ]
    best = int(np.argmax(sum(f1)))
    assert table.loc[OFFICIAL, "ceiling"] == pytest.approx(sum(f1)[best] / 4)
    tweets_as = np.where(mixed, "mixed", tweets["label"].astype(object))
    assert sklearn_official(tweets_as, official(best)) == pytest.approx(table.loc[OFFICIAL, "ceiling"])
    assert table.loc[OFFICIAL, "value"] == pytest.approx(sum(f1)[0] / 4)
    for row in (OFFICIAL, MARKED):
        assert table.loc[row, "value"] <= table.loc[row, "ceiling"] < 1
