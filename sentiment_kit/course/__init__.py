"""How do notebooks become a report? They are run on a model and data, and bound into a site, in English or Italian.

- `find_notebooks`: those of the course
- `write_report`: all of them, run and bound
"""

from importlib import import_module
from typing import Any

_OF_THE_EXTRA = {"find_notebooks": "notebooks", "write_report": "notebooks"}


def __getattr__(name: str) -> Any:
    """What needs the extra `notebooks` is imported when it is asked for."""
    if name not in _OF_THE_EXTRA:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_OF_THE_EXTRA[name]}", __name__), name)
