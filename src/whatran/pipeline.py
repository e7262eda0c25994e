"""The way of the data, from frames to the events a caller sees."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from whatran.errors import DecodeError
from whatran.event import Event, Exec, Exit, Fork

log = logging.getLogger("whatran.pipeline")

Stage = Callable[[Event], Event | None]
"""Event in; event, or None to drop it, out."""


class Pipeline:
    """Decodes frames, passes each event through the stages in turn, and counts what is left out."""

    def __init__(self, decode: Callable[[bytes], Event], stages: Sequence[Stage]) -> None:
        self.malformed = 0
        self.filtered: dict[str, int] = dict.fromkeys((Exec.NAME, Fork.NAME, Exit.NAME), 0)
        """How many events of each name a stage dropped."""
        self._decode = decode
        self._stages = tuple(stages)

    def __call__(self, frames: Iterable[bytes]) -> list[Event]:
        """The events of one batch, in the order of their times."""
        events = []
        for frame in frames:
            try:
                event = self._decode(frame)
            except DecodeError as error:
                self.malformed += 1
                log.warning("malformed frame: %s", error)
                continue
            events.append(event)
        # The ring has them in the order in which CPUs began to write; a little apart from time.
        events.sort(key=attrgetter("timestamp_boot"))
        return [event for event in events if self._pass(event)] if self._stages else events

    def _pass(self, event: Event) -> bool:
        for stage in self._stages:
            passed = stage(event)
            if passed is None:
                self.filtered[event.event] += 1
                return False
        return True
