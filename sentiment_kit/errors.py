"""What a user may see in one line: `DataError`, `ModelError`, an extra that is not installed."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["DataError", "ModelError", "Note"]


class OneLineError(ValueError):
    """A mistake in what was given; what it says is enough to mend that."""

    def _render_traceback_(self) -> list[str]:
        """A notebook shows one line, for the reader's own cell is to be mended, not this package."""
        return [f"{type(self).__name__}: {self}"]


class DataError(OneLineError):
    """An input that cannot be used: a file, an option, or several that do not go together.

    The message says what was expected, what came, where, and what to do.
    """


class ModelError(OneLineError):
    """A model cannot be loaded or used; the message says what was expected, what came and what to do."""


class Note(UserWarning):
    """What a user should know of how an input was read; the command line prints it as one line on stderr."""


def require_extra(module: str, extra: str, what: str = "this needs", error: type[OneLineError] = DataError) -> None:
    """Raise `error` if a module of an extra is not installed, saying how to get it."""
    if find_spec(module) is None:
        raise error(f'{what} {module}, which is not installed: pip install "sentiment-kit[{extra}]"')


def in_one_line(error: BaseException) -> str:
    """The class of a foreign error and the first line of what it says."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__
