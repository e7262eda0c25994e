"""What is missing: holes in the numbers that the kernel program gave its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.event import SCHEMA, Gap, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

RING_FULL = "ring full"


class Gaps:
    """Follows the numbers of each CPU and kind; records of one CPU and kind come in their order."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], tuple[int, int]] = {}  # number and time of the last record

    def before(self, event: TaskEvent, wall_offset: int) -> Gap | None:
        """The gap between this event and the one of its kind before it, if there is one."""
        key = (event.cpu, event.event)
        gap = self._gap(key, event.sequence - 1, event.timestamp_boot, wall_offset)
        self._last[key] = event.sequence, event.timestamp_boot
        return gap

    def at_the_end(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, wall_offset: int) -> list[Gap]:
        """What is missing after the last events, given how many records each CPU made of each kind."""
        gaps = (self._gap(key, count, now_boot_ns, wall_offset) for key, count in produced.items())
        return [gap for gap in gaps if gap]

    def _gap(self, key: tuple[int, str], until: int, at_boot_ns: int, wall_offset: int) -> Gap | None:
        """The records after the last one and up to this number."""
        last, since = self._last.get(key, (0, None))
        if until <= last:
            return None
        cpu, kind = key
        at = at_boot_ns + wall_offset
        return Gap(SCHEMA, Gap.NAME, at, at_boot_ns, cpu, kind, until - last, since, RING_FULL)
