"""To try and to look into: a text's probabilities and words, by any models; a confusion matrix whose cells open.

The same answer for the terminal (`sentiment-kit try`) and for a text box in JupyterLab. Boxes and buttons need
ipywidgets (extra `notebooks`), and a kernel: on a page without one a searchable table of
`evaluation.confused_tweets` stands in.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ..analysis.explain import attribute_words, highlighted_text
from ..errors import ModelError
from ..evaluation.confusion import answered_tweets
from ..labels import LABELS

if TYPE_CHECKING:
    from ..model import SentimentModel

_BAR = 24  # signs for a probability of 1
_WORDS = 4
_BLOCKS = " ▏▎▍▌▋▊▉█"


class Answer(NamedTuple):
    """What one model says of one text."""

    model: str
    prediction: pd.Series
    """A row of the prediction table; label and probabilities missing if there is nothing to read."""
    words: pd.DataFrame
    """As from `attribute_words`, for the predicted label; no rows if there is nothing to read."""
    note: str
    """Why there are no words; empty if there are."""


def answer(models: Mapping[str, SentimentModel], text: str) -> list[Answer]:
    """Ask each model about a text.

    Parameters
    ----------
    models : mapping of str to SentimentModel
        By the name to show.
    text : str
        Raw, as somebody typed it.

    Returns
    -------
    list of Answer
        In the order of `models`; without words where they cannot be had (captum missing, ONNX Runtime).
    """
    from ..inference import predict

    answers = []
    for name, model in models.items():
        prediction = predict(model, text, progress=False).iloc[0]
        try:
            words, note = attribute_words(model, text), ""
        except ModelError as error:
            words, note = pd.DataFrame(), str(error)
        answers.append(Answer(name, prediction, words, note))
    return answers


def as_text(answers: list[Answer]) -> str:
    """Bars and words for a terminal."""
    return "\n\n".join(map(_block, answers))


def as_html(answers: list[Answer]) -> str:
    """Bars and coloured words for a notebook; the text is escaped."""
    return "".join(map(_card, answers))


def text_box(models: Mapping[str, SentimentModel], *, text: str = "") -> Any:
    """A box to type into, for JupyterLab: Return or the button asks all models.

    Parameters
    ----------
    models : mapping of str to SentimentModel
        By the name to show.
    text : str, default ""
        What stands in the box, and is answered at once.

    Returns
    -------
    ipywidgets.VBox
        Show it as the last value of a cell.
    """
    import ipywidgets

    box = ipywidgets.Text(value=text, placeholder="Scrivi un tweet", layout={"width": "36em"}, continuous_update=False)
    button = ipywidgets.Button(description="Try", button_style="primary")
    shown = ipywidgets.HTML()

    asked: list[str] = []  # leaving the box for the button changes its value, and presses the button

    def ask(*_: Any) -> None:
        if asked[-1:] != [box.value]:
            asked.append(box.value)
            shown.value = as_html(answer(models, box.value))

    button.on_click(ask)
    box.observe(ask, names="value")
    if text:
        ask()
    return ipywidgets.VBox([ipywidgets.HBox([box, button]), shown])


def _block(found: Answer) -> str:
    lines = [f"{found.model}: {_verdict(found.prediction)}"]
    if pd.notna(found.prediction["label"]):
        lines += [f"  {name:8} {_bar(found.prediction[name])} {found.prediction[name]:6.1%}" for name in LABELS]
    if len(found.words):
        ranked = found.words.loc[:, ["word", "attribution"]].reset_index(drop=True)
        ranked = ranked.sort_values("attribution", ascending=False, kind="stable")
        spoke_for = ranked[ranked["attribution"] > 0].head(_WORDS)
        against = ranked[ranked["attribution"] < 0].iloc[::-1].head(_WORDS)
        for title, part in (("for it", spoke_for), ("against", against)):
            if len(part):
                said = ", ".join(f"{word} ({value:+.2f})" for word, value in part.itertuples(index=False))
                lines.append(f"  {title:8} {said}")
    elif found.note:
        lines.append(f"  no words: {found.note}")
    return "\n".join(lines)


def _verdict(prediction: pd.Series) -> str:
    if pd.isna(prediction["label"]):
        return "nothing to read once mentions and links are gone"
    cut = f", cut off after {prediction['n_tokens']} tokens" if prediction["truncated"] else ""
    return f"{prediction['label']}{cut}"


def _bar(share: float) -> str:
    eighths = round(share * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + _BLOCKS[rest] * (rest > 0)).ljust(_BAR)


def _card(found: Answer) -> str:
    rows = ""
    if pd.notna(found.prediction["label"]):
        for name in LABELS:
            share = float(found.prediction[name])
            rows += (
                f'<tr><td>{name}</td><td style="width: 16em"><div style="width: {share:.1%}; height: 0.9em; '
                f'background: #0072b2"></div></td><td>{share:.1%}</td></tr>'
            )
    words = highlighted_text(found.words) if len(found.words) else f"<p><small>{html.escape(found.note)}</small></p>"
    title = f"<strong>{html.escape(found.model)}</strong>: {html.escape(_verdict(found.prediction))}"
    return f'<div style="margin: 0.8em 0">{title}<table>{rows}</table>{words}</div>'


# A confusion matrix whose cells open


def confusion_explorer(tweets: pd.DataFrame, predictions: pd.DataFrame, model: SentimentModel, *, rows: int = 5) -> Any:
    """A confusion matrix of buttons; a click shows the tweets of a cell, their words coloured.

    Parameters
    ----------
    tweets : DataFrame
        With `text` and `label`.
    predictions : DataFrame
        Prediction table with the same index, of `model`.
    model : SentimentModel
    rows : int, default 5
        Tweets shown at a time, the surest first; a button shows the next.

    Raises
    ------
    ValueError
        Different indexes.
    """
    import ipywidgets

    # Numbered anew, for words are found by the index, and two tweets may have the same.
    table = answered_tweets(tweets, predictions).sort_values(
        "confidence", ascending=False, kind="stable", ignore_index=True
    )
    shown = ipywidgets.HTML()
    more = ipywidgets.Button(description="next", disabled=True)
    place: dict[str, Any] = {"cell": (LABELS[0], LABELS[0]), "first": 0}

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

    def show_more(_: Any) -> None:
        place["first"] += rows
        show()

    more.on_click(show_more)
    return ipywidgets.VBox([_matrix(table, choose), shown, more])


def _matrix(table: pd.DataFrame, choose: Callable[[tuple[str, str]], None]) -> Any:
    """A row a gold label, a column an answer; a button a cell, with its count."""
    import ipywidgets

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
