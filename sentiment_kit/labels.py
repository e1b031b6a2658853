"""The three sentiment labels, their order and categorical type, and the matching of foreign names to them.

The ground floor: imports nothing of the package. What a model or a file calls its classes is translated here and
nowhere else, by name and never by position.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

LABELS: tuple[str, ...] = ("negative", "neutral", "positive")

label_dtype = pd.CategoricalDtype(LABELS, ordered=True)
"""The type of every label column: ordered categorical, negative < neutral < positive; missing is allowed."""

# What checkpoints and corpora call the three, lower-cased. Digits and stars are left out on purpose: "1" is positive in
# one corpus, neutral in the next.
_NAMES = {
    "negative": ("negative", "neg", "negativo", "negativa"),
    "neutral": ("neutral", "neu", "neut", "neutro", "neutra", "neutrale"),
    "positive": ("positive", "pos", "positivo", "positiva"),
}
_MIXED = ("mixed", "mix", "misto", "mista", "ambivalent", "ambivalente", "neg_pos", "pos_neg", "both", "contrastante")
_LABEL_OF = {name: label for label, names in _NAMES.items() for name in names}


def match_label(name: object) -> str | None:
    """One of `LABELS` for a foreign name (`"NEG"`, `"Positivo"`), or None when it is none of the known names."""
    return _LABEL_OF.get(str(name).strip().lower())


def is_mixed_name(name: object) -> bool:
    """Whether a foreign name means both negative and positive, which three labels cannot say."""
    return str(name).strip().lower().replace("-", "_") in _MIXED


def label_key(name: object) -> str:
    """A foreign name as rules have it: in small letters, and a number that is whole without its fraction."""
    return str(name).strip().lower().removesuffix(".0")


def read_fold(rule: str) -> dict[str, str]:
    """What a rule such as `"1,2=negative 3=neutral 4,5=positive"` makes of other names than `LABELS`.

    Returns
    -------
    dict
        From `label_key` of each name to one of `LABELS`, or to `"mixed"`.

    Raises
    ------
    ValueError
        A rule of another form, a name that is there twice, or one that becomes no label.
    """
    form = r"([^=]+)=\s*(\S+)"
    parts, left = re.findall(form, rule), re.sub(form, "", rule).strip()
    pairs = [(label_key(name), target) for names, target in parts for name in names.split(",")]
    fold = {name: match_label(target) or ("mixed" if is_mixed_name(target) else "") for name, target in pairs}
    if not fold or "" in {*fold, *fold.values()} or len(fold) < len(pairs) or left:
        raise ValueError(
            f'expected a rule such as "1,2=negative 3=neutral 4,5=positive", each name once and each becoming one of '
            f"{', '.join(LABELS)} or mixed, but {rule!r} was given"
        )
    return fold


def match_labels(names: Sequence[object]) -> tuple[str, ...]:
    """Match the class names of a model to `LABELS`, in the order given.

    Parameters
    ----------
    names : sequence of str
        The 2 or 3 names, in the order of the model's outputs. Case and common short forms are understood (`NEG`,
        `Positive`, `pos`, `neutro`).

    Returns
    -------
    tuple of str
        As many as `names`. A two-class model gets two of `LABELS`.

    Raises
    ------
    ValueError
        For any other number of classes, a name that is no sentiment, nameless classes (`LABEL_0`), or two names
        with the same meaning.
    """
    given = [str(name) for name in names]
    if len(given) not in (2, 3):
        raise ValueError(f"expected 2 or 3 labels out of {', '.join(LABELS)}, but there are {len(given)}: {given}")
    if any(re.fullmatch(r"(label_)?\d+", name.strip().lower()) for name in given):
        raise ValueError(
            f"the classes have no names ({', '.join(given)}), and their order cannot be guessed. "
            'Say it, in the order of the outputs: labels=("negative", "neutral", "positive")'
        )
    matched = [match_label(name) for name in given]
    unknown = [name for name, label in zip(given, matched, strict=True) if label is None]
    if unknown:
        raise ValueError(
            f"cannot match {', '.join(map(repr, unknown))} to {', '.join(LABELS)}; say the order with labels=(...)"
        )
    if len(set(matched)) < len(matched):
        raise ValueError(f"two classes have the same meaning: {given} became {matched}")
    return tuple(label for label in matched if label is not None)
