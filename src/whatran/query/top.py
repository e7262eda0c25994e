"""Programs by what they cost: how often they ran, how long, with how much of the CPU and of memory; pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from whatran.process.lives import Lives

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whatran.event import Event
    from whatran.process.lives import Life, Program


class Total(msgspec.Struct, kw_only=True):
    """One program, all its runs together. A run is from its exec to the next one in the same process, or to the end."""

    program: str
    """Path of the script that was run, or of the binary."""
    runs: int = 0
    """How often it was executed."""
    failures: int = 0
    """How many runs ended with an exit status other than 0, or by a signal."""
    measured: int = 0
    """How many runs were seen to end: of these are the times."""
    time: int = 0
    """How long they took together, in ns, whatever else ran meanwhile."""
    max_time: int = 0
    """How long the longest took, in ns."""
    user_time: int = 0
    """User CPU time in ns, without that of other processes it started; what a process used before its last
    exec counts for the last program."""
    system_time: int = 0
    """System CPU time in ns, counted in the same way."""
    max_rss: int = 0
    """Largest resident set of them, in bytes, counted in the same way."""

    @property
    def cpu(self) -> int:
        return self.user_time + self.system_time

    @property
    def mean_time(self) -> int:
        return self.time // self.measured if self.measured else 0


ORDERS: dict[str, Callable[[Total], int]] = {
    "cpu": lambda total: total.cpu,
    "time": lambda total: total.time,
    "slowest": lambda total: total.max_time,
    "count": lambda total: total.runs,
    "failures": lambda total: total.failures,
    "memory": lambda total: total.max_rss,
}
"""What programs can be sorted by."""


def totals(events: Iterable[Event], *, filtered: bool = False) -> list[Total]:
    """Every program there was; what is kept meanwhile is one of these each, and the processes that are alive."""
    found: dict[str, Total] = {}
    lives = Lives(filtered=filtered)
    for event in events:
        for life in lives(event):
            _add(found, life)
    for life in lives.finish():
        _add(found, life)
    return list(found.values())


def _add(found: dict[str, Total], life: Life) -> None:
    for program, after in zip(life.programs, [*life.programs[1:], None], strict=False):
        name = _name(program)
        total = found.get(name)
        if total is None:
            total = found[name] = Total(program=name)
        total.runs += 1
        end = after.timestamp if after else life.end_timestamp
        if end is not None:
            time = max(0, end - program.timestamp)
            total.measured += 1
            total.time += time
            total.max_time = max(total.max_time, time)
        if after is None:
            total.failures += life.failed
            total.user_time += life.user_time or 0
            total.system_time += life.system_time or 0
            total.max_rss = max(total.max_rss, life.max_rss or 0)


def _name(program: Program) -> str:
    return program.script_pathname or program.pathname or program.cmdpath or program.comm
