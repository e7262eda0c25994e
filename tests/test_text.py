"""Whatever processes call themselves, nothing of it acts on who looks at it: every sink, exporter, page and message."""

import csv
import html
import io
import json
import logging
import re
import unicodedata

import pytest

from tests.events import MS, S, make_exec, make_exit, make_failed, make_fork, make_gap
from tests.sinks.conftest import Terminal
from whatran.cli.messages import logging_to_stderr, say
from whatran.diff.compare import compare
from whatran.diff.page import page
from whatran.diff.text import write as write_diff
from whatran.process.lives import Lives
from whatran.query.database import answer, question
from whatran.query.export import WRITERS
from whatran.query.results import write_csv, write_json, write_table
from whatran.query.top import totals
from whatran.query.toptable import write_json as top_json
from whatran.query.toptable import write_table as top_table
from whatran.report.collect import Collector
from whatran.report.report import report
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output

MARKUP = "</script><img src=x onerror=alert(1)>"
NASTY = (
    *map(chr, range(1, 0x20)),  # a process has no NUL in a text
    *map(chr, range(0x7F, 0xA1)),
    "\x1b[2J\x1b]0;owned\x07\x1bP+q\x1b\\",
    "\x9b31m\x9d0;owned\x9c",
    *(chr(code) for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0x3164)),
    "\udcff\udc9b31m\udc80",
    "\U000e0041\U000e0100\ufe0f\ue000\U0010ffff",
    "=cmd|'/C calc'!A0",
    "@SUM(A1)",
    "+1",
    "-2",
    "\t=1",
    "\n=1",
    MARKUP,
    "<!--<script>",
    "'); DROP TABLE execs; --",
    '"; DROP TABLE execs; --',
    "a\nb\r\nc",
    "%s%n{0}{x}",
    "[red]x[/red]",
)
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
INVISIBLE = {"\xa0", "\u3164", "\ufe0f", "\U000e0100"}
TEXTS = (
    *("comm", "ppid_comm", "prev_comm", "cmdpath", "pathname", "interp", "script_pathname", "interpreter_pathname"),
    *("cwd", "stdin_path", "user", "group", "cgroup", "unit", "slice", "container_name", "container_image"),
    *("pod_name", "pod_namespace", "container_id"),
)
OF_ALL = ("comm", "ppid_comm")


def events():
    """A process for each text, that has it for everything there is; it forks, fails to execute, and ends."""
    found = []
    for number, text in enumerate(NASTY):
        who = {"pid": 1000 + 2 * number, "start": number * S}
        common = dict.fromkeys(OF_ALL, text)
        given = dict.fromkeys(TEXTS, text) | {"env": [f"A={text}", text], "tried": (text,), "ancestors": (text,)}
        at = number * S
        found += [
            make_exec((text, f"--x={text}"), **who, at=at + MS, **given),
            make_failed(text, **who, at=at + 2 * MS, argv=[text], tried=(text,), user=text, group=text, **common),
            make_fork(who["pid"] + 1, child_start=at + 3 * MS, pid=who["pid"], start=at, **common),
            make_exit(1, pid=who["pid"] + 1, start=at + 3 * MS, at=at + 4 * MS, **common),
            make_exit(3, **who, at=at + 5 * MS, **common),
        ]
    return [*found, make_gap(len(NASTY) * S)]


def hidden(text, but="\n"):
    """What of it is not plainly visible."""
    return {char for char in text if (unicodedata.category(char) in HIDDEN or char in INVISIBLE) and char not in but}


@pytest.fixture(autouse=True)
def _no_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")


def a_comparison():
    """Two recordings of which one has it all."""

    def lives(events_):
        followed = Lives()
        for event in events_:
            yield from followed(event)
        yield from followed.finish()

    return compare(
        lives(events()), lives([make_exec(), make_exit()]), names=("\x1b[2J.wr", f"{MARKUP}.wr"), rules=("redacted",)
    )


def _sink(form):
    def write(output):
        sink = FORMATS[form](output, Show())
        sink.write(events())
        sink.close()

    return write


def _query(write):
    def written(output):
        sql = "SELECT * FROM execs"
        with answer(question(sql), events(), filtered=False) as result:
            write(output, result)

    return written


