"""Aligned columns for people: as wide as what is in them, or as the terminal allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from whatran.sinks.output import DIM
from whatran.sinks.text import columns, fit, pad

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whatran.sinks.output import Output

GAP = "  "
WIDEST = 80
"""To which width cells are padded off a terminal; wider ones push the rest of their line."""
NARROWEST = 6
"""A terminal that leaves its columns less than this gets every row as lines of a name and a value."""


class Cell(NamedTuple):
    """Escaped text, and how to paint it."""

    text: str
    style: str | None = None


class Grid:
    """Writes a head and rows below it, all in columns whose widths are those that the first rows ask for."""

    def __init__(
        self, output: Output, names: Sequence[str], right: Sequence[bool], first: Sequence[Sequence[Cell]]
    ) -> None:
        self._output = output
        self._names = names
        self._right = right
        asked = [
            max(map(columns, texts))
            for texts in zip(names, *([cell.text for cell in row] for row in first), strict=True)
        ]
        self._limit = output.width
        self._widths = _narrowed(asked, self._limit) if self._limit else [min(width, WIDEST) for width in asked]
        if self._widths:
            head = self._line([Cell(name) for name in names])
            output.write_text(output.paint(head, DIM) + "\n")
        self.write(first)

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        render = self._line if self._widths else self._record
        if lines := [render(row) for row in rows]:
            self._output.write_text("\n".join(lines) + "\n")

    def _line(self, row: Sequence[Cell]) -> str:
        cells = []
        for (text, style), width, right in zip(row, self._widths, self._right, strict=True):
            shown = text if self._limit is None else fit(text, width)
            spaces = pad(shown, width, right=right)
            cells.append(self._output.paint(spaces, style))
        return GAP.join(cells).rstrip()

    def _record(self, row: Sequence[Cell]) -> str:
        width = max(map(columns, self._names))
        space = max(1, (self._limit or WIDEST) - width - len(GAP))
        lines = [
            self._output.paint(pad(name, width), DIM) + GAP + self._output.paint(fit(cell.text, space), cell.style)
            for name, cell in zip(self._names, row, strict=True)
        ]
        return "\n".join([*lines, ""])


def _narrowed(widths: list[int], limit: int) -> list[int]:
    """The widths, the widest made so narrow that all fit; none where they cannot."""
    space = limit - len(GAP) * (len(widths) - 1)
    most = max(widths)
    while sum(min(width, most) for width in widths) > space:
        most = min(most - 1, space)
        if most < NARROWEST:
            return []
    return [min(width, most) for width in widths]
