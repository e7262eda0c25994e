"""What is missing: holes in the numbers that the kernel program gave its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.event import SCHEMA, Boot, Gap, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

RING_FULL = "ring full"
NOT_RUN = "program not run"
DAMAGED = "recording damaged"
RATE_LIMIT = "rate limit"

OVER_THE_LIMIT = "over the limit: "
"""Comes before the kind, where what is not numbered was kept out by the rate limit."""

ANY_CPU = -1


class Gaps:
    """Follows the numbers of each CPU and kind; records of one CPU and kind come in their order."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], tuple[int, int]] = {}  # number and time of the last record
        self._failed: dict[str, int] = {}
        self._asked: int | None = None
        self._since_damage: set[tuple[int, str]] | None = None
        """Of what something came since a part of a recording could not be read; None while all could."""

    def begin(
        self, last: Mapping[tuple[int, str], tuple[int, int]], failed: Mapping[str, int], asked: int | None
    ) -> None:
        """It begins in the middle: number and time of the last record of each CPU and kind; what was told of then."""
        self._last, self._failed, self._asked = dict(last), dict(failed), asked

    def damaged(self) -> None:
        """Records may have been lost on the way to us: so are those of the next hole of each CPU and kind."""
        self._since_damage = set()

    def before(self, event: TaskEvent, boot: Boot) -> Gap | None:
        """The gap between this event and the one of its kind before it, if there is one."""
        key = (event.cpu, event.event)
        sequence, time_boot = event.sequence, event.timestamp_boot
        last = self._last.get(key)
        gap = None
        if last is None or sequence != last[0] + 1:
            gap = self._hole(key, sequence - 1, time_boot, boot)
        self._last[key] = sequence, time_boot
        if self._since_damage is not None:
            self._since_damage.add(key)
        return gap

    def unnumbered(self, failed: Mapping[str, int], now_boot_ns: int, boot: Boot) -> list[Gap]:
        """What was not even numbered since this was last asked, given how many there are of each kind in all.

        What the rate limit kept out is counted by itself, under OVER_THE_LIMIT and the kind.
        """
        since, self._asked = self._asked, now_boot_ns
        new = {kind: count - self._failed.get(kind, 0) for kind, count in failed.items()}
        self._failed.update(failed)
        return [
            _gap((ANY_CPU, kind.removeprefix(OVER_THE_LIMIT)), count, since, now_boot_ns, boot, _reason(kind))
            for kind, count in new.items()
            if count > 0
        ]

    def at_the_end(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, boot: Boot) -> list[Gap]:
        """What is missing after the last events, given how many records each CPU made of each kind."""
        gaps = (self._hole(key, count, now_boot_ns, boot) for key, count in produced.items())
        return [gap for gap in gaps if gap]

    def _hole(self, key: tuple[int, str], until: int, at_boot_ns: int, boot: Boot) -> Gap | None:
        """The records after the last one and up to this number."""
        last, since = self._last.get(key, (0, None))
        if until <= last:
            return None
        reason = RING_FULL if self._since_damage is None or key in self._since_damage else DAMAGED
        return _gap(key, until - last, since, at_boot_ns, boot, reason)


def _reason(kind: str) -> str:
    return RATE_LIMIT if kind.startswith(OVER_THE_LIMIT) else NOT_RUN


def _gap(  # noqa: PLR0917 (each of another type)
    key: tuple[int, str], count: int, since: int | None, at_boot_ns: int, boot: Boot, reason: str
) -> Gap:
    cpu, kind = key
    return Gap(SCHEMA, Gap.NAME, at_boot_ns + boot.wall_offset, at_boot_ns, boot.id, cpu, kind, count, since, reason)
