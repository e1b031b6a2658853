"""Noisy copies of training tweets: misspelt, in another case, with a word dropped."""

from __future__ import annotations

import random

import pandas as pd

from sentiment_kit.cleaning import clean_tweets


def noisy_copies(train: pd.DataFrame, copies: int, seed: int) -> pd.DataFrame:
    """`train` and, below it, `copies` noisy versions of each row with its label; texts come cleaned."""
    cleaned = train.assign(text=clean_tweets(train["text"]))
    generator = random.Random(seed)
    noisy = [cleaned.assign(text=[_noisy(text, generator) for text in cleaned["text"]]) for _ in range(copies)]
    return pd.concat([cleaned, *noisy], ignore_index=True)


def _noisy(text: str, generator: random.Random) -> str:
    """Drop one word in ten and change one in three, some of them twice; hashtags and masks keep their form."""
    kept = [word for word in text.split() if generator.random() > 0.1]
    return " ".join(_noisy_word(_noisy_word(word, generator), generator) for word in kept) or text


def _noisy_word(word: str, generator: random.Random) -> str:
    if word.startswith(("#", "[")) or len(word) < 2 or generator.random() > 0.2:
        return word
    at = generator.randrange(len(word) - 1)
    variants = (
        word.swapcase() if word.islower() or word.isupper() else word.lower(),
        word.capitalize(),
        word[:at] + word[at] * 2 + word[at:],  # a letter held down
        word[:at] + word[at + 1 :],  # a letter lost
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],  # two letters swapped
    )
    return generator.choice(variants)
