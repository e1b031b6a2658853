import pandas as pd
import pytest

from sentiment_kit.labels import LABELS, label_dtype, match_label, match_labels, read_fold


def test_order_is_negative_neutral_positive():
    labels = pd.Series(["positive", "negative", None, "neutral"], dtype=label_dtype)
    assert LABELS == ("negative", "neutral", "positive")
    assert labels.sort_values().tolist()[:3] == list(LABELS)
    assert (labels < "positive").tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["negative", "neutral", "positive"], ("negative", "neutral", "positive")),
        (["POS", "NEG", "NEU"], ("positive", "negative", "neutral")),
        (["Positivo", " neutro ", "negativa"], ("positive", "neutral", "negative")),
        (["pos", "neg"], ("positive", "negative")),
    ],
)
def test_names_are_matched_whatever_case_and_order(names, expected):
    assert match_labels(names) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["LABEL_0", "LABEL_1", "LABEL_2"], r"no names.*labels=\("),
        (["0", "1"], r"no names.*labels=\("),
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], "2 or 3 labels.*there are 5"),
        (["toxic"], "there are 1"),
        (["negative", "positive", "joy"], "'joy'"),
        (["pos", "positive"], "same meaning"),
    ],
)
def test_what_cannot_be_matched_is_an_error_that_says_so(names, message):
    with pytest.raises(ValueError, match=message):
        match_labels(names)


def test_match_label_of_an_unknown_name_is_none():
    assert match_label("NEG") == "negative"
    assert match_label("boh") is None
    assert match_label(1) is None


def test_a_rule_that_folds_other_names():
    rule = "1,2=negative 3=neutral 4,5.0=positive molto negativo,Pessimo=NEG boh=misto"
    assert read_fold(rule) == {
        **{"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"},
        **{"molto negativo": "negative", "pessimo": "negative", "boh": "mixed"},
    }


@pytest.mark.parametrize("rule", ["", "1,2", "1=bello", "1=pos 1=neg", "=pos", "1,=pos", "1=pos 2", "1=pos=neg"])
def test_a_rule_of_another_form(rule):
    with pytest.raises(ValueError, match="expected a rule such as"):
        read_fold(rule)
