"""Docstrings are numpydoc, `name : type` and below it what it is, and agree with the signatures."""

import re
from pathlib import Path

import griffe
import pytest

PACKAGE = Path(__file__).parent.parent / "sentiment_kit"
# Still to be converted: goes, with the line that leaves them out, once they are.
TO_CONVERT = ("files/", "scale/bulk.py", "scale/cluster.py")
PATHS = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]
PATHS = [path for path in PATHS if not path.startswith(TO_CONVERT)]


@pytest.mark.parametrize("path", PATHS)
def test_docstrings_are_numpydoc(path, caplog):
    assert list(_faults((PACKAGE / path).read_text(encoding="utf-8"))) == []
    assert caplog.messages == []  # of griffe, about what it cannot read


@pytest.mark.parametrize(
    "entry",
    ["m : int, default 1", "n", "n : rows, default 1", "n : int; or none, default 1", f"n : int {60 * '-'}, default 1",
     "n : int, default 1\n        how many.", "n : int, default 1\n        How many", "n : int", "n : int, default 2"],
)  # fmt: skip
def test_anything_else_is_found(entry):
    source = 'def count(n: int | None = 1):\n    """Count.\n\n    Parameters\n    ----------\n    {}\n    """'
    assert not list(_faults(source.format("n : int, default 1\n        How many.")))
    assert list(_faults(source.format(entry)))


def _faults(source):
    module = griffe.visit("module", filepath=Path("module.py"), code=source)
    methods = [method for found in module.classes.values() for method in found.functions.values()]
    for owner in (*module.functions.values(), *module.classes.values(), *methods):
        for section in griffe.Docstring(owner.docstring.value).parse("numpy") if owner.docstring else ():
            kind, entries = section.kind.value, section.value
            own = owner.attributes if kind == "attributes" else {one.name: one for one in owner.parameters}
            names = [name for name in own if name != "self"]
            if kind in ("parameters", "attributes") and [entry.name.lstrip("*") for entry in entries] != names:
                yield f"{owner.name}: {kind} other than {', '.join(names)}"
            elif kind in ("parameters", "attributes", "returns", "yields"):
                wrong = [entry for entry in entries if not _fits(entry, own.get(entry.name.lstrip("*"), owner))]
                yield from [f"{owner.name}: {entry.as_dict()}" for entry in wrong]


def _fits(entry, own):
    """Type: begins with a word of the annotation, and is short. Default: told, and true. Description: sentences."""
    kind, annotation = str(entry.annotation or ""), str(own.annotation).replace("ndarray", "array").lower()
    typed = annotation == "any" or re.split(r"\W", kind.lower())[0] in re.findall(r"\w+", annotation)
    default, told = (str(getattr(one, "default", None)).replace("'", '"') for one in (own, entry))
    true = default == told or entry.name.startswith("*") or (default.isupper() and told != "None")  # a constant
    text = entry.description.strip() or "It."[: 3 * (" " not in kind)]  # a type of one word may be enough
    return typed and len(kind) <= 60 and ";" not in kind and true and text.endswith(".") and not text[0].islower()
