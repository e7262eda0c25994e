"""Signals, stops and terminals while a command runs."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections import Counter

import pytest

from .bpf_objects import held_by, wait_until_gone

WHATRAN = [sys.executable, "-m", "whatran"]
STORM = {"sched_process_exec": 3001, "sched_process_fork": 3001, "sched_process_exit": 3002}


def kinds(path):
    """How many events of each kind there are in a file."""
    return Counter(json.loads(line)["event"] for line in path.read_text().splitlines())


@pytest.mark.parametrize("source", ["ebpf", "ptrace"])
def test_signals_without_end(programs, place, source):
    """Whoever is interrupted again and again, in whatever system call, tells all."""
    out = place / "out"
    command = [*WHATRAN, "--source", source, "--format", "jsonl", "-o", out]
    with subprocess.Popen(
        [*command, "--", programs / "storm", "1", "3000", programs / "true"], stderr=subprocess.DEVNULL
    ) as running:
        while not out.exists():  # before it has its handlers it may be Python that gets the signal
            os.sched_yield()
        while running.poll() is None:
            running.send_signal(signal.SIGUSR2)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(0.001)

    assert (0, STORM) == (running.returncode, kinds(out))


def test_stopped_and_continued(programs, place):
    """While SIGTSTP has us stopped the command goes on, and what it did meanwhile is told after SIGCONT."""
    out = place / "out"
    script = f"""
    kill -TSTP $PPID
    until read -r pid name state rest < /proc/$PPID/stat && [ $state = T ]; do :; done
    {programs}/storm 1 3000 {programs}/true
    kill -CONT $PPID
    """
    command = [*WHATRAN, "--format", "jsonl", "-o", out, "--buffer", "64M", "--", "sh", "-c", script]

    done = subprocess.run(command, check=False, process_group=0, capture_output=True, text=True)

    # The shell, and the storm that it forks.
    assert {kind: count + 1 for kind, count in STORM.items()} == kinds(out)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("form", ["tree", "table"])
def test_terminal_that_goes_away_from_a_command(place, form):
    """The command is hung up on too; where it goes on, so do we: to its end, with status 1 as nobody sees the rest."""
    done = place / "done"
    script = 'trap "" HUP; echo ready; while [ -e "$0" ]; do :; done; echo done > "$1"'
    (place / "wait").touch()
    command = [*WHATRAN, "--format", form, "--", "sh", "-c", script, place / "wait", done]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], [os.fspath(each) for each in command])
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 1000)
    held = held_by(pid)
    os.close(terminal)
    (place / "wait").unlink()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert (1, "done\n") == (status, done.read_text())
    wait_until_gone(held)


def test_terminal_that_goes_away_from_a_watch():
    """It ends, and nothing stays."""
    command = [*WHATRAN, "watch", "--comm", "no-such-comm"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = b""
    while b"watching" not in shown:
        shown += os.read(terminal, 1000)
    held = held_by(pid)
    os.close(terminal)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    wait_until_gone(held)
