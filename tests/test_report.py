import re

import nbformat
import pytest
from papermill import PapermillExecutionError

from sentiment_kit.report import run_notebook, write_page


@pytest.fixture
def notebook(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("# Is it true?", metadata={"papermill": {"duration": 1}}),
        nbformat.v4.new_code_cell('MODEL = "demo"', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import os\nprint(MODEL, os.path.basename(os.getcwd()))"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = tmp_path / "notebooks" / "01_true.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_it_runs_in_its_own_folder_and_leaves_no_traces(notebook):
    before = notebook.read_bytes()
    done = run_notebook(notebook)
    assert notebook.read_bytes() == before
    assert set(done.metadata) == {"kernelspec"}
    assert [dict(cell.metadata) for cell in done.cells] == [{}, {"tags": ["parameters"]}, {}]
    assert [cell.execution_count for cell in done.cells[1:]] == [1, 2]
    assert done.cells[2].outputs[0].text == "demo notebooks\n"


def test_progress_bars_are_no_output_but_warnings_are(notebook):
    node = nbformat.read(notebook, as_version=4)
    node.cells[2].source = "import sys\nprint('\\r 5%', file=sys.stderr, end='')"
    node.cells.append(nbformat.v4.new_code_cell("import sys\nprint('careful', file=sys.stderr)"))
    nbformat.write(node, notebook)
    done = run_notebook(notebook)
    assert [[output.text for output in cell.outputs] for cell in done.cells[2:]] == [[], ["careful\n"]]


def test_pages_link_to_pages_and_carry_the_notebooks_title(notebook, tmp_path):
    node = nbformat.read(notebook, as_version=4)
    node.cells.append(nbformat.v4.new_markdown_cell("**Next:** [more](02_more.ipynb)"))
    write_page(node, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'href="02_more.html"' in page
    assert "<title>Is it true?</title>" in page


def test_parameters_are_set_below_their_cell(notebook):
    done = run_notebook(notebook, parameters={"MODEL": "other"})
    assert done.cells[-1].outputs[0].text == "other notebooks\n"
    assert 'MODEL = "other"' in done.cells[2].source


def test_a_failing_cell_is_an_error_with_its_traceback(notebook):
    broken = nbformat.read(notebook, as_version=4)
    broken.cells[2].source = "1 / 0"
    nbformat.write(broken, notebook)
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        run_notebook(notebook)


def test_the_page_fetches_nothing(notebook, tmp_path):
    write_page(run_notebook(notebook), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Is it true?" in page
    assert "demo notebooks" in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?://", page)
