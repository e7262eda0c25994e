import json
from collections import defaultdict

import pytest

from tests.events import MS, make_exec, make_exit, make_failed, make_fork, make_gap
from tests.query.build import BYTES, HOSTILE, build
from whatran.query.trace import MAX_PID, TraceFile


@pytest.fixture
def trace(file):
    """A function that gives the records of a trace of these events."""

    def trace(*events):
        sink = TraceFile(file.output)
        sink.write(events)
        sink.close()
        return json.loads(file.text)["traceEvents"]

    return trace


def of(records, **fields):
    """Those which have these."""
    return [record for record in records if fields.items() <= record.items()]


def test_rules_of_the_format(trace):
    """Every record has what its phase needs, in the types the format says."""
    needed = {
        "M": {"name": str, "pid": int, "tid": int, "args": dict},
        "X": {"name": str, "cat": str, "ts": float, "dur": float, "pid": int, "tid": int, "args": dict},
        "i": {"name": str, "cat": str, "ts": float, "s": str},
        "s": {"name": str, "cat": str, "ts": float, "pid": int, "tid": int, "id": str},
        "f": {"name": str, "cat": str, "ts": float, "pid": int, "tid": int, "id": str, "bp": str},
    }
    records = trace(*build())

    assert needed.keys() == {record["ph"] for record in records}
    for record in records:
        assert needed[record["ph"]].items() <= {name: type(value) for name, value in record.items()}.items()
        assert record.get("ts", 0) >= 0
        assert record.get("dur", 0) >= 0


def test_slices_nest(trace):
    """On each track every slice lies within the one before or after it, as viewers demand."""
    tracks = defaultdict(list)
    for record in of(trace(*build()), ph="X"):
        tracks[record["pid"], record["tid"]].append((record["ts"], record["ts"] + record["dur"]))
    for slices in tracks.values():
        open_until = []
        for start, end in sorted(slices, key=lambda each: (each[0], -each[1])):
            while open_until and open_until[-1] <= start:
                open_until.pop()
            assert not open_until or end <= open_until[-1] + 1e-6
            open_until.append(end)

    assert {100, 101, 102, 103, 104, 105, 106} == {pid for pid, _ in tracks}


def test_arrows_lead_from_creator_to_child(trace):
    """Each has a beginning on the creator's track and an end on the child's, both within a slice there."""
    records = trace(*build())
    begins = {record["id"]: record for record in of(records, ph="s")}
    ends = {record["id"]: record for record in of(records, ph="f")}

    assert begins.keys() == ends.keys()
    assert {(100, child) for child in (101, 102, 103, 104)} == {
        (begins[id_]["pid"], ends[id_]["pid"]) for id_ in begins
    }
    for point in (*begins.values(), *ends.values()):
        assert any(
            each["ts"] <= point["ts"] <= each["ts"] + each["dur"] for each in of(records, ph="X", pid=point["pid"])
        )


def test_a_life(trace):
    """The process from its fork to its end, and on it its programs one after another, in µs since the first event."""
    records = of(trace(*build()), ph="X", pid=101)

    assert [
        ("process", "cc1", 9_000, 90_000),
        ("program", "cc -c a.c", 10_000, 1_000),
        ("program", "cc1 a.c", 11_000, 88_000),
    ] == [(each["cat"], each["name"], each["ts"], each["dur"]) for each in records]
    assert "0" == records[0]["args"]["exit"]
    assert ["cc1", "a.c"] == records[2]["args"]["argv"]


def test_nanoseconds_are_kept(trace):
    """Times are fractions of µs."""
    records = trace(make_exec(start=100 * MS, at=100 * MS), make_exit(at=100 * MS + 1_234_567))

    assert 1234.567 == of(records, cat="program")[0]["dur"]


def test_what_lives_on_ends_with_the_trace(trace):
    """It lasts until the last event."""
    records = trace(make_exec(at=101 * MS), make_fork(200, child_start=151 * MS))

    assert [(0.0, 50_000.0)] == [(each["ts"], each["dur"]) for each in of(records, cat="program")]


def test_what_was_there_before_begins_with_the_trace(trace):
    """A process that is older than the recording has no negative times."""
    records = trace(make_exec(start=1, at=101 * MS), make_exit(start=1, at=111 * MS))

    assert [(0.0, 10_000.0)] == [(each["ts"], each["dur"]) for each in of(records, cat="process")]


def test_marks(trace):
    """What could not be executed is marked on its track with the reason, a gap on all."""
    records = trace(make_exec(), make_failed("/bin/nosuch", at=102 * MS), make_gap(103 * MS, count=3))

    assert [("nosuch (ENOENT)", "t", 100)] == [
        (each["name"], each["s"], each["pid"]) for each in of(records, cat="failed")
    ]
    assert [("… 3 sched_process_exec lost on CPU 0: ring full", "g")] == [
        (each["name"], each["s"]) for each in of(records, cat="gap")
    ]


def test_names_of_tracks(trace):
    """Each process has its name."""
    records = trace(make_exec(("cc1",)), make_exit(comm="cc1"))

    assert [("process_name", 100, "cc1"), ("thread_name", 100, "cc1")] == [
        (each["name"], each["tid"], each["args"]["name"]) for each in of(records, ph="M")
    ]


def test_pids_of_another_boot(trace):
    """The same pid on two machines has two tracks."""
    records = trace(make_exec(), make_exec(boot_id="99999999-2222-4333-8444-555555555555"))

    assert {100, MAX_PID + 100} == {record["pid"] for record in records}


@pytest.mark.parametrize("text", [*HOSTILE, BYTES])
def test_hostile_text(trace, text):
    """Whatever a process is called, the file is JSON and all that it shows is printable."""
    records = trace(make_exec((text, text), comm=text, cwd=text), make_failed(text, at=102 * MS), make_exit(comm=text))
    shown = [
        *(record["name"] for record in records),
        *(item for record in of(records, cat="program") for item in record["args"]["argv"]),
    ]

    assert all(each.isprintable() for each in shown)


def test_long_names_are_cut(trace):
    """The name of a program is no longer than a viewer can show; its arguments are whole."""
    (program,) = of(trace(make_exec(("x", "y" * 10_000))), cat="program")

    assert 200 == len(program["name"])
    assert ["x", "y" * 10_000] == program["args"]["argv"]


def test_nothing_happened(trace):
    """It is a trace still."""
    assert [] == trace()
