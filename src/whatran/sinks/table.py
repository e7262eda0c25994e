"""The live table: one aligned line an exec."""

from __future__ import annotations

import sys
import time
from bisect import insort_right
from collections import deque
from functools import lru_cache
from operator import attrgetter, gt
from typing import TYPE_CHECKING

import msgspec

from whatran.event import Alert, Event, Exec, ExecFailed, Exit, Gap
from whatran.sinks.output import DIM, RED
from whatran.sinks.text import colour, columns, command, duration, escape, fit, missing, reason, status, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.sinks.output import Output

HOLD = 250_000_000
"""How long a line waits for the end of its process, in ns: most end sooner, and the view is still live."""

PATIENCE = 20_000
"""How many events a line waits where nobody sees them happen: a recording can tell more, and memory stays flat."""

UNKNOWN = "-"

# Heading, width to start with, width to grow to when a value needs it, right-aligned. Wider values push the line.
_COLUMNS = (
    ("TIME", 12, 12, False),
    ("PID", 6, 7, True),
    ("PPID", 6, 7, True),
    ("PARENT", 8, 15, False),
    ("USER", 5, 12, False),
    ("DURATION", 8, 8, True),
    ("EXIT", 7, 12, False),
)


_MOST = [most for _, _, most, _ in _COLUMNS]
_RIGHT = [right for _, _, _, right in _COLUMNS]


class _Line(msgspec.Struct, gc=False):
    """An exec, a failed one or a notice, whose line is not written yet."""

    event: Exec | ExecFailed | Gap | Alert
    at: int
    """When, in ns on one clock for all machines: since the boot of the first."""
    number: int
    """How many events there had been."""
    settled: bool
    """Whether nothing more is to be known: the process ended, or executed something else."""
    exit: Exit | None = None


_AT = attrgetter("at")


