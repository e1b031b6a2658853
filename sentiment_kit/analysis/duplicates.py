"""Which tweets say nearly the same: retweets, copies with another link, chain messages.

Two tweets are near-duplicates if they share most of their word pairs (Jaccard similarity of shingles, Broder 1997);
what is a near-duplicate of a near-duplicate belongs to the same group. Copies count once in an error analysis, and must
not lie on both sides of a split.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from ..cleaning import MARK, WORD, as_column, clean_tweet, iter_texts

_TOKEN = re.compile(rf"{MARK}|{WORD}")  # the sign of a hashtag apart: with it or without, a word is the same
_RETWEET = re.compile(r"^(?:rt\b\W*)+")
_ROWS = 2000  # compared with all at a time


def near_duplicates(texts: pd.Series | Sequence[str | None], *, threshold: float = 0.6) -> pd.Series:
    """Group texts that are nearly the same.

    Parameters
    ----------
    texts : Series or sequence of str
        Texts, n of them. Mentions, links, "RT" and case make no difference. A missing or empty text is alone.
    threshold : float in (0, 1], default 0.6
        Share of word pairs, of those that either has, that two texts must have in common.

    Returns
    -------
    Series of int
        Group numbers from 0 in order of appearance, with the index of `texts`; texts with the same number are
        near-duplicates.

    Raises
    ------
    TypeError
        If a value is neither a string nor missing, naming its position and index label.
    ValueError
        A threshold outside (0, 1].

    Examples
    --------
    >>> near_duplicates(["Che gol, ragazzi!", "RT @a: che gol, ragazzi! http://t.co/x", "Che noia"]).tolist()
    [0, 0, 1]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, but {threshold} was passed")
    texts = as_column(texts)
    shingles = _shingles(texts)  # (n texts, distinct word pairs), 0 or 1
    sizes = shingles.sum(axis=1)
    links = []
    for start in range(0, len(texts), _ROWS):
        shared = coo_array(shingles[start : start + _ROWS] @ shingles.T)
        row, column = shared.row + start, shared.col
        alike = (row < column) & (shared.data >= threshold * (sizes[row] + sizes[column] - shared.data))
        links.append(np.stack([row[alike], column[alike]]))
    rows, columns = np.concatenate(links, axis=1) if links else np.zeros((2, 0), dtype=int)
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(len(texts), len(texts)))
    _, groups = connected_components(graph, directed=False)
    return pd.Series(pd.factorize(groups)[0], index=texts.index, name="group")


def _shingles(texts: pd.Series) -> csr_array:
    column_of: dict[tuple[str, ...], int] = {}
    rows, columns = [], []
    for row, text in enumerate(iter_texts(texts)):
        words = ["", *_TOKEN.findall(_RETWEET.sub("", clean_tweet(text or "").lower())), ""]
        pairs = set(zip(words, words[1:], strict=False)) if len(words) > 2 else set()
        rows += [row] * len(pairs)
        columns += [column_of.setdefault(pair, len(column_of)) for pair in pairs]
    return csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(texts), len(column_of)))
