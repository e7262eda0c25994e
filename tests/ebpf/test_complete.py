"""Nothing lost, nothing double, and what is lost is counted."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

import whatran

from .truth import execs, exits, forks


def lost_of(stats):
    """How many of each kind were lost, or not even produced, as counted."""
    return Counter(
        {
            "sched_process_exec": stats.execs.lost + stats.execs.failed,
            "sched_process_fork": stats.forks.lost + stats.forks.failed,
            "sched_process_exit": stats.exits.lost + stats.exits.failed,
            "process_execute_failed": stats.failed.lost + stats.failed.failed,
        }
    )


def in_gaps(events):
    """How many of each kind gaps say to be missing."""
    missing = Counter()
    for event in events:
        if isinstance(event, whatran.Gap):
            missing[event.kind] += event.count
    return missing


def test_ten_thousand_execs_from_two_workers(programs):
    """Every one of 10,000 short programs has exactly one fork, one exec and one exit."""
    program = str(programs / "true")

    completed = whatran.run([str(programs / "storm"), "2", "5000", program])

    executed = Counter((each.pid, each.process_start_time) for each in execs(completed.events, pathname=program))
    forked = Counter((each.child_pid, each.start_time) for each in forks(completed.events))
    exited = Counter((each.pid, each.process_start_time) for each in exits(completed.events))
    command = (completed.events[0].pid, completed.events[0].process_start_time)
    workers = forked.keys() - executed.keys()
    assert (0, 10_000, 2) == (completed.returncode, executed.total(), len(workers))
    assert forked == executed + Counter(workers)
    assert exited == forked + Counter([command])


def test_counts_agree(programs):
    """All that was produced is received, and all that is received is handed out; what was not produced is in gaps."""
    completed = whatran.run([str(programs / "storm"), "2", "500", str(programs / "true")])

    stats, events = completed.stats, [each for each in completed.events if not getattr(each, "repaired", False)]
    handed_out = (len(execs(events)), len(forks(events)), len(exits(events)))
    received = (stats.execs.received, stats.forks.received, stats.exits.received)
    produced = (stats.execs.produced, stats.forks.produced, stats.exits.produced)
    assert handed_out == received == produced
    assert (1001, 1002, 1003) == (stats.execs.seen, stats.forks.seen, stats.exits.seen)
    assert lost_of(stats) == in_gaps(events)


def test_sequence_has_no_hole(programs):
    """Each CPU numbers the records of a kind from 1 on without a hole, and in the order of time."""
    completed = whatran.run([str(programs / "storm"), "2", "500", str(programs / "true")])

    streams = {}
    # Where tracepoints are preemptible some may not be produced; those have no number.
    numbered = [each for each in completed.events if getattr(each, "sequence", 0)]
    for event in numbered:
        streams.setdefault((event.cpu, event.event), []).append(event)
    for stream in streams.values():
        assert list(range(1, len(stream) + 1)) == [each.sequence for each in stream]
        assert sorted(each.timestamp_boot for each in stream) == [each.timestamp_boot for each in stream]


def test_full_ring_is_counted(programs):
    """What finds the ring full is counted as lost, and is as many as the holes in the sequence."""
    with whatran.watch([str(programs / "storm"), "2", "1000", str(programs / "true")], ring_bytes=1 << 16) as watched:
        # Not a single record is read before the command has ended.
        os.waitid(os.P_PID, watched.pid, os.WEXITED | os.WNOWAIT)
        events = list(watched)
        stats = watched.stats

    for counts, kind in ((stats.execs, execs), (stats.forks, forks), (stats.exits, exits)):
        assert len(kind(events)) == counts.received == counts.produced - counts.lost
    assert (2001, 2002, 2003) == (stats.execs.seen, stats.forks.seen, stats.exits.seen)
    assert stats.lost > 0
    assert lost_of(stats) == in_gaps(events)


@pytest.mark.parametrize("ring_bytes", [1 << 12, 1 << 16])
def test_stopped_reader_loses_nothing_in_silence(programs, place, ring_bytes):
    """A reader that is stopped and goes on, with a tiny ring: what it got and what its gaps say is all there was."""
    out = place / "events.jsonl"
    command = [programs / "storm", "2", "1000", programs / "true"]
    arguments = ["--format", "jsonl", "-o", out, "--buffer", str(ring_bytes), "--", *command]
    with subprocess.Popen([sys.executable, "-m", "whatran", *map(str, arguments)], stderr=subprocess.PIPE) as watcher:
        while not out.exists() or not out.stat().st_size:
            os.sched_yield()
        for _ in range(20):
            os.kill(watcher.pid, signal.SIGSTOP)
            os.kill(watcher.pid, signal.SIGCONT)
        os.kill(watcher.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WNOWAIT)
        os.kill(watcher.pid, signal.SIGCONT)
        watcher.communicate()

    got = Counter()
    for line in out.read_text().splitlines():
        event = json.loads(line)
        if event.get("repaired"):  # its record is in a gap
            continue
        got[event.get("kind", event["event"])] += event.get("count", 1)
    del got["process_execute_failed"]  # none did, but a gap may be of the end of an exec that did not fail either
    assert {"sched_process_exec": 2001, "sched_process_fork": 2002, "sched_process_exit": 2003} == got


def test_batches_are_in_order(programs):
    """Within one batch events are in the order of time, whichever CPU they come from."""
    with whatran.watch([str(programs / "storm"), "2", "200", str(programs / "true")]) as watched:
        while not watched.ended:
            times = [each.timestamp_boot for each in watched.read(timeout=1)]
            assert sorted(times) == times


def test_every_life_is_complete(programs, place):
    """Of 10,003 processes each has one row, with its creator, its program and its end."""
    out = place / "lives.jsonl"
    program = str(programs / "true")
    command = [sys.executable, "-m", "whatran", "--format", "lives", "-o", out, "--", programs / "storm", "2", "5000"]
    subprocess.run([*command, program], check=True)

    lives = list(map(json.loads, out.read_text().splitlines()))
    assert 10_003 == len(lives) == len({(life["pid"], life["start_time"]) for life in lives})
    assert [] == [life for life in lives if life["exit_code"] is None or life["duration"] is None]
    short = [life for life in lives if life["pathname"] == program]
    workers = {(life["pid"], life["start_time"]) for life in lives if not life["programs"]}
    assert (10_000, 2) == (len(short), len(workers))
    assert workers == {(life["creator_pid"], life["creator_start_time"]) for life in short}
