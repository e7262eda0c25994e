"""A search of PATH is one thing: the attempts that failed are folded into the exec that ended it; pure."""

from __future__ import annotations

import errno
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec.structs import force_setattr

from whatran.event import Event, Exec, ExecFailed, Exit, Fork

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# After these execvp(3) of glibc and musl goes on to the next folder; posix_spawnp(3), shells and make do alike.
_GO_ON = frozenset((errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT))

MAX_ATTEMPTS = 1024
"""More folders than any PATH has: whoever tries on and on is told of at times."""

PATIENCE = 50_000_000
"""Most ns from one attempt to the next: far more than a busy machine takes for it."""


class PathSearch:
    """Holds the failures of a search back until it has ended: its task has done something else, or nothing for long."""

    def __init__(self) -> None:
        # By pid and then by tid: what else a process does must not cost more where many others search.
        self._searches: dict[int, dict[int, list[ExecFailed]]] = {}
        self._quiet = False  # the last batch was empty

    @property
    def holding(self) -> bool:
        """Whether a search has not ended: more has to be asked for, if in vain."""
        return bool(self._searches)

    def __call__(self, events: Sequence[Event]) -> list[Event]:
        """A batch in the order of time, without the attempts that were not the last ones."""
        if not self._searches and ExecFailed not in map(type, events):
            self._quiet = not events
            return list(events)
        out: list[Event] = []
        for event in events:
            if self._searches or isinstance(event, ExecFailed):
                self._take(event, out)
            else:
                out.append(event)
        out += self._end_overdue(events)
        out.sort(key=attrgetter("timestamp_boot"))
        return out

    def finish(self) -> list[Event]:
        """What is left; no more will come."""
        return [failed for pid in list(self._searches) for failed in self._end_all(pid)]

    def _end_overdue(self, events: Sequence[Event]) -> list[Event]:
        """Those that nothing more comes of, by the time of the latest event; or as no event came, twice.

        The reader asks again at once after a batch, and only where that gave nothing waits a while.
        """
        was_quiet, self._quiet = self._quiet, not events
        if not events:
            return self.finish() if was_quiet else []
        latest = events[-1].timestamp_boot
        overdue = [
            (pid, tid)
            for pid, searches in self._searches.items()
            for tid, search in searches.items()
            if not _in_time(search[-1], latest)
        ]
        return [failed for pid, tid in overdue for failed in self._end(pid, tid)]

    def _take(self, event: Event, out: list[Event]) -> None:
        match event:
            case ExecFailed():
                if not self._goes_on(event.tid, event):
                    out += self._end(event.pid, event.tid)
                self._searches.setdefault(event.pid, {}).setdefault(event.tid, []).append(event)
                return
            case Exec():
                # The thread that executes takes its leader's tid.
                tid = event.tid if event.old_tid is None else event.old_tid
                if self._goes_on(tid, event):
                    force_setattr(event, "tried", _paths(self._searches[event.pid].pop(tid)))
                out += self._end_all(event.pid)
            case Exit() if event.process_group_exit:
                out += self._end_all(event.pid)
            case Fork() | Exit():
                out += self._end(event.pid, event.tid)
        out.append(event)

    def _goes_on(self, tid: int, event: Exec | ExecFailed) -> bool:
        """Whether this is the next attempt of the search that the task has begun."""
        search = self._searches.get(event.pid, {}).get(tid)
        if not search:
            return False
        before = search[-1]
        return (
            before.errno in _GO_ON
            and before.cmdpath is not None
            and event.cmdpath is not None
            and before.process_start_time == event.process_start_time
            and _in_time(before, event.timestamp_boot)
            and before.cmdpath.rpartition("/")[2] == event.cmdpath.rpartition("/")[2]
            and len(search) < MAX_ATTEMPTS
        )

    def _end_all(self, pid: int) -> list[ExecFailed]:
        return [_told(search) for search in self._searches.pop(pid, {}).values()]

    def _end(self, pid: int, tid: int) -> list[ExecFailed]:
        searches = self._searches.get(pid, {})
        search = searches.pop(tid, None)
        if not search:
            return []
        if not searches:
            del self._searches[pid]
        return [_told(search)]


def _told(search: list[ExecFailed]) -> ExecFailed:
    """The search as one failure, the one that execvp(3) reports: permission denied anywhere, or else the last."""
    told = search[-1]
    if told.errno in _GO_ON:
        told = next((failed for failed in search if failed.errno == errno.EACCES), told)
    force_setattr(told, "tried", _paths(failed for failed in search if failed is not told))
    return told


def _in_time(failed: ExecFailed, now_boot_ns: int) -> bool:
    return now_boot_ns - failed.timestamp_boot <= PATIENCE


def _paths(attempts: Iterable[ExecFailed]) -> tuple[str | None, ...]:
    return tuple(failed.cmdpath for failed in attempts)
