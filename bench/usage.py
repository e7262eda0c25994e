"""What processes have used so far, as /proc says it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """Of a process and its living descendants; each value is a sum."""

    cpu_ns: int
    peak_kib: int
    """Most resident memory."""
    switches: int
    """How often they were put on a CPU, which is how often they woke, or had to give way."""
    kernel_ns: dict[int, int]
    """How long each BPF program of theirs has run, by its id, as long as the kernel times them."""


def usage(pid: int, *, descendants: bool = True) -> Usage:
    """What a process has used; zeros once it is gone."""
    cpu = peak = switches = 0
    kernel: dict[int, int] = {}
    for each in tree(pid) if descendants else [pid]:
        process = Path(f"/proc/{each}")
        with suppress(OSError):
            peak += int(_value(process / "status", r"VmHWM:\s+(\d+)"))
            for task in (process / "task").iterdir():
                ns, _, timeslices = (task / "schedstat").read_text().split()
                cpu, switches = cpu + int(ns), switches + int(timeslices)
            for descriptor in (process / "fdinfo").iterdir():
                with suppress(OSError):
                    text = descriptor.read_text()
                    if found := re.search(r"^prog_id:\s+(\d+)\n(?:.*\n)*?run_time_ns:\s+(\d+)", text, re.MULTILINE):
                        kernel[int(found[1])] = int(found[2])
    return Usage(cpu, peak, switches, kernel)


def tree(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for each in found:
        for tasks in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, tasks.read_text().split())
    return found


def _value(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text())
    return found[1] if found else "0"
