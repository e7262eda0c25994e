"""Sinks: what is done with the events in the end, one file a format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from whatran.event import Event
    from whatran.sinks.output import Output


class Sink(Protocol):
    """Writes events in one format. Reads no clock; who drives it says what time it is."""

    @property
    def due(self) -> int | None:
        """When ``release`` is wanted, in ns since boot; None while nothing is held back."""

    def write(self, events: Sequence[Event]) -> int:
        """Take a batch; the number of records written."""

    def release(self, now_boot_ns: int) -> int:
        """Write what need not be held back any longer; the number of records written."""

    def close(self) -> int:
        """Write what is left; the number of records written."""


@dataclass(frozen=True, slots=True)
class Show:
    """How events are to be written, whatever the format."""

    limit: int | None = None
    """How many records at most."""
    fields: Sequence[str] | None = None
    """Which fields of each; None for all. Only for JSON."""
    filtered: bool = False
    """Whether filters may have kept out what belongs to the rest."""
    live: bool = True
    """Whether somebody watches the events as they happen."""


# Imports wait until a format is chosen, so that --help costs no more than it must.


def _table(output: Output, show: Show) -> Sink:
    from whatran.sinks.table import Table  # noqa: PLC0415 (only when chosen)

    return Table(output, show.limit, live=show.live)


def _tree(output: Output, show: Show) -> Sink:
    from whatran.sinks.tree import TreeView  # noqa: PLC0415 (only when chosen)

    return TreeView(output, show.limit, filtered=show.filtered)


def _jsonl(output: Output, show: Show) -> Sink:
    from whatran.sinks.jsonl import JsonLines  # noqa: PLC0415 (only when chosen)

    return JsonLines(output, show.limit, fields=show.fields)


def _lives(output: Output, show: Show) -> Sink:
    from whatran.sinks.lives import LifeLines  # noqa: PLC0415 (only when chosen)

    return LifeLines(output, show.limit, fields=show.fields, filtered=show.filtered)


FORMATS: dict[str, Callable[[Output, Show], Sink]] = {
    "table": _table,
    "tree": _tree,
    "jsonl": _jsonl,
    "lives": _lives,
}
