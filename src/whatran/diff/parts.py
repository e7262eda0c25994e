"""The words for a difference, safe to print, for whoever writes them in its own colours; pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from whatran.diff.executions import EXECUTED
from whatran.sinks.text import ELLIPSIS, columns, duration, escape, fit, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from whatran.diff.changes import Entry, Section
    from whatran.diff.model import Command, Comparison, Difference, Recording, Tally
    from whatran.sinks.output import Output
    from whatran.volatile.words import Piece, Word

CONTEXT = 4
"""So many words on either side of a change are shown; what is further off is an ellipsis."""


Style = Literal["left", "right", "note", "dim"]


class Part(NamedTuple):
    """Some text of a line, safe to print, and what it is: of one side only, to be noticed, or beside the point."""

    text: str
    style: Style | None = None


def painted(line: Sequence[Part], output: Output, colours: Mapping[Style, str]) -> str:
    """The line in these colours, cut to the terminal."""
    left = output.width
    text = ""
    for part in line:
        shown = part.text if left is None else fit(part.text, left)
        text += output.paint(shown, colours[part.style] if part.style else None)
        if left is not None:
            left -= columns(part.text)
            if left <= 0:
                break
    return text


def recording(it: Recording) -> str:
    """One of the two, in a line."""
    command = f"  {quote(it.argv)}" if it.argv else ""
    spent = f"{duration(it.duration)}, CPU {duration(it.cpu_time)}"
    return f"{escape(it.name)}{command}  {it.executions} executions, {it.failed} failed, {spent}"


def heading(section: Section, left: Tally, right: Tally) -> list[Part]:
    """A program, how often it ran on either side and how long."""
    program = _either(escape(section.left), escape(section.right))
    spent = _either(duration(left.duration), duration(right.duration))
    return [Part(program), Part(f"  {_either(_times(left.times), _times(right.times))}, {spent}", "dim")]


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number) or f"{number} times"


def _either(left: str, right: str) -> str:
    return left if left == right else f"{left} → {right}"


def describe(entry: Entry, usual: Usual) -> list[Part]:
    """One difference, or several that are the same change."""
    first = entry.first
    left, right = first.left, first.right
    parts: list[Part]
    match first.kind:
        case "removed":
            parts = [*_how_often(entry), Part(_line(left), "left")]
        case "added":
            parts = [*_how_often(entry), Part(_line(right), "right")]
        case "count" if left and right:
            parts = [Part(f"{_either(_times(left.times), _times(right.times))}: ", "note"), Part(_line(left))]
        case _:
            parts = [*_how_often(entry), *change(first, entry.pieces)]
    where = right or left
    if where is None:
        return parts
    if first.kind != "changed":
        parts += _notes(where, usual)
    if where.creators:
        parts.append(Part(f"  by {escape(where.creators[0])}", "dim"))
    return parts


def _how_often(entry: Entry) -> list[Part]:
    if len(entry.differences) > 1:
        return [Part(f"in {len(entry.differences)} command lines, as: ", "note")]
    return [Part(f"{entry.count} times: ", "note")] if entry.count > 1 else []


def _line(command: Command | None) -> str:
    if command is None or not command.argv:
        return f"[{escape(command.program)}]" if command else ""
    return quote(command.argv)


def marked(found: Sequence[Piece]) -> list[Part]:
    """Both command lines as one: what only one has stands in brackets, as ``[-O2 → -O3]``."""
    parts: list[Part] = []
    for index, (side, words) in enumerate(found):
        before = found[index - 1].side if index else None
        after = found[index + 1].side if index + 1 < len(found) else None
        text = " ".join(map(_word, words))
        if side == "both":
            parts.append(Part(_context(words, before=before, after=after)))
        elif side == "left":
            parts += [Part("["), Part(text, "left"), Part(" → " if after == "right" else " →]")]
        else:
            parts += [Part("" if before == "left" else "[→ "), Part(text, "right"), Part("]")]
        if after and (side, after) != ("left", "right"):
            parts.append(Part(" "))
    return parts


def _context(words: Sequence[Word], *, before: str | None, after: str | None) -> str:
    """The words that are near to a change, and the first."""
    head = words[: CONTEXT if before else 1]
    tail = words[-CONTEXT:] if after else ()
    if len(head) + len(tail) + 1 >= len(words) or not (before or after):
        return " ".join(map(_word, words))
    return " ".join([*map(_word, head), ELLIPSIS, *map(_word, tail)])


def _word(word: Word) -> str:
    if word.first and word.last:
        return quote([word.text])
    return ("'" if word.first else "") + escape(word.text) + ("'" if word.last else "")


def change(it: Difference, pieces: Sequence[Piece]) -> Iterator[Part]:
    """Both sides as one line, with what differs in brackets."""
    left, right = it.left, it.right
    if left is None or right is None:
        return
    yield from marked(pieces) or [Part(_line(right))]
    for name, value in (("cwd", _cwd), ("user", _user), ("end", _end)):
        if name in it.changed:
            yield from (Part("  ["), Part(value(left), "left"), Part(" → "), Part(value(right), "right"), Part("]"))


class Usual(NamedTuple):
    """Who ran most of it, and where."""

    user: str | None
    cwd: str | None


def usual_of(comparison: Comparison) -> Usual:
    """What goes without saying in this comparison."""
    commands = [command for it in comparison.differences for command in (it.left, it.right) if command and command.cwd]
    ((cwd, _),) = Counter(command.cwd for command in commands).most_common(1) or [(None, 0)]
    same_user = comparison.left.user == comparison.right.user
    return Usual(comparison.left.user if same_user else None, cwd)


def _notes(command: Command, usual: Usual) -> Iterator[Part]:
    """What is not as usual."""
    if command.end != "0":
        yield Part(f"  [{_end(command)}]", "note")
    if command.user not in ("", usual.user):
        yield Part(f"  {_user(command)}", "dim")
    if command.cwd not in (None, usual.cwd):
        yield Part(f"  {_cwd(command)}", "dim")


def _cwd(command: Command) -> str:
    return "in " + ("?" if command.cwd is None else quote([command.cwd]))


def _user(command: Command) -> str:
    return f"as {escape(command.user)}" if command.user else "as the same user"


def _end(command: Command) -> str:
    if command.end.isdecimal():
        return f"exit {command.end}"
    return "executes another program" if command.end == EXECUTED else escape(command.end)


def summary(comparison: Comparison) -> Iterator[Part]:
    """How much differs, and what is to be known of that; the last is the verdict."""
    left, right = comparison.left, comparison.right
    for it in (left, right):
        if it.missing:
            yield Part(f"{it.missing} execs of {escape(it.name)} are missing: they were lost, or not recorded", "note")
    if comparison.equal:
        yield Part(f"no difference: {comparison.same} executions are the same")
        return
    only = {side: sum(it.count for it in comparison.differences if it.only == side) for side in ("left", "right")}
    counts = {
        "changed": sum(it.count for it in comparison.differences if it.kind == "changed"),
        f"only in {escape(left.name)}": only["left"],
        f"only in {escape(right.name)}": only["right"],
    }
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    yield Part(f"executions that differ: {', '.join(parts)}; that do not: {comparison.same}")
