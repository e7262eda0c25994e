"""Where whatran runs: beside others of its kind, below one, in namespaces of its own, among many processes."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import whatran
from bench.programs import HERE
from whatran.plan import plan
from whatran.source.ebpf import Ebpf
from whatran.source.procfs import boot
from whatran.wire.decode import decode

from .shells import Shell
from .test_cli import assert_one_sentence
from .truth import execs, exits, forks

WHATRAN = [sys.executable, "-m", "whatran"]
CROWD = 20_000
KINDS = {"execs": execs, "forks": forks, "exits": exits}


def apart(options, *arguments):
    """A finished whatran in namespaces of its own, its streams as text."""
    command = ["unshare", *options, *WHATRAN, *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def counted(path):
    """How many events of each kind there are in a file."""
    return Counter(json.loads(line)["event"] for line in path.read_text().splitlines())


@pytest.mark.parametrize("source", ["ebpf", "ptrace"])
@pytest.mark.parametrize("shift", ["100000", "-100"])
def test_time_namespace(source, shift):
    """Where CLOCK_BOOTTIME is another than the kernel's dates are true, and times since boot are the kernel's."""
    before = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    options = ["--time", "--boottime", shift, "--fork"]
    done = apart(options, "--source", source, "--format", "jsonl", "-o", "-", "--", "true")
    after = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert 2 == len(events)
    for event in events:
        assert before[0] <= event["timestamp"] <= after[0]
        assert before[1] <= event["timestamp_boot"] <= after[1]
        # To the clock tick, of which there are 100 a second.
        assert before[1] - 10_000_000 <= event["process_start_time"] <= after[1]


def test_memory_of_a_process_inside_a_time_namespace():
    """It is found by when it was started, as the kernel has it."""
    code = """
import os, sys
from whatran.source.ebpf import Ebpf
from whatran.plan import plan
from whatran.source.procfs import memory_of
from whatran.wire import layout
with Ebpf(plan(["true"]).settings) as source:
    for frame in source.tasks():
        start, _, _, _, _, pid, *_ = layout.HEAD_STRUCT.unpack_from(frame)[len(layout.FRAME):]
        if pid == os.getpid():
            print(memory_of(pid, start)[0].split(b"\\0")[-2].decode())
