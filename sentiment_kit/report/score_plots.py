"""How good the answers are, drawn: confusion, reliability, and accuracy by coverage.

Every function takes a table, `ax=None`, and returns the `Axes`, as in `plots`, which has the colours and `save_figure`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ..labels import LABELS
from .plots import SINGLE_COLOUR, axes_of_size


def confusion_heatmap(cells: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """A confusion matrix: share, its 95% interval and count in every cell, row = true, column = predicted.

    Parameters
    ----------
    cells : DataFrame
        As from `confusion.confusion_table`.
    ax : Axes, optional
        Where to draw. None: a new figure.
    """
    texts = []
    for row in cells.itertuples():
        if pd.isna(row.share):
            texts.append(f"–\n{row.count:,} of 0")
            continue
        between = f"{100 * row.low:.0f} to {100 * row.high:.0f}%"
        texts.append(f"{100 * row.share:.0f}%\n{between}\n{row.count:,} of {row.n:,}")
    return _heatmap(cells, "share", texts, ax=ax, cmap="Blues", vmin=0, vmax=1)


def confusion_difference_heatmap(cells: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """How two confusion matrices differ, in points; bold where the 95% interval leaves out 0.

    Parameters
    ----------
    cells : DataFrame
        As from `confusion.confusion_difference`.
    ax : Axes, optional
        Where to draw. None: a new figure.
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
    bins : DataFrame
        As from `calibration.reliability_table`; the grey bars are each bin's share of the rows.
    ax : Axes, optional
        Where to draw. None: a new figure.
    """
    ax = axes_of_size(ax, 6.5, 5.5)
    total = max(int(bins["n"].sum()), 1)
    share, width = bins["n"] / total, bins["upper"] - bins["lower"]
    ax.bar(bins["lower"], share, width, align="edge", color="#d9d9d9", edgecolor="white", label="share of the rows")
    ax.plot([0, 1], [0, 1], linestyle="--", color="#333333", label="as good as it says")
    filled = bins[bins["n"] > 0]
    x, y = filled["confidence"], filled["accuracy"]
    ends = [y - filled["low"], filled["high"] - y]
    ax.errorbar(x, y, yerr=ends, fmt="o-", color=SINGLE_COLOUR, capsize=3, label="accuracy, 95% interval")
    for row in filled[filled["upper"] - filled["lower"] >= 0.04].itertuples():
        ax.annotate(f"{row.n:,}", ((row.lower + row.upper) / 2, row.n / total), ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy", title=f"{bins['n'].sum():,} rows")
    ax.legend(loc="upper left", frameon=False)
    sns.despine(ax=ax)
    return ax


def coverage_curve(curve: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Accuracy of the answers given, against how many are given, with the 95% band.

    Parameters
    ----------
    curve : DataFrame
        As from `calibration.risk_coverage`.
    ax : Axes, optional
        Where to draw. None: a new figure.
    """
    ax = axes_of_size(ax, 7, 4)
    (line,) = ax.plot(curve["coverage"], curve["accuracy"])
    ax.fill_between(curve["coverage"], curve["low"], curve["high"], color=line.get_color(), alpha=0.2, linewidth=0)
    n = int(curve["n"].max()) if len(curve) else 0
    # The first few answers say nothing, and their band would fill the figure.
    lowest = 0.95 * curve.loc[curve["coverage"] >= 0.05, "low"].min()
    ax.set(
        xlim=(0, 1),
        ylim=(lowest if lowest > 0 else 0, 1.01),
        xlabel=f"share of {n:,} tweets answered, the surest first",
        ylabel="accuracy of the answers",
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:g}%")  # a tick may stand at 97.5%
    sns.despine(ax=ax)
    return ax


def _heatmap(cells: pd.DataFrame, column: str, texts: list[str], *, ax: Axes | None, **colours: object) -> Axes:
    predicted = list(dict.fromkeys(cells["predicted"]))
    ax = axes_of_size(ax, 1.7 * len(predicted) + 1, 4.6)
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
    mesh: Any = ax.collections[-1]
    mesh.update_scalarmappable()
    shades = mesh.get_facecolors() @ [0.299, 0.587, 0.114, 0]
    for cell, (text, shade) in enumerate(zip(texts, shades, strict=True)):
        row, column_number = divmod(cell, shape[1])
        colour = "white" if shade < 0.58 and not np.isnan(cells[column].iloc[cell]) else "#262626"
        ax.text(column_number + 0.5, row + 0.5, text, ha="center", va="center", fontsize=9, color=colour)
    ax.set(xlabel="predicted", ylabel="true")
    ax.tick_params(length=0, labelrotation=0)
    return ax
