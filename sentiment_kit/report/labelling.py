"""Tweets to label in JupyterLab, one at a time: what `sentiment-kit sample` drew, written back after each answer."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from ..data import check_columns
from ..files.tables import read_table
from ..files.writing import write_table
from ..labels import LABELS

_KEYS = {str(number): label for number, label in enumerate([*LABELS, "mixed"], 1)}


def labelling_box(path: str | Path) -> Any:
    """A box that shows the first tweet without a label, and the next after each answer.

    Click into the small field once; from then on the keys 1 (negative), 2 (neutral), 3 (positive), 4 (mixed), 0 (later)
    and u (undo) answer, as the buttons do. Every answer is in the file before the next tweet is shown, so that a box on
    the same file goes on where another stopped, and takes back what that one wrote.

    Parameters
    ----------
    path : str or Path
        A table that `sentiment-kit sample` wrote: with `text` and `label`.

    Returns
    -------
    ipywidgets.VBox
        Show it as the last value of a cell.

    Raises
    ------
    DataError
        As `read_table`; no column `text` or `label`.

    Notes
    -----
    The keys need no JavaScript of their own: what is typed into a field goes to the kernel letter by letter.
    """
    import ipywidgets

    table = read_table(path)
    check_columns(table.columns, ["text", "label"], path)
    table["label"] = table["label"].astype(object).where(table["label"].notna(), "")
    waiting = [row for row in table.index if not table["label"][row]]
    answered = [row for row in table.index if table["label"][row]]  # of an earlier box, too, to be undone
    shown = ipywidgets.HTML()
    field = ipywidgets.Text(placeholder="1 2 3 4", continuous_update=True, layout={"width": "6em"})

    def show() -> None:
        field.disabled = not waiting and not answered
        done = f"<small>{len(table) - len(waiting):,} of {len(table):,} labelled</small>"
        text = html.unescape(str(table["text"][waiting[0]])) if waiting else "All tweets are labelled."
        shown.value = f'{done}<p style="font-size: 1.3em; max-width: 36em">{html.escape(text)}</p>'

    def answer(key: str) -> None:
        if key == "u" and answered:
            waiting.insert(0, answered.pop())
            table.loc[waiting[0], "label"] = ""
        elif key in _KEYS and waiting:
            answered.append(waiting.pop(0))
            table.loc[answered[-1], "label"] = _KEYS[key]
        elif key == "0" and waiting:
            waiting.append(waiting.pop(0))
        else:
            return
        write_table(table, path, force=True)
        show()

    def typed(change: dict[str, Any]) -> None:
        if change["new"]:
            field.value = ""
            answer(change["new"][-1].lower())

    field.observe(typed, names="value")
    buttons = []
    for key, name in {**_KEYS, "0": "later", "u": "undo"}.items():
        button = ipywidgets.Button(description=f"{key} {name}", layout={"width": "7em"})
        button.on_click(lambda _, key=key: answer(key))
        button.on_click(lambda _: field.focus())  # or the next key would go to the button
        buttons.append(button)
    show()
    return ipywidgets.VBox([shown, ipywidgets.HBox([field, *buttons], layout={"flex_flow": "row wrap"})])
