"""The Python API: ``watch`` a machine, a tree or a command; ``run`` a command to its end."""

from __future__ import annotations

import mmap
import os
import select
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Self

import msgspec

from whatran.errors import SourceError, UsageError
from whatran.event import Event, Exec, Exit, Fork
from whatran.filter import Condition, Filter, equals, parse
from whatran.pipeline import Pipeline
from whatran.pushdown import KIND_OF, push_down
from whatran.source.command import Command
from whatran.source.ebpf import Ebpf
from whatran.source.procfs import (
    INITIAL_PID_NAMESPACE,
    Stat,
    descendants,
    is_initial,
    process_of,
    stat_of,
    wall_offset,
)
from whatran.stats import Counts, Stats
from whatran.wire import layout
from whatran.wire.settings import UNLIMITED, Settings

BATCH_SECONDS = 0.05
"""How long to gather records once the first has come: one wake-up for many of them."""

RING_BYTES = 8 << 20

SCOPE_TREE = layout.SCOPE_SELF | layout.SCOPE_TREE


def watch(
    command: Sequence[str] | None = None,
    *,
    pid: Collection[int] = (),
    tree: Collection[int] = (),
    uid: Collection[int] = (),
    comm: Collection[str] = (),
    filters: Iterable[str] = (),
    env: bool = False,
    threads: bool = False,
    max_argv: int | None = None,
    max_env: int | None = None,
    timeout: float | None = None,
    ring_bytes: int = RING_BYTES,
) -> Watch:
    """A Watch, already in force: what happens from now on is seen.

    With a command, that is started and exactly its descendants are watched, from its first
    exec on. Else the whole machine is, or where given the processes ``pid`` and the
    processes ``tree`` with all their descendants. Of those, only what ``uid`` (real user
    ids), ``comm`` (names) and ``filters`` (texts as ``pathname=/tmp/*`` or ``comm!=make``)
    let pass. ``env`` and ``threads`` ask for environments, and for the forks and exits of
    threads. argv and env are whole unless ``max_argv`` or ``max_env`` say how many bytes to
    keep. It ends after ``timeout`` seconds, with the command, or never.

    Raises UsageError for what cannot be, CommandError if the command cannot be started,
    SourceError if the kernel does not let us watch.
    """
    _check(command, pid=pid, tree=tree, uid=uid, comm=comm, filters=filters, timeout=timeout)
    for name, most in (("max_argv", max_argv), ("max_env", max_env)):
        if most is not None and not 0 <= most < UNLIMITED:
            raise UsageError(f"{name} cannot be {most}: give a number of bytes below {UNLIMITED}")
    if not mmap.PAGESIZE <= ring_bytes <= 1 << 31 or ring_bytes & (ring_bytes - 1):
        raise UsageError(
            f"the ring buffer cannot have {ring_bytes} bytes: give a power of two from {mmap.PAGESIZE} to {1 << 31}"
        )
    conditions = [
        *(equals("uid", number) for number in uid),
        # The kernel keeps 15 bytes of a name.
        *(equals("comm", os.fsdecode(os.fsencode(name)[: layout.COMM_BYTES - 1])) for name in comm),
        *map(parse, filters),
    ]
    settings = Settings(
        scoped=command is not None or bool(pid) or bool(tree),
        env=env,
        threads=threads,
        max_argv=UNLIMITED if max_argv is None else max_argv,
        max_env=UNLIMITED if max_env is None else max_env,
        command=b"" if command is None else b"whatran" + os.urandom(4).hex().encode(),
        ring_bytes=ring_bytes,
    )
    if not env and any(condition.field == "env" for condition in conditions):
        raise UsageError("a filter on env needs env itself: ask for it, with --env or env=True")
    settings, left = push_down(conditions, settings)
    try:
        return Watch(settings, left, command=command, pid=pid, tree=tree, timeout=timeout)
    except OSError as error:  # no descriptors, processes or memory left
        raise SourceError(f"cannot start watching: {error.strerror or error}") from error


