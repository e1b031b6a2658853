"""The prose of a notebook in another language, cell by cell.

Beside the notebooks, `italiano/NAME.md` has a block for each Markdown cell: a comment with the first signs of the
SHA-256 of the English text, so that a cell that changed is known, and the Italian text.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ..errors import DataError
from .pages import Run

FOLDERS = {"it": "italiano"}
"""Where the texts lie, beside the notebooks, by language."""
_BLOCK = re.compile(r"^<!-- ([0-9a-f]{12}) -->\n(.*?)(?=^<!-- [0-9a-f]{12} -->$|\Z)", re.MULTILINE | re.DOTALL)


def in_language(run: Run, language: str) -> Run:
    """A notebook with its prose in a language; "en" is as it stands.

    Parameters
    ----------
    run : Run
        With its folder; what it prints stays as it is.
    language : str
        "en" or "it".

    Returns
    -------
    Run
        The same one, its Markdown cells changed.

    Raises
    ------
    DataError
        A language there is none of, no text for this notebook, or none for one of its cells.
    """
    if language == "en":
        return run
    if language not in FOLDERS:
        raise DataError(f"language must be one of en, {', '.join(FOLDERS)}, but {language!r} was passed")
    path = (run.folder or Path()) / FOLDERS[language] / f"{run.name}.md"
    if not path.exists():
        raise DataError(f"{path} is not there: notebook {run.name} has no text in {language!r}")
    texts = translations(path)
    for cell in run.notebook.cells:
        if cell.cell_type == "markdown":
            if key_of(cell.source) not in texts:
                raise DataError(f"{path}: no text for the cell that begins {cell.source[:60]!r}; it has changed since")
            cell.source = texts[key_of(cell.source)]
    return run


def translations(path: str | Path) -> dict[str, str]:
    """The texts of a file by the key of what they translate."""
    return {key: text.strip() for key, text in _BLOCK.findall(Path(path).read_text(encoding="utf-8"))}


def key_of(source: str) -> str:
    """The first 12 signs of the SHA-256 of a cell's text."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]
