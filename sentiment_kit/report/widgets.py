"""One text at a time, as on the model's hub page: the three probabilities and the words that counted, of any models.

The same answer for the terminal (`sentiment-kit try`) and for a text box in JupyterLab.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ..analysis.explain import attribute_words, highlighted_text
from ..hub import ModelError
from ..inference import predict
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
    models : by the name to show
    text : raw, as somebody typed it

    Returns
    -------
    list of `Answer`, in the order of `models`; without words where they cannot be had (captum missing, half precision)
    """
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
    models : by the name to show
    text : what stands in the box, and is answered at once

    Returns
    -------
    ipywidgets.VBox; show it as the last value of a cell
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
