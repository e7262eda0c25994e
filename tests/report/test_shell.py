"""The frame of every page: what it lets run, and what not."""

import contextlib
import socket

import pytest

from whatran.report.shell import page

BUTTON = '<button id="theme"></button>'
ATTACKS = {
    "an inline handler": "<img src='data:,' onerror='ran.push(1)'><a id=a onclick='ran.push(1)'>x</a>",
    "an inline script": "<script>ran.push(1)</script>",
    "a script from elsewhere": "<script src='http://x/x.js'></script>",
    "a frame": "<iframe src='data:text/html,<script>parent.ran.push(1)</script>'></iframe>",
    "a base": "<base href='http://x/'>",
    "a form": "<form action='http://x/' id=f></form>",
}


@pytest.fixture
def server():
    """A port of this machine that nobody is to ask for anything: its URL, and what it was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)

        def asked():
            # Chromium may connect ahead of what it then finds forbidden, and say nothing.
            asked = b""
            with contextlib.suppress(BlockingIOError):
                while True:
                    with listening.accept()[0] as connection:
                        connection.settimeout(0)
                        with contextlib.suppress(BlockingIOError):
                            asked += connection.recv(100)
            return asked

        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", asked


@pytest.fixture
def open_page(tmp_path, browser):
    """A function that opens a page."""
    contexts = []

    def open_page(text):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def settled(page):
    """The page, once what it had to load or send would be on its way."""
    page.wait_for_load_state("networkidle")
    return page


def test_the_script_and_style_given_are_those_that_work(open_page):
    """Both are known by their hash, whatever is in them."""
    style, script = "body { color: rgb(1, 2, 3); }\n", 'document.title = "it ran";\n'
    opened = open_page(page("<é>", BUTTON, style=style, script=script, data={"blob": b"\x00\xff"}))

    assert "it ran" == opened.title()
    assert "rgb(1, 2, 3)" == opened.evaluate("getComputedStyle(document.body).color")
    assert "AP8=" == opened.evaluate("document.getElementById('blob').textContent")


def test_title_is_text(open_page):
    """Markup in it is none."""
    assert "</title><b>&amp;" == open_page(page("</title><b>&amp;", BUTTON)).title()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_else_runs(open_page, server, attack):
    """Even if markup of others came into the page, none of it would run or ask a network for anything."""
    body = BUTTON + attack.replace("http://x/", server[0])
    opened = open_page(page("t", body, script="window.ran = [];"))
    opened.evaluate("document.getElementById('a')?.click(); document.getElementById('f')?.submit(); 0")

    assert ([], b"") == (settled(opened).evaluate("window.ran"), server[1]())


def test_the_page_itself_cannot_make_markup_of_text(open_page, server):
    """innerHTML, eval and the network are closed to its own script too."""
    script = """
    window.refused = [];
    const attempts = {
      innerHTML: () => { document.body.innerHTML = "<b>x</b>"; },
      eval: () => eval("1"),
      write: () => document.write("x"),
      fetch: () => fetch("URL"),
      image: () => new Promise((done, fail) => Object.assign(new Image(), { onload: done, onerror: fail, src: "URL" })),
    };
    for (const [name, attempt] of Object.entries(attempts))
      try { await attempt(); } catch { window.refused.push(name); }
    document.title = "done";
    """.replace("URL", server[0])
    opened = open_page(page("t", BUTTON, script=script))

    assert "done" == settled(opened).title()
    assert ["innerHTML", "eval", "write", "fetch", "image"] == opened.evaluate("window.refused")
    assert b"" == server[1]()
