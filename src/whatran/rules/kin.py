"""Who is whose ancestor, and what each of them ran when it forked; pure."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from whatran.event import Exec, Exit, Fork, TaskEvent
from whatran.living import Living

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ANCESTORS = 64
"""As many as an event names."""

MOST_CHARS = 4 << 10
"""Of a command line that is remembered: arguments may have MiB, and processes are many."""

SHARED = 1 << 10
"""So many are looked for among those that others run: a machine runs the same again and again."""

_START = attrgetter("process_start_time")


class Ran(msgspec.Struct, frozen=True, gc=False):
    """What a process runs; shared by all that inherit it."""

    image: str | None = None
    command_line: str | None = None
    image_lower: str | None = None
    """The same as rules see it, once for all children."""
    command_line_lower: str | None = None
    """The same."""

    @classmethod
    def of(cls, image: str | None, command_line: str | None) -> Ran:
        """With all that follows from these."""
        line = command_line and command_line[:MOST_CHARS]
        return cls(image, line, _lower(image), _lower(line))


class Kin(msgspec.Struct, gc=False):
    """A process that lives: what it runs, and what its creators ran as they forked, the nearest first."""

    start_time: int = 0
    ran: Ran = Ran()
    ancestors: tuple[Ran, ...] = ()
    mnt_ns: int | None = None
    """The creator's, as it forked."""
    pid_ns: int | None = None
    """The creator's."""

    @property
    def image(self) -> str | None:
        """What the creator ran."""
        return self.ancestors[0].image if self.ancestors else None

    @property
    def command_line(self) -> str | None:
        """How the creator was called."""
        return self.ancestors[0].command_line if self.ancestors else None

    @property
    def images(self) -> tuple[str, ...]:
        """What all of them ran, as far as that is known."""
        return tuple(ran.image for ran in self.ancestors if ran.image is not None)

    @property
    def command_lines(self) -> tuple[str, ...]:
        """How all of them were called, as far as that is known."""
        return tuple(ran.command_line for ran in self.ancestors if ran.command_line is not None)


class Family:
    """Follows events in the order of time; what it keeps is the processes that live."""

    def __init__(self) -> None:
        self._living: Living[Kin] = Living()

    def older(self, living: Iterable[Exec]) -> None:
        """Processes that were there before."""
        for event in sorted(living, key=_START):  # parents come first, as a rule
            self._living.add(event.pid, self._adopted(event))

    def of(self, event: TaskEvent) -> Kin:
        """The process that an event is of."""
        known = self._living.of(event.pid, event.process_start_time)
        if known is None:
            known = self._adopted(event)
            self._living.add(event.pid, known)
        return known

    def follow(self, event: TaskEvent) -> None:
        """Takes note of what happened."""
        if type(event) is Exec:
            self.of(event).ran = _ran(event)
        elif type(event) is Fork:
            if event.child_tid == event.child_pid:
                kin = self.of(event)
                above = (kin.ran, *kin.ancestors)[:MOST_ANCESTORS]
                self._living[event.child_pid] = Kin(event.start_time, kin.ran, above, event.mnt_ns, event.pid_ns)
        elif type(event) is Exit and event.process_group_exit:
            self._living.forget([(event.pid, event.process_start_time)])

    def forget(self, ended: Iterable[tuple[int, int]]) -> None:
        """These have ended, although no event has said so: pids, and when each was forked."""
        self._living.forget(ended)

    def _adopted(self, event: TaskEvent) -> Kin:
        """One whose fork was not seen: its parent is all that is known of who made it."""
        ran = _ran(event) if isinstance(event, Exec) else Ran()
        parent = self._living.of(event.ppid, event.ppid_start_time)
        if parent is None:
            return Kin(event.process_start_time, ran)
        return Kin(event.process_start_time, ran, (parent.ran, *parent.ancestors)[:MOST_ANCESTORS])


def _lower(text: str | None) -> str | None:
    """In lower case; the same object where it is that already."""
    lower = text and text.lower()
    return text if lower == text else lower


def _ran(event: Exec) -> Ran:
    return _shared(event.pathname, None if event.argv is None else " ".join(event.argv)[:MOST_CHARS])


_shared = lru_cache(SHARED)(Ran.of)
"""One for all that run the same."""
