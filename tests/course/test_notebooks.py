import re

import nbformat
import pytest

from sentiment_kit.course.notebooks import (
    find_notebooks,
    print_pages,
    rewrite_notebooks,
    run_notebook,
    run_notebooks,
    write_report,
)
from sentiment_kit.course.pages import Run, page
from sentiment_kit.errors import DataError

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def _write(path, *sources, tags=()):
    cells = [
        nbformat.v4.new_markdown_cell("# Is it true?", metadata={"papermill": {"duration": 1}}),
        nbformat.v4.new_code_cell('MODEL = "demo"\nDATA = "demo"', metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {}) for source in sources),
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), path)
    return path


@pytest.fixture
def notebook(tmp_path):
    return _write(tmp_path / "notebooks" / "01_true.ipynb", "import os\nprint(MODEL, os.path.basename(os.getcwd()))")


def test_it_runs_in_its_own_folder_and_leaves_no_traces(notebook):
    before = notebook.read_bytes()
    run = run_notebook(notebook)
    assert notebook.read_bytes() == before
    assert (run.name, run.error, run.title) == ("01_true", "", "Is it true?")
    assert set(run.notebook.metadata) == {"kernelspec"}
    assert [dict(cell.metadata) for cell in run.notebook.cells] == [{}, {"tags": ["parameters"]}, {}]
    assert [cell.execution_count for cell in run.notebook.cells[1:]] == [1, 2]
    assert run.notebook.cells[2].outputs[0].text == "demo notebooks\n"


def test_progress_bars_are_no_output_but_warnings_are(tmp_path):
    path = _write(
        tmp_path / "notebooks" / "01_true.ipynb",
        "import sys\nprint('\\r 5%', file=sys.stderr, end='')",
        "import sys\nprint('careful', file=sys.stderr)",
    )
    run = run_notebook(path)
    assert [[output.text for output in cell.outputs] for cell in run.notebook.cells[2:]] == [[], ["careful\n"]]


def test_parameters_are_set_below_their_cell(notebook):
    run = run_notebook(notebook, parameters={"MODEL": "other"})
    assert run.notebook.cells[-1].outputs[0].text == "other notebooks\n"
    assert 'MODEL = "other"' in run.notebook.cells[2].source


def test_a_failing_notebook_stops_no_other(notebook):
    broken = _write(notebook.parent / "02_broken.ipynb", "print('so far')", "1 / 0", "print('never')")
    runs = run_notebooks([broken, notebook], parameters={}, jobs=2)
    assert [run.name for run in runs] == ["02_broken", "01_true"]
    assert runs[0].error == "ZeroDivisionError: division by zero"
    assert runs[0].notebook.cells[2].outputs[0].text == "so far\n"
    assert not any("papermill" in cell.source for cell in runs[0].notebook.cells)
    assert not runs[1].error


