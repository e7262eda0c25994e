"""All monitors and loads, round by round, so that what else the machine does meets all alike."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import programs
from bench.audit import AuditError
from bench.figures import CannotRun, Figures, run
from bench.gate import LoadFailed
from bench.keeps import Keeps, keeps
from bench.loads import KEYS, USER, Load, loads
from bench.monitors import NONE, Monitor, Place
from whatran.source.meter import timing_programs

if TYPE_CHECKING:
    from collections.abc import Sequence

READY_SECONDS = 0.2
"""A monitor is given a quarter more than it needed for its first exec, and this; what it told says if it was enough."""


@dataclass(frozen=True)
class Measured:
    """A run, with those beside it that nobody looked at: the last one before, and the next one after."""

    run: Figures
    plain: list[Figures]


@dataclass
class Found:
    """Everything that was measured."""

    monitors: list[Monitor]
    loads: list[Load] = field(default_factory=list)
    runs: dict[tuple[str, str], dict[int, Measured]] = field(default_factory=dict)
    """By the load's key and the monitor's name, and then by the round."""
    plain: dict[str, list[Figures]] = field(default_factory=dict)
    """Runs that nobody looked at, by the load's key."""
    keeps: dict[str, Keeps] = field(default_factory=dict)
    kernel: dict[str, float] = field(default_factory=dict)
    """ns in a monitor's BPF programs for an exec of the storm, with its fork and exit."""
    missing: dict[str, str] = field(default_factory=dict)
    """Why a monitor was not run, or no more; or a load."""
    failed: list[str] = field(default_factory=list)
    """Runs that are in no figure, and why."""


def measure(
    monitors: Sequence[Monitor], wanted: list[str], rounds: int | None, *, quick: bool, whole_machine: bool
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
        for key in wanted or KEYS:
            try:
                found.loads += loads(built, folder / "load", [key], quick=quick)
            except (OSError, subprocess.CalledProcessError) as why:  # its sources are somewhere else
                found.missing[f"the load {key}"] = f"it cannot be had: {why}"
        if not found.loads:
            sys.exit("\n".join(f"{name}: {why}" for name, why in found.missing.items()))
        for monitor in monitors:
            if why := unavailable(monitor, whole_machine=whole_machine):
                found.missing[monitor.name] = why
                continue
            say(f"what {monitor.name} keeps")
            with _told(found, monitor, "what it keeps"):
                found.keeps[monitor.name] = keeps(monitor, built.first, built.gate, place)
                found.monitors.append(monitor)
        (storm,) = loads(built, folder / "load", ["storm"], quick=quick)
        with timing_programs() as timed:
            if not timed:
                sys.exit("the kernel does not time BPF programs for us: that needs CAP_SYS_ADMIN, and Linux 5.8")
            for monitor in _those(found):
                say(f"what {monitor.name} takes in the kernel")
                with _told(found, monitor, "its time in the kernel"):
                    figures = run(monitor, storm, built.gate, place, _ready(found, monitor))
                    found.kernel[monitor.name] = figures.kernel_ns / (storm.execs or 1)
        for number in range(max(rounds or load.rounds for load in found.loads)):
            for load in found.loads:
                if number < (rounds or load.rounds):
                    one_round(found, load, number, built.gate, place)
                    yield found


def one_round(found: Found, load: Load, number: int, gate: Path, place: Place) -> None:
    """Every monitor looks on once, in an order that chance has chosen, with runs that nobody looks at between them."""
    order = [monitor for monitor in _those(found) if monitor is not NONE]
    random.Random(f"{load.key} {number}").shuffle(order)  # noqa: S311  # no secret

    def once(monitor: Monitor) -> Figures | None:
        say(f"round {number + 1}: {load.key}, {monitor.name}")
        figures = None
        with _told(found, monitor, f"{load.key}, round {number + 1}"):
            figures = run(monitor, load, gate, place, _ready(found, monitor))
            if monitor is NONE:
                found.plain.setdefault(load.key, []).append(figures)
        place.out.unlink(missing_ok=True)
        return figures

    before = once(NONE)
    for few in batched(order, load.company):
        ran = [(monitor, figures) for monitor in few if (figures := once(monitor))]
        after = once(NONE)
        plain = [figures for figures in (before, after) if figures]
        for monitor, figures in ran:
            if plain:
                found.runs.setdefault((load.key, monitor.name), {})[number] = Measured(figures, plain)
            else:
                found.failed.append(f"{load.key}, round {number + 1}, {monitor.name}: no run beside it to compare with")
        before = after


def batched(monitors: Sequence[Monitor], count: int) -> Iterator[Sequence[Monitor]]:
    """They, so many at a time."""
    return (monitors[at : at + count] for at in range(0, len(monitors), count))


def unavailable(monitor: Monitor, *, whole_machine: bool) -> str | None:
    """Why a monitor is not even tried."""
    if monitor.program and not shutil.which(monitor.program):
        return f"not installed (`make bench-peers`; Debian's package {monitor.package})"
    if monitor.whole_machine and not whole_machine:
        return "it cannot be limited to the load; --whole-machine lets it tell of everybody's processes"
    return None


def say(what: str) -> None:
    """On standard error."""
    print(what, file=sys.stderr, flush=True)


@contextmanager
def _told(found: Found, monitor: Monitor, what: str) -> Iterator[None]:
    """What keeps a monitor from running is kept, and that a load failed."""
    try:
        yield
    except LoadFailed as why:
        say(f"the load failed: {why}")
        found.failed.append(f"{monitor.name}, {what}: the load failed: {why}")
    except (AuditError, CannotRun) as why:
        say(f"{monitor.name}: {why}")
        found.missing[monitor.name] = f"does not run here: {why}"


def _those(found: Found) -> list[Monitor]:
    return [monitor for monitor in found.monitors if monitor.name not in found.missing]


def _ready(found: Found, monitor: Monitor) -> float:
    known = found.keeps.get(monitor.name)
    return READY_SECONDS + 1.25 * ((known and known.ready) or 0)
