"""Alerts out of a stream of events, to all receivers: never waits, and counts what does not get there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from whatran.alerts.limit import Limiter, Withheld, dropped
from whatran.alerts.message import pack
from whatran.alerts.sender import DRAIN_SECONDS, Sender, finish
from whatran.errors import OutputError
from whatran.event import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whatran.alerts.receiver import Receiver
    from whatran.event import Event

FLUSH_NS = 50_000_000
"""How soon to look again whether a receiver's pipe has room."""


class Delivery:
    """Hands alerts to receivers, each a process of its own; a context manager, at whose end they have ended."""

    def __init__(self, receivers: Sequence[Receiver], rate: int, *, patient: bool = False) -> None:
        """``rate`` is how many different alerts a minute are delivered of each rule.

        Who is ``patient`` waits at the end for receivers that are slow, as long as they take anything.
        """
        self.made: Counter[str] = Counter()
        """How many alerts there were of each level."""
        self.senders: list[Sender] = []
        self._rate = rate
        self._patient = patient
        self._limiters: dict[str, Limiter] = {}
        self._last: Alert | None = None
        self._look: int | None = None
        try:
            for receiver in receivers:
                self.senders.append(Sender(receiver))
        except BaseException as error:
            finish(self.senders, 0)
            if isinstance(error, OSError):  # no descriptors, processes or memory left
                raise OutputError(f"cannot start to deliver alerts: {error.strerror}") from error
            raise

    @property
    def executing(self) -> list[int]:
        """Processes that run programs of their own, which are no part of what is watched."""
        return [sender.pid for sender in self.senders if sender.executes]

    @property
    def repeated(self) -> int:
        """How many alerts were withheld as they were like one before."""
        return sum(limiter.repeated for limiter in self._limiters.values())

    @property
    def over_rate(self) -> int:
        """How many as there were too many of their rule."""
        return sum(limiter.over_rate for limiter in self._limiters.values())

    @property
    def due(self) -> int | None:
        """When release() is wanted, in ns since boot; None while nothing waits."""
        times = [self._look, *(limiter.due for limiter in self._limiters.values())]
        return min((time for time in times if time is not None), default=None)

    def write(self, events: Iterable[Event]) -> None:
        """Takes the alerts among them."""
        for event in events:
            if type(event) is Alert:
                self.made[event.level] += 1
                self._last = event
                # Each boot has a clock of its own.
                limiter = self._limiters.get(event.boot_id) or self._limiters.setdefault(
                    event.boot_id, Limiter(self._rate)
                )
                self._put(limiter(event))

    def release(self, now_boot_ns: int) -> None:
        """Tells what was withheld in minutes that are over, and goes on with what waits."""
        for limiter in self._limiters.values():
            self._put(limiter.release(now_boot_ns))
        for sender in self.senders:
            sender.flush()
            if sender.untold and sender.roomy and self._last:
                count, sender.untold = sender.untold, 0
                sender.put(pack(dropped(self._last, count)), count, alert=False)
        self._look = now_boot_ns + FLUSH_NS if any(sender.waiting for sender in self.senders) else None

    def close(self, *, hurry: bool = False) -> None:
        """Tells the rest, and waits for the receivers, but not long; not at all in a hurry."""
        for limiter in self._limiters.values():
            self._put(limiter.close())
        for sender in self.senders:
            if sender.untold and self._last:
                sender.put(pack(dropped(self._last, sender.untold)), alert=False)
        finish(self.senders, 0 if hurry else DRAIN_SECONDS, patient=self._patient)

    def _put(self, told: Iterable[Alert | Withheld]) -> None:
        for each in told:
            line = pack(each)
            for sender in self.senders:
                if isinstance(each, Withheld):
                    sender.put(line, each.repeated + each.over_rate, alert=False)
                else:
                    sender.put(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(hurry=kind is KeyboardInterrupt)
