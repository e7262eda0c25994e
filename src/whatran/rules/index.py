"""Which rules an executed file may concern at all, by the last part of its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.rules.compile import compiled
from whatran.rules.model import And, Is, Not, Or, SameAs, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.rules.compile import Matcher
    from whatran.rules.fields import View
    from whatran.rules.model import Condition

IMAGE = ("Image", "pathname")

CHUNK = 200
"""Conditions in one function: as many as are compiled at once without anybody noticing."""

_NEVER, _ALWAYS = Or(()), And(())


class Index:
    """Holds conditions against a View; those that want another file are not even asked.

    A test such as ``Image|endswith: /curl`` cannot hold where the file's name is another. With all such tests gone,
    what is left of each condition is compiled once for all files. For each name that rules have, what they say where
    the file is called so is compiled when one first is.
    """

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self._by_name: dict[str, list[int]] = {}
        for number, condition in enumerate(conditions):
            for name in set(_names(condition)):
                self._by_name.setdefault(name, []).append(number)
        rest = [(number, _without(condition, None)) for number, condition in enumerate(conditions)]
        self._rest = _chunks(rest)
        self._matchers: dict[str, tuple[frozenset[int], list[Matcher]]] = {}
        self._all: list[Matcher] | None = None

    def __call__(self, view: View) -> list[int]:
        """Numbers of the conditions that hold, in their order."""
        image = view.l_Image
        name: str | None = None  # of a file that is unknown: no rule has it
        if image is not None:
            _, slash, name = image.rpartition("/")
        if image is not None and not slash:  # memfd:NAME
            if self._all is None:
                self._all = _chunks(list(enumerate(self._conditions)))
            return [number for matcher in self._all for number in matcher(view)]
        hits = [number for matcher in self._rest for number in matcher(view)]
        if name is not None and name in self._by_name:
            numbers, matchers = self._named(name)
            hits = [number for number in hits if number not in numbers]
            hits += [number for matcher in matchers for number in matcher(view)]
            hits.sort()
        return hits

    def _named(self, name: str) -> tuple[frozenset[int], list[Matcher]]:
        found = self._matchers.get(name)
        if found is None:
            numbers = self._by_name[name]
            matchers = _chunks([(number, _without(self._conditions[number], name)) for number in numbers])
            found = self._matchers[name] = frozenset(numbers), matchers
        return found


def _chunks(conditions: Sequence[tuple[int, Condition]]) -> list[Matcher]:
    left = [each for each in conditions if each[1] != _NEVER]
    return [compiled(left[at : at + CHUNK]) for at in range(0, len(left), CHUNK)]


def _name_of(condition: Is) -> str | None:
    """The one name of a file for which it may hold; None where any will do."""
    test = condition.test
    if condition.field in IMAGE and isinstance(test, Text) and test.how in {"is", "ends"} and "/" in test.text:
        return test.text.rpartition("/")[2].lower()
    return None


def fields_of(condition: Condition) -> frozenset[str]:
    """All that it asks for."""
    match condition:
        case Is(field, test):
            return frozenset({field, test.field} if isinstance(test, SameAs) else {field})
        case Not(part):
            return fields_of(part)
        case And(parts) | Or(parts):
            return frozenset().union(*map(fields_of, parts))


def _names(condition: Condition) -> Iterator[str]:
    match condition:
        case Is():
            name = _name_of(condition)
            if name is not None:
                yield name
        case Not(part):
            yield from _names(part)
        case And(parts) | Or(parts):
            for each in parts:
                yield from _names(each)


def _without(condition: Condition, name: str | None) -> Condition:
    """What is left to be asked of a file of this name; None is any that no rule has."""
    match condition:
        case Is(_, test):
            wanted = _name_of(condition)
            if wanted is None:
                return condition
            if wanted != name:
                return _NEVER
            return _ALWAYS if test == Text("ends", f"/{name}") else condition
        case Not(part):
            left = _without(part, name)
            return _ALWAYS if left == _NEVER else _NEVER if left == _ALWAYS else Not(left)
        case And(parts):
            rest = [each for each in (_without(part, name) for part in parts) if each != _ALWAYS]
            return _NEVER if _NEVER in rest else rest[0] if len(rest) == 1 else And(tuple(rest))
        case Or(parts):
            rest = [each for each in (_without(part, name) for part in parts) if each != _NEVER]
            return _ALWAYS if _ALWAYS in rest else rest[0] if len(rest) == 1 else Or(tuple(rest))
