"""Shares of labels, drawn: counted beside corrected, by group and over time. Tables as from `shares`."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from .plots import LABEL_COLOURS, _shortened, axes_of_size

_MOST = 15
_MIXED_COLOUR = "#CC79A7"


def share_dots(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Each group's shares: a dot with its 95% interval for what was corrected, a ring for what was counted.

    Parameters
    ----------
    table : DataFrame
        As from `shares`; rows of single periods are left out, and all but the 15 largest groups.
    ax : Axes, optional
        Where to draw. None: a new figure, narrow enough for a telephone.
    """
    whole = table[table["period"].isna()]
    sizes = whole.assign(group=whole["group"].fillna("all tweets")).drop_duplicates("group").set_index("group")["n"]
    kept = sizes[sizes.rank(ascending=False, method="first") <= _MOST + 1]
    labels = list(dict.fromkeys(whole["label"]))
    ax = axes_of_size(ax, 5, 0.24 * len(kept) * len(labels) + 1.5)
    for number, (name, part) in enumerate(whole.groupby(whole["group"].fillna("all tweets"), sort=False)):
        for row in part.itertuples() if name in kept else ():
            at = list(kept.index).index(name) + (labels.index(row.label) - (len(labels) - 1) / 2) / (len(labels) + 1.5)
            colour = LABEL_COLOURS.get(row.label, _MIXED_COLOUR)
            first = number == 0
            ax.plot([row.low, row.high], [at, at], color=colour, linewidth=2.5, solid_capstyle="butt")
            ax.plot(row.share, at, "o", color=colour, label=row.label if first and pd.notna(row.share) else None)
            ax.plot(row.counted, at, "o", color=colour, fillstyle="none", label=None)
    ax.plot([], [], "o", color="#333333", fillstyle="none", label="counted")
    ax.set_yticks(range(len(kept)), [f"{_shortened(name, 18)}\nn = {n:,}" for name, n in kept.items()])
    ax.set_ylim(len(kept) - 0.5, -0.5)
    ax.set_title(
        _title(table, f", {len(kept) - 1} largest of {len(sizes) - 1} groups" if len(sizes) > len(kept) else "")
    )
    ax.set(xlim=(0, None), xlabel="share of the tweets")
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    return _finished(ax, "x")


def share_lines(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """The shares of all tweets over time with 95% intervals, dashed what was counted; gaps stay gaps.

    Parameters
    ----------
    table : DataFrame
        The shares of a `Trend`; rows of single groups and of tweets without a date are left out.
    ax : Axes, optional
        Where to draw. None: a new figure, narrow enough for a telephone.
    """
    ax = axes_of_size(ax, 5, 4)
    dated = table[table["group"].isna() & table["period"].str.match(r"\d", na=False)]
    days = pd.to_datetime(dated["period"])
    labels = list(dict.fromkeys(dated["label"]))
    apart = (days.max() - days.min()) / max(days.nunique() - 1, 1) / 8  # or the intervals would hide each other
    for number, label in enumerate(labels):
        part, colour = dated[dated["label"] == label], LABEL_COLOURS.get(label, _MIXED_COLOUR)
        at = days[part.index] + (number - (len(labels) - 1) / 2) * apart
        ax.vlines(at, part["low"], part["high"], color=colour, linewidth=2, alpha=0.6)
        name = label if part["share"].notna().any() else None
        ax.plot(at, part["share"], "o-", color=colour, markersize=4, label=name)
        ax.plot(at, part["counted"], "--", color=colour, linewidth=1)
    ax.plot([], [], "--", color="#333333", linewidth=1, label="counted")
    ax.set_title(_title(table, ""))
    ax.set(ylim=(0, None), ylabel="share of the tweets")
    ticks = dated["period"].drop_duplicates().to_numpy()
    chosen = ticks[np.unique(np.linspace(0, len(ticks) - 1, 4).astype(int))] if len(ticks) else []
    ax.set_xticks(pd.to_datetime(chosen), chosen)
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    return _finished(ax, "y")


def _title(table: pd.DataFrame, more: str) -> str:
    overall = table[table["period"].isna() & table["group"].isna()]
    if overall.empty:  # only some groups were kept of the table
        return more.removeprefix(", ")
    whole = overall.iloc[0]
    if pd.isna(whole["share"]):
        return f"Answers counted, not corrected\n{whole['n']:,} tweets{more}"
    return f"Shares corrected by {whole['n_labelled']:,} labels, 95% intervals\n{whole['n']:,} tweets{more}"


def _finished(ax: Axes, axis: Literal["x", "y"]) -> Axes:
    ax.title.set_fontsize(11)
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.45, 0),
        borderaxespad=4,
        ncols=4,
        frameon=False,
        columnspacing=1,
        handletextpad=0.3,
    )
    ax.grid(axis=axis, color="#dddddd")
    ax.set_axisbelow(True)
    sns.despine(ax=ax, left=True)
    return ax
