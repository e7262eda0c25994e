"""What /proc says of a task that stands still, in the kernel's own units.

Numbers of processes and users are those of our own namespaces.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import time
from dataclasses import dataclass, field
from functools import lru_cache
from mmap import PAGESIZE
from typing import NamedTuple, TypeAlias

from whatran.clock import shift_ns
from whatran.errors import UsageError
from whatran.source import cgroupfs
from whatran.source.procfs import TICK_NS
from whatran.wire import layout


class Task(NamedTuple):
    """The values of layout.TASK, in their order."""

    start_boot_ns: int
    ppid_start_boot_ns: int
    cap_effective: int
    cgroup_id: int
    exec_id: int
    pid: int
    tid: int
    ns_pid: int
    ns_tid: int
    ppid: int
    uid: int
    gid: int
    euid: int
    egid: int
    suid: int
    sgid: int
    fsuid: int
    fsgid: int
    loginuid: int
    audit_session: int
    session_id: int
    process_group: int
    tty_dev: int
    mnt_ns: int
    pid_ns: int
    user_ns: int
    net_ns: int
    uts_ns: int
    ipc_ns: int
    cgroup_ns: int
    reserved: int
    comm: bytes
    ppid_comm: bytes


Ids: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""uid .. fsgid of a Task."""

Namespaces: TypeAlias = tuple[int, int, int, int, int, int, int]
"""mnt_ns .. cgroup_ns of a Task."""


class Identity(NamedTuple):
    """Who a process is: what it takes privilege to change, or a new user namespace."""

    settled: bool
    """Whether it has no such privilege, nor different ids to choose from."""
    cap_effective: int
    ids: Ids
    audit: tuple[int, int]
    namespaces: Namespaces
    ns_pid: int


class Parent(NamedTuple):
    """What a task says of its parent."""

    start_boot_ns: int
    comm: bytes


# State, parent, numbers, when it was started in ticks, numbers: what is read of them is there.
_STAT = re.compile(rb" \S \d{1,9}(?: -?\d{1,20}){17} \d{1,12}(?: -?\d{1,20}){29}\s")

# The name, which comes first, has its line feeds escaped: it begins no line but its own. Of the numbers in each pid
# namespace the last is in the innermost.
_STATUS = re.compile(
    rb"^Uid:\t(\d{1,10})\t(\d{1,10})\t(\d{1,10})\t(\d{1,10})\n"
    rb"Gid:\t(\d{1,10})\t(\d{1,10})\t(\d{1,10})\t(\d{1,10})\n.*?"
    rb"^NStgid:(?:\t\d+)*\t(\d{1,10})\n"
    rb"NSpid:(?:\t\d+)*\t(\d{1,10})\n.*?"
    rb"^CapEff:\t([0-9a-f]{1,16})\n",
    re.MULTILINE | re.DOTALL,
)

_RELATIVES = re.compile(rb"^Tgid:\t(\d{1,10})\n.*?^PPid:\t(\d{1,10})\n", re.MULTILINE | re.DOTALL)

_MAX_RSS = re.compile(rb"^VmHWM:\s*(\d{1,18}) kB$", re.MULTILINE)

_NAMESPACES = ("mnt", "pid", "user", "net", "uts", "ipc", "cgroup")
NO_NAMESPACES = (0, 0, 0, 0, 0, 0, 0)
_USER_NS = 2

# The CPU clocks of another process, its threads that are gone included: linux/posix-timers_types.h.
_CLOCK_ALL, _CLOCK_USER, _CLOCK_SCHEDULED = 0, 1, 2

_IO = (b"rchar", b"wchar", b"read_bytes", b"write_bytes")


_MOST = (1 << 64) - 1

_TASK = layout.compile_struct(layout.TASK)

FileId: TypeAlias = tuple[int, ...]
"""The values of layout.FILE_ID."""

UNKNOWN = Task(*(b"" if code.endswith("s") else 0 for _, code in layout.TASK))  # type: ignore[arg-type] # as layout has it


class Stat(NamedTuple):
    """/proc/PID/stat: the name, and the words behind it."""

    comm: bytes
    words: list[bytes]

    def number(self, field: int) -> int:
        """A field by its number in proc(5), from 3 on."""
        return int(self.words[field - 3])


class Usage(NamedTuple):
    """In the order of layout.EXIT_REST."""

    utime_ns: int
    stime_ns: int
    runtime_ns: int
    max_rss_pages: int
    minor_faults: int
    major_faults: int
    rchar: int
    wchar: int
    read_bytes: int
    write_bytes: int


class Ending(NamedTuple):
    """What an exit frame has but for the status."""

    time_boot_ns: int
    task: Task
    usage: Usage


@dataclass(slots=True)
class Process:
    """What is remembered of a process from one event to the next."""

    pid: int
    start_boot_ns: int
    exec_id: int
    task: Task
    """As of its last event, or of its creator's at its fork."""
    identity: Identity | None = None
    """None for not known."""
    cgroup: bytes | None = None
    exe: FileId | None = None
    threads: dict[int, int] = field(default_factory=dict)
    """When each that has not begun to end was created, in ns since boot."""
    ending: Ending | None = None
    """Its end, where only the status is not known yet."""
    ended: bool = False


