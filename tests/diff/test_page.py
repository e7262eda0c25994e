"""A comparison as a page."""

from html.parser import HTMLParser

import pytest

from tests.diff.recorded import recorded
from whatran.diff.compare import compare
from whatran.diff.page import page

ATTRIBUTES = {
    "aria-label",
    "charset",
    "class",
    "content",
    "data-name",
    "for",
    "http-equiv",
    "id",
    "lang",
    "name",
    "open",
    "placeholder",
    "scope",
    "type",
}
"""All that elements of the page have."""


class Elements(HTMLParser):
    """What a browser would make of a page: its elements, and their text."""

    def __init__(self, text):
        """Read it."""
        super().__init__()
        self.opened, self.text, self._within = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """An element begins."""
        self.opened.append((tag, dict(attrs)))
        self._within.append(tag)

    def handle_endtag(self, tag):
        """It ends."""
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data):
        """Text; code is none."""
        if self._within and self._within[-1] not in ("script", "style"):
            self.text.append(data)

    def of(self, tag):
        """The attributes of each of these elements."""
        return [attrs for name, attrs in self.opened if name == tag]


def test_two_builds(builds):
    """What differs is marked, and there is a row for each program."""
    text = page(builds)

    assert "cc -Wall [<del>-O2</del> → <ins>-O3</ins>] -c a.c" in text
    assert "<del>strip a.out</del>" in text
    assert 3 == text.count("[<del>-O2</del> → <ins>-O3</ins>] -c") - 1  # the example, and all of them
    assert len(builds.programs) == text.count('<tr><td class="mono">/usr/bin/')


def test_nothing_hostile_reaches_the_page(hostile):
    """No text of a process becomes an element, an attribute or a control character."""
    text = page(hostile)
    found = Elements(text)

    assert 1 == len(found.of("script"))
    assert "<script>alert(1)</script>" in "".join(found.text)
    assert [] == [char for char in text if not char.isprintable() and char != "\n"]
    assert set() == {name for _, attrs in found.opened for name in attrs} - ATTRIBUTES


def test_nothing_is_asked_of_the_network(builds):
    """The page has all it needs, and its policy allows nothing else."""
    found = Elements(page(builds))
    (policy,) = [attrs["content"] for attrs in found.of("meta") if "http-equiv" in attrs]

    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert [] == [attrs for _, attrs in found.opened if {"src", "href", "style", "onclick"} & attrs.keys()]


def test_no_more_than_so_many(builds):
    """The rest is counted."""
    assert "3 more differences are not shown" in page(builds, limit=2)


@pytest.mark.parametrize("lives", [recorded(), []])
def test_no_difference(lives):
    """Then there is nothing to find."""
    text = page(compare(lives, lives))

    assert ("no difference" in text, 'id="typed"' in text) == (True, False)
