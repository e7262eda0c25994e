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

from whatran.errors import UsageError
from whatran.event import Event, Exec, Exit, Fork
from whatran.filter import Condition, Filter, equals, parse
from whatran.pipeline import Pipeline
from whatran.pushdown import KIND_OF, push_down
from whatran.source.command import Command
from whatran.source.ebpf import Ebpf
from whatran.source.procfs import descendants, parent_of, wall_offset
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
    if command is not None and (pid or tree):
        raise UsageError("a command is followed with its descendants: pid and tree cannot be given with it")
    if command is not None and not command:
        raise UsageError("the command is empty")
    for name, most in (("max_argv", max_argv), ("max_env", max_env)):
        if most is not None and not 0 <= most < UNLIMITED:
            raise UsageError(f"{name} cannot be {most}: give a number of bytes below {UNLIMITED}")
    if ring_bytes < mmap.PAGESIZE or ring_bytes & (ring_bytes - 1):
        raise UsageError(f"the ring buffer cannot have {ring_bytes} bytes: give a power of two from {mmap.PAGESIZE} on")
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
        ring_bytes=ring_bytes,
    )
    settings, left = push_down(conditions, settings)
    return Watch(settings, left, command=command, pid=pid, tree=tree, timeout=timeout)


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
        self._pipeline = Pipeline(wall_offset(), [Filter(conditions)] if conditions else [])
        self._command: Command | None = None
        self._more = self._closed = False
        self._stats: Stats | None = None
        with ExitStack() as stack:
            self._source = stack.enter_context(Ebpf(settings, _scope(pid, tree)))
            for root in tree:
                self._scope_descendants(root)
            self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            stack.callback(os.close, self._stop)
            self._epoll = stack.enter_context(select.epoll())
            self._epoll.register(self._stop, select.EPOLLIN)
            self._epoll.register(self._source.fd, select.EPOLLIN | select.EPOLLET)
            if command is not None:
                self._command = Command(command)
                stack.callback(self._command.close)
                self._epoll.register(self._command.fd, select.EPOLLIN)
                self._source.scope(self._command.pid, SCOPE_TREE)
                self._command.release()
            self._stack = stack.pop_all()

    def _scope_descendants(self, root: int) -> None:
        # Its children from now on are in scope by the kernel program; those it has already are
        # not, and may be making more while we look: look until there is nobody new.
        seen: set[int] = set()
        while new := descendants(root) - seen:
            for child in new:
                self._source.scope(child, SCOPE_TREE)
            seen |= new

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
        return self._pipeline(frames)

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
        events = [event for frames in self._source.drain() for event in self._pipeline(frames)]
        names = {kind: name for name, kind in KIND_OF.items()}
        produced = {(cpu, names[kind]): count for (cpu, kind), count in self._source.produced().items()}
        events += self._pipeline.finish(produced, time.clock_gettime_ns(time.CLOCK_BOOTTIME))
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


def _scope(pid: Collection[int], tree: Collection[int]) -> dict[int, int]:
    """The scope table's first entries; UsageError for a process that is not there."""
    for number in (*pid, *tree):
        if parent_of(number) is None:
            raise UsageError(f"there is no process {number}")
    return dict.fromkeys(pid, layout.SCOPE_SELF) | dict.fromkeys(tree, SCOPE_TREE)
