"""What `whatran top` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.query.grid import Cell, Grid
from whatran.query.results import write_objects
from whatran.query.top import ORDERS
from whatran.sinks.jsonl import with_exact_bytes
from whatran.sinks.output import DIM, RED
from whatran.sinks.text import duration, escape, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.query.top import Total
    from whatran.sinks.output import Output

NAMES = ("", "CPU", "TIME", "MEAN", "SLOWEST", "RUNS", "FAILED", "MEMORY", "PROGRAM")
BAR = 8
"""Columns of a whole bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def write_table(output: Output, found: Sequence[Total], by: str, count: int) -> None:
    """The first so many of them as aligned columns, with a line about all; safe to print."""
    first = _sorted(found, by)[:count]
    most = max((ORDERS[by](total) for total in first), default=0)
    rows = [_row(total, ORDERS[by](total) / most if most else 0) for total in first]
    Grid(output, NAMES, [False, *[True] * (len(NAMES) - 2), False], rows)
    runs, failures = sum(total.runs for total in found), sum(total.failures for total in found)
    cpu = duration(sum(total.cpu for total in found))
    output.write_text(f"{len(found)} programs, {runs} runs, {failures} failed, CPU {cpu}\n")


def write_json(output: Output, found: Sequence[Total], by: str, count: int) -> None:
    """The first so many of them as one array of objects."""
    write_objects(output, map(with_exact_bytes, _sorted(found, by)[:count]))


def _sorted(found: Sequence[Total], by: str) -> list[Total]:
    """Most first; equal ones by name."""
    return sorted(found, key=lambda total: (-ORDERS[by](total), total.program))


def _row(total: Total, share: float) -> list[Cell]:
    used = bool(total.max_rss)  # or else what used it went on to execute something else, or lives on
    return [
        Cell(_bar(share), DIM),
        Cell(duration(total.cpu) if used else ""),
        Cell(duration(total.time)),
        Cell(duration(total.mean_time)),
        Cell(duration(total.max_time)),
        Cell(str(total.runs)),
        Cell(str(total.failures), RED) if total.failures else Cell(""),
        Cell(size(total.max_rss) if used else ""),
        Cell(escape(total.program)),
    ]


def _bar(share: float) -> str:
    whole, eighths = divmod(round(share * BAR * 8), 8)
    return ("█" * whole + _EIGHTHS[eighths]).rstrip()
