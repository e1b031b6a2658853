import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentiment_kit.cleaning import clean_tweet, clean_tweets, is_missing


@pytest.mark.parametrize(
    ("tweet", "expected"),
    [
        ("ciao @mario, come va?", "ciao , come va?"),
        ("RT @user: bello", "RT : bello"),
        ("RT@user: bello", "RT : bello"),
        (".@user ciao", ". ciao"),
        ("@uno@due tre", "tre"),
        ("＠largo ciao", "ciao"),
        ("@_@ che sonno", "@_@ che sonno"),
        ("c@sa tutt@ @ qui", "c@sa tutt@ @ qui"),
        ("@anna@mastodon.uno ciao", "ciao"),
        ("@anna@hachyderm.io: ciao", ": ciao"),
        ("@anna.bsky.social ciao", "ciao"),
        ("@anna-rossi.it, ciao", ", ciao"),
        ("@annapic.twitter.com/x1 ciao", "ciao"),
        ("@anna.Che bello", ".Che bello"),
        ("@anna.com'è andata", ".com'è andata"),
        ("@anna-rossi ciao", "-rossi ciao"),
    ],
)
def test_mentions(tweet, expected):
    assert clean_tweet(tweet) == expected


@pytest.mark.parametrize(
    ("tweet", "expected"),
    [
        ("leggi http://t.co/Ab12Cd34Ef qui", "leggi qui"),
        ("leggi (https://t.co/Ab12Cd34Ef).", "leggi ( )."),
        ("“http://t.co/Ab12Cd34Ef”", "“ ”"),
        ("Merkelhttp://t.co/Ab12Cd34Ef", "Merkel"),
        ("@utentehttp://t.co/Ab12Cd34Ef sì", "sì"),
        ("http://t.co/Ab12Cd34Ef😂", "😂"),
        ("HTTPS://ESEMPIO.IT/A?b=1&amp;c=2", ""),
        ("https://it.wikipedia.org/wiki/Città_(film), sai", ", sai"),
        ("www.esempio.it/pagina, sai", ", sai"),
        ("t.co/Ab12Cd34Ef sai", "sai"),
        ("est.co/xy", ""),
        ("http e www da soli", "http e www da soli"),
        ("http://t.co/Abcpic.twitter.com/Q bello", "bello"),
        ("graziepic.twitter.com/Qx1", "grazie"),
        ("http://t.co/Abhttp://t.co/Cd fine", "fine"),
        ("http://t.co/Abhttp://esempio.it/c fine", "fine"),
        ("http://t.co/Ab12Cd34Efciao", "ciao"),
        ("guarda bit.ly/x e youtu.be/xY_1.", "guarda e ."),
        ("(esempio.com/p/a?b=1)", "( )"),
        ("esempio.it/2014/…", ""),
        ("lnkd.in/abc e t.me/canale", "e"),
        ("vieni.si/no? km/h, e/o, 3.5/10, a.b.c/d", "vieni.si/no? km/h, e/o, 3.5/10, a.b.c/d"),
        ("esempio.it dice, stanco.cinema/pizza", "esempio.it dice, stanco.cinema/pizza"),
    ],
)
def test_urls(tweet, expected):
    assert clean_tweet(tweet) == expected


@pytest.mark.parametrize(
    "stump",
    ["http://t.co/Ab12…", "http://t.co…", "http://t.c…", "https://t…", "http://…", "http:/…", "http:…", "htt…", "h…"],
)
def test_cut_off_urls_go_with_their_ellipsis(stump):
    assert clean_tweet(f"Grandi ragazzi! {stump}") == "Grandi ragazzi!"


def test_an_ellipsis_that_is_no_url_stays():
    assert clean_tweet("Non so… boh… oh… per anch…") == "Non so… boh… oh… per anch…"


@pytest.mark.parametrize(
    ("tweet", "expected"),
    [
        ("scrivi a mario.rossi+calcio@posta.esempio.it!", "scrivi a !"),
        ("scrivi a...info@esempio.it.", "scrivi a... ."),
        ("all'info@esempio.it", "all'"),
        ("info@esempio.ithttp://esempio.it", ""),
        ("info@esempio.it2", "info@esempio.it2"),
        ("quota 2@1.50", "quota 2@1.50"),
    ],
)
def test_emails(tweet, expected):
    assert clean_tweet(tweet) == expected


def test_everything_else_is_kept():
    tweet = "#ForzaToro PERCHÉ no?! l'è bela 👩‍👩‍👧 👍🏽 🇮🇹 &lt;3 &amp; «così»… :-( 100% e/o #città"
    assert clean_tweet(tweet) == tweet


def test_white_space_collapses():
    assert clean_tweet(" a\n\n b\t\xa0c ") == "a b c"


