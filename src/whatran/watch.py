"""The Python API: ``watch`` a machine, some of it or a command; ``run`` a command to its end."""

from __future__ import annotations

import mmap
import os
import select
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Literal, Self, TypedDict, Unpack, get_args

import msgspec

from whatran.errors import SourceError, UsageError
from whatran.event import Event  # noqa: TC001  # msgspec reads the types of Completed
from whatran.filter import Filter, equals, only_env, parse
from whatran.pipeline import Pipeline, Stage
from whatran.process.facts import Facts
from whatran.pushdown import NAME_OF, push_down
from whatran.repair import Repair
from whatran.scope import Scope, attach, cgroups
from whatran.source import cgroupfs
from whatran.source.choose import Choice, Wanted, choose, open_source
from whatran.source.command import Command
from whatran.source.procfs import (
    INITIAL_PID_NAMESPACE,
    boot,
    is_initial,
)
from whatran.stats import Stats
from whatran.wire import layout
from whatran.wire.settings import UNLIMITED, Settings

BATCH_SECONDS = 0.05
"""How long to gather records once the first has come: one wake-up for many of them."""

TELL_SECONDS = 0.001
"""How long a tracer may take to let us know of an end that it has been told of."""

RING_BYTES = 8 << 20

Failed = Literal["fold", "all", "none"]


def watch(
    command: Sequence[str] | None = None,
    *,
    scope: Literal["tree", "cgroup"] = "tree",
    pid: Collection[int] = (),
    tree: Collection[int] = (),
    cgroup: Collection[str] = (),
    container: Collection[str] = (),
    not_tree: Collection[int] = (),
    not_cgroup: Collection[str] = (),
    not_container: Collection[str] = (),
    uid: Collection[int] = (),
    comm: Collection[str] = (),
    filters: Iterable[str] = (),
    env: bool | Collection[str] = False,
    failed: Failed = "fold",
    threads: bool = False,
    max_argv: int | None = None,
    max_env: int | None = None,
    timeout: float | None = None,
    ring_bytes: int = RING_BYTES,
    source: Wanted = "auto",
) -> Watch:
    """A Watch, already in force: what happens from now on is seen.

    With a command, that is started and exactly its descendants are watched, from its first
    exec on; with ``scope`` "cgroup" also what else runs in the cgroup made for it. Else the
    whole machine is, or where given the processes ``pid``, the processes ``tree`` with all
    their descendants, the ``cgroup`` paths with all below them and each ``container`` by id
    or name; without those in ``not_tree``, ``not_cgroup`` and ``not_container``. Of those,
    only what ``uid`` (real user ids), ``comm`` (names) and ``filters`` (texts as
    ``pathname=/tmp/*`` or ``comm!=make``) let pass.

    ``env`` asks for environments, or for the variables it names; ``threads`` for the forks
    and exits of threads. ``failed`` says of execs that failed whether a search of PATH is
    one ("fold"), all attempts are told ("all") or none. argv and env are whole unless
    ``max_argv`` or ``max_env`` say how many bytes to keep. It ends after ``timeout``
    seconds, with the command, or never. ``source`` is what tells of it: "ebpf", or "ptrace",
    which needs no privilege and can follow a command only; "auto" is eBPF where that can be
    used, else ptrace.

    Raises UsageError for what cannot be, CommandError if the command cannot be started,
    SourceError if the kernel does not let us watch.
    """
    filters = filters if isinstance(filters, str) else tuple(filters)
    _check(
        command,
        texts={
            "comm": comm,
            "filters": filters,
            "cgroup": cgroup,
            "container": container,
            "not_cgroup": not_cgroup,
            "not_container": not_container,
        },
        numbers={"pid": pid, "tree": tree, "not_tree": not_tree, "uid": uid},
        timeout=timeout,
    )
    if command is not None and (pid or tree or cgroup or container):
        raise UsageError("a command is followed with its descendants: pid, tree, cgroup and container are for others")
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
    if isinstance(env, str):
        raise UsageError(f"env is a list of names, not one text: give [{env!r}]")
    if not isinstance(env, bool) and any(not name or "=" in name for name in env):
        raise UsageError(f"{list(env)} are no names of variables")
    if failed not in get_args(Failed):
        raise UsageError(f"failed cannot be {failed!r}: give one of {', '.join(get_args(Failed))}")
    if not env and any(condition.field == "env" for condition in conditions):
        raise UsageError("a filter on env needs env itself: ask for it, with --env or env=True")
    names = None if isinstance(env, bool) else frozenset(env)
    others = scope == "cgroup" or not_tree or not_cgroup or not_container
    choice = choose(source, followable=command is not None and not others)
    what = Scope(
        command,
        tuple(pid),
        tuple(tree),
        tuple(not_tree),
        cgroups(cgroup, container),
        cgroups(not_cgroup, not_container),
    )
    settings = Settings(
        kinds=layout.EVENTS if failed != "none" else tuple(set(layout.EVENTS) - {layout.FAILED}),
        scoped=what.limited,
        use_pids=what.by_pid,
        env=bool(env),
        threads=threads,
        max_argv=UNLIMITED if max_argv is None else max_argv,
        max_env=UNLIMITED if max_env is None else max_env,
        command=b"" if command is None else b"whatran" + os.urandom(4).hex().encode(),
        ring_bytes=ring_bytes,
    )
    stages: list[Stage] = [Facts()]
    if names is not None:
        stages.append(only_env(names))
    if conditions:
        stages.append(Filter(conditions))
    try:
        return Watch(
            choice,
            push_down(conditions, settings),
            Pipeline(stages, fold=failed == "fold"),
            what,
            own_cgroup=scope == "cgroup",
            timeout=timeout,
        )
    except OSError as error:  # no descriptors, processes or memory left
        raise SourceError(f"cannot start watching: {error.strerror or error}") from error


