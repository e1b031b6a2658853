from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sentiment_kit.course.languages import FOLDERS, in_language, key_of, translations
from sentiment_kit.course.pages import Run
from sentiment_kit.errors import DataError

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def run(tmp_path):
    cells = [new_markdown_cell("# Is it true?"), new_code_cell("print(1)"), new_markdown_cell("Yes.")]
    (tmp_path / "italiano").mkdir()
    text = f"<!-- {key_of('# Is it true?')} -->\n# È vero?\n\n<!-- {key_of('Yes.')} -->\nSì.\n\nDavvero.\n"
    (tmp_path / "italiano" / "01_true.md").write_text(text, encoding="utf-8")
    return Run("01_true", new_notebook(cells=cells), "", tmp_path)


def test_each_cell_gets_its_text_and_code_stays(run):
    assert [cell.source for cell in in_language(run, "it").notebook.cells] == [
        "# È vero?",
        "print(1)",
        "Sì.\n\nDavvero.",
    ]


def test_english_is_as_it_stands(run):
    assert in_language(run, "en") is run
    assert run.title == "Is it true?"


def test_a_cell_that_changed_since_is_named(run):
    run.notebook.cells[2].source = "No."
    with pytest.raises(DataError, match="no text for the cell that begins 'No.'; it has changed since"):
        in_language(run, "it")


def test_languages_and_notebooks_without_a_text_are_named(run):
    with pytest.raises(DataError, match="language must be one of en, it, but 'fr' was passed"):
        in_language(run, "fr")
    with pytest.raises(DataError, match=r"02_new has no text in 'it'"):
        in_language(run._replace(name="02_new"), "it")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob(f"{FOLDERS['it']}/*.md")), ids=lambda path: path.stem)
def test_the_italian_of_the_course_is_that_of_its_english(path):
    """One text a Markdown cell, none for a cell that is no longer there; links and folded answers as in the English."""
    cells = nbformat.read(NOTEBOOKS / f"{path.stem}.ipynb", as_version=4).cells
    english = {key_of(cell.source): cell.source for cell in cells if cell.cell_type == "markdown"}
    italian = translations(path)
    assert list(italian) == list(english)
    for key, source in english.items():
        for sign in ("](", "<details>", "\n## ", "$$"):
            assert italian[key].count(sign) == source.count(sign), italian[key][:80]
    run = Run(path.stem, nbformat.read(NOTEBOOKS / f"{path.stem}.ipynb", as_version=4), "", NOTEBOOKS)
    found = run.headline
    assert found
    assert in_language(run, "it").headline == found, "what was found is on the Italian first page, too"
