"""What whatran says that it costs is what the kernel says of it, and to ask for it changes nothing."""

import json
import re
import resource
import signal
import subprocess
import sys

import pytest

import whatran
from tests.costs import TICK_SECONDS, block, counted, forks_ever, loaded_programs, own_processes, said, used

from .conftest import open_descriptors

WHATRAN = [sys.executable, "-m", "whatran"]
PIPES = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)

EACH = 1_000

# Runs a program, says so and waits.
THEN_WAIT = ["sh", "-c", '"$@"; echo done; read x; exit 5', "sh"]
# Runs a program again and again, and says how often that was.
UNTIL_TOLD = 'n=0; echo begun; while [ ! -e "$0" ]; do "$@"; n=$((n+1)); done; echo $n'
# Uses time of its own.
BUSY = ["sh", "-c", 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; "$@"', "sh"]

# /proc cuts to ticks: user and system time, of two processes. It has pages that one CPU has counted and not yet told.
SLACK_SECONDS, SLACK_BYTES = 4 * TICK_SECONDS, 1 << 20
THREE_DIGITS = 0.006


@pytest.fixture
def source():
    """What tells of it; tests/ptrace does the same by ptrace."""
    return "ebpf"


@pytest.fixture
def storm(programs):
    """A command that executes EACH programs."""
    return [str(programs / "storm"), "1", str(EACH), str(programs / "true")]


def read_to_the_end(watched):
    """Its events; it stays open."""
    events = []
    while not watched.ended:
        events += watched.read()
    return events


def timers():
    """How many descriptors we have by which the kernel times BPF programs."""
    return sum("bpf-stats" in link for link in open_descriptors().values())


def test_programs_are_timed_on_request(storm):
    """Each program has the runs and the time that the kernel has noted; one ran for every fork there was."""
    before = forks_ever()
    with whatran.watch(storm, bpf_stats=True) as watched:
        read_to_the_end(watched)
        most, noted, within = forks_ever() - before, loaded_programs(), timers()

    programs = watched.cost.programs
    runs = {each.name.removesuffix("_v5"): each.run_count for each in programs}
    assert noted == sorted((each.run_count, each.run_time_ns) for each in programs)
    assert EACH + 1 <= runs["whatran_fork"] <= most
    assert EACH + 1 <= runs["whatran_exec"]
    assert (1, 0) == (within, timers())


def test_programs_are_not_timed_unasked(storm):
    """Without being asked the kernel is not made to time anything; what it has noted all the same is told."""
    with whatran.watch(storm) as watched:
        read_to_the_end(watched)

        assert 0 == timers()
        assert loaded_programs() == sorted((each.run_count, each.run_time_ns) for each in watched.cost.programs)


def test_waiting_is_counted():
    """Each read that waits is a wake-up, and has given up the CPU; one that is woken gives what there is."""
    with subprocess.Popen(["sleep", "1000"]) as quiet, whatran.watch(tree=[quiet.pid]) as watched:
        before, switches = watched.cost.wakeups, resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        for _ in range(3):
            assert [] == watched.read(timeout=0.01)
        waited = watched.cost.wakeups - before
        switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - switches
        watched.wake()
        assert [] == watched.read()
        quiet.kill()

    assert 3 == waited <= switches


def test_a_run_has_its_cost(storm):
    """It was watched from its first event to its last; all its frames were read, and none is smaller than its head."""
    done = whatran.run(storm)

    span = done.events[-1].timestamp_boot - done.events[0].timestamp_boot
    assert 0 == done.stats.lost
    assert span < done.cost.watched
    assert 32 * len(done.events) < done.cost.bytes_read
    assert 0 < done.cost.start_cpu_time < done.cost.user_time + done.cost.system_time


def test_cpu_and_memory_are_what_the_kernel_says(storm, place, source):
    """CPU time and memory are those of whatran's own processes at that moment, without the command's."""
    command = [*WHATRAN, "-o", place / "tree", "--source", source, "--", *THEN_WAIT, *BUSY, *storm]
    with subprocess.Popen(command, text=True, **PIPES) as running:
        assert "done\n" == running.stdout.readline()
        own = own_processes(running.pid)
        cpu_before, memory_before = used(own)
        running.send_signal(signal.SIGUSR2)
        cpu, memory = said(block(running.stderr))
        cpu_after, memory_after = used(own)
        running.communicate("\n")

    assert {"ebpf": 1, "ptrace": 2}[source] == len(own)
    assert cpu_before <= cpu * (1 + THREE_DIGITS)
    assert cpu * (1 - THREE_DIGITS) <= cpu_after + SLACK_SECONDS
    assert memory_before - SLACK_BYTES <= memory <= memory_after + SLACK_BYTES


def test_asking_loses_nothing(storm, place, source):
    """Who asks again and again in the midst of a storm gets an answer each time, and the output is whole."""
    options = ["--format", "jsonl", "-o", place / "out", "--source", source, "--failed", "none", "--stats"]
    command = ["sh", "-c", UNTIL_TOLD, place / "enough", *storm]
    with subprocess.Popen([*WHATRAN, *options, "--", *command], text=True, **PIPES) as running:
        assert "begun\n" == running.stdout.readline()
        for _ in range(10):
            running.send_signal(signal.SIGUSR2)
            block(running.stderr)
        (place / "enough").touch()
        out, rest = running.communicate()

    times = int(out)
    expected = {"execs": times * (EACH + 1) + 1, "forks": times * (EACH + 2), "exits": times * (EACH + 2) + 1}
    events = [json.loads(line)["event"] for line in (place / "out").read_text().splitlines()]
    assert 0 == running.returncode
    assert {kind: (count, 0, 0, count) for kind, count in expected.items()} == counted(rest)
    assert expected == {kind: events.count(f"sched_process_{kind[:-1]}") for kind in expected}


def test_the_command_does_not_notice(source):
    """SIGUSR2 to whatran does not reach the command."""
    text = 'trap "echo got it" USR2; echo ready; read x; exit 5'
    with subprocess.Popen([*WHATRAN, "--source", source, "--", "sh", "-c", text], text=True, **PIPES) as running:
        assert "ready\n" == running.stdout.readline()
        running.send_signal(signal.SIGUSR2)
        block(running.stderr)
        out, _ = running.communicate("\n")

    assert (5, "") == (running.returncode, out)


def test_the_command_has_its_signals(source):
    """What is blocked, ignored and caught in the command is as without whatran."""
    look = ["grep", "^Sig[BIC]", "/proc/self/status"]
    alone = subprocess.run(look, capture_output=True, text=True, check=True)
    ours = subprocess.run([*WHATRAN, "--source", source, "--", *look], capture_output=True, text=True, check=True)

    assert alone.stdout == ours.stdout


def test_a_recording_has_its_cost(storm, place):
    """Recording tells it too, when asked and at the end, and the file has everything."""
    options = ["record", "--stats", "--failed", "none", "-o", place / "a.wr"]
    with subprocess.Popen([*WHATRAN, *options, "--", *THEN_WAIT, *storm], text=True, **PIPES) as running:
        assert "done\n" == running.stdout.readline()
        running.send_signal(signal.SIGUSR2)
        first = block(running.stderr)
        _, rest = running.communicate("\n")

    with whatran.replay([place / "a.wr"]) as replayed:
        execs = sum(isinstance(event, whatran.Exec) for event in replayed)
    assert [EACH + 2] * 3 == [execs, counted(first)["execs"][0], counted(rest)["execs"][3]]
    assert re.search(r"^  whatran_exec\S* +\d+ +\d+$", rest, re.MULTILINE)
    assert [f"whatran: {3 * EACH + 7} records, 0 lost"] == re.findall(
        r"^whatran: \d+ records, \d+ lost", rest, re.MULTILINE
    )
