"""Measures what watching costs: this process, and the BPF programs."""

from __future__ import annotations

import logging
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from whatran.cost import Cost
from whatran.source.libbpf import explain, library
from whatran.source.procfs import PROC, TICK_NS

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("whatran.meter")

_BPF_STATS_RUN_TIME = 0  # enum bpf_stats_type of linux/bpf.h


class Meter:
    """Adds to what a source says of its cost that of this process, and how long it took."""

    def __init__(self) -> None:
        """It is in force."""
        self.wakeups = 0
        self._began = time.monotonic_ns()
        self._ended: int | None = None
        self._start_cpu_time = sum(_cpu_times())

    def end(self) -> None:
        """It is in force no longer; what else this process uses for it still counts."""
        self._ended = self._ended or time.monotonic_ns()

    def cost(self, source: Cost) -> Cost:
        """What it all cost so far."""
        user, system = _cpu_times()
        return msgspec.structs.replace(
            source,
            watched=(self._ended or time.monotonic_ns()) - self._began,
            user_time=source.user_time + user,
            system_time=source.system_time + system,
            start_cpu_time=self._start_cpu_time,
            max_rss=source.max_rss + _max_rss(PROC / "self"),
            wakeups=self.wakeups,
        )


def _cpu_times() -> tuple[int, int]:
    """User and system time of this process, in ns."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round(used.ru_utime * 1e9), round(used.ru_stime * 1e9)


def living(pid: int) -> Cost:
    """What another process has used so far, its CPU time in whole clock ticks; nothing where it is gone."""
    process = PROC / str(pid)
    try:
        # The comm in brackets may hold anything, brackets too: count from the last.
        words = (process / "stat").read_bytes().rpartition(b")")[2].split()
        return Cost(user_time=int(words[11]) * TICK_NS, system_time=int(words[12]) * TICK_NS, max_rss=_max_rss(process))
    except (FileNotFoundError, ProcessLookupError):
        return Cost()


def ended(used: resource.struct_rusage) -> Cost:
    """What a child has used that was waited for."""
    return Cost(
        user_time=round(used.ru_utime * 1e9), system_time=round(used.ru_stime * 1e9), max_rss=used.ru_maxrss * 1024
    )


def _max_rss(process: Path) -> int:
    """Not ru_maxrss: that is at the least what whoever forked us had when we were executed."""
    lines = (process / "status").read_bytes().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"VmHWM:")), 0)


@contextmanager
def timing_programs() -> Iterator[bool]:
    """The kernel times all BPF programs of the machine, within; whatever ends us ends that. Whether it lets us."""
    fd = library().bpf_enable_stats(_BPF_STATS_RUN_TIME)
    if fd < 0:
        log.info("the kernel does not time BPF programs for us: %s", explain(fd)[1])
        yield False
        return
    try:
        yield True
    finally:
        os.close(fd)
