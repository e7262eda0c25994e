"""Whether a command can be followed by ptrace here, and why not."""

from __future__ import annotations

import os
import signal

from whatran.source import capabilities
from whatran.source.probe import CANNOT_TELL, NO, YES, Check
from whatran.source.procfs import PROC
from whatran.source.ptrace_abi import seize

YAMA = PROC / "sys/kernel/yama/ptrace_scope"


def has_own_proc() -> Check:
    """Whether /proc shows the processes as we number them."""
    try:
        ours = os.readlink(PROC / "self") == str(os.getpid())
    except OSError:
        ours = False
    if ours:
        return Check("/proc", YES, "")
    return Check("/proc", NO, "/proc is not of this pid namespace", "mount -t proc proc /proc")


def has_yama() -> Check:
    """Whether Yama lets unprivileged processes trace what they start."""
    try:
        scope = int(YAMA.read_text())
    except (OSError, ValueError):
        return Check("Yama", YES, "not in force")
    detail = f"{YAMA} is {scope}"
    if scope < 2 or (scope == 2 and capabilities.SYS_PTRACE in capabilities.effective()):
        return Check("Yama", YES, detail)
    if scope == 2:
        return Check("Yama", NO, f"{detail}: only CAP_SYS_PTRACE may trace", f"sudo sysctl {_SYSCTL}=1")
    return Check("Yama", NO, f"{detail}: nobody may trace until the next boot", f"set {_SYSCTL}=1 and reboot")


_SYSCTL = "kernel.yama.ptrace_scope"


def has_ptrace() -> Check:
    """Whether this process can trace a child of its own: a seccomp profile may forbid it."""
    try:
        pid = os.fork()
    except OSError as error:
        return Check("ptrace", CANNOT_TELL, f"cannot start a process: {error.strerror}")
    if pid == 0:
        signal.pause()
        os._exit(0)
    try:
        seize(pid, options=0)
    except OSError as error:
        return Check("ptrace", NO, f"tracing a child: {error.strerror}", _NEXT_STEP)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return Check("ptrace", YES, "")


_NEXT_STEP = "allow ptrace(2) in the container's seccomp profile (docker run --cap-add SYS_PTRACE), or use eBPF"


def checks() -> list[Check]:
    """All that following a command by ptrace needs, in the order in which it would fail."""
    return [has_own_proc(), has_yama(), has_ptrace()]


def blocker(found: list[Check] | None = None) -> str | None:
    """Why ptrace cannot be used here and the next step, in one sentence; None where it can."""
    for check in found or checks():
        if check.answer == NO:
            return f"cannot use ptrace here: {check.detail}; {check.next_step}"
    return None


def explain(pid: int, number: int) -> str:
    """Why this process could not be traced, in one sentence with the next step."""
    tracer = next((line.split()[1] for line in _status(pid) if line.startswith("TracerPid:")), "0")
    if tracer != "0":
        return f"cannot trace the command: process {tracer} traces it already, and only one can; end that, or use eBPF"
    return blocker() or f"cannot trace the command: {os.strerror(number)}; `whatran doctor` says what is allowed here"


def _status(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return []
