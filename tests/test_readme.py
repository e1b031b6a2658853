"""Every command and code block of the README runs, and what it links to is there."""

import base64
import re
import shlex
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
import typer
from conftest import BLOCK, reader_folder, shell

from sentiment_kit.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = BLOCK.findall(README)
COMMANDS = [
    re.sub(r"\s+#.*", "", line) for language, block in BLOCKS if language == "sh" for line in block.splitlines() if line
]
MAKE = [command for command in COMMANDS if command.startswith("make ")] + re.findall(r"`(make \w+)`", README)


def test_all_blocks_are_of_a_kind_that_is_run():
    assert {language for language, _ in BLOCKS} == {"sh", "python"}
    assert len(COMMANDS) == 8
    assert MAKE[:2] == ["make report", "make test"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all commands: the later ones read what the earlier ones wrote."""
    return reader_folder(tmp_path_factory.mktemp("readme"))


RUN = [command for command in COMMANDS if not command.startswith(("make ", "sentiment-kit report "))]


@pytest.mark.parametrize("command", RUN)
def test_shell_commands(command, folder):
    shell(command, cwd=folder)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("sentiment-kit report ")])
def test_the_report_command_can_be_parsed(command):
    """Its notebooks are run once, by nbval; what the command does is in tests of the report."""
    typer.main.get_command(app).commands["report"].make_context("report", shlex.split(command, comments=True)[2:])


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "python"])
def test_python_blocks(block, tmp_path):
    assert len(block.splitlines()) == 10, "ten lines, as the heading says"
    (tmp_path / "block.py").write_text(block, encoding="utf-8")
    printed = shell(f"{sys.executable} block.py", cwd=tmp_path)
    assert "positive" in printed
    assert "low" in printed


@pytest.mark.parametrize("command", sorted(set(MAKE)))
def test_make_targets_exist(command):
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    assert shell(f"{command} --dry-run --always-make", cwd=ROOT)


@pytest.mark.long
def test_make_report_leaves_a_page_that_needs_no_network(tmp_path):
    if shutil.which("make") is None or not (ROOT / ".venv" / "installed").exists():
        pytest.skip("needs make and the environment that it creates")
    shell(f"env -u JUPYTER_PATH make report ONLY=01 REPORT={tmp_path}", cwd=ROOT)  # in a kernel as a reader has it
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01_inference.html", "index.html"]
    page = (tmp_path / "01_inference.html").read_text(encoding="utf-8")
    assert "What happens to one tweet" in page
    assert "data:image/png;base64," in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?://", page)
    assert not re.findall(r"@import|url\(https?://", page)


def test_the_picture_is_the_first_figure_of_the_first_notebook():
    notebook = nbformat.read(ROOT / "notebooks" / "01_inference.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figure = next(output.data["image/png"] for output in outputs if "image/png" in output.get("data", {}))
    assert (ROOT / "docs" / "probabilities.png").read_bytes() == base64.b64decode(figure)


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)]+)\)", README)
    for target in targets:
        assert target.startswith("http") or (ROOT / target).exists(), target
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {Path(target).name for target in targets if target.endswith(".ipynb")} == notebooks
