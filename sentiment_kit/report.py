"""Run the notebooks and make pages of them: `python -m sentiment_kit.report notebooks/*.ipynb --output report`.

Each notebook runs by papermill in a kernel of its own, in its own folder. Needs the extra `notebooks`.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import nbformat
import papermill
from nbconvert import HTMLExporter
from traitlets.config import Config

# Pages open without a network: what nbconvert would have them fetch is left out.
_OFFLINE = {"mathjax_url": "", "require_js_url": "", "jquery_url": "", "mermaid_js_url": ""}
_KEPT_METADATA = {"kernelspec"}


def run_notebook(path: str | Path, *, parameters: dict[str, str] | None = None) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom and return it with its outputs, freed of what changes from run to run.

    Parameters
    ----------
    path : the notebook; it is not changed
    parameters : values for its `parameters` cell, say `{"MODEL": "demo"}`

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell fails, with its traceback.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        executed = papermill.execute_notebook(
            path,
            Path(folder) / path.name,
            parameters=parameters or {},
            kernel_name="python3",
            cwd=path.parent,
            progress_bar=False,
            extra_arguments=["--log-level=40"],  # the kernel warns of its own transport at every start
        )
    return _without_traces(executed)


def write_page(notebook: nbformat.NotebookNode, path: str | Path) -> None:
    """Write an executed notebook as one HTML file that needs nothing else, not even a network."""
    title = notebook.cells[0].source.split("\n")[0].lstrip("# ")
    page, _ = HTMLExporter(config=Config({"HTMLExporter": _OFFLINE})).from_notebook_node(
        notebook, {"metadata": {"name": title}}
    )
    page = re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.html"', page)  # notebooks link to each other
    Path(path).write_text(page, encoding="utf-8")


def _without_traces(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop timestamps, durations, progress bars and paths, so that a second run changes nothing but results."""
    for name in set(notebook.metadata) - _KEPT_METADATA:
        del notebook.metadata[name]
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != "injected-parameters"]
        if cell.cell_type == "code":  # a progress bar shows where a machine is slow
            cell.outputs = [
                output
                for output in cell.outputs
                if not (output.get("name") == "stderr" and output["text"].startswith("\r"))
            ]
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})
    return notebook


def main() -> None:
    """Run the notebooks named; write pages to a folder, or the notebooks back in place."""
    parser = argparse.ArgumentParser(description="Run notebooks; write HTML pages, or the notebooks in place.")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, help="folder for the pages; without it, notebooks are written in place")
    parser.add_argument("--model", default="demo", help="MODEL of every notebook")
    parser.add_argument("--data", default="demo", help="DATA of every notebook: demo, or an absolute path")
    options = parser.parse_args()
    changed = {"MODEL": options.model, "DATA": options.data}
    parameters = {name: value for name, value in changed.items() if value != "demo"}
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
    for path in options.notebooks:
        print(path, flush=True)
        notebook = run_notebook(path, parameters=parameters)
        if options.output:
            write_page(notebook, options.output / path.with_suffix(".html").name)
        else:
            nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
