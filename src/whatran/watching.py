"""The Python API: ``watch`` a machine, some of it or a command; ``run`` a command to its end."""

from __future__ import annotations

import os
import select
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self, Unpack

import msgspec

from whatran.clock import boot_ns
from whatran.cost import Cost  # noqa: TC001  # msgspec reads the types of Completed
from whatran.errors import SourceError, UsageError
from whatran.event import Event  # noqa: TC001  # it reads this one too
from whatran.pipeline import Pipeline, stages
from whatran.plan import Failed, Options, Plan, plan
from whatran.process.facts import Facts
from whatran.pushdown import NAME_OF
from whatran.redacting import Redacting
from whatran.repair import Repair
from whatran.scope import attach
from whatran.shortage import shortage
from whatran.source import cgroupfs
from whatran.source.choose import Wanted, open_source
from whatran.source.command import Command
from whatran.source.meter import Meter, timing_programs
from whatran.source.procfs import boot, memory_of
from whatran.stats import Stats
from whatran.wire import layout
from whatran.wire.settings import RING_BYTES

if TYPE_CHECKING:
    from whatran.pipeline import Taker
    from whatran.rules.engine import Engine
    from whatran.wire.settings import Settings

GATHER_SECONDS = 0.05
"""How long to gather records once the first has come: one wake-up for many of them."""

GATHER_MANY_SECONDS = 0.25
"""The same while so many come that nobody reads along. Where there are few CPUs, whenever we run the scheduler moves
what else does to another of them, and for some time after: that costs more than all that we do.
"""

MANY_FRAMES = 1000
"""So many are gathered by the second where more than 20,000 come in each, or than 4,000 when it did that before."""

SEARCH_SECONDS = 0.05
"""How often to look whether a search of PATH, or what else is held back, has come to its end."""

TELL_SECONDS = 0.001
"""How long a tracer may take to let us know of an end that it has been told of."""


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
    fields: Collection[str] | None = None,
    max_argv: int | None = None,
    max_env: int | None = None,
    timeout: float | None = None,
    rate_limit: int | None = None,
    ring_bytes: int = RING_BYTES,
    source: Wanted = "auto",
    bpf_stats: bool = False,
    rules: Engine | Iterable[str | os.PathLike[str]] = (),
    redact: bool = True,
    user: str | int | None = None,
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
    one ("fold"), all attempts are told ("all") or none. ``fields`` are all that is asked for:
    events that have none of them are not told, and other fields of execs may be None, and named as unreadable, as they
    cost time to read. argv and env are whole unless
    ``max_argv`` or ``max_env`` say how many bytes to keep. Of each kind of event a cgroup has
    no more than ``rate_limit`` told a second; what is over it is counted. It ends after ``timeout``
    seconds, with the command, or never. ``source`` is what tells of it: "ebpf", or "ptrace",
    which needs no privilege and can follow a command only; "auto" is eBPF where that can be
    used, else ptrace. ``bpf_stats`` has the kernel time all BPF programs meanwhile, where it
    lets us (CAP_SYS_ADMIN, Linux 5.8): ``cost`` then has what ours take. ``rules`` are files and directories
    of Sigma rules: an Alert follows each exec that one fits. What looks like a secret in arguments and
    environments is replaced by a digest, before filters and rules see it, unless ``redact`` is False. Root can
    have the command run as ``user``, by name or id, with the groups and the home that user has at a login.

    Raises UsageError for what cannot be, CommandError if the command cannot be started,
    SourceError if the kernel does not let us watch.
    """
    planned = plan(
        command,
        scope=scope,
        pid=pid,
        tree=tree,
        cgroup=cgroup,
        container=container,
        not_tree=not_tree,
        not_cgroup=not_cgroup,
        not_container=not_container,
        uid=uid,
        comm=comm,
        filters=filters,
        env=env,
        failed=failed,
        threads=threads,
        fields=fields,
        max_argv=max_argv,
        max_env=max_env,
        timeout=timeout,
        rate_limit=rate_limit,
        ring_bytes=ring_bytes,
        source=source,
        bpf_stats=bpf_stats,
        rules=rules,
        redact=redact,
        user=user,
    )
    through = stages(Facts(), planned.env_names, planned.conditions)
    return Watch(planned, Pipeline(through, fold=failed == "fold", rules=planned.rules))


def run(command: Sequence[str], **options: Unpack[Options]) -> Completed:
    """Runs a command to its end; what it and its descendants did.

    Options and errors are those of watch().
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"run() takes no {', '.join(sorted(unknown))}")
    with watch(command, **options) as watching:
        events = list(watching)
        return Completed(list(command), watching.wait(), events, watching.stats, watching.cost)


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
    cost: Cost
    """What it has cost to watch it."""


