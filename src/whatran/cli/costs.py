"""What a watch has counted, and what it costs: said at its end, or when SIGUSR2 comes."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from whatran.cli.follow import handling
from whatran.cli.messages import given_up, say_lines
from whatran.sinks.text import counted, duration, pad, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.cost import Cost
    from whatran.stats import Stats

KINDS = ("execs", "forks", "exits", "failed", "texts")


class _Watching(Protocol):
    """The part of a Watch that knows what it costs."""

    @property
    def source(self) -> str: ...

    @property
    def stats(self) -> Stats: ...

    @property
    def cost(self) -> Cost: ...

    def wake(self) -> None: ...


class Costs:
    """Says what a watch costs, once that is asked for and nothing else is being written."""

    def __init__(self, *, at_the_end: bool) -> None:
        self._at_the_end = at_the_end
        self._asked = False
        self._watching: _Watching | None = None

    def started(self, watching: _Watching) -> None:
        """There it is."""
        self._watching = watching

    def ask(self, _: signal.Signals) -> None:
        """The next answer() is to come soon; a signal's handler."""
        self._asked = True
        if self._watching:
            self._watching.wake()

    def answer(self) -> None:
        """Says it, where it was asked for."""
        if self._asked:
            self._asked = False
            self._say()

    def end(self) -> None:
        """Says it for the last time, where it was asked for."""
        if self._asked or self._at_the_end:
            self._say()

    def _say(self) -> None:
        if watching := self._watching:
            say_lines(block(watching.source, watching.stats, watching.cost, timed=self._at_the_end))


@contextmanager
def saying_costs(*, at_the_end: bool) -> Iterator[Costs]:
    """The costs of the watch that is started within; SIGUSR2 asks for them."""
    costs = Costs(at_the_end=at_the_end)
    with handling({signal.SIGUSR2: costs.ask}):
        yield costs
        costs.end()


def block(source: str, stats: Stats, cost: Cost, *, timed: bool) -> list[str]:
    """The lines; ``timed`` tells whether the kernel was asked to time the programs."""
    cpu = cost.user_time + cost.system_time
    found = f"{duration(cpu)} (user {duration(cost.user_time)}, system {duration(cost.system_time)})"
    found += f": {duration(cost.start_cpu_time)} to start"
    events = stats.execs.received + stats.forks.received + stats.exits.received + stats.failed.received
    if events:
        found += f", then {(cpu - cost.start_cpu_time) / events / 1e3:.1f}µs an event"
    rows = [("CPU", found)]
    if less := given_up(stats):
        rows.insert(0, ("less", less.removeprefix(", ")))
    run = [program for program in cost.programs if program.run_count]
    if run:
        total = sum(program.run_time_ns for program in run)
        rows.append(("BPF", f"{duration(total)} in {counted(sum(each.run_count for each in run), 'run', 'runs')}"))
    elif cost.programs:
        why = "that needs root (CAP_SYS_ADMIN) and Linux 5.8" if timed else "--stats has that done"
        rows.append(("BPF", f"not timed: {why}"))
    rows += [
        ("memory", f"{size(cost.max_rss)} at most"),
        ("read", f"{size(cost.bytes_read)} in {counted(cost.wakeups, 'wake-up', 'wake-ups')}"),
    ]
    tables = [
        *_table(("kind", "seen", "filtered", "lost", "received"), _counts(stats)),
        *_table(
            ("program", "runs", "ns a run"),
            [(each.name, each.run_count, round(each.run_time_ns / each.run_count)) for each in run],
        ),
    ]
    return [
        f"whatran: {duration(cost.watched)} watched by {source}",
        *tables,
        *(f"  {pad(name, 6)}  {value}" for name, value in rows),
    ]


def _counts(stats: Stats) -> list[tuple[str, int, int, int, int]]:
    """Of the kinds there were."""
    rows = []
    for name in KINDS:
        counts = getattr(stats, name)
        row = counts.seen, counts.filtered, counts.lost + counts.failed, counts.received
        if any(row):
            rows.append((name, *row))
    if stats.malformed:
        rows.append(("malformed", stats.malformed, 0, stats.malformed, 0))
    return rows


def _table(head: Sequence[str], rows: Sequence[tuple[str | int, ...]]) -> list[str]:
    """Aligned, with an empty line below; nothing where there are no rows."""
    if not rows:
        return []
    texts = [head, *([str(value) for value in row] for row in rows)]
    first, *widths = (max(map(len, column)) for column in zip(*texts, strict=True))
    lines = []
    for name, *values in texts:
        aligned = (pad(value, width, right=True) for value, width in zip(values, widths, strict=True))
        lines.append("  ".join(["", pad(name, first), *aligned]))
    return [*lines, ""]
