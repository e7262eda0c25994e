"""All monitors and loads, round by round, so that what else the machine does meets all alike."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import programs
from bench.audit import AuditError
from bench.figures import CannotRun, Figures, Keeps, LoadFailed, keeps, run
from bench.loads import USER, Load, loads
from bench.monitors import Monitor, Place
from whatran.source.libbpf import explain, library

if TYPE_CHECKING:
    from collections.abc import Sequence

READY_SECONDS = 1.0
"""A monitor is given twice the time that it needed for its first exec, and this."""

BPF_STATS_RUN_TIME = 0  # enum bpf_stats_type of linux/bpf.h


@dataclass
class Found:
    """Everything that was measured."""

    monitors: list[Monitor]
    loads: list[Load] = field(default_factory=list)
    runs: dict[tuple[str, str], dict[int, Figures]] = field(default_factory=dict)
    """By the load's key and the monitor's name, and then by the round."""
    keeps: dict[str, Keeps] = field(default_factory=dict)
    kernel: dict[str, float] = field(default_factory=dict)
    """ns in a monitor's BPF programs for an exec of the storm, with its fork and exit."""
    missing: dict[str, str] = field(default_factory=dict)
    """Why a monitor was not run."""


def measure(
    monitors: Sequence[Monitor], wanted: list[str], rounds: int, *, quick: bool, whole_machine: bool
) -> Iterator[Found]:
    """What was found so far, after each load of each round; what goes on is said on standard error."""
    found = Found([])
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("load", "monitor"):
            (folder / each).mkdir()
        os.chown(folder / "load", USER, USER)
        built = programs.build(folder)
        place = Place(folder / "monitor", folder / "load", programs.build_bpf(programs.HERE / "floor.bpf.c", folder))
        found.loads = loads(built, folder / "load", wanted, quick=quick)
        for monitor in monitors:
            if why := unavailable(monitor, whole_machine=whole_machine):
                found.missing[monitor.name] = why
                continue
            say(f"what {monitor.name} keeps")
            with _told(found, monitor):
                found.keeps[monitor.name] = keeps(monitor, built.first, built.gate, place)
            found.monitors.append(monitor)
        with bpf_stats():
            for monitor in _those(found):
                if (storm := found.loads[0]).execs:
                    say(f"what {monitor.name} takes in the kernel")
                    with _told(found, monitor):
                        figures = run(monitor, storm, built.gate, place, _ready(found, monitor))
                        found.kernel[monitor.name] = figures.kernel_ns / storm.execs
        chosen = random.Random(1)  # noqa: S311  # no secret
        for number in range(rounds):
            for load in found.loads:
                order = _those(found)
                chosen.shuffle(order)
                for monitor in order:
                    say(f"round {number + 1} of {rounds}: {load.key}, {monitor.name}")
                    with _told(found, monitor):
                        figures = run(monitor, load, built.gate, place, _ready(found, monitor))
                        found.runs.setdefault((load.key, monitor.name), {})[number] = figures
                    place.out.unlink(missing_ok=True)
                yield found


def unavailable(monitor: Monitor, *, whole_machine: bool) -> str | None:
    """Why a monitor is not even tried."""
    if monitor.program and not shutil.which(monitor.program):
        return f"not installed (`make bench-peers`; Debian's package {monitor.package})"
    if monitor.whole_machine and not whole_machine:
        return "it cannot be limited to the load; --whole-machine lets it tell of everybody's processes"
    return None


@contextmanager
def bpf_stats() -> Iterator[None]:
    """The kernel times BPF programs, within; it stops by itself when the descriptor goes, whatever ends us."""
    fd = library().bpf_enable_stats(BPF_STATS_RUN_TIME)
    if fd < 0:
        sys.exit(f"cannot time BPF programs: {explain(fd)[1]}")
    try:
        yield
    finally:
        os.close(fd)


def say(what: str) -> None:
    """On standard error."""
    print(what, file=sys.stderr, flush=True)


@contextmanager
def _told(found: Found, monitor: Monitor) -> Iterator[None]:
    """What keeps a monitor from running is kept; a load that fails once is no more than said."""
    try:
        yield
    except LoadFailed as why:
        say(f"the load failed: {why}")
    except (AuditError, CannotRun) as why:
        say(f"{monitor.name}: {why}")
        found.missing[monitor.name] = f"does not run here: {why}"


def _those(found: Found) -> list[Monitor]:
    return [monitor for monitor in found.monitors if monitor.name not in found.missing]


def _ready(found: Found, monitor: Monitor) -> float:
    known = found.keeps.get(monitor.name)
    return READY_SECONDS + 2 * ((known and known.ready) or 0)