class Options(TypedDict, total=False):
    """Keyword arguments of watch() that run() takes too."""

    scope: Literal["tree", "cgroup"]
    not_tree: Collection[int]
    not_cgroup: Collection[str]
    not_container: Collection[str]
    uid: Collection[int]
    comm: Collection[str]
    filters: Iterable[str]
    env: bool | Collection[str]
    failed: Failed
    threads: bool
    max_argv: int | None
    max_env: int | None
    ring_bytes: int
    source: Wanted


def run(command: Sequence[str], **options: Unpack[Options]) -> Completed:
    """Runs a command to its end; what it and its descendants did.

    Options and errors are those of watch().
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"run() takes no {', '.join(sorted(unknown))}")
    with watch(command, **options) as watching:
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
        choice: Choice,
        settings: Settings,
        pipeline: Pipeline,
        scope: Scope,
        *,
        own_cgroup: bool = False,
        timeout: float | None = None,
    ) -> None:
        self.ended = False
        """Whether all was read: the command has ended, the time is over or stop() was called."""
        self.source = choice.name
        """What tells of it: ebpf or ptrace."""
        self.source_reason = choice.reason
        """Why that is not eBPF, although it was left to us; else None."""
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._pipeline = pipeline
        self._command: Command | None = None
        self._closed = False
        self._stats: Stats | None = None
        with ExitStack() as stack:
            cgroup = None
            if own_cgroup:
                cgroup = cgroupfs.OwnCgroup()
                stack.callback(cgroup.close)
                scope = replace(scope, cgroups=(cgroup.directory,))
            settings = replace(settings, cgroups=scope.cgroups, not_cgroups=scope.not_cgroups)
            self._source = stack.enter_context(open_source(choice, settings))
            attach(self._source, scope)
            self._pipeline.older(self._source.tasks(), boot())
            self._repair = Repair(self._source, pipeline, scope, settings)
            self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            stack.callback(os.close, self._stop)
            self._epoll = stack.enter_context(select.epoll())
            self._epoll.register(self._stop, select.EPOLLIN)
            self._epoll.register(self._source.fd, select.EPOLLIN | select.EPOLLET)
            if scope.command is not None:
                self._command = Command(scope.command, settings.command, self._source.tracer)
                stack.callback(self._command.close)
                self._source.follow(self._command.pid)
                if cgroup:
                    cgroup.add(self._command.pid)
                self._epoll.register(self._command.fd, select.EPOLLIN)
                self._command.release()
            self._stack = stack.pop_all()

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

        None waits for ever. May be empty: nothing came, or nothing that the filters let pass.
        What is told late stands where it is told: repaired execs, and failed ones whose search
        of PATH was still under way.
        """
        if self.ended:
            return []
        if self._wait(timeout):
            return self._finish()
        frames = self._source.read()
        events = self._pipeline(frames, boot())
        if frames:
            self._repair.happened()
        if not self._source.more:
            events += self._repair()
        return events

    def _wait(self, timeout: float | None) -> bool:
        """Waits for frames, and a little longer for more of them; whether it is time to end."""
        wait = 0.0 if self._source.more else self._left(timeout)
        for due in (BATCH_SECONDS if self._pipeline.holding else None, self._repair.due):
            if due is not None:
                wait = due if wait is None else min(wait, due)
        ready = self._poll(wait)
        if ready == {self._source.fd} and not self._source.more:
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
        events: list[Event] = []
        if self._command and self._command.fd in self._poll(0):
            # A tracer is told of the end before us, and must not have to wait for us meanwhile.
            while self._command.poll() is None:
                events += self._pipeline(self._source.read(), boot())
                time.sleep(0 if self._source.more else TELL_SECONDS)
        self._repair.look()
        for frames in self._source.drain():
            events += self._pipeline(frames, boot())
        events += self._repair.unnumbered()
        produced = {(cpu, NAME_OF[kind]): count for (cpu, kind), count in self._source.produced().items()}
        events += self._pipeline.finish(produced, time.clock_gettime_ns(time.CLOCK_BOOTTIME), boot())
        events += self._pipeline.settle()
        self._stats = self._count()
        self.ended = True
        return events

    def _count(self) -> Stats:
        counts = self._source.counts()
        filtered = self._pipeline.filtered
        for kind, name in NAME_OF.items():
            counts[kind] = msgspec.structs.replace(counts[kind], filtered=counts[kind].filtered + filtered[name])
        return Stats(
            execs=counts[layout.EXEC],
            forks=counts[layout.FORK],
            exits=counts[layout.EXIT],
            failed=counts[layout.FAILED],
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
    texts: Mapping[str, Iterable[str]],
    numbers: Mapping[str, Collection[int]],
    timeout: float | None,
) -> None:
    """UsageError for what cannot be."""
    for name, value in (("command", command), *texts.items()):
        if isinstance(value, str):
            raise UsageError(f"{name} is a list of texts, not one text: give [{value!r}]")
    for name, given in numbers.items():
        if isinstance(given, int):
            raise UsageError(f"{name} is a list of numbers, not one number: give [{given}]")
    if command is not None and not command:
        raise UsageError("the command is empty")
    if any(numbers[name] for name in ("pid", "tree", "not_tree")) and not is_initial("pid", INITIAL_PID_NAMESPACE):
        raise UsageError(
            "process ids in this pid namespace are not the kernel's: watch from outside, or give a command"
        )
    if any(not 0 <= number < 1 << 32 for number in numbers["uid"]):
        raise UsageError(f"there is no user id outside of 0 to {(1 << 32) - 1}")
    if any(not text for value in texts.values() for text in value):
        raise UsageError("an empty text names nothing")
    if any("\0" in text for value in texts.values() for text in value):
        raise UsageError("no process, path or container has a name with a NUL in it")
    if timeout is not None and not timeout >= 0:
        raise UsageError(f"a timeout of {timeout} seconds cannot be: give 0 or more")
