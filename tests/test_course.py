"""The form of the committed notebooks; nbval runs their content."""

import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SOLUTIONS = sorted(FOLDER.glob("solutions/*.ipynb"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _tags(cell):
    return cell.metadata.get("tags", [])


def _headings(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.findall(r"^(#+) (.*)$", text, flags=re.MULTILINE)


def test_there_are_notebooks_with_numbered_names():
    assert {"01_inference", "02_tweet_cleaning", "04_the_data"} <= {path.stem for path in PATHS}
    assert all(re.fullmatch(r"\d\d_[a-z_]+", path.stem) for path in PATHS)


def test_the_title_is_a_question_and_the_parts_are_there(notebook):
    headings = _headings(notebook)
    assert headings[0][0] == "#"
    assert headings[0][1].endswith("?")
    assert [level for level, _ in headings].count("#") == 1
    names = [name for _, name in headings]
    parts = ["What you will learn", "What we found", "Quiz", "Exercises", "Go further"]
    assert [name for name in names if name in parts] == parts
    assert names[1] == parts[0]
    assert names[-1] == parts[-1]


def _section(notebook, name):
    """The prose below a heading, up to the next of its level."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.split(rf"^## {name}$", text, flags=re.MULTILINE)[1].split("\n## ")[0]


def test_it_asks_for_a_guess_and_compares_it(notebook):
    guesses = [cell for cell in _code(notebook) if "guess" in _tags(cell)]
    assert guesses
    sources = [cell.source for cell in _code(notebook)]
    for cell in guesses:
        name = re.fullmatch(r"([A-Z_]+) = None(  # .*)?", cell.source)[1]
        assert any(re.search(rf"compare_guess\({name}\b", source) for source in sources), name


def test_it_comments_on_what_one_sees(notebook):
    comments = [cell for cell in notebook.cells if "this-run" in _tags(cell)]
    assert comments
    assert all(cell.cell_type == "markdown" and cell.source.startswith("> **In this run.** ") for cell in comments)


def test_one_figure_carries_it(notebook):
    (carrying,) = [cell for cell in _code(notebook) if "the-figure" in _tags(cell)]
    assert "set_title(" in carrying.source or "suptitle(" in carrying.source
    assert any("image/png" in output.get("data", {}) for output in carrying.outputs)


def test_five_questions_have_folded_answers(notebook):
    quiz = _section(notebook, "Quiz")
    assert len(re.findall(r"^\*\*\d\.\*\* ", quiz, flags=re.MULTILINE)) == 5
    assert len(re.findall(r"<details><summary>[^<]+</summary>\n\n.+?\n\n</details>", quiz, flags=re.DOTALL)) == 5


def test_it_names_at_most_five_sources(notebook):
    sources = re.findall(r"^- ", _section(notebook, "Go further").split("**Sources**")[1], flags=re.MULTILINE)
    assert 1 <= len(sources) <= 5


def test_tables_are_shown_and_not_printed(notebook):
    assert not [cell.source for cell in _code(notebook) if ".to_string(" in cell.source]


def test_it_ends_with_a_link_to_a_notebook_that_exists(notebook):
    target = re.findall(r"\]\((\w+\.ipynb)\)", notebook.cells[-1].source)[-1]
    assert (FOLDER / target).exists()


def test_it_begins_with_a_summary_in_italian(notebook):
    assert notebook.cells[0].source.splitlines()[-1].startswith("> **In italiano.** ")


def test_it_says_that_the_demo_is_a_stand_in(notebook):
    first = notebook.cells[0].source
    assert "demo" in first
    assert "stand-in" in first


def test_the_parameters_are_one_tagged_cell(notebook):
    tagged = [cell for cell in _code(notebook) if "parameters" in _tags(cell)]
    assert len(tagged) == 1
    lines = tagged[0].source.splitlines()
    assert lines[0] == 'MODEL = "demo"'
    assert lines[1] in ('DATA = "demo"', 'DATA = "timeline"')
    assert all(re.fullmatch(r"[A-Z_]+ = (\"\w*\"|\d+)", line) for line in lines)
    assert _code(notebook).index(tagged[0]) == 1, "imports come first, then the parameters"
    assert "import" in _code(notebook)[0].source


def test_prose_stands_before_every_code_cell(notebook):
    assert notebook.cells[0].cell_type == "markdown"
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        assert cell.cell_type == "markdown" or before.cell_type == "markdown", cell.source


def test_cells_are_short_and_define_nothing(notebook):
    for cell in _code(notebook):
        lines = cell.source.splitlines()
        assert 1 <= len(lines) <= 20
        assert max(map(len, lines)) <= 120
        assert not re.search(r"^\s*(def|class|async def) |\blambda\b|^\s*[!%]", cell.source, flags=re.MULTILINE)
    lengths = sorted(len(cell.source.splitlines()) for cell in _code(notebook))
    assert lengths[len(lengths) // 2] < 10


def test_it_was_run_in_order_without_errors(notebook):
    assert [cell.execution_count for cell in _code(notebook)] == list(range(1, len(_code(notebook)) + 1))
    outputs = [output for cell in _code(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_at_least_five_cells_are_compared(notebook):
    compared = [cell for cell in _code(notebook) if "nbval-check-output" in _tags(cell)]
    assert len(compared) >= 5
    assert all(cell.outputs for cell in compared)
    headline = next(i for i, cell in enumerate(notebook.cells) if "## What we found" in cell.source)
    assert "nbval-check-output" in _tags(notebook.cells[headline + 1])


def test_nothing_in_it_changes_from_run_to_run(notebook):
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    texts = [cell.source for cell in notebook.cells]
    for output in [output for cell in _code(notebook) for output in cell.outputs]:
        texts += [output.get("text", "")] + [
            str(data) for kind, data in output.get("data", {}).items() if "text/" in kind
        ]
    absolute_path = r"(?<![\w<:/.])/\w[\w.-]*/\w|\b[A-Z]:\\\\?\w"
    assert not [found[0] for text in texts for found in re.finditer(rf"{absolute_path}|\bat 0x[0-9a-f]+", text)]


# Solutions


@pytest.fixture(params=SOLUTIONS, ids=lambda path: path.stem)
def solution(request):
    return nbformat.read(request.param, as_version=4)


def test_every_notebook_has_a_solution():
    assert [path.name for path in SOLUTIONS] == [path.name for path in PATHS]


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_solution_quotes_the_exercise_and_links_back(path):
    solution, notebook = (nbformat.read(found, as_version=4) for found in (path, FOLDER / path.name))
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    assert solution.cells[0].source.splitlines()[0] == f"# Solution: {title}"
    exercises = re.split(r"^\*\*\d\.\*\* ", _section(notebook, "Exercises"), flags=re.MULTILINE)[1:]
    assert len(exercises) == 3
    text = "\n".join(cell.source for cell in solution.cells if cell.cell_type == "markdown")
    quoted = re.findall(r"^## Exercise \d\n\n((?:>.*\n?)+)", text, flags=re.MULTILINE)
    plain = [" ".join(" ".join(line.lstrip("> ") for line in one.splitlines()).split()) for one in quoted]
    assert plain == [" ".join(one.split()) for one in exercises]
    assert "## What to take away" in solution.cells[-1].source
    assert solution.cells[-1].source.endswith(f"**Back to:** [{title}](../{path.name})")


def test_a_solution_has_the_form_of_a_notebook(solution):
    test_it_says_that_the_demo_is_a_stand_in(solution)
    test_the_parameters_are_one_tagged_cell(solution)
    test_prose_stands_before_every_code_cell(solution)
    test_cells_are_short_and_define_nothing(solution)
    test_it_was_run_in_order_without_errors(solution)
    test_nothing_in_it_changes_from_run_to_run(solution)
    assert sum("nbval-check-output" in _tags(cell) for cell in _code(solution)) >= 2
