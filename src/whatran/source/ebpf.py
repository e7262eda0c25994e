"""The eBPF source: loads the kernel program, hands out its frames, accounts for every one."""

from __future__ import annotations

import ctypes
import errno
import itertools
import logging
import mmap
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Self

from whatran.cost import Cost, ProgramCost
from whatran.errors import SourceError
from whatran.shortage import shortage
from whatran.source import memlock, probe
from whatran.source.libbpf import ProgramInfo, explain, library, program_info
from whatran.source.ring import Ring
from whatran.stats import Counts
from whatran.wire import layout

if TYPE_CHECKING:
    from whatran.wire.settings import Settings

log = logging.getLogger("whatran.ebpf")

OBJECT = Path(__file__).with_name("whatran.bpf.o")

BATCH_FRAMES = 4096
"""Most frames read at once, so that a reader under full load gets its turn."""

RENAME = b"whatran_rename"
"""The program by which a command tells which process it is."""

INHERIT = b"whatran_inherit"
"""The program that puts children in scope."""

PIDS_ROWS, PIDS_ROW_BYTES = 1024, 4096

DRAIN_SECONDS = 5.0

DESCRIPTORS = 32
"""As many are open at once at the most: programs, maps, links, and what they are loaded with."""

_KIND = itemgetter(layout.offset_in_exec("kind"))  # its lowest byte, which says it all

ALL_SIGNALS = signal.valid_signals()


