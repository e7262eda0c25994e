"""A trace as Chrome's Trace Event Format has it, for Perfetto and other viewers: a track a process.

On its track is its life, on that its programs one after another, and what it could not execute; an arrow leads from who
made it. https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from whatran.event import ExecFailed, Gap
from whatran.process.lives import Lives
from whatran.sinks.text import command, escape, fit, missing, reason, status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whatran.event import Event
    from whatran.process.lives import Life, Program
    from whatran.sinks.output import Output

MAX_PID = 1 << 22
"""Of Linux (PID_MAX_LIMIT): what comes from another boot is numbered above that."""
NAME_COLUMNS = 200

Record = dict[str, Any]


class TraceFile:
    """A sink; the file is whole once it is closed."""

    due = None

    def __init__(self, output: Output) -> None:
        self._output = output
        self._encoder = msgspec.json.Encoder()
        self._lives = Lives()
        self._boots: dict[str, int] = {}
        self._begin: int | None = None
        self._latest = 0
        self._before: bytes = b'{"displayTimeUnit":"ms","traceEvents":[\n'

    def write(self, events: Sequence[Event]) -> int:
        return self._put(record for event in events for record in self._of_event(event))

    def release(self, now_boot_ns: int) -> int:
        return 0

    def close(self) -> int:
        """Those that live on end where the trace does."""
        written = self._put(record for life in self._lives.finish() for record in self._of_life(life))
        self._output.write(self._before.removesuffix(b",\n") + b"]}\n")
        return written

    def _put(self, records: Iterable[Record]) -> int:
        lines = list(map(self._encoder.encode, records))
        if lines:
            self._output.write(self._before + b",\n".join(lines))
            self._before = b",\n"
        return len(lines)

    def _of_event(self, event: Event) -> Iterator[Record]:
        if self._begin is None:
            self._begin = event.timestamp
        self._latest = max(self._latest, event.timestamp)
        if isinstance(event, Gap):
            yield {**self._instant(event, missing(event), "gap"), "s": "g"}
        elif isinstance(event, ExecFailed):
            name = f"{_short(event)} ({reason(event)})"
            yield {**self._instant(event, name, "failed"), "s": "t", **self._track(event.boot_id, event.pid)}
        for life in self._lives(event):
            yield from self._of_life(life)

    def _of_life(self, life: Life) -> Iterator[Record]:
        track, name = self._track(life.boot_id, life.pid), escape(life.comm)
        for what in ("process_name", "thread_name"):
            yield {"ph": "M", "name": what, **track, "args": {"name": name}}
        start, end = max(life.start_timestamp, self._begin or 0), self._end(life)
        yield {**self._slice(start, end), "name": name, "cat": "process", **track, "args": _about_life(life)}
        ends = [*(program.timestamp for program in life.programs[1:]), end]
        for program, until in zip(life.programs, ends, strict=False):
            about = {"name": _short(program), "cat": "program", **track, "args": _about_program(program)}
            yield {**self._slice(program.timestamp, until), **about}
        if life.creator_pid is not None:
            flow = {"name": "fork", "cat": "fork", "id": f"{track['pid']}.{life.start_time}", "ts": self._ts(start)}
            yield {"ph": "s", **flow, **self._track(life.boot_id, life.creator_pid)}
            yield {"ph": "f", "bp": "e", **flow, **track}

    def _end(self, life: Life) -> int:
        """When it ended, as far as is known."""
        if life.end_timestamp is not None:
            return life.end_timestamp
        if life.running is not False:
            return self._latest
        return life.programs[-1].timestamp if life.programs else life.start_timestamp

    def _slice(self, start: int, end: int) -> Record:
        ts = self._ts(start)
        return {"ph": "X", "ts": ts, "dur": max(0.0, round(self._ts(end) - ts, 3))}

    def _instant(self, event: Event, name: str, category: str) -> Record:
        return {"ph": "i", "ts": self._ts(event.timestamp), "name": name, "cat": category}

    def _ts(self, timestamp: int) -> float:
        """In µs since the first event: a double has no room for ns since the epoch."""
        return max(0, timestamp - (self._begin or 0)) / 1000

    def _track(self, boot_id: str, pid: int) -> Record:
        number = self._boots.setdefault(boot_id, len(self._boots)) * MAX_PID + pid
        return {"pid": number, "tid": number}


def _short(event: ExecFailed | Program) -> str:
    return fit(command(event), NAME_COLUMNS)


def _about_life(life: Life) -> Record:
    """What a viewer shows of a process; names and units are those of its fields."""
    about: Record = {"pid": life.pid, "ppid": life.ppid, "uid": life.uid}
    if life.exit_code is None:
        return about
    used = ("user_time", "system_time", "max_rss", "read_bytes", "write_bytes")
    return {**about, "exit": status(life), **{name: getattr(life, name) for name in used}}


def _about_program(program: Program) -> Record:
    texts = ("pathname", "script_pathname", "cwd", "user")
    about: Record = {name: escape(text) for name in texts if (text := getattr(program, name)) is not None}
    if program.argv is not None:
        about["argv"] = list(map(escape, program.argv))
    return about
