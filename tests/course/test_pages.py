import json
import re

import nbformat
import pandas as pd
import pytest
from itables.javascript import generate_init_offline_itables_html
from itables.options import dt_bundle
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sentiment_kit.analysis.claims import EFFECTS
from sentiment_kit.analysis.claims import VERDICTS as VERDICT_NAMES
from sentiment_kit.course.notebooks import find_notebooks
from sentiment_kit.course.pages import FOLDER, Run, index, page
from sentiment_kit.report.tables import searchable


def _run(*cells, name="01_true", error=""):
    return Run(name, new_notebook(cells=[new_markdown_cell("# Is it true?"), *cells]), error)


def _html(text):
    return new_code_cell("x", outputs=[new_output("execute_result", {"text/html": text, "text/plain": "x"})])


@pytest.fixture
def with_table():
    library = generate_init_offline_itables_html(dt_bundle)
    table = searchable(pd.DataFrame({"text": ["<script>alert(1)</script>"]}), name="t").data
    return _run(_html(library), _html(table))


def test_title_links_and_code_that_is_folded():
    run = _run(new_code_cell("print(1)"), new_markdown_cell("**Next:** [more](02_more.ipynb)"))
    shown = page(run)
    assert "<title>Is it true?</title>" in shown
    assert 'href="02_more.html"' in shown
    assert len(re.findall(r'<details class="code">', shown)) == 1
    assert "details open" not in shown


def test_sentences_wrap_and_tables_do_not():
    def printed(text):
        return page(_run(new_code_cell("x", outputs=[new_output("stream", text=text)])))

    assert '<pre class="wrap">    Che bello' in printed("    Che bello\n")
    assert '<pre class="wrap">' not in printed("word   n\nche    3\n")


def test_a_figure_is_described_by_the_text_before_it():
    figure = new_output("display_data", {"image/png": "AAAA"})
    cells = [
        new_markdown_cell('## How [long](x.html)\n\nIn *tokens*, n_tokens, "cut".'),
        new_code_cell("x", outputs=[figure]),
    ]
    assert """alt='Figure, How long: In tokens, n_tokens, "cut".'""" in page(_run(*cells))
    # One further down the section has its name, too.
    more = [new_markdown_cell("The same:"), new_code_cell("x", outputs=[figure])]
    assert 'alt="Figure, How long: The same:"' in page(_run(*cells, *more))


def test_the_italian_summary_says_its_language():
    assert '<p lang="it"><strong>In italiano.' in page(_run(new_markdown_cell("**In italiano.** Dal testo")))


def test_neighbours_are_linked():
    runs = [_run(name=name) for name in ("01_a", "02_b", "03_c")]
    middle = page(runs[1], runs)
    assert 'href="01_a.html" rel="prev"' in middle
    assert 'href="03_c.html" rel="next"' in middle
    assert 'rel="prev"' not in page(runs[0], runs)
    assert 'rel="next"' not in page(runs[2], runs)


def test_pages_that_are_not_there_are_not_linked_to():
    run = _run(new_markdown_cell("[more](02_more.ipynb)"))
    assert "02_more" not in page(run, [run])


def test_an_error_is_shown_and_escaped():
    run = _run(error="ValueError: <b>no</b>")
    for shown in (page(run), index([run], [], stand_in=False)):
        assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in shown
        assert "failed" in shown


def test_the_first_page_begins_with_model_data_and_date():
    facts = [("model", "m, commit 1"), ("data", "t.csv: 5 tweets"), ("made", "2026-01-02 on 2 cores")]
    shown = index([], facts, stand_in=False, models=["m", "other"], language="it")
    line = "Modello <strong>m, other</strong> · Dati <strong>t.csv: 5 tweets</strong> · 2026-01-02</p>"
    assert line in shown
    assert shown.index("</h1>") < shown.index(line) < shown.index('<th scope="row">modello</th>')


def test_the_headline_is_what_was_printed_below_what_we_found():
    printed = new_code_cell("x", outputs=[new_output("stream", text="79.9% of <960>\n")])
    run = _run(printed, new_markdown_cell("## What we found\n\nso"), printed)
    assert run.headline == "79.9% of <960>"
    assert "79.9% of &lt;960&gt;" in index([run], [("model", "demo")], stand_in=True)
    assert _run(printed).headline == ""


def test_live_parts_say_where_they_live():
    cell = new_code_cell("box", outputs=[new_output("execute_result", {"text/plain": "VBox(...)"})])
    cell.metadata["tags"] = ["live"]
    shown = page(_run(cell))
    assert "works in JupyterLab" in shown
    assert "VBox" not in shown


def test_the_library_of_the_tables_is_there_once_and_text_is_escaped(with_table):
    shown = page(with_table)
    assert shown.count("injectModule(") == 2, "its definition and its call"
    assert "<script>alert" not in shown
    assert shown.index("injectModule") < shown.index('id="table-t"')
    before = nbformat.writes(with_table.notebook)
    page(with_table)
    assert nbformat.writes(with_table.notebook) == before


def test_a_committed_table_gets_the_library_that_is_not_committed_with_it(with_table):
    table = with_table.notebook.cells[-1]
    assert page(_run(table)).count("= injectModule") == page(with_table).count("= injectModule") == 1
    assert "= injectModule" not in page(_run(_html("<table></table>")))


def test_nothing_is_fetched(with_table):
    for shown in (page(with_table), index([with_table], [], stand_in=False)):
        assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?://", shown)
        assert not re.findall(r"url\([\"']?https?:", shown)


