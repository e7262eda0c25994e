"""One line of a selection, ``FIELD|MODIFIER|…: VALUES``, as a condition."""

from __future__ import annotations

import difflib
import ipaddress
from typing import TYPE_CHECKING

from whatran.rules.condition import size
from whatran.rules.document import Items, Map, RuleError, Scalar
from whatran.rules.fields import FIELDS, KEYWORD_FIELDS
from whatran.rules.model import And, Compared, Is, Known, Network, Not, Or, Regex, SameAs
from whatran.rules.regex import RegexError, search
from whatran.rules.values import TRANSFORMS, UnfitError, contains, expand, parts_of, test_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from whatran.rules.document import Node
    from whatran.rules.model import Condition, Place, Test

MOST_VALUES = 10_000
"""Of a rule's line."""

MOST_NUMBER = 1e300
"""More than any field has, and short of infinity."""

_FLAGS = {"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s"}
_OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_HOW = {"startswith": "begins", "endswith": "ends", "contains": "in"}
_LINKS = frozenset({"all", "neq"})
_TAKES: dict[str, frozenset[str]] = {
    "re": _LINKS | set(_FLAGS),
    "cidr": _LINKS,
    "exists": frozenset({"neq"}),
    "fieldref": _LINKS | set(_HOW) | {"cased"},
    **dict.fromkeys(_OPERATORS, _LINKS),
}
"""Modifiers that say what a value is at all, and which others each can be with."""

MODIFIERS = frozenset({*_TAKES, *_FLAGS, *TRANSFORMS, "all", "neq", "cased", "expand"})

Placeholders = dict[str, tuple[str, ...]]


def line(key: str, place: Place, node: Node, placeholders: Mapping[str, Sequence[str]]) -> Condition:
    """The condition that a key and its values say; RuleError for the first thing that cannot be."""
    field, *modifiers = key.split("|")
    check_known(field, FIELDS, "field", place) if field else None
    for modifier in modifiers:
        check_known(modifier, MODIFIERS, "modifier", place)
        if modifiers.count(modifier) > 1:
            raise RuleError(place, f"{modifier} is there twice")
    main = _main(modifiers, place)
    values = _values(node)
    if not values:
        return _null(field, modifiers, place)
    parts: list[Condition] = []
    tests = 0
    for value in values:
        parts.append(_of_value(field, modifiers, main, value, placeholders))
        tests += size(parts[-1])
        if tests > MOST_VALUES:
            raise RuleError(value.place, f"these values come to more than {MOST_VALUES} tests")
    linked: Condition = parts[0] if len(parts) == 1 else And(tuple(parts)) if "all" in modifiers else Or(tuple(parts))
    return Not(linked) if "neq" in modifiers else linked


