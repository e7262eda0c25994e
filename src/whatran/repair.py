"""What gaps have hidden and living processes still tell."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from whatran.clock import boot_ns
from whatran.errors import SourceError
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

log = logging.getLogger("whatran.repair")

LOOK_SECONDS = 1.0
"""How often at most to ask what was lost, and to look at all processes for it."""

LOOKING_PART = 10
"""That takes no more than one part in so many of the time, however many processes there are."""

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
        self._next = time.monotonic() + LOOK_SECONDS
        self._pending = False
        """Whether something has happened since it was asked last."""

    @property
    def due(self) -> float | None:
        """In how many seconds this wants to be called; None while nothing happens."""
        if self._settling:
            return SETTLE_SECONDS
        return max(0.0, self._next - time.monotonic()) if self._pending else None

    def happened(self) -> None:
        """Something was recorded: something may have been lost."""
        self._pending = True

    def __call__(self) -> list[Event]:
        """Gaps and repaired execs; to be called when all that was recorded has been read."""
        if self._settling:
            # What was on its way as we looked has come by now.
            self._settling = False
            return self._taker.settle()
        begun = time.monotonic()
        if begun < self._next:
            return []
        self._pending = False
        gaps = self.unnumbered()
        self.look()
        took = time.monotonic() - begun
        self._next = begun + max(LOOK_SECONDS, LOOKING_PART * took)
        return gaps

    def unnumbered(self) -> list[Event]:
        """Gaps for what the kernel program could not record since this was asked last."""
        counts = self._source.counts()
        missing = {name: counts[kind].failed for kind, name in NAME_OF.items()}
        if self._settings.rate_limit:
            missing |= {OVER_THE_LIMIT + name: counts[kind].limited for kind, name in NAME_OF.items()}
        return [*self._taker.unnumbered(missing, boot_ns(), boot())]

    def look(self) -> None:
        """Compares what lives now with what is known, if execs were lost since this was done last.

        Or exits: who has ended unseen would be remembered until somebody else gets its pid. Or where too many are
        remembered, as exits were not asked for.
        """
        all_counts = self._source.counts()
        counts = all_counts[layout.EXEC], all_counts[layout.EXIT]
        lost, self._lost = self._lost, sum(count.lost + count.failed + count.limited for count in counts)
        if self._lost == lost and not self._taker.crowded:
            return
        try:
            living = self._source.tasks()
        except SourceError as error:  # no descriptor or memory left for it: no reason to end what goes on without
            log.warning("%s; what was lost is not asked of those that live", error)
            return
        self._settling = True
        for event in self._taker.learn(living, boot()):
            if self._scope.has(self._source.scope_of(event.pid), event.cgroup):
                argv, env = memory_of(event.pid, event.process_start_time)
                self._taker.complete(event, argv, env, self._settings)
            else:
                self._taker.forget(event)
