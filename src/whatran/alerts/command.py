"""A shell command that is run for each alert."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whatran.alerts.message import host_name
from whatran.alerts.receiver import UndeliveredError
from whatran.alerts.signals import END, IGNORED
from whatran.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whatran.alerts.message import Message

SHELL = "/bin/sh"

_INTERRUPTING = (END, signal.SIGALRM)

# A command expects to find signals as a shell leaves them; the last two are ignored by Python.
_RESTORED = (*IGNORED, signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Command:
    """Runs a shell command with the JSON on its standard input and the facts in its environment, never in its text."""

    command: str
    name: str = "--alert"
    tries: int = 1
    """What it did before it failed, nobody knows."""
    seconds: float = 30.0
    executes: bool = True

    def __post_init__(self) -> None:
        """UsageError for no command, which would succeed and tell nobody."""
        if not self.command.strip():
            raise UsageError("--alert takes a shell command, and this is empty")

    def send(self, message: Message) -> None:
        facts = {**message.facts, "host": host_name(), "text": message.text}
        variables = {b"WHATRAN_%s" % name.upper().encode(): text.encode() for name, text in facts.items()}
        status = _run(self.command, {**os.environb, **variables}, bytes(message.json) + b"\n")
        if status < 0:
            raise UndeliveredError(f"the command was ended by {_signal(-status)}", again=False)
        if status:
            raise UndeliveredError(f"the command ended with status {status}", again=False)


def _run(command: str, env: Mapping[bytes, bytes], data: bytes) -> int:
    """How a shell command ended that had this on its standard input: its status, or minus a signal.

    Whatever our signal handlers raise meanwhile, neither it nor a process of its group is left: that is
    why this is not subprocess, which may be interrupted when the command runs and we do not know it yet.
    """
    pid = 0
    reading, writing = os.pipe()
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTING)
        pid = os.posix_spawn(
            SHELL,
            [SHELL, "-c", command],
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
            setpgroup=0,
            setsigmask=(),
            setsigdef=_RESTORED,
        )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTING)
        reading = _closed(reading)
        with suppress(BrokenPipeError):  # it need not read all
            while data:
                data = data[os.write(writing, data) :]
        writing = _closed(writing)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:  # its time is over, or ours
        if pid:
            with suppress(ProcessLookupError, ChildProcessError):
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTING)
        for fd in (reading, writing):
            if fd >= 0:
                os.close(fd)


def _closed(fd: int) -> int:
    os.close(fd)
    return -1


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