"""
    command = ["unshare", "--time", "--boottime", "12345", "--fork", sys.executable, "-c", code, "my last argument"]

    assert "my last argument\n" == subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--", "touch", "started"],
        ["--source", "ptrace", "--", "touch", "started"],
        ["record", "--", "touch", "started"],
        ["watch", "--timeout", "1"],
        ["watch", "--tree", "1"],
        ["--scope", "cgroup", "--", "touch", "started"],
    ],
    ids=" ".join,
)
def test_no_proc(place, monkeypatch, arguments):
    """Without /proc nothing is started or written, and what to mount is said."""
    monkeypatch.chdir(place)
    script = 'umount --lazy /proc; exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *WHATRAN, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )

    assert_one_sentence(done.stderr, "there is no /proc", "mount -t proc proc /proc")
    assert (1, "", []) == (done.returncode, done.stdout, os.listdir(place))


def test_doctor_without_proc():
    """It does not claim that eBPF can be used."""
    script = 'umount --lazy /proc; exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *WHATRAN, "doctor"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (1, True) == (done.returncode, "cannot use eBPF here: there is no /proc" in done.stdout)


@pytest.mark.parametrize("source", ["ebpf", "ptrace"])
def test_no_cgroups_to_be_seen(programs, place, source):
    """As in many a container: all is told."""
    out = place / "out"
    script = 'umount --lazy --recursive /sys/fs/cgroup; exec "$@"'
    command = [*WHATRAN, "--source", source, "--format", "jsonl", "-o", out, "--"]
    storm = [programs / "storm", "1", "50", programs / "true"]
    subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", *command, *storm], check=True)

    assert {"sched_process_exec": 51, "sched_process_fork": 51, "sched_process_exit": 52} == counted(out)


@pytest.mark.parametrize("source", ["ebpf", "ptrace"])
@pytest.mark.parametrize("proc", [["--mount-proc"], ["--mount-proc", "--mount", "--uts", "--ipc", "--net", "--cgroup"]])
def test_complete_inside_of_namespaces(programs, place, source, proc):
    """In a pid namespace, with all others or without as in a container, each is told of, by both of its numbers."""
    out = place / "out"
    storm = [programs / "storm", "2", "200", programs / "true"]
    arguments = ["--source", source, "--format", "jsonl", "-o", out, "--", *storm]
    done = apart(["--pid", "--fork", *proc], *arguments)

    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert (0, "") == (done.returncode, done.stderr)
    assert {"sched_process_exec": 401, "sched_process_fork": 402, "sched_process_exit": 403} == counted(out)
    # whatran is the first in there.
    assert {True} == {1 < event["ns_pid"] <= 500 for event in events}
    assert 403 == len({event["pid"] for event in events}) == len({event["ns_pid"] for event in events})


@pytest.mark.parametrize("count", [2, 3])
def test_several_at_once(programs, count):
    """Each is told all of it."""
    with Shell() as shell, contextlib.ExitStack() as stack:
        watches = [stack.enter_context(whatran.watch(tree=[shell.pid])) for _ in range(count)]
        shell.do(f"{programs}/storm 2 500 {programs}/true")
        for each in watches:
            each.stop()
        told = [list(each) for each in watches]

    # The storm, its two workers, and what these execute.
    expected = {"execs": 1001, "forks": 1003, "exits": 1003}
    assert [expected] * count == [{name: len(kind(events)) for name, kind in KINDS.items()} for events in told]
    assert {0} == {each.stats.lost for each in watches}


@pytest.mark.parametrize(("outer", "inner"), [("ebpf", "ebpf"), ("ebpf", "ptrace"), ("ptrace", "ebpf")])
def test_whatran_below_whatran(programs, place, outer, inner):
    """Both tell all of what the inner one runs, and the outer one tells of that too."""
    out = [place / "outer", place / "inner"]
    first, second = (
        [*WHATRAN, "--source", source, "--format", "jsonl", "-o", path, "--"]
        for source, path in zip((outer, inner), out, strict=True)
    )
    done = subprocess.run(
        [*first, *second, programs / "storm", "1", "200", programs / "true"],
        check=False,
        capture_output=True,
        text=True,
    )

    found = [[json.loads(line) for line in path.read_text().splitlines()] for path in out]
    assert (0, "") == (done.returncode, done.stderr)
    assert [200, 200] == [
        sum(each["event"] == "sched_process_exec" and each["comm"] == "true" for each in events) for events in found
    ]
    assert [True, False] == [
        any(
            each["argv"] == list(map(str, second)) + each["argv"][len(second) :]
            for each in events
            if each["event"] == "sched_process_exec"
        )
        for events in found
    ]


@pytest.fixture
def crowd(place):
    """The process ids of many that do nothing, and their parent's; they end with the test."""
    program = place / "crowd"
    subprocess.run(["cc", "-O1", "-static", "-o", program, HERE / "crowd.c"], check=True)
    with subprocess.Popen([program, str(CROWD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert b"\n" == parent.stdout.readline()
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        yield parent.pid, set(map(int, children))


def test_crowd_at_start(crowd, programs):
    """With 20,000 that live, all of them are known from the first on, and all of what comes is told."""
    parent, children = crowd
    with whatran.watch([str(programs / "storm"), "1", "500", str(programs / "true")]) as watched:
        living = {event.pid for event in map(_plain, watched._source.tasks())}
        events = list(watched)
        stats = watched.stats

    assert CROWD == len(children)
    assert children | {parent} <= living
    assert {"execs": 501, "forks": 501, "exits": 502} == {name: len(kind(events)) for name, kind in KINDS.items()}
    assert 0 == stats.lost


def test_who_has_ended_and_was_not_waited_for(programs):
    """Has no memory and no namespaces any more; Linux 5.10 crashes where a program follows such a pointer."""
    with contextlib.ExitStack() as stack:
        dead = [stack.enter_context(subprocess.Popen([programs / "true"])).pid for _ in range(3)]
        for pid in dead:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with whatran.watch(pid=[os.getpid()]) as watched:
            living = {event.pid: event for event in map(_plain, watched._source.tasks())}
        facts = [(living[pid].comm, living[pid].ppid, living[pid].mnt_ns, living[pid].inode) for pid in dead]

    assert [("true", os.getpid(), 0, 0)] * 3 == facts


def _plain(frame):
    return decode(frame, boot())


def test_room_for_each_cpu_that_may_come():
    """What is counted by CPU has a place for each possible one, not for those alone that are online now."""
    ranges = [each.split("-") for each in Path("/sys/devices/system/cpu/possible").read_text().strip().split(",")]
    possible = sum(int(each[-1]) - int(each[0]) + 1 for each in ranges)

    with Ebpf(plan(["true"]).settings) as source:
        assert {possible} == {len(source._counters(kind)) for kind in (1, 2, 3)}
        assert {cpu for cpu, _ in source.produced()} == set(range(possible))
