"""What does not work as it should because it is traced, each told once and with the way out."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from whatran.source import capabilities
from whatran.source.procexec import MODE_AT
from whatran.source.proctask import read
from whatran.visible import escape

if TYPE_CHECKING:
    from whatran.source.procexec import Capable
    from whatran.source.proctask import Process

DEBUGGERS = frozenset({b"strace", b"ltrace", b"gdb", b"gdbserver", b"lldb", b"lldb-server", b"rr"})
"""A process has one tracer at the most: what they want to trace is traced already."""

_WAY_OUT = "to have it work, run whatran itself with sudo, which uses eBPF"

_NOBODY = 65534
"""Owner of a file whose real owner is not known in this user namespace, so that its bits mean nothing."""


class Advice:
    """Looks at programs as they are executed."""

    def __init__(self, capable: Capable) -> None:
        self._capable = capable
        self._privileged = capabilities.SYS_PTRACE in capabilities.effective()
        self._said: set[str] = set()

    def about(self, process: Process) -> str | None:
        """What to say of a process that has just executed something; None for nothing, or nothing new."""
        kind = "debugger" if process.task.comm in DEBUGGERS else self._privilege_lost(process)
        if kind is None or kind in self._said:
            return None
        self._said.add(kind)
        name = f"{escape(os.fsdecode(process.task.comm))} (pid {process.pid})"
        if kind == "debugger":
            return f"{name} cannot trace what whatran traces by ptrace: {_WAY_OUT}"
        return f"{name} runs without its {kind}, which a traced process cannot gain: {_WAY_OUT}"

    def _privilege_lost(self, process: Process) -> str | None:
        exe, pid, task = process.exe, process.pid, process.task
        if self._privileged or not exe:
            return None
        mode = exe[MODE_AT]
        gains = None
        if mode & (stat.S_ISUID | stat.S_ISGID):
            try:
                found = os.stat(f"/proc/{pid}/exe")
            except OSError:
                return None
            if mode & stat.S_ISUID and found.st_uid not in (task.euid, _NOBODY):
                gains = "setuid privilege"
            elif mode & stat.S_ISGID and mode & stat.S_IXGRP and found.st_gid not in (task.egid, _NOBODY):
                gains = "setgid privilege"
        if self._capable(pid, exe):
            gains = gains or "file capabilities"
        return gains if gains and not _would_be_ignored(pid) else None


def _would_be_ignored(pid: int) -> bool:
    """Whether it would gain nothing untraced either."""
    with suppress(OSError):
        if os.statvfs(f"/proc/{pid}/exe").f_flag & os.ST_NOSUID:
            return True
        return b"\nNoNewPrivs:\t1\n" in read(f"/proc/{pid}/status")
    return False
