"""Docstrings of this project as griffe wants them: what a value is stands on the line of its type, in prose.

`score : one of SCORES` names no type, so that text goes to the description and the type comes from the signature.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_SECTION = re.compile(r"^(Parameters|Attributes|Returns)\n-+\n((?:.+\n?|\n(?= ))+)", re.MULTILINE)
_ITEM = re.compile(r"^(\w+(?:, \w+)*) : (.+)\n?((?: +.+\n?)*)", re.MULTILINE)


class Prose(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            returns = str(obj.returns) if obj.is_function and obj.returns else None
            obj.docstring.value = _SECTION.sub(lambda section: _rewritten(section, returns), obj.docstring.value)


def _rewritten(section: re.Match[str], returns: str | None) -> str:
    title, body = section[1], section[2]
    if title != "Returns":
        body = _ITEM.sub(_one_by_one, body)
    elif returns:
        # The first line says what comes back, the indented rest what is in it: two paragraphs.
        first, _, rest = body.partition("\n")
        body = f"{returns}\n    {first}\n\n{rest}" if first.strip() != returns else body
    return f"{title}\n{'-' * len(title)}\n{body}"


def _one_by_one(item: re.Match[str]) -> str:
    """Names that share a line each get its text, and so their own default; a new sentence below begins a line."""
    names, first, rest = item[1].split(", "), item[2], item[3].rstrip()
    text = f"    {first}" + ("  " if rest and not rest.lstrip()[0].islower() else "")
    return "".join(f"{name}\n{text}\n{rest}\n" for name in names)
