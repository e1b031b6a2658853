"""The report in a real browser: no console errors, no requests, tables that filter, code that unfolds; wide, narrow.

One notebook of a few cells is run, once for all tests; pages of the course are made of its committed outputs.
"""

import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import expect, sync_playwright

from sentiment_kit.course.notebooks import find_notebooks, run_notebook
from sentiment_kit.course.pages import Run, index, page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt install chromium")

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
TWEETS = """text,label
<script>document.title='run'</script> che bello,positive
"<img src=x onerror=""document.title='run'""> che schifo",negative
Il treno parte alle 9,neutral
"""
CELLS = """
MODEL = "demo"
DATA = "demo"
---
from itables import init_notebook_mode
from sentiment_kit.analysis import load_cases
from sentiment_kit.data import load_data
from sentiment_kit.evaluation import proportions
from sentiment_kit.report import searchable, share_bars

init_notebook_mode(connected=False)
---
searchable(load_cases(), name="cases")
---
tweets = load_data(DATA)
share_bars(proportions(tweets["label"].value_counts(), len(tweets)))
searchable(tweets, name="tweets")
---
tweets
"""
PAGES = ["01_inference", "12_behavioural_tests", "99_short"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Pages with tables, with figures, and with tweets that are code."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "tweets.csv").write_text(TWEETS, encoding="utf-8")
    notebook = new_notebook(cells=[new_code_cell(cell.strip()) for cell in CELLS.split("---")])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.cells.insert(0, new_markdown_cell("# Is it shown?"))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "99_short.ipynb")
    run = run_notebook(folder / "99_short.ipynb", parameters={"DATA": str(folder / "tweets.csv")}, sharp=True)
    assert not run.error
    committed = find_notebooks(only=PAGES[:2])
    runs = [*(Run(path.stem, nbformat.read(path, as_version=4), "", path.parent) for path in committed), run]
    for one in runs:
        (folder / one.file).write_text(page(one, runs), encoding="utf-8")
    (folder / "index.html").write_text(index(runs, [("model", "demo")], stand_in=True), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(params=SIZES)
def open_page(request, browser, report):
    """Open a page of the report; complaints and requests are gathered."""
    context = browser.new_context(viewport=SIZES[request.param])
    complaints, requests = [], []

    def opened(name):
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda sent: requests.append(sent.url))
        page.goto((report / name).as_uri())
        page.wait_for_load_state("networkidle")
        return page

    yield opened
    assert not complaints
    assert not [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
    context.close()


@pytest.mark.parametrize("name", ["index", *PAGES])
def test_every_page_opens_and_fits(open_page, name):
    page = open_page(f"{name}.html")
    assert page.title() not in ("", "run"), "no tweet ran as a script"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "no sideways scrolling of the page"
    )


def test_the_index_leads_to_the_pages_and_back(open_page):
    page = open_page("index.html")
    assert page.locator("ol.contents li").count() == len(PAGES)
    page.locator("ol.contents a").first.click()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith("01_inference.html")
    page.get_by_text("contents", exact=True).click()
    assert page.url.endswith("index.html")


def test_what_scrolls_sideways_can_be_reached_by_the_keyboard(open_page):
    page = open_page("12_behavioural_tests.html")
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    parts = page.evaluate(
        "[...document.querySelectorAll('main *')].filter((part) => getComputedStyle(part).overflowX === 'auto'"
        " && part.scrollWidth > part.clientWidth).map((part) => part.tabIndex)"
    )
    assert len(parts) > 1
    assert set(parts) == {0}


def test_code_unfolds_one_by_one_and_all_at_once(open_page):
    page = open_page("01_inference.html")
    blocks = page.locator("details.code")
    assert page.locator("details.code[open]").count() == 0
    blocks.first.locator("summary").click()
    assert page.locator("details.code[open]").count() == 1
    page.locator("#fold").click()
    assert page.locator("details.code[open]").count() == blocks.count()
    page.locator("#fold").click()
    assert page.locator("details.code[open]").count() == 0


