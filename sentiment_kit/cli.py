"""The command line: its commands put together, `--version`, one line per error.

Each command is a module of `commands`, and thin: arguments in, calls of the package. What needs torch is imported
inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from . import __version__
from .commands import agree, benchmark, evaluate, probe, report, sample, score, shares, train, try_text
from .errors import DataError, ModelError, Note

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Use, measure and question an Italian tweet-sentiment model.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"sentiment-kit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


# In the order that --help lists them in.
app.command("try")(try_text.try_text)
for command in (
    score.score, evaluate.evaluate, sample.sample, agree.agree, shares.shares, probe.probe, train.train,
    benchmark.benchmark, report.report,
):  # fmt: skip
    app.command()(command)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no bars and emoji shows what it can
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    with warnings.catch_warnings():
        warnings.simplefilter("always", Note)
        warnings.showwarning = _as_one_line(warnings.showwarning)
        try:
            app()
        except (DataError, ModelError) as error:
            print(f"sentiment-kit: {error}", file=sys.stderr)
            sys.exit(2)


def _as_one_line(show: Callable[..., None]) -> Callable[..., None]:
    """How warnings are shown: a note by what it says, any other as before."""

    def shown(message: Warning | str, category: type[Warning], *place: object, **options: object) -> None:
        if issubclass(category, Note):
            print(f"note: {message}", file=sys.stderr)
        else:
            show(message, category, *place, **options)

    return shown
