"""What was measured, as Markdown and as JSON."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.dearer import dearer, kernel_us, peak_mib, ready_ms
from bench.estimate import CONFIDENCE, estimate
from bench.keeps import SHAPES
from bench.tables import by_round, execs, figures_of, load_table, overview, table
from whatran import __version__

if TYPE_CHECKING:
    from bench.loads import Load
    from bench.monitors import Monitor
    from bench.rounds import Found

HEAD = """\
# Performance

whatran tells which programs a Linux machine runs. This page says what that costs, and what other programs that tell the
same cost on the same machine, each beside how much of it they tell: a monitor that loses or cuts half is not the
faster one. The last part lists where whatran is the dearer one. `make bench ARGS='-o docs/performance.md'` wrote all of
it from what it measured; no figure is edited, and those of every round are in the JSON file beside it.

{machine}

## How much slower everything gets

{overview}

## How it is measured

Each load is run while one monitor looks on, and right before and after with none (of a build and a test-suite three
monitors follow one another between these). A round does so with every monitor, in an order that chance chooses. What
is compared is always a run with its neighbours, as the machine has other work too, and more of it at one time than at
another. whatran tells of forks, exits and failed execs as well, which costs it something here; the others tell of
execs. All run as they do by default, but where a remark under "Each monitor" says otherwise.

- **slower**: how much longer the load took than its neighbours. **more CPU**: the same of the CPU time of the load
  itself, which holds what the kernel does on its account for the monitor, and hardly what else the machine does.
- **median exec slower**: the same of the median exec of the load, from before its fork to after its exit. A pause that
  some other program causes does not show in that, nor does what a monitor does at a few execs for all.
- **+3.1 % [+1.2 … +4.0]** is the median of the rounds, and the interval that holds the true median with at least
  {confidence:.0%} confidence (two of the values themselves, by order statistics). Of fewer than six rounds it is just
  the least and the most. **noise** stands where the interval holds 0: this measurement cannot tell it from nothing.
  That is not to say that it is nothing; how much it may be, the interval says.
- **none, again** is no monitor either: what stands there is the error of the method. The **raw tracepoint** is the
  smallest eBPF program there is: it counts execs and tells nothing. No monitor by eBPF can be cheaper.
- **told**: execs of the load that are in what the monitor put out, of those of all rounds. In loads that execute one
  program again and again each exec has an argument that no other has, and only what has it counts. Of other loads
  lines are counted, and the raw tracepoint says how many there had to be.
- **p50** and **p99**: from execve(2) to the program's first instruction. Medians of the rounds.
- **its CPU**: of the monitor, until it had written all, for 10,000 execs of the load, told or not.
- **bytes an exec told**: all that it wrote, with forks and exits where it tells of those, by the execs told.

Where they can be, monitors are told to look at the user of the load alone, in the kernel; whatran also at nothing but
the processes of this measurement. But for the one that says otherwise all write to a file{filesystem}.
"""


def as_json(found: Found) -> dict[str, Any]:
    """Every figure of every round."""
    return {
        "machine": machine(),
        "monitors": {monitor.name: version(monitor) for monitor in found.monitors if monitor.real},
        "loads": {
            load.key: {
                "name": load.name,
                "execs": execs(found, load),
                "none": [asdict(run) for run in found.plain.get(load.key, [])],
            }
            for load in found.loads
        },
        "summary": [
            {"load": load.key, "monitor": monitor.name, "figure": figure.key} | asdict(estimate(values))
            for load in found.loads
            for monitor in found.monitors
            for figure in figures_of(load)
            if (values := by_round(found, load, monitor.name, figure).values())
        ],
        "runs": [
            {"load": load, "monitor": monitor, "rounds": {number: asdict(each) for number, each in rounds.items()}}
            for (load, monitor), rounds in found.runs.items()
        ],
        "keeps": {name: asdict(keeps) for name, keeps in found.keeps.items()},
        "kernel_ns_per_exec": found.kernel,
        "missing": found.missing,
        "failed": found.failed,
    }


def as_markdown(found: Found) -> str:
    """The page."""
    shown = (
        "Measured on {cores} cores of {cpu}{virtual}, {memory_gib} GiB,\n{system}, Linux {kernel}, Python {python}; "
        "the load average meanwhile was {load_average}."
    ).format_map(machine())
    filesystem = f" on {machine()['filesystem']}" if machine()["filesystem"] else ""
    parts = [HEAD.format(machine=shown, confidence=CONFIDENCE, filesystem=filesystem, overview=overview(found))]
    measured = {key for key, _ in found.runs}
    for load in [each for each in found.loads if each.key in measured]:
        parts += [f"## {load.key}: {load.name}\n", _said_of(found, load) + load_table(found, load)]
    parts += ["## Each monitor\n", _monitor_table(found)]
    if versions := [_one(monitor) for monitor in found.monitors if monitor.real]:
        parts.append("".join(versions))
    if missing := "".join(f"- {name}: {why}.\n" for name, why in found.missing.items()):
        parts += ["## Not measured\n", missing]
    if found.failed:
        parts += ["## Runs that are in no figure\n", "".join(f"- {each}.\n" for each in found.failed)]
    parts += ["## Where whatran costs more\n", DEARER.format(table=dearer(found) or "Nowhere, in these figures.\n")]
    return "\n".join(parts)


DEARER = """\
Every figure in which a mode of whatran has a higher median than another monitor, found by rule. Left out is only what
may be noise, because the interval of the rounds' differences holds 0. Where the other one did not tell of every exec of
the load, its share stands beside.

