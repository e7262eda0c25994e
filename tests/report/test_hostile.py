"""Names made to break pages: text they are, and text they stay."""

import re

import pytest

from tests.events import MS, make_exec, make_exit
from tests.report import hostile
from tests.report.conftest import collect, press
from tests.report.test_details import open_all, shown
from whatran.report.report import report

INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@pytest.fixture
def page(show):
    """The page of what is hostile, with everything open."""
    page = show(hostile.events(), hostile.SCRIPT, {"host": hostile.SCRIPT})
    page.click("#p0")
    open_all(page)
    return page


def test_arguments_are_shown_as_a_shell_would_read_them(page):
    """Markup is text, what cannot be seen is spelt out."""
    assert list(hostile.TEXTS.values()) == shown(page.locator(".of-programs"))["argv"]


def test_paths_are_shown(page):
    """Everywhere they stand."""
    facts = shown(page.locator(".of-programs"))

    assert {hostile.SHOWN_PATH} == {
        facts[name] for name in ("pathname", "cmdpath", "script_pathname", "cwd", "stdin_path")
    }
    assert ([hostile.SHOWN_PATH], [hostile.SCRIPT]) == (facts["tried"], facts["ancestors"])
    assert (hostile.SCRIPT, hostile.SCRIPT) == (facts["user"], facts["container_name"])
    assert (hostile.SCRIPT, f"host\n{hostile.SCRIPT}") == (page.inner_text("#title"), page.inner_text("#facts div"))


def test_nothing_of_it_became_markup_or_ran(page):
    """There is no element that is not ours, and the title is as it was."""
    assert (0, 0) == (page.locator("img").count(), page.locator("body > script:not([type])").count())
    assert f"{hostile.SCRIPT} · whatran" == page.title()


def test_nothing_invisible_reaches_the_page(page):
    """No control, format or bidirectional character, no half of a surrogate pair."""
    text = page.evaluate("document.documentElement.textContent")

    assert [] == INVISIBLE.findall(text)


def test_what_is_hostile_can_be_searched_for(page):
    """Also where it looks like an expression."""
    for query in ("</script>", "${7*7}", "\\u202e", "__proto__", "constructor:x", "is:constructor", "[", "*"):
        page.fill("#search", query)
        press(page)
    page.fill("#search", "onerror")

    assert "1 process" == page.inner_text("#found")


def test_the_file_is_plain_text():
    """No byte of a process stands in it but in letters that every program can show."""
    page = report(hostile.SCRIPT, {"host": "\x1b[31m\udcff"}, collect(hostile.events()))

    assert [] == INVISIBLE.findall(page)
    assert 0 == page.count("<img")


def test_a_long_argument_is_cut_and_says_so(show):
    """The page has its beginning and its length; the recording has it all."""
    event = make_exec(("x", "y" * 1_000_000, "z" * 4096), pid=10, start=MS, at=MS)
    page = show([event, make_exit(pid=10, start=MS, at=2 * MS)])
    page.click("#p0")

    assert ["x", "y" * 4096 + " … (1000000 bytes)", "z" * 4096] == shown(page.locator(".of-programs"))["argv"]


def test_many_arguments_are_cut_and_say_so(show):
    """The page has the first thousand, and how many there are besides."""
    event = make_exec(tuple(map(str, range(10_000))), pid=10, start=MS, at=MS)
    page = show([event, make_exit(pid=10, start=MS, at=2 * MS)])
    page.click("#p0")
    argv = shown(page.locator(".of-programs"))["argv"]

    assert (1001, "999", "… (9000 more)") == (len(argv), argv[-2], argv[-1])


def test_a_deep_chain(show):
    """A thousand processes, each made by the one before it."""
    events = []
    for pid in range(1, 1001):
        creator = {"creator_pid": pid - 1, "creator_start_time": (pid - 1) * MS} if pid > 1 else {}
        events.append(make_exec(("sh",), pid=pid, start=pid * MS, at=pid * MS, **creator))
    page = show(events)
    page.focus("#tree")
    press(page, "End", "Enter")

    assert "999 deep" == page.locator("#tree [aria-selected=true] .deep").inner_text()
    assert 200 == page.locator("#details nav button").count()