class Watch:
    """Events as they come: iterate over it, or read() batches of them; a context manager."""

    _patient = False
    """Whether nobody waits for events, however few come."""

    def __init__(self, planned: Plan, taker: Taker) -> None:
        """``taker`` is handed all that comes; the events are what it makes of that."""
        self.ended = False
        """Whether all was read: the command has ended, the time is over or stop() was called."""
        self.source = planned.choice.name
        """What tells of it: ebpf or ptrace."""
        self.source_reason = planned.choice.reason
        """Why that is not eBPF, although it was left to us; else None."""
        self._deadline = None if planned.timeout is None else time.monotonic() + planned.timeout
        self._taker = Redacting(taker, planned.redactor) if planned.redactor else taker
        self._command: Command | None = None
        self._closed = False
        self._came = 0
        """Frames since we last gathered any."""
        self._stats: Stats | None = None
        self._source_cost: Cost | None = None
        try:
            with ExitStack() as stack:
                self._open(planned, stack)
                self._stack = stack.pop_all()
        except OSError as error:  # no descriptors, processes or memory left
            why = shortage(error.errno) or error.strerror or error
            raise SourceError(f"cannot start watching: {why}") from error

    def _open(self, planned: Plan, stack: ExitStack) -> None:
        scope, settings = planned.scope, planned.settings
        cgroup = None
        if planned.own_cgroup:
            cgroup = cgroupfs.OwnCgroup()
            stack.callback(cgroup.close)
            scope = replace(scope, cgroups=(cgroup.directory,))
        settings = replace(settings, cgroups=scope.cgroups, not_cgroups=scope.not_cgroups)
        if planned.bpf_stats and planned.choice.name == "ebpf":
            stack.enter_context(timing_programs())
        self._source = stack.enter_context(open_source(planned.choice, settings))
        attach(self._source, scope)
        self._taker.older(self._source.tasks(), boot())
        if planned.rules:
            self._name(planned.rules, settings)
        self._repair = Repair(self._source, self._taker, scope, settings)
        self._stop, self._wake = _eventfd(stack), _eventfd(stack)
        self._epoll = stack.enter_context(select.epoll())
        self._epoll.register(self._stop, select.EPOLLIN)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._epoll.register(self._source.fd, select.EPOLLIN | select.EPOLLET)
        if scope.command is not None:
            self._command = Command(scope.command, settings.command, self._source.tracer, planned.account)
            stack.callback(self._command.close)
            self._source.follow(self._command.pid)
            if cgroup:
                cgroup.add(self._command.pid)
            self._epoll.register(self._command.fd, select.EPOLLIN)
        self._meter = Meter()
        if self._command:
            self._command.release()

    def _name(self, rules: Engine, settings: Settings) -> None:
        """Rules may be about how processes were called that are older than the watch."""
        nameless = rules.nameless()
        for event in nameless:
            argv, _ = memory_of(event.pid, event.process_start_time)
            self._taker.complete(event, argv, None, settings)
        rules.older(nameless)

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

    @property
    def cost(self) -> Cost:
        """What it has cost so far."""
        return self._meter.cost(self._source_cost or self._source.cost())

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
        self._came += len(frames)
        events = self._taker(frames, boot())
        if frames:
            self._repair.happened()
        if not self._source.more:
            events += self._repair()
        return events

    def _wait(self, timeout: float | None) -> bool:
        """Waits for frames, and a little longer for more of them; whether it is time to end."""
        wait = 0.0 if self._source.more else self._left(timeout)
        for due in (SEARCH_SECONDS if self._taker.holding else None, self._repair.due):
            if due is not None:
                wait = due if wait is None else min(wait, due)
        ready = self._poll(wait)
        if ready == {self._source.fd} and not self._source.more:
            ready |= self._poll(self._left(self._gathering()))
        over = self._deadline is not None and time.monotonic() >= self._deadline
        return over or bool(ready - {self._source.fd})

    def _gathering(self) -> float:
        """How long to gather more, going by how many came the last time."""
        many, self._came = self._patient or self._came >= MANY_FRAMES, 0
        return GATHER_MANY_SECONDS if many else GATHER_SECONDS

    def _poll(self, seconds: float | None) -> set[int]:
        ready = {fd for fd, _ in self._epoll.poll(-1 if seconds is None else seconds)}
        self._meter.wakeups += seconds != 0
        if self._wake in ready:
            os.eventfd_read(self._wake)
        return ready - {self._wake}

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
                events += self._taker(self._source.read(), boot())
                time.sleep(0 if self._source.more else TELL_SECONDS)
        self._repair.look()
        for frames in self._source.drain():
            events += self._taker(frames, boot())
        events += self._repair.unnumbered()
        produced = {(cpu, NAME_OF[kind]): count for (cpu, kind), count in self._source.produced().items()}
        events += self._taker.finish(produced, boot_ns(), boot())
        events += self._taker.settle()
        self._settle_accounts()
        self.ended = True
        return events

    def _settle_accounts(self) -> None:
        """Nothing more will be counted."""
        self._stats, self._source_cost = self._count(), self._source.cost()
        self._meter.end()

    def _count(self) -> Stats:
        counts = self._source.counts()
        filtered = self._taker.filtered
        for kind, name in NAME_OF.items():
            counts[kind] = msgspec.structs.replace(counts[kind], filtered=counts[kind].filtered + filtered[name])
        return Stats(
            execs=counts[layout.EXEC],
            forks=counts[layout.FORK],
            exits=counts[layout.EXIT],
            failed=counts[layout.FAILED],
            texts=counts[layout.TEXT],
            malformed=self._taker.malformed,
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

    def wake(self) -> None:
        """Has the read() that waits, or the next, give what there is at once; safe in a signal handler."""
        if not self._closed:
            os.eventfd_write(self._wake, 1)

    def __del__(self) -> None:
        if hasattr(self, "_stack") and not self._closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1, source=self)
            self.close()

    def close(self) -> None:
        """Removes everything from the kernel; a command that still runs runs on."""
        if self._stats is None and not self._closed:
            self._settle_accounts()
        self.ended = self._closed = True
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _eventfd(stack: ExitStack) -> int:
    fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    stack.callback(os.close, fd)
    return fd
