"""Finished tables to axes: nothing is computed here that a reader would want to check.

Every function that draws takes a table, `ax=None`, and returns the `Axes`; only a notebook shows it. Red and blue are
Okabe and Ito's, which colour-blind readers can tell apart, the grey is dark enough for white text; labels keep theirs
throughout, and what is no label is green.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import PercentFormatter

from .labels import LABELS

LABEL_COLOURS = {"negative": "#D55E00", "neutral": "#767676", "positive": "#0072B2"}
_SINGLE_COLOUR = "#00785A"
_NAME_LENGTH = 45


def probability_bars(predictions: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """One bar a text, split into the probabilities of the labels; at most a dozen rows stay readable.

    Parameters
    ----------
    predictions : prediction table, n rows; unreadable rows get an empty bar
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(9, 0.55 * len(predictions) + 1.2), layout="constrained")
    left = pd.Series(0.0, index=range(len(predictions)))
    for label in LABELS:
        width = predictions[label].fillna(0).reset_index(drop=True)
        bars = ax.barh(left.index, width, left=left, color=LABEL_COLOURS[label], label=label)
        texts = [f"{value:.0%}" if value >= 0.08 else "" for value in width]
        ax.bar_label(bars, texts, label_type="center", color="white", fontsize=9)
        left = left + width
    ax.set_yticks(left.index, [_wrapped(text) for text in predictions["text"]], fontsize=8.5)
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
    table : as from `intervals.proportions`
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


