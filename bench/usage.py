"""What processes have used so far, as /proc and their clocks say it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """Of processes; each value is a sum."""

    cpu_ns: int
    peak_kib: int
    """Most resident memory."""
    switches: int
    """How often they went to sleep, which is how often they woke."""
    kernel_ns: dict[int, int]
    """How long each BPF program of theirs has run, by its id, as long as the kernel times them."""
    map_bytes: dict[int, int]
    """Of each BPF map of theirs, by its id: memory that is not in peak_kib as long as nobody looks at it."""


def usage(pids: list[int]) -> Usage:
    """What they have used; zeros of those that are gone."""
    cpu = peak = switches = 0
    programs: dict[int, int] = {}
    maps: dict[int, int] = {}
    for pid in pids:
        process = Path(f"/proc/{pid}")
        with suppress(OSError):
            cpu += time.clock_gettime_ns(clock_of(pid))
            peak += int(_value(process / "status", r"VmHWM:\s+(\d+)"))
            for task in (process / "task").iterdir():
                switches += int(_value(task / "status", r"\nvoluntary_ctxt_switches:\s+(\d+)"))
            for descriptor in (process / "fdinfo").iterdir():
                with suppress(OSError):
                    text = descriptor.read_text()
                    if found := re.search(r"^prog_id:\s+(\d+)\n(?:.*\n)*?run_time_ns:\s+(\d+)", text, re.MULTILINE):
                        programs[int(found[1])] = int(found[2])
                    if found := re.search(r"^memlock:\s+(\d+)\n(?:.*\n)*?map_id:\s+(\d+)", text, re.MULTILINE):
                        maps[int(found[2])] = int(found[1])
    return Usage(cpu, peak, switches, programs, maps)


def clock_of(pid: int) -> int:
    """The CPU clock of a process, of all threads that it has and had: CPUCLOCK_SCHED of linux/posix-timers.h."""
    return ~pid << 3 | 2


def tree(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for each in found:
        for tasks in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, tasks.read_text().split())
    return found


def kernel_threads(names: tuple[str, ...]) -> list[int]:
    """Those of the kernel that have these names: children of kthreadd, which is number 2."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat") if names else ():
        with suppress(OSError):
            pid, name, parent = re.fullmatch(r"(\d+) \((.*)\) \S (\d+) .*\n", stat.read_text(), re.DOTALL).groups()
            if parent == "2" and name in names:
                found.append(int(pid))
    return found


def _value(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text())
    return found[1] if found else "0"
