"""A command that waits before its first instruction until its watcher is ready."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from whatran.errors import CommandError
from whatran.source.ptrace_abi import allow_tracer

if TYPE_CHECKING:
    from whatran.process.accounts import Account

# Python ignores these two; a command expects to find them as a shell leaves them.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)


class Command:
    """A child that has been forked and does not exec before ``release()``.

    It has our stdin, stdout, stderr and terminal, and our process group. Before it
    execs it takes the name ``token`` for a moment: so the kernel program knows it. It
    lets the process ``tracer`` trace it, if there is one. It is run as the user of
    ``account``, if given, else as we are.
    """

    def __init__(self, args: Sequence[str], token: bytes, tracer: int = 0, account: Account | None = None) -> None:
        self.args = [_encoded(argument) for argument in args]
        if not self.args[0]:
            raise CommandError("'': command not found", 127)
        self.returncode: int | None = None
        """As subprocess has it: the exit status, or minus the signal; None until wait()."""
        go_read, self._go = os.pipe()
        self._error, error_write = os.pipe()
        ready, ready_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            if tracer:
                allow_tracer(tracer)
            os.close(self._go)  # else it would wait for itself
            os.close(ready_write)
            _child(self.args, token, account, go_read, error_write)
        os.close(go_read)
        os.close(error_write)
        os.close(ready_write)
        os.read(ready, 1)  # to its end: nothing is written there, that would count as the command's doing
        os.close(ready)
        self.fd = os.pidfd_open(self.pid)
        """Readable once the command has ended."""

    def release(self) -> None:
        """Lets it exec; CommandError with the shell's 126 or 127 where that failed."""
        # Each descriptor is given up before it is closed: Ctrl-C may come between any two lines.
        go, self._go = self._go, -1
        with os.fdopen(go, "wb") as pipe:
            pipe.write(b"x")
        error, self._error = self._error, -1
        with os.fdopen(error, "rb") as pipe:
            said = pipe.read()
        if said:
            self.wait()
            number = int(said)
            name = os.fsdecode(self.args[0])
            if number == errno.ENOENT and shutil.which(name):
                raise CommandError(f"{name}: cannot be run: the interpreter that it names is not there", 126)
            if number in (errno.ENOENT, errno.ENOTDIR):
                raise CommandError(f"{name}: command not found", 127)
            raise CommandError(f"{name}: cannot be run: {os.strerror(number)}", 126)

    def poll(self) -> int | None:
        """Its returncode; None while it has not ended, or its tracer has not let us know yet."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Its returncode, once it has ended."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def close(self) -> None:
        """Lets go of it: one not released ends, a running one runs on, and one that has ended leaves no zombie."""
        unreleased = self._go >= 0
        for name in ("_go", "_error", "fd"):
            fd = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)
        if unreleased:
            self.wait()
        else:
            with suppress(ChildProcessError):  # somebody else has waited for it
                self.poll()


def _encoded(argument: str) -> bytes:
    """As it is handed to the kernel; known before anything is started."""
    try:
        encoded = os.fsencode(argument)
    except (TypeError, UnicodeEncodeError):
        encoded = b"\0"
    if b"\0" in encoded:
        raise CommandError(
            f"{argument!r} cannot be an argument of a command: it holds what no program can be passed", 126
        )
    return encoded


def _child(args: list[bytes], token: bytes, account: Account | None, go_read: int, error_write: int) -> None:
    """The child's side: never returns, and its exec is what the watcher sees first."""
    try:
        for number in signal.valid_signals():
            # Exec would end our handlers; a signal that comes before it shall do what it does after.
            if number in _RESTORED or callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        if os.read(go_read, 1):
            environment: Mapping[str, str] = os.environ
            if account:
                os.setgroups(account.groups)
                os.setresgid(account.gid, account.gid, account.gid)
                os.setresuid(account.uid, account.uid, account.uid)  # last, as it takes the right to the others
                environment = account.environment(environment)
            if token:
                _introduce(token)
            os.execvpe(args[0], args, environment)
    except OSError as error:
        os.write(error_write, str(error.errno).encode())
    finally:
        os._exit(127)


# linux/prctl.h
_PR_SET_NAME, _PR_GET_NAME = 15, 16
_libc = ctypes.CDLL(None)


def _introduce(token: bytes) -> None:
    """Takes the name and gives it back."""
    before = ctypes.create_string_buffer(16)
    _libc.prctl(_PR_GET_NAME, before)
    _libc.prctl(_PR_SET_NAME, token)
    _libc.prctl(_PR_SET_NAME, before)
