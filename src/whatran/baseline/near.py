"""What a baseline knows that is most like something new; pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from whatran.baseline.marks import MORE, is_exact
from whatran.baseline.match import fit_arguments, misfits
from whatran.baseline.model import Rule
from whatran.volatile.words import words

if TYPE_CHECKING:
    from whatran.baseline.model import Baseline, Program
    from whatran.baseline.observe import Observation

    Argv = tuple[str, ...] | None

MOST_PROGRAMS, MOST_ARGVS, MOST_WORDS = 500, 500, 200
"""So many are compared closely: what is new may come in masses."""


REMEMBERED = 1 << 12

_NONE = ("none of these",)


class Near(NamedTuple):
    """A rule that nearly permits something."""

    rule: Rule
    differs: tuple[str, ...]
    """The fields that do not fit."""


class _Argvs(NamedTuple):
    """The arguments that a program may have."""

    all: list[Argv]
    patterns: list[Argv]
    """Those that are more than themselves."""

    def fitting(self, seen: Observation) -> Argv:
        """One that permits these; ``_NONE`` where none does."""
        argv = seen.rule.argv
        index = bisect_left(self.all, argv or (), key=_order)
        if index < len(self.all) and self.all[index] == argv:
            return argv
        return next((argv for argv in self.patterns if fit_arguments(argv, seen)), _NONE)


class Neighbours:
    """The rules by what they may have in common with others."""

    def __init__(self, baseline: Baseline) -> None:
        argvs: defaultdict[Program, list[Argv]] = defaultdict(list)
        for rule in baseline.rules:
            argvs[rule.program].append(rule.argv)
        self._argvs = {
            program: _Argvs(sorted(found, key=_order), [argv for argv in found if _is_pattern(argv)])
            for program, found in sorted(argvs.items(), key=repr)
        }
        self._by_pathname: defaultdict[str, list[Program]] = defaultdict(list)
        self._by_name: defaultdict[str, list[Program]] = defaultdict(list)
        for program in self._argvs:
            self._by_pathname[program.pathname].append(program)
            self._by_name[_name(program.pathname)].append(program)
        self._words = lru_cache(REMEMBERED)(_words)

    def __call__(self, seen: Observation) -> Near | None:
        """The rule for this program, or one of the same name, that differs in the fewest fields; None for none."""
        pathname = seen.rule.program.pathname
        programs = self._by_pathname.get(pathname) or self._by_name.get(_name(pathname)) or ()
        found = []
        for program in programs[:MOST_PROGRAMS]:
            differs = misfits(program, seen)
            argv = self._argvs[program].fitting(seen)
            found.append(Near(Rule(program, argv), (*differs, "argv") if argv is _NONE else tuple(differs)))
        nearest = min(found, key=lambda near: len(near.differs), default=None)
        if nearest is None or nearest.rule.argv is not _NONE:
            return nearest
        same = [near.rule.program for near in found if near.differs == nearest.differs]
        candidates = (Rule(program, argv) for program in same for argv in self._argvs[program].all)
        mine = _words(seen.rule.argv)  # not to be remembered: it is told once, and may be long
        best = max(islice(candidates, MOST_ARGVS), key=lambda rule: _likeness(mine, self._words(rule.argv)))
        return Near(best, nearest.differs)


def _order(argv: Argv) -> tuple[str, ...]:
    return argv or ()


def _is_pattern(argv: Argv) -> bool:
    return argv is None or MORE in argv[-1:] or not all(map(is_exact, argv))


def _name(pathname: str) -> str:
    return pathname.rpartition("/")[2]


def _words(argv: Argv) -> frozenset[str]:
    return frozenset(word.text for word in islice(words(argv or ()), MOST_WORDS))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / max(1, len(one) + len(other))
