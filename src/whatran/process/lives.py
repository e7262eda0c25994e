"""A life is one row: what a process was from its fork to its end; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from whatran.event import SCHEMA, Exec, Exit, Fork, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whatran.event import Event


class Program(msgspec.Struct, frozen=True, gc=False):
    """One of the programs a process executed; fields as those of sched_process_exec."""

    timestamp: int
    """When, in ns since the epoch."""
    cmdpath: str | None
    """Path as it was passed to execve(2)."""
    pathname: str | None
    """Absolute path of the binary that really ran."""
    interp: str | None
    """Shebang interpreter, or cmdpath again."""
    argv: list[str] | None
    """Arguments."""
    cwd: str | None
    """Current working directory."""
    uid: int
    """Real user id."""
    euid: int
    """Effective user id."""
    truncated: dict[str, int]
    """For each field that was cut, its true length in bytes."""


class Life(msgspec.Struct, frozen=True, gc=False):
    """A process from its fork to its end. What its end tells is null while it runs on."""

    NAME: ClassVar[str] = "life"

    schema: int
    """Version of this set of fields; 1."""
    event: str
    """Always life."""
    start_timestamp: int
    """When it was forked, in ns since the epoch."""
    end_timestamp: int | None
    """When it ended, in ns since the epoch."""
    pid: int
    """Process id in the initial pid namespace."""
    start_time: int
    """When it was forked, in ns since boot; names it, together with pid."""
    creator_pid: int | None
    """Who forked it; null where that was not seen."""
    creator_start_time: int | None
    """When its creator was forked, in ns since boot."""
    ppid: int
    """Its parent as of the last event: the creator, or who has adopted it."""
    comm: str
    """Its last name."""
    uid: int
    """Its last real user id."""
    euid: int
    """Its last effective user id."""
    cgroup_id: int
    """Its last cgroup."""
    pathname: str | None
    """Path of the last program it executed; null if it executed none."""
    argv: list[str] | None
    """Arguments of the last program it executed."""
    programs: list[Program]
    """All programs it executed, in order."""
    exit_code: int | None
    """Exit status, 0 to 255."""
    signal_code: int | None
    """Number of the signal that ended it, 0 for none."""
    core_dumped: bool | None
    """Whether a core was dumped."""
    duration: int | None
    """From fork to end, in ns."""
    user_time: int | None
    """User CPU time in ns."""
    system_time: int | None
    """System CPU time in ns."""
    max_rss: int | None
    """Largest resident set in bytes."""
    minor_faults: int | None
    """Page faults served without I/O."""
    major_faults: int | None
    """Page faults that needed I/O."""
    rchar: int | None
    """Bytes passed to read(2) and its like."""
    wchar: int | None
    """Bytes passed to write(2) and its like."""
    read_bytes: int | None
    """Bytes really fetched from storage."""
    write_bytes: int | None
    """Bytes really sent to storage."""


# These Life has from Exit, in this order.
_OF_EXIT = Life.__struct_fields__[Life.__struct_fields__.index("exit_code") :]

Key = tuple[int, int]


class _Open:
    """A process that has not ended yet."""

    __slots__ = ("execs", "fork", "last")

    def __init__(self, event: TaskEvent) -> None:
        self.fork: Fork | None = None
        self.execs: list[Exec] = []
        self.last = event


class Lives:
    """Follows events; what it keeps is the processes that are alive, however many there were."""

    def __init__(self) -> None:
        self._open: dict[Key, _Open] = {}

    def __call__(self, event: Event) -> Life | None:
        """The life that this event ended, if it ended one of which anything else is known."""
        match event:
            case Fork() if event.child_tid == event.child_pid:
                child = self._open.setdefault((event.child_pid, event.start_time), _Open(event))
                child.fork = event
            case Exec():
                key = (event.pid, event.process_start_time)
                open_ = self._open.setdefault(key, _Open(event))
                open_.execs.append(event)
                open_.last = event
            case Exit() if event.process_group_exit:
                key = (event.pid, event.process_start_time)
                if closed := self._open.pop(key, None):
                    return _life(key, closed, event)
        return None

    def finish(self) -> Iterator[Life]:
        """The processes that live on."""
        for key, open_ in self._open.items():
            yield _life(key, open_, None)
        self._open.clear()


def _life(key: Key, open_: _Open, ended: Exit | None) -> Life:
    pid, start_time = key
    fork, execs, last = open_.fork, open_.execs, ended or open_.last
    # A fork tells of the caller: of a child that did nothing since, its parent is all that is new.
    ppid = fork.parent_process_pid if fork and last is fork else last.ppid
    return Life(
        SCHEMA,
        Life.NAME,
        last.timestamp - last.timestamp_boot + start_time,
        ended.timestamp if ended else None,
        pid,
        start_time,
        fork.parent_pid if fork else None,
        fork.process_start_time if fork else None,
        ppid,
        last.comm,
        last.uid,
        last.euid,
        last.cgroup_id,
        execs[-1].pathname if execs else None,
        execs[-1].argv if execs else None,
        list(map(_program, execs)),
        *(getattr(ended, name, None) for name in _OF_EXIT),
    )


def _program(exec_: Exec) -> Program:
    return Program(*(getattr(exec_, name) for name in Program.__struct_fields__))
