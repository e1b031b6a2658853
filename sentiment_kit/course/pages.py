"""Executed notebooks to HTML pages that need nothing else, not even a network, and the index that binds them.

The pages' look lies in `page_files/`: templates, style, a script for folding and for light and dark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from bs4 import BeautifulSoup
from itables.javascript import generate_init_offline_itables_html
from itables.options import dt_bundle
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

FOLDER = Path(__file__).parent / "page_files"
TABLES = re.compile(r"_itables_\w+ = injectModule")
"""What the output of itables' `init_notebook_mode` has: the library itself, 0.7 MB."""

# Pages open without a network: what nbconvert would have them fetch is left out.
_OFFLINE = {"mathjax_url": "", "require_js_url": "", "jquery_url": "", "mermaid_js_url": ""}
_LINK = re.compile(r'<a href="(\d\d_\w+)\.ipynb"')
"""Notebooks link to each other; a page that is not there is not linked to."""
_DRAWING = re.compile(r'<img alt="([^"]*)" src="(drawings/[\w-]+\.svg)"/>')
"""A drawing beside the notebooks; on a page it becomes part of it, and follows light and dark."""
_HEADLINE = re.compile(r"^## (What we found|Che cosa abbiamo trovato)$", re.MULTILINE)
_MARK = '<meta name="generator" content="sentiment-kit">'
_PRINTED = re.compile(r"(output_text[^>]*>\s*)<pre>(.*?)</pre>", re.DOTALL)
_COLUMNS = re.compile(r"\S {3,}\S")


class Run(NamedTuple):
    """A notebook that was run."""

    name: str
    """Of the file, without suffix."""
    notebook: nbformat.NotebookNode
    error: str
    """The last line of its error; empty if there was none."""
    folder: Path | None = None
    """Where its drawings lie."""

    @property
    def file(self) -> str:
        return f"{self.name}.html"

    @property
    def title(self) -> str:
        return self.notebook.cells[0].source.split("\n")[0].lstrip("# ")

    @property
    def headline(self) -> str:
        """What the cell below "What we found", in either language, printed: the notebook's result, computed."""
        cells = self.notebook.cells
        for before, cell in zip(cells, cells[1:], strict=False):
            if before.cell_type == "markdown" and _HEADLINE.search(before.source) and cell.cell_type == "code":
                return "".join(output.get("text", "") for output in cell.outputs).strip()
        return ""

    @property
    def figure(self) -> str:
        """The figure that carries the notebook, a PNG in base64; empty if it has none."""
        images = (output.get("data", {}).get("image/png", "") for output in self._outputs("the-figure"))
        return "".join(next(images, "").split())

    @property
    def alternative(self) -> str:
        """That figure in words, for those who do not see it."""
        images = Run(self.name, _described(nbformat.from_dict(self.notebook)), "")._outputs("the-figure")
        return next((i.metadata["image/png"]["alt"] for i in images if "image/png" in i.metadata), "")

    @property
    def verdicts(self) -> list[list[str]]:
        """The table of verdicts, its header first; empty for a notebook that judges nothing."""
        tables = [html_of(output) for output in self._outputs("verdicts")]
        rows = BeautifulSoup("".join(tables), "html.parser").select("table.dataframe tr")
        return [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in rows]

    def _outputs(self, tag: str) -> list[nbformat.NotebookNode]:
        tagged = [cell for cell in self.notebook.cells if tag in cell.metadata.get("tags", [])]
        return [output for cell in tagged for output in cell.get("outputs", [])]


