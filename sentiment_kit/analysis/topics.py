"""What a tweet is about: a classifier that understands, and its verdict on football.

An adapter of the embedded demo model with a head of eight topics, made by `experiments/topic_tagger.py`. It reads the
sentence, so it finds football that names no club, and leaves alone most of what only sounds like it; how often it is
wrong stands in `topic_adapter/README.md`. Without a model, and far faster, there is `lexicon`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..cleaning import as_column, clean_tweets
from ..evaluation.intervals import stratified_proportion
from ..files.encodings import well_formed
from .lexicon import football_cues

if TYPE_CHECKING:
    from ..model import SentimentModel

TOPICS = (
    "football", "politics", "school_work", "tv_music", "food_travel", "services_tech", "weather_daily", "other",
)  # fmt: skip
"""The domains of the demo corpus, and what is none of them: other sports, law, business, history."""
TOPICS_FOLDER = Path(__file__).parent / "topic_adapter"
THRESHOLD = 0.5


def tag_football(texts: pd.Series | Sequence[str | None]) -> pd.DataFrame:
    """Say of each tweet whether it is about football, how surely, and which of its words are football's.

    Parameters
    ----------
    texts : Series or sequence of str
        Raw tweets.

    Returns
    -------
    DataFrame
        With the index of `texts`: `football` bool, a `probability` of at least one half; `probability` of football in
        [0, 1], NaN where there is nothing to read; `evidence`, the cues of the lexicon in order of occurrence, joined
        by ", ": an explanation where there are some, and no reason for the verdict.

    Raises
    ------
    ModelError
        The extra `adapters` is not installed.
    TypeError
        If a value is neither a string nor missing, naming its position and index label.
    """
    cues = football_cues(texts)
    found = tag_topics(texts)["football"]
    return pd.DataFrame({"football": found >= THRESHOLD, "probability": found, "evidence": cues["evidence"]})


def sentipolc_football() -> pd.Series:
    """How much of SENTIPOLC's official training file is about football, counted by reading.

    Returns
    -------
    Series
        As from `evaluation.stratified_proportion`: `share` in [0, 1] of the 7,410 tweets, with its 95% interval `low`
        to `high`, and `n`, how many were read.

    Notes
    -----
    For this project one person read all 423 tweets that have a word of football's (of a wide list, most of which mean
    something else, too), and a random sample of the others. `sentences/sentipolc_football.csv` has the counts.
    """
    return stratified_proportion(pd.read_csv(TOPICS_FOLDER.with_name("sentences") / "sentipolc_football.csv"))


def tag_topics(texts: pd.Series | Sequence[str | None]) -> pd.DataFrame:
    """Say of each tweet what it is about.

    `texts` and errors as in `tag_football`.

    Returns
    -------
    DataFrame
        With the index of `texts`: a column for each of `TOPICS`, probabilities that sum to 1, and `topic`, the
        likeliest. Missing where there is nothing to read.
    """
    from ..batching import score

    column = as_column(texts)
    cleaned = [well_formed(text) for text in clean_tweets(column).fillna("")]
    model = _tagger()
    probabilities = score(model, cleaned).probabilities.astype(float)
    table = pd.DataFrame(probabilities, columns=list(TOPICS), index=column.index)
    known = ~np.isnan(probabilities[:, 0])
    best = np.where(known, np.nan_to_num(probabilities).argmax(axis=1), -1)
    table["topic"] = pd.Categorical.from_codes(best, categories=list(TOPICS))
    return table


def tagger_counts() -> pd.DataFrame:
    """How often the tagger of football is right, from its card.

    Returns
    -------
    DataFrame
        Indexed by the `texts` it was measured on: `right` of those `tagged`, and `football` in all; counts.
    """
    card = (TOPICS_FOLDER / "README.md").read_text(encoding="utf-8")
    row = r"^\| (.+?) \| [^|]+ \| (\d+) of (\d+) \| [^|]+ \| \d+ of (\d+) \|"
    table = pd.DataFrame(re.findall(row, card, flags=re.MULTILINE), columns=["texts", "right", "tagged", "football"])
    return table.set_index("texts").astype(int)


@lru_cache(maxsize=1)
def _tagger() -> SentimentModel:
    from ..model import load_classifier

    return load_classifier(TOPICS_FOLDER, TOPICS)
