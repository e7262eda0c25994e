"""YAML as lists, mappings and texts with their places: no anchors, no tags, every scalar a text; pure.

PyYAML's own loaders make of a text what it looks like (``no``, ``1.10``), and forget where it stood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHARACTERS = 16 << 20
MOST_NODES = 1_000_000
"""Some seconds, and some 300 MiB."""

MOST_DEPTH = 8
"""More than any file of ours has; who reads one need not recurse far."""

_OTHER_ENDS = re.compile("[\r\x85\u2028\u2029]")
"""Of lines, as YAML has it."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Text:
    """A scalar."""

    line: int
    column: int
    end: int
    """The last line of it; lines and columns count from 0."""
    value: str


@dataclass(slots=True)
class List:
    """A sequence."""

    line: int
    column: int
    end: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Map:
    """A mapping, in the order of the file; keys may be given twice."""

    line: int
    column: int
    end: int
    items: list[tuple[Node, Node]] = field(default_factory=list)


Node = Text | List | Map


class Unreadable(Exception):  # noqa: N818  # what the text is
    """Not such YAML: where, counting from 0, and why."""

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.column = column


def tree(text: str) -> Node | None:
    """The one document there; None where there is nothing but comments."""
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(0, 0, f"the file is longer than {MOST_CHARACTERS >> 20} MiB")
    if other := _OTHER_ENDS.search(text):
        before = text[: other.start()]
        line = before.count("\n")
        raise Unreadable(
            line, len(before) - (before.rfind("\n") + 1), "lines are to end with \\n, and with nothing else"
        )
    try:
        found = _document(_bounded(yaml.parse(text, Loader=_LOADER)))
    except yaml.MarkedYAMLError as error:
        why = " ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(*_place(error.problem_mark or error.context_mark), why) from None
    except yaml.YAMLError as error:  # a character that YAML does not have
        raise Unreadable(0, 0, str(error).splitlines()[0]) from None
    return found


def _bounded(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for number, event in enumerate(events):
        if number == MOST_NODES:
            raise _unreadable(event, f"there are more than {MOST_NODES:,} texts and lists before this")
        yield event


def _document(events: Iterator[yaml.Event]) -> Node | None:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise _unreadable(event, "there is a second document: a baseline is one")
        elif isinstance(event, yaml.NodeEvent):
            root = _node(event, events, 0)
    return root


def _node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    if isinstance(event, yaml.AliasEvent):
        raise _unreadable(event, "aliases are not taken: write it out, or quote it where * means anything, as '*'")
    if getattr(event, "anchor", None):
        raise _unreadable(event, "anchors are not taken: quote it if & is meant")
    if getattr(event, "tag", None) not in (None, "!"):
        raise _unreadable(event, "tags are not taken: quote it if ! is meant")
    if depth > MOST_DEPTH:
        raise _unreadable(event, "this is nested too deeply")
    line, column = _place(event.start_mark)
    if isinstance(event, yaml.ScalarEvent):
        return Text(line, column, max(line, _place(event.end_mark)[0]), event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        found = List(line, column, line)
        for each in events:
            if isinstance(each, yaml.SequenceEndEvent):
                break
            found.items.append(_node(each, events, depth + 1))
        found.end = _end(event, each, [item.end for item in found.items])
        return found
    mapping = Map(line, column, line)
    for each in events:
        if isinstance(each, yaml.MappingEndEvent):
            break
        key = _node(each, events, depth + 1)
        mapping.items.append((key, _node(next(events), events, depth + 1)))
    mapping.end = _end(event, each, [value.end for _, value in mapping.items])
    return mapping


def _end(start: yaml.Event, end: yaml.Event, ends: list[int]) -> int:
    """The last line; that of a block is the last of what is in it, as its own end is where the next begins."""
    if getattr(start, "flow_style", False):
        return _place(end.end_mark)[0]
    return max([_place(start.start_mark)[0], *ends])


def _place(mark: yaml.error.Mark | yaml._yaml.Mark | None) -> tuple[int, int]:
    return (mark.line, mark.column) if mark else (0, 0)


def _unreadable(event: yaml.Event, why: str) -> Unreadable:
    return Unreadable(*_place(event.start_mark), why)
