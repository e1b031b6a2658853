"""What stands in a tweet, by its surface: negation, questions, emoji, shouting, length. No model, no grammar.

Each column says what is written, not what is meant: "non vedo l'ora" has a negation, and is one of joy. The lists in
phenomena.csv are all there is to it; emoji are found by the `emoji` library. Texts are cleaned first, so that the
question mark of a link is none.

How well the marks agree with the annotation of the demo corpus is in `tests/analysis/test_phenomena.py`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from pathlib import Path

import emoji
import numpy as np
import pandas as pd

from ..cleaning import MARK, WORD, as_column, clean_tweet, iter_texts

_MARKS = pd.read_csv(Path(__file__).with_name("phenomena.csv"), keep_default_na=False).set_index("mark")
EMOJI = {mark: frozenset(signs) for mark, signs in _MARKS["emoji"].items()}
"""By mark the emoji that make it, without skin tone."""
_PATTERNS = {mark: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)") for mark, pattern in _MARKS["pattern"].items()}

_ROMAN = re.compile(r"[IVXLCDM]+")
_REPEATED = re.compile(r"(.)\1\1", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(rf"{WORD}|{MARK}")
_NOT_PLAIN = re.compile(r"[^\x00-\u024f\u2010-\u2027]")  # what no emoji begins with
_KEYCAPS = frozenset("*#0123456789")


def tag_phenomena(texts: pd.Series | Sequence[str | None], *, vocabulary: Container[str] | None = None) -> pd.DataFrame:
    """Say of each tweet what stands in it.

    Parameters
    ----------
    texts : Series or sequence of str
        Tweets, cleaned here.
    vocabulary : container of str, optional
        Words that are known, say `model.tokenizer.get_vocab()` for the words that are one piece. A word counts as known
        as it stands, in lower case, or with the mark of a word's beginning ("▁", "Ġ"). None: `unknown` is NaN.

    Returns
    -------
    DataFrame
        With the index of `texts`. Bool: `negation`, `question`, `exclamation`, `emoji_positive`, `emoji_negative` (by
        the lists, emoticons too), `elongation` (a letter three times or more, but for Roman numerals),
        `laughter`, `contrast`, `intensifier`. Int: `hashtags`; `length` in words, numbers and marks, emoji one each.
        Float: `upper_case`, the share of letters that are capitals (0 without letters); `unknown`, the share of words
        that are not in `vocabulary`, in [0, 1], NaN without a vocabulary or without words. A missing text has none of
        all.

    Raises
    ------
    TypeError
        If a value is neither a string nor missing, naming its position and index label.

    Examples
    --------
    >>> tags = tag_phenomena(["Non male, ma troppo caroooo 😡"])
    >>> tags.columns[tags.iloc[0].eq(True)].tolist()
    ['negation', 'contrast', 'intensifier', 'emoji_negative', 'elongation']
    """
    texts = as_column(texts)
    rows = [_tags(clean_tweet(text or ""), vocabulary) for text in iter_texts(texts)]
    one_more = _tags("", None)  # so that every column has its type, without a text as well
    return pd.DataFrame([*rows, one_more]).iloc[:-1].set_axis(texts.index)


def _tags(text: str, vocabulary: Container[str] | None) -> dict[str, bool | int | float]:
    signs = _emoji_in(text)
    marked = {mark: bool(pattern.search(text) or signs & EMOJI[mark]) for mark, pattern in _PATTERNS.items()}
    tokens = _TOKEN.findall(emoji.replace_emoji(text, " ☺ ") if signs else text)
    words = _LETTERS.findall(text)
    letters = sum(map(len, words))
    return marked | {
        "question": "?" in text,
        "exclamation": "!" in text,
        "elongation": any(_REPEATED.search(word) and not _ROMAN.fullmatch(word) for word in words),
        "hashtags": sum(token[0] == "#" and len(token) > 1 for token in tokens),
        "length": len(tokens),
        "upper_case": sum(sign.isupper() for word in words for sign in word) / letters if letters else 0.0,
        "unknown": _unknown_share(words, vocabulary),
    }


def _emoji_in(text: str) -> set[str]:
    """The emoji of a text, without skin tone and variation."""
    if not _NOT_PLAIN.search(text):
        return set()
    return {found["emoji"][:1] for found in emoji.emoji_list(text)} - _KEYCAPS


def _unknown_share(words: list[str], vocabulary: Container[str] | None) -> float:
    if vocabulary is None or not words:
        return np.nan
    spellings = ((word, word.lower(), f"▁{word}", f"▁{word.lower()}", f"Ġ{word}") for word in words)
    return sum(not any(spelling in vocabulary for spelling in known) for known in spellings) / len(words)
