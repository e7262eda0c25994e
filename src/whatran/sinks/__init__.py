"""Sinks: what is done with the events in the end, one file a format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Format(Protocol):
    """Makes a sink."""

    def __call__(self, output: Output, limit: int | None, *, filtered: bool = False, live: bool = True) -> Sink: ...


# Each takes where to write, how many records to write at most, whether filters may have kept out what belongs to the
# rest, and whether somebody watches the events as they happen. Imports wait until a format is chosen, so that --help
# costs no more than it must. All take the same, whether they need it or not.


def _table(output: Output, limit: int | None, *, filtered: bool = False, live: bool = True) -> Sink:  # noqa: ARG001
    from whatran.sinks.table import Table  # noqa: PLC0415 (only when chosen)

    return Table(output, limit, live=live)


def _tree(output: Output, limit: int | None, *, filtered: bool = False, live: bool = True) -> Sink:  # noqa: ARG001
    from whatran.sinks.tree import TreeView  # noqa: PLC0415 (only when chosen)

    return TreeView(output, limit, filtered=filtered)


def _jsonl(output: Output, limit: int | None, *, filtered: bool = False, live: bool = True) -> Sink:  # noqa: ARG001
    from whatran.sinks.jsonl import JsonLines  # noqa: PLC0415 (only when chosen)

    return JsonLines(output, limit)


def _lives(output: Output, limit: int | None, *, filtered: bool = False, live: bool = True) -> Sink:  # noqa: ARG001
    from whatran.sinks.lives import LifeLines  # noqa: PLC0415 (only when chosen)

    return LifeLines(output, limit, filtered=filtered)


FORMATS: dict[str, Format] = {
    "table": _table,
    "tree": _tree,
    "jsonl": _jsonl,
    "lives": _lives,
}
