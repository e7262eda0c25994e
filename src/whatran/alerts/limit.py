"""Which alerts are delivered, and what is told of the others; pure.

For each rule there is a minute that begins with its first alert. In it, of alerts that are alike
only the first is delivered, and of different ones no more than the rate allows. At its end the
others are told, in one message; then the next alert begins another minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import msgspec

from whatran.event import SCHEMA, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.event import Alert

MINUTE_NS = 60_000_000_000


class Repeats(msgspec.Struct, frozen=True, gc=False):
    """Alerts that were like one that was delivered."""

    pathname: str | None
    """What was executed, in all of them."""
    script_pathname: str | None
    """The script it ran, if it was one."""
    user: str
    """Who did."""
    parent: str | None
    """What the creator ran; its name where that is not known."""
    container_id: str | None
    """Where."""
    count: int
    """How many there were beside the one."""


class Withheld(Event, frozen=True, gc=False):
    """Alerts that were made and not delivered; the time is that of the last."""

    NAME: ClassVar[str] = "alerts_withheld"

    rule: str | None
    """The rule's title; None for alerts of any rule."""
    rule_id: str | None
    """Its id."""
    level: str
    """Of the rule; of the last of them where they are of any."""
    since: int
    """When the minute began, in ns since boot."""
    repeated: int
    """How many were like one that was delivered."""
    over_rate: int
    """How many were over the rate."""
    dropped: int
    """How many the receiver did not take in time."""
    repeats: list[Repeats]
    """Those that were repeated."""


def dropped(last: Alert, count: int) -> Withheld:
    """What is told of alerts that a receiver did not take in time."""
    return _withheld(last, None, last.timestamp_boot, dropped=count)


class Limiter:
    """Thins out the alerts of one machine."""

    def __init__(self, rate: int) -> None:
        """``rate`` is how many different ones of one rule are delivered in its minute."""
        self.repeated = 0
        """How many were withheld as they were like one before."""
        self.over_rate = 0
        """How many as there were too many of their rule."""
        self._rate = rate
        self._minutes: dict[str, _Minute] = {}

    @property
    def due(self) -> int | None:
        """When something is to be told, in ns since boot; None while nothing is withheld."""
        return next((minute.end for minute in self._minutes.values() if minute.withheld), None)

    def __call__(self, alert: Alert) -> list[Alert | Withheld]:
        """What is to be delivered now: what is over by then, and the alert, unless it is withheld."""
        told: list[Alert | Withheld] = list(self.release(alert.timestamp_boot))
        minute = self._minutes.setdefault(alert.rule_id, _Minute(alert.timestamp_boot, alert))
        kind = _kind(alert)
        if kind in minute.kinds:
            minute.kinds[kind] += 1
            self.repeated += 1
        elif len(minute.kinds) < self._rate:
            minute.kinds[kind] = 0
            return [*told, alert]
        else:
            minute.over_rate += 1
            self.over_rate += 1
        minute.last = alert
        return told

    def release(self, now_boot_ns: int) -> list[Withheld]:
        """What was withheld in the minutes that are over."""
        told = []
        while self._minutes:
            # They have one length, so the one that was begun first ends first.
            rule, minute = next(iter(self._minutes.items()))
            if minute.end > now_boot_ns:
                break
            del self._minutes[rule]
            if minute.withheld:
                told.append(minute.told())
        return told

    def close(self) -> list[Withheld]:
        """What was withheld in all minutes."""
        told = [minute.told() for minute in self._minutes.values() if minute.withheld]
        self._minutes.clear()
        return told


_Kind = tuple[str | None, str | None, str, str | None, str | None]
"""The fields of Repeats, but the count."""


def _kind(alert: Alert) -> _Kind:
    """What alerts of one rule that are alike have in common."""
    process = alert.process
    parent = (alert.ancestor_pathnames[:1] or (None,))[0] or process.ppid_comm
    user = process.user or str(process.uid)
    return process.pathname, process.script_pathname, user, parent, process.container_id


@dataclass(slots=True)
class _Minute:
    """What came of one rule."""

    began: int
    last: Alert
    over_rate: int = 0
    kinds: dict[_Kind, int] = field(default_factory=dict)
    """Of each kind that was delivered, how many were repeated."""

    @property
    def end(self) -> int:
        return self.began + MINUTE_NS

    @property
    def withheld(self) -> int:
        return self.over_rate + sum(self.kinds.values())

    def told(self) -> Withheld:
        repeats = [Repeats(*kind, count) for kind, count in self.kinds.items() if count]
        return _withheld(self.last, self.last.rule, self.began, repeats=repeats, over_rate=self.over_rate)


def _withheld(
    last: Alert,
    rule: str | None,
    since: int,
    *,
    repeats: Sequence[Repeats] = (),
    over_rate: int = 0,
    dropped: int = 0,
) -> Withheld:
    return Withheld(
        schema=SCHEMA,
        event=Withheld.NAME,
        timestamp=last.timestamp,
        timestamp_boot=last.timestamp_boot,
        boot_id=last.boot_id,
        cpu=last.cpu,
        rule=rule,
        rule_id=rule and last.rule_id,
        level=last.level,
        since=since,
        repeated=sum(each.count for each in repeats),
        over_rate=over_rate,
        dropped=dropped,
        repeats=list(repeats),
    )
