"""What /proc knows of processes that are older than the watch."""

from __future__ import annotations

import time
from pathlib import Path

PROC = Path("/proc")


def parent_of(pid: int) -> int | None:
    """The parent's pid (field 4 of /proc/PID/stat); None where there is no such process."""
    try:
        line = (PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The comm in brackets may hold anything, brackets too: count from the last.
    return int(line.rpartition(b")")[2].split()[1])


def children() -> dict[int, list[int]]:
    """Pids of the children of every process."""
    found: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (parent := parent_of(int(entry.name))) is not None:
            found.setdefault(parent, []).append(int(entry.name))
    return found


def descendants(pid: int) -> set[int]:
    """Pids of the children of a process, their children, and so on, as of now."""
    found: set[int] = set()
    by_parent = children()
    todo = [pid]
    while todo:
        new = [child for child in by_parent.get(todo.pop(), []) if child not in found]
        found.update(new)
        todo += new
    return found


def wall_offset() -> int:
    """CLOCK_REALTIME minus CLOCK_BOOTTIME, in ns."""
    # Read the one between two of the other: what passes between the calls cancels out.
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return wall - (before + after) // 2
