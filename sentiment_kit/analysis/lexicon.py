"""Which tweets are about football, by evidence one can read: cues of `football_lexicon.csv`, and no model.

A cue that decides `alone` (fuorigioco, Juventus, #SerieA) is worth 1.0, a `second` one (tifosi, arbitro, Roma) 0.5,
and a tweet is football from 1.0 on. Only independent cues add up:

- the same cue twice, in whatever form (tifoso, tifosi), counts once, and a phrase is one cue, not its words;
- all cues of the groups `place`, `name` and `everyday` count once together: "Conte in campo a Roma" is not football,
  "il mister in campo a Roma" is;
- a cue that `never` counts hides the words in it: "partita IVA", "rigore di bilancio".

Notation of a cue: `tifos(o|i)` is tifoso or tifosi; `^Toro` needs its capital or a hashtag; `#amala` is a hashtag
only, `@acmilan` a mention only; `juve+` counts only as half of a hashtag of two (#JuveMilan). Case is ignored
otherwise. Each cue is also found as a hashtag without its spaces (#CalcioDAngolo).

Measured (`tests/analysis/test_lexicon.py`). SENTIPOLC 2016 training file, 593 tweets labelled by hand (all hits of a
broad keyword list, and 170 others at random): precision .951 (176 of 185), recall .907 (176 of 194); on the half whose
errors were not looked at while the lexicon was made .943 (83 of 88) and .883 (83 of 94). This recall is mostly that
among keyword hits: of the 170 at random only one was about football, by a hashtag taken in after reading it. Demo
corpus, which writes about football with few keywords: precision .995 (1,284 of 1,290), recall .367 (1,284 of 3,500). So
a tweet that is tagged is about football; one that is not may be all the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..cleaning import MARK, WORD, as_column, iter_texts
from ..files.encodings import text_dtype

LEXICON_FILE = Path(__file__).parent / "football_lexicon.csv"

KINDS = {"alone": 1.0, "second": 0.5, "never": 0.0}
THRESHOLD = 1.0

# Words that meet in any tweet ("un campo a Roma"), so that two of them prove no more than one.
_COMMON_GROUPS = {"place", "name", "everyday"}

# A link is one token, so that no word of an address is a cue; punctuation marks are tokens, so that "in serie. A casa"
# is not "serie A". No alternative can begin where another goes on: linear time.
_TOKEN = re.compile(rf"https?:/\S*|{WORD}|{MARK}")
_HASHTAG_WORD = re.compile(r"[^\W\d_a-z][^\W\d_A-Z]+|\d+")
_ALTERNATIVES = re.compile(r"\(([^()]*)\)")


class _Cue(NamedTuple):
    name: str  # as it stands in the evidence
    marks: tuple[str, ...]  # of each word: "^" needs a capital, "#" a hashtag, "" nothing
    row: int  # forms of one row are one cue
    counts_as: int | str  # of those with the same, one counts
    kind: str


class _Index(NamedTuple):
    """The lexicon, to be looked up word by word."""

    lengths: dict[str, list[int]]  # first word -> numbers of words of the cues that begin with it, longest first
    cues: dict[tuple[str, ...], _Cue]
    hashtags: dict[str, _Cue]


def football_cues(texts: pd.Series | Sequence[str | None]) -> pd.DataFrame:
    """Say of each tweet by which words it is about football, and whether they suffice.

    Parameters
    ----------
    texts : Series or sequence of str
        Raw tweets: cleaning removes the mentions, and an account is evidence too.

    Returns
    -------
    DataFrame
        With the index of `texts`: `football` bool, `score` at least 1.0; `evidence` the cues in order of occurrence, in
        lower case, each once, joined by ", ", empty if there are none; `score` float, the sum over independent cues (0
        is none; no upper bound). A missing text gives False, "" and 0.0.

    Raises
    ------
    TypeError
        If a value is neither a string nor missing, naming its position and index label.

    Examples
    --------
    >>> football_cues(["Rigore parato, che partita!", "Rigore di bilancio"])["evidence"].tolist()
    ['rigore parato, partita', '']
    """
    texts = as_column(texts)
    found = [("", 0.0) if text is None else _evidence(text) for text in iter_texts(texts)]
    types = {"evidence": text_dtype, "score": float}
    table = pd.DataFrame(found, index=texts.index, columns=list(types)).astype(types)
    return table.assign(football=table["score"] >= THRESHOLD)[["football", "evidence", "score"]]


def _evidence(text: str) -> tuple[str, float]:
    """The cues of one tweet, joined, and its score."""
    index = _index()
    tokens = _TOKEN.findall(text.replace("’", "'"))
    has_hashtag = "#" in text
    if has_hashtag:
        tokens = [part for token in tokens for part in _split_hashtag(token, index)]
    words = " ".join(tokens).lower().replace("#", "").split(" ")
    names: dict[int, str] = {}
    scores: dict[int | str, float] = {}
    end = 0  # of the last cue: a word belongs to one cue only
    for start, word in enumerate(words):
        if start < end or not (word in index.lengths or (has_hashtag and tokens[start][0] == "#")):
            continue
        cue, end = _cue_at(start, tokens, words, index)
        if cue and cue.kind != "never":
            is_hashtag = tokens[start][0] == "#" and end == start + 1
            names.setdefault(cue.row, f"#{word}" if is_hashtag else cue.name)
            scores[cue.counts_as] = KINDS[cue.kind]
    return ", ".join(names.values()), sum(scores.values())


def _split_hashtag(token: str, index: _Index) -> list[str]:
    """#FinoAllaFineForzaJuventus as its words, unless the whole is a cue or has no capitals to go by."""
    word = token[1:].lower()
    if token[0] != "#" or (word,) in index.cues or word.replace("_", "") in index.hashtags:
        return [token]
    return _HASHTAG_WORD.findall(token) or [token]


