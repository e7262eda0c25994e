"""The process of a receiver: hands over one message after the other, and may take its time.

It is forked off before anything else is opened, holds nothing but its two pipes, and is no part of what is
watched. It ends when its pipe does, once all is handed over; and at once on the signal END, which also comes when
whoever forked it has ended, however that came. All other signals that are sent to end whatran (by a terminal, by
systemd to all processes of a service) are for that one: what is to be delivered still is, when it ends in order.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import random
import signal
import time
import traceback
from typing import TYPE_CHECKING, NoReturn

from whatran.alerts.message import unpack
from whatran.alerts.receiver import UndeliveredError
from whatran.alerts.signals import END, IGNORED
from whatran.event import Alert
from whatran.source import capabilities

if TYPE_CHECKING:
    from types import FrameType

    from whatran.alerts.message import Message
    from whatran.alerts.receiver import Receiver

log = logging.getLogger("whatran.alerts")

DELIVERED, FAILED = b"+", b"-"
"""What is reported of each alert."""

FIRST_PAUSE_SECONDS = 0.5
"""How long to wait before the second try, at the least; each time twice as long."""

QUIET_SECONDS = 60.0
"""After a failure was told of, others are not told of for so long: they are counted."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def serve(receiver: Receiver, lines: int, reports: int, parent: int) -> NoReturn:
    """Delivers the messages that come on ``lines``, and writes what became of alerts to ``reports``; never returns."""
    code = 1
    try:
        os.setsid()  # what the terminal sends is not for us
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, END)
        # Our starter may have had its standard input closed, so that these two took its place.
        lines, reports = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (lines, reports))
        _keep_only(lines, reports)
        if not receiver.executes:  # what it executes is for whoever wants it to say
            capabilities.keep_only({capabilities.DAC_READ_SEARCH})
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        for number in (END, signal.SIGALRM):
            signal.signal(number, _interrupt)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if os.getppid() == parent:  # else it had ended before we asked to be told
            with os.fdopen(lines, "rb") as messages:
                deliver = Deliver(receiver)
                for line in messages:
                    message = unpack(line)
                    taken = deliver(message)
                    if message.event == Alert.NAME:
                        os.write(reports, DELIVERED if taken else FAILED)
        code = 0
    except (BrokenPipeError, SystemExit):  # whoever forked us has ended, or wants us to
        code = 0
    except BaseException:  # noqa: BLE001  # whatever it is must not run on as if it were whatran
        traceback.print_exc()
    finally:
        os._exit(code)


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    """Gets out of whatever waits."""
    raise TimeoutError if number == signal.SIGALRM else SystemExit


def _keep_only(*wanted: int) -> None:
    """Closes all other descriptors, which somebody may be waiting for to be closed; what is said goes to our stderr."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is none
        os.dup2(null, 1)
        os.dup2(null, 2)
    low = 3
    for fd in sorted(wanted):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


class Deliver:
    """Tries to hand messages to a receiver, and says what failed."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._quiet_until = self._hopeful_until = 0.0
        self._unsaid = 0

    def __call__(self, message: Message) -> bool:
        """Whether it was taken, after as many tries as there may be."""
        receiver = self._receiver
        tries, reason = 0, ""
        try:
            while True:
                tries += 1
                try:
                    self._try(message)
                except UndeliveredError as error:
                    reason = str(error)
                    if not error.again or tries >= receiver.tries:
                        break
                    self._say_again(reason)
                    # The jitter is for servers that many machines wait for.
                    time.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries - 1) * random.uniform(1, 1.5))  # noqa: S311
                else:
                    return True
        except SystemExit:  # it is to end between two tries, or in one
            if reason:
                self._say(reason, tries)
            raise
        self._say(reason, tries)
        return False

    def _try(self, message: Message) -> None:
        # Again each second, should whoever waited have taken it for something that concerns but a part of it.
        signal.setitimer(signal.ITIMER_REAL, self._receiver.seconds, 1)
        try:
            self._receiver.send(message)
        except TimeoutError as error:
            raise UndeliveredError(f"it took longer than {self._receiver.seconds:g} seconds", again=True) from error
        except UndeliveredError:
            raise
        except Exception as error:  # no process left to be forked, a name that cannot be one: others may be delivered
            why = str(error) or type(error).__name__
            raise UndeliveredError(why, again=isinstance(error, OSError)) from error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _say_again(self, reason: str) -> None:
        """Says at once why a try failed: at the end there may not be the time for all tries."""
        now = time.monotonic()
        if now >= max(self._quiet_until, self._hopeful_until):
            log.warning("%s: %s; trying again", self._receiver.name, reason)
            self._hopeful_until = now + QUIET_SECONDS

    def _say(self, reason: str, tries: int) -> None:
        now = time.monotonic()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        others = f", nor were {self._unsaid} before" if self._unsaid else ""
        times = f", {tries} times" if tries > 1 else ""
        log.warning("%s: %s%s: an alert was not delivered%s", self._receiver.name, reason, times, others)
        self._quiet_until, self._unsaid = now + QUIET_SECONDS, 0