def _unlike(path: str) -> ProcessLookupError:
    """Of a process with a text that the kernel does not write, nothing is known: as if it were gone."""
    return ProcessLookupError(errno.ESRCH, f"{path} is not as expected")


def read(path: str, size: int = 1 << 14) -> bytes:
    """A small file under /proc, which is had by one read."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, size)
    finally:
        os.close(fd)


def stat_of(tid: int | str) -> Stat:
    """What /proc/PID/stat says of a task; of a thread by ``PID/task/TID``."""
    # The name in brackets may hold anything, brackets too: count from the last.
    left, _, right = read(f"/proc/{tid}/stat").rpartition(b")")
    if not _STAT.match(right):
        raise _unlike(f"/proc/{tid}/stat")
    return Stat(left.partition(b"(")[2], right.split())


def started(stat: Stat) -> int:
    """When a task was created, in ns since boot, to the clock tick."""
    return stat.number(22) * TICK_NS - shift_ns()


def start_time(stat: Stat, now_boot_ns: int) -> int:
    """When a task was created, in ns since boot: as it is seen first, but in the tick that /proc has for it."""
    tick = started(stat)
    return max(tick, min(now_boot_ns, tick + TICK_NS - 1))


def task_of(
    tid: int,
    process: Process,
    stat: Stat,
    parent: Parent,
    *,
    fresh: bool = False,
    ours: bool = False,
    moved: bool = False,
) -> Task:
    """The values common to all frames; with ``fresh`` also those that can hardly have changed are read again.

    ``ours`` says that it is known to be in our user namespace, ``moved`` that it may be in another cgroup.
    """
    identity = process.identity
    known = identity is not None and identity.settled and not fresh
    if identity is None or not known or not (ours or namespace(tid, "user") == own_user_namespace()):
        identity = process.identity = _identity(tid, identity)
        moved = True
    cgroup_id = process.task.cgroup_id
    if moved:
        cgroup_id, process.cgroup = read_cgroup(tid)
    ns_tid = identity.ns_pid
    if tid != process.pid:
        ns_tid = tid if ns_tid == process.pid else ns_numbers(tid)[1]
    tty = stat.number(7) & 0xFFFFFFFF  # shown with a sign
    task = Task(
        process.start_boot_ns,
        parent.start_boot_ns,
        identity.cap_effective,
        cgroup_id,
        process.exec_id,
        process.pid,
        tid,
        identity.ns_pid,
        ns_tid,
        stat.number(4),
        *identity.ids,
        *identity.audit,
        stat.number(6),
        stat.number(5),
        kernel_dev(tty) if tty else 0,
        *identity.namespaces,
        0,
        stat.comm,
        parent.comm,
    )
    try:
        _TASK.pack(*task)
    except struct.error:  # so has a task that is reaped just now session -1
        raise _unlike("stat") from None
    return task


def _identity(tid: int, before: Identity | None) -> Identity:
    """As it is now; namespaces that a dying task has left already as they were."""
    status = _STATUS.search(read(f"/proc/{tid}/status"))
    if status is None:
        raise _unlike(f"/proc/{tid}/status")
    *numbers, ns_pid, _, capabilities = status.groups()
    uid, euid, suid, fsuid, gid, egid, sgid, fsgid = map(int, numbers)
    cap_effective = int(capabilities, 16)
    namespaces = _namespaces(tid) or (before.namespaces if before else NO_NAMESPACES)
    # In an inner user namespace an exec may give capabilities, whatever the user is called here.
    settled = not cap_effective and uid == euid == suid == fsuid != 0 and gid == egid == sgid == fsgid
    return Identity(
        settled and namespaces[_USER_NS] == own_user_namespace(),
        cap_effective,
        (uid, gid, euid, egid, suid, sgid, fsuid, fsgid),
        (_optional_number(f"/proc/{tid}/loginuid"), _optional_number(f"/proc/{tid}/sessionid")),
        namespaces,
        int(ns_pid),
    )


def born(  # noqa: PLR0917 (each of another type)
    child: Process, creator: Process, task: Task, numbers: tuple[int, int], ppid: int, parent: Parent
) -> None:
    """A process has what its creator had, in the thread that made it, until it says otherwise."""
    child.task = task._replace(
        start_boot_ns=child.start_boot_ns,
        ppid_start_boot_ns=parent.start_boot_ns,
        pid=child.pid,
        tid=child.pid,
        ns_pid=numbers[0],
        ns_tid=numbers[1],
        ppid=ppid,
        ppid_comm=parent.comm,
    )
    child.cgroup = creator.cgroup
    if creator.identity and creator.identity.settled:
        child.identity = creator.identity._replace(ns_pid=numbers[0])


def ns_numbers(tid: int) -> tuple[int, int]:
    """(pid, tid) of a task in its own pid namespace."""
    try:
        status = _STATUS.search(read(f"/proc/{tid}/status"))
    except OSError:
        status = None
    if status is None:
        return 0, 0
    return int(status[9]), int(status[10])


def relatives(tid: int) -> tuple[int, int]:
    """(pid, ppid) of a task; twice 0 where it is gone."""
    try:
        found = _RELATIVES.search(read(f"/proc/{tid}/status"))
    except OSError:
        found = None
    return (int(found[1]), int(found[2])) if found else (0, 0)


def namespace(tid: int | str, name: str) -> int:
    """Number of a namespace of a task; 0 where it is not shown (any more)."""
    try:
        return int(os.readlink(f"/proc/{tid}/ns/{name}").rpartition("[")[2][:-1])
    except (OSError, ValueError):
        return 0


@lru_cache(maxsize=1)
def own_user_namespace() -> int:
    """Number of ours."""
    return namespace("self", "user")


@lru_cache(maxsize=256)
def kernel_dev(dev: int) -> int:
    """A device number as the kernel has it, major << 20 | minor."""
    return os.major(dev) << 20 | os.minor(dev)


def _optional_number(path: str) -> int:
    """A number; ~0, which is unset, where the kernel does not keep it."""
    try:
        return int(read(path))
    except (OSError, ValueError):
        return 0xFFFFFFFF


def _namespaces(tid: int) -> Namespaces | None:
    """Their numbers in the order of layout.TASK; None where they are not shown (any more)."""
    mnt, pid, user, net, uts, ipc, cgroup = (namespace(tid, name) for name in _NAMESPACES)
    return (mnt, pid, user, net, uts, ipc, cgroup) if mnt else None


def read_cgroup(tid: int) -> tuple[int, bytes]:
    """Id of the cgroup of the v2 hierarchy and its path, or where that is the root the path of v1's pids controller."""
    unified = pids = b"/"
    # A name may hold anything but a line feed, also what else Python takes for the end of a line.
    for line in read(f"/proc/{tid}/cgroup").split(b"\n"):
        _, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if not colon:
            continue
        if not controllers:
            unified = path.removesuffix(b" (deleted)")
        elif b"pids" in controllers.split(b","):
            pids = path.removesuffix(b" (deleted)")
    return _cgroup_id(unified), pids if unified == b"/" else unified