def test_a_table_is_searched_filtered_and_sorted(open_page):
    page = open_page("99_short.html")
    table = page.locator(".dt-container").first
    table.wait_for()
    info = table.locator(".dt-info")
    everything = info.inner_text()
    table.locator(".dt-search input").fill("zzzz")
    assert info.inner_text() != everything
    table.locator(".dt-search input").fill("")
    assert info.inner_text() == everything
    table.locator("thead input").nth(1).press_sequentially("INV")  # above the column `kind`
    expect(info).to_contain_text("filtered")
    kinds = table.locator("tbody tr td:nth-child(2)")
    assert set(kinds.all_inner_texts()) == {"INV"}
    texts = table.locator("tbody tr td:nth-child(3)")
    before = texts.all_inner_texts()
    table.locator("thead th .dt-column-order").nth(2).click()
    expect(texts.first).not_to_have_text(before[0])
    assert texts.all_inner_texts() != before


# Light and dark

WORST = """() => {
    // The least contrast (WCAG 2: 1 to 21) of what is written in cells, beside them and in the text, with its cause.
    const numbers = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const over = (below, [r, g, b, a]) => [r, g, b].map((value, at) => a * value + (1 - a) * below[at]);
    const light = (colour) => colour.map((value) => value / 255)
        .map((value) => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
        .reduce((sum, value, at) => sum + value * [.2126, .7152, .0722][at], 0);
    const behind = (element) => {
        const dark = matchMedia("(prefers-color-scheme: dark)").matches;
        const below = element.parentElement ? behind(element.parentElement) : (dark ? [18, 18, 18] : [255, 255, 255]);
        const style = getComputedStyle(element);
        const own = over(below, numbers(style.backgroundColor));
        // DataTables colours every other row by a shadow.
        const stripe = style.boxShadow.match(/^rgba?\\([^)]*\\)(?=.* inset$)/);
        return stripe ? over(own, numbers(stripe[0])) : own;
    };
    const contrasts = [...document.querySelectorAll("th, td, p, h1, .dt-info, input, button:not(.disabled)")]
        .filter((element) => element.offsetParent && (element.textContent.trim() || element.matches("input")))
        .map((element) => {
            // The filter above a column has its name as placeholder.
            const style = getComputedStyle(element, element.placeholder ? "::placeholder" : null);
            const ground = behind(element), text = over(ground, numbers(style.color));
            const [low, high] = [light(ground), light(text)].sort((a, b) => a - b);
            return [(high + .05) / (low + .05), `${element.tagName}: ${text} on ${ground}`];
        });
    return contrasts.sort((a, b) => a[0] - b[0])[0];
}"""
WHITE, BLACK = "rgb(255, 255, 255)", "rgb(22, 24, 28)"


def _readable(page, dark):
    """Whether it is as dark as it should be, and everything on it can be read."""
    expect(page.locator("body")).to_have_css("background-color", BLACK if dark else WHITE)
    # What the tables go by follows the system a moment later.
    expect(page.locator("html")).to_have_class("dark" if dark else "")
    ratio, where = page.evaluate(WORST)
    assert ratio >= 4.5, where


@pytest.mark.parametrize("name", ["index", "12_behavioural_tests", "99_short"])
@pytest.mark.parametrize("stored", [None, "light", "dark"])
@pytest.mark.parametrize("preferred", ["light", "dark"])
def test_texts_can_be_read_by_any_preference_and_choice(browser, report, preferred, stored, name):
    context = browser.new_context(color_scheme=preferred)
    if stored:
        context.add_init_script(f"localStorage.setItem('theme', '{stored}')")
    page = context.new_page()
    page.goto((report / f"{name}.html").as_uri())
    page.wait_for_load_state("networkidle")
    dark = (stored or preferred) == "dark"
    _readable(page, dark)
    # Without a choice the page goes with the system, also when that changes; a choice stays.
    page.emulate_media(color_scheme="light" if preferred == "dark" else "dark")
    dark = dark if stored else not dark
    _readable(page, dark)
    page.locator("#theme").click()
    _readable(page, not dark)
    assert page.evaluate("localStorage.getItem('theme')") == ("light" if dark else "dark")
    context.close()


def test_figures_are_sharp(report):
    shown = (report / "99_short.html").read_text(encoding="utf-8")
    assert 'width="' in shown[shown.index("data:image/png") - 200 :], "twice the pixels, shown at half the size"