def run(
    command: Sequence[str],
    *,
    uid: Collection[int] = (),
    comm: Collection[str] = (),
    filters: Iterable[str] = (),
    env: bool = False,
    threads: bool = False,
    max_argv: int | None = None,
    max_env: int | None = None,
    ring_bytes: int = RING_BYTES,
) -> Completed:
    """Runs a command to its end; what it and its descendants did.

    Options and errors are those of watch().
    """
    with watch(
        command,
        uid=uid,
        comm=comm,
        filters=filters,
        env=env,
        threads=threads,
        max_argv=max_argv,
        max_env=max_env,
        ring_bytes=ring_bytes,
    ) as watching:
        events = list(watching)
        return Completed(list(command), watching.wait(), events, watching.stats)


class Completed(msgspec.Struct, frozen=True):
    """A command that was run."""

    args: list[str]
    """The command, as it was given."""
    returncode: int
    """Its exit status, or minus the number of the signal that ended it."""
    events: list[Event]
    """What it and its descendants did, in order."""
    stats: Stats
    """What was counted: ``stats.lost`` is 0 if ``events`` is complete."""


class Watch:
    """Events as they come: iterate over it, or read() batches of them; a context manager."""

    def __init__(
        self,
        settings: Settings,
        conditions: Sequence[Condition],
        *,
        command: Sequence[str] | None,
        pid: Collection[int],
        tree: Collection[int],
        timeout: float | None,
    ) -> None:
        self.ended = False
        """Whether all was read: the command has ended, the time is over or stop() was called."""
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._pipeline = Pipeline([Filter(conditions)] if conditions else [])
        self._command: Command | None = None
        self._more = self._closed = False
        self._stats: Stats | None = None
        with ExitStack() as stack:
            roots = {number: _existing(number) for number in (*pid, *tree)}
            scope = dict.fromkeys(pid, layout.SCOPE_SELF) | dict.fromkeys(tree, SCOPE_TREE)
            self._source = stack.enter_context(Ebpf(settings, scope))
            for root, started in roots.items():
                self._unscope_unless(root, started)
            for root in tree:
                self._scope_descendants(root)
            self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            stack.callback(os.close, self._stop)
            self._epoll = stack.enter_context(select.epoll())
            self._epoll.register(self._stop, select.EPOLLIN)
            self._epoll.register(self._source.fd, select.EPOLLIN | select.EPOLLET)
            if command is not None:
                self._command = Command(command, settings.command)
                stack.callback(self._command.close)
                self._epoll.register(self._command.fd, select.EPOLLIN)
                self._command.release()
            self._stack = stack.pop_all()

    def _scope_descendants(self, root: int) -> None:
        # Its children from now on are in scope by the kernel program; those it has already are
        # not, and may be making more while we look: look until there is nobody new.
        seen: dict[int, Stat] = {}
        while new := {child: stat for child, stat in descendants(root).items() if child not in seen}:
            for child, stat in new.items():
                self._source.scope(child, SCOPE_TREE)
                self._unscope_unless(child, stat)
            seen |= new

    def _unscope_unless(self, pid: int, started: Stat) -> None:
        """It may have ended, and its pid been given to another, before it was in scope."""
        now = stat_of(pid)
        if now is None or now.start_time != started.start_time:
            self._source.scope(pid, 0)

    @property
    def pid(self) -> int | None:
        """Process id of the command, if there is one."""
        return self._command.pid if self._command else None

    @property
    def returncode(self) -> int | None:
        """The command's exit status, or minus the signal that ended it; None before its end."""
        return self._command.returncode if self._command else None

    @property
    def stats(self) -> Stats:
        """What was counted so far."""
        return self._stats or self._count()

    def __iter__(self) -> Iterator[Event]:
        while not self.ended:
            yield from self.read()
        self.close()

    def read(self, timeout: float | None = None) -> list[Event]:
        """The next events, in order of time; waits for the first up to ``timeout`` seconds.

        None waits for ever. Empty if nothing came, or nothing that the filters let pass.
        """
        if self.ended:
            return []
        if self._wait(timeout):
            return self._finish()
        frames = self._source.read()
        self._more = bool(frames)  # the kernel wakes us only once we have seen all
        return self._pipeline(frames, wall_offset())

    def _wait(self, timeout: float | None) -> bool:
        """Waits for frames, and a little longer for more of them; whether it is time to end."""
        wait = 0.0 if self._more else self._left(timeout)
        ready = self._poll(wait)
        if ready == {self._source.fd} and not self._more:
            ready |= self._poll(self._left(BATCH_SECONDS))
        over = self._deadline is not None and time.monotonic() >= self._deadline
        return over or bool(ready - {self._source.fd})

    def _poll(self, seconds: float | None) -> set[int]:
        return {fd for fd, _ in self._epoll.poll(-1 if seconds is None else seconds)}

    def _left(self, timeout: float | None) -> float | None:
        """The timeout, or what is left of the whole time if that is less."""
        if self._deadline is None:
            return timeout
        left = max(0.0, self._deadline - time.monotonic())
        return left if timeout is None else min(timeout, left)

    def _finish(self) -> list[Event]:
        """Detaches and reads what is left."""
        if self._command and self._command.fd in self._poll(0):
            self._command.wait()
        events = [event for frames in self._source.drain() for event in self._pipeline(frames, wall_offset())]
        names = {kind: name for name, kind in KIND_OF.items()}
        produced = {(cpu, names[kind]): count for (cpu, kind), count in self._source.produced().items()}
        events += self._pipeline.finish(produced, time.clock_gettime_ns(time.CLOCK_BOOTTIME), wall_offset())
        self._stats = self._count()
        self.ended = True
        return events

    def _count(self) -> Stats:
        counts = self._source.counts()

        def kind(name: str) -> Counts:
            count = counts[KIND_OF[name]]
            return msgspec.structs.replace(count, filtered=count.filtered + self._pipeline.filtered[name])

        return Stats(
            execs=kind(Exec.NAME),
            forks=kind(Fork.NAME),
            exits=kind(Exit.NAME),
            texts=counts[layout.TEXT],
            malformed=self._pipeline.malformed,
        )

    def wait(self) -> int:
        """The command's returncode, once it has ended; it is no longer watched where the watch has ended before."""
        if self._command is None:
            raise UsageError("there is no command to wait for")
        return self._command.wait()

    def stop(self) -> None:
        """Ends the watch at its next read(), which still gives all there was; safe in a signal handler."""
        if not self._closed:
            os.eventfd_write(self._stop, 1)

    def __del__(self) -> None:
        if hasattr(self, "_stack") and not self._closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1, source=self)
            self.close()

    def close(self) -> None:
        """Removes everything from the kernel; a command that still runs runs on."""
        if self._stats is None and not self._closed:
            self._stats = self._count()
        self.ended = self._closed = True
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _check(
    command: Sequence[str] | None,
    *,
    pid: Collection[int],
    tree: Collection[int],
    uid: Collection[int],
    comm: Collection[str],
    filters: Iterable[str],
    timeout: float | None,
) -> None:
    """UsageError for what cannot be."""
    for name, value in (("command", command), ("comm", comm), ("filters", filters)):
        if isinstance(value, str):
            raise UsageError(f"{name} is a list of texts, not one text: give [{value!r}]")
    for name, numbers in (("pid", pid), ("tree", tree), ("uid", uid)):
        if isinstance(numbers, int):
            raise UsageError(f"{name} is a list of numbers, not one number: give [{numbers}]")
    if command is not None and (pid or tree):
        raise UsageError("a command is followed with its descendants: pid and tree cannot be given with it")
    if command is not None and not command:
        raise UsageError("the command is empty")
    if (pid or tree) and not is_initial("pid", INITIAL_PID_NAMESPACE):
        raise UsageError(
            "process ids in this pid namespace are not the kernel's: watch from outside, or give a command"
        )
    if any(not 0 <= number < 1 << 32 for number in uid):
        raise UsageError(f"there is no user id outside of 0 to {(1 << 32) - 1}")
    if any("\0" in name for name in comm):
        raise UsageError("no process has a name with a NUL in it")
    if timeout is not None and not timeout >= 0:
        raise UsageError(f"a timeout of {timeout} seconds cannot be: give 0 or more")


def _existing(pid: int) -> Stat:
    """What is known of a process; UsageError where there is none."""
    process, stat = process_of(pid), stat_of(pid)
    if process is None or stat is None:
        raise UsageError(f"there is no process {pid}")
    if process != pid:
        raise UsageError(f"{pid} is a thread of process {process}: give that")
    return stat
