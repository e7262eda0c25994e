"""A search of PATH is one thing: the attempts that failed are folded into the exec that ended it; pure."""

from __future__ import annotations

import errno
import itertools
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
        self._searches: dict[int, list[ExecFailed]] = {}  # by tid, the one with the latest attempt last
        self._tids: dict[int, dict[int, None]] = {}  # of these, by pid: there may be very many
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
        return [failed for tid in list(self._searches) for failed in self._end(tid)]

    def _end_overdue(self, events: Sequence[Event]) -> list[Event]:
        """Those that nothing more comes of, by the time of the latest event; or as no event came, twice.

        The reader asks again at once after a batch, and only where that gave nothing waits a while.
        """
        was_quiet, self._quiet = self._quiet, not events
        if not events:
            return self.finish() if was_quiet else []
        latest = events[-1].timestamp_boot
        overdue = itertools.takewhile(lambda each: not _in_time(each[1][-1], latest), self._searches.items())
        return [failed for tid, _ in list(overdue) for failed in self._end(tid)]

    def _take(self, event: Event, out: list[Event]) -> None:
        match event:
            case ExecFailed():
                if not self._goes_on(event.tid, event):
                    out += self._end(event.tid)
                self._begin_or_go_on(event)
                return
            case Exec():
                # The thread that executes takes its leader's tid.
                tid = event.tid if event.old_tid is None else event.old_tid
                if self._goes_on(tid, event):
                    force_setattr(event, "tried", _paths(self._pop(tid)))
                out += self._end_all(event.pid)
            case Exit() if event.process_group_exit:
                out += self._end_all(event.pid)
            case Fork() | Exit():
                out += self._end(event.tid)
        out.append(event)

    def _goes_on(self, tid: int, event: Exec | ExecFailed) -> bool:
        """Whether this is the next attempt of the search that the task has begun."""
        search = self._searches.get(tid)
        if not search:
            return False
        before = search[-1]
        return (
            before.errno in _GO_ON
            and before.cmdpath is not None
            and event.cmdpath is not None
            and (before.pid, before.process_start_time) == (event.pid, event.process_start_time)
            and _in_time(before, event.timestamp_boot)
            and before.cmdpath.rpartition("/")[2] == event.cmdpath.rpartition("/")[2]
            and len(search) < MAX_ATTEMPTS
        )

    def _end_all(self, pid: int) -> list[ExecFailed]:
        return [failed for tid in tuple(self._tids.get(pid, ())) for failed in self._end(tid)]

    def _begin_or_go_on(self, event: ExecFailed) -> None:
        search = self._searches[event.tid] = self._searches.pop(event.tid, [])  # last again
        search.append(event)
        self._tids.setdefault(event.pid, {})[event.tid] = None

    def _pop(self, tid: int) -> list[ExecFailed]:
        """A search that is none any more; empty where there is none."""
        search = self._searches.pop(tid, [])
        if search:
            tids = self._tids[search[0].pid]
            del tids[tid]
            if not tids:
                del self._tids[search[0].pid]
        return search

    def _end(self, tid: int) -> list[ExecFailed]:
        """The search as one failure, the one that execvp(3) reports: permission denied anywhere, or else the last."""
        search = self._pop(tid)
        if not search:
            return []
        told = search[-1]
        if told.errno in _GO_ON:
            told = next((failed for failed in search if failed.errno == errno.EACCES), told)
        force_setattr(told, "tried", _paths(failed for failed in search if failed is not told))
        return [told]


def _in_time(failed: ExecFailed, now_boot_ns: int) -> bool:
    return now_boot_ns - failed.timestamp_boot <= PATIENCE


def _paths(attempts: Iterable[ExecFailed]) -> tuple[str | None, ...]:
    return tuple(failed.cmdpath for failed in attempts)