def batch_bars(plan: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """One thin bar a text: tokens in colour, padding in grey; white lines between the batches.

    Parameters
    ----------
    plan : `batch`, `tokens`, `width`, as from `benchmark.batch_plans` for one plan
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(4, 4.5), layout="constrained")
    rows = np.arange(len(plan))
    ax.barh(rows, plan["width"], height=1, color="#d9d9d9", label="padding")
    ax.barh(rows, plan["tokens"], height=1, color=_SINGLE_COLOUR, label="tokens")
    for row in np.flatnonzero(np.diff(plan["batch"])):
        ax.axhline(row + 0.5, color="white", linewidth=1)
    padding = 1 - plan["tokens"].sum() / plan["width"].sum()
    ax.set(
        xlabel="tokens", ylabel="texts", yticks=[], title=f"{padding:.0%} padding, {plan['batch'].nunique()} batches"
    )
    ax.set_ylim(len(plan), -1)
    sns.despine(ax=ax, left=True)
    return ax


def interval_dots(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "score", colours: dict[str, str] | None = None
) -> Axes:
    """One dot a row with its 95% interval, annotated with value, interval and n.

    Parameters
    ----------
    table : as from `evaluation.scores` or `protocols.protocol_table`
        The index names the rows; `value`, `low`, `high`, `n`, and if it is there `ceiling`, drawn as a tick. A row
        without value keeps its line and says so.
    xlabel : what the values are
    colours : colour by index label
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(9, 0.42 * len(table) + 1), layout="constrained")
    named = [" · ".join(name) if isinstance(name, tuple) else name for name in table.index]
    colour_of = colours or {}
    for position, (name, (_, row)) in enumerate(zip(table.index, table.iterrows(), strict=True)):
        colour = colour_of.get(name, _SINGLE_COLOUR)
        if pd.isna(row["value"]):
            text = f"undefined (n = {row['n']:,.0f})"
        else:
            ax.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2, solid_capstyle="butt")
            ax.plot(row["value"], position, "o", color=colour)
            text = f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f}), n = {row['n']:,.0f}"
        if pd.notna(row.get("ceiling")):
            ax.plot(row["ceiling"], position, "|", color="#333333", markersize=14, markeredgewidth=1.5)
        ax.annotate(text, (1.02, position), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    ax.set_yticks(range(len(table)), [_shortened(name, 60) for name in named])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    sns.despine(ax=ax, left=True)
    return ax


def confusion_heatmap(cells: pd.DataFrame, *, ax: Axes | None = None, intervals: bool = True) -> Axes:
    """A confusion matrix: share and count in every cell, row = true, column = predicted.

    Parameters
    ----------
    cells : as from `confusion.confusion_table`
    intervals : also write the 95% interval of each share
    """
    texts = []
    for row in cells.itertuples():
        if pd.isna(row.share):
            texts.append(f"–\n{row.count:,} of 0")
            continue
        between = f"\n{100 * row.low:.0f} to {_percent(row.high)}" if intervals else ""
        texts.append(f"{_percent(row.share)}{between}\n{row.count:,} of {row.n:,}")
    return _heatmap(cells, "share", texts, ax=ax, cmap="Blues", vmin=0, vmax=1)


def confusion_difference_heatmap(cells: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """How two confusion matrices differ, in points; bold where the 95% interval leaves out 0.

    Parameters
    ----------
    cells : as from `confusion.confusion_difference`
    """
    texts = []
    for row in cells.itertuples():
        change, low, high = (100 * value for value in (row.difference, row.low, row.high))
        points = "–" if pd.isna(change) else f"{change:+.1f}\n{low:+.1f} to {high:+.1f}"
        texts.append(f"{points}\n{row.count_a:,} to {row.count_b:,}")
    # Full colour from ten points on: a scale of its own would make any difference look large.
    limit = np.nanmax([0.1, *cells["difference"].abs()])
    ax = _heatmap(cells, "difference", texts, ax=ax, cmap="PuOr", vmin=-limit, vmax=limit)
    for text, clear in zip(ax.texts, (cells["low"] > 0) | (cells["high"] < 0), strict=True):
        text.set_fontweight("bold" if clear else "normal")
    return ax


def reliability_diagram(bins: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Accuracy against confidence by bin with 95% intervals; on the dashed line the model is as good as it says.

    Parameters
    ----------
    bins : as from `calibration.reliability_table`; the grey bars are each bin's share of the rows
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(6.5, 5.5), layout="constrained")
    total = max(int(bins["n"].sum()), 1)
    ax.bar(
        bins["lower"],
        bins["n"] / total,
        width=bins["upper"] - bins["lower"],
        align="edge",
        color="#d9d9d9",
        edgecolor="white",
        label="share of the rows",
    )
    ax.plot([0, 1], [0, 1], linestyle="--", color="#333333", label="as good as it says")
    filled = bins[bins["n"] > 0]
    ax.errorbar(
        filled["confidence"],
        filled["accuracy"],
        yerr=[filled["accuracy"] - filled["low"], filled["high"] - filled["accuracy"]],
        fmt="o-",
        color=_SINGLE_COLOUR,
        capsize=3,
        label="accuracy, 95% interval",
    )
    for row in filled[filled["upper"] - filled["lower"] >= 0.04].itertuples():
        ax.annotate(f"{row.n:,}", ((row.lower + row.upper) / 2, row.n / total), ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy", title=f"{bins['n'].sum():,} rows")
    ax.legend(loc="upper left", frameon=False)
    sns.despine(ax=ax)
    return ax


def coverage_curve(curve: pd.DataFrame, *, ax: Axes | None = None, label: str | None = None) -> Axes:
    """Accuracy of the answers given, against how many are given, with the 95% band.

    Parameters
    ----------
    curve : as from `calibration.risk_coverage`
    label : for a legend, where several curves share the axes
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    (line,) = ax.plot(curve["coverage"], curve["accuracy"], label=label)
    ax.fill_between(curve["coverage"], curve["low"], curve["high"], color=line.get_color(), alpha=0.2, linewidth=0)
    n = int(curve["n"].max()) if len(curve) else 0
    # The first few answers say nothing, and their band would fill the figure.
    lowest = 0.95 * curve.loc[curve["coverage"] >= 0.05, "low"].min()
    before = ax.get_ylim()[0] if len(ax.lines) > 1 else 1.0
    ax.set(
        xlim=(0, 1),
        ylim=(min(lowest, before) if lowest > 0 else 0, 1.01),
        xlabel=f"share of {n:,} tweets answered, the surest first",
        ylabel="accuracy of the answers",
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if label is not None:
        ax.legend(frameon=False)
    sns.despine(ax=ax)
    return ax


def word_bars(words: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "part of the change of the logit") -> Axes:
    """One bar a word, blue where it spoke for the label, orange where it spoke against it.

    Parameters
    ----------
    words : `word` and `attribution`, as from `explain.attribute_words` for one text, or means over many
        With `low` and `high` intervals are drawn too, with `n` the number is written beside the word.
    xlabel : what the bars measure
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 0.32 * len(words) + 1), layout="constrained")
    for_it, against = LABEL_COLOURS["positive"], LABEL_COLOURS["negative"]
    ax.barh(
        range(len(words)),
        words["attribution"],
        xerr=[words["attribution"] - words["low"], words["high"] - words["attribution"]] if "low" in words else None,
        color=[for_it if value > 0 else against for value in words["attribution"]],
        ecolor="#333333",
        capsize=2,
    )
    numbers = [f" (n = {n:,})" for n in words["n"]] if "n" in words else [""] * len(words)
    names = [f"{_shortened(word)}{number}" for word, number in zip(words["word"], numbers, strict=True)]
    ax.set_yticks(range(len(words)), names)
    ax.invert_yaxis()
    ax.axvline(0, color="#333333", linewidth=0.8)
    ax.set_xlabel(xlabel)
    sns.despine(ax=ax, left=True)
    return ax


def save_figure(ax: Axes, path: Path) -> None:
    """Write the figure of `ax` as PNG and SVG beside each other (`path` without suffix), and close it.

    The same figure gives the same bytes.
    """
    figure = ax.get_figure(root=True)
    with plt.rc_context({"svg.hashsalt": "sentiment-kit"}):
        figure.savefig(f"{path}.png", dpi=150, metadata={"Software": None})
        figure.savefig(f"{path}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _heatmap(cells: pd.DataFrame, column: str, texts: list[str], *, ax: Axes | None, **colours: object) -> Axes:
    predicted = list(dict.fromkeys(cells["predicted"]))
    if ax is None:
        _, ax = plt.subplots(figsize=(1.7 * len(predicted) + 1, 4.6), layout="constrained")
    shape = (len(LABELS), len(predicted))  # cells come row by row
    sns.heatmap(
        cells[column].to_numpy(dtype=float).reshape(shape),
        xticklabels=predicted,
        yticklabels=LABELS,
        cbar=False,
        linewidths=1,
        square=True,
        ax=ax,
        **colours,
    )
    # Written here and not by seaborn, which leaves an undefined cell without its text.
    mesh = ax.collections[-1]
    mesh.update_scalarmappable()
    shades = mesh.get_facecolors() @ [0.299, 0.587, 0.114, 0]
    for cell, (text, shade) in enumerate(zip(texts, shades, strict=True)):
        row, column_number = divmod(cell, shape[1])
        colour = "white" if shade < 0.58 and not np.isnan(cells[column].iloc[cell]) else "#262626"
        ax.text(column_number + 0.5, row + 0.5, text, ha="center", va="center", fontsize=9, color=colour)
    ax.set(xlabel="predicted", ylabel="true")
    ax.tick_params(length=0, labelrotation=0)
    return ax


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _shortened(name: object, longest: int = _NAME_LENGTH) -> str:
    """One line short enough for an axis, in signs that the font has; a dollar sign would start mathematics."""
    text = "".join(sign if _font().get_char_index(ord(sign)) else "□" for sign in " ".join(str(name).split()))
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def _wrapped(text: object) -> str:
    """A whole tweet beside a bar, in three lines at most."""
    return "\n".join(textwrap.wrap(_shortened(text, 150), 52, max_lines=3, placeholder="…"))


def _font() -> FT2Font:
    return get_font(findfont(FontProperties()))
