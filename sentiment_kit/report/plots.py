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
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ticker import PercentFormatter

from ..labels import LABELS

LABEL_COLOURS = {"negative": "#D55E00", "neutral": "#767676", "positive": "#0072B2"}
"""Of each label, in every figure."""
SINGLE_COLOUR = "#00785A"
_NAME_LENGTH = 45

# Matplotlib's own font lacks most emoji; a font named after it in the list fills the gaps.
fontManager.addfont(Path(__file__).parent / "fonts" / "NotoEmoji-Regular.ttf")
plt.rcParams["font.family"] = [*plt.rcParams["font.family"], "Noto Emoji"]


def probability_bars(predictions: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """One bar a text, split into the probabilities of the labels; at most a dozen rows stay readable.

    Parameters
    ----------
    predictions : DataFrame
        Prediction table, n rows; unreadable rows get an empty bar.
    ax : Axes, optional
        Where to draw. None: a new figure.
    """
    ax = axes_of_size(ax, 9, 0.55 * len(predictions) + 1.2)
    left = np.zeros(len(predictions))
    for label in LABELS:
        share = predictions[label].fillna(0).to_numpy()
        bars = ax.barh(range(len(share)), share, left=left, color=LABEL_COLOURS[label], label=label)
        texts = [f"{value:.0%}" if value >= 0.08 else "" for value in share]  # a smaller part has no room for it
        ax.bar_label(bars, texts, label_type="center", color="white", fontsize=9)
        left = left + share
    ax.set_yticks(range(len(predictions)), [_wrapped(text) for text in predictions["text"]])
    ax.tick_params(axis="y", labelsize=8.5)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="probability")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    sns.despine(ax=ax, left=True)
    return ax


def share_bars(table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "share") -> Axes:
    """One bar a row with its 95% interval, annotated with share and n.

    Parameters
    ----------
    table : DataFrame
        As from `intervals.proportions`: the index names the bars; `n`, `share`, `low`, `high` in [0, 1].
    ax : Axes, optional
        Where to draw. None: a new figure.
    xlabel : str, default "share"
        What the share is a share of.
    """
    ax = axes_of_size(ax, 8, 0.45 * len(table) + 1)
    ends = [table["share"] - table["low"], table["high"] - table["share"]]
    ax.barh(range(len(table)), table["share"], xerr=ends, color=SINGLE_COLOUR, ecolor="#333333", capsize=3)
    widest = table["high"].max()
    for position, (share, high, n) in enumerate(zip(table["share"], table["high"], table["n"], strict=True)):
        text, end = (f"{share:.1%} (n = {n:,})", high) if n else ("undefined (n = 0)", 0)
        ax.annotate(text, (end, position), xytext=(6, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(table)), [_shortened(name) for name in table.index])
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.3 * widest if widest > 0 else 1), xlabel=xlabel)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    sns.despine(ax=ax, left=True)
    return ax


