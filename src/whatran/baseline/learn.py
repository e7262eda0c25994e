"""Baselines from observations, and from other baselines; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.baseline.match import Matcher
from whatran.baseline.model import Baseline
from whatran.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whatran.baseline.model import Rule
    from whatran.baseline.observe import Observation


class Learner:
    """Takes observations: what a baseline does not permit is added to it."""

    def __init__(self, base: Baseline) -> None:
        self._base = base
        self._permits = Matcher(base)
        self._all = len(base.rules) > 0
        self._rules: set[Rule] = set()
        self.used: set[Rule] = set()
        """The rules of the baseline that permitted something."""
        self.execs = 0

    def __call__(self, seen: Observation) -> None:
        """Take it in."""
        self.execs += 1
        if seen.rule in self._rules:
            return
        permitting = self._permits.all(seen) if self._all else ()
        if permitting:
            self.used.update(permitting)
        else:
            self._rules.add(seen.rule)

    @property
    def new(self) -> frozenset[Rule]:
        """What was added."""
        return frozenset(self._rules)

    @property
    def unused(self) -> frozenset[Rule]:
        """What permitted nothing that was observed."""
        return self._base.rules - self.used

    def baseline(self, *, prune: bool = False) -> Baseline:
        """All there is now; or of what was there before only what was used."""
        kept = self._base.rules - self.unused if prune else self._base.rules
        return Baseline(self._base.settings, kept | self._rules)


def merge(baselines: Iterable[Baseline]) -> Baseline:
    """What any of these permits; UsageError where they were not learned alike."""
    first, *others = baselines
    rules = set(first.rules)
    for other in others:
        if other.settings != first.settings:
            raise UsageError(
                "baselines that differ in depth or in what is generalised cannot be merged: learn one of them anew"
            )
        rules |= other.rules
    return Baseline(first.settings, frozenset(rules))
