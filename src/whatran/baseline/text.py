"""What is new as text for people, safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.diff.parts import Part, marked, painted
from whatran.sinks.output import DIM, GREEN, RED, YELLOW
from whatran.sinks.text import escape, quote
from whatran.volatile.words import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.baseline.check import Known, New
    from whatran.diff.parts import Style
    from whatran.sinks.output import Output

_COLOURS: dict[Style, str] = {"left": GREEN, "right": RED, "note": YELLOW, "dim": DIM}

_NAMES = {
    "pathname": "path",
    "script_pathname": "script",
    "parents": "parents",
    "user": "user",
    "container_image": "image",
    "sha256": "content",
    "argv": "arguments",
}


def write(new: Sequence[New], output: Output) -> None:
    """Write each in two lines or three."""
    output.write_lines(painted(line, output, _COLOURS) for each in new for line in _lines(each))


def _lines(it: New) -> Iterator[list[Part]]:
    program = escape(it.pathname)
    if it.script_pathname:
        program = f"{escape(it.script_pathname)} by {program}"
    image = f", image {escape(it.container_image)}" if it.container_image else ""
    yield [
        Part("new: ", "right"),
        Part(program),
        Part(f" started by {_above(it.parents)}, user {escape(it.user)}{image}", "dim"),
    ]
    if "argv" not in it.differs:
        yield [Part(f"  {quote(it.argv)}")]
    if it.nearest is None:
        yield [Part("  no program of this name is known", "note")]
        return
    differs = [Part(_NAMES[name], "note") for name in it.differs]
    told = [Part("  nearest: the same but for ")]
    for number, part in enumerate(differs):
        told += [part, Part("" if number == len(differs) - 1 else " and " if number == len(differs) - 2 else ", ")]
    others = [f"{_NAMES[name]} {_field(it.nearest, name)}" for name in it.differs if name != "argv"]
    yield [*told, Part(f": known is {', '.join(others)}" if others else "")]
    if "argv" in it.differs:
        yield [Part("  "), *marked(pieces(it.nearest.argv or (), it.generalised))]


def _field(known: Known, name: str) -> str:
    value = getattr(known, name)
    if isinstance(value, list):
        return _above(value)
    return escape(value) if value else "none"


def _above(parents: Sequence[str]) -> str:
    return " ← ".join(map(escape, parents)) or "?"
