"""ptrace(2) and prctl(2) as linux/ptrace.h and linux/prctl.h have them, through the C library."""

from __future__ import annotations

import ctypes
import os

SIGTRAP = 5

_CONT, _GETEVENTMSG, _SEIZE, _LISTEN = 7, 0x4201, 0x4206, 0x4208

EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_EXIT, EVENT_STOP = 1, 2, 3, 4, 6, 128
BIRTHS = (EVENT_FORK, EVENT_VFORK, EVENT_CLONE)

# Each option's bit is its event's number. Without PTRACE_O_EXITKILL: who is traced outlives its tracer.
OPTIONS = sum(1 << event for event in (*BIRTHS, EVENT_EXEC, EVENT_EXIT))

WALL = 0x40000000
"""For waitpid(2): threads too."""

_PR_SET_PTRACER = 0x59616D61

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long
_message = ctypes.c_ulong()
_message_at = ctypes.byref(_message)


def seize(pid: int, options: int = OPTIONS) -> None:
    """Traces a process and all it will make, without stopping it; OSError where that is not allowed."""
    if _libc.ptrace(_SEIZE, pid, None, options):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def go_on(tid: int, signal: int = 0) -> None:
    """Lets a stopped task go on, with a signal if given; nothing where it has been killed meanwhile."""
    _libc.ptrace(_CONT, tid, None, signal)


def stay_stopped(tid: int) -> None:
    """Leaves a task stopped as SIGSTOP and its like want it, until SIGCONT comes."""
    _libc.ptrace(_LISTEN, tid, None, None)


def event_message(tid: int) -> int | None:
    """What the event at which a task stands still says; None where it has been killed meanwhile."""
    if _libc.ptrace(_GETEVENTMSG, tid, None, _message_at):
        return None
    return _message.value


def allow_tracer(pid: int) -> None:
    """Has Yama, where it is in force, let this process be traced by that one."""
    _libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)
