"""One JSON object a process."""

import base64
import json

from tests.events import make_alert, make_exec, make_exit, make_gap
from whatran.sinks.lives import LifeLines


def test_some_fields(file):
    """Lives too can be had with no more than these."""
    sink = LifeLines(file.output, fields=["pid", "exit_code"])
    sink.write([make_exec(pid=7), make_exit(3, pid=7)])
    sink.close()

    assert [{"event": "life", "pid": 7, "exit_code": 3}] == [json.loads(line) for line in file.lines]


def test_a_life_is_written_when_it_ends(file):
    """Those that go on come at the end; gaps and alerts come where they are."""
    sink = LifeLines(file.output)
    written = [
        sink.write([make_exec(pid=1), make_exec(pid=2)]),
        sink.write([make_exit(4, pid=2), make_gap(), make_alert()]),
        sink.close(),
    ]

    assert [0, 3, 0] == [written[0], written[1], written[2] - 1]
    assert [("life", 2, 4), ("gap", None, None), ("alert", None, None), ("life", 1, None)] == [
        (line["event"], line.get("pid"), line.get("exit_code")) for line in map(json.loads, file.lines)
    ]


def test_a_lost_end_is_a_line_once_it_is_known(file):
    """The next process with that pid shows it; it comes before what follows."""
    sink = LifeLines(file.output)
    written = [
        sink.write([make_exec(pid=1, start=1), make_exec(pid=1, start=2), make_exit(pid=1, start=2)]),
        sink.close(),
    ]

    assert [2, 0] == written
    assert [(1, False, None), (2, False, 0)] == [
        (line["start_time"], line["running"], line["exit_code"]) for line in map(json.loads, file.lines)
    ]


def test_exact_bytes_are_beside_what_is_no_utf8(file):
    """Also in the programs of a life."""
    sink = LifeLines(file.output)
    sink.write([make_exec(("a", "\udcff"))])
    sink.close()
    (line,) = map(json.loads, file.lines)

    for where in (line, line["programs"][0]):
        assert ["a", "\ufffd"] == where["argv"]
        assert [b"a", b"\xff"] == list(map(base64.b64decode, where["argv_base64"]))
