"""Run the notebooks on a model and a data set, and bind them into one static site.

Each notebook runs by papermill in a kernel of its own, in its own folder; several at a time where there are cores. What
one has asked the model about a tweet, the next need not ask again. One that measures speed runs alone, and asks. Needs
the extra `notebooks`.
"""

from __future__ import annotations

import base64
import json
import logging
import multiprocessing
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import joblib
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from tqdm import tqdm

from .. import __version__
from ..data import load_data
from ..errors import DataError
from ..hub import ANSWERS_FOLDER, BIASED_MODEL, DEMO_MODEL, find_folder, whole_model
from ..progress import show_progress
from ..provenance import provenance
from ..report.tables import TABLES_FOLDER
from .languages import in_language
from .pages import TABLES, Run, html_of, index, is_page, page

__all__ = ["find_notebooks", "print_pages", "run_notebook", "run_notebooks", "write_report"]

_KEPT_METADATA = {"kernelspec"}
_TIMED = "nbval-ignore-output"
_COMMENT = "this-run"  # tag of a cell that comments on the committed outputs, and is untrue of others
_BAR = re.compile(r"\r|\d+%\|")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
logging.getLogger("papermill").setLevel(logging.ERROR)  # it warns of each parameter that a notebook has no use for
_SHARP = "--InlineBackend.figure_formats={'retina'}"


def find_notebooks(folder: str | Path | None = None, *, only: Sequence[str] = ()) -> list[Path]:
    """The numbered notebooks of the course, in order.

    Parameters
    ----------
    folder : str or Path, optional
        Where they lie. None: `notebooks` here, or beside the package in a clone.
    only : sequence of str, default ()
        Their numbers, or beginnings of their names; none for all.

    Raises
    ------
    DataError
        If there are none, or none of one of the names.
    """
    places = [Path(folder)] if folder else [Path("notebooks"), Path(__file__).parents[2] / "notebooks"]
    found = next((paths for paths in (sorted(place.glob("[0-9]*.ipynb")) for place in places) if paths), None)
    if found is None:
        raise DataError(
            f"no notebooks in {places[0]}; run this in a clone of the repository, or say --notebooks FOLDER"
        )
    only = [name.zfill(2) if name.isdigit() else name for name in only]
    unknown = [name for name in only if not any(path.stem.startswith(name) for path in found)]
    if unknown:
        raise DataError(f"no notebook {unknown[0]!r}; there are {', '.join(path.stem for path in found)}")
    return [path for path in found if not only or path.stem.startswith(tuple(only))]


