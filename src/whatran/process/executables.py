"""Who started whom, by executables: of each process the programs above it, and whose pids it can know; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from whatran.event import Exec, Exit, Fork, TaskEvent
from whatran.living import Living

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whatran.event import Event

MAX_DEPTH = 8
"""So many programs above a process are kept."""

MAX_ABOVE = 64
"""So many creators up a process may have been told a pid; chains can be long."""

Key = tuple[int, int]
"""A process of one boot: its pid, and when it was forked."""


class Process(msgspec.Struct, gc=False):
    """What is remembered of one that lives."""

    key: Key
    program: str
    """What it executed last, or its creator had when it was forked; ``comm:NAME`` where no more is known."""
    parents: tuple[str, ...]
    """The programs of its creators as each was when it forked, the nearest first; of those that executed something."""
    above: tuple[Key, ...]
    """Its creators, the nearest first."""
    executed: bool
    """Whether it has executed anything itself; a subshell has not, and is nobody's parent."""

    @property
    def start_time(self) -> int:
        """When it was forked."""
        return self.key[1]


class Executables:
    """Follows events of one boot in the order of time; what it keeps is the processes that live."""

    def __init__(self, command: str | None = None) -> None:
        """With ``command``, the first exec is that of a command, and this is what stands for who started it.

        A process that was known before is none, as in a recording of which the beginning was not kept.
        """
        self._command = command
        self._living: Living[Process] = Living()

    def older(self, event: Exec) -> None:
        """A process that was there before; parents come first."""
        self._known(event).executed = True

    def __call__(self, event: Event) -> Process | None:
        """The process that executed something; None for other events."""
        if type(event) is Exec:
            if self._command is not None and event.pid not in self._living:
                process = self._set(event, (self._command,), ())
            else:
                process = self._known(event)
            self._command = None
            process.program = program_of(event)
            process.executed = True
            return process
        if type(event) is Fork:
            if event.child_tid == event.child_pid:
                parent = self._known(event)
                self._living[event.child_pid] = Process(
                    (event.child_pid, event.start_time),
                    parent.program,
                    (parent.program, *parent.parents)[:MAX_DEPTH] if parent.executed else parent.parents,
                    (parent.key, *parent.above)[:MAX_ABOVE],
                    executed=False,
                )
        elif type(event) is Exit and event.process_group_exit:
            self._living.forget([(event.pid, event.process_start_time)])
        return None

    def forget(self, ended: Iterable[Key]) -> None:
        """These have ended, although no event has said so."""
        self._living.forget(ended)

    def is_near(self, pid: int, process: Process) -> bool:
        """Whether that is the pid of the process, of one above it, or of a child that one of these has now.

        Those are what a shell knows as ``$$``, ``$PPID`` and ``$!``.
        """
        other = self._living.get(pid)
        if other is None:
            return False
        return (
            other is process
            or other.key in process.above
            or (bool(other.above) and (other.above[0] == process.key or other.above[0] in process.above))
        )

    def _known(self, event: TaskEvent) -> Process:
        if known := self._living.of(event.pid, event.process_start_time):
            return known
        # Its fork was not seen: its parent is all that is known of who made it.
        if parent := self._living.of(event.ppid, event.ppid_start_time):
            return self._set(event, (parent.program, *parent.parents)[:MAX_DEPTH], (parent.key, *parent.above))
        names = event.ancestors if type(event) is Exec else ()
        if not names and event.ppid:
            names = (event.ppid_comm,)
        return self._set(event, tuple(f"comm:{name}" for name in names[:MAX_DEPTH]), ())

    def _set(self, event: TaskEvent, parents: tuple[str, ...], above: tuple[Key, ...]) -> Process:
        key = (event.pid, event.process_start_time)
        program = program_of(event) if type(event) is Exec else f"comm:{event.comm}"
        process = Process(key, program, parents, above[:MAX_ABOVE], executed=True)
        self._living.add(event.pid, process)
        return process


def program_of(event: Exec) -> str:
    """Path of the binary; what was passed to execve(2), or ``comm:NAME``, where that is not known."""
    return event.pathname or event.cmdpath or f"comm:{event.comm}"
