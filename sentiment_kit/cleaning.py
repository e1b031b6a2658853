"""What the model never saw in training leaves the text: @mentions, URLs, e-mail addresses. Nothing else does.

The model card: "we removed only @mentions, urls and emails from every tweet and kept pretty much everything else".
Hashtags, emoji, case, accents, punctuation and HTML entities stay as they are. No lower-casing, no normalisation.

One compiled pattern, one pass. Two properties shape it and are tested:

- idempotent: what is removed leaves a space, and no part of the pattern looks at its left neighbour in a way that this
  space could change (which is why `@`-chains glued to a removed piece go with it);
- linear time on any input: no two quantifiers can share a character, and a run of characters is entered once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from .files.encodings import text_dtype

__all__ = ["clean_tweet", "clean_tweets"]

WORD = r"[#@]?\w+"
"""What a word is, as a regular expression: letters, digits and underscores, with the sign of a hashtag or mention."""
MARK = r"[^\w\s]"
"""What stands between words and is no white space."""

# Characters of a URL and how it can end: "(see http://a.it/b)." keeps its bracket and full stop, "…/Roma_(serie)" owns
# its brackets.
_URL_CHAR = r"[\w\-.~:/?#\[\]@!$&'*+,;=%\\]"
_URL_REST = rf"(?:{_URL_CHAR}|\({_URL_CHAR}*\))*(?:[\w\-~/#$&=+%]|\({_URL_CHAR}*\))"

# Domains end so. A bare link has a path ("bit.ly/x"); it may end in any two letters but a word of Italian
# ("andiamo.si/no"), or in one of these; hosts whose end is such a word stand by name. A handle needs no path.
_ENDS = (
    "com|org|net|info|edu|gov|biz|name|mobi|news|blog|online|site|shop|store|live|life|today|world|social|network|party|"
    "community|cloud|space|club|page|link|team|media|press|radio|tube|video|app|dev|xyz|eus|cat|uno|exchange|lgbt"
)
_ITALIAN = "ad|ai|al|ci|da|di|ed|in|io|la|le|li|lo|ma|me|mi|ne|no|od|se|si|su|te|ti|to|tu|tv|vi"
_HOSTS = r"lnkd\.in|amzn\.to|huff\.to|mas\.to|t\.me|wa\.me|fb\.me|wp\.me|git\.io|twitch\.tv"
_PICTURE = r"pic\.(?:twitter|x)\.com/"
_NOT_URL = r"(?!https?:/)"
_DOMAIN = rf"(?:(?:(?:(?!{_PICTURE})[\w-])+\.)+(?:(?!(?:{_ITALIAN})/)[^\W\d_]{{2}}|{_ENDS})|{_HOSTS})"

# Each piece but the rare ones is written as what follows its first character, so that the engine can skip at full speed
# to the few characters a piece begins with; look-behinds then say which of them it was and what stood before it.
#
# A t.co path is letters and digits only, ten at most, so whatever follows is text again: "http://t.co/abc:ecco", unless
# it is the next link, without a space ("t.co/Abcpic.twitter.com/Q"). Tweets end in URLs cut off anywhere
# ("http://t.c…", "http:/…", "h…"); the ellipsis goes with its stump. "a.www.b" is no link, but what follows an ellipsis
# may be one ("ecco...www.b").
_CODE = rf"\w{{0,10}}(?:\w*(?:\.(?:twitter|x)\.com/\w+|://(?:t\.co/\w{{0,10}}|{_URL_REST})))*"
_URL = rf"""
    (?<=[hH]) [tT][tT][pP][sS]?
        (?: :/(?:/(?:t\.co/{_CODE}|(?:{_URL_REST})?))?…? | :?(?:…|\.\.\.) )
  | (?<=[hH])(?<!\w[hH]) [tT]{{0,2}}…
  | (?<=[wW])(?<![\w@/-][wW])(?<!^\.[wW])(?<![^.]\.[wW]) [wW][wW]\.{_URL_REST}…?
  | (?<=t)(?<![\w@/-]t)(?<!^\.t)(?<![^.]\.t) \.co/(?=\w){_CODE}…?
"""
# No possessive quantifier (`*+`) stands on a group here: before Python 3.11.5 a group that fails halfway keeps what it
# has read. None is needed: a shorter run of the group never fits what follows, so nothing is tried twice over.
#
# A handle has a letter or digit ("@_@" is a face) and ends where a link begins ("@utentehttp://t.co/abc"). After a word
# character "@" is no mention ("c@sa"), but "RT@user" is. On Bluesky a handle is a domain ("@anna.bsky.social"), and
# Mastodon adds the server's ("@anna@mastodon.uno"); "@anna.com'è?" is a missing space.
_NAME = rf"_*[^\W_](?:{_NOT_URL}\w)*"
_SERVER = r"(?:-[\w-]*)?(?:\.[\w-]+)*\."  # what a domain has between its first word and its end
_NO_WORD = r"(?:(?![\w'’])|(?=https?:/))"
_SERVERS = r"(?<=mas)\.to|(?<=hachyderm)\.io"  # whose ends are words of Italian
_OWN_PICTURE = r"(?<=pic)\.(?:twitter|x)\.com/\w+"  # glued to the name
_HANDLE = rf"{_NAME}(?:{_OWN_PICTURE}|(?:{_SERVER}(?:it|eu|fr|de|uk|es|ch|jp|nl|{_ENDS})|{_SERVERS}){_NO_WORD})?"
_MENTION = rf"(?<=[@＠])(?:(?<!\w[@＠])|(?<=\bRT[@＠])|(?<=\brt[@＠])){_HANDLE}"
_CHAIN = rf"(?P<chain>(?:[@＠]{_HANDLE})*)"
# The start of a local part is the start of a run of its characters, so that no run is scanned twice; the two
# look-behinds on the dot let "scrivimi...info@esempio.it" through and nothing that a removed neighbour would change. An
# address ends where a word ends or a link begins: what is glued to it could become the start of another.
_EMAIL = rf"""
    (?<![\w+%-])(?<!^\.)(?<![^.]\.)
    \w[\w+%-]*+(?:\.[\w+%-]++)* @ [\w-]+(?:\.[\w-]+)*\.(?:{_NOT_URL}[^\W\d_]){{2,}}
    (?:(?!\w)|(?=https?:/))
