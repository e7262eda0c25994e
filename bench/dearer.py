"""Where whatran costs more than another monitor, found by rule."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.estimate import estimate
from bench.tables import by_round, figures_of, real, table, told

if TYPE_CHECKING:
    from bench.loads import Load
    from bench.monitors import Monitor
    from bench.rounds import Found
    from bench.tables import Figure


def kernel_us(found: Found, name: str) -> float | None:
    """For an exec of the storm, with its fork and exit; None of what has no BPF program."""
    ns = found.kernel.get(name)
    return ns / 1e3 if ns else None


def peak_mib(found: Found, name: str) -> float | None:
    """The most of all runs."""
    peaks = [each.run.peak_kib for (_, other), runs in found.runs.items() if name == other for each in runs.values()]
    return max(peaks) / 1024 if any(peaks) else None


def ready_ms(found: Found, name: str) -> float | None:
    """From the start to the first exec that was told."""
    keeps = found.keeps.get(name)
    return None if keeps is None or keeps.ready is None else keeps.ready * 1e3


ONCE: dict[str, tuple[str, Callable[[Found, str], float | None]]] = {
    "in the kernel": ("{:.2f} µs", kernel_us),
    "peak memory": ("{:.0f} MiB", peak_mib),
    "start to first exec told": ("{:.0f} ms", ready_ms),
}
"""Figures that are of no load."""


def dearer(found: Found) -> str:
    """A table of every median of whatran's that is above another monitor's, but for noise; "" if there is none."""
    rows = []
    ours, theirs = real(found)
    for load in found.loads:
        for figure in figures_of(load):
            for our in ours:
                than = [text for their in theirs if (text := _than(found, load, figure, our, their))]
                if than:
                    value = figure.form.format(statistics.median(by_round(found, load, our.name, figure).values()))
                    rows.append([load.key, figure.title, our.name, value, "; ".join(than)])
    for title, (form, of) in ONCE.items():
        for our in ours:
            mine = of(found, our.name)
            than = [
                f"{their.name}: {form.format(value)}"
                for their in theirs
                if mine is not None and (value := of(found, their.name)) is not None and value < mine
            ]
            if mine is not None and than:
                rows.append(["", title, our.name, form.format(mine), "; ".join(than)])
    return table(["load", "figure", "of", "is", "which is more than of"], rows) if rows else ""


def _than(found: Found, load: Load, figure: Figure, our: Monitor, their: Monitor) -> str:
    """What the other monitor's figure is, if it is less and that is not noise, by the differences of the rounds."""
    mine, other = (by_round(found, load, each.name, figure) for each in (our, their))
    common = mine.keys() & other.keys()
    if not common or statistics.median(other.values()) >= statistics.median(mine.values()):
        return ""
    if estimate(mine[number] - other[number] for number in common).noise:
        return ""
    share = told(found, load, their.name)
    remark = f" (told {share})" if load.key != "quiet" and share not in {"100 %", "?"} else ""
    return f"{their.name}: {figure.form.format(statistics.median(other.values()))}{remark}"
