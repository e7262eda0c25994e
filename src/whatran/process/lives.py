"""A life is one row: what a process was from its fork to its end; pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar

import msgspec

from whatran.event import SCHEMA, Exec, ExecFailed, Exit, Fork, Gap, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whatran.event import Event

Key = tuple[str, int, int]
"""Names a process for ever: the boot, its pid, and when it was forked in ns since boot."""


class Program(msgspec.Struct, frozen=True, gc=False):
    """One of the programs a process executed; fields as those of sched_process_exec."""

    timestamp: int
    """When, in ns since the epoch."""
    timestamp_boot: int
    """When, in ns since boot."""
    cmdpath: str | None
    """Path as it was passed to execve(2)."""
    pathname: str | None
    """Absolute path of the binary that really ran."""
    script_pathname: str | None
    """Absolute path of the script that it interpreted; null where there is none."""
    interp: str | None
    """Shebang interpreter, or cmdpath again."""
    argv: list[str] | None
    """Arguments."""
    cwd: str | None
    """Current working directory."""
    comm: str
    """The process's name from then on."""
    uid: int
    """Real user id."""
    user: str | None
    """Name of uid."""
    euid: int
    """Effective user id."""
    tried: tuple[str | None, ...]
    """Paths that were tried in vain just before, in the same search of PATH."""
    repaired: bool
    """Whether its record was lost, and this is what the living process told later."""
    truncated: dict[str, int]
    """For each field that was cut, its true length in bytes."""


class Failure(msgspec.Struct, frozen=True, gc=False):
    """A program that a process could not execute; fields as those of process_execute_failed."""

    timestamp: int
    """When, in ns since the epoch."""
    timestamp_boot: int
    """When, in ns since boot."""
    cmdpath: str | None
    """Path as it was passed to execve(2)."""
    argv: list[str] | None
    """Arguments."""
    comm: str
    """The process's name then."""
    errno: int
    """Why, as errno(3) numbers it."""
    tried: tuple[str | None, ...]
    """The other paths that were tried in the same search of PATH."""
    truncated: dict[str, int]
    """For each field that was cut, its true length in bytes."""


class Life(msgspec.Struct, frozen=True, gc=False):
    """A process from its fork to its end. What was not seen of it is null.

    That is all that its end tells while it runs on, or where its exit was lost; and who made it,
    where it is older than the watch: such a process has a row once it forked or executed something.
    """

    NAME: ClassVar[str] = "life"

    schema: int
    """Version of this set of fields; 1."""
    event: str
    """Always life."""
    start_timestamp: int
    """When it was forked, in ns since the epoch."""
    end_timestamp: int | None
    """When it ended, in ns since the epoch."""
    boot_id: str
    """Which boot of the machine this was; with pid and start_time it names the process for ever and everywhere."""
    running: bool | None
    """Whether it had not ended when the watch did; null where its exit may have been lost or filtered."""
    pid: int
    """Process id in the initial pid namespace."""
    start_time: int
    """When it was forked, in ns since boot; names it, together with pid."""
    creator_pid: int | None
    """Who forked it; null where that was not seen."""
    creator_start_time: int | None
    """When its creator was forked, in ns since boot."""
    ppid: int
    """Its parent as of its last event: the creator, or who has adopted it."""
    ppid_start_time: int
    """When that parent was forked, in ns since boot."""
    ppid_comm: str
    """That parent's name."""
    comm: str
    """Its last name."""
    uid: int
    """Its last real user id."""
    euid: int
    """Its last effective user id."""
    cgroup_id: int
    """Its last cgroup."""
    pathname: str | None
    """Path of the last program it executed; null if none was seen."""
    argv: list[str] | None
    """Arguments of the last program it executed."""
    programs: list[Program]
    """The programs it executed, in order."""
    unseen_execs: int
    """How many programs it executed besides: filtered, out of scope or lost."""
    failures: list[Failure]
    """Programs it could not execute, in order; the last 100."""
    failed_execs: int
    """How many there were in all."""
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
    """Largest resident set in bytes, that of before its first exec included."""
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

    @property
    def key(self) -> Key:
        return self.boot_id, self.pid, self.start_time

    @property
    def creator(self) -> Key | None:
        if self.creator_pid is None or self.creator_start_time is None:
            return None
        return self.boot_id, self.creator_pid, self.creator_start_time

    @property
    def parent(self) -> Key:
        return self.boot_id, self.ppid, self.ppid_start_time

    @property
    def adopted(self) -> bool:
        """Whether its parent is another than who made it."""
        return self.creator is not None and self.creator != self.parent

    @property
    def failed(self) -> bool:
        """Whether it ended with a status other than 0, or by a signal."""
        return bool(self.exit_code or self.signal_code)

    @property
    def older(self) -> bool:
        """Whether it is known only as the creator of others, being there before."""
        return self.creator_pid is None and not self.programs