_ROOT_CGROUP = 1


def _cgroup_id(path: bytes) -> int:
    """Inode number of its directory; 0 where it cannot be seen."""
    mount = _cgroup_mount()
    try:
        return os.stat(mount + path).st_ino if mount else _ROOT_CGROUP if path == b"/" else 0
    except (OSError, ValueError):
        return 0


@lru_cache(maxsize=1)
def _cgroup_mount() -> bytes | None:
    try:
        return os.fsencode(cgroupfs.root())
    except UsageError:
        return None


# -- what was used ----------------------------------------------------------------------------------


def process_usage(tid: int, pid: int, stat: Stat | None) -> Usage:
    """Of a whole process that stands still in this thread, its last."""
    used, user, scheduled = (_clock(~pid << 3 | which) for which in (_CLOCK_ALL, _CLOCK_USER, _CLOCK_SCHEDULED))
    faults = (stat.number(10), stat.number(12)) if stat else (0, 0)
    return _usage(user, used - user, scheduled, _max_rss_pages(tid), *faults, *_io(f"/proc/{tid}/io"))


def thread_usage(tid: int, pid: int) -> Usage:
    """Of one thread that stands still."""
    folder = f"/proc/{pid}/task/{tid}"
    try:
        minor, major, utime, stime = map(stat_of(f"{pid}/task/{tid}").number, (10, 12, 14, 15))
        runtime = _count(read(f"{folder}/schedstat").partition(b" ")[0])
    except OSError:
        minor = major = utime = stime = runtime = 0
    return _usage(utime * TICK_NS, stime * TICK_NS, runtime, 0, minor, major, *_io(f"{folder}/io"))


def _clock(clock: int) -> int:
    try:
        return time.clock_gettime_ns(clock)
    except OSError:
        return 0


def _max_rss_pages(tid: int) -> int:
    """The largest resident set since its last exec."""
    try:
        found = _MAX_RSS.search(read(f"/proc/{tid}/status"))
    except OSError:
        return 0
    return int(found[1]) * 1024 // PAGESIZE if found else 0


def _io(path: str) -> tuple[int, ...]:
    try:
        lines = {name: count for name, _, count in (line.partition(b": ") for line in read(path).splitlines())}
    except OSError:  # a kernel without, or not for us
        return (0,) * len(_IO)
    return tuple(_count(lines.get(name, b"0")) for name in _IO)


def _count(digits: bytes) -> int:
    """A count the kernel keeps in 64 bits; 0 for what is none."""
    return int(digits) if digits.isdigit() and len(digits) <= len(str(_MOST)) else 0


def _usage(*counts: int) -> Usage:
    return Usage(*(min(max(count, 0), _MOST) for count in counts))