"""
_BARE = rf"{_PICTURE}\w+ | (?<![\w@/-])(?<!^\.)(?<![^.]\.){_DOMAIN}/(?=\w){_URL_REST}…?"
_URL_OR_MENTION = rf"[hHwWt@＠](?:(?P<url>{_URL})|(?P<mention>{_MENTION}))"

_EVERYTHING = re.compile(rf"(?:(?P<email>{_EMAIL})|(?P<bare>{_BARE})|{_URL_OR_MENTION}){_CHAIN}", re.VERBOSE)
_ORDINARY = re.compile(rf"{_URL_OR_MENTION}{_CHAIN}", re.VERBOSE)
# Each begins with one character, which the engine finds at full speed.
_MAYBE_EMAIL = re.compile(r"@(?<=[\w+%-]@)")
_MAYBE_BARE = re.compile(r"\.(?<!//t\.)[^\W\d_]{2,9}/")


def clean_tweet(text: str, *, mentions: bool = True, urls: bool = True, emails: bool = True) -> str:
    """Remove @mentions, URLs and e-mail addresses from a tweet and collapse white space; keep all else.

    Parameters
    ----------
    text : str
    mentions, urls, emails : bool, default True
        What to remove. A piece that stays is left whole: an address is not half-eaten as a mention.

    Returns
    -------
    str
        Possibly empty. Cleaning it again changes nothing.

    Raises
    ------
    TypeError
        If `text` is not a string.

    Examples
    --------
    >>> clean_tweet("@mister grazie!! #forza 👏 http://t.co/Ab12Cd34Ef")
    'grazie!! #forza 👏'
    """
    if not isinstance(text, str):
        raise TypeError(f"expected a tweet as str, got {type(text).__name__}: {text!r:.80}")
    if mentions and urls and emails:
        # Few tweets can hold an address or a bare link, and looking for them means a try at every word.
        rare = _MAYBE_EMAIL.search(text) or _MAYBE_BARE.search(text)
        text = (_EVERYTHING if rare else _ORDINARY).sub(" ", text)
    else:
        removed = {"url": urls, "bare": urls, "email": emails, "mention": mentions}
        text = _EVERYTHING.sub(lambda match: _partly_removed(match, removed), text)
    return " ".join(text.split())


def _partly_removed(match: re.Match[str], removed: dict[str, bool]) -> str:
    """What is left of one match when some kinds stay; a chain of mentions follows its own switch."""
    if not next(removed[kind] for kind in removed if match[kind] is not None):
        return match[0]
    return " " if removed["mention"] else " " + match["chain"]


def clean_tweets(
    tweets: pd.Series | Sequence[str | None], *, mentions: bool = True, urls: bool = True, emails: bool = True
) -> pd.Series:
    """`clean_tweet` for a column: same length, index and name; missing stays missing.

    Raises
    ------
    TypeError
        If a value is neither a string nor missing, naming its position and index label; for a single text.
    """
    tweets = as_column(tweets)
    switches = {"mentions": mentions, "urls": urls, "emails": emails}
    cleaned = [None if text is None else clean_tweet(text, **switches) for text in iter_texts(tweets)]
    return pd.Series(cleaned, index=tweets.index, name=tweets.name, dtype=text_dtype)


def as_column(texts: pd.Series | Sequence[str | None]) -> pd.Series:
    """Texts as a column; a single text, which is a sequence of characters, is a `TypeError`."""
    if isinstance(texts, str):
        raise TypeError(f"expected a Series or a list of tweets, got one str: {texts!r:.80}")
    return texts if isinstance(texts, pd.Series) else pd.Series(list(texts), dtype=object)


def iter_texts(tweets: pd.Series) -> Iterator[str | None]:
    """The texts of a column, None for a missing one.

    Raises
    ------
    TypeError
        If a value is neither a string nor missing, naming its position and index label.
    """
    for position, text in enumerate(tweets.tolist()):
        if isinstance(text, str):
            yield text
        elif is_missing(text):
            yield None
        else:
            raise TypeError(
                f"row {position} (index {tweets.index.tolist()[position]!r}): expected a tweet as str or a missing "
                f"value, got {type(text).__name__}: {text!r:.80}"
            )


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: None, NaN of any type, pd.NA, NaT; a list or an array never does."""
    return pd.api.types.is_scalar(value) and pd.isna(value)
