"""Conditions as Python source: many times as fast as asking each of their parts.

Alternatives on one field become one expression (``endswith`` of a tuple, ``in`` of a set), and a chunk of rules one
function. Texts of rules get into the source by ``repr()`` only, and names of fields are those of our own table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from whatran.rules.explain import COMPARE, is_within
from whatran.rules.fields import FIELDS, READY
from whatran.rules.model import And, Compared, Is, Known, Network, Not, Or, Pattern, Regex, SameAs, Text
from whatran.rules.regex import search

if TYPE_CHECKING:
    from whatran.rules.fields import View
    from whatran.rules.model import Condition, Test

Matcher = Callable[["View"], list[int]]
"""Numbers of the rules whose conditions hold."""


def compiled(conditions: Sequence[tuple[int, Condition]]) -> Matcher:
    """One function for conditions, each with the number of its rule."""
    source = _Source()
    body = [f" if {source.condition(condition)}: hits.append({number})" for number, condition in conditions]
    text = "\n".join(["def match(v):", " hits = []", *source.hoisted(), *body, " return hits"])
    scope: dict[str, Any] = dict(source.scope)
    exec(compile(text, "<rules>", "exec"), scope)  # noqa: S102
    matcher: Matcher = scope["match"]
    return matcher


class _Source:
    """Expressions on a View ``v``; what is no literal stands in ``scope``."""

    def __init__(self) -> None:
        self.scope: dict[str, object] = {"_all": _all}
        self._used: set[str] = set()

    def hoisted(self) -> list[str]:
        """What is read at the beginning, once."""
        return [f" {name} = v.{name}" for name in sorted(self._used)]

    def condition(self, condition: Condition) -> str:
        match condition:
            case Is(field, test):
                return self._group(field, [test])
            case Not(part):
                return f"not {self.condition(part)}"
            case And(parts):
                return f"({' and '.join(map(self.condition, _cheap_first(parts)))})" if parts else "True"
            case Or(parts):
                return self._any(parts)

    def _any(self, parts: Iterable[Condition]) -> str:
        """Alternatives, those on one field together."""
        groups: dict[str, list[Test]] = {}
        others: list[Condition] = []
        for part in _flat(parts):
            if isinstance(part, Is):
                groups.setdefault(part.field, []).append(part.test)
            else:
                others.append(part)
        found = [self._group(field, tests) for field, tests in groups.items()]
        found += [self.condition(part) for part in _cheap_first(others)]
        return f"({' or '.join(found)})" if found else "False"

    def _group(self, field: str, tests: Sequence[Test]) -> str:
        """Whether one of the tests holds for a field."""
        return f"({' or '.join(self._of_kind(field, tests))})"

    def _of_kind(self, field: str, tests: Sequence[Test]) -> Iterable[str]:
        for name, wanted in (("l", False), ("t", True)):
            if texts := [test for test in tests if isinstance(test, (Text, Pattern)) and test.cased is wanted]:
                yield self._on(f"{name}_{field}", field, partial(self._texts, texts))
        for test in tests:
            match test:
                case Known(wanted):
                    yield self._known(field, wanted=wanted)
                case Regex(text, flags):
                    yield self._on(f"t_{field}", field, partial(_called, self._constant(search(text, flags))))
                case Network(network):
                    yield self._on(f"t_{field}", field, partial(_called, self._constant(partial(is_within, network))))
                case Compared(operator, number):
                    name = self._value(f"n_{field}")
                    yield f"{name} is not None and {name} {operator} {number!r}"
                case SameAs():
                    yield self._same(field, test)

    def _value(self, name: str) -> str:
        """The value of a View that has this name."""
        if name.partition("_")[2] not in READY:
            return f"v.{name}"
        self._used.add(name)
        return name

    def _on(self, name: str, field: str, test: Callable[[str], str]) -> str:
        """A test on a text, or on any of a list."""
        value = self._value(name)
        if FIELDS[field].kind == "list":
            return f"{value} is not None and any({test('x')} for x in {value})"
        return f"{value} is not None and ({test(value)})"

    def _known(self, field: str, *, wanted: bool) -> str:
        value = self._value(f"t_{field}")
        if FIELDS[field].kind == "list":
            return value if wanted else f"not {value}"
        return f"{value} is {'not ' if wanted else ''}None"

    def _texts(self, tests: Sequence[Text | Pattern], value: str) -> str:
        found = []
        texts: dict[str, list[str]] = {}
        for test in tests:
            if isinstance(test, Text):
                texts.setdefault(test.how, []).append(test.text)
        for how, of_how in texts.items():
            if how == "in":
                found += [f"{text!r} in {value}" for text in of_how]
            elif len(of_how) == 1:
                found.append(f"{value}{_ONE[how].format(repr(of_how[0]))}")
            elif how == "is":
                found.append(f"{value} in {self._constant(frozenset(of_how))}")
            else:
                found.append(f"{value}{_ONE[how].format(repr(tuple(of_how)))}")
        found += [f"{self._constant(test.regex.match)}({value})" for test in tests if isinstance(test, Pattern)]
        return " or ".join(found)

    def _same(self, field: str, test: SameAs) -> str:
        how = "t" if test.cased else "l"
        left, right = self._value(f"{how}_{field}"), self._value(f"{how}_{test.field}")
        if test.how == "is":
            return f"not {{*_all({left})}}.isdisjoint(_all({right}))"
        call = self._constant(COMPARE[test.how])
        return f"any({call}(x, y) for x in _all({left}) for y in _all({right}))"

    def _constant(self, value: object) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name


_ONE = {"is": " == {}", "begins": ".startswith({})", "ends": ".endswith({})"}


def _called(function: str, value: str) -> str:
    return f"{function}({value})"


def _all(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _flat(parts: Iterable[Condition]) -> Iterable[Condition]:
    for part in parts:
        if isinstance(part, Or):
            yield from _flat(part.parts)
        else:
            yield part


def _cheap_first(parts: Iterable[Condition]) -> list[Condition]:
    """What is told soonest comes first."""
    return sorted(parts, key=_cost)


def _cost(condition: Condition) -> int:
    match condition:
        case Is(_, test):
            return _COSTS.get(type(test), 1) if not isinstance(test, Text) or test.how == "in" else 1
        case Not(part):
            return _cost(part)
        case And(parts) | Or(parts):
            return sum(map(_cost, parts))


_COSTS: dict[type[Test], int] = {Text: 2, Pattern: 20, Regex: 20, Network: 20, SameAs: 5}
