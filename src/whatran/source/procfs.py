"""What /proc knows of processes that are older than the watch."""

from __future__ import annotations

import os
import re
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from whatran.clock import boot_ns, shift_ns
from whatran.event import Boot

PROC = Path("/proc")

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


# include/linux/proc_ns.h
INITIAL_PID_NAMESPACE, INITIAL_USER_NAMESPACE = 0xEFFFFFFC, 0xEFFFFFFD


class Stat(NamedTuple):
    """Of /proc/PID/stat: the parent's pid, and when the process was started in clock ticks since boot."""

    ppid: int
    start_time: int


def is_there() -> bool:
    """Whether there is a /proc at all."""
    return (PROC / "self").is_symlink()


def stat_of(pid: int) -> Stat | None:
    """What /proc knows of a process; None where it shows none."""
    try:
        line = (PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # or hidden from us (hidepid)
        return None
    # The comm in brackets may hold anything, brackets too: count from the last.
    fields = line.rpartition(b")")[2].split()
    try:
        return Stat(int(fields[1]), int(fields[19]))
    except (IndexError, ValueError):
        return None


def process_of(tid: int) -> int | None:
    """The process that a thread id belongs to (Tgid of /proc/TID/status); None where /proc shows none."""
    try:
        status = (PROC / str(tid) / "status").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # The name, which comes first, has its line feeds escaped; not what else Python takes for the end of a line.
    found = re.search(rb"^Tgid:\t(\d{1,10})$", status, re.MULTILINE)
    return int(found[1]) if found else None


def descendants(pid: int) -> dict[int, Stat]:
    """The children of a process, their children, and so on, as of now."""
    stats = {}
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (stat := stat_of(int(entry.name))):
            stats[int(entry.name)] = stat
            children.setdefault(stat.ppid, []).append(int(entry.name))
    found: dict[int, Stat] = {}
    todo = [pid]
    while todo:
        new = [child for child in children.get(todo.pop(), []) if child not in found]
        found.update((child, stats[child]) for child in new)
        todo += new
    return found


def is_initial(namespace: str, number: int) -> bool:
    """Whether our own namespace of a kind, ``pid`` or ``user``, is the machine's first."""
    try:
        return (PROC / "self/ns" / namespace).stat().st_ino == number
    except OSError:  # a kernel without such namespaces
        return True


def boot() -> Boot:
    """The present boot; its wall offset as of now."""
    return Boot(_boot_id(), _wall_offset())


def memory_of(pid: int, start_boot_ns: int) -> tuple[bytes | None, bytes | None]:
    """The arguments and the environment of a process, each string with its NUL, as they are in its memory now.

    The program may have written over them. None where that process is gone, or pids here are not the kernel's.
    """
    if not is_initial("pid", INITIAL_PID_NAMESPACE):
        return None, None
    argv, env = (_content(PROC / str(pid) / name) for name in ("cmdline", "environ"))
    stat = stat_of(pid)
    return (argv, env) if stat and stat.start_time == (start_boot_ns + shift_ns()) // TICK_NS else (None, None)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


@cache
def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _wall_offset() -> int:
    # Read the one between two of the other: what passes between the calls cancels out.
    before = boot_ns()
    wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
    after = boot_ns()
    return wall - (before + after) // 2
