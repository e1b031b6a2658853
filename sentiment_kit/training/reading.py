"""Files to the tables of a training: what can be learned from, dealt out; what is left out is said in a note."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from ..data import load_data
from ..errors import DataError, Note
from .fine_tuning import readable
from .splits import split_tweets, without_copies


def labelled_tweets(source: str, split: str, reading: dict[str, Any]) -> pd.DataFrame:
    """The rows with a label and something to read."""
    tweets = load_data(source, split=split, labelled=True, **reading)
    tweets = without_rows(tweets, tweets["label"].isna(), source, "without label")
    return without_rows(tweets, ~readable(tweets["text"]), source, "with nothing to read")


def without_rows(tweets: pd.DataFrame, gone: pd.Series, source: str, what: str) -> pd.DataFrame:
    """The other rows; how many are gone is said."""
    if gone.any():
        warnings.warn(f"{source}: {gone.sum():,} rows {what} were left out", Note, stacklevel=2)
    return tweets[~gone]


def tables_of(
    labelled: pd.DataFrame, source: str, own: dict[str, str | None], reading: dict[str, Any], seed: int
) -> dict[str, pd.DataFrame]:
    """Training, validation and test split; a file of one's `own` stands for a part, and copies of its tweets leave."""
    held_out = {}
    for name, file in own.items():
        if file is not None:
            held_out[name] = labelled_tweets(file, "test", reading)
            before = len(labelled)
            labelled = without_copies(labelled, held_out[name])
            warnings.warn(
                f"{file}: {len(held_out[name]):,} tweets for {name}; {before - len(labelled):,} rows of {source} are "
                "copies of one and were left out",
                Note,
                stacklevel=2,
            )
    try:
        parts = split_tweets(labelled, test=0 if "test" in held_out else 0.2, seed=seed)
    except ValueError as error:
        raise DataError(f"{source}: {error}") from error
    if "validation" in held_out:
        parts = parts.replace("validation", "train")
    tables = {name: labelled[parts == name] for name in ("train", "validation", "test")} | held_out
    sizes = ", ".join(f"{name} {len(table):,}" for name, table in tables.items())
    warnings.warn(f"{sizes} tweets", Note, stacklevel=2)
    return tables
