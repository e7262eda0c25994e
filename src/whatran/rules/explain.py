"""Why a condition holds: the fields that made it so, and what they have. Asks part by part, as the source says it."""

from __future__ import annotations

import operator
from ipaddress import ip_address
from typing import TYPE_CHECKING

from whatran.rules.model import And, Compared, Is, Known, Network, Not, Or, Pattern, Regex, SameAs, Text
from whatran.rules.regex import search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ipaddress import IPv4Network, IPv6Network

    from whatran.rules.fields import View
    from whatran.rules.model import Condition

MOST_CHARS = 4096
"""Of what is told of a field; the event has all of it."""

MOST_ADDRESS_CHARS = 64
"""Longer than any IP address."""

COMPARE: dict[str, Callable[[str, str], bool]] = {
    "is": operator.eq,
    "begins": str.startswith,
    "ends": str.endswith,
    "in": operator.contains,
}

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def matched(condition: Condition, view: View) -> dict[str, str]:
    """For each field that a condition which holds is about, the text that made it hold."""
    found: dict[str, str] = {}
    for part in _reasons(condition, view):
        if part.field not in found and (text := next(_fitting(part, view), None)) is not None:
            found[part.field] = told(text)
    return found


def told(text: str) -> str:
    """As much of a text as an alert tells."""
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"


def holds(condition: Condition, view: View) -> bool:
    """Whether it holds, as a compiled one would say."""
    match condition:
        case Is(field, Known(wanted)):
            return bool(_texts(view, "t", field)) == wanted
        case Is(field, Compared(sign, number)):
            value = getattr(view, f"n_{field}")
            return value is not None and OPERATORS[sign](value, number)
        case Is():
            return next(_fitting(condition, view), None) is not None
        case Not(part):
            return not holds(part, view)
        case And(parts):
            return all(holds(part, view) for part in parts)
        case Or(parts):
            return any(holds(part, view) for part in parts)


def _reasons(condition: Condition, view: View) -> Iterator[Is]:
    """The parts without which it would not hold; what only had to be absent is none."""
    match condition:
        case Is():
            yield condition
        case And(parts):
            for part in parts:
                yield from _reasons(part, view)
        case Or(parts):
            for part in parts:
                if holds(part, view):
                    yield from _reasons(part, view)


def _fitting(part: Is, view: View) -> Iterator[str]:
    """Texts of the field that pass the test, as the event has them."""
    how = "t" if getattr(part.test, "cased", True) else "l"
    others = frozenset(_texts(view, how, part.test.field) if isinstance(part.test, SameAs) else ())
    for text, seen in zip(_texts(view, "t", part.field), _texts(view, how, part.field), strict=True):
        if _passes(part.test, seen, others):
            yield text


def _passes(test: object, text: str, others: frozenset[str]) -> bool:
    """Whether a text passes; ``others`` are those of the field that it is compared with, if it is with one."""
    match test:
        case Text(how, wanted):
            passes = COMPARE[how](text, wanted)
        case Pattern(regex):
            passes = regex.match(text) is not None
        case Regex(expression, flags):
            passes = search(expression, flags)(text)
        case Network(network):
            passes = is_within(network, text)
        case SameAs(_, "is"):
            passes = text in others
        case SameAs(_, how):
            passes = any(COMPARE[how](text, other) for other in others)
        case _:
            passes = True
    return passes


def is_within(network: IPv4Network | IPv6Network, text: str) -> bool:
    """Whether a text is an IP address of a network."""
    if len(text) > MOST_ADDRESS_CHARS:
        return False
    try:
        return ip_address(text) in network
    except ValueError:
        return False


def _texts(view: View, how: str, field: str) -> tuple[str, ...]:
    value = getattr(view, f"{how}_{field}")
    return value if isinstance(value, tuple) else () if value is None else (value,)
