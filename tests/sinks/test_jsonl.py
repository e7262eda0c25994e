"""JSON lines."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import make_alert, make_exec, make_exit, make_fork, make_gap
from whatran.sinks.jsonl import JsonLines, with_exact_bytes


@pytest.mark.parametrize("event", [make_exec(("cc", "a.c")), make_fork(), make_exit(1)])
def test_each_event_is_an_object_of_its_fields(file, event):
    """A line has the event's fields under their names, in their order."""
    JsonLines(file.output).write([event])

    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in msgspec.structs.asdict(event).items()}

    assert list(fields.items()) == list(json.loads(file.text).items())


@pytest.mark.parametrize("event", [make_exec(), make_fork(), make_exit()])
def test_a_line_starts_with_what_it_is(file, event):
    """Schema, kind and time come first."""
    JsonLines(file.output).write([event])

    assert ["schema", "event", "timestamp"] == list(json.loads(file.text))[:3]


def test_some_fields(file):
    """Each has what of them it has, in the order in which they were asked for; a gap is told whole."""
    exec_, gap = make_exec(("cc", "\udcff"), pid=7), make_gap()
    JsonLines(file.output, fields=["argv", "pid", "exit_code", "pid"]).write([exec_, make_exit(3, pid=7), gap])

    assert [
        [("event", "sched_process_exec"), ("argv", ["cc", "\ufffd"]), ("argv_base64", ["Y2M=", "/w=="]), ("pid", 7)],
        [("event", "sched_process_exit"), ("pid", 7), ("exit_code", 3)],
        [*msgspec.structs.asdict(gap).items()],
    ] == [[*json.loads(line).items()] for line in file.lines]


@pytest.mark.parametrize(
    ("fields", "keys"), [(["event"], ["event"]), ([], ["event"]), (["pid", "event"], ["pid", "event"])]
)
def test_few_fields(file, fields, keys):
    """What event it is stands where it was asked for, else first."""
    JsonLines(file.output, fields=fields).write([make_fork()])

    assert keys == [*json.loads(file.text)]


def test_one_line_an_event(file):
    """Batches follow each other, and their sizes are what was written."""
    sink = JsonLines(file.output)
    written = [sink.write([make_fork(), make_exec()]), sink.write([]), sink.write([make_exit()]), sink.close()]

    assert [2, 0, 1, 0] == written
    assert ["sched_process_fork", "sched_process_exec", "sched_process_exit"] == [
        json.loads(line)["event"] for line in file.lines
    ]


def test_what_is_unknown_is_null(file):
    """None is null, which is not the same as empty."""
    JsonLines(file.output).write([make_exec(pathname=None, cwd="")])
    line = json.loads(file.text)

    assert (None, "") == (line["pathname"], line["cwd"])


def test_a_line_break_in_a_field_breaks_no_line(file):
    """Control characters are escaped as JSON has it."""
    JsonLines(file.output).write([make_exec(("a\nb\x1b",))])

    assert 1 == len(file.lines)
    assert ["a\nb\x1b"] == json.loads(file.text)["argv"]


def test_bytes_that_are_no_utf8_are_kept_beside(file):
    """A text that is no UTF-8 has U+FFFD for each bad byte, and next to it the exact bytes."""
    event = make_exec(("ls", "caf\udce9"), cwd="/\udcff\udcfe", pid=7)
    JsonLines(file.output).write([make_fork(), event, make_exit()])
    _, line, _ = map(json.loads, file.lines)
    keys = list(line)

    assert ("/\ufffd\ufffd", base64.b64encode(b"/\xff\xfe").decode()) == (line["cwd"], line["cwd_base64"])
    assert ["ls", "caf\ufffd"] == line["argv"]
    assert [b"ls", b"caf\xe9"] == [base64.b64decode(item) for item in line["argv_base64"]]
    assert keys.index("argv") + 1 == keys.index("argv_base64")
    assert {"argv_base64", "cwd_base64"} == {key for key in keys if key.endswith("_base64")}


@given(st.lists(st.binary(max_size=10), max_size=3), st.binary(max_size=10))
def test_the_bytes_can_always_be_had_again(argv, cwd):
    """Whatever the bytes were, the line is valid JSON in UTF-8 and has them."""
    event = make_exec(
        [item.decode("utf-8", "surrogateescape") for item in argv], cwd=cwd.decode("utf-8", "surrogateescape")
    )
    line = json.loads(json.dumps(with_exact_bytes(event), ensure_ascii=False).encode("utf-8"))
    got_argv = [base64.b64decode(item) for item in line.get("argv_base64", ())] or [
        item.encode("utf-8") for item in line["argv"]
    ]
    got_cwd = base64.b64decode(line["cwd_base64"]) if "cwd_base64" in line else line["cwd"].encode("utf-8")

    assert (argv, cwd) == (got_argv, got_cwd)


def test_what_is_unknown_beside_bytes(file):
    """An attempt whose path could not be read is null, and so are its bytes, also where another's are no UTF-8."""
    JsonLines(file.output).write([make_exec(tried=("caf\udce9", None))])
    line = json.loads(file.text)

    assert ["caf\ufffd", None] == line["tried"]
    assert [base64.b64encode(b"caf\xe9").decode(), None] == line["tried_base64"]


def test_no_more_than_the_limit(file):
    """After so many events nothing is written, in the midst of a batch too."""
    sink = JsonLines(file.output, 3)
    written = [sink.write([make_exec(), make_exec()]) for _ in range(3)]

    assert [2, 1, 0] == written
    assert 3 == len(file.lines)


def test_nothing_is_held_back(file):
    """Lines are written at once, so there never is anything to release."""
    sink = JsonLines(file.output)
    sink.write([make_exec()])

    assert (None, 0) == (sink.due, sink.release(10**18))


def test_an_alert_is_whole_whatever_fields_are_asked_for(file):
    """With its exec within, and bytes that are no UTF-8 beside their text in each."""
    alert = make_alert(make_exec(("a\udcff",)), matched={"CommandLine": "a\udcff"})
    JsonLines(file.output, fields=["pid"]).write([alert])
    (line,) = map(json.loads, file.lines)

    assert ({"CommandLine": "a\ufffd"}, {"CommandLine": "Yf8="}) == (line["matched"], line["matched_base64"])
    assert (["a\ufffd"], ["Yf8="]) == (line["process"]["argv"], line["process"]["argv_base64"])
