"""A comparison as a page that stands alone; pure."""

from __future__ import annotations

import html
import importlib.resources
from typing import TYPE_CHECKING

from whatran.diff.changes import sections
from whatran.diff.parts import change, describe, heading, summary, usual_of
from whatran.report import shell
from whatran.sinks.text import duration, escape, quote
from whatran.volatile.words import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whatran.diff.changes import Entry
    from whatran.diff.model import Comparison, Difference, Program, Recording
    from whatran.diff.parts import Part, Usual

MANY = 10_000
"""Differences on a page where no other limit is given: some 5 MB."""

MAX_ALL = 200
"""Command lines that are listed of those with the same change."""

OPEN = 30
"""Programs that are unfolded at first."""


def page(comparison: Comparison, *, limit: int | None = None) -> str:
    """The page, with no more than so many of the differences."""
    *notes, verdict = summary(comparison)
    body: list[str] = [
        "<main>",
        f"<header><h1>whatran diff</h1><p>{_text(verdict.text)}</p>",
        '<button id="theme" type="button"></button></header>',
        *(f'<p class="panel warn">{_text(note.text)}</p>' for note in notes),
        *_recordings(comparison.left, comparison.right),
        *_differences(comparison, MANY if limit is None else limit),
        *_programs(comparison),
        *_replacements(comparison),
        "</main>",
    ]
    title = f"whatran diff {escape(comparison.left.name)} {escape(comparison.right.name)}"
    return shell.page(title, "\n".join(body), style=_asset("page.css"), script=_asset("page.js"))


def _asset(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


def _text(text: str) -> str:
    """As markup; the text is safe to print already."""
    return html.escape(text)


def _recordings(left: Recording, right: Recording) -> Iterator[str]:
    rows = (
        ("command", *("" if it.argv is None else quote(it.argv) for it in (left, right)), "mono"),
        ("user", *(escape(it.user or "") for it in (left, right)), ""),
        ("processes", str(left.processes), str(right.processes), ""),
        ("executions", str(left.executions), str(right.executions), ""),
        ("failed", str(left.failed), str(right.failed), ""),
        ("duration", duration(left.duration), duration(right.duration), ""),
        ("CPU time", duration(left.cpu_time), duration(right.cpu_time), ""),
    )
    yield '<div class="panel"><table>'
    names = (
        f'<th class="{side}" scope="col">{_text(escape(it.name))}</th>'
        for side, it in (("left", left), ("right", right))
    )
    yield f"<tr><td></td>{''.join(names)}</tr>"
    for name, here, there, kind in rows:
        cells = "".join(f'<td class="{kind}">{_text(text)}</td>' for text in (here, there))
        yield f'<tr><th scope="row">{name}</th>{cells}</tr>'
    yield "</table></div>"


def _differences(comparison: Comparison, limit: int) -> Iterator[str]:
    found, more = sections(comparison.differences, limit)
    if not found:
        return
    yield '<div class="tools"><input id="typed" type="search" placeholder="Find (/)" aria-label="Find differences">'
    yield '<output id="found" class="dim" for="typed"></output></div>'
    usual = usual_of(comparison)
    tallies = {program.program: program for program in comparison.programs}
    for number, section in enumerate(found):
        title = heading(section, tallies[section.left].left, tallies[section.right].right)
        names = _text(f"{escape(section.left)} {escape(section.right)}")
        yield f'<details class="program panel" data-name="{names}"{" open" if number < OPEN else ""}>'
        yield f'<summary class="mono">{_marked(title)}</summary><ol class="entries">'
        for entry in section.entries:
            yield from _entry(entry, usual)
        yield "</ol></details>"
    if more:
        yield f'<p class="panel warn">{more} more differences are not shown</p>'


def _entry(entry: Entry, usual: Usual) -> Iterator[str]:
    yield f'<li class="{entry.first.kind}"><span class="mono">{_marked(describe(entry, usual))}</span>'
    if len(entry.differences) > 1:
        yield f'<details class="all"><summary>all {len(entry.differences)}</summary><ol>'
        for it in entry.differences[:MAX_ALL]:
            yield f'<li class="mono">{_marked(_change(it))}</li>'
        if more := len(entry.differences) - MAX_ALL:
            yield f'<li class="dim">{more} more</li>' if more > 0 else ""
        yield "</ol></details>"
    yield "</li>"


def _change(it: Difference) -> Iterator[Part]:
    left, right = it.left, it.right
    argvs = (() if command is None or command.argv is None else command.argv for command in (left, right))
    return change(it, pieces(*argvs))


def _marked(parts: Iterable[Part]) -> str:
    return "".join(map(_markup, parts))


def _markup(part: Part) -> str:
    text = _text(part.text)
    match part.style:
        case "left":
            return f"<del>{text}</del>"
        case "right":
            return f"<ins>{text}</ins>"
        case None:
            return text
    return f'<span class="{part.style}">{text}</span>'


def _programs(comparison: Comparison) -> Iterator[str]:
    yield "<h2>Programs</h2>"
    yield '<div class="panel"><table><tr><th scope="col">program</th>'
    heads = (f'<th class="number {side}" scope="col">{name}</th>' for name in _COLUMNS for side in ("left", "right"))
    yield f"{''.join(heads)}</tr>"
    for it in sorted(comparison.programs, key=lambda it: -(it.left.duration + it.right.duration))[:MANY]:
        cells = "".join(f'<td class="number">{_text(text)}</td>' for text in _numbers(it))
        yield f'<tr><td class="mono">{_text(escape(it.program))}</td>{cells}</tr>'
    yield "</table></div>"


_COLUMNS = ("times", "failed", "duration", "CPU time")


def _numbers(it: Program) -> Iterator[str]:
    both = (it.left, it.right)
    yield from (str(tally.times) for tally in both)
    yield from (str(tally.failed) for tally in both)
    yield from (duration(tally.duration) for tally in both)
    yield from (duration(tally.cpu_time) for tally in both)


def _replacements(comparison: Comparison) -> Iterator[str]:
    if not comparison.replacements:
        return
    yield '<details class="panel"><summary>What was replaced before the comparison</summary><table>'
    yield '<tr><th scope="col">rule</th><th scope="col">in</th><th scope="col">what</th><th scope="col">by</th></tr>'
    for it in comparison.replacements:
        name = (comparison.left if it.side == "left" else comparison.right).name
        cells = "".join(f'<td class="mono">{_text(escape(text))}</td>' for text in (it.text, it.by))
        yield f'<tr><td>{it.rule}</td><td class="{it.side}">{_text(escape(name))}</td>{cells}</tr>'
    yield "</table></details>"
