"""The machine's own CLOCK_BOOTTIME, by which the kernel dates what happens, also where ours is another."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

_SELF = Path("/proc/self")
_NAMES = ("boottime", "7")  # by its number before 5.6


def boot_ns() -> int:
    """Now, in ns since the machine was booted."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - shift_ns()


@cache
def shift_ns() -> int:
    """How many ns more a time namespace (5.5) has our CLOCK_BOOTTIME show, and /proc say of processes."""
    try:
        # The offsets are those of children: they are ours too, unless the namespace was left to them alone.
        if (_SELF / "ns/time").stat().st_ino != (_SELF / "ns/time_for_children").stat().st_ino:
            return 0
        lines = (_SELF / "timens_offsets").read_text().splitlines()
    except OSError:  # no such namespaces
        return 0
    offsets = {name: int(seconds) * 1_000_000_000 + int(ns) for name, seconds, ns in map(str.split, lines)}
    return next((offsets[name] for name in _NAMES if name in offsets), 0)