{table}"""


def machine() -> dict[str, object]:
    """What it was measured on; nothing that names it."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpu, re.MULTILINE)
    folder = subprocess.run(["df", "--output=fstype", "/tmp"], check=False, capture_output=True, text=True)  # noqa: S108
    return {
        "cores": os.cpu_count(),
        "cpu": model[1] if model else platform.machine(),
        "virtual": " in a virtual machine" if re.search(r"^flags\s*:.*\bhypervisor\b", cpu, re.MULTILINE) else "",
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "kernel": ".".join(platform.release().split("-")[0].split(".")[:2]),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[2], 1),
        "filesystem": folder.stdout.split()[-1] if folder.stdout.split() else "",
    }


def version(monitor: Monitor) -> str:
    """Of what was measured: whatran's own, or of Debian's package."""
    if monitor.whatran:
        return __version__
    query = ["dpkg-query", "--show", "--showformat=${Version}", monitor.package]
    try:
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "of unknown version"


def _one(monitor: Monitor) -> str:
    package = f"{monitor.package} " if monitor.package else ""
    return f"- {monitor.name}: {package}{version(monitor)}" + (f"; {monitor.note}" if monitor.note else "") + ".\n"


def _said_of(found: Found, load: Load) -> str:
    total, rounds = (
        execs(found, load),
        max((len(rounds) for (key, _), rounds in found.runs.items() if key == load.key), default=0),
    )
    counted = f"{total:,} execs, " if total else ""
    if load.key == "quiet":
        return f"Nothing runs for some seconds; {rounds} rounds.\n\n"
    return f"{counted}{rounds} {'round' if rounds == 1 else 'rounds'}.\n\n"


def _monitor_table(found: Found) -> str:
    heads = ["monitor", "in the kernel, an exec with its fork and exit", "peak memory", "start to first exec told"]
    heads += [f"kept of {name}" for name in SHAPES]
    rows = []
    for monitor in found.monitors:
        peak, ready, keeps = peak_mib(found, monitor.name), ready_ms(found, monitor.name), found.keeps.get(monitor.name)
        if peak is None:
            continue
        kernel = kernel_us(found, monitor.name)
        kept = keeps.shares if keeps else {}
        rows.append(
            [
                monitor.name,
                f"{kernel:.2f} µs" if kernel else "-",
                f"{peak:.0f} MiB",
                f"{ready:.0f} ms" if ready is not None else "-",
                *(f"{kept[name]:.1%}" if name in kept else "-" for name in SHAPES),
            ]
        )
    explained = (
        "What eBPF does in the kernel, as the kernel times it; what audit and ptrace do there, only the load's CPU "
        "shows. Memory is of the process and its eBPF maps. How much is kept of arguments is asked with single execs, "
        "at leisure.\n\n"
    )
    return explained + table(heads, rows)
