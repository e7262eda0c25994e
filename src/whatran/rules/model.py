"""What a rule is once it has been read: frozen, and independent of how it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class Text:
    """The value is this text (``how`` is "is"), or begins with it, ends with it or has it somewhere ("in")."""

    how: str
    text: str
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """The value fits a regular expression as a whole, whose time does not explode: a text with wildcards."""

    regex: re.Pattern[str]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """Somewhere in the value is what a regular expression says; ``flags`` are some of i, m and s."""

    text: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """The value is an IP address in it."""

    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Compared:
    """The value is a number that is less than this, and so on; ``operator`` is Python's."""

    operator: str
    number: float


@dataclass(frozen=True, slots=True)
class SameAs:
    """The value is another field's, or begins with it and so on, as with Text."""

    field: str
    how: str = "is"
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The event has the field, or has not."""

    wanted: bool = True


Test = Text | Pattern | Regex | Network | Compared | SameAs | Known


@dataclass(frozen=True, slots=True)
class Is:
    """A test on one field; on a list, one that one of its elements passes."""

    field: str
    test: Test


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold; so it does where there are none."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of them holds; where there are none, this does not."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    part: Condition


Condition = Is | And | Or | Not


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands, both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule, and where."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every rule says of itself."""

    title: str
    id: str
    """Its title where it has none."""
    place: Place
    name: str | None = None
    level: str = "medium"
    status: str | None = None
    description: str = ""
    author: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    """What stands under ``whatran:``, as plain data."""

    @property
    def attack(self) -> tuple[str, ...]:
        """Techniques of MITRE ATT&CK, as T1059.004."""
        names = (tag.removeprefix("attack.").upper() for tag in self.tags if tag.startswith("attack.t"))
        return tuple(name for name in names if name[1:5].isdecimal())


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule(About):
    """Alerts on each exec for which the condition holds."""

    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationRule(About):
    """Alerts on what other rules find, taken together."""

    type: str
    """event_count, value_count, temporal or temporal_ordered."""
    rules: tuple[str, ...]
    """Ids of those others."""
    group_by: tuple[str, ...]
    timespan: int
    """In ns."""
    limits: tuple[tuple[str, int], ...]
    """Operators of Python's, and what the count is compared with; all hold."""
    fields: tuple[str, ...] = ()
    """Whose values value_count counts."""
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For names in group_by, what they are called in the events of each rule, by its id."""
    generate: bool = False
    """Whether the others alert on their own as well."""


Rule = EventRule | CorrelationRule


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read: rules, all that is wrong with others, and those that are about something else."""

    rules: tuple[Rule, ...]
    errors: tuple[Problem, ...]
    left_out: tuple[Problem, ...] = ()
    """Rules for other log sources, and why each is none of ours."""
