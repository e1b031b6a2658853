"""What one can do to training tweets so that a model learns less from their subject: weights, masks, swaps, pairs.

All of it is old and plain: reweighing (Kamiran and Calders 2012), masking of names, and counterfactual data
augmentation (Zhao et al. 2018; Lu et al. 2020). Whether any of it helps is measured: `experiments/bias.py`.
"""

from __future__ import annotations

import random
import re

import numpy as np
import pandas as pd

from ..evaluation.scores import check_index
from ..labels import label_dtype

MASK = "[MASK]"
"""BERT's own token for a word that is not shown; cleaning and tokenizers keep it."""

_ARTICLE = re.compile(r"(il |lo |la |l'|i |gli |le )(.+)")


def balancing_weights(labels: pd.Series, groups: pd.Series) -> pd.Series:
    """Weights that give each group the same say and the same shares of labels.

    Parameters
    ----------
    labels : Series
        Without missing values; say the label of each tweet.
    groups : Series
        With the same index, without missing values; say the domain of each tweet.

    Returns
    -------
    Series of float
        Named `weight`, with the same index, its mean 1.

    Raises
    ------
    ValueError
        Different indexes, or a group in which a label never occurs: no weight can mend that.
    """
    check_index(labels, groups, "labels and groups")
    labels, groups = labels.astype(str), groups.astype(str)
    cells = pd.crosstab(groups, labels)
    empty = [(group, label) for group in cells.index for label in cells.columns if cells.loc[group, label] == 0]
    if empty:
        group, label = empty[0]
        raise ValueError(f"no row of the group {group!r} is {label}; its label cannot be weighted up")
    wanted = labels.map(labels.value_counts()) / len(cells)  # rows that the cell of each row should count as
    there = groups.groupby([groups, labels]).transform("size")
    return (wanted / there).rename("weight")


def clubs_in(pairs: pd.DataFrame) -> pd.DataFrame:
    """The clubs that counterfactual pairs of clubs are about: `name` and the `article` it takes, each once."""
    named = pairs[pairs["family"].isin(["rival_clubs", "north_south"])]
    found = {_ARTICLE.fullmatch(subject) for side in ("subject_a", "subject_b") for subject in named[side].unique()}
    rows = sorted({(match[2], match[1]) for match in found if match})
    return pd.DataFrame(rows, columns=["name", "article"])


def mask_clubs(texts: pd.Series, clubs: pd.DataFrame, *, mask: str = MASK) -> pd.Series:
    """Put `mask` for the name of any club, cities of the same name included; use it in training and in use alike.

    `mask` is the word that the model's tokenizer has for it (`tokenizer.mask_token`), BERT's unless said otherwise.
    Names are found as they are written in `clubs`, capitals included, and as whole words: "forza roma" and #ForzaRoma
    stay. Many of them are common words (toro, como, pro), which a search without capitals would take.
    """
    return texts.str.replace(_pattern(clubs), mask, regex=True)


def swap_clubs(tweets: pd.DataFrame, clubs: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Copies of the tweets that name a club, with another club that takes the same article; labels are kept.

    Parameters
    ----------
    tweets : DataFrame
        With `text`, of tweets about football: elsewhere Roma and Napoli are cities.
    clubs : DataFrame
        As from `clubs_in`.
    seed : int, default 0
        Seed of the choice.

    Returns
    -------
    DataFrame
        The rows of `tweets` that name a club, with the new texts. In one tweet a club becomes the same other one
        throughout, and two clubs stay two.
    """
    pattern, generator = re.compile(_pattern(clubs)), random.Random(seed)
    named = tweets[tweets["text"].str.contains(pattern)]
    return named.assign(text=[_swapped(text, pattern, clubs, generator) for text in named["text"]])


def counterfactual_tweets(pairs: pd.DataFrame) -> pd.DataFrame:
    """Both texts of each pair as training tweets, `text` and `label`, the tone of the frame; each text once."""
    sides = [pd.DataFrame({"text": pairs[side], "label": pairs["tone"]}) for side in ("text_a", "text_b")]
    return pd.concat(sides).drop_duplicates("text").astype({"label": label_dtype}).reset_index(drop=True)


def split_frames(pairs: pd.DataFrame, *, share: float = 0.5, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pairs to train on and pairs to test with: no frame, so no sentence, is in both; each family is in each.

    Raises
    ------
    ValueError
        A family with a single frame, or a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, but {share} was passed")
    generator = np.random.default_rng(seed)
    chosen: set[str] = set()
    for family, members in pairs.groupby("family", sort=False):
        frames = members["frame"].unique()
        if len(frames) < 2:
            raise ValueError(f"family {family!r} has one frame; at least two are needed to split it")
        n = min(max(round(share * len(frames)), 1), len(frames) - 1)
        chosen |= set(generator.permutation(frames)[:n])
    trained = pairs["frame"].isin(chosen)
    return pairs[trained], pairs[~trained]


def _pattern(clubs: pd.DataFrame) -> str:
    """Any of the names as a whole word or hashtag, the longest first."""
    names = sorted(map(re.escape, clubs["name"]), key=len, reverse=True)
    return rf"\b(?:{'|'.join(names)})\b" if names else r"(?!)"


def _swapped(text: str, pattern: re.Pattern[str], clubs: pd.DataFrame, generator: random.Random) -> str:
    article = dict(zip(clubs["name"], clubs["article"], strict=True))
    here = sorted(set(pattern.findall(text)))
    becomes: dict[str, str] = {}
    for name in here:
        taken = {*here, *becomes.values()}
        # A name of two words would break a hashtag.
        others = sorted(o for o in article if article[o] == article[name] and o not in taken and " " not in o)
        becomes[name] = generator.choice(others) if others else name
    return pattern.sub(lambda match: becomes[match[0]], text)
