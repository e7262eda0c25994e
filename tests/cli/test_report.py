"""whatran report: recordings to a page."""

import contextlib
import importlib
import re
import stat
from pathlib import Path

import pytest

from tests.events import BOOT, WALL, S, make_exec, make_exit, make_fork, make_gap
from whatran.cli import report
from whatran.recording.format import Header
from whatran.stats import Stats

ROOT = Path(__file__).parent.parent.parent


def header(**given):
    """What a recording says of itself."""
    fields = {
        "whatran": "1",
        "recording": "0" * 16,
        "chapter": 1,
        "started": WALL,
        "started_boot": 0,
        "boot_id": BOOT.id,
        "host": "builder",
        "machine": "x86_64",
        "kernel": "6.1.0",
        "page_bytes": 4096,
        "source": "ebpf",
        "command": ["make", "-j2"],
        "argv": ["whatran"],
        "filters": [],
        "filtered": False,
        "failed": "fold",
        "env": False,
        "max_argv": 0,
        "max_env": 0,
    }
    return Header(**fields | given)


class Recordings(contextlib.AbstractContextManager):
    """What replay() was asked for, and what it gives."""

    size = 0

    def __init__(self):
        """A recording of one make that ran a compiler; in it something was lost."""
        self.headers = [header()]
        self.problems = []
        self.events = [
            make_exec(("make", "-j2"), pid=1, start=S, at=S),
            make_fork(2, child_start=2 * S, pid=1, start=S),
            make_exec(("cc",), pid=2, start=2 * S, at=2 * S),
            make_gap(3 * S, count=1234),
            make_exit(pid=1, start=S, at=4 * S),
        ]
        self.stats = Stats()
        self.asked = None

    def replay(self, paths, **asked):
        """In place of whatran.replay.replay."""
        self.asked = (paths, asked.pop("filters"), asked.pop("env"))
        return self

    def __iter__(self):
        """The events."""
        return iter(self.events)

    def __exit__(self, *exc):
        """There is nothing to close."""


@pytest.fixture
def recordings(monkeypatch, tmp_path):
    """Stands for the files; the folder is an empty one."""
    recordings = Recordings()
    monkeypatch.setattr(importlib.import_module("whatran.replaying"), "replay", recordings.replay)
    monkeypatch.chdir(tmp_path)
    return recordings


def facts(page):
    """Name and value of each fact at the head of the page."""
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.partition('id="facts"')[2].partition("</dl>")[0]))


def test_a_page_is_written(recordings, run, tmp_path):
    """Beside nothing else, for its owner only, with the command line and the facts; without environments."""
    assert (0, "", "") == run("report", "a.wr", "b.wr", "--uid", "0")
    (path,) = tmp_path.iterdir()
    page = path.read_text()

    assert ("report.html", 0o600) == (path.name, stat.S_IMODE(path.stat().st_mode))
    assert (["a.wr", "b.wr"], ["uid=0"], False) == recordings.asked
    assert "<title>make -j2 · whatran</title>" in page
    assert {
        "host": "builder",
        "kernel": "6.1.0 x86_64",
        "started": "2023-11-14 22:13:21 UTC",
        "took": "3.00s",
        "processes": "2",
        "execs": "2",
        "events": "5",
        "lost": "1,234 records",
    } == facts(page)


def test_nothing_that_passes(recordings, run):
    """It is still of the time when it was recorded."""
    recordings.events = []
    _, page, _ = run("report", "a.wr", "-o", "-")

    assert {"started": "2023-11-14 22:13:20 UTC", "took": "0µs"}.items() <= facts(page).items()


def test_several_recordings(recordings, run):
    """What differs is listed, what was left out is said."""
    recordings.headers = [header(), header(host="other", command=None, filters=["comm=cc"])]
    _, page, _ = run("report", "a.wr", "-o", "-")

    assert "<title>make -j2, all on other · whatran</title>" in page
    assert {"host": "builder, other", "only": "comm=cc"}.items() <= facts(page).items()


def test_what_cannot_be_read_is_said(recordings, run):
    """In the page and on standard error, safe for both; the status is 1."""
    recordings.problems = ["a.wr: <b>\x1b is cut"]
    status, page, err = run("report", "a.wr", "-o", "-")

    assert (1, "whatran: a.wr: <b>\\x1b is cut\n") == (status, err)
    assert "a.wr: &lt;b&gt;\\x1b is cut" == facts(page)["not read"]


def test_nothing_is_overwritten_unasked(recordings, run, tmp_path):
    """Nor is anything read before that is known."""
    path = tmp_path / "page.html"
    path.write_text("mine")
    status, _, err = run("report", "a.wr", "-o", "page.html")

    assert (2, "mine", None) == (status, path.read_text(), recordings.asked)
    assert "whatran: there is a file page.html already: name another with -o, or give --overwrite\n" == err
    assert (0, "", "") == run("report", "a.wr", "-o", "page.html", "--overwrite")
    assert path.read_text().startswith("<!doctype html>")


def test_every_option_is_documented():
    """Its own in docs/report.md, the filters where those of the other commands are."""
    real = {option for action in report._parser()._actions for option in action.option_strings}
    pages = ((ROOT / "docs" / name).read_text() for name in ("report.md", "cli.md"))
    own, all_ = (
        set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", "\n".join(re.findall(r"^\| (`-.*?) \|", page, re.MULTILINE))))
        for page in pages
    )

    assert {"-o", "--output", "--overwrite"} == own
    assert real - {"-h", "--help"} <= own | all_


def test_every_option_has_a_help_text():
    """There is no option without a word about it."""
    assert [] == [action.dest for action in report._parser()._actions if not action.help]
