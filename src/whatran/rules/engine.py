"""The rules at work: execs in, alerts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.errors import UsageError
from whatran.event import SCHEMA, Alert, Exec
from whatran.rules.correlation import Correlations, Forgotten
from whatran.rules.explain import matched
from whatran.rules.fields import View
from whatran.rules.index import Index, fields_of
from whatran.rules.kin import Family
from whatran.rules.model import CorrelationRule, EventRule

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from whatran.event import TaskEvent
    from whatran.rules.model import Rule


def engine(rules: Engine | Iterable[str | os.PathLike[str]]) -> Engine | None:
    """The rules of these files and directories, if any, at work; UsageError with all that is wrong with them."""
    if isinstance(rules, Engine):
        return rules
    if isinstance(rules, (str, bytes)):
        raise UsageError(f"rules are a list of paths, not one path: give [{rules!r}]")
    paths = tuple(rules)
    if not paths:
        return None

    from whatran.rules.load import load  # noqa: PLC0415 (only where there are any)

    loaded = load(paths)
    if loaded.errors:
        raise UsageError("\n".join(map(str, loaded.errors)))
    return Engine(loaded.rules)


class Engine:
    """Holds rules against what happens, in the order of time; reads no clock."""

    def __init__(self, rules: Sequence[Rule], index: Index | None = None, forgotten: Forgotten | None = None) -> None:
        """For these rules, which load() gives; the index is theirs, if it has been made already."""
        self.rules = tuple(rules)
        self._events = [rule for rule in rules if isinstance(rule, EventRule)]
        self.index = index or Index([rule.condition for rule in self._events])
        self._family = Family()
        self._env: list[str] | None = None
        """The environment of the last exec that was followed: whoever asked for less of it has less by now."""
        self.fields = frozenset().union(*(fields_of(rule.condition) for rule in self._events))
        """All that rules ask for."""
        self._older: list[Exec] = []
        correlations = [rule for rule in rules if isinstance(rule, CorrelationRule)]
        self._forgotten = forgotten or Forgotten()
        self._correlations = Correlations(correlations, forgotten=self._forgotten)
        self._silent = _silent(correlations)

    @property
    def forgotten(self) -> int:
        """How many groups of correlations were given up before their time, as there were too many; in all, anew too."""
        return self._forgotten.groups

    def anew(self) -> Engine:
        """The same rules, knowing of nothing that has happened."""
        return Engine(self.rules, self.index, self._forgotten)

    def older(self, living: Iterable[Exec]) -> None:
        """Takes note of the processes that live as the watch begins; again, with all there is to know, if need be."""
        self._older = list(living)
        self._family.older(self._older)

    def nameless(self) -> list[Exec]:
        """Those of them of which rules want to know how they were called, and which do not say it."""
        older, self._older = self._older, []
        return [event for event in older if event.argv is None] if self.fields & COMMAND_LINES else []

    def forget(self, ended: Iterable[tuple[int, int]]) -> None:
        """These have ended, although no event has said so: pids, and when each was forked."""
        self._family.forget(ended)

    def follow(self, event: TaskEvent) -> None:
        """Takes note of what happens: to be told of every event, also of those that filters leave out."""
        self._env = event.env if type(event) is Exec else None
        self._family.follow(event)

    def __call__(self, event: Exec) -> list[Alert]:
        """What there is to say of an exec that passed the filters; follow() has had it before."""
        view = View(event, self._family.of(event), self._env)
        rules = [self._events[number] for number in self.index(view)]
        alerts = [_alert(rule, view, matched(rule.condition, view)) for rule in rules if rule.id not in self._silent]
        together = self._correlations({rule.id for rule in rules}, view) if rules else []
        alerts += [
            _alert(found.rule, view, found.group, found.number, found.since)
            for found in together
            if found.rule.id not in self._silent
        ]
        return alerts


COMMAND_LINES = frozenset({"ParentCommandLine", "AncestorCommandLine"})


def with_those_it_needs(wanted: Sequence[Rule], rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """These rules, and of others those that they refer to, in the order of all."""
    needed = {rule.id for rule in wanted}
    for rule in reversed(rules):  # each comes after those it refers to
        if rule.id in needed and isinstance(rule, CorrelationRule):
            needed.update(rule.rules)
    return tuple(rule for rule in rules if rule.id in needed)


def _silent(correlations: Sequence[CorrelationRule]) -> frozenset[str]:
    """Those that others refer to, unless one of these wants them to speak for themselves."""
    spoken = {each for rule in correlations if rule.generate for each in rule.rules}
    return frozenset(each for rule in correlations for each in rule.rules) - spoken


def _alert(rule: Rule, view: View, fields: dict[str, str], count: int = 1, since: int | None = None) -> Alert:
    event = view.event
    return Alert(
        schema=SCHEMA,
        event=Alert.NAME,
        timestamp=event.timestamp,
        timestamp_boot=event.timestamp_boot,
        boot_id=event.boot_id,
        cpu=event.cpu,
        rule=rule.title,
        rule_id=rule.id,
        level=rule.level,
        attack=rule.attack,
        matched=fields,
        count=count,
        since=event.timestamp_boot if since is None else since,
        ancestor_pathnames=tuple(ran.image for ran in view.kin.ancestors),
        process=event,
    )
