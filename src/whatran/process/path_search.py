"""A search of PATH is one thing: the attempts that failed are folded into the exec that ended it; pure."""

from __future__ import annotations

import errno
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec.structs import force_setattr

from whatran.event import Event, Exec, ExecFailed, Exit, Fork

if TYPE_CHECKING:
    from collections.abc import Iterable

# After these execvp(3) of glibc and musl goes on to the next folder; posix_spawnp(3), shells and make do alike.
_GO_ON = frozenset((errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT))

MAX_ATTEMPTS = 1024
"""More folders than any PATH has: whoever tries on and on is told of at times."""


class PathSearch:
    """Holds the failures of a search back until it has ended, up to the end of the next batch."""

    def __init__(self) -> None:
        self._searches: dict[int, list[ExecFailed]] = {}  # by tid
        self._old: set[int] = set()

    @property
    def holding(self) -> bool:
        """Whether a search has not ended: more has to be asked for, if in vain."""
        return bool(self._searches)

    def __call__(self, events: Iterable[Event]) -> list[Event]:
        """A batch in the order of time, without the attempts that were not the last ones."""
        out: list[Event] = []
        for event in events:
            if self._searches or isinstance(event, ExecFailed):
                self._take(event, out)
            else:
                out.append(event)
        for tid in self._old & self._searches.keys():
            out += self._end(tid)
        self._old = set(self._searches)
        out.sort(key=attrgetter("timestamp_boot"))
        return out

    def finish(self) -> list[Event]:
        """What is left; no more will come."""
        return [failed for tid in list(self._searches) for failed in self._end(tid)]

    def _take(self, event: Event, out: list[Event]) -> None:
        match event:
            case ExecFailed():
                self._old.discard(event.tid)
                if not self._goes_on(event.tid, event):
                    out += self._end(event.tid)
                self._searches.setdefault(event.tid, []).append(event)
                return
            case Exec():
                # The thread that executes takes its leader's tid.
                tid = event.tid if event.old_tid is None else event.old_tid
                if self._goes_on(tid, event):
                    force_setattr(event, "tried", _paths(self._searches.pop(tid)))
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
            and before.process_start_time == event.process_start_time
            and before.cmdpath.rpartition("/")[2] == event.cmdpath.rpartition("/")[2]
            and len(search) < MAX_ATTEMPTS
        )

    def _end_all(self, pid: int) -> list[ExecFailed]:
        tids = [tid for tid, search in self._searches.items() if search[-1].pid == pid]
        return [failed for tid in tids for failed in self._end(tid)]

    def _end(self, tid: int) -> list[ExecFailed]:
        """The search as one failure: its last."""
        search = self._searches.pop(tid, None)
        if not search:
            return []
        *tried, last = search
        force_setattr(last, "tried", _paths(tried))
        return [last]


def _paths(attempts: Iterable[ExecFailed]) -> tuple[str | None, ...]:
    return tuple(failed.cmdpath for failed in attempts)
