"""Correlation: what rules find, taken together, group by group, in a span of time that ends with each find.

Memory is bounded: of each group only as much is kept as decides, and of all groups those that something was found of
last. What is forgotten for that is counted.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from whatran.rules.explain import OPERATORS, told
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


@dataclass(slots=True)
class Forgotten:
    """How many groups were given up before their time, by all that count in it."""

    groups: int = 0


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


class _First:
    """Which rule has the earliest of some time, that of the first of its groups.

    Times only get later: one in the heap may be too early, and is put right when it has come to the front.
    """

    def __init__(self, time_of: Callable[[int], int | None]) -> None:
        self._time_of = time_of
        self._heap: list[tuple[int, int]] = []
        self._there: set[int] = set()

    def add(self, number: int) -> None:
        """A rule that has groups."""
        time = self._time_of(number)
        if number not in self._there and time is not None:
            self._there.add(number)
            heappush(self._heap, (time, number))

    def __call__(self) -> tuple[int, int] | None:
        """The time, and the number of the rule."""
        while self._heap:
            noted, number = self._heap[0]
            time = self._time_of(number)
            if time is None:
                heappop(self._heap)
                self._there.remove(number)
            elif time > noted:
                heapreplace(self._heap, (time, number))
            else:
                return time, number
        return None


class Correlations:
    """Takes the rules that found something in an event; gives the correlation rules that do so by that."""

    def __init__(
        self, rules: Sequence[CorrelationRule], most: int | None = None, forgotten: Forgotten | None = None
    ) -> None:
        """For rules that come after those they refer to; MOST_KEPT is most, unless another number is given."""
        self.forgotten = forgotten or Forgotten()
        self._rules = tuple(rules)
        self._about: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            for each in set(rule.rules):
                self._about.setdefault(each, []).append(number)
        self._groups: list[OrderedDict[Values, _State]] = [OrderedDict() for _ in rules]
        """Of each rule, in the order in which something was found of them."""
        self._last = _First(self._last_of)
        self._end = _First(self._end_of)
        self._most = MOST_KEPT if most is None else most
        self._kept = 0

    def __call__(self, hits: set[str], view: View) -> list[Found]:
        """Ids of those that found something in, and what correlations find, of which others may be about."""
        found = []
        hits = set(hits)
        waiting = sorted({number for each in hits for number in self._about.get(each, ())})
        while waiting:
            number = heappop(waiting)
            rule = self._rules[number]
            if result := self._add(number, hits.intersection(rule.rules), view):
                found.append(result)
                hits.add(rule.id)
                for other in set(self._about.get(rule.id, ())) - set(waiting):
                    heappush(waiting, other)
        return found

    def _add(self, number: int, hits: set[str], view: View) -> Found | None:
        """Each rule may call by another name what is grouped by: then each has its own group."""
        rule, kept = self._rules[number], self._groups[number]
        now = view.event.timestamp_boot
        groups: dict[Values, set[str]] = {}
        for each in hits:
            groups.setdefault(tuple(_value(view, _field(rule, name, each)) for name in rule.group_by), set()).add(each)
        result = None
        for values, of_group in groups.items():
            key = tuple(map(_short, values))
            state = kept.pop(key, None)
            self._kept -= len(state) if state else 0
            state = state or _STATES[rule.type](rule)
            fitted = state.add(now, of_group, view)
            if fitted:
                shown = zip(rule.group_by, values, strict=True)
                result = Found(rule, *fitted, {name: told(value) for name, value in shown if value is not None})
            elif len(state):
                kept[key] = state
                self._kept += len(state)
                self._last.add(number)
                self._end.add(number)
        self._forget(now)
        return result

    def _forget(self, now: int) -> None:
        """Groups that are out of their time; then others, as long as there is too much."""
        while (end := self._end()) and end[0] < now:
            self._drop(end[1])
        while self._kept > self._most and (last := self._last()):
            self._drop(last[1])
            self.forgotten.groups += 1

    def _drop(self, number: int) -> None:
        _, state = self._groups[number].popitem(last=False)
        self._kept -= len(state)

    def _last_of(self, number: int) -> int | None:
        groups = self._groups[number]
        return next(iter(groups.values())).last if groups else None

    def _end_of(self, number: int) -> int | None:
        last = self._last_of(number)
        return None if last is None else last + self._rules[number].timespan


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