def test_a_kernel_that_is_killed_is_a_failed_notebook(notebook):
    killed = _write(notebook.parent / "02_killed.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    runs = run_notebooks([killed, notebook], parameters={}, jobs=1)
    assert "DeadKernelError" in runs[0].error
    assert not runs[1].error


def test_one_that_measures_speed_runs_alone_and_last(notebook):
    """Each writes what it sees: the threads it may use."""
    source = "import os\nprint(os.environ['OMP_NUM_THREADS'], os.cpu_count())"
    together = _write(notebook.parent / "03_a.ipynb", source)
    timed = _write(notebook.parent / "02_timed.ipynb", source, tags=["nbval-ignore-output"])
    runs = run_notebooks([timed, together], parameters={}, jobs=2)
    (alone, cores), (shared, _) = (run.notebook.cells[-1].outputs[0].text.split() for run in runs)
    assert int(alone) == int(cores)
    assert int(shared) == max(int(cores) // 2, 1)


def test_the_report_has_an_index_a_page_each_and_links(notebook, tmp_path):
    path = _write(notebook.parent / "02_found.ipynb", "print('x')")
    node = nbformat.read(path, as_version=4)
    node.cells += [nbformat.v4.new_markdown_cell("## What we found"), nbformat.v4.new_code_cell("print('79.9%')"),
                   nbformat.v4.new_markdown_cell("**Next:** [more](01_true.ipynb)")]  # fmt: skip
    nbformat.write(node, path)
    runs = write_report([notebook, path], tmp_path / "report", jobs=2)
    assert not any(run.error for run in runs)
    assert sorted(found.name for found in (tmp_path / "report").iterdir()) == [
        "01_true.html", "02_found.html", "index.html",
    ]  # fmt: skip
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert 'href="02_found.html"' in index
    assert "79.9%" in index
    assert "The demo is for teaching and tests" in index
    assert len(re.findall(r"<td>SHA-256 [0-9a-f]{64}</td>", index)) == 2  # of the weights and of the tweets
    assert "demo, its test split (04 reads all of it): 960 tweets, 943 of them with a label" in index
    assert "bert, layers 10, hidden size 384, vocabulary 16,000" in index
    assert "by: sentiment-kit report --model demo --data demo" in index
    page = (tmp_path / "report" / "02_found.html").read_text(encoding="utf-8")
    assert 'href="01_true.html" rel="prev"' in page
    assert page.count('href="01_true.html"') == 2


def test_model_and_data_are_asked_for_before_anything_runs(notebook, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        write_report([notebook], tmp_path / "report", data="nowhere.csv")
    assert not (tmp_path / "report").exists()


def test_an_output_that_cannot_be_is_said_before_anything_runs(notebook, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be used as a folder"):
        write_report([notebook], tmp_path / "file" / "report")


def test_pages_of_an_earlier_report_go(notebook, tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "07_old.html").write_text(page(Run("07_old", nbformat.read(notebook, as_version=4), "")))
    for name in ("05_mine.html", "mine.html"):
        (tmp_path / "report" / name).write_text("<html>")
    write_report([notebook], tmp_path / "report")
    found = sorted(path.name for path in (tmp_path / "report").iterdir())
    assert found == ["01_true.html", "05_mine.html", "index.html", "mine.html"]


def test_an_index_of_something_else_is_not_replaced(notebook, tmp_path):
    (tmp_path / "index.html").write_text("<html>mine")
    with pytest.raises(DataError, match="written by something else; name another folder"):
        write_report([notebook], tmp_path)
    assert (tmp_path / "index.html").read_text() == "<html>mine"


def test_data_may_be_named_from_where_one_is(notebook, tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("text,label\nciao,positive\n")
    source = "from pathlib import Path\nprint(Path(DATA).exists())\nprint(DATA)"
    path = _write(notebook.parent / "02_data.ipynb", source)
    monkeypatch.chdir(tmp_path)
    (run,) = write_report([path], "report", data="t.csv")
    assert run.notebook.cells[-1].outputs[0].text == "True\nt.csv\n"  # the whole path is nobody's business
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "t.csv: 1 tweets, 1 of them with a label" in index
    assert str(tmp_path) not in index + (tmp_path / "report" / "02_data.html").read_text(encoding="utf-8")


def test_in_place_leaves_what_failed_and_drops_what_only_a_page_needs(notebook):
    before = notebook.read_bytes()
    broken = _write(notebook.parent / "02_broken.ipynb", "1 / 0")
    tables = _write(
        notebook.parent / "03_tables.ipynb",
        "from itables import init_notebook_mode\ninit_notebook_mode(connected=False)",
    )
    live = _write(notebook.parent / "04_live.ipynb", "print('widget')", tags=["live"])
    kept = broken.read_bytes()
    runs = rewrite_notebooks([notebook, broken, tables, live])
    assert [bool(run.error) for run in runs] == [False, True, False, False]
    assert broken.read_bytes() == kept
    assert notebook.read_bytes() != before
    assert tables.stat().st_size < 5000
    assert "widget')" in live.read_text(encoding="utf-8")
    assert nbformat.read(live, as_version=4).cells[-1].outputs == []


def test_notebooks_are_found_by_number(notebook):
    for name in ("02_b", "03_c"):
        _write(notebook.parent / f"{name}.ipynb")
    folder = notebook.parent
    assert [path.stem for path in find_notebooks(folder)] == ["01_true", "02_b", "03_c"]
    assert [path.stem for path in find_notebooks(folder, only=["3", "01_t"])] == ["01_true", "03_c"]
    with pytest.raises(DataError, match="no notebook '07'; there are 01_true"):
        find_notebooks(folder, only=["07"])
    with pytest.raises(DataError, match="no notebooks in"):
        find_notebooks(folder / "empty")
    assert len(find_notebooks()) == 16


def test_comments_on_the_committed_run_go_with_another_model(notebook):
    node = nbformat.read(notebook, as_version=4)
    node.cells.append(nbformat.v4.new_markdown_cell("> **In this run.** 5%.", metadata={"tags": ["this-run"]}))
    nbformat.write(node, notebook)
    assert "In this run" in run_notebook(notebook).notebook.cells[-1].source
    assert not any(
        "In this run" in cell.source for cell in run_notebook(notebook, parameters={"MODEL": "x"}).notebook.cells
    )


def test_two_models_tables_and_columns(tmp_path):
    source = (
        "import pandas as pd\nfrom sentiment_kit.report import neat\nTEXT = globals().get('TEXT', 'text')\n"
        "columns = ['claim', 'figure', 'criterion', 'verdict']\n"
        "neat(pd.DataFrame([['one', MODEL, TEXT, 'supported']], columns=columns))"
    )
    path = _write(tmp_path / "notebooks" / "16_claims.ipynb", source, tags=["verdicts"])
    asked = {"columns": {"TEXT": "testo"}, "against": "demo-biased", "tables": True}
    write_report([path], tmp_path / "report", **asked)
    index = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'data-name="figure \(95% interval\), ([\w-]+)">([\w-]+)<', index) == [
        ("demo", "demo"), ("demo-biased", "demo-biased"),
    ]  # fmt: skip
    assert ">testo</td>" in index
    kept = (tmp_path / "report" / "tables" / "16_claims" / "01_table.csv").read_text()
    assert kept.splitlines()[1].endswith("one,demo,testo,supported")


def test_a_pdf_needs_a_browser(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment_kit.course.notebooks.shutil.which", {}.get)
    with pytest.raises(DataError, match="a PDF needs a browser: none of chromium"):
        print_pages(tmp_path)
