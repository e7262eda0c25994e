"""Lives of several machines, or of one before and after it was booted again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from whatran.process.lives import Lives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whatran.event import Event
    from whatran.process.lives import Life


class MachineLives:
    """As Lives, of events of any number of boots: each has its own pids."""

    def __init__(self, *, filtered: bool = False) -> None:
        self._of_boot: defaultdict[str, Lives] = defaultdict(lambda: Lives(filtered=filtered))

    def __call__(self, event: Event) -> list[Life]:
        """The lives that this event ends, or shows to have ended before."""
        return self._of_boot[event.boot_id](event)

    def finish(self) -> Iterator[Life]:
        """The processes that live on, as far as is known."""
        for lives in self._of_boot.values():
            yield from lives.finish()
