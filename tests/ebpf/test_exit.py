"""How processes ended and what they used, by the word of wait4(2) and /proc in their parent."""

import json
import os
import signal
import time

import pytest

import whatran

from .truth import CLOCK_TICK_NS, exits, only, stat_field

MILLISECOND = 1_000_000
SIGNALS = [signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGRTMIN + 3]


@pytest.fixture
def ended(capfd, programs, place, monkeypatch):
    """Has children end in one way: pairs of the Exit and what the parent was told, one for each child."""
    monkeypatch.chdir(place)

    def run(how, number=0, times=1, **options):
        completed = whatran.run([str(programs / "ends"), str(times), how, str(number)], **options)
        output = capfd.readouterr().out
        truths = [json.loads(line) for line in output.splitlines() if '"label":"end"' in line]
        assert (0, times) == (completed.returncode, len(truths))
        pids = [truth["pid"] for truth in truths]
        command = completed.events[0].pid
        events = [each for each in exits(completed.events, process_group_exit=True) if each.pid != command]
        assert sorted(pids) == sorted(each.pid for each in events)
        by_pid = {each.pid: each for each in events}
        return [(by_pid[truth["pid"]], truth) for truth in truths]

    return run


def status_of(event):
    """As wait(2) encodes it."""
    return event.exit_code << 8 | event.core_dumped << 7 | event.signal_code


def io_of(truth):
    """The numbers of /proc/PID/io that an Exit has too."""
    lines = bytes.fromhex(truth["io"]).decode().splitlines()
    names = ("rchar", "wchar", "read_bytes", "write_bytes")
    return {name: int(value) for name, value in (line.split(": ") for line in lines) if name in names}


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exit_code(ended, code):
    """The exit code is the one that wait(2) gives."""
    [(event, truth)] = ended("exit", code)

    assert (truth["status"], code, 0) == (status_of(event), event.exit_code, event.signal_code)


@pytest.mark.parametrize("number", SIGNALS)
def test_signal(ended, number):
    """The signal that ended it is the one that wait(2) gives."""
    [(event, truth)] = ended("signal", int(number))

    assert (truth["status"], 0, number) == (status_of(event), event.exit_code, event.signal_code)


@pytest.fixture
def core_in_place(place):
    """Cores go to a file of the test; what became of them before is put back afterwards."""
    path = "/proc/sys/kernel/core_pattern"
    with open(path, "rb") as file:
        before = file.read()
    with open(path, "w") as file:
        file.write(f"{place}/core")
    yield place / "core"
    with open(path, "wb") as file:
        file.write(before)


def test_core_dumped(ended, core_in_place):
    """Where a core was dumped, it is said, and the signal is free of the core bit."""
    [(event, truth)] = ended("core", int(signal.SIGABRT))

    assert os.WCOREDUMP(truth["status"])
    assert (truth["status"], True, signal.SIGABRT) == (status_of(event), event.core_dumped, event.signal_code)


@pytest.mark.parametrize("how", ["leader-then-group", "leader-then-thread"])
def test_leader_ends_first(ended, how):
    """A process whose leader ended before has one exit, at its last thread's, with its status for wait(2)."""
    [(event, truth)] = ended(how, 7)

    assert truth["status"] == status_of(event)
    assert event.process_group_exit
    assert event.tid != event.pid


def test_threads_race_to_exit(ended):
    """However many threads end at once, a process has exactly one exit."""
    pairs = ended("race", 16, times=200)

    assert [truth["status"] for _, truth in pairs] == [status_of(event) for event, _ in pairs]


def test_threads_race_to_exit_with_threads(capfd, programs):
    """Where threads are reported too, exactly one of each process's exits is that of the whole group."""
    completed = whatran.run([str(programs / "ends"), "50", "race", "16"], threads=True)

    ends = [each for each in exits(completed.events) if each.pid != completed.events[0].pid]
    groups = {}
    for each in ends:
        groups.setdefault((each.pid, each.process_start_time), []).append(each.process_group_exit)
    # Which is not always the last one: before Linux 6.16 a thread is told of once it is no longer counted as alive.
    assert [] == [each for each in groups.values() if each.count(True) > 1 or each.count(False) > 15]
    # Where tracepoints are preemptible some may be missing, and are counted.
    assert 50 * 16 == len(ends) + completed.stats.exits.failed


def test_start_and_duration(ended):
    """Start and duration are those of the process, from its fork to its end."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    [(event, truth)] = ended("sleep", 50)
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    assert stat_field(bytes.fromhex(truth["stat"]), 22) == event.process_start_time // CLOCK_TICK_NS
    assert event.timestamp_boot - event.process_start_time == event.duration
    assert 50 * MILLISECOND <= event.duration <= after - before


@pytest.mark.parametrize(("how", "number"), [("exit", 0), ("touch", 32), ("touch-threads", 4)])
def test_largest_resident_set(ended, how, number):
    """The largest resident set is the one that wait4(2) gives, also of threads' memory."""
    [(event, truth)] = ended(how, number)

    assert truth["maxrss"] * 1024 == event.max_rss


@pytest.mark.parametrize(("how", "number"), [("exit", 0), ("touch", 32), ("touch-threads", 4)])
def test_page_faults(ended, how, number):
    """Faults are those of the whole process; the few of its very last steps are not among them."""
    [(event, truth)] = ended(how, number)

    assert truth["minflt"] - 8 <= event.minor_faults <= truth["minflt"]
    assert truth["majflt"] == event.major_faults


def test_cpu_time(ended):
    """User and system time are those of wait4(2), less what the very end takes."""
    [(event, truth)] = ended("spin", 200)

    ours, theirs = event.user_time + event.system_time, truth["utime_ns"] + truth["stime_ns"]
    assert theirs - 20 * MILLISECOND <= ours <= theirs + MILLISECOND
    assert abs(event.user_time - truth["utime_ns"]) <= 20 * MILLISECOND
    assert abs(event.system_time - truth["stime_ns"]) <= 20 * MILLISECOND


@pytest.mark.parametrize(("how", "number"), [("exit", 0), ("copy", 1000), ("leader-then-group", 0)])
def test_bytes_read_and_written(ended, how, number):
    """Bytes are those of /proc/PID/io, all threads together."""
    [(event, truth)] = ended(how, number)

    expected = io_of(truth)
    assert expected == {name: getattr(event, name) for name in expected}
    assert how != "copy" or (1_000_000, 10_000) == (event.rchar, event.wchar)


@pytest.mark.parametrize(("command", "status"), [("exit 7", 7), ("kill -9 $$", -9)], ids=["code", "signal"])
def test_return_code_of_the_command(command, status):
    """A run returns as subprocess does, and its last exit says the same."""
    completed = whatran.run(["/bin/sh", "-c", command])

    event = only(exits(completed.events))
    assert status == completed.returncode == (event.exit_code or -event.signal_code)
