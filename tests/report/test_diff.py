"""The page of a comparison, as a real browser has it."""

import pytest

from tests.diff.comparisons import two_builds, what_is_hostile
from whatran.diff.page import page


@pytest.fixture
def show(tmp_path, open_file):
    """A function that opens the page of a comparison."""

    def show(comparison):
        path = tmp_path / "diff.html"
        path.write_text(page(comparison), encoding="utf-8")
        return open_file(path)

    return show


def seen(page):
    """The first words of each difference that can be seen."""
    entries = page.locator("ol.entries > li")
    return [text.split()[0] for text in (it.inner_text() for it in entries.all() if it.is_visible())]


def test_it_finds_what_is_typed(show):
    """All words count, those of the program's path too; a slash goes there and Escape back to all."""
    shown = show(two_builds())
    everything = seen(shown)
    shown.keyboard.press("/")
    shown.keyboard.type("USR/BIN/c wall")
    found = seen(shown), shown.locator("#found").inner_text(), shown.locator("details.program:visible").count()
    shown.keyboard.press("Escape")

    assert 5 == len(everything)
    assert (["in"], "1 found", 1) == found
    assert everything == seen(shown)


def test_all_of_the_same_change(show):
    """They unfold by the keyboard."""
    shown = show(two_builds())
    shown.locator("details.all > summary").focus()
    shown.keyboard.press("Enter")

    assert ["a.c", "b.c", "c.c"] == [
        text.split(" -c ")[1].split()[0] for text in shown.locator("details.all li").all_inner_texts()
    ]


def test_nothing_hostile_runs(show):
    """A browser logs nothing, asks for nothing and shows what it is: text."""
    shown = show(what_is_hostile())

    assert "<script>alert(1)</script>" in shown.locator("main").inner_text()
    assert 0 == shown.locator("main script").count()


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits(show, width):
    """Nothing is wider than the window, on a narrow one either."""
    for comparison in (two_builds(), what_is_hostile()):
        shown = show(comparison)
        shown.set_viewport_size({"width": width, "height": 800})

        assert shown.evaluate("document.documentElement.scrollWidth") <= width
