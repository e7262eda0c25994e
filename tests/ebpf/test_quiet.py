"""Where nothing runs, nothing wakes us."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

EXECS = 300

# The system calls that wait for events: epoll_wait(2) on x86_64, epoll_pwait(2) there and on arm64.
EPOLL_WAITS = {"232", "281"} if os.uname().machine == "x86_64" else {"22"}
FOR_EVER = 0xFFFFFFFF


def sleepings(pid):
    """How often a process has gone to sleep, once it sleeps for ever."""
    process = Path(f"/proc/{pid}")
    while True:
        number, *arguments = (process / "syscall").read_text().split()
        if number in EPOLL_WAITS and int(arguments[3], 16) & FOR_EVER == FOR_EVER:
            return re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", (process / "status").read_text(), re.MULTILINE)[1]


@contextmanager
def watching(place, *options):
    """Process id of a whatran that follows a command, which runs and does nothing."""
    command = [sys.executable, "-m", "whatran", *options, "--", "cat"]
    with subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watch:
        watch.stdin.write(b"begun\n")
        watch.stdin.flush()
        assert b"begun\n" == watch.stdout.readline()
        yield watch.pid
        watch.communicate()


@pytest.mark.parametrize(
    "options",
    [
        *(["--format", form, "-o", os.devnull] for form in ("jsonl", "lives", "table", "tree")),
        ["record", "-o", "some.wr"],
        ["run", "--source", "ptrace", "--format", "jsonl", "-o", "out"],
    ],
    ids=" ".join,
)
def test_nothing_wakes_a_watch_but_what_it_watches(programs, place, options):
    """However much others run, it is not put on a CPU once: nothing is looked at from time to time."""
    with watching(place, *options) as pid:
        while "ptrace" in options and not (place / "out").stat().st_size:
            pass  # a tracer lets the command go on before it tells of it
        before = sleepings(pid)
        subprocess.run([programs / "storm", "1", str(EXECS), programs / "true"], check=True)
        after = sleepings(pid)

    assert before == after