def write_report(
    notebooks: Sequence[Path],
    output: str | Path,
    *,
    model: str = "demo",
    data: str = "demo",
    columns: Mapping[str, str] | None = None,
    against: str | None = None,
    language: str = "en",
    tables: bool = False,
    jobs: int | None = None,
) -> list[Run]:
    """Run notebooks, and write a page for each and an index into a folder; pages of an earlier report are replaced.

    Parameters
    ----------
    notebooks : sequence of Path
        As from `find_notebooks`.
    output : str or Path
        Folder, made if it is not there.
    model : str, default "demo"
        What `MODEL` becomes.
    data : str, default "demo"
        What `DATA` becomes; a path may be relative to where this runs.
    columns : mapping of str to str, optional
        Names of columns of that file, for the parameters `TEXT`, `LABEL`, `DATE` and `BY`.
    against : str, optional
        A second model, which becomes `REFERENCE`; its verdicts stand beside those of `model` on the first page.
    language : str, default "en"
        "en" or "it", of the prose. "it" takes it from the texts in the folder `italiano` beside the notebooks.
    tables : bool, default False
        Whether the tables that the notebooks show are written to `output`/tables, too, as CSV with all digits, and the
        figure that carries each as a PNG.
    jobs : int, optional
        Notebooks at a time. None: half the cores, at least two on two.

    Returns
    -------
    list of Run
        In the order of `notebooks`; one that failed has an error and the cells up to it.

    Raises
    ------
    DataError, ModelError
        If model or data cannot be had at all, or the folder has an index of something else, before anything is run.
    """
    facts = _facts(model, data)
    output = Path(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{output}: cannot be used as a folder ({error.strerror or error})") from error
    if (output / "index.html").exists() and not is_page(output / "index.html"):
        raise DataError(f"{output / 'index.html'}: written by something else; name another folder")
    parameters = _parameters(model, data) | dict(columns or {})
    if against:
        parameters |= {"REFERENCE": _absolute(against)}
    kept = output / "tables" if tables else None
    ran = run_notebooks(notebooks, parameters=parameters, tables=kept, jobs=jobs)
    runs = [in_language(_as_named(run, parameters), language) for run in ran]
    judging = [path for path, run in zip(notebooks, runs, strict=True) if against and run.verdicts]
    others = run_notebooks(judging, parameters=parameters | {"MODEL": _absolute(str(against))}, jobs=jobs)
    for earlier in filter(is_page, output.glob("[0-9][0-9]_*.html")):
        earlier.unlink()
    known = dict(facts)
    footer = f"sentiment-kit {__version__}; model {known['model']} ({known['its weights'][:16]}…); data {known['data']}"
    for run in runs:
        (output / run.file).write_text(page(run, runs, footer=footer, language=language), encoding="utf-8")
        if kept and run.figure:
            (kept / run.name).mkdir(parents=True, exist_ok=True)
            (kept / run.name / "figure.png").write_bytes(base64.b64decode(run.figure))
    models = [Path(name).name for name in (model, against) if name]
    first = index(
        runs,
        facts,
        stand_in=bool({model, data} & {DEMO_MODEL, BIASED_MODEL}),
        footer=footer,
        models=models,
        others=others,
        language=language,
    )
    (output / "index.html").write_text(first, encoding="utf-8")
    return runs


def print_pages(folder: str | Path) -> list[Path]:
    """Make a PDF of each page of a report, by a Chromium or Chrome of this machine, beside the page.

    Raises
    ------
    DataError
        If there is no such browser, or it fails.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise DataError(
            f"a PDF needs a browser: none of {', '.join(_BROWSERS)} was found; install one, or print by hand"
        )
    made = []
    for page_file in sorted(filter(is_page, Path(folder).glob("*.html"))):
        made.append(page_file.with_suffix(".pdf"))
        options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={made[-1].resolve()}"]
        command = [browser, *options, *(["--no-sandbox"] if os.geteuid() == 0 else []), page_file.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not made[-1].exists():
            raise DataError(
                f"{browser} made no PDF of {page_file}: {(done.stderr.splitlines() or ['no reason given'])[-1]}"
            )
    return made


def run_notebooks(
    notebooks: Sequence[Path],
    *,
    parameters: Mapping[str, str],
    tables: Path | None = None,
    jobs: int | None = None,
    sharp: bool = True,
) -> list[Run]:
    """Run notebooks, several at a time, and afterwards those that measure speed, one at a time.

    Parameters
    ----------
    notebooks : sequence of Path
        The files are not changed.
    parameters : mapping of str to str
        Values for their `parameters` cells.
    tables : Path, optional
        Folder for the tables that they show, a folder in it for each.
    jobs : int, optional
        How many at a time, each with its share of the cores. None: half the cores, at least two on two.
    sharp : bool, default True
        Figures at twice the resolution.
    """
    cores = joblib.cpu_count()
    jobs = jobs or max(cores // 2, min(cores, 2))
    timed = [path for path in notebooks if _TIMED in path.read_text(encoding="utf-8")]
    runs: dict[Path, Run] = {}
    # The shares of the cores are environment variables of the processes, which their kernels inherit. They are forked
    # from one that has imported this module, and nothing that computes.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    together = [path for path in notebooks if path not in timed]
    with (
        tqdm(total=len(notebooks), unit=" notebooks", disable=not show_progress(None)) as bar,
        tempfile.TemporaryDirectory() as answers,
    ):
        for paths, n, remembered in ((together, jobs, answers), (timed, 1, "")):
            environment = {**os.environ, **_limits(max(cores // n, 1)), ANSWERS_FOLDER: remembered}
            with ProcessPoolExecutor(n, context, initializer=_set_environment, initargs=(environment,)) as pool:
                run = partial(run_notebook, parameters=parameters, tables=tables, sharp=sharp)
                waiting = {pool.submit(run, path): path for path in paths}
                for done in as_completed(waiting):
                    finished = runs[waiting[done]] = done.result()
                    bar.set_postfix_str(f"{finished.name}{' failed' if finished.error else ''}")
                    bar.update()
    return [runs[path] for path in notebooks]


def run_notebook(
    path: str | Path,
    *,
    parameters: Mapping[str, str] | None = None,
    tables: Path | None = None,
    sharp: bool = False,
) -> Run:
    """Run a notebook from top to bottom, as far as it goes, and free it of what changes from run to run.

    Parameters
    ----------
    path : str or Path
        The notebook; it is not changed.
    parameters : mapping of str to str, optional
        Values for its `parameters` cell, say `{"MODEL": "demo"}`. None: its own. With any, the cells that comment on
        its committed outputs (tag `this-run`) are left out.
    tables : Path, optional
        Folder for the tables that it shows, as CSV, in a folder of its name.
    sharp : bool, default False
        Figures at twice the resolution.
    """
    path = Path(path)
    if tables:
        os.environ[TABLES_FOLDER] = str(tables.resolve() / path.stem)  # kernels inherit it
    arguments = ["--log-level=50"]  # the kernel warns of its own transport when it starts, and at times of its end
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / path.name
        error = ""
        try:
            papermill.execute_notebook(
                path,
                written,
                parameters=dict(parameters or {}),
                kernel_name="python3",
                cwd=path.parent,
                progress_bar=False,
                extra_arguments=[*arguments, _SHARP] if sharp else arguments,
            )
        except papermill.PapermillExecutionError as failure:
            error = f"{failure.ename}: {failure.evalue}".strip()
        except (DeadKernelError, RuntimeError) as failure:  # killed, say for the memory it took
            error = f"{type(failure).__name__}: {failure}".strip()
        finally:
            os.environ.pop(TABLES_FOLDER, None)
        notebook = nbformat.read(written if written.exists() else path, as_version=4)
    if parameters:
        notebook.cells = [cell for cell in notebook.cells if _COMMENT not in cell.metadata.get("tags", [])]
    return Run(path.stem, _without_traces(notebook), error, path.parent)


def rewrite_notebooks(notebooks: Sequence[Path], *, jobs: int | None = None) -> list[Run]:
    """Run notebooks on the demo and write them back as they are committed: without the tables' library and live parts.

    One that fails keeps its file.
    """
    runs = run_notebooks(notebooks, parameters={}, jobs=jobs, sharp=False)
    for path, run in zip(notebooks, runs, strict=True):
        if not run.error:
            nbformat.write(_committed(run.notebook), path)
    return runs


def _parameters(model: str, data: str) -> dict[str, str]:
    """What differs from the notebooks' own; paths become absolute, for notebooks run in their own folder."""
    named = {"MODEL": model, "DATA": data}
    return {name: _absolute(value) for name, value in named.items() if value != "demo"}


def _absolute(name: str) -> str:
    return str(Path(name).resolve()) if Path(name).exists() else name


def _as_named(run: Run, parameters: dict[str, str]) -> Run:
    """Absolute paths, which notebooks need and readers do not, give way to the names of file and folder."""
    for value in parameters.values():
        if Path(value).is_absolute():
            for cell in run.notebook.cells:
                cell.source = cell.source.replace(value, Path(value).name)
                for output in cell.get("outputs", []):
                    if "text" in output:
                        output.text = output.text.replace(value, Path(value).name)
    return run


def _facts(model: str, data: str) -> list[tuple[str, str]]:
    """The record of provenance, and what else a reader must know, in words."""
    record = provenance(model=model, data=[data])
    found, source = record["model"], record["data"][0]
    config = json.loads((whole_model(find_folder(model)[0]) / "config.json").read_text(encoding="utf-8"))
    sizes = {"num_hidden_layers": "layers", "hidden_size": "hidden size", "vocab_size": "vocabulary"}
    built = [f"{name} {config[key]:,}" for key, name in sizes.items() if isinstance(config.get(key), int)]
    tweets = load_data(data, mixed="keep", split="test")
    labelled = int(tweets["label"].notna().sum())
    which = "demo, its test split (04 reads all of it)" if data == DEMO_MODEL else source["name"]
    command = f"sentiment-kit report --model {found['name']} --data {source['name']}"
    software = {"sentiment-kit": record["sentiment_kit"], **record["software"]}
    return [
        ("model", found["name"] + (f", commit {found['revision']}" if found["revision"] else "")),
        ("its network", ", ".join([config.get("model_type", "unknown"), *built])),
        ("its weights", f"SHA-256 {found['weights']}"),
        ("its tokenizer", f"SHA-256 {found['tokenizer']}"),
        ("data", f"{which}: {len(tweets):,} tweets, {labelled:,} of them with a label"),
        *([("their file", f"{source['size']:,} bytes, SHA-256 {source['sha256']}")] if "sha256" in source else []),
        ("software", ", ".join(f"{name} {version}" for name, version in software.items())),
        ("made", f"{datetime.now(UTC):%Y-%m-%d} on {joblib.cpu_count()} cores ({platform.machine()}) by: {command}"),
    ]


def _set_environment(values: dict[str, str]) -> None:
    os.environ.update(values)


def _limits(threads: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}


def _without_traces(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop timestamps, durations, progress bars and paths, so that a second run changes nothing but results."""
    for name in set(notebook.metadata) - _KEPT_METADATA:
        del notebook.metadata[name]
    notebook.cells = [c for c in notebook.cells if "papermill-error-cell-tag" not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != "injected-parameters"]
        if cell.cell_type == "code":  # a progress bar shows where a machine is slow
            cell.outputs = [
                output
                for output in cell.outputs
                if not (output.get("name") == "stderr" and _BAR.search(output["text"]))
            ]
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})
    # What was printed in one go may arrive in several pieces, as the kernel pleases.
    return CoalesceStreamsPreprocessor().preprocess(notebook, {})[0]


def _committed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what only a running notebook or a page needs: widgets, and the library of the tables."""
    for cell in notebook.cells:
        if "live" in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.get("outputs", []):
            if TABLES.search(html_of(output)):
                output.data = {"text/plain": "the tables' library, loaded when this cell is run"}
    return notebook
