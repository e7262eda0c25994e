"""A comparison as text for people: what differs, program by program, and in the last line how much."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from whatran.diff.changes import sections
from whatran.diff.parts import Part, describe, heading, painted, recording, summary, usual_of
from whatran.sinks.output import DIM, GREEN, RED, YELLOW
from whatran.sinks.text import ELLIPSIS, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.diff.model import Comparison
    from whatran.diff.parts import Style
    from whatran.sinks.output import Output

EXAMPLES = 2

_COLOURS: dict[Style, str] = {"left": RED, "right": GREEN, "note": YELLOW, "dim": DIM}
_SIGNS = {
    "removed": Part("- ", "left"),
    "added": Part("+ ", "right"),
    "changed": Part("~ ", "note"),
    "count": Part("~ ", "note"),
}


def write(comparison: Comparison, output: Output, *, limit: int | None = None, explain: bool = False) -> None:
    """Write it, with no more than so many of the differences."""
    output.write_lines(painted(line, output, _COLOURS) for line in _lines(comparison, limit, explain=explain))


def _lines(comparison: Comparison, limit: int | None, *, explain: bool) -> Iterator[list[Part]]:
    yield [Part(f"--- {recording(comparison.left)}", "left")]
    yield [Part(f"+++ {recording(comparison.right)}", "right")]
    tallies = {program.program: program for program in comparison.programs}
    found, more = sections(comparison.differences, limit)
    usual = usual_of(comparison)
    for section in found:
        yield []
        yield heading(section, tallies[section.left].left, tallies[section.right].right)
        for entry in section.entries:
            yield [_SIGNS[entry.first.kind], *describe(entry, usual)]
    yield []
    if explain:
        yield from _explanation(comparison)
    if more:
        yield [Part(f"{ELLIPSIS} {more} more not shown", "note")]
    yield from ([part] for part in summary(comparison))


def _explanation(comparison: Comparison) -> Iterator[list[Part]]:
    """What each rule wrote, and in place of what."""
    found: defaultdict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: {"left": [], "right": []})
    for it in comparison.replacements:
        found[it.rule, it.by][it.side].append(it.text)
    yield [Part("replaced before the comparison:")]
    for (rule, by), sides in found.items():
        texts = " | ".join(_examples(texts) for texts in sides.values())
        yield [Part(f"  {rule:<11}"), Part(escape(by), "note"), Part(f"  for {texts}", "dim")]
    yield []


def _examples(texts: Sequence[str]) -> str:
    shown = [escape(text) for text in texts[:EXAMPLES]]
    more = [f"{len(texts) - EXAMPLES} more"] if len(texts) > EXAMPLES else []
    return ", ".join(shown + more) or "nothing"