VERDICTS = """<table class="dataframe"><thead>
<tr><th>claim</th><th>figure (95% interval)</th><th>criterion</th><th>verdict</th></tr></thead><tbody>
<tr><th>82%</th><td>0.876 (0.853 to 0.895)</td><td>at least .82</td><td>supported</td></tr>
<tr><th>no bias</th><td>-0.003</td><td>below .05</td><td>cannot be told at this n</td></tr></tbody></table>"""


def _judging(table, name="16_claims"):
    cell = _html(table)
    cell.metadata["tags"] = ["verdicts"]
    return _run(cell, name=name)


def test_the_first_page_begins_with_the_verdicts():
    run = _judging(VERDICTS)
    assert run.verdicts[1] == ["82%", "0.876 (0.853 to 0.895)", "at least .82", "supported"]
    shown = index([run], [], stand_in=False)
    assert re.findall(r'<span class="verdict ([\w-]+)">([^<]+)</span>', shown) == [
        ("for", "supported"), ("open", "cannot be told at this n"),
    ]  # fmt: skip
    assert '<a href="16_claims.html">82%</a>' in shown
    assert shown.index("neuraly/bert-base-italian-cased-sentiment") < shown.index('<table class="sheet">')


def test_a_second_model_stands_beside_the_first():
    other = _judging(VERDICTS.replace(">supported", ">contradicted"))
    shown = index([_judging(VERDICTS)], [], stand_in=False, models=["mine", "theirs"], others=[other])
    assert re.findall(r'<span class="verdict ([\w-]+)">', shown) == ["for", "against", "open", "open"]
    assert "figure (95% interval), theirs" in shown


def test_figures_are_written_as_italians_write_them():
    table = VERDICTS.replace("-0.003", "+1,234.5 (-0.6 to +1.1) points")
    shown = index([_judging(table)], [], stand_in=False, language="it")
    assert re.findall(r'<td data-name="cifra[^>]*>([^<]+)</td>', shown) == [
        "0,876 (0,853; 0,895)", "+1.234,5 (-0,6; +1,1) punti",
    ]  # fmt: skip
    assert "+1,234.5 (-0.6 to +1.1) points" in index([_judging(table)], [], stand_in=False)


def test_the_verdicts_can_be_read_in_italian():
    """All of the committed claims and criteria, and any verdict."""
    committed = nbformat.read(find_notebooks(only=["16"])[0], as_version=4)
    claims = Run("16_claims", committed, "")
    said = json.loads((FOLDER / "words.json").read_text(encoding="utf-8"))["it"]["said"]
    rows = [dict(zip(claims.verdicts[0], row, strict=True)) for row in claims.verdicts[1:]]
    assert len(rows) == 12
    assert {row[name] for row in rows for name in ("claim", "criterion", "measured on")} <= set(said)
    assert {*EFFECTS, *VERDICT_NAMES, "nothing, because the data lack what it needs"} <= set(said)
    shown = index([claims], [], stand_in=False, language="it")
    assert ">circa il 40% di questi tweet sul calcio è negativo</a>" in shown
    assert '<span class="verdict against">smentito</span>' in shown
    assert ">contradicted<" not in shown
    on = (
        '<span class="on">misurata su: tweet dei dati sul calcio, al massimo 200 etichettati, n = 472; pagina 15</span>'
    )
    assert on in shown


def test_a_claim_says_what_it_was_measured_on_and_where():
    """Of every claim that says so, whether or not the page that shows how is part of the report."""
    added = VERDICTS.replace("<th>verdict</th>", "<th>verdict</th><th>measured on</th><th>n</th><th>page</th>")
    added = added.replace(">supported</td>", ">supported</td><td>labelled tweets</td><td>943</td><td>05</td>")
    added = added.replace(" at this n</td>", " at this n</td><td>nothing</td><td></td><td>15</td>")
    runs = [_run(name="05_scores"), _judging(added)]
    shown = index(runs, [], stand_in=False, models=["mine", "theirs"], others=[_judging(added)])
    assert re.findall(r'<span class="on">(.+?)</span>', shown) == [
        'measured on labelled tweets, n = 943; <a href="05_scores.html">page 05</a>',
        "measured on nothing; page 15",
    ]
    assert 'class="on"' not in index([_judging(VERDICTS)], [], stand_in=False)


def test_a_page_is_shown_by_its_figure_and_its_first_two_results():
    figure = new_code_cell("x", outputs=[new_output("display_data", {"image/png": "AAAA"})])
    figure.metadata["tags"] = ["the-figure"]
    found = [
        new_markdown_cell("## What we found"),
        new_code_cell("x", outputs=[new_output("stream", text="a\nb\nc\n")]),
    ]
    shown = index([_run(new_markdown_cell("How long:"), figure, *found)], [], stand_in=False)
    assert '<img src="data:image/png;base64,AAAA" alt="Figure, Is it true?: How long:">' in shown
    assert re.findall(r"<p>(\w)</p>", shown) == ["a", "b"]
    assert "<pre>a\nb\nc</pre>" in shown


def test_an_italian_page_says_so():
    run = _run()
    assert '<html lang="it">' in page(run, language="it")
    assert "Che cosa si può affermare" in index([_judging(VERDICTS)], [], stand_in=False, language="it")


def test_a_drawing_becomes_part_of_the_page(tmp_path):
    (tmp_path / "drawings").mkdir()
    (tmp_path / "drawings" / "a.svg").write_text('<?xml version="1.0"?>\n<svg class="drawing"></svg>')
    run = _run(new_markdown_cell("![A batch](drawings/a.svg)"))._replace(folder=tmp_path)
    assert '<svg role="img" aria-label="A batch" class="drawing"></svg>' in page(run)
    assert "<?xml" not in page(run)
    assert 'src="drawings/a.svg"' in page(run._replace(folder=None))
