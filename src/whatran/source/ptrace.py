"""The ptrace source: a command and its descendants, without privilege, as frames like those of eBPF."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import msgspec

from whatran.cost import Cost
from whatran.errors import SourceError
from whatran.source import meter, ptrace_probe, tracer
from whatran.source.notes import NOTE, text_of
from whatran.source.procframes import older
from whatran.stats import Counts
from whatran.wire import layout

if TYPE_CHECKING:
    from whatran.wire.settings import Settings

log = logging.getLogger("whatran.ptrace")

READ_BYTES = 1 << 20
"""At most at once, so that a reader under full load gets its turn."""

_F_SETPIPE_SZ = 1031
PIPE_BYTES = 1 << 20
"""What an unprivileged process may ask for (/proc/sys/fs/pipe-max-size): so long a stall of ours halts nobody."""

_KICK_MS = 20


class Ptrace:
    """A tracer that waits for a command; frames from then on wait in a pipe.

    Nothing is lost: where that is full, the command waits.
    """

    def __init__(self, settings: Settings) -> None:
        self._received = dict.fromkeys(layout.KINDS, 0)
        self._rest = bytearray()
        self.more = False
        """Whether more may wait than the last read() gave, of which nobody is told."""
        self._ended = False
        self._failed = 0
        self._bytes_read = 0
        self._used = Cost()
        """What the tracer has used, once it has ended."""
        self._pid: int | None = None
        orders, self._orders = os.pipe()
        self.fd, output = os.pipe()
        """Readable when frames wait."""
        with suppress(OSError):
            fcntl.fcntl(output, _F_SETPIPE_SZ, PIPE_BYTES)
        # What a handler of ours raises must not be raised in the tracer.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._pid = os.fork()
            if self._pid == 0:
                tracer.serve(settings, orders, output)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(orders)
        os.close(output)

    @property
    def tracer(self) -> int:
        """The process that a command must let trace it."""
        return self._pid or 0

    def attach(self) -> None:
        """Nothing: it begins with the command."""

    def follow(self, pid: int) -> None:
        """Traces a process and all its descendants from now on; SourceError where that is not allowed."""
        os.write(self._orders, pid.to_bytes(4, "little"))
        answer = os.read(self.fd, 4)
        os.set_blocking(self.fd, False)
        number = int.from_bytes(answer, "little")
        if number or not answer:
            raise SourceError(ptrace_probe.explain(pid, number or errno.EPERM))

    # -- reading ------------------------------------------------------------------------------

    def read(self) -> list[bytes]:
        """The frames that wait; more may be left when there are any."""
        frames: list[bytes] = []
        while not frames and self._fill():
            frames = self._take()
        self.more = bool(frames)
        return frames

    def drain(self) -> Iterator[list[bytes]]:
        """Lets go of all that is traced, then yields all batches that are still to come."""
        self._end()
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        while not self._ended:
            # Its signal may have come when it was just about to wait: again and again, then.
            if not poll.poll(_KICK_MS) and self._pid:
                os.kill(self._pid, signal.SIGIO)
            if frames := self.read():
                yield frames

    def _fill(self) -> bool:
        """Whether something was read."""
        if self.fd < 0:
            return False
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return False
        if not data and not self._ended:
            self._ended = True
            self._reap()
        self._rest += data
        self._bytes_read += len(data)
        return bool(data)

    def _reap(self) -> None:
        """It ends by itself once nobody is left to trace."""
        pid, self._pid = self._pid, None
        with suppress(ChildProcessError):
            if pid:
                _, status, used = os.wait4(pid, 0)
                self._used = meter.ended(used)
                if status:
                    self._failed = 1
                    log.warning("the tracer has ended: what the command does from now on is not seen")

    def _take(self) -> list[bytes]:
        """The whole frames there are."""
        frames, at, rest = [], 0, self._rest
        while len(rest) - at >= layout.FRAME_STRUCT.size:
            size, _, kind = layout.FRAME_STRUCT.unpack_from(rest, at)[2:5]
            if len(rest) - at < size:
                break
            frame = bytes(rest[at : at + size])
            at += size
            if kind == NOTE:
                log.warning("%s", text_of(frame))
            else:
                self._received[kind] += 1
                frames.append(frame)
        del rest[:at]
        return frames

    def tasks(self) -> list[bytes]:
        """We and our ancestors, each as an exec frame flagged as repaired."""
        return older(os.getpid())

    def scope(self, pid: int, bits: int) -> None:
        """Nothing: who comes from the command is in scope, and nobody else can be."""

    def scope_of(self, pid: int) -> int:
        """Nothing is noted of any process."""
        return 0

    def produced(self) -> dict[tuple[int, int], int]:
        """How many records were made, by CPU and kind of frame."""
        return {(0, kind): self._received[kind] for kind in layout.EVENTS}

    def counts(self) -> dict[int, Counts]:
        """What was counted so far, by kind of frame."""
        counts = {kind: Counts(seen=count, produced=count, received=count) for kind, count in self._received.items()}
        # At least one more is missing where the tracer was killed.
        execs = counts[layout.EXEC]
        counts[layout.EXEC] = msgspec.structs.replace(execs, seen=execs.seen + self._failed, failed=self._failed)
        return counts

    def cost(self) -> Cost:
        """What the tracer has used so far, and how much was read."""
        used = meter.living(self._pid) if self._pid else self._used
        return msgspec.structs.replace(used, bytes_read=self._bytes_read)

    # -- closing ------------------------------------------------------------------------------

    def _end(self) -> None:
        """Has the tracer end, which lets all go on."""
        orders, self._orders = self._orders, -1
        if orders >= 0:
            os.close(orders)

    def close(self) -> None:
        """Ends the tracer; may be called twice."""
        self._end()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        pid, self._pid = self._pid, None
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
