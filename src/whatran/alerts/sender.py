"""A receiver's process, as seen from the one that watches, which never waits for it."""

from __future__ import annotations

import fcntl
import logging
import math
import os
import select
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from whatran.alerts.serve import DELIVERED, FAILED, serve
from whatran.alerts.signals import END

if TYPE_CHECKING:
    from whatran.alerts.receiver import Receiver

log = logging.getLogger("whatran.alerts")

QUEUE_BYTES = 4 << 20
"""How much waits here for a receiver that does not keep up, beside what is in the pipe."""

_F_SETPIPE_SZ = 1031
PIPE_BYTES = 1 << 20
"""What an unprivileged process may ask for (/proc/sys/fs/pipe-max-size)."""

DRAIN_SECONDS = 10.0
"""How long a receiver has at the end for what is left."""

TELL_SECONDS = 1.0
"""How long to wait for it before that is said."""

KILL_SECONDS = 1.0
"""How long it has to end what it is doing after that."""

CHUNK_BYTES = 1 << 16


class Sender:
    """Starts the process of a receiver and hands it messages; ended by finish().

    At any time each alert that was put is delivered, failed or dropped, or it is still under way.
    """

    def __init__(self, receiver: Receiver) -> None:
        self.name = receiver.name
        self.executes = receiver.executes
        self.put_alerts = 0
        """How many alerts were given to put()."""
        self.delivered = 0
        """How many of them the receiver has taken."""
        self.failed = 0
        """How many it has not, whatever was tried."""
        self.dropped = 0
        """How many were never tried, as it did not keep up."""
        self.untold = 0
        """How many of the dropped ones it has not been told of."""
        self._queue = bytearray()
        self._broken = False
        reading, self._lines = os.pipe()
        self._reports, writing = os.pipe()
        with suppress(OSError):
            fcntl.fcntl(self._lines, _F_SETPIPE_SZ, PIPE_BYTES)
        # What a handler of ours raises must not be raised in the child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            parent = os.getpid()
            self.pid = os.fork()
            if self.pid == 0:
                serve(receiver, reading, writing, parent)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._pidfd = os.pidfd_open(self.pid)
        for fd in (reading, writing):
            os.close(fd)
        for fd in (self._lines, self._reports):
            os.set_blocking(fd, False)

    @property
    def waiting(self) -> bool:
        """Whether something is to be handed on once the pipe has room."""
        return bool(self._queue)

    @property
    def roomy(self) -> bool:
        """Whether there is room again after there was none."""
        return not self._broken and len(self._queue) <= QUEUE_BYTES // 2

    def put(self, line: bytes, stands_for: int = 1, *, alert: bool = True) -> None:
        """Takes a message in line, an alert or what tells of so many, and drops it where there is no room."""
        self.put_alerts += alert
        if self._broken or len(self._queue) + len(line) > max(QUEUE_BYTES, len(line)):
            self.dropped += alert
            self.untold += stands_for
        else:
            self._queue += line
            self.flush()

    def flush(self) -> None:
        """Hands on what the pipe has room for, and hears what has become of what was handed on."""
        try:
            while self._queue:
                del self._queue[: os.write(self._lines, self._queue[:CHUNK_BYTES])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._broken = True
            self._queue.clear()
            log.warning("%s: its process has ended, and nothing more is delivered to it", self.name)
        self._hear()

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while reports := os.read(self._reports, CHUNK_BYTES):
                self.delivered += reports.count(DELIVERED)
                self.failed += reports.count(FAILED)

    @property
    def owed(self) -> int:
        """Of how many alerts it is not known yet what becomes of them."""
        return self.put_alerts - self.delivered - self.failed - self.dropped

    # -- the end ------------------------------------------------------------------------------

    def finish(self) -> bool:
        """Goes on with it, as nothing more will be put; whether all was done and the process has ended."""
        if self._pidfd >= 0:
            self.flush()
            if not self._queue and self._lines >= 0:
                self._lines = _closed(self._lines)
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                self._ended()
        return self._pidfd < 0

    def wants(self, poll: select.poll) -> None:
        """What finish() waits for."""
        poll.register(self._pidfd, select.POLLIN)
        poll.register(self._reports, select.POLLIN)
        if self._queue:
            poll.register(self._lines, select.POLLOUT)

    def kill(self, number: int) -> None:
        if self._pidfd >= 0:
            signal.pidfd_send_signal(self._pidfd, number)

    def _ended(self) -> None:
        self._hear()
        # Of what it has not told there is nothing to be known.
        self.failed = self.put_alerts - self.delivered - self.dropped
        self._queue.clear()
        if self._lines >= 0:
            self._lines = _closed(self._lines)
        self._reports, self._pidfd = _closed(self._reports), _closed(self._pidfd)


def _closed(fd: int) -> int:
    os.close(fd)
    return -1


def finish(senders: Sequence[Sender], seconds: float, *, patient: bool = False) -> None:
    """Gives all of them so long for what is left, and ends those that take longer; no process of theirs is left.

    Who is patient gives them as long again whenever one has taken an alert.
    """
    try:
        for sender in _wait(senders, seconds, patient=patient, tell=True):
            if seconds and sender.owed:
                log.warning("%s: it is ended, as its %g seconds for what was left are over", sender.name, seconds)
    finally:  # whoever interrupts this does not want to wait
        for number, patience in ((END, KILL_SECONDS), (signal.SIGKILL, None)):
            for sender in senders:
                sender.kill(number)
            _wait(senders, patience)


def _wait(
    senders: Sequence[Sender], seconds: float | None, *, patient: bool = False, tell: bool = False
) -> list[Sender]:
    """Those that have not ended in so many seconds, None being for ever; says that it waits where that takes long."""
    began, delivered = time.monotonic(), 0
    told = began + TELL_SECONDS if tell else math.inf
    while waiting := [sender for sender in senders if not sender.finish()]:
        now, before = time.monotonic(), delivered
        if told <= now and any(sender.owed for sender in waiting):
            told = math.inf
            log.warning("waiting for alerts to be delivered; Ctrl-C gives up")
        delivered = sum(sender.delivered for sender in senders)
        if patient and delivered > before:
            began = now
        left = None if seconds is None else began + seconds - now
        if left is not None and left <= 0:
            break
        poll = select.poll()
        for sender in waiting:
            sender.wants(poll)
        untold = told - now if told > now else math.inf
        wake = min(math.inf if left is None else left, untold)
        poll.poll(None if wake == math.inf else wake * 1000)
    return waiting
