"""The report in a real browser: no console errors, no requests, tables that filter, code that unfolds; wide, narrow."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from sentiment_kit.report.notebooks import find_notebooks, write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt install chromium")

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
TWEETS = """text,label
<script>document.title='run'</script> che bello,positive
"<img src=x onerror=""document.title='run'""> che schifo",negative
Il treno parte alle 9,neutral
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Pages with a table, with figures, and with tweets that are code."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "tweets.csv").write_text(TWEETS, encoding="utf-8")
    runs = write_report(find_notebooks(only=["01", "10"]), folder / "site", data=str(folder / "tweets.csv"))
    assert not any(run.error for run in runs)
    return folder / "site"


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


@pytest.mark.parametrize("name", ["index.html", "01_inference.html", "10_behavioural_tests.html"])
def test_every_page_opens_and_fits(open_page, name):
    page = open_page(name)
    assert page.title() not in ("", "run"), "no tweet ran as a script"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "no sideways scrolling of the page"
    )


def test_the_index_leads_to_the_pages_and_back(open_page):
    page = open_page("index.html")
    assert page.locator("ol.contents li").count() == 2
    page.locator("ol.contents a").first.click()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith("01_inference.html")
    page.get_by_text("contents", exact=True).click()
    assert page.url.endswith("index.html")


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
    page = open_page("10_behavioural_tests.html")
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
    texts = table.locator("tbody tr td:nth-child(4)")
    before = texts.all_inner_texts()
    table.locator("thead th .dt-column-order").nth(3).click()
    expect(texts.first).not_to_have_text(before[0])
    assert texts.all_inner_texts() != before


def test_light_and_dark(open_page):
    page = open_page("index.html")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert {before, after} == {"rgb(255, 255, 255)", "rgb(22, 24, 28)"}


def test_figures_are_sharp(report):
    shown = (Path(report) / "01_inference.html").read_text(encoding="utf-8")
    assert 'width="' in shown[shown.index("data:image/png") - 200 :], "twice the pixels, shown at half the size"
