"""Tables as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import msgspec

from whatran.query.cells import harmless, wall_clock
from whatran.query.tables import columns, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whatran.sinks.output import Output


class CsvLines:
    """Writes a head and then lines; what is not plainly visible is escaped."""

    def __init__(self, output: Output, names: Sequence[str]) -> None:
        self._output = output
        self._lines = _Lines()
        self._writer = csv.writer(self._lines)
        self.write([names])

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Each value as JSON would have it."""
        for row in rows:
            self._writer.writerow(map(harmless, row))
        self._output.write("".join(self._lines).encode("utf-8"))
        self._lines.clear()


class _Lines(list[str]):
    """Collects lines that end with CR and LF, the only end with which csv quotes either, and ends them with LF."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n") + "\n")


class CsvTable:
    """Writes the rows of one table."""

    def __init__(self, output: Output, kind: type[msgspec.Struct]) -> None:
        self._columns = columns(kind)
        self._lines = CsvLines(output, [column.name for column in self._columns])

    def write(self, rows: Iterable[msgspec.Struct]) -> None:
        self._lines.write(self._values(row) for row in rows)

    def _values(self, row: msgspec.Struct) -> list[Any]:
        fields = _fields(row)
        return [
            wall_clock(value) if column.clock and value is not None else value
            for column in self._columns
            for value in (fields.get(column.name),)
        ]


def _fields(row: msgspec.Struct) -> dict[str, Any]:
    """By name, as JSON would have them."""
    try:
        fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(row))
    except UnicodeEncodeError:  # some text is no UTF-8
        return plain(row)
    return fields