class Table:
    """Writes execs in their order, each with duration and exit if its process ends while the line is held back.

    DURATION is from the exec to the end. A process that executes again lives on: its earlier line has neither.
    """

    def __init__(self, output: Output, limit: int | None = None, *, live: bool = True) -> None:
        """``live`` says that somebody watches it happen: no line is held back for long then."""
        self._output = output
        self._live = live
        self._events = 0
        self._left = limit
        self._widths = [width for _, width, _, _ in _COLUMNS]
        self._held: deque[_Line] = deque()
        self._latest: dict[tuple[str, int, int], _Line] = {}
        self._first: Event | None = None
        self._ahead: dict[str, int] = {}
        head = self._render([heading for heading, _, _, _ in _COLUMNS], "COMMAND", output.width, {})
        output.write_text(output.paint(head, DIM) + "\n")

    @property
    def due(self) -> int | None:
        return self._held[0].at + HOLD if self._held else None

    def write(self, events: Sequence[Event]) -> int:
        for event in events:
            self._events += 1
            if type(event) is Exec:
                self._hold(event)
            elif type(event) is Exit:
                if event.process_group_exit:
                    self._settle(event)
            elif type(event) is Gap or type(event) is Alert or (type(event) is ExecFailed and self._take_one()):
                self._queue(self._line(event))
        if not self._live:
            return self._write_lines(before=self._events - PATIENCE)
        return self._write_lines(older_than=self._at(events[-1]) - HOLD if events else 0)

    def _line(self, event: Exec | ExecFailed | Gap | Alert) -> _Line:
        return _Line(event, self._at(event), self._events, settled=type(event) is not Exec)

    def _at(self, event: Event) -> int:
        """When that was, on the clock of the first event's machine."""
        ahead = self._ahead.get(event.boot_id)
        if ahead is None:
            first = self._first = self._first or event
            offset = event.timestamp - event.timestamp_boot
            ahead = self._ahead[event.boot_id] = offset - (first.timestamp - first.timestamp_boot)
        return event.timestamp_boot + ahead

    def release(self, now_boot_ns: int) -> int:
        return self._write_lines(older_than=now_boot_ns - HOLD)

    def close(self) -> int:
        return self._write_lines(older_than=sys.maxsize)

    def _hold(self, event: Exec) -> None:
        key = (event.boot_id, event.pid, event.process_start_time)
        if earlier := self._latest.pop(key, None):
            earlier.settled = True
        if not self._take_one():
            return
        line = self._latest[key] = self._line(event)
        self._queue(line)

    def _take_one(self) -> bool:
        """Whether there may be one more line."""
        if self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def _queue(self, line: _Line) -> None:
        if self._held and self._held[-1].at > line.at:
            insort_right(self._held, line, key=_AT)  # batches can overlap, and a search of PATH is told late
        else:
            self._held.append(line)

    def _settle(self, event: Exit) -> None:
        if line := self._latest.pop((event.boot_id, event.pid, event.process_start_time), None):
            line.exit = event
            line.settled = True

    def _write_lines(self, older_than: int = 0, before: int = 0) -> int:
        """Write the lines at the head that are settled or older than a time, or an event; how many those were."""
        width = self._output.width if self._held else None
        lines = []
        while self._held and ((line := self._held[0]).settled or line.at <= older_than or line.number <= before):
            self._held.popleft()
            if isinstance(line.event, (Gap, Alert)):
                lines.append(self._format_notice(line.event, width))
                continue
            if not line.settled:
                del self._latest[line.event.boot_id, line.event.pid, line.event.process_start_time]
            lines.append(self._format(line.event, line.exit, width))
        if lines:
            self._output.write_text("\n".join(lines) + "\n")
        return len(lines)

    def _format_notice(self, event: Gap | Alert, width: int | None) -> str:
        """A gap is cut to the width; an alert is too dear for that."""
        text = missing(event) if isinstance(event, Gap) else warning(event)
        if width is not None and isinstance(event, Gap):
            text = fit(text, width - _COLUMNS[0][1] - 1)
        return self._output.paint(f"{_clock(event.timestamp)} {text}", colour(event))

    def _format(self, event: Exec | ExecFailed, ended: Exit | None, width: int | None) -> str:
        failed = isinstance(event, ExecFailed) or (ended is not None and bool(ended.exit_code or ended.signal_code))
        cells = [
            _clock(event.timestamp),
            str(event.pid),
            str(event.ppid),
            escape(event.ppid_comm) or UNKNOWN,
            escape(event.user or str(event.uid)),
            duration(ended.timestamp_boot - event.timestamp_boot) if ended else UNKNOWN,
            reason(event) if isinstance(event, ExecFailed) else status(ended) if ended else UNKNOWN,
        ]
        return self._render(cells, command(event), width, {0: DIM, -1: RED} if failed else {0: DIM})

    def _render(self, cells: list[str], rest: str, width: int | None, styles: dict[int, str]) -> str:
        """A line of the cells and the rest, cut to the width; the styles are those of some cells."""
        sizes = list(map(columns, cells))
        if any(map(gt, sizes, self._widths)):
            self._widths = [
                max(wide, min(size, most)) for wide, size, most in zip(self._widths, sizes, _MOST, strict=True)
            ]
        padded = [
            " " * (wide - size) + cell if right else cell + " " * (wide - size)
            for cell, size, wide, right in zip(cells, sizes, self._widths, _RIGHT, strict=True)
        ]
        if width is not None:
            taken = sum(map(columns, padded)) + len(padded)
            if taken > width:
                return fit(" ".join([*padded, rest]), width)
            rest = fit(rest, width - taken)
        for index, style in styles.items():
            padded[index] = self._output.paint(padded[index], style)
        return " ".join([*padded, rest])


def _clock(timestamp: int) -> str:
    """The wall clock here at a time in ns since the epoch: HH:MM:SS.mmm."""
    seconds, ns = divmod(timestamp, 1_000_000_000)
    return f"{_second(seconds)}.{ns // 1_000_000:03}"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))
