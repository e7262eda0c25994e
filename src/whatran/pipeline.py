"""The way of the data, from frames to the events a caller sees."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from whatran.errors import DecodeError
from whatran.event import Event, Exec, Exit, Fork, TaskEvent
from whatran.wire.decode import decode
from whatran.wire.gaps import Gaps
from whatran.wire.rejoin import Rejoin

log = logging.getLogger("whatran.pipeline")

Stage = Callable[[TaskEvent], TaskEvent | None]
"""Event in; event, or None to drop it, out."""


class Pipeline:
    """Decodes frames, passes each event through the stages in turn, and counts what is left out."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.malformed = 0
        self.filtered: dict[str, int] = dict.fromkeys((Exec.NAME, Fork.NAME, Exit.NAME), 0)
        """How many events of each name a stage dropped."""
        self._rejoin = Rejoin()
        self._gaps = Gaps()
        self._stages = tuple(stages)

    def __call__(self, frames: Iterable[bytes], wall_offset: int) -> list[Event]:
        """The events of one batch, in the order of their times; gaps stand where something is missing.

        ``wall_offset`` is CLOCK_REALTIME minus CLOCK_BOOTTIME in ns; the wall clock may be set at any time.
        """
        return self._events(self._rejoin(frames), wall_offset)

    def _events(self, frames: Iterable[bytes], wall_offset: int) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            try:
                event = decode(frame, wall_offset)
            except DecodeError as error:
                self.malformed += 1
                log.warning("malformed frame: %s", error)
                continue
            if gap := self._gaps.before(event, wall_offset):
                events.append(gap)
            if self._pass(event):
                events.append(event)
        # The ring has them in the order in which CPUs began to write; a little apart from time.
        events.sort(key=attrgetter("timestamp_boot"))
        return events

    def finish(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, wall_offset: int) -> list[Event]:
        """What was waiting for more, and gaps at the end, given how many records each CPU made of each kind."""
        late = self._events(self._rejoin.finish(), wall_offset)
        return [*late, *self._gaps.at_the_end(produced, now_boot_ns, wall_offset)]

    def _pass(self, event: TaskEvent) -> bool:
        for stage in self._stages:
            if stage(event) is None:
                self.filtered[event.event] += 1
                return False
        return True