class Ebpf:
    """The loaded program; once it is attached frames wait in its ring buffer.

    All it holds in the kernel hangs on file descriptors of this process, nothing is
    pinned: whatever ends the process removes it.
    """

    def __init__(self, settings: Settings) -> None:
        self._libbpf = library()
        self._cpus = _count(self._libbpf.libbpf_num_possible_cpus(), "count the CPUs")
        self.more = False
        """Whether more may wait than the last read() gave: the kernel wakes us only once we have seen all."""
        self._received: Counter[int] = Counter()
        self._links: list[int] = []
        self._closed = False
        self._stack = ExitStack()
        with _signals_waiting(), memlock.raised(), ExitStack() as opening:
            opening.callback(self.close)
            self._object = self._open()
            self._configure(settings)
            self._load()
            self._map_pids(PIDS_ROWS if settings.use_pids else 1)
            self._set_cgroups(settings)
            self._open_ring(settings.ring_bytes)
            opening.pop_all()

    tracer = 0
    """The process that a command must let trace it; there is none."""

    def follow(self, pid: int) -> None:
        """Nothing: a command tells the kernel program itself which process it is."""

    # -- opening ------------------------------------------------------------------------------

    def _open(self) -> int:
        if not OBJECT.exists():
            raise SourceError(f"the kernel program {OBJECT} is not built: run `python hatch_build.py` in the checkout")
        self._libbpf.warnings.clear()
        handle: int = self._libbpf.bpf_object__open_file(os.fsencode(OBJECT), None)
        if not handle:
            raise self._error("open the kernel program", None, _limit())
        self._stack.callback(self._libbpf.bpf_object__close, handle)
        return handle

    def _configure(self, settings: Settings) -> None:
        packed = settings.pack()
        self._check(
            self._libbpf.bpf_map__set_initial_value(self._find_map(b".rodata"), packed, len(packed)), "configure it"
        )
        sizes = {
            b"scratches": self._cpus + 1,
            b"failures": 2 * self._cpus if layout.FAILED in settings.kinds else 1,
            b"ring": settings.ring_bytes,
            b"pids": PIDS_ROWS if settings.use_pids else 1,
        }
        for name, entries in sizes.items():
            self._check(self._libbpf.bpf_map__set_max_entries(self._find_map(name), entries), "size its maps")
        # What comes with bpf_loop() (5.17) comes with all else the newer program needs.
        older = probe.has_helper_loop().answer == probe.NO
        suffix = b"_v5" if older else b""
        self._tasks = b"whatran_tasks" + suffix
        hooks = {layout.EXEC: b"whatran_exec", layout.FORK: b"whatran_fork", layout.EXIT: b"whatran_exit"}
        self._programs: dict[int, tuple[bytes, ...]] = {
            kind: (name + suffix,) for kind, name in hooks.items() if kind in settings.kinds
        }
        if layout.FAILED in settings.kinds:
            self._programs[layout.FAILED] = self._choose_failed(suffix)
        self._silent = (RENAME, INHERIT) if settings.use_pids or settings.cgroups else (RENAME,)
        for name in (self._tasks, *self._silent, *itertools.chain(*self._programs.values())):
            self._check(self._libbpf.bpf_program__set_autoload(self._find_program(name), 1), "choose its programs")

    def _choose_failed(self, suffix: bytes) -> tuple[bytes, ...]:
        """The programs that see execs fail, on this kernel."""
        if probe.has_helper_current_task().answer == probe.NO:
            log.info("this kernel cannot tell of execs that failed: that needs 5.11 or newer")
            return ()
        functions = probe.execve_functions()
        if not functions:
            return (b"whatran_failed" + suffix,)
        names = (b"whatran_failed_execve" + suffix, *(() if suffix else (b"whatran_failed_execveat",)))
        for name, function in zip(names, functions, strict=False):
            target = self._libbpf.bpf_program__set_attach_target(self._find_program(name), 0, function)
            self._check(target, f"hook {function.decode()}")
        return names

    def _load(self) -> None:
        result = self._libbpf.bpf_object__load(self._object)
        if result:
            raise self._error("load the kernel program", result, _limit() or probe.ebpf_blocker())

    def _map_pids(self, rows: int) -> None:
        self._pids = mmap.mmap(self._libbpf.bpf_map__fd(self._find_map(b"pids")), rows * PIDS_ROW_BYTES)
        self._stack.callback(self._pids.close)

    def _set_cgroups(self, settings: Settings) -> None:
        """What is wanted and what is not: their directories, open for a moment."""
        cgroups = self._libbpf.bpf_map__fd(self._find_map(b"cgroups"))
        for start, paths in ((0, settings.cgroups), (layout.SETTINGS_CGROUPS, settings.not_cgroups)):
            for index, path in enumerate(paths, start):
                try:
                    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                except OSError as error:
                    raise SourceError(f"cannot open the cgroup {path}: {error.strerror}") from error
                try:
                    key, value = ctypes.c_uint32(index), ctypes.c_uint32(fd)
                    result = self._libbpf.bpf_map_update_elem(cgroups, ctypes.byref(key), ctypes.byref(value), 0)
                    self._check(result, f"watch the cgroup {path}, which must be one of the v2 hierarchy")
                finally:
                    os.close(fd)

    def _open_ring(self, size: int) -> None:
        self.fd: int = self._libbpf.bpf_map__fd(self._find_map(b"ring"))
        """Readable when frames wait; to be polled edge-triggered, see submit() in bpf/maps.bpf.h."""
        try:
            self._ring = Ring(self.fd, size)
        except OSError as error:
            why = shortage(error.errno) or f"{error.strerror}; a smaller --buffer may help"
            raise SourceError(f"cannot map the ring buffer: {why}") from error
        self._stack.callback(self._ring.close)

    def attach(self) -> None:
        """From now on what happens is recorded; the scope is in force from the first event."""
        with _signals_waiting():
            # INHERIT before all others: a child made meanwhile is then in scope before it can exec.
            kinds = (layout.FORK, layout.EXIT, layout.EXEC, layout.FAILED)
            names = [name for kind in kinds for name in self._programs.get(kind, ())]
            for name in (*self._silent, *names):
                link = self._libbpf.bpf_program__attach(self._find_program(name))
                if not link:
                    raise self._error(f"attach {name.decode()}", None)
                self._links.append(link)

    def _find_map(self, name: bytes) -> int:
        return self._find(self._libbpf.bpf_object__find_map_by_name, name)

    def _find_program(self, name: bytes) -> int:
        return self._find(self._libbpf.bpf_object__find_program_by_name, name)

    def _find(self, function: Callable[[int, bytes], int | None], name: bytes) -> int:
        if self._closed:  # libbpf would follow a pointer that is no more
            raise SourceError("the kernel program is gone: this source was closed")
        found = function(self._object, name)
        if not found:
            raise SourceError(f"the kernel program {OBJECT} has no {name.decode()}: rebuild it")
        return found

    def _check(self, result: int, doing: str) -> None:
        if result:
            raise self._error(doing, result)

    def _error(self, doing: str, result: int | None, reason: str | None = None) -> SourceError:
        number, text = explain(result)
        why = shortage(number) or f"{text} (errno {number}); `whatran doctor` says what this machine allows"
        return SourceError(
            reason or f"cannot {doing}: {why}",
            log="\n".join(self._libbpf.warnings),
        )

    # -- reading ------------------------------------------------------------------------------

    def read(self) -> list[bytes]:
        """The frames that wait, BATCH_FRAMES at the most; more may be left when it is so many."""
        if self._closed:
            return []
        frames = self._ring.read(BATCH_FRAMES)
        self.more = len(frames) == BATCH_FRAMES
        self._received.update(map(_KIND, frames))
        return frames

    def drain(self) -> Iterator[list[bytes]]:
        """Detaches, then yields all batches that are still to come."""
        self._detach()
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            if frames := self.read():
                yield frames
                continue
            # A program may have been running on another CPU as it was detached.
            if all(c.received == c.produced - c.lost for c in self.counts().values()) or time.monotonic() > deadline:
                return
            os.sched_yield()

    def tasks(self) -> list[bytes]:
        """All processes there are now, each as an exec frame flagged as repaired, without argv and env."""
        program = self._find_program(self._tasks)
        with _signals_waiting():
            link = self._libbpf.bpf_program__attach_iter(program, None)
            if not link:
                raise self._error("list the processes", None)
            try:
                fd = self._libbpf.bpf_iter_create(self._libbpf.bpf_link__fd(link))
                if fd < 0:
                    raise self._error("list the processes", fd)
                with os.fdopen(fd, "rb") as file:
                    data = file.read()
            finally:
                self._libbpf.bpf_link__destroy(link)
        return list(_frames_of(data))

    def scope(self, pid: int, bits: int) -> None:
        """Puts a process in scope, SCOPE_SELF, with all its descendants, SCOPE_SELF | SCOPE_TREE, or out, SCOPE_OUT."""
        self._pids[pid] = bits

    def scope_of(self, pid: int) -> int:
        """What the kernel program has noted of a process, as SCOPE_ bits."""
        return self._pids[pid] if pid < len(self._pids) else 0

    def produced(self) -> dict[tuple[int, int], int]:
        """How many records were made, by CPU and kind of frame; lost ones included."""
        return {
            (cpu, kind): produced for kind in layout.EVENTS for cpu, (produced, *_) in enumerate(self._counters(kind))
        }

    def counts(self) -> dict[int, Counts]:
        """What was counted so far, by kind of frame."""
        counts = {}
        programs = self.programs()
        for kind in layout.KINDS:
            produced, lost, failed, cut, limited = map(sum, zip(*self._counters(kind), strict=True))
            missed = sum(info.recursion_misses for info in programs.get(kind, ()))
            counts[kind] = Counts(
                seen=produced + failed + missed + limited,
                produced=produced,
                lost=lost,
                failed=failed + missed,
                limited=limited,
                cut=cut,
                received=self._received[kind],
            )
        return counts

    def _counters(self, kind: int) -> list[tuple[int, ...]]:
        """struct counters of a kind of frame, for each CPU."""
        per_cpu = ctypes.create_string_buffer(self._cpus * layout.COUNTERS_STRUCT.size)
        fd = self._libbpf.bpf_map__fd(self._find_map(b"counts"))
        self._check(self._libbpf.bpf_map_lookup_elem(fd, ctypes.byref(ctypes.c_uint32(kind)), per_cpu), "count")
        return list(layout.COUNTERS_STRUCT.iter_unpack(per_cpu))

    def programs(self) -> dict[int, list[ProgramInfo]]:
        """What the kernel knows of the programs for each kind of frame."""
        return {
            kind: [program_info(self._libbpf.bpf_program__fd(self._find_program(name))) for name in names]
            for kind, names in self._programs.items()
        }

    def cost(self) -> Cost:
        """What the programs have cost so far, and how much was read."""
        programs = []
        for name in (*itertools.chain(*self._programs.values()), *self._silent, self._tasks):
            info = program_info(self._libbpf.bpf_program__fd(self._find_program(name)))
            programs.append(ProgramCost(name.decode(), info.run_count, info.run_time_ns))
        return Cost(programs=tuple(programs), bytes_read=self._ring.taken)

    # -- closing ------------------------------------------------------------------------------

    def _detach(self) -> None:
        while self._links:
            self._libbpf.bpf_link__destroy(self._links.pop())

    def close(self) -> None:
        """Removes everything from the kernel; may be called twice."""
        self._detach()
        self._closed = True
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Signals wait until all is safe.

    What their handlers raise, as Ctrl-C does, would be swallowed by ctypes in a callback,
    and the frame in hand lost.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ALL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _limit() -> str | None:
    """Which limit it may be that we ran into, in one sentence; else None.

    libbpf takes what it could not ask the kernel for what that cannot do: its error says something else then.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit - len([*Path("/proc/self/fd").iterdir()]) < DESCRIPTORS:
        return f"cannot load the kernel program: {shortage(errno.EMFILE)}"
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        return "cannot load the kernel program: there is a limit on memory that may be too low; raise it by `ulimit -v`"
    return None


def _frames_of(data: bytes) -> Iterator[bytes]:
    """The frames that lie end to end."""
    at = 0
    while at < len(data):
        size = layout.FRAME_STRUCT.unpack_from(data, at)[2]
        yield data[at : at + size]
        at += size


def _count(result: int, doing: str) -> int:
    if result <= 0:
        raise SourceError(f"cannot {doing}: {explain(result)[1]}")
    return result
