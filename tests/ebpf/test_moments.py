"""Signals at any moment: what ends us leaves nothing behind, and what does not changes nothing.

Moments are the beginning and the end of each system call, see tests/witness/at.c; those tried lie evenly among them.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recording.made import replayed
from whatran.errors import RecordingError

from .bpf_objects import held_by, wait_until_gone

LOADS = "whatran.bpf.o"
BEGINS = "src/whatran/__"
"""What is opened as the kernel program is, and first of all modules but the one that hands over to them: there, or in
__pycache__."""

SHARES = [share / 8 for share in range(8)]
COMMAND = [str(Path(sys.executable).with_name("whatran"))]


@pytest.fixture(scope="session")
def moments(programs):
    """How many moments there are in a command line from a first one on: asked once."""
    known = {}

    def count(first, *arguments):
        if first not in known:
            done = subprocess.run(
                [programs / "at", first, "-1", "0", *arguments], check=True, capture_output=True, text=True
            )
            known[first] = int(done.stdout.split()[-1])
        return known[first]

    return count


@pytest.fixture
def signalled(programs, moments):
    """Runs a command that gets a signal after that share of its moments: status, what was said, BPF objects it held."""

    def run(first, share, number, *arguments):
        moment = int(share * moments(first, *arguments))
        command = [programs / "at", first, str(moment), str(int(number)), *arguments]
        with subprocess.Popen(command, **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)) as running:
            held = held_by(int(running.stdout.readline()))
            _, said = running.communicate(b"\n")  # until nobody can say anything any more, the command neither
        return running.returncode, said.decode(), held

    return run


@pytest.mark.parametrize("share", SHARES)
def test_killed_at_any_moment(programs, place, moments, signalled, share):
    """No BPF object stays, the command goes on to its end, and what was recorded till then can be read."""
    path, done = place / "some.wr", place / "done"
    storm = f"{programs}/storm 1 100 {programs}/true; echo done >> {done}"
    recording = [*COMMAND, "record", "--overwrite", "-o", path, "--", "sh", "-c", storm]
    moments(LOADS, *recording)
    done.unlink(missing_ok=True)
    path.unlink(missing_ok=True)

    status, said, held = signalled(LOADS, share, signal.SIGKILL, *recording)

    assert (128 + signal.SIGKILL, "") == (status, said)
    wait_until_gone(held)
    events, problems = replayed(path) if path.exists() and path.stat().st_size else ([], [])
    assert len(problems) <= 1
    assert all("it was not ended in order" in str(problem) for problem in problems)
    assert done.exists() or not events
    # Of a process there is nothing before its fork, and nothing of it comes twice.
    told = [(each.event, each.pid, each.timestamp_boot) for each in events]
    assert sorted(set(told), key=told.index) == told


def test_killed_before_anything_was_written(place):
    """An empty file says so."""
    (place / "some.wr").touch()

    with pytest.raises(RecordingError, match="is empty"):
        replayed(place / "some.wr")


@pytest.mark.parametrize("share", SHARES)
def test_interrupted_at_any_moment(place, signalled, share):
    """Ctrl-C leaves no traceback and no BPF object, from the first of our modules on; the status says what it was."""
    command = [*COMMAND, "-o", place / "out", "--", "true"]

    status, said, held = signalled(BEGINS, share, signal.SIGINT, *command)

    assert (True, "") == (status in {0, 128 + signal.SIGINT}, said)
    wait_until_gone(held)


@pytest.mark.parametrize("share", SHARES)
def test_asked_at_any_moment(place, signalled, share):
    """SIGUSR2 ends nothing, also where there is nobody yet to answer: all is told."""
    out = place / "out"
    command = [*COMMAND, "--format", "jsonl", "-o", out, "--", "true"]

    status, said, held = signalled(BEGINS, share, signal.SIGUSR2, *command)

    assert (0, True) == (status, said == "" or said.startswith("whatran: "))
    assert ["sched_process_exec", "sched_process_exit"] == [
        json.loads(line)["event"] for line in out.read_text().splitlines()
    ]
    wait_until_gone(held)
