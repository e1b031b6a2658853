"""What mkdocs does not do by itself: links from a page into the repository, and the help texts of the commands.

Links are written as they work in the repository (`../notebooks/01_inference.ipynb`) and made to work in the site: what
they lead to is put into it, a notebook as a page with its committed outputs, anything else as it is.

A comment `<!-- sentiment-kit score --help -->` becomes what that command prints, and
`<!-- the modules of this page -->` the docstrings of the modules of the core, or of a wing, which the package's
docstring lists and others import from. `<!-- the figure of each notebook -->` becomes a gallery that leads to their
pages.
"""

from __future__ import annotations

import base64
import html
import importlib
import inspect
import posixpath
import re
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from typer.testing import CliRunner

import sentiment_kit
from sentiment_kit.cli import app
from sentiment_kit.course.notebooks import find_notebooks
from sentiment_kit.course.pages import Run, index, page

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"(?<=\]\()(?:\.\./)+[^)#\s]+")
_HELP = re.compile(r"^<!-- sentiment-kit((?: \w+)?) --help -->$", re.MULTILINE)
_MODULES = "<!-- the modules of this page -->"
_GALLERY = "<!-- the figure of each notebook -->"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add to the site what its pages link to in the repository."""
    pages = files.documentation_pages()
    found = {_in_repository(one.src_uri, link) for one in pages for link in _LINK.findall(one.content_string)}
    targets = sorted(target for target in found if target)
    books = [Path(target) for target in targets if target.endswith(".ipynb")]
    runs = [Run(path.stem, nbformat.read(ROOT / path, as_version=4), "", (ROOT / path).parent) for path in books]
    footer = "Outputs as committed, on the demo, whose figures say nothing about another model"
    facts = [("model", "demo"), ("data", "demo")]
    files.append(
        _added(config, _in_site("notebooks/index.html"), content=index(runs, facts, stand_in=True, footer=footer))
    )
    for path, run in zip(books, runs, strict=True):
        content = page(run, runs, footer=footer)
        files.append(_added(config, _in_site(path.as_posix()), content=content))
    for run in course():
        files.append(_added(config, f"figures/{run.name}.png", content=base64.b64decode(run.figure)))
    for target in targets:
        if not target.endswith(".ipynb"):
            files.append(_added(config, _in_site(target), abs_src_path=str(ROOT / target)))
    return files


def _added(config: MkDocsConfig, uri: str, **source: str | bytes) -> File:
    return File.generated(config, uri, inclusion=InclusionLevel.NOT_IN_NAV, **source)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links into the repository to what `on_files` added, and fill in the help texts."""
    here = page.file.src_uri

    def turned(link: re.Match[str]) -> str:
        target = _in_repository(here, link[0])
        return posixpath.relpath(_in_site(target), posixpath.dirname(here)) if target else link[0]

    markdown = markdown.replace(_GALLERY, gallery() if _GALLERY in markdown else "")
    markdown = markdown.replace(_MODULES, docstrings(posixpath.basename(here).removesuffix(".md")))
    return _HELP.sub(lambda comment: f"```text\n{help_text(comment[1].split())}```", _LINK.sub(turned, markdown))


def course() -> list[Run]:
    """The numbered notebooks, as they are committed."""
    return [Run(path.stem, nbformat.read(path, as_version=4), "") for path in find_notebooks(ROOT / "notebooks")]


def gallery() -> str:
    """The figure that carries each notebook, and its question, as links."""
    parts = [
        f'<a href="{_in_site(f"notebooks/{run.file}")}"><img src="figures/{run.name}.png" loading="lazy" '
        f'alt="{html.escape(run.alternative)}"><span>{html.escape(run.title)}</span></a>'
        for run in course()
    ]
    return "\n".join(['<div class="gallery">', *parts, "</div>"])


def docstrings(page: str) -> str:
    """What mkdocstrings is asked for: each module of "core", or of a wing, with the names of its `__all__` or all."""
    blocks = []
    for name in documented(page):
        shown = getattr(importlib.import_module(f"sentiment_kit.{name}"), "__all__", None)
        options = [] if shown is None else ["    options:", "      members:", *(f"        - {one}" for one in shown)]
        blocks.append("\n".join([f"::: sentiment_kit.{name}", *options]))
    return "\n\n".join(blocks)


def documented(page: str) -> list[str]:
    """The modules on a page of the reference, in the order of the map."""
    listed = re.findall(r"^- `([\w.]+)`:", sentiment_kit.__doc__ or "", re.MULTILINE)
    if page == "core":
        return [name for name in listed if "." not in name]
    own = [name for name in listed if name.startswith(f"{page}.")]
    source = inspect.getsource(importlib.import_module(f"sentiment_kit.{page}")) if own else ""
    handing_on = {first or second for first, second in re.findall(r"from \.(\w+) import|: \"(\w+)\"", source)}
    return [name for name in own if name.split(".")[1] in handing_on]


def help_text(command: list[str]) -> str:
    """What `sentiment-kit COMMAND --help` prints."""
    done = CliRunner().invoke(app, [*command, "--help"], prog_name="sentiment-kit", terminal_width=80)
    if done.exit_code:
        raise ValueError(f"sentiment-kit {' '.join(command)} --help failed: {done.output}")
    return done.output


def _in_repository(page: str, link: str) -> str | None:
    """The path in the repository that a page's link leads to, or None for another page."""
    target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if target.startswith("docs/") else target


def _in_site(target: str) -> str:
    return f"repository/{target.removesuffix('.ipynb')}.html" if target.endswith(".ipynb") else f"repository/{target}"
