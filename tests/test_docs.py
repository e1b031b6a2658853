"""The pages under docs/: their blocks run, what they show is what comes out, and their links lead somewhere.

Blocks of a page run in order, in one folder: ```sh and ```python here, ```bash (a GPU, a cluster, a download) nowhere,
but its commands must exist. A ```text below a block is a sample of what that block prints, `…` for lines left out.
"""

import ast
import contextlib
import importlib
import inspect
import io
import re
import shlex
from pathlib import Path

import nbformat
import pytest
import torch
import typer
import yaml
from conftest import BLOCK, reader_folder, shell
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

import sentiment_kit
from sentiment_kit.cli import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
BLOCKS = {name: BLOCK.findall(text) for name, text in PAGES.items()}
RUN = ("sh", "python")
HOW_TO = [name for name in PAGES if name.startswith("how-to/")]
COMMANDS = typer.main.get_command(app).commands
NUMBERED = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def _lines(block):
    """The commands of a block, those that a backslash or an open quote continues in one."""
    return [line for line in re.sub(r"\\\n\s*", " ", block).splitlines() if line and not line.startswith("#")]


# Blocks


@pytest.fixture
def one_thread():
    """Small networks gain nothing by two, and lose much where the cores have other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


def test_all_blocks_are_of_a_known_kind():
    assert {language for blocks in BLOCKS.values() for language, _ in blocks} <= {*RUN, "bash", "text"}
    assert not re.findall(r"^```$(?=\n\S)", re.sub(BLOCK, "", "\n\n".join(PAGES.values())), flags=re.MULTILINE)


@pytest.mark.long
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", [name for name, blocks in BLOCKS.items() if {*RUN} & {kind for kind, _ in blocks}])
def test_blocks_run_and_print_what_the_page_shows(name, tmp_path, monkeypatch, run):
    monkeypatch.chdir(reader_folder(tmp_path))
    variables = {"__name__": "__main__"}
    printed = None
    for language, block in BLOCKS[name]:
        if language == "python":
            printed = _run_python(block, variables)
        elif language == "sh":
            printed = _run_shell(block, run)
        elif language == "text" and printed is not None:
            _check_sample(block, printed)
        else:
            printed = None


def _run_python(block, variables):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block, "block", "exec"), variables)
    return printed.getvalue()


def _run_shell(block, run):
    """Our own commands in this process, where torch is there already; everything else in a shell."""
    if "<<" in block:
        return shell(block)
    return "".join(
        _run_command(line, run) if line.startswith("sentiment-kit ") else shell(line) for line in _lines(block)
    )


def _run_command(line, run):
    words = shlex.split(line, comments=True)[1:]
    target = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if target else words
    arguments = [path for word in words for path in (sorted(Path().glob(word)) if "*" in word else [word])]
    code, out, err = run(*arguments)
    assert code == 0, out + err
    if target:
        Path(target).write_text(out, encoding="utf-8")
    return out + err


def _check_sample(sample, printed):
    """Each line of the sample comes out, in this order; without a `…` between them, one right after the other."""
    lines = [line.rstrip() for line in printed.splitlines()]
    at, gap = 0, True
    for line in sample.splitlines():
        if line == "…":
            gap = True
            continue
        rest = lines[at:] if gap else lines[at : at + 1]
        assert line.rstrip() in rest, f"{line!r} is not among {rest!r}"
        at, gap = at + rest.index(line.rstrip()) + 1, False


# Commands that are not run here


def _own_commands(name):
    for language, block in BLOCKS[name]:
        if language == "bash":
            for line in _lines(block):
                found = re.search(r"(?:^sentiment-kit|-m sentiment_kit) (.*)", line)
                if found:
                    yield shlex.split(found[1], comments=True)


NOT_RUN = [(name, command) for name in PAGES for command in _own_commands(name)]


@pytest.mark.parametrize(("name", "command"), NOT_RUN, ids=[f"{name}-{' '.join(words)}" for name, words in NOT_RUN])
def test_commands_that_are_not_run_can_be_parsed(name, command):
    assert command[0] in COMMANDS, f"{name}: no command {command[0]!r}"
    COMMANDS[command[0]].make_context(command[0], command[1:])  # raises for an option or a value that does not exist


def test_there_are_such_commands():
    assert len(NOT_RUN) >= 10
    with pytest.raises(Exception, match="No such option"):
        COMMANDS["score"].make_context("score", ["a.csv", "b.csv", "--modle", "demo"])


def test_options_in_running_text_exist():
    own = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    others = {"--help", "--version", "--nproc-per-node", "--nnodes", "--node-rank", "--rdzv-endpoint"}  # torchrun's
    named = {
        option
        for text in PAGES.values()
        for code in re.findall(r"`([^`\n]+)`", re.sub(BLOCK, "", text))
        for option in re.findall(r"(?<!\S)--[a-z][\w-]*", code)
    }
    assert named <= own | others
    assert len(named) > 10


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, flags=re.MULTILINE)[1].split())
    assert {name for text in PAGES.values() for name in re.findall(r"`make ([\w-]+)", text)} <= targets


# Links


def _anchors(text):
    """Of the headings, as the site makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(BLOCK, "", text), flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    text = re.sub(BLOCK, "", PAGES[name])
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (DOCS / name).parent / path if path else DOCS / name
        assert file.exists(), target
        if anchor and anchor.startswith("sentiment_kit"):
            assert f"::: {anchor.rsplit('#')[0]}" in file.read_text(encoding="utf-8"), target
        elif anchor:
            assert anchor in _anchors(file.read_text(encoding="utf-8")), target


