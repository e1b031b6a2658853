"""`sentiment-kit try`: one text, or one after the other, to one or several models."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument, Option

from ..hub import DEFAULT_MODEL
from .shared import Backend, ClassFold, ClassLabels, Device, load


def try_text(
    text: Annotated[
        list[str] | None,
        Argument(help="The text, in quotes (after -- if it begins with a dash). None: you are asked."),
    ] = None,
    model: Annotated[
        list[str] | None,
        Option("--model", help=f'Hub id, folder or "demo"; several times to compare. Default: {DEFAULT_MODEL}'),
    ] = None,
    device: Device = "auto",
    backend: Backend = "torch",
    labels: ClassLabels = None,
    fold: ClassFold = None,
) -> None:
    """Type a text and see the three probabilities and the words that counted."""
    from ..report.widgets import answer, as_text

    models = {name: load(name, device, backend, labels, fold) for name in dict.fromkeys(model or [DEFAULT_MODEL])}
    if text:
        print(as_text(answer(models, " ".join(text))))
        return
    if sys.stdin.isatty():
        print("Type a text and press Return; an empty line ends.", file=sys.stderr)
    for line in iter(_ask, ""):
        print(as_text(answer(models, line)), end="\n\n", flush=True)


def _ask() -> str:
    """A line that somebody typed or piped in; empty at the end."""
    if sys.stdin.isatty():
        try:
            return input("> ").strip()
        except EOFError:
            return ""
    for line in sys.stdin:
        if line.strip():
            return line.strip()
    return ""
