"""Who made whom: joins each event with its process's creator and ancestors; pure."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import force_setattr

from whatran.event import Exec, Exit, Fork, TaskEvent
from whatran.living import Living

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ANCESTORS = 64
"""Chains may be longer, where each process forks the next and ends."""


MOST_NEW = 4096
"""How many more are no crowd, however few there were."""

_START = attrgetter("process_start_time")
_key = attrgetter("pid", "process_start_time")


class _Process(msgspec.Struct, gc=False):
    """What is remembered of one that lives."""

    start_time: int
    creator: tuple[int, int] | None
    exec_id: int
    ancestors: tuple[str, ...]
    unsure: bool = False
    """Whether it was first seen in the middle, so that an exec before that may not have been seen."""


class Processes:
    """Follows events in the order of time; what it keeps is the processes that live."""

    def __init__(self) -> None:
        self._living: Living[_Process] = Living()
        self._new: dict[tuple[int, int], Exec] = {}
        self._missed: dict[tuple[int, int], Exec] = {}
        self._gone: dict[int, _Process] = {}
        self._known = 0
        """How many processes lived when they were looked at last."""
        self.ended: list[tuple[int, int]] = []
        """Who was found to have ended as settle() was called last: pids, and when each was forked."""

    def __call__(self, event: TaskEvent) -> TaskEvent:
        """The event, with the facts it lacked filled in: nobody else has it yet."""
        process = self._living.get(event.pid)
        if process is None or process.start_time != event.process_start_time:
            process = self._of(event)
        if creator := process.creator:
            force_setattr(event, "creator_pid", creator[0])
            force_setattr(event, "creator_start_time", creator[1])
        # isinstance() of what is none takes as long as all else here.
        if type(event) is Exec:
            process.exec_id = event.exec_id
            process.unsure = False
            force_setattr(event, "ancestors", process.ancestors)
        elif type(event) is Fork:
            if event.child_tid == event.child_pid:
                names = (event.comm, *process.ancestors)[:MAX_ANCESTORS]
                creator = (event.pid, event.process_start_time)
                self._living[event.child_pid] = _Process(event.start_time, creator, event.exec_id, names)
        elif type(event) is Exit and event.process_group_exit:
            self._end(event, process)
        return event

    @property
    def crowded(self) -> bool:
        """Whether there are so many more than when they were looked at last that most may have ended unseen."""
        return len(self._living) > MOST_NEW + 2 * self._known

    def older(self, living: Iterable[Exec]) -> None:
        """Processes that were there before the watch."""
        for event in sorted(living, key=_START):  # parents come first, as a rule
            self._of(event)
        self._known = len(self._living)

    def learn(self, living: Iterable[tuple[Exec, bool]]) -> list[Exec]:
        """Those of the processes that live now of which an exec was not seen, or not yet: settle() will tell.

        Each is given as an exec, and whether it has executed anything since its fork. What
        is known changes by settle() only: events on their way are still of the time before.
        """
        now = sorted(living, key=lambda pair: _START(pair[0]))
        pids = {event.pid for event, _ in now}
        self._gone = {pid: process for pid, process in self._living.items() if pid not in pids}
        # One that has executed something and has no file has given up its memory: it ends.
        now = [(event, executed) for event, executed in now if event.inode or not executed]
        self._new = {_key(event): event for event, _ in now if self._is_new(event)}
        self._missed = {_key(event): event for event, executed in now if executed and self._is_news(event)}
        return list(self._missed.values())

    def forget(self, event: Exec) -> None:
        """That one is of no interest."""
        self._missed.pop(_key(event), None)

    def settle(self) -> list[Exec]:
        """What learn() found and no event has told since, although all that were on their way have come."""
        self.ended = []
        for pid, process in self._gone.items():  # their exits were lost
            if self._living.get(pid) is process:
                del self._living[pid]
                self.ended.append((pid, process.start_time))
        missed = [event for event in self._missed.values() if self._is_news(event)]
        for event in self._new.values():
            self._of(event)
        self._new, self._missed, self._gone = {}, {}, {}
        self._known = len(self._living)
        return [event for event in map(self, missed) if isinstance(event, Exec)]

    def _is_new(self, event: Exec) -> bool:
        known = self._living.get(event.pid)
        return known is None or known.start_time < event.process_start_time

    def _is_news(self, event: Exec) -> bool:
        known = self._living.get(event.pid)
        if known is None or known.start_time != event.process_start_time:
            return self._is_new(event)
        return known.unsure or event.exec_id > known.exec_id

    def _end(self, event: Exit, process: _Process) -> None:
        if self._new or self._missed:
            key = _key(event)
            self._new.pop(key, None)
            self._missed.pop(key, None)
        if self._living.get(event.pid) is process:
            del self._living[event.pid]

    def _of(self, event: TaskEvent) -> _Process:
        if known := self._living.of(event.pid, event.process_start_time):
            return known
        # Its fork was not seen: its parent is all that is known of who made it.
        parent = self._living.of(event.ppid, event.ppid_start_time)
        above = parent.ancestors if parent else ()
        ancestors = (event.ppid_comm, *above)[:MAX_ANCESTORS] if event.ppid else ()
        process = _Process(event.process_start_time, None, event.exec_id, ancestors)
        process.unsure = not isinstance(event, Exec)
        self._living.add(event.pid, process)
        return process
