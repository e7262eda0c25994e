"""A real browser, headless, and pages in it: whatever one logs, asks of a network or throws fails its test."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from whatran.report.collect import Collector
from whatran.report.report import report

REQUIRE = "WHATRAN_REQUIRE_BROWSER"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def collect(events):
    """What a page shows of these events."""
    collector = Collector()
    for event in events:
        collector(event)
    return collector.finish()


@pytest.fixture(scope="session")
def browser():
    """Chromium; without one the test is skipped, with the reason, or fails if WHATRAN_REQUIRE_BROWSER=1."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"there is no Chromium: scripts/browser.sh installs it ({REQUIRE}=1 makes this a failure)"
        (pytest.fail if os.environ.get(REQUIRE) == "1" else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def said():
    """What pages logged, threw or asked for; nothing at the end of the test."""
    said = []
    yield said
    assert [] == said


@pytest.fixture
def open_file(browser, said):
    """A function that opens a page from its file, with the options of a browser context."""
    contexts = []

    def open_file(path, **options):
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture
def show(tmp_path, open_file):
    """A function that opens the report of events, drawn."""

    def show(events, title="make -j2", facts=None, **options):
        path = tmp_path / "report.html"
        path.write_text(report(title, facts or {}, collect(events)), encoding="utf-8")
        page = open_file(path, **options)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    return show


def drawn(page):
    """The page, once what was changed is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page


def press(page, *keys):
    """Keys one after another, and what they did drawn."""
    for key in keys:
        page.keyboard.press(key)
    return drawn(page)


def rows(page):
    """The names in the tree, in order."""
    return drawn(page).locator("#tree .row .name").all_inner_texts()
