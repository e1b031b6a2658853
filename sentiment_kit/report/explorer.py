"""Look into a confusion matrix: choose a cell, read its tweets, see which words counted. For JupyterLab (ipywidgets).

A page without a kernel cannot compute; there `confused_tweets` in a searchable table stands in.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets
import pandas as pd

from ..evaluation.scores import check_index
from ..analysis.explain import attribute_words, highlighted_text
from ..hub import ModelError
from ..labels import LABELS

if TYPE_CHECKING:
    from ..model import SentimentModel


def confused_tweets(tweets: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Tweets that were taken for something else, the surest first.

    Parameters
    ----------
    tweets : DataFrame with `text` and `label`
    predictions : prediction table with the same index

    Returns
    -------
    DataFrame, one row a tweet with a label and another answer
        `gold`, `predicted`, `confidence` in [0, 1], `text` as it was written.

    Raises
    ------
    ValueError
        Different indexes.
    """
    table = _answers(tweets, predictions)
    wrong = table[table["gold"] != table["predicted"]]
    return wrong.sort_values("confidence", ascending=False, kind="stable")


def confusion_explorer(
    tweets: pd.DataFrame, predictions: pd.DataFrame, model: SentimentModel, *, rows: int = 5
) -> ipywidgets.VBox:
    """A confusion matrix of buttons; a click shows the tweets of a cell, their words coloured.

    Parameters
    ----------
    tweets : DataFrame with `text` and `label`
    predictions : prediction table with the same index, of `model`
    rows : tweets shown at a time, the surest first; a button shows the next

    Raises
    ------
    ValueError
        Different indexes.
    """
    # Numbered anew, for words are found by the index, and two tweets may have the same.
    table = _answers(tweets, predictions).sort_values("confidence", ascending=False, kind="stable", ignore_index=True)
    shown = ipywidgets.HTML()
    more = ipywidgets.Button(description="next", disabled=True)
    place = {"cell": (LABELS[0], LABELS[0]), "first": 0}

    def show() -> None:
        gold, predicted = place["cell"]
        cell = table[(table["gold"] == gold) & (table["predicted"] == predicted)]
        part = cell.iloc[place["first"] : place["first"] + rows]
        title = f"{gold} taken for {predicted}" if gold != predicted else f"{gold}, and found to be"
        at = f"{place['first'] + 1} to {place['first'] + len(part)} of {len(cell):,}" if len(cell) else "none"
        shown.value = f"<h4>{title}: {at}</h4>" + "".join(_coloured(part, model))
        more.disabled = place["first"] + rows >= len(cell)

    def choose(cell: tuple[str, str]) -> None:
        place.update(cell=cell, first=0)
        show()

    def show_more(_: ipywidgets.Button) -> None:
        place["first"] += rows
        show()

    more.on_click(show_more)
    return ipywidgets.VBox([_matrix(table, choose), shown, more])


def _answers(tweets: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Gold label, answer and text of each tweet that has both labels."""
    check_index(tweets, predictions, "tweets and predictions")
    table = pd.DataFrame(
        {
            "gold": tweets["label"].astype(object),
            "predicted": predictions["label"].astype(object),
            "confidence": predictions["confidence"].astype(float),
            "text": tweets["text"],
        }
    )
    return table[table["gold"].notna() & table["predicted"].notna()]


def _matrix(table: pd.DataFrame, choose: Callable[[tuple[str, str]], None]) -> ipywidgets.GridBox:
    """A row a gold label, a column an answer; a button a cell, with its count."""
    counts = table.groupby(["gold", "predicted"]).size()
    cells = [ipywidgets.HTML("<small>gold, answer:</small>"), *(ipywidgets.HTML(f"<b>{name}</b>") for name in LABELS)]
    for gold in LABELS:
        cells.append(ipywidgets.HTML(f"<b>{gold}</b>"))
        for predicted in LABELS:
            style = "success" if gold == predicted else "warning"
            button = ipywidgets.Button(
                description=f"{counts.get((gold, predicted), 0):,}",
                tooltip=f"{gold} taken for {predicted}",
                button_style=style,
                layout={"width": "auto"},
            )
            button.on_click(lambda _, cell=(gold, predicted): choose(cell))
            cells.append(button)
    return ipywidgets.GridBox(cells, layout={"grid_template_columns": "repeat(4, 9em)", "grid_gap": "4px"})


def _coloured(part: pd.DataFrame, model: SentimentModel) -> list[str]:
    """A paragraph a tweet, its words coloured for the answer; without colours where the model cannot be explained."""
    try:
        words = attribute_words(model, part["text"])
    except ModelError:
        return [f"<p>{html.escape(text)}</p>" for text in part["text"]]
    return [
        f"{highlighted_text(words.loc[[index]] if index in words.index else words.iloc[:0])}"
        f"<small>{row.confidence:.0%} sure</small>"
        for index, row in zip(part.index, part.itertuples(), strict=True)
    ]
