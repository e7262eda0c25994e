"""What a baseline knows that is most like something new; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from whatran.baseline.match import fit_arguments, misfits
from whatran.baseline.model import Rule
from whatran.volatile.words import words

if TYPE_CHECKING:
    from whatran.baseline.model import Baseline, Program
    from whatran.baseline.observe import Observation

    Argv = tuple[str, ...] | None

MOST_PROGRAMS, MOST_ARGVS, MOST_WORDS = 500, 500, 200
"""So many are compared closely: what is new may come in masses."""


_NONE = ("none of these",)


class Near(NamedTuple):
    """A rule that nearly permits something."""

    rule: Rule
    differs: tuple[str, ...]
    """The fields that do not fit."""


class Neighbours:
    """The rules by what they may have in common with others."""

    def __init__(self, baseline: Baseline) -> None:
        self._argvs: defaultdict[Program, list[Argv]] = defaultdict(list)
        for rule in sorted(baseline.rules, key=repr):
            self._argvs[rule.program].append(rule.argv)
        self._by_pathname: defaultdict[str, list[Program]] = defaultdict(list)
        self._by_name: defaultdict[str, list[Program]] = defaultdict(list)
        for program in self._argvs:
            self._by_pathname[program.pathname].append(program)
            self._by_name[_name(program.pathname)].append(program)

    def __call__(self, seen: Observation) -> Near | None:
        """The rule for this program, or one of the same name, that differs in the fewest fields; None for none."""
        pathname = seen.rule.program.pathname
        programs = self._by_pathname.get(pathname) or self._by_name.get(_name(pathname)) or ()
        nearest: Near | None = None
        for program in programs[:MOST_PROGRAMS]:
            differs = misfits(program, seen)
            argvs = self._argvs[program]
            argv = next((argv for argv in argvs if fit_arguments(argv, seen)), _NONE)
            if argv is _NONE:
                differs.append("argv")
            if nearest is None or len(differs) < len(nearest.differs):
                nearest = Near(Rule(program, argv), tuple(differs))
        if nearest is None or "argv" not in nearest.differs:
            return nearest
        same = [program for program in programs[:MOST_PROGRAMS] if not set(misfits(program, seen)) - {*nearest.differs}]
        candidates = (Rule(program, argv) for program in same for argv in self._argvs[program])
        bag = _bag(seen.rule.argv)
        best = max(islice(candidates, MOST_ARGVS), key=lambda rule: _likeness(bag, _bag(rule.argv)))
        return Near(best, nearest.differs)


def _name(pathname: str) -> str:
    return pathname.rpartition("/")[2]


def _bag(argv: Argv) -> Counter[str]:
    return Counter(word.text for word in islice(words(argv or ()), MOST_WORDS))


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    return 2 * (one & other).total() / max(1, one.total() + other.total())