def is_page(path: Path) -> bool:
    """Whether a file is a page of a report, by its head."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return _MARK in file.read(1000)


def page(run: Run, runs: Sequence[Run] = (), *, footer: str = "", language: str = "en") -> str:
    """One notebook as a page, with links to the one before and the one after among `runs`."""
    exporter = HTMLExporter(
        template_name="notebook",
        extra_template_basedirs=[str(FOLDER)],
        config=Config({"HTMLExporter": _OFFLINE}),
    )
    body, _ = exporter.from_notebook_node(_described(_without_library(run.notebook)))
    body = body.replace("<p><strong>In italiano.", '<p lang="it"><strong>In italiano.')
    # What was printed as sentences may wrap; tables, known by their columns, may not.
    body = _PRINTED.sub(
        lambda found: found[0] if _COLUMNS.search(found[2]) else f'{found[1]}<pre class="wrap">{found[2]}</pre>', body
    )
    body = body.replace("<th></th>", "<td></td>")  # a screen reader would announce a heading, and then nothing
    body = _DRAWING.sub(lambda found: _drawing(run, *found.groups()) or found[0], body)
    names = {other.name for other in runs}
    body = _LINK.sub(lambda link: f'<a href="{link[1]}.html"' if link[1] in names or not names else "<a", body)
    at = next((number for number, other in enumerate(runs) if other.name == run.name), 0)
    return _bound(
        run.title,
        body,
        head=_library(run.notebook),
        footer=footer,
        language=language,
        error=run.error,
        notebook=True,
        previous=runs[at - 1] if at else None,
        next=runs[at + 1] if at + 1 < len(runs) else None,
    )


def index(
    runs: Sequence[Run],
    facts: Sequence[tuple[str, str]],
    *,
    stand_in: bool,
    footer: str = "",
    models: Sequence[str] = ("",),
    others: Sequence[Run] = (),
    language: str = "en",
) -> str:
    """The first page: the verdicts, what was run with what, and figure and result of each notebook.

    Parameters
    ----------
    runs : sequence of Run
        In the order of the course.
    facts : sequence of tuple of str
        Name and value of what a reader must know: model, data, versions.
    stand_in : bool
        Whether the demo was used, which the page then says.
    footer : str, default ""
        What stands at the foot of the page.
    models : sequence of str, default ("",)
        Names of the model, and of the one beside it.
    others : sequence of Run, default ()
        The notebooks with verdicts, run on the model beside it.
    language : str, default "en"
        "en" or "it", of what the page itself says.
    """
    words = _words(language)
    shown = {"stand_in": stand_in, "facts": facts, "runs": runs, "models": models, "sheet": _sheet(runs, others)}
    body = _environment().get_template("index.html.j2").render(words=words, **shown)
    return _bound(words["heading"], body, footer=footer, language=language)


def _sheet(runs: Sequence[Run], others: Sequence[Run]) -> list[dict[str, Any]]:
    """A row for each claim: the claim, its criterion, and figure, verdict and kind of verdict of each model."""
    beside = {run.name: run for run in others}
    rows = []
    for run in runs:
        tables = [_by_claim(run)] + ([_by_claim(beside[run.name])] if run.name in beside else [])
        for claim, found in tables[0].items():
            answers = [table.get(claim, {}) for table in tables]
            answers = [answer | {"kind": _kind(answer.get("verdict", ""))} for answer in answers]
            rows.append({"claim": claim, "criterion": found.get("criterion", ""), "page": run.file, "answers": answers})
    return rows


def _by_claim(run: Run) -> dict[str, dict[str, str]]:
    """The table of verdicts: its columns `figure`, `criterion` and `verdict` (by the first word of each) by claim."""
    if not run.verdicts:
        return {}
    names = [name.split(" ")[0] for name in run.verdicts[0]]
    return {row[0]: dict(zip(names, row, strict=False)) for row in run.verdicts[1:] if len(row) == len(names)}


def _kind(verdict: str) -> str:
    """What a verdict looks like: as claimed, against it, an effect that is there, one that is not, open."""
    starts = {"supported": "for", "contradicted": "against", "shown": "there", "not shown": "not-there"}
    return next((kind for start, kind in starts.items() if verdict.startswith(start)), "open")


def _words(language: str) -> dict[str, str]:
    """What pages say of themselves."""
    return json.loads((FOLDER / "words.json").read_text(encoding="utf-8"))[language]


def _bound(title: str, body: str, *, language: str = "en", **parts: object) -> str:
    style = (FOLDER / "page.css").read_text(encoding="utf-8")
    light, dark = (
        HtmlFormatter(style=name).get_style_defs(scope)
        for name, scope in (("default", ".highlight"), ("github-dark", ".dark .highlight"))
    )
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            language=language,
            words=_words(language),
            body=Markup(body),
            style=Markup(f"{style}\n{light}\n{dark}"),
            script=Markup((FOLDER / "page.js").read_text(encoding="utf-8")),
            **({"head": ""} | parts),
        )
    )


def html_of(output: nbformat.NotebookNode) -> str:
    """What a cell's output has for a page; empty if nothing."""
    return "".join(output.get("data", {}).get("text/html", ""))


def _drawing(run: Run, alternative: str, name: str) -> str:
    """The drawing itself, with its description for those who do not see it; empty where the file is not there."""
    if not run.folder or not (run.folder / name).exists():
        return ""
    source = (run.folder / name).read_text(encoding="utf-8")
    return source[source.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{alternative}"', 1)


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True)
    environment.filters["written"] = _written
    return environment


def _written(figure: str, forms: dict[str, str]) -> str:
    """A figure with the signs and words of a language in place of the English ones."""
    return re.sub("|".join(map(re.escape, forms)), lambda found: forms[found[0]], figure) if forms else figure


def _library(notebook: nbformat.NotebookNode) -> Markup:
    """The tables' library, once, for a notebook that has such tables: a page's tables stand without their own."""
    texts = [html_of(output) for cell in notebook.cells for output in cell.get("outputs", [])]
    return Markup(generate_init_offline_itables_html(dt_bundle) if any("new ITable(" in text for text in texts) else "")


def _without_library(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    copied = nbformat.from_dict(notebook)
    for cell in copied.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not TABLES.search(html_of(output))]
    return copied


def _described(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Each figure with its section and the text before it, for those who do not see it."""
    section = text = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            plain = re.sub(r"[*`>]|\[|\]\([^)]*\)", "", cell.source)
            section = ([section] + re.findall(r"^#+ (.+)", plain, flags=re.MULTILINE))[-1]
            text = " ".join(re.sub(r"^#+ .+", "", plain, flags=re.MULTILINE).split())
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.metadata.setdefault("image/png", {})["alt"] = f"Figure, {section}: {text}"
    return notebook