SHOWN = {
    **{form: _sink(form) for form in FORMATS},
    "query table": _query(write_table),
    "query csv": _query(write_csv),
    "query json": _query(write_json),
    "top table": lambda output: top_table(output, totals(events(), filtered=False), "cpu", 1000),
    "top json": lambda output: top_json(output, totals(events(), filtered=False), "cpu", 1000),
    "diff": lambda output: write_diff(a_comparison(), output, explain=True),
}


@pytest.mark.parametrize("what", SHOWN)
def test_nothing_acts_on_a_terminal(what, monkeypatch):
    """No control, escape, bidirectional, invisible or invalid character gets there, in whatever form."""
    terminal = Terminal()
    written = []
    monkeypatch.setattr(Output, "write", lambda _, data: written.append(data))
    SHOWN[what](terminal.output)
    terminal.hang_up()
    shown = b"".join(written).decode("utf-8", "surrogateescape")

    assert (set(), True) == (hidden(shown), len(shown) > 1000)


@pytest.mark.parametrize("what", ["table", "tree", "query table", "top table", "diff"])
def test_nothing_acts_on_who_looks_at_a_file(what, tmp_path):
    """What is for people is the same in a file."""
    with Output.open(str(tmp_path / "out")) as output:
        SHOWN[what](output)

    assert set() == hidden((tmp_path / "out").read_bytes().decode("utf-8", "surrogateescape"))


def test_json_has_the_exact_texts(tmp_path):
    """All of them, be it on a terminal or in a file; the file is valid UTF-8."""
    terminal = Terminal()
    terminal.resize(80)
    with Output.open(str(tmp_path / "out")) as output:
        SHOWN["jsonl"](output)
    lines = (tmp_path / "out").read_text("utf-8").split("\n")
    found = [json.loads(line)["cwd"] for line in lines if '"event":"sched_process_exec"' in line]
    terminal.hang_up()

    assert [re.sub("[\udc80-\udcff]", "\ufffd", text) for text in NASTY] == found


@pytest.mark.parametrize("ending", [".csv", ".json"])
@pytest.mark.parametrize("table", ["lives", "execs", "failed", "forks", "exits", "gaps"])
def test_exports_have_nothing_that_acts(tmp_path, ending, table):
    """A table of CSV, of which no cell is computed; a trace."""
    path = tmp_path / f"x{ending}"
    WRITERS[ending](events(), path, table, filtered=False)
    text = path.read_bytes().decode("utf-8", "surrogateescape")

    assert set() == hidden(text)
    if ending == ".csv":
        cells = {cell for row in csv.reader(io.StringIO(text)) for cell in row}
        assert [] == [cell for cell in cells if re.match(r"[=+@\t\r]|-(?![0-9]+$)", cell)]


def test_parquet_is_what_went_in(tmp_path):
    """No text became SQL: the table has a row each, and the texts are there."""
    path = tmp_path / "x.parquet"
    WRITERS[".parquet"](events(), path, "execs", filtered=False)
    with answer(question("SELECT cwd FROM execs"), events(), filtered=False) as result:
        rows = [row[0] for row in result.rows]

    assert len(NASTY) == len(rows)
    assert path.read_bytes().startswith(b"PAR1")


def test_pages_have_nothing_that_acts():
    """A report and a comparison: no element that is not ours, no character that is not plainly visible."""
    collector = Collector()
    for event in events():
        collector(event)
    collected = collector.finish()
    facts = {"host": MARKUP + "".join(NASTY)}
    pages = (report("".join(NASTY), facts, collected), page(a_comparison()))

    for text in pages:
        assert (set(), 0, 0) == (hidden(text), text.count("<img"), html.unescape(text).count("\x1b"))
    assert [] == [text for text in collected.texts.strings if hidden(text, but="")]


def test_messages_have_nothing_that_acts(capfd):
    """What whatran says, and what the package logs; each text is one line."""
    for text in NASTY:
        say(f"cannot read {text}: no such file")
    said = capfd.readouterr().err
    with logging_to_stderr(2):
        for text in NASTY:
            logging.getLogger("whatran.test").warning("left the cgroup %s", text)
    logged = capfd.readouterr().err

    assert (set(), len(NASTY)) == (hidden(said), said.count("\n"))
    assert (set(), True) == (hidden(logged), logged.count("left the cgroup") == len(NASTY))