def test_switches_leave_the_other_kinds_whole():
    tweet = "@a b@esempio.it http://esempio.it/@c"
    assert clean_tweet(tweet, mentions=False) == "@a"
    assert clean_tweet(tweet, emails=False) == "b@esempio.it"
    assert clean_tweet(tweet, urls=False) == "http://esempio.it/@c"
    assert clean_tweet(tweet, mentions=False, urls=False, emails=False) == tweet


_PIECES = st.sampled_from(
    [
        "@",
        "a",
        "b1",
        "_",
        ".",
        "-",
        "+",
        "%",
        "…",
        "...",
        "/",
        ":",
        "(",
        ")",
        "#",
        "è",
        "😂",
        "RT",
        "h",
        "http",
        "http://",
        "https://t.co/",
        "t.co/",
        "www.",
        ".it",
        "@user",
        "x@y.it",
        "http://t.c…",
        "pic.twitter.com/",
        "bit.ly/",
        ".bsky.social",
        "@mas.to",
    ]
    + [" ", "\n"]
)


@settings(max_examples=1500, deadline=None)
@given(st.one_of(st.lists(_PIECES, max_size=14).map("".join), st.text(max_size=40)), st.tuples(*[st.booleans()] * 3))
@example("@a.b@c.it", (True, True, True))
@example("a@b.cc@d.it", (True, True, True))
@example("http://t.co/a@b", (False, True, True))
@example("x@y.itb1x@y.it", (True, True, True))
@example("x@y.it_x@y.it", (False, False, True))
@example("http...www.b1", (True, True, True))
@example("x@y.it@t.co/x@y.it", (False, False, True))
def test_cleaning_twice_changes_nothing_more(text, switches):
    options = dict(zip(("mentions", "urls", "emails"), switches, strict=True))
    once = clean_tweet(text, **options)
    assert clean_tweet(once, **options) == once


@given(st.text(alphabet=string.ascii_letters + "àèéìòù .,;!?#'’&", max_size=80))
def test_text_without_the_three_is_only_collapsed(text):
    text = text.replace("www", "w").replace("t.co", "t co")
    assert clean_tweet(text) == " ".join(text.split())


@pytest.mark.parametrize(
    "piece",
    [
        "@",
        "@a",
        "http://",
        "http:/",
        "http://(",
        "http://(a",
        "http://!",
        "a.a.a.@",
        "a.",
        "a..",
        "a-",
        "a@",
        "a@a.",
        ".a@b.c",
        "www.",
        "t.co/",
        "h",
        "ht…",
        "RT@",
        "@_",
        "\x00",
        "bit.ly/",
        "a.ly",
        "@a.b",
        "@a-",
        "@a@b.",
        "pic.twitter.com/",
        "t.co/a://",
    ],
)
def test_hostile_input_takes_linear_time(piece):
    # A megabyte each: a quadratic pattern would not come back from this within the hour.
    hostile = piece * (1_000_000 // len(piece))
    assert len(clean_tweet(hostile)) <= len(hostile)
    assert len(clean_tweet(hostile, mentions=False)) <= len(hostile)


def test_clean_tweets_keeps_index_name_and_missing():
    tweets = pd.Series(["@a ciao", None, np.nan, ""], index=list("wxyz"), name="text", dtype=object)
    cleaned = clean_tweets(tweets)
    assert cleaned.index.tolist() == list("wxyz")
    assert cleaned.name == "text"
    assert cleaned.isna().tolist() == [False, True, True, False]
    assert cleaned["w"] == "ciao"


def test_clean_tweets_takes_a_list():
    cleaned = clean_tweets(["@a ciao", None])
    assert cleaned.index.tolist() == [0, 1]
    assert cleaned[0] == "ciao"
    assert cleaned.isna().tolist() == [False, True]
    assert clean_tweets([]).tolist() == []
    with pytest.raises(TypeError, match="expected a Series or a list of tweets, got one str"):
        clean_tweets("@a ciao")


def test_one_answer_to_what_is_missing():
    for value in (None, float("nan"), np.float32("nan"), np.float16("nan"), pd.NA, pd.NaT, np.datetime64("NaT")):
        assert is_missing(value) is True
    for value in ("", "nan", 0, 0.0, False, [], [None], np.array([np.nan]), np.array(np.nan), {}, b""):
        assert is_missing(value) is False


def test_a_lone_surrogate_survives():
    assert clean_tweets(pd.Series(["a\ud800 @b"], dtype=object))[0] == "a\ud800"


def test_wrong_types_are_named():
    with pytest.raises(TypeError, match="expected a tweet as str, got int"):
        clean_tweet(3)
    with pytest.raises(TypeError, match=r"row 1 \(index 'y'\).*got int: 7"):
        clean_tweets(pd.Series(["a", 7], index=["x", "y"]))
    with pytest.raises(TypeError, match=r"row 1 \(index 151\): expected"):
        clean_tweets(pd.Series(["a", 7], index=[150, 151]))
    with pytest.raises(TypeError, match=r"row 0 \(index 0\): .* got list: \['a'\]"):
        clean_tweets([["a"]])
