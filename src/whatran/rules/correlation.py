"""Correlation: what rules find, taken together, group by group, in a span of time that ends with each find.

Memory is bounded: of each group only as much is kept as decides, and of all groups those that something was found of
last. What is forgotten for that is counted.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from hashlib import blake2b
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, Protocol

from whatran.rules.explain import OPERATORS
from whatran.rules.fields import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from whatran.rules.fields import View
    from whatran.rules.model import CorrelationRule

MOST_KEPT = 200_000
"""Finds that are remembered, of all rules together."""

MOST_CHARS = 256
"""Of a value that is remembered; of a longer one it is a digest."""

Values = tuple[str | None, ...]


class Found(NamedTuple):
    """What a correlation rule found: how many, since when, and in which group."""

    rule: CorrelationRule
    number: int
    since: int
    group: dict[str, str]


class _State(Protocol):
    """What is kept of one group."""

    @property
    def last(self) -> int:
        """When something was found last."""

    def __len__(self) -> int: ...

    def add(self, now: int, hits: AbstractSet[str], view: View) -> tuple[int, int] | None:
        """How many there are and since when, if that is what the rule is about."""


class Correlations:
    """Takes the rules that found something in an event; gives the correlation rules that do so by that."""

    def __init__(self, rules: Sequence[CorrelationRule], most: int | None = None) -> None:
        """For rules that come after those they refer to; MOST_KEPT is most, unless another number is given."""
        self.forgotten = 0
        """How many groups were given up before their time."""
        self._rules = tuple(rules)
        self._about: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            for each in set(rule.rules):
                self._about.setdefault(each, []).append(number)
        self._groups: OrderedDict[tuple[str, Values], _State] = OrderedDict()
        self._spans = {rule.id: rule.timespan for rule in rules}
        self._most = MOST_KEPT if most is None else most
        self._kept = 0

    def __call__(self, hits: set[str], view: View) -> list[Found]:
        """Ids of those that found something in, and what correlations find, of which others may be about."""
        found = []
        hits = set(hits)
        waiting = sorted({number for each in hits for number in self._about.get(each, ())})
        while waiting:
            rule = self._rules[heappop(waiting)]
            if result := self._add(rule, hits.intersection(rule.rules), view):
                found.append(result)
                hits.add(rule.id)
                for number in set(self._about.get(rule.id, ())) - set(waiting):
                    heappush(waiting, number)
        return found

    def _add(self, rule: CorrelationRule, hits: set[str], view: View) -> Found | None:
        """Each rule may call by another name what is grouped by: then each has its own group."""
        now = view.event.timestamp_boot
        groups: dict[Values, set[str]] = {}
        for each in hits:
            groups.setdefault(tuple(_value(view, _field(rule, name, each)) for name in rule.group_by), set()).add(each)
        result = None
        for values, of_group in groups.items():
            key = (rule.id, tuple(map(_short, values)))
            state = self._groups.pop(key, None)
            self._kept -= len(state) if state else 0
            state = state or _STATES[rule.type](rule)
            told = state.add(now, of_group, view)
            if told:
                shown = zip(rule.group_by, values, strict=True)
                result = Found(rule, *told, {name: value for name, value in shown if value is not None})
            else:
                self._groups[key] = state
                self._kept += len(state)
        self._forget(now)
        return result

    def _forget(self, now: int) -> None:
        """Groups that are out of their time; then others, as long as there is too much."""
        while self._groups:
            key, state = next(iter(self._groups.items()))
            over = now - state.last > self._spans[key[0]]
            if not over and self._kept <= self._most:
                break
            self.forgotten += not over
            del self._groups[key]
            self._kept -= len(state)


class _EventCount:
    """Times of the last finds, as many as decide."""

    def __init__(self, rule: CorrelationRule) -> None:
        self._rule = rule
        self._times: deque[int] = deque(maxlen=_most_of(rule))

    @property
    def last(self) -> int:
        return self._times[-1]

    def __len__(self) -> int:
        return len(self._times)

    def add(self, now: int, hits: AbstractSet[str], view: View) -> tuple[int, int] | None:
        self._times.append(now)
        while now - self._times[0] > self._rule.timespan:
            self._times.popleft()
        return (len(self), self._times[0]) if _within_limits(self._rule, len(self)) else None


class _Distinct:
    """Values, or rules, that were found last, and when; the oldest first."""

    def __init__(self, rule: CorrelationRule) -> None:
        self._rule = rule
        self._times: dict[object, int] = {}
        self._most = _most_of(rule)

    @property
    def last(self) -> int:
        return next(reversed(self._times.values()), 0)

    def __len__(self) -> int:
        return len(self._times)

    def add(self, now: int, hits: AbstractSet[str], view: View) -> tuple[int, int] | None:
        for each in hits if self._rule.type == "temporal" else self._values(view):
            self._times.pop(each, None)
            self._times[each] = now
        while self._times:
            oldest, time = next(iter(self._times.items()))
            if now - time <= self._rule.timespan and len(self._times) <= self._most:
                break
            del self._times[oldest]
        count = len(self._times)
        return (count, min(self._times.values())) if count and _within_limits(self._rule, count) else None

    def _values(self, view: View) -> list[Values]:
        values = tuple(_short(_value(view, name)) for name in self._rule.fields)
        return [values] if None not in values else []


class _Ordered:
    """For each of the rules, when the latest row of finds began that goes in order up to it."""

    def __init__(self, rule: CorrelationRule) -> None:
        self._rule = rule
        self._begins: list[int | None] = [None] * len(rule.rules)
        self.last = 0

    def __len__(self) -> int:
        return len(self._begins)

    def add(self, now: int, hits: AbstractSet[str], view: View) -> tuple[int, int] | None:
        self.last = now
        # From the end on: one event is one step of a row, whatever rules it fits.
        for step in reversed(range(len(self._begins))):
            if self._rule.rules[step] in hits:
                begin = self._begins[step - 1] if step else now
                if begin is not None and now - begin <= self._rule.timespan:
                    self._begins[step] = begin
        whole = self._begins[-1]
        return (len(self._begins), whole) if whole is not None else None


_STATES: dict[str, Callable[[CorrelationRule], _State]] = {
    "event_count": _EventCount,
    "value_count": _Distinct,
    "temporal": _Distinct,
    "temporal_ordered": _Ordered,
}


def _most_of(rule: CorrelationRule) -> int:
    """How many decide: with one more than a number all comparisons with it are settled."""
    return max(number for _, number in rule.limits) + 1


def _within_limits(rule: CorrelationRule, count: int) -> bool:
    return all(OPERATORS[sign](count, number) for sign, number in rule.limits)


def _field(rule: CorrelationRule, name: str, of_rule: str) -> str:
    """What is called so of the events that another rule finds."""
    of_rules: Mapping[str, str] = rule.aliases.get(name, {})
    return of_rules.get(of_rule, name)


def _value(view: View, field: str) -> str | None:
    value = getattr(view, f"t_{field}")
    return " ".join(value) if isinstance(value, tuple) else None if value is None else text_of(value)


def _short(text: str | None) -> str | None:
    if text is None or len(text) <= MOST_CHARS:
        return text
    return blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()
