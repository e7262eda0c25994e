"""A command that runs under us: its signals, its time and its status."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from whatran.cli.messages import say

if TYPE_CHECKING:
    from whatran.process.accounts import Account

FROM_THE_TERMINAL = (signal.SIGINT, signal.SIGQUIT)

HEARD = (*FROM_THE_TERMINAL, signal.SIGTERM, signal.SIGHUP)
"""Signals that are for the command."""

TIMED_OUT = 124
"""The status that timeout(1) has for it."""


def status(returncode: int | None) -> int:
    """The status a shell would have."""
    if returncode is None:  # never seen to end
        return 1
    return returncode if returncode >= 0 else 128 - returncode


def caller_of(*, as_root: bool) -> Account | None:
    """Whom the command is run as, which is said: who has called us by sudo or the like; None for who we are."""
    from whatran.process.accounts import caller  # noqa: PLC0415 (not for --help)

    account = None if as_root else caller(os.environ)
    if account:
        say(f"running the command as {account.name}, who has called for root; --as-root runs it as root")
    return account


class _Started(Protocol):
    """The part of a Watch that knows the command."""

    @property
    def pid(self) -> int | None: ...

    @property
    def returncode(self) -> int | None: ...


class Running:
    """The command, as signals concern it."""

    def __init__(self) -> None:
        self.timed_out = False
        self._command: _Started | None = None
        self._early: list[signal.Signals] = []

    def started(self, command: _Started) -> None:
        """There it is: it gets what came for it before."""
        self._command = command
        for number in self._early:
            self._send(number)

    def hear(self, number: signal.Signals) -> None:
        """Pass a signal on, unless the terminal sent it to the command as well: what it means is for that to say."""
        if self._command is None:
            self._early.append(number)
        elif number not in FROM_THE_TERMINAL:
            self._send(number)

    def time_out(self) -> None:
        if self._command is not None and self._command.returncode is None:
            self.timed_out = True
            self._send(signal.SIGTERM)
            self._send(signal.SIGCONT)  # a stopped process does not hear the first

    def _send(self, number: signal.Signals) -> None:
        command = self._command
        if command is not None and command.pid is not None and command.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(command.pid, number)
