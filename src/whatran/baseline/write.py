"""A baseline as text: sorted, one program with its arguments an entry, and what people wrote into it kept; pure."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whatran.baseline.model import VERSION
from whatran.baseline.scalar import flow, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from whatran.baseline.model import Baseline, Program, Settings

    Argv = tuple[str, ...] | None
    _Keyed = tuple[tuple[str, ...], str]
    """A text, and by what it is sorted."""

HEADER = """\
# What may run, and who may start it; whatran learn wrote this, whatran check compares with it.
# Texts are globs: * ? [...]; a literal one stands in brackets, as [*]. <temp>, <pid> and the like stand for what
# changes from run to run. Left out, parents, user, argv and sha256 are any; parents are the nearest first, and may be
# fewer; ... is any more arguments. Entries are sorted; comments stay with what is below them. See docs/baseline.md.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it stands in a file, with the comments above it."""

    program: Program
    argvs: tuple[Argv, ...]
    whole: str
    head: str | None
    """What is above the arguments; None where entries cannot be taken apart line by line."""
    lines: tuple[str, ...] = ()
    """Of each of the arguments."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A file as it stands."""

    head: str
    entries: tuple[Written, ...]
    tail: str


def render(baseline: Baseline, layout: Layout | None = None) -> str:
    """The text of the file; with the layout of one that it comes from, that with no more changed than must be."""
    wanted: defaultdict[Program, set[Argv]] = defaultdict(set)
    for rule in baseline.rules:
        wanted[rule.program].add(rule.argv)
    if layout is None:
        layout = Layout(_head(baseline.settings), (), "")
    written: defaultdict[Program, set[Argv]] = defaultdict(set)
    for entry in layout.entries:
        written[entry.program].update(entry.argvs)
    left = dict(wanted)
    entries = []
    for entry in layout.entries:
        mine = wanted[entry.program].intersection(entry.argvs)
        new = left.pop(entry.program, set()) - written[entry.program]  # the first that there is of it gets them
        if mine or new:
            entries.append((_order(entry.program), _changed(entry, mine, new)))
    others = sorted((_order(program), _entry(program, argvs)) for program, argvs in left.items())
    return layout.head + "".join(_merged(entries, others)) + layout.tail


def _merged(texts: Iterable[_Keyed], new: Iterable[_Keyed]) -> Iterator[str]:
    """Each new one before the first that is greater: sorted as long as nobody has put them in another order."""
    waiting = deque(new)
    for key, text in texts:
        while waiting and waiting[0][0] < key:
            yield waiting.popleft()[1]
        yield text
    for _, text in waiting:
        yield text


def _changed(entry: Written, mine: set[Argv], new: set[Argv]) -> str:
    if mine == set(entry.argvs) and not new:
        return entry.whole
    if entry.head is None or None in mine | new:
        comments = [line for line in entry.whole.splitlines(keepends=True) if line.lstrip().startswith("#")]
        return "".join(comments) + _entry(entry.program, mine | new)
    items = [(_argv_order(argv), line) for argv, line in zip(entry.argvs, entry.lines, strict=True) if argv in mine]
    return entry.head + "".join(_merged(items, sorted((_argv_order(argv), _item(argv)) for argv in new)))


def _head(settings: Settings) -> str:
    lines = (f"whatran_baseline: {VERSION}", f"depth: {settings.depth}", f"generalised: {flow(settings.generalised)}")
    return HEADER + "\n".join(lines) + "\nallowed:\n"


def _entry(program: Program, argvs: Iterable[Argv]) -> str:
    return "".join(f"{line}\n" for line in _lines(program)) + _argv_lines(argvs)


def _lines(program: Program) -> Iterator[str]:
    yield f"- pathname: {scalar(program.pathname)}"
    if program.script_pathname:
        yield f"  script_pathname: {scalar(program.script_pathname)}"
    if program.parents is not None:
        yield f"  parents: {flow(program.parents)}"
    if program.user is not None:
        yield f"  user: {scalar(program.user)}"
    if program.container_image:
        yield f"  container_image: {scalar(program.container_image)}"
    if program.sha256:
        yield f"  sha256: {scalar(program.sha256)}"


def _argv_lines(argvs: Iterable[Argv]) -> str:
    found = sorted(argvs, key=_argv_order)
    if None in found:  # any
        return ""
    return "  argv:\n" + "".join(map(_item, found))


def _item(argv: Argv) -> str:
    return f"  - {flow(argv or ())}\n"


def _order(program: Program) -> tuple[str, ...]:
    return tuple("" if field is None else field if isinstance(field, str) else "\0".join(field) for field in program)


def _argv_order(argv: Argv) -> tuple[str, ...]:
    return argv or ()
