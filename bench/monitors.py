"""What looks on: one entry a monitor. Another one is added by one more.

Each is told to look at the processes of the load's user alone; one that cannot be told so is run only where the machine
is ours as a whole.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench import audit
from bench.loads import USER
from bench.told import Place, in_floor, in_lives, in_recording, in_summary, matches, nobody, nothing, replayed, written
from whatran.recorder import FLUSH_NS
from whatran.sinks.table import HOLD

WHATRAN = [sys.executable, "-m", "whatran"]

# A tree is told apart in the kernel; of other users' execs it tells all the same that they were.
OURS = ("--tree", str(os.getpid()), "--uid", str(USER))

# What there is to know of an exec, to those who know no more of it.
SIXTEEN = (
    "cmdpath,pathname,dev,inode,ctime,inode_mode,interpreter_pathname,interpreter_dev,interpreter_inode,"
    "interpreter_ctime,argv,interp,stdin_type,stdin_path,invoked_from_kernel,env"
)

# bpftrace and libbpf-tools find tracepoints there; in a mount namespace, for it need not be mounted for all.
TRACEFS = """
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
exec "$@"
"""


@dataclass(frozen=True)
class Monitor:
    """A command that looks on until SIGINT, or until what it wraps ends."""

    name: str
    command: Callable[[Place], list[str]]
    """Its command line; none is nobody looking on. Its standard output is in Place.out too."""
    count: Callable[[Place], int | None]
    """How many execs it told of."""
    program: str = ""
    """What must be on PATH for it."""
    package: str = ""
    """Debian's package of that."""
    wraps: bool = False
    """Whether it has to run the load itself, as its user."""
    whole_machine: bool = False
    """Whether it cannot be kept from telling of everybody's processes."""
    text: Callable[[Place], bytes] = written
    """What it told, as text."""
    around: Callable[[Place], AbstractContextManager[object]] = lambda _: nullcontext()
    """What has to be set and reset for it."""
    ended_by: signal.Signals = signal.SIGINT
    holds_seconds: float = 0
    """For how long it may hold back what it still has to do; it looks idle meanwhile."""
    kernel_threads: tuple[str, ...] = ()
    """Names of the kernel's threads that work for it alone."""
    note: str = ""

    @property
    def whatran(self) -> bool:
        """Whether it is what all this is about."""
        return self.name.startswith("whatran")

    @property
    def real(self) -> bool:
        """Whether it is a monitor that somebody uses, rather than a measure for them."""
        return self.whatran or bool(self.program)


def _whatran(*arguments: str) -> Callable[[Place], list[str]]:
    return lambda place: [*WHATRAN, *arguments, *OURS, "-o", str(place.out)]


def _traced(*command: str) -> list[str]:
    return ["unshare", "--mount", "sh", "-c", TRACEFS, "sh", *command]


def _execsnoop_bt(place: Place) -> list[str]:
    """Debian's script, with the user as its condition."""
    script = Path("/usr/sbin/execsnoop.bt").read_text()
    ours = place.folder / "execsnoop.bt"
    ours.write_text(re.sub(r"(?m)^(tracepoint:\S+)$", rf"\1 /uid == {USER}/", script))
    return _traced("bpftrace", str(ours))


NONE = Monitor("none", lambda _: [], nobody)
FLOOR = Monitor(
    "raw tracepoint that only counts",
    lambda place: [sys.executable, "-m", "bench.floor", str(place.floor), str(USER)],
    in_floor,
    text=nothing,
)
MONITORS = (
    NONE,
    Monitor("none, again", lambda _: [], nobody),
    FLOOR,
    Monitor(
        "whatran record",
        _whatran("record", "--overwrite"),
        in_recording,
        text=replayed,
        holds_seconds=FLUSH_NS / 1e9 + 0.2,
    ),
    Monitor(
        "whatran record, without failed execs",
        _whatran("record", "--overwrite", "--failed", "none"),
        in_recording,
        text=replayed,
        holds_seconds=FLUSH_NS / 1e9 + 0.2,
        note="as most others do; where the kernel has no ftrace, it then has nothing to do at the end of system calls",
    ),
    Monitor(
        "whatran, jsonl to a file",
        _whatran("--format", "jsonl"),
        matches(rb'^\{"schema":\d+,"event":"sched_process_exec"'),
    ),
    Monitor(
        "whatran, jsonl of 16 fields",
        _whatran("--format", "jsonl", "--env", "--fields", SIXTEEN),
        matches(rb'^\{"event":"sched_process_exec"'),
        note="those of Tracee's event of that name, with argv and environment whole; it tells of execs alone, as no "
        "field of other events was asked for",
    ),
    Monitor("whatran, lives to a file", _whatran("--format", "lives"), in_lives),
    Monitor(
        "whatran, all built-in rules",
        _whatran("--rules", "--only-alerts", "--format", "jsonl"),
        in_summary,
        text=nothing,
        note="keeps nothing but alerts, so what it told is its own count; each exec of a storm is one or two of them, "
        "as its program was just written, and to a temporary directory",
    ),
    Monitor(
        "whatran, table to /dev/null",
        lambda _: [*WHATRAN, "--format", "table", *OURS, "-o", "/dev/null"],
        in_summary,
        text=nothing,
        holds_seconds=HOLD / 1e9 + 0.2,
        note="keeps nothing, so what it told is its own count",
    ),
    Monitor(
        "execsnoop (libbpf-tools)",
        lambda _: _traced("/usr/sbin/execsnoop", "-u", str(USER)),
        matches(rb"^.{16} +\d+ +\d+ +0 "),
        "/usr/sbin/execsnoop",
        "libbpf-tools",
    ),
    Monitor(
        "execsnoop.bt (bpftrace)",
        _execsnoop_bt,
        matches(rb"^\d+ +\d+ +\S"),
        "bpftrace",
        "bpftrace",
        note="tells of attempts, so failed ones count as told; the script of Debian, with the user as a condition",
    ),
    Monitor(
        "forkstat",
        lambda _: ["forkstat", "-e", "exec"],
        matches(rb"^\S+ exec +\d+"),
        "forkstat",
        "forkstat",
        whole_machine=True,
        note="cannot be told whom to look at, so it reads /proc of whatever the machine runs",
    ),
    Monitor(
        "auditd",
        lambda place: ["auditd", "-n", "-c", str(place.folder)],
        matches(rb"^type=EXECVE "),
        "auditd",
        "auditd",
        around=audit.rules,
        ended_by=signal.SIGTERM,
        kernel_threads=("kauditd",),
        note=(
            "two rules, one for execs of the user and one that keeps everybody else's records out; its log is never "
            "rotated, all else is as Debian configures it; its CPU includes that of the kernel's thread kauditd, but "
            "not what the kernel does to bring the log to the disk"
        ),
    ),
    Monitor(
        "strace -f",
        lambda place: [
            *("strace", "-f", "--seccomp-bpf", "-e", "trace=execve,execveat", "-s", "200000", "-o", str(place.out))
        ],
        matches(rb"execve(at)?\b.* = 0$"),
        "strace",
        "strace",
        wraps=True,
        note="asked for execve and execveat alone, with a seccomp filter so that nothing else stops the load",
    ),
)
