"""What was measured, as Markdown and as JSON."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.monitors import FLOOR, NONE

if TYPE_CHECKING:
    from bench.figures import Figures
    from bench.loads import Load
    from bench.rounds import Found

HEAD = """\
# Performance

Written by `make bench` from what it measured; no figure is edited. Each load is run with each monitor looking on, in
rounds, in another order each time. A figure is the median of {rounds} rounds; in brackets are the least and the most.

{machine}

- **longer** is the time that the load takes more than in the same round with no monitor; **more CPU** the same of the
  CPU time of the load itself, with what the kernel does on its account: other work on the machine hardly shows in that.
- **p50** and **p99** are of the time from execve(2) to the program's first line.
- **told** is how many of the load's execs are in what the monitor put out{truth}.
- **CPU** is that of the monitor's processes for 10,000 execs, until all is written.
- **none, again** is no monitor either: what differs is noise. The *raw tracepoint* does nothing but count execs: no
  monitor by eBPF can be cheaper.
- All monitors are told to look at the user of the load alone.
"""


def as_json(found: Found) -> dict[str, Any]:
    """Every figure of every round."""
    return {
        "machine": machine(),
        "loads": {load.key: {"name": load.name, "execs": execs(found, load)} for load in found.loads},
        "runs": [
            {"load": load, "monitor": monitor, "rounds": {number: asdict(each) for number, each in figures.items()}}
            for (load, monitor), figures in found.runs.items()
        ],
        "keeps": {name: asdict(keeps) for name, keeps in found.keeps.items()},
        "kernel_ns_per_exec": found.kernel,
        "missing": found.missing,
    }


def as_markdown(found: Found) -> str:
    """The page."""
    rounds = max((len(figures) for figures in found.runs.values()), default=0)
    facts = machine()
    shown = (
        "Measured on {cores} cores of {cpu}, {memory_gib} GiB, Linux {kernel}, Python {python}; "
        "the load average meanwhile was {load_average}."
    ).format_map(facts)
    truth = "; how many there were, the raw tracepoint says" if any(not load.execs for load in found.loads) else ""
    parts = [HEAD.format(rounds=rounds, machine=shown, truth=truth)]
    for load in found.loads:
        parts += [f"## {load.name[0].upper()}{load.name[1:]}\n", _load_table(found, load)]
    parts += ["## Each monitor\n", _monitor_table(found)]
    notes = [f"- {monitor.name}: {monitor.note}.\n" for monitor in found.monitors if monitor.note]
    notes += [f"- {name}: {why}.\n" for name, why in found.missing.items()]
    return "\n".join(parts) + ("\n" + "".join(notes) if notes else "")


def machine() -> dict[str, object]:
    """What it was measured on; nothing that names it."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "cpu": model[1] if model else platform.machine(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": ".".join(platform.release().split("-")[0].split(".")[:2]),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[2], 1),
    }


def execs(found: Found, load: Load) -> int | None:
    """How many execs a load makes: as it is known, or as they were counted."""
    counted = [run.told for run in found.runs.get((load.key, FLOOR.name), {}).values() if run.told]
    return load.execs or (round(statistics.median(counted)) if counted else None)


def _load_table(found: Found, load: Load) -> str:
    plain = found.runs.get((load.key, NONE.name), {})
    total = execs(found, load)
    quiet = load.key == "quiet"
    heads = ["monitor"]
    heads += ["wake-ups a second", "CPU a second"] if quiet else ["longer", "more CPU"]
    heads += ["p50", "p99"] if load.latencies and not quiet else []
    heads += [] if quiet else ["told", "CPU, 10,000 execs", "bytes an exec"]
    rows = []
    for monitor in found.monitors:
        rounds = found.runs.get((load.key, monitor.name))
        if not rounds:
            continue
        runs = list(rounds.values())
        looks_on = bool(monitor.program) or monitor is FLOOR or "whatran" in monitor.name
        if quiet:
            cells = [
                _spread((run.wakeups / run.wall for run in runs), "{:.1f}") if looks_on else "",
                _spread((run.monitor_cpu / run.wall * 1e3 for run in runs), "{:.1f} ms") if looks_on else "",
            ]
        else:
            pairs = [(rounds[number], plain[number]) for number in rounds.keys() & plain.keys()]
            if monitor is NONE:
                cells = [
                    _spread((run.wall for run in runs), "{:.2f} s"),
                    _spread((run.cpu for run in runs), "{:.2f} s"),
                ]
            else:
                cells = [
                    _spread(((run.wall / none.wall - 1) * 100 for run, none in pairs), "{:+.1f} %"),
                    _spread(((run.cpu / none.cpu - 1) * 100 for run, none in pairs), "{:+.1f} %"),
                ]
            if load.latencies:
                cells += [_latency(runs, lambda run: run.latency_p50), _latency(runs, lambda run: run.latency_p99)]
            cells += _kept(runs, total) if looks_on else ["", "", ""]
        rows.append([monitor.name, *cells])
    title = "" if quiet or not total else f"{total:,} execs.\n\n"
    return title + table(heads, rows)


def _kept(runs: list[Figures], total: int | None) -> list[str]:
    told = [run.told / total * 100 for run in runs if run.told is not None and total]
    return [
        _spread(told, "{:.4g} %") if told else "?",
        _spread((run.monitor_cpu / total * 1e4 for run in runs), "{:.3f} s") if total else "?",
        f"{statistics.median(run.out_bytes for run in runs) / total:.0f}" if total else "?",
    ]


def _latency(runs: list[Figures], of: Callable[[Figures], float | None]) -> str:
    known = [value * 1e6 for run in runs if (value := of(run)) is not None]
    return _spread(known, "{:.0f} µs") if known else "?"


def _monitor_table(found: Found) -> str:
    heads = ["monitor", "in the kernel, an exec with its fork and exit", "peak memory", "start to first exec told"]
    heads += ["of an argument of 100 KB"]
    rows = []
    for monitor in found.monitors:
        peak = [run.peak_kib for (_, name), runs in found.runs.items() if name == monitor.name for run in runs.values()]
        if not any(peak):
            continue
        keeps, kernel = found.keeps.get(monitor.name), found.kernel.get(monitor.name)
        rows.append(
            [
                monitor.name,
                f"{kernel / 1e3:.2f} µs" if kernel else "",
                f"{max(peak) / 1024:.0f} MiB",
                f"{keeps.ready * 1e3:.0f} ms" if keeps and keeps.ready is not None else "",
                f"{keeps.argument:.1%}" if keeps and keeps.argument is not None else "",
            ]
        )
    rows += [[name, "not run", "", "", ""] for name in found.missing]
    return table(heads, rows)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _spread(values: Iterable[float], form: str) -> str:
    known = sorted(values)
    if not known:
        return "?"
    middle = form.format(statistics.median(known))
    unit = middle.partition(" ")[2]
    low, high = (form.format(known[at]).removesuffix(unit).strip() for at in (0, -1))
    return middle if low == high else f"{middle} [{low} … {high}]"
