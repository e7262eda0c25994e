"""What gaps have hidden and living processes still tell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from whatran.pushdown import NAME_OF
from whatran.source.procfs import boot, memory_of
from whatran.wire import layout
from whatran.wire.gaps import OVER_THE_LIMIT

if TYPE_CHECKING:
    from whatran.event import Event
    from whatran.pipeline import Taker
    from whatran.scope import Scope
    from whatran.source.choose import Source
    from whatran.wire.settings import Settings

LOOK_SECONDS = 1.0
"""How often at most to ask what was lost, and to look at all processes for it."""

SETTLE_SECONDS = 0.05
"""How long what was on its way may take to come."""


class Repair:
    """Asks the kernel now and then what it could not record, and the living processes what that was."""

    def __init__(self, source: Source, taker: Taker, scope: Scope, settings: Settings) -> None:
        self._source = source
        self._taker = taker
        self._scope = scope
        self._settings = settings
        self._lost = 0
        self._settling = False
        self._asked_at = time.monotonic()
        self._pending = False
        """Whether something has happened since it was asked last."""

    @property
    def due(self) -> float | None:
        """In how many seconds this wants to be called; None while nothing happens."""
        if self._settling:
            return SETTLE_SECONDS
        return max(0.0, self._asked_at + LOOK_SECONDS - time.monotonic()) if self._pending else None

    def happened(self) -> None:
        """Something was recorded: something may have been lost."""
        self._pending = True

    def __call__(self) -> list[Event]:
        """Gaps and repaired execs; to be called when all that was recorded has been read."""
        if self._settling:
            # What was on its way as we looked has come by now.
            self._settling = False
            return self._taker.settle()
        if time.monotonic() < self._asked_at + LOOK_SECONDS:
            return []
        self._pending = False
        self._asked_at = time.monotonic()
        gaps = self.unnumbered()
        self.look()
        return gaps

    def unnumbered(self) -> list[Event]:
        """Gaps for what the kernel program could not record since this was asked last."""
        counts = self._source.counts()
        missing = {name: counts[kind].failed for kind, name in NAME_OF.items()}
        if self._settings.rate_limit:
            missing |= {OVER_THE_LIMIT + name: counts[kind].limited for kind, name in NAME_OF.items()}
        return [*self._taker.unnumbered(missing, time.clock_gettime_ns(time.CLOCK_BOOTTIME), boot())]

    def look(self) -> None:
        """Compares what lives now with what is known, if execs were lost since this was done last."""
        count = self._source.counts()[layout.EXEC]
        lost, self._lost = self._lost, count.lost + count.failed + count.limited
        if self._lost == lost:
            return
        self._settling = True
        for event in self._taker.learn(self._source.tasks(), boot()):
            if self._scope.has(self._source.scope_of(event.pid), event.cgroup):
                argv, env = memory_of(event.pid, event.process_start_time)
                self._taker.complete(event, argv, env, self._settings)
            else:
                self._taker.forget(event)