def check_known(name: str, known: Collection[str], what: str, place: Place) -> None:
    """RuleError for a name that is not known, with the one that may be meant."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1) or difflib.get_close_matches(
            name.lower(), {each.lower(): each for each in known}, n=1
        )
        meant = next((each for each in known if near and each.lower() == near[0].lower()), None)
        hint = f"; did you mean {meant}?" if meant else ""
        raise RuleError(place, f"there is no {what} {name[:80]}{hint}")


def _main(modifiers: list[str], place: Place) -> str | None:
    """The one that says what a value is, if it is no plain text."""
    mains = [modifier for modifier in modifiers if modifier in _TAKES]
    if not mains:
        for modifier in modifiers:
            if modifier in _FLAGS:
                raise RuleError(place, f"{modifier} goes with re only, as in |re|{modifier}")
        return None
    main = mains[0]
    for modifier in modifiers:
        if modifier != main and modifier not in _TAKES[main]:
            raise RuleError(place, f"{modifier} cannot go with {main}")
    if main != "fieldref" and modifiers[0] != main:
        raise RuleError(place, f"{main} comes first of the modifiers")
    return main


def _values(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    if isinstance(node, Map):
        raise RuleError(node.place, "a field has values, not a map of further fields")
    if len(node.items) > MOST_VALUES:
        raise RuleError(node.place, f"a list of values has {MOST_VALUES} at most")
    values = []
    for item in node.items:
        if isinstance(item, (Items, Map)):
            raise RuleError(item.place, "a list of values has no further lists or maps in it")
        values.append(item)
    return values


def _null(field: str, modifiers: list[str], place: Place) -> Condition:
    if not field or modifiers:
        raise RuleError(place, "there is no value; null goes with a plain field only")
    return Is(field, Known(wanted=False))


def _of_value(
    field: str, modifiers: list[str], main: str | None, value: Scalar, placeholders: Mapping[str, Sequence[str]]
) -> Condition:
    if value.value is None and main != "exists":
        return _null(field, modifiers, value.place)
    tests: list[Test]
    try:
        tests = [_special(main, field, modifiers, value)] if main else _texts(field, modifiers, value, placeholders)
    except UnfitError as error:
        raise RuleError(value.place, str(error)) from None
    found: tuple[Condition, ...]
    if field:
        found = tuple(Is(field, test) for test in tests)
    else:
        found = tuple(Is(name, test) for test in tests for name in KEYWORD_FIELDS)
    return found[0] if len(found) == 1 else Or(found)


def _texts(field: str, modifiers: list[str], value: Scalar, placeholders: Mapping[str, Sequence[str]]) -> list[Test]:
    ways = [parts_of(_written(field, value))]
    for modifier in modifiers:
        if modifier == "expand":
            ways = [new for old in ways for new in expand(old, placeholders)]
        elif modifier in TRANSFORMS:
            ways = [new for old in ways for new in TRANSFORMS[modifier](old)]
        if len(ways) > MOST_VALUES:
            raise UnfitError(f"this stands for {len(ways)} values: {MOST_VALUES} is most")
    if not field:
        ways = [new for old in ways for new in contains(old)]
    return [test_of(way, cased="cased" in modifiers) for way in dict.fromkeys(ways)]


def _written(field: str, value: Scalar) -> str:
    """The text of a value: as it was written, but where the field has numbers or flags as it counts."""
    if not field or FIELDS[field].kind in {"text", "list"}:
        return value.text
    if isinstance(value.value, bool):
        return "true" if value.value else "false"
    if isinstance(value.value, float) and value.value.is_integer():
        return str(int(value.value))
    return str(value.value)


def _special(main: str, field: str, modifiers: list[str], value: Scalar) -> Test:
    if main == "re":
        return _regex(value.text, "".join(sorted({_FLAGS[each] for each in modifiers if each in _FLAGS})))
    if main == "cidr":
        return _network(value.text)
    if not field:
        raise UnfitError(f"{main} goes with a field")
    if main == "fieldref":
        return _same_as(field, modifiers, value)
    return _known(value) if main == "exists" else _compared(_OPERATORS[main], value)


def _regex(text: str, flags: str) -> Test:
    try:
        search(text, flags)
    except RegexError as error:
        raise UnfitError(f"this is no regular expression (of RE2): {error}") from None
    return Regex(text, flags)


def _network(text: str) -> Test:
    try:
        return Network(ipaddress.ip_network(text))
    except ValueError as error:
        raise UnfitError(f"this is no network: {error}") from None


def _known(value: Scalar) -> Test:
    if not isinstance(value.value, bool):
        raise UnfitError("exists is true or false")
    return Known(value.value)


def _same_as(field: str, modifiers: list[str], value: Scalar) -> Test:
    check_known(value.text, FIELDS, "field", value.place)
    how = [_HOW[each] for each in modifiers if each in _HOW]
    if len(how) > 1:
        raise UnfitError("fieldref takes one of startswith, endswith and contains")
    # The time of these goes by the product of what the two fields have; that of all others by the sum.
    modifier = next((each for each in modifiers if each in _HOW), "")
    if how and FIELDS[value.text].kind == FIELDS[field].kind == "list":
        raise UnfitError(f"{field} and {value.text} are both lists: {modifier} takes one at most")
    if how == ["in"] and FIELDS[value.text].kind == "list":
        raise UnfitError(f"{value.text} is a list: contains goes with a field that is one text")
    return SameAs(value.text, how[0] if how else "is", "cased" in modifiers)


def _compared(operator: str, value: Scalar) -> Test:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < MOST_NUMBER:
        raise UnfitError("what a field is compared with is a number, without quotes")
    return Compared(operator, number)
