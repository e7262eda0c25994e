"""Building and driving the witness programs of tests/witness."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "witness"
BUILDS = {
    "witness": ["witness.c"],
    "witness-static": ["witness.c", "-static"],
    "witness-pie": ["witness.c", "-static-pie"],
    "odd": ["odd.c"],
    "births": ["births.c"],
    "ends": ["ends.c"],
    "storm": ["storm.c"],
    "namesake": ["namesake.c"],
    "true": ["true.c", "-static"],
    "at": ["at.c"],
}


def build(output, source, *options):
    """Compiles one witness program."""
    subprocess.run(["cc", "-O1", "-pthread", *options, "-o", output, SOURCES / source], check=True)


def script(path, interpreter):
    """Writes an executable script that names its interpreter, and gives back its path."""
    path.write_bytes(b"#!" + os.fsencode(interpreter) + b"\n")
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def stdin_is(descriptor):
    """Has a descriptor as this process's standard input, which commands inherit."""
    saved = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)


@contextlib.contextmanager
def opened(path, flags=os.O_RDONLY):
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def pty():
    """The two ends of a new terminal, the program's side second."""
    master, slave = os.openpty()
    try:
        yield master, slave
    finally:
        os.close(master)
        os.close(slave)


def read_until(watched, found):
    """Reads a watch until an event is found, and gives back all that came."""
    events = []
    while not any(found(event) for event in events) and not watched.ended:
        events += watched.read(timeout=1)
    return events


def remove_cgroup(path):
    """Ends the processes of a cgroup, and removes it once they have."""
    for pid in path.joinpath("cgroup.procs").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    while "populated 1" in path.joinpath("cgroup.events").read_text():
        os.sched_yield()
    path.rmdir()