_OF_EXIT = Life.__struct_fields__[Life.__struct_fields__.index("exit_code") :]
_of_exit = attrgetter(*_OF_EXIT)
"""What Life has from Exit."""
_UNENDED = (None,) * len(_OF_EXIT)

_Last = tuple[int, int, int, int, str, str, int, int, int, int]
_last: Callable[[TaskEvent], _Last] = attrgetter(
    "timestamp",
    "timestamp_boot",
    "ppid",
    "ppid_start_time",
    "ppid_comm",
    "comm",
    "uid",
    "euid",
    "cgroup_id",
    "exec_id",
)
"""What the last event of a process tells of it: the event itself may have an environment of some MiB."""

MAX_FAILURES = 100
SHARED_TEXTS = 4096
SHARED_LENGTH = 256


class _Open(msgspec.Struct, gc=False):
    """A process that has not ended."""

    key: Key
    exec_id: int
    """As it was before its first own exec."""
    last: _Last
    """Of its last own event; before there is one, of the fork that made it."""
    creator: Key | None = None
    programs: list[Program] = []
    failures: list[Failure] = []
    failed: int = 0


class Lives:
    """Follows events, those of one process in their order.

    What it keeps is the processes that are alive, however many there were.
    """

    def __init__(self, *, filtered: bool = False) -> None:
        """``filtered`` says that exits may be missing of processes whose other events are not."""
        self._filtered = filtered
        # By boot and pid: a process whose exit was lost makes way for the next.
        self._open: dict[tuple[str, int], _Open] = {}
        self._exits_lost: dict[str, int] = {}  # by boot: when last, in ns since then
        # Most arguments are the same in many lives: those that keep the lives keep each but once. Other texts come
        # from the decoder, which makes those of many events but once.
        self._same = lru_cache(SHARED_TEXTS)(_itself)

    def __call__(self, event: Event) -> list[Life]:
        """The lives that this event ends, or shows to have ended before."""
        ended: list[Life] = []
        if type(event) is Fork:
            if event.child_tid == event.child_pid:
                creator = self._self(event, ended)
                key = event.boot_id, event.child_pid, event.start_time
                child = self._process(key, event.exec_id, _at_birth(event, creator.last), ended)
                child.creator = creator.key
        elif type(event) is Exec:
            process = self._self(event, ended)
            process.programs.append(self._program(event))
            if self._open[event.boot_id, event.pid] is not process:  # another has its pid already: this comes late
                ended.append(self._life(process, running=False))
        elif type(event) is Exit:
            if event.process_group_exit:
                self._end(event, ended)
        elif type(event) is ExecFailed:
            process = self._self(event, ended)
            process.failed += 1
            process.failures.append(self._failure(event))
            del process.failures[:-MAX_FAILURES]
        elif type(event) is Gap and event.kind == Exit.NAME:
            self._exits_lost[event.boot_id] = event.timestamp_boot
        return ended

    def finish(self) -> Iterator[Life]:
        """The processes that live on, as far as is known."""
        for process in self._open.values():
            unsure = self._filtered or process.last[1] < self._exits_lost.get(process.key[0], 0)
            yield self._life(process, running=None if unsure else True)
        self._open.clear()

    def _self(self, event: TaskEvent, ended: list[Life]) -> _Open:
        """The process whose own event this is."""
        key, last = (event.boot_id, event.pid, event.process_start_time), _last(event)
        process = self._process(key, event.exec_id - (type(event) is Exec), last, ended)
        process.last = last
        if process.creator is None and event.creator_pid is not None and event.creator_start_time is not None:
            process.creator = event.boot_id, event.creator_pid, event.creator_start_time
        return process

    def _process(self, key: Key, exec_id: int, last: _Last, ended: list[Life]) -> _Open:
        """The process of that name, such where it is new; if another had its pid before, that has ended."""
        boot_id, pid, start_time = key
        before = self._open.get((boot_id, pid))
        if before is not None and before.key == key:
            return before
        process = _Open(key, exec_id, last)
        if before is None or before.key[2] < start_time:
            self._open[boot_id, pid] = process
            if before is not None:
                ended.append(self._life(before, running=False))
        return process

    def _end(self, event: Exit, ended: list[Life]) -> None:
        process = self._open.get((event.boot_id, event.pid))
        if process is None or process.key[2] > event.process_start_time:
            return  # nothing is known of it but that it ended
        del self._open[event.boot_id, event.pid]
        seen = process.key[2] == event.process_start_time
        ended.append(self._life(process, event if seen else None, running=False))

    def _life(self, process: _Open, ended: Exit | None = None, *, running: bool | None) -> Life:
        last = _last(ended) if ended else process.last
        timestamp, timestamp_boot, ppid, ppid_start_time, ppid_comm, comm, uid, euid, cgroup_id, exec_id = last
        boot_id, pid, start_time = process.key
        programs = process.programs
        _, creator_pid, creator_start_time = process.creator or (None, None, None)
        own = (
            SCHEMA,
            Life.NAME,
            timestamp - timestamp_boot + start_time,
            timestamp if ended else None,
            boot_id,
            running,
            pid,
            start_time,
            creator_pid,
            creator_start_time,
            ppid,
            ppid_start_time,
            ppid_comm,
            comm,
            uid,
            euid,
            cgroup_id,
            programs[-1].pathname if programs else None,
            programs[-1].argv if programs else None,
            programs,
            max(0, exec_id - process.exec_id - len(programs)),
            process.failures,
            process.failed,
        )
        return Life(*own + (_of_exit(ended) if ended else _UNENDED))

    def _program(self, event: Exec) -> Program:
        return Program(
            timestamp=event.timestamp,
            timestamp_boot=event.timestamp_boot,
            cmdpath=event.cmdpath,
            pathname=event.pathname,
            script_pathname=event.script_pathname,
            interp=event.interp,
            argv=self._shared(event.argv),
            cwd=event.cwd,
            comm=event.comm,
            uid=event.uid,
            user=event.user,
            euid=event.euid,
            tried=event.tried,
            repaired=event.repaired,
            truncated=event.truncated,
        )

    def _failure(self, event: ExecFailed) -> Failure:
        return Failure(
            timestamp=event.timestamp,
            timestamp_boot=event.timestamp_boot,
            cmdpath=event.cmdpath,
            argv=self._shared(event.argv),
            comm=event.comm,
            errno=event.errno,
            tried=event.tried,
            truncated=event.truncated,
        )

    def _shared(self, argv: list[str] | None) -> list[str] | None:
        """Equal arguments; long ones are not kept, for they could be very long."""
        if argv is None:
            return None
        return [self._same(text) if len(text) <= SHARED_LENGTH else text for text in argv]


def _at_birth(event: Fork, creator: _Last) -> _Last:
    """What is known of a process that did nothing since its fork: all is as with its creator, but for the parent."""
    if event.parent_process_pid != event.pid:  # with CLONE_PARENT that is the same, too
        return creator
    return (*creator[:2], event.pid, event.process_start_time, event.comm, *creator[5:])


def _itself(text: str) -> str:
    return text
