"""Lives: one flat JSON object a process, written when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.event import NOTICES
from whatran.process.lives import Life, Lives
from whatran.sinks.jsonl import JsonLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.event import Event
    from whatran.sinks.output import Output


class LifeLines:
    """Writes each life as one line when it ends, those that go on at the end; and gaps and alerts, where they are."""

    due = None

    def __init__(
        self, output: Output, limit: int | None = None, *, fields: Sequence[str] | None = None, filtered: bool = False
    ) -> None:
        self._lines = JsonLines(output, limit, fields=fields)
        self._lives = Lives(filtered=filtered)

    def write(self, events: Sequence[Event]) -> int:
        ended: list[Life | Event] = []
        for event in events:
            ended += self._lives(event)
            if type(event) in NOTICES:
                ended.append(event)
        return self._lines.write(ended)

    def release(self, now_boot_ns: int) -> int:
        return 0

    def close(self) -> int:
        return self._lines.write(list(self._lives.finish()))