def test_every_page_is_in_the_navigation():
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Plain)
    assert set(_leaves(config["nav"])) == set(PAGES)
    assert config["theme"]["font"] is False


class _Plain(yaml.SafeLoader):
    """mkdocs.yml may have tags of its own."""


_Plain.add_multi_constructor("", lambda loader, suffix, node: None)


def _leaves(entry):
    if isinstance(entry, str):
        yield entry
    for part in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from _leaves(part)


# What each kind of page promises


@pytest.mark.parametrize("name", HOW_TO)
def test_how_to_pages_begin_with_the_problem_and_end_with_what_can_go_wrong(name):
    text = PAGES[name]
    assert re.match(r"# [^\n]+\n\n\*\*The problem:\*\* ", text)
    headings = re.findall(r"^## (.*)$", re.sub(BLOCK, "", text), flags=re.MULTILINE)
    assert headings[-1] == "What can go wrong"
    steps = [int(heading.split(".")[0]) for heading in headings if heading[0].isdigit()]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 4


def test_there_is_a_how_to_page_for_each_problem():
    wanted = [
        "cluster", "gpu", "publishing-a-score", "reporting-bias", "shares-and-trends", "your-own-csv", "your-own-model",
    ]  # fmt: skip
    assert [f"how-to/{name}.md" for name in wanted] == HOW_TO


def test_the_table_for_teachers_has_every_notebook_with_its_question_and_time():
    row = r"^\| \[(\w+)\]\(\.\./notebooks/\1\.ipynb\) \| ([^|]+) \| [^|]+ \| [^|]+ \| (\d+) \|"
    rows = re.findall(row, PAGES["teaching.md"], flags=re.MULTILINE)
    assert [name for name, *_ in rows] == [path.stem for path in NUMBERED]
    for (_, question, minutes), path in zip(rows, NUMBERED, strict=True):
        notebook = nbformat.read(path, as_version=4)
        prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        assert prose[0].startswith(f"# {question}\n")
        computed = len(" ".join(prose).split()) / 130 + (len(notebook.cells) - len(prose)) / 2 + 5
        assert f"about {minutes} minutes" in prose[0]
        assert int(minutes) <= 45
        assert abs(int(minutes) - computed) <= 5, f"{path.stem}: {computed:.0f} minutes by the rule under the table"


GLOSSARY = [
    "accuracy, attribution, balanced accuracy, baseline, behavioural test, bootstrap, brier score, calibration",
    "ceiling, cohen's kappa, confidence, confidence interval, confusion matrix, contamination",
    "counterfactual pair, cross-entropy, detectable difference, distillation, early stopping, ece",
    "false discovery rate, fine-tuning, gold label, int8 quantization, irony, krippendorff's alpha",
    "label smoothing, macro-f1, mcc, mcnemar's test, mixed, near-duplicate, official polarity score",
    "out-of-vocabulary, padding, permutation test, polarity, precision, prediction-powered inference, prevalence",
    "protocol, quantification, recall, reliability diagram, risk-coverage curve, seed, slice, stratified sample",
    "stratified split, temperature scaling, tf-idf, tokenizer, truncation, weight, wilson interval",
]


def test_the_glossary_is_in_order_and_names_its_sources():
    entries, sources = PAGES["glossary.md"].split("## Sources")
    terms = dict(re.findall(r"^## (.+?)\n\n(.+?)(?=^## |\Z)", entries, flags=re.MULTILINE | re.DOTALL))
    assert list(terms) == sorted(terms, key=str.lower)
    assert {term for line in GLOSSARY for term in line.split(", ")} <= {term.lower() for term in terms}
    full = set(re.findall(r"^- (.+? \d{4}):", sources, flags=re.MULTILINE))
    used = set()
    for term, text in terms.items():
        quoted = " ".join(text.split())
        cited = {source for source in full if source in quoted}
        assert cited, f"{term}: no source of the list"
        years = re.findall(r"\b(?:19|20)\d\d\b", quoted)
        assert len(years) <= sum(quoted.count(source) for source in full), f"{term}: a source that is not in the list"
        used |= cited
    assert used == full


# The map, which is the docstring of the package, and the reference

PACKAGE = ROOT / "sentiment_kit"
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
MODULES = {name for name in MODULES if not re.search(r"__|^cli$|^commands\b", name)}
CORE = {name for name in MODULES if "." not in name}
WINGS = sorted({name.split(".")[0] for name in MODULES - CORE})
MAP = re.findall(r"^- `([\w.]+)`: .*?(?: \(([\d, to]+)\))?$", sentiment_kit.__doc__, flags=re.MULTILINE)


