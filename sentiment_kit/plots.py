"""Finished tables to axes: nothing is computed here that a reader would want to check.

Every function takes a table, `ax=None`, and returns the `Axes`; only a notebook shows it. Red and blue are Okabe and
Ito's, which colour-blind readers can tell apart, the grey is dark enough for white text; labels keep theirs throughout.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import PercentFormatter

from .labels import LABELS

LABEL_COLOURS = {"negative": "#D55E00", "neutral": "#767676", "positive": "#0072B2"}
_SINGLE_COLOUR = "#0072B2"
_NAME_LENGTH = 45


def probability_bars(predictions: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """One bar a text, split into the probabilities of the three labels; at most a dozen rows stay readable.

    Parameters
    ----------
    predictions : prediction table, n rows; unreadable rows get an empty bar
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 0.45 * len(predictions) + 1.2), layout="constrained")
    left = pd.Series(0.0, index=range(len(predictions)))
    for label in LABELS:
        width = predictions[label].fillna(0).reset_index(drop=True)
        bars = ax.barh(left.index, width, left=left, color=LABEL_COLOURS[label], label=label)
        texts = [f"{value:.0%}" if value >= 0.08 else "" for value in width]
        ax.bar_label(bars, texts, label_type="center", color="white", fontsize=9)
        left = left + width
    ax.set_yticks(left.index, [_shortened(text) for text in predictions["text"]])
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="probability")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    sns.despine(ax=ax, left=True)
    return ax


def share_bars(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "share", colours: dict[str, str] | None = None
) -> Axes:
    """One bar a row with its 95% interval, annotated with share and n.

    Parameters
    ----------
    table : as from `evaluation.proportions`
        The index names the bars; `n`, `share`, `low`, `high` in [0, 1].
    xlabel : what the share is a share of
    colours : colour by index label, for bars that have one of their own
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 0.45 * len(table) + 1), layout="constrained")
    colour_of = colours or {}
    ax.barh(
        range(len(table)),
        table["share"],
        xerr=[table["share"] - table["low"], table["high"] - table["share"]],
        color=[colour_of.get(name, _SINGLE_COLOUR) for name in table.index],
        ecolor="#333333",
        capsize=3,
    )
    widest = table["high"].max()
    for position, (share, high, n) in enumerate(zip(table["share"], table["high"], table["n"], strict=True)):
        ax.annotate(
            f"{share:.1%} (n = {n:,})", (high, position), xytext=(6, 0), textcoords="offset points", va="center"
        )
    ax.set_yticks(range(len(table)), [_shortened(name) for name in table.index])
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.3 * widest if widest > 0 else 1), xlabel=xlabel)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    sns.despine(ax=ax, left=True)
    return ax


def label_bars(counts: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Stacked bars: how the labels share each group.

    Parameters
    ----------
    counts : DataFrame, one row a group, one column a label
        Numbers of tweets, as from `pandas.crosstab`.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 0.45 * len(counts) + 1.2), layout="constrained")
    totals = counts.sum(axis=1)
    left = pd.Series(0.0, index=counts.index)
    for label in [label for label in LABELS if label in counts.columns]:
        share = counts[label] / totals
        bars = ax.barh(range(len(counts)), share, left=left, color=LABEL_COLOURS[label], label=label)
        texts = [f"{value:.0%}" if value >= 0.06 else "" for value in share]
        ax.bar_label(bars, texts, label_type="center", color="white", fontsize=9)
        left = left + share
    ax.set_yticks(range(len(counts)), [f"{_shortened(name)} (n = {n:,})" for name, n in totals.items()])
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="share of the tweets", ylabel="")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    sns.despine(ax=ax, left=True)
    return ax


def length_histogram(n_tokens: pd.Series, *, limit: int | None = None, ax: Axes | None = None) -> Axes:
    """How long the texts are.

    Parameters
    ----------
    n_tokens : Series of tokens per text, special tokens included; texts with 0 were not read and are left out
    limit : the model's maximum, drawn where it is in sight, else only named
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    read = n_tokens[n_tokens > 0]
    sns.histplot(x=read, discrete=True, color=_SINGLE_COLOUR, linewidth=0, alpha=1, ax=ax)
    median = read.median()
    ax.axvline(median, color="#D55E00", linewidth=2)
    ax.annotate(f"median {median:.0f}", (median, ax.get_ylim()[1]), xytext=(6, -12), textcoords="offset points")
    title = f"{len(read):,} texts, longest {read.max():,} tokens"
    if limit is not None:
        title += f"; the model reads {limit:,}"
        if limit <= 1.2 * read.max():
            ax.axvline(limit, color="#333333", linestyle="--")
    ax.set(xlabel="tokens per text", ylabel="texts", title=title)
    sns.despine(ax=ax)
    return ax


def _shortened(name: object) -> str:
    """One line short enough for an axis, in signs that the font has; a dollar sign would start mathematics."""
    text = "".join(sign if _font().get_char_index(ord(sign)) else "□" for sign in " ".join(str(name).split()))
    text = text if len(text) <= _NAME_LENGTH else text[: _NAME_LENGTH - 1] + "…"
    return text.replace("$", r"\$")


def _font() -> FT2Font:
    return get_font(findfont(FontProperties()))
