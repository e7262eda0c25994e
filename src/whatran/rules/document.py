"""YAML as trees whose nodes know where they stand; bounded, so that no file can be a bomb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from whatran.rules.model import Place, Problem

MOST_BYTES = 1 << 20
"""Of a file; the longest of SigmaHQ's has 30 KiB."""

MOST_NODES = 200_000
"""Of a file: no more than its bytes allow, but each costs much more than a byte."""

MOST_DEPTH = 32
"""Of lists and maps in one another; Sigma has six."""

MOST_NUMBER_CHARS = 100
"""Of a number: 64 bits have 66 in binary. Reading takes time by the square, and Python writes no more than 4,300."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, which is ten times as fast, where PyYAML was built with it."""

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value."""

    value: Plain
    text: str
    """As it is written, without quotes."""
    place: Place


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Map:
    """A map; keys are texts, each there once."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place


Node = Scalar | Items | Map


class RuleError(Exception):
    """A Problem on its way to the list of all: never leaves this room."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(place, text)


def documents(text: str, file: str) -> Iterator[Node]:
    """The documents of a file, without empty ones; RuleError at the first thing that is no YAML or is too much."""
    if len(text) > MOST_BYTES:
        raise RuleError(Place(file, 1, 1), f"a file of rules has {MOST_BYTES >> 20} MiB at most")
    try:
        yield from _Reader(text, file).documents()
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise RuleError(place, f"this is no YAML: {error.reason}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        raise RuleError(place, f"this is no YAML: {getattr(error, 'problem', error)}") from None


def plain(node: Node) -> object:
    """The node as Python has it: texts, numbers, lists, dicts."""
    match node:
        case Map():
            return {key: plain(value) for key, value in node.entries.items()}
        case Items():
            return [plain(item) for item in node.items]
        case Scalar():
            return node.value


class _Reader:
    """Makes nodes of the parser's events: composing them itself, PyYAML would follow aliases and any depth."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._resolve: Callable[..., str] = yaml.resolver.Resolver().resolve
        self._constructor = yaml.constructor.SafeConstructor()
        self._left = MOST_NODES

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                node = self._node(next(self._events), 0)
                if not isinstance(node, Scalar) or node.value is not None:
                    yield node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        mark = event.start_mark
        place = Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 1, 1)
        self._left -= 1
        if self._left < 0:
            raise RuleError(place, f"a file of rules has {MOST_NODES} values at most")
        if depth > MOST_DEPTH:
            raise RuleError(place, f"lists and maps lie in one another {MOST_DEPTH} deep at most")
        if isinstance(event, yaml.AliasEvent):
            raise RuleError(place, f"*{event.anchor} is an alias: in rules write out what it stands for")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(self._value(event, place), event.value, place)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(each := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(each, depth + 1))
            return Items(tuple(items), place)
        return self._map(place, depth)

    def _map(self, place: Place, depth: int) -> Map:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(each := next(self._events), yaml.MappingEndEvent):
            key = self._node(each, depth + 1)
            if not isinstance(key, Scalar):
                raise RuleError(key.place, "a key is a text")
            if key.text in entries:
                raise RuleError(key.place, f"{key.text} is there already, in line {keys[key.text].line}")
            keys[key.text] = key.place
            entries[key.text] = self._node(next(self._events), depth + 1)
        return Map(entries, keys, place)

    def _value(self, event: yaml.ScalarEvent, place: Place) -> Plain:
        """What safe_load() makes of a scalar, but for dates, which stay text."""
        if event.tag is not None and event.tag not in {"!", *_TAGS}:
            raise RuleError(place, f"{event.tag[:80]} is a tag: rules have none")
        tag: str = event.tag or self._resolve(yaml.ScalarNode, event.value, event.implicit)
        make = _MAKERS.get(tag.rpartition(":")[2])
        if make is None:
            return str(event.value)
        if len(event.value) > MOST_NUMBER_CHARS:
            shown = event.value[:40]
            raise RuleError(place, f"{shown}… is longer than any number ({MOST_NUMBER_CHARS} characters): quote a text")
        try:
            value: Plain = make(self._constructor, yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError, IndexError):
            raise RuleError(place, f"{event.value[:40]} is not what its tag says") from None
        return value


_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))

_MAKERS = {
    "null": lambda _, __: None,
    "bool": yaml.constructor.SafeConstructor.construct_yaml_bool,
    "int": yaml.constructor.SafeConstructor.construct_yaml_int,
    "float": yaml.constructor.SafeConstructor.construct_yaml_float,
}
