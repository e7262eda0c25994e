"""What is the same on every machine and must not grow unseen: `make bench` has the times.

Who has a reason to raise a ceiling writes it beside.
"""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

import whatran
from whatran.cli.follow import follow
from whatran.record import record
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output
from whatran.wire import layout

from .programs import opened, stdin_is
from .syscalls import counting

FEW, MANY = 200, 1_200
MORE_EVENTS = 3 * (MANY - FEW)
"""Each exec comes with a fork and an exit."""

# Instructions that the verifier follows: the kernel has a limit (1,000,000), and the more, the longer takes a start.
# With another compiler or kernel it may be half as much again.
VERIFIED = {
    "whatran_exec": 9_000,  # 5,600: four paths, three texts
    "whatran_tasks": 12_000,  # 8,600: the same without texts, and all by helpers
    "whatran_failed": 1_500,  # 800
    "whatran_failed_execve": 1_500,
    "whatran_failed_execveat": 1_500,
    "whatran_fork": 900,  # 500
    "whatran_exit": 900,  # 500
    "whatran_rename": 300,  # 130
    "whatran_inherit": 150,  # 80
}

# Bytes of a frame in the ring buffer: what it holds at the least, and how long it bridges a reader that is stopped.
FRAME_BYTES = {
    layout.EXEC: 660,  # its numbers, those of four files among them, and short texts: 630
    layout.FORK: 272,
    layout.EXIT: 296,
}

# System calls to read and write 1,000 events that wait: there is none for each, but for a batch of 4,096, or for the
# memory that they take. It is 2 to 5.
CALLS = 20
FORMS = ("jsonl", "lives", "table")


@pytest.fixture
def waiting(programs):
    """Makes a watch of a storm that is over already: all its events wait."""

    def start(execs, watch=whatran.watch):
        watched = watch([str(programs / "storm"), "1", str(execs), str(programs / "true")])
        os.waitid(os.P_PID, watched.pid, os.WEXITED | os.WNOWAIT)
        return watched

    return start


def verified(source, name):
    """What the kernel says of a loaded program, from 5.16 on."""
    fd = source._libbpf.bpf_program__fd(source._find_program(name))
    found = re.search(r"^verified_insns:\s+(\d+)$", Path(f"/proc/self/fdinfo/{fd}").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def test_verifier_has_little_to_do():
    """No program takes it more instructions than it should."""
    with whatran.watch(["true"]) as watched:
        source = watched._source
        names = [*source._silent, source._tasks, *(name for names in source._programs.values() for name in names)]
        found = {name.decode().removesuffix("_v5"): verified(source, name) for name in names}
        list(watched)

    assert {} == {name: count for name, count in found.items() if count > VERIFIED[name]}


def test_frames_are_small(waiting, place, monkeypatch):
    """A frame of the ring is no larger than what it has to tell."""
    monkeypatch.chdir(place)
    sizes, counts = Counter(), Counter()
    with opened("/dev/null") as nothing, stdin_is(nothing), waiting(MANY) as watched:
        for frames in watched._source.drain():
            for frame in frames:
                _, _, _, _, kind, _ = layout.FRAME_STRUCT.unpack_from(frame)
                counts[kind] += 1
                sizes[kind] += len(frame)

    found = {kind: sizes[kind] / counts[kind] for kind in counts}
    assert FRAME_BYTES.keys() == found.keys()
    assert {} == {kind: mean for kind, mean in found.items() if mean > FRAME_BYTES[kind]}


@pytest.mark.parametrize("form", FORMS)
def test_system_calls_are_for_batches(waiting, place, form):
    """To read and show more events takes hardly any more system calls."""

    def show(execs):
        with waiting(execs) as watched, Output.open(str(place / "out")) as output:
            before = calls.so_far()
            follow(watched, FORMATS[form](output, Show()))
            return calls.so_far() - before

    with counting(place) as calls:
        show(FEW)  # loads what it needs
        few, many = show(FEW), show(MANY)

    assert (many - few) * 1000 / MORE_EVENTS <= CALLS


def test_system_calls_of_a_recording(waiting, place):
    """Nor does recording them."""

    def keep(execs):
        with waiting(execs, lambda command: record(place / "out.wr", command, overwrite=True)) as recording:
            before = calls.so_far()
            while not recording.ended:
                recording.read()
            return calls.so_far() - before

    with counting(place) as calls:
        keep(FEW)
        few, many = keep(FEW), keep(MANY)

    assert (many - few) * 1000 / MORE_EVENTS <= CALLS