def _cue_at(start: int, tokens: list[str], words: list[str], index: _Index) -> tuple[_Cue | None, int]:
    """The longest cue that begins at a token, and the position after it."""
    for length in index.lengths.get(words[start], ()):
        cue = index.cues.get(tuple(words[start : start + length]))
        if cue and all(map(_meets, cue.marks, tokens[start : start + length])):
            return cue, start + length
    if tokens[start][0] == "#":
        return index.hashtags.get(words[start].replace("_", "")), start + 1
    return None, start + 1


def _meets(mark: str, token: str) -> bool:
    return not mark or token[0] == "#" or (mark == "^" and token[0].isupper())


@lru_cache(maxsize=1)
def _index() -> _Index:
    cues: dict[tuple[str, ...], _Cue] = {}
    halves = []
    lexicon = pd.read_csv(LEXICON_FILE, dtype=text_dtype, keep_default_na=False)
    for row, (group, notation, kind, _) in enumerate(lexicon.itertuples(index=False)):
        counts_as = "common" if group in _COMMON_GROUPS else row
        for form in _forms(notation):
            if form.endswith("+"):
                halves.append(form[:-1])
            else:
                name = form.lower().replace("^", "").replace("#", "")
                marks = tuple(mark for mark, _ in re.findall(r"([#^]?)(@?\w+|[^\w\s])", form))
                cues[tuple(_TOKEN.findall(name))] = _Cue(name, marks, row, counts_as, kind)
    lengths: dict[str, set[int]] = {}
    for words in cues:
        lengths.setdefault(words[0], set()).add(len(words))
    pairs = {  # both orders; each pair is a cue of its own, numbered apart from the rows
        "".join(pair): _Cue("", (), -number, -number, "alone")
        for number, pair in enumerate(itertools.permutations(halves, 2), start=1)
    }
    joined = {re.sub(r"[\W_]", "", cue.name): cue for cue in cues.values() if re.search(r"\w", cue.name)}
    return _Index({word: sorted(found, reverse=True) for word, found in lengths.items()}, cues, pairs | joined)


def _forms(notation: str) -> list[str]:
    """All spellings of a cue: `tifos(o|i)` is tifoso and tifosi."""
    parts = _ALTERNATIVES.split(notation)  # text, alternatives, text, ...
    choices = [part.split("|") if number % 2 else [part] for number, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]
