"""Who made whom: the processes of a stretch of events; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from whatran.event import Event, Exec, Exit, Fork, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = tuple[int, int]
"""Names a process for ever: its pid, and when it was forked in ns since boot."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process, as far as events told of it."""

    pid: int
    start_time: int
    """When it was forked, in ns since boot."""
    creator: Key | None
    """Who forked it; None where that is not among the processes known."""
    comm: str
    """Its last known name."""
    execs: tuple[Exec, ...]
    """Every program it executed, in order; empty where it was forked only."""
    exit: Exit | None
    """How it ended; None where it was still running."""
    began: int
    """Since when it is followed, in ns since boot: its fork, or its first exec where its fork was not seen."""
    older: bool
    """Whether it was there before the events began: known only as the creator of others."""

    @property
    def key(self) -> Key:
        return self.pid, self.start_time

    @property
    def failed(self) -> bool:
        """Whether it ended with a status other than 0, or by a signal."""
        return self.exit is not None and bool(self.exit.exit_code or self.exit.signal_code)

    @property
    def running(self) -> bool:
        """Whether it is new and had not ended."""
        return self.exit is None and not self.older


@dataclass(frozen=True, slots=True)
class Tree:
    """Processes by their key, and the children of each; those of None are the roots. Both in the order of start."""

    processes: dict[Key, Process]
    children: dict[Key | None, list[Process]]


def build(events: Iterable[Event]) -> Tree:
    """The processes that were forked or executed something within the events, which may come in any order.

    A child belongs to its creator, whoever its parent is by now; where the fork is not among the
    events, to its parent at the first exec. Threads are part of their process, and the end of a process
    of which nothing else is known is nothing to show.
    """
    execs: defaultdict[Key, list[Exec]] = defaultdict(list)
    forks: dict[Key, Fork] = {}
    exits: dict[Key, Exit] = {}
    creators: dict[Key, Fork] = {}  # by the creator: one fork it made, for its name
    for event in events:
        match event:
            case Exec():
                execs[_key(event)].append(event)
            case Fork() if event.child_tid == event.child_pid:
                forks[event.child_pid, event.start_time] = event
                creators[_key(event)] = event
            case Exit() if event.process_group_exit:
                exits[_key(event)] = event

    known = execs.keys() | forks.keys() | creators.keys()
    processes: dict[Key, Process] = {}
    children: defaultdict[Key | None, list[Process]] = defaultdict(list)
    for key in sorted(known, key=lambda key: (key[1], key[0])):
        history = tuple(sorted(execs.get(key, ()), key=attrgetter("timestamp_boot")))
        fork = forks.get(key)
        ended = exits.get(key)
        last = ended or (history[-1] if history else fork or creators[key])
        creator = _key(fork) if fork else (history[0].ppid, history[0].ppid_start_time) if history else None
        process = Process(
            pid=key[0],
            start_time=key[1],
            # Keys come in the order of start and nobody starts before its creator: no circle can be closed.
            creator=creator if creator in processes else None,
            comm=last.comm,
            execs=history,
            exit=ended,
            began=key[1] if fork or not history else history[0].timestamp_boot,
            older=not history and not fork,
        )
        processes[key] = process
        children[process.creator].append(process)
    return Tree(processes, dict(children))


def _key(event: TaskEvent) -> Key:
    return event.pid, event.process_start_time