def batch_bars(plan: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """One thin bar a text: tokens in colour, padding in grey; white lines between the batches.

    Parameters
    ----------
    plan : DataFrame
        `batch`, `tokens`, `width`, as from `benchmark.batch_plans` for one plan.
    ax : Axes, optional
        Where to draw. None: a new figure.
    """
    ax = axes_of_size(ax, 4, 4.5)
    rows = np.arange(len(plan))
    ax.barh(rows, plan["width"], height=1, color="#d9d9d9", label="padding")
    ax.barh(rows, plan["tokens"], height=1, color=SINGLE_COLOUR, label="tokens")
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
    table : DataFrame
        As from `evaluation.scores` or `protocols.protocol_table`: the index names the rows; `value`, `low`, `high`,
        `n`, and if it is there `ceiling`, drawn as a tick. A row without value keeps its line and says so.
    ax : Axes, optional
        Where to draw. None: a new figure.
    xlabel : str, default "score"
        What the values are.
    colours : dict of str to str, optional
        Colour by index label, for rows that have one of their own.
    """
    ax = axes_of_size(ax, 9, 0.42 * len(table) + 1)
    named = [" · ".join(name) if isinstance(name, tuple) else name for name in table.index]
    colour_of = colours or {}
    for position, (name, (_, row)) in enumerate(zip(table.index, table.iterrows(), strict=True)):
        colour = colour_of.get(name, SINGLE_COLOUR)
        if pd.isna(row["value"]):
            text = f"undefined (n = {row['n']:,.0f})"
        else:
            ax.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2, solid_capstyle="butt")
            ax.plot(row["value"], position, "o", color=colour)
            text = f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
            text += f", n = {row['n']:,.0f}" if pd.notna(row["n"]) else ""
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


def word_bars(words: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "part of the change of the logit") -> Axes:
    """One bar a word, blue where it spoke for the label, orange where it spoke against it.

    Parameters
    ----------
    words : DataFrame
        `word` and `attribution`, as from `explain.attribute_words` for one text.
    ax : Axes, optional
        Where to draw. None: a new figure.
    xlabel : str, default "part of the change of the logit"
        What the bars measure.
    """
    ax = axes_of_size(ax, 7, 0.32 * len(words) + 1)
    for_it, against = LABEL_COLOURS["positive"], LABEL_COLOURS["negative"]
    colours = [for_it if value > 0 else against for value in words["attribution"]]
    ax.barh(range(len(words)), words["attribution"], color=colours)
    ax.set_yticks(range(len(words)), [_shortened(word) for word in words["word"]])
    ax.invert_yaxis()
    ax.axvline(0, color="#333333", linewidth=0.8)
    ax.set_xlabel(xlabel)
    sns.despine(ax=ax, left=True)
    return ax


def learning_curves(curves: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Loss on what is trained on and on what is held back, epoch by epoch; one line a seed.

    Parameters
    ----------
    curves : DataFrame
        `epoch`, `train_loss`, `validation_loss`, and `seed` where there are several: as `fine_tune` returns it with its
        index reset, or the `learning_curves` of a record.
    ax : Axes, optional
        Where to draw. None: a new figure.
    """
    ax = axes_of_size(ax, 7, 4)
    names = {"train_loss": "training", "validation_loss": "validation"}
    long = curves.melt(["epoch", *({"seed"} & set(curves))], list(names), var_name="part", value_name="loss")
    sns.lineplot(
        long.assign(part=long["part"].map(names)),
        x="epoch",
        y="loss",
        hue="part",
        style="part",
        markers=True,
        units="seed" if "seed" in curves else None,
        estimator=None,
        ax=ax,
    )
    ax.set(ylabel="cross-entropy, nats", xticks=sorted(curves["epoch"].unique()))
    ax.legend(title=None, frameon=False)
    sns.despine(ax=ax)
    return ax


def save_figure(ax: Axes, path: Path) -> None:
    """Write the figure of `ax` as PNG and SVG beside each other (`path` without suffix), and close it.

    The same figure gives the same bytes.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    with plt.rc_context({"svg.hashsalt": "sentiment-kit"}):
        figure.savefig(f"{path}.png", dpi=150, metadata={"Software": None})
        figure.savefig(f"{path}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def axes_of_size(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes that were given, or those of a new figure of so many inches."""
    return ax if ax is not None else plt.subplots(figsize=(width, height), layout="constrained")[1]


def _shortened(name: object, longest: int = _NAME_LENGTH) -> str:
    """One line short enough for an axis, in signs that the fonts have; a dollar sign would start mathematics."""
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in plt.rcParams["font.family"]]
    signs = " ".join(str(name).split())
    text = "".join(sign if any(font.get_char_index(ord(sign)) for font in fonts) else "□" for sign in signs)
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def _wrapped(text: object) -> str:
    """A whole tweet beside a bar, in three lines at most."""
    return "\n".join(textwrap.wrap(_shortened(text, 150), 52, max_lines=3, placeholder="…"))
