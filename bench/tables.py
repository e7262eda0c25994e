"""What was measured, figure by figure and round by round, as the cells of tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.estimate import Estimate, estimate, percent_more, share
from bench.monitors import FLOOR, NONE

if TYPE_CHECKING:
    from bench.figures import Figures
    from bench.loads import Load
    from bench.monitors import Monitor
    from bench.rounds import Found, Measured


@dataclass(frozen=True)
class Figure:
    """A column; the less, the better."""

    key: str
    title: str
    form: str
    of: Callable[[Measured, int | None], float | None]
    """Of a run of a load of so many execs, if that is known."""
    for_none: Callable[[Figures], float | None] | None = None
    form_for_none: str = ""
    """What stands there of runs that nobody looked at."""
    can_be_noise: bool = False
    """Whether it is the difference from those."""
    of_monitor: bool = False
    """Whether it is of the monitor alone, not of the load."""


def _turns(each: Measured) -> list[float]:
    return [none.turn_p50 for none in each.plain if none.turn_p50]


def _latency(key: str, title: str, of: Callable[[Figures], float | None]) -> Figure:
    def us(run: Figures) -> float | None:
        value = of(run)
        return None if value is None else value * 1e6

    return Figure(key, title, "{:.0f} µs", lambda each, _: us(each.run), us, "{:.0f} µs")


FIGURES = (
    Figure(
        "slower",
        "slower",
        "{:+.1f} %",
        lambda each, _: percent_more(each.run.wall, [none.wall for none in each.plain]),
        lambda run: run.wall,
        "{:.2f} s",
        can_be_noise=True,
    ),
    Figure(
        "cpu",
        "more CPU",
        "{:+.1f} %",
        lambda each, _: percent_more(each.run.cpu, [none.cpu for none in each.plain]),
        lambda run: run.cpu,
        "{:.2f} s",
        can_be_noise=True,
    ),
    Figure(
        "turn_p50",
        "median exec slower",
        "{:+.1f} %",
        lambda each, _: (
            percent_more(each.run.turn_p50, turns) if (turns := _turns(each)) and each.run.turn_p50 else None
        ),
        lambda run: run.turn_p50 and run.turn_p50 * 1e6,
        "{:.0f} µs",
        can_be_noise=True,
    ),
    _latency("latency_p50", "p50", lambda run: run.latency_p50),
    _latency("latency_p99", "p99", lambda run: run.latency_p99),
    Figure(
        "monitor_cpu",
        "its CPU, 10,000 execs",
        "{:.3f} s",
        lambda each, total: each.run.monitor_cpu / total * 1e4 if total else None,
        of_monitor=True,
    ),
    Figure(
        "bytes",
        "bytes an exec told",
        "{:.0f}",
        lambda each, _: each.run.out_bytes / each.run.told if each.run.out_bytes and each.run.told else None,
        of_monitor=True,
    ),
)
QUIET = (
    Figure("wakeups", "wake-ups a second", "{:.1f}", lambda each, _: each.run.wakeups / each.run.wall, of_monitor=True),
    Figure(
        "quiet_cpu",
        "CPU a second",
        "{:.2f} ms",
        lambda each, _: each.run.monitor_cpu / each.run.wall * 1e3,
        of_monitor=True,
    ),
)


def figures_of(load: Load) -> tuple[Figure, ...]:
    """Those that tell something of a load."""
    return QUIET if load.key == "quiet" else FIGURES


def execs(found: Found, load: Load) -> int | None:
    """How many execs a load makes: as it is known, or as the raw tracepoint counted them."""
    counted = [each.run.told for each in found.runs.get((load.key, FLOOR.name), {}).values() if each.run.told]
    return load.execs or (round(statistics.median(counted)) if counted else None)


def by_round(found: Found, load: Load, name: str, figure: Figure) -> dict[int, float]:
    """The values of a figure."""
    total, rounds = execs(found, load), found.runs.get((load.key, name), {})
    values = {number: figure.of(each, total) for number, each in rounds.items()}
    return {number: value for number, value in values.items() if value is not None}


def told(found: Found, load: Load, name: str) -> str:
    """Share of the execs of all rounds; nothing is evened out by a median."""
    runs = [each.run.told for each in found.runs.get((load.key, name), {}).values()]
    counted, total = [each for each in runs if each is not None], execs(found, load)
    return share(sum(counted), total * len(counted)) if counted and total else "?"


def overview(found: Found) -> str:
    """How much slower each load gets, in medians, and what was told of the load of which the least was."""
    slower, *_ = FIGURES
    measured = {key for key, _ in found.runs}
    shown = [load for load in found.loads if load.key in measured and load.key != "quiet"]
    rows = []
    for monitor in found.monitors:
        if not monitor.real:
            continue
        cells = []
        for load in shown:
            values = by_round(found, load, monitor.name, slower).values()
            median = estimate(values) if values else None
            cells.append("-" if median is None else "noise" if median.noise else slower.form.format(median.median))
        shares = [text for load in shown if (text := told(found, load, monitor.name)) != "?"]
        rows.append([monitor.name, *cells, min(shares, key=_percent) if shares else "?"])
    return table(["monitor", *(load.key for load in shown), "told, at the least"], rows)


def _percent(text: str) -> float:
    return float(text.removeprefix("< ").removesuffix(" %"))


def load_table(found: Found, load: Load) -> str:
    """A row for each monitor."""
    looks_on = {monitor.name: monitor.real or monitor is FLOOR for monitor in found.monitors}
    columns = [figure for figure in figures_of(load) if any(by_round(found, load, name, figure) for name in looks_on)]
    heads = ["monitor", *(figure.title for figure in columns)]
    if load.key != "quiet":
        heads.insert(1, "told")
    rows = []
    for monitor in found.monitors:
        if load.key == "quiet" and not looks_on[monitor.name]:
            continue
        if monitor is NONE:
            cells = [_plain(found.plain.get(load.key, []), figure) for figure in columns]
        elif (load.key, monitor.name) in found.runs:
            cells = [
                cell(by_round(found, load, monitor.name, figure).values(), figure)
                if looks_on[monitor.name] or not figure.of_monitor
                else ""
                for figure in columns
            ]
        else:
            continue
        if load.key != "quiet":
            cells.insert(0, told(found, load, monitor.name) if looks_on[monitor.name] else "")
        rows.append([monitor.name, *cells])
    return table(heads, rows)


def cell(values: Iterable[float], figure: Figure) -> str:
    """The median, with what it may as well be, and whether that is nothing."""
    known = [*values]
    if not known:
        return "-"
    found = estimate(known)
    return spread(found, figure.form) + (", noise" if figure.can_be_noise and found.noise else "")


def spread(found: Estimate, form: str) -> str:
    """As text, with its unit once."""
    middle = form.format(found.median)
    unit = middle.partition(" ")[2]
    low, high = (form.format(value).removesuffix(unit).strip() for value in (found.low, found.high))
    return middle if low == high else f"{middle} [{low} … {high}]"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _plain(runs: list[Figures], figure: Figure) -> str:
    values = [value for run in runs if figure.for_none and (value := figure.for_none(run)) is not None]
    return spread(estimate(values), figure.form_for_none) if values else ""


def real(found: Found) -> tuple[list[Monitor], list[Monitor]]:
    """whatran's modes, and the other monitors."""
    monitors = [monitor for monitor in found.monitors if monitor.real]
    return [each for each in monitors if each.whatran], [each for each in monitors if not each.whatran]
