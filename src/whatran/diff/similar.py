"""What only one recording ran, and what the other ran instead: the pairs that are nearly the same; pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple

from whatran.volatile.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

MAX_CANDIDATES = 200_000
"""Pairs that are looked at closely, some 10 µs each; those that share the rarest words come first."""

MAX_WORDS = 500
"""So many words of a command line are looked at: scripts can be long, and begin differently where they differ."""

ALIKE = 0.5
"""More than this part of their words is common to two command lines that are one, changed; as git has it of files."""

CONTAINED = 0.7
"""Or, where much was added, this part of the shorter one's words; of these there are no fewer than three."""

_VERSION = re.compile(r"[-.0-9]+$")


class Step(NamedTuple):
    """What counts of an execution: two that have all of this in common are the same."""

    program: str
    argv: tuple[str, ...] | None
    cwd: str | None
    user: str
    end: str


Pair = tuple[Step, Step, int]
"""Left, right, and how often."""


def pairs(left: Counter[Step], right: Counter[Step]) -> list[Pair]:
    """What belongs together, and is taken out of both: first what differs in one thing only."""
    found: list[Pair] = []
    for same in (
        lambda it: it._replace(end=""),
        lambda it: (_rest(it), it.cwd, it.user, it.end, _kin(it)),
        lambda it: it._replace(user=""),
        lambda it: it._replace(cwd=None),
    ):
        found += _joined(left, right, same)
    return found + _alike(left, right)


def order(step: Step) -> tuple[str, Sequence[str], str, str, str]:
    """By what steps are put in order."""
    return step.program, step.argv or (), step.cwd or "", step.user, step.end


def _rest(step: Step) -> Sequence[str] | None:
    return step.argv and step.argv[1:]


def _kin(step: Step) -> str | None:
    """Short command lines are only compared of programs with the same name, but for its version: ls is not pwd."""
    return _family(step) if len(step.argv or ()) <= 3 else None


def _family(step: Step) -> str:
    name = step.program.rpartition("/")[2]
    return _VERSION.sub("", name) or name


def _joined(left: Counter[Step], right: Counter[Step], same: Callable[[Step], Hashable]) -> list[Pair]:
    """Pairs of which this is the same."""
    sides: defaultdict[Hashable, tuple[list[Step], list[Step]]] = defaultdict(lambda: ([], []))
    for side, steps in enumerate((left, right)):
        for step in steps:
            sides[same(step)][side].append(step)
    return [
        pair
        for one, other in sides.values()
        for pair in _take(zip(sorted(one, key=order), sorted(other, key=order), strict=False), left, right)
    ]


def _take(found: Iterable[tuple[Step, Step]], left: Counter[Step], right: Counter[Step]) -> list[Pair]:
    """The pairs that there are enough of, taken out."""
    taken = []
    for one, other in found:
        count = min(left[one], right[other])
        if count:
            taken.append((one, other, count))
            for steps, step in ((left, one), (right, other)):
                steps[step] -= count
                if not steps[step]:
                    del steps[step]
    return taken


class _Group:
    """What both sides ran of one program, or of two of the same name."""

    def __init__(self) -> None:
        self.sides: tuple[list[Step], list[Step]] = ([], [])

    def ranked(self) -> list[tuple[Step, Step]]:
        """Pairs that are alike, the most alike first; the same pairs whichever side is left."""
        left, right = (sorted(side, key=order) for side in self.sides)
        bags = [[_bag(step) for step in side] for side in (left, right)]
        scored = [
            (score, i + j, i, j)
            for i, j in _candidates(*bags)
            if (score := _score(left[i], bags[0][i], right[j], bags[1][j]))
        ]
        scored.sort(key=lambda it: (it[0], -it[1]), reverse=True)
        return [(left[i], right[j]) for _, _, i, j in scored]


def _alike(left: Counter[Step], right: Counter[Step]) -> list[Pair]:
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    for side, steps in enumerate((left, right)):
        for step in steps:
            groups[_family(step)].sides[side].append(step)
    return [pair for group in groups.values() if all(group.sides) for pair in _take(group.ranked(), left, right)]


def _bag(step: Step) -> Counter[str]:
    return Counter(word.text for word in islice(words(step.argv or ()), MAX_WORDS))


def _candidates(left: Sequence[Counter[str]], right: Sequence[Counter[str]]) -> set[tuple[int, int]]:
    """Pairs by number that have a word in common, those with the rarest words."""
    places: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, bags in enumerate((left, right)):
        for number, bag in enumerate(bags):
            for word in bag:
                places[word][side].append(number)
    found: set[tuple[int, int]] = set()
    for _, (one, other) in sorted(places.items(), key=lambda it: (len(it[1][0]) * len(it[1][1]), it[0])):
        if len(found) + len(one) * len(other) > MAX_CANDIDATES:
            break
        found.update(product(one, other))
    return found


def _score(left: Step, left_bag: Counter[str], right: Step, right_bag: Counter[str]) -> tuple[float, int] | None:
    """How much they have in common; None for too little."""
    common = (left_bag & right_bag).total()
    lengths = left_bag.total(), right_bag.total()
    alike = 2 * common / sum(lengths)
    if alike <= ALIKE and not 3 <= min(lengths) <= common / CONTAINED:
        return None
    return alike, sum(a == b for a, b in zip(left, right, strict=True))