def _imported(source):
    """What a source imports from within the package: from where, and which names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.level or node.module.startswith("sentiment_kit")):
            yield (node.module or "").removeprefix("sentiment_kit."), [alias.name for alias in node.names]


def _handed_on(wing):
    """The public names of a wing, each with the module that it comes from."""
    handed = importlib.import_module(f"sentiment_kit.{wing}")
    found = {name: f"{wing}.{module}" for module, names in _imported(inspect.getsource(handed)) for name in names}
    late = getattr(handed, "_OF_THE_EXTRA", {})  # imported when asked for
    return found | {name: f"{wing}.{module}" for name, module in late.items()}


def test_the_map_has_every_module_once_and_every_wing():
    assert sorted(name for name, _ in MAP) == sorted(MODULES)
    assert sorted(re.findall(r"^`(\w+)`: .*\?$", sentiment_kit.__doc__, flags=re.MULTILINE)) == WINGS


def test_the_map_has_the_core_in_reading_order():
    order = [name for name, _ in MAP if name in CORE]
    for name in order:
        above = order[: order.index(name)]
        imported = {module for module, _ in _imported((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))}
        assert imported & CORE <= set(above), name


def test_the_map_says_which_notebooks_use_what():
    used = {name: set() for name in MODULES}
    for path in NUMBERED:
        for cell in nbformat.read(path, as_version=4).cells:
            for origin, names in _imported(re.sub(r"^[%!].*", "", cell.source, flags=re.M)) if _is_code(cell) else ():
                for name in names:
                    used[_handed_on(origin)[name] if origin in WINGS else origin].add(int(path.name[:2]))
    assert {name: _numbers(brackets) for name, brackets in MAP} == used


def _is_code(cell):
    return cell.cell_type == "code"


def _numbers(brackets):
    """`01, 03 to 05` as numbers."""
    spans = [[int(end) for end in part.split(" to ")] for part in brackets.split(", ") if part]
    return {number for span in spans for number in range(span[0], span[-1] + 1)}


def test_the_reference_has_every_name_that_is_handed_on(monkeypatch):
    """A page of the core and one of each wing, made from the map: what a wing hands on is on its page."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    hooks = importlib.import_module("hooks")
    for name in ["core", *WINGS]:
        assert hooks._MODULES in PAGES[f"reference/{name}.md"], name
    assert set(hooks.documented("core")) == CORE
    for wing in WINGS:
        handed = _handed_on(wing)
        assert set(hooks.documented(wing)) == set(handed.values())
        for name, module in handed.items():
            shown = getattr(importlib.import_module(f"sentiment_kit.{module}"), "__all__", None)
            assert shown is None or name in shown, name


def test_the_page_of_the_reference_leads_to_all_others():
    linked = re.findall(r"^\| \[[^]]+\]\((\w+)\.md\)", PAGES["reference/index.md"], flags=re.MULTILINE)
    assert linked == [
        "core",
        "files",
        "evaluation",
        "analysis",
        "shares",
        "training",
        "scale",
        "report",
        "course",
        "commands",
    ]
    assert {f"reference/{name}.md" for name in [*linked, "index"]} == {name for name in PAGES if "reference/" in name}


def test_the_page_of_commands_asks_each_for_its_help():
    asked = re.findall(r"^<!-- sentiment-kit (\w+) --help -->$", PAGES["reference/commands.md"], flags=re.MULTILINE)
    assert asked == list(COMMANDS)
    assert re.findall(r"^## (.*)$", PAGES["reference/commands.md"], flags=re.MULTILINE) == asked


@pytest.mark.long
def test_the_site_is_built_without_a_warning(tmp_path):
    """Help texts, reference and notebooks are in it, and no page needs a network."""
    if not (ROOT / ".venv" / "installed").exists():
        pytest.skip("needs the environment that make creates")
    shell(f"NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet --site-dir {tmp_path / 'site'}", cwd=ROOT)
    site = {path.relative_to(tmp_path / "site").as_posix(): path for path in (tmp_path / "site").rglob("*.html")}
    assert {name.replace(".md", ".html") for name in PAGES} <= set(site)
    assert {f"repository/notebooks/{path.stem}.html" for path in NUMBERED} <= set(site)
    commands = site["reference/commands.html"].read_text(encoding="utf-8")
    for name in COMMANDS:
        usage = CliRunner().invoke(app, [name, "--help"], prog_name="sentiment-kit").output.splitlines()[0]
        assert f"Usage: sentiment-kit {name} " in usage
        assert f"Usage: sentiment-kit {name} " in commands
    assert 'id="sentiment_kit.evaluation.scores.scores"' in site["reference/evaluation.html"].read_text(
        encoding="utf-8"
    )
    for path in site.values():
        page = path.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)", page)
        assert not [address for address in fetched if "canonical" not in address], path
