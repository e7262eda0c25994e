"""What many do at once on one CPU is told apart, to the byte, and what was not told is counted.

Wherever the kernel takes the CPU from one of them, be it within the kernel program, the others go on there.
"""

import os

import pytest

import whatran
from whatran.source import probe

from .programs import build
from .test_complete import in_gaps
from .truth import execs, exits, forks

WORKERS = "abcdefgh"
EACH = 30
SHORT, LONG = 100, 100_000
"""Bytes of an argument: what fits into one frame, and what does not."""
RING_BYTES = 1 << 25
"""Twice as much as all is: environments are told while half of it is free."""


@pytest.fixture(name="directories")
def _directories(place, programs):
    """A directory for each worker with a program, both called by its mark."""
    found = [place / (letter * 12) for letter in WORKERS]
    for each in found:
        each.mkdir()
        os.link(programs / "true", each / each.name)
    return found


def said(event):
    """All of an exec that has its mark, but for what the task was before."""
    return (event.pathname, event.cmdpath, event.interp, event.cwd, event.comm, event.ppid_comm, event.argv, event.env)


def expected_of(directory):
    """The same by the mark."""
    mark = directory.name
    text = mark[0] * (SHORT if ord(mark[0]) % 2 else LONG)
    return (str(directory / mark), mark, mark, str(directory), mark, mark, [mark, text, mark], [f"MARK={mark}"])


def test_no_event_mixes_two_tasks(programs, directories):
    """All that an event says is of its own task; all that happened is received, or counted and in a gap."""
    build(programs / "marks", "marks.c")
    cpu = min(os.sched_getaffinity(0))
    command = [str(programs / "marks"), str(cpu), str(EACH), *map(str, directories)]

    completed = whatran.run(command, env=True, failed="all", ring_bytes=RING_BYTES)

    assert 0 == completed.returncode
    events, stats = completed.events, completed.stats
    told = [each for each in execs(events)[1:] if not each.repaired]
    by_mark = {directory.name: expected_of(directory) for directory in directories}
    assert [] == [each for each in told if said(each) != by_mark.get(each.comm)]
    assert [] == [each for each in told if each.prev_comm not in {each.comm, None}]
    assert any(each.prev_comm for each in told)
    failed = [each for each in events if isinstance(each, whatran.ExecFailed)]
    assert [] == [each for each in failed if (each.cmdpath, each.argv) != (f"./{each.comm}-none", [each.comm] * 3)]
    counts = {
        "sched_process_exec": (stats.execs, 1 + len(WORKERS) * EACH, 1 + len(told)),
        "sched_process_fork": (stats.forks, len(WORKERS) * (2 * EACH + 1), len(forks(events))),
        "sched_process_exit": (stats.exits, 1 + len(WORKERS) * (2 * EACH + 1), len(exits(events))),
        # One that the program was not run for may have been an exec that did not fail.
        "process_execute_failed": (stats.failed, stats.failed.seen, len(failed)),
    }
    missing = in_gaps(events)
    assert {kind: (seen, received, seen - received) for kind, (_, seen, received) in counts.items()} == {
        kind: (count.seen, count.received, missing[kind]) for kind, (count, _, _) in counts.items()
    }
    tried = 0 if probe.has_helper_current_task().answer == probe.NO else len(WORKERS) * EACH
    assert len(failed) <= tried <= stats.failed.seen
