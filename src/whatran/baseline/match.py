"""Which rule of a baseline an exec fits; pure.

What was learned fits by being the same, which one look into a set tells. What people wrote, with globs or with
things left out, is looked through for the rest, and what came of that is remembered.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from whatran.baseline.marks import MORE, is_exact, pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from whatran.baseline.generalise import Text
    from whatran.baseline.model import Baseline, Program, Rule
    from whatran.baseline.observe import Observation

REMEMBERED = 1 << 16


class Matcher:
    """The rules, ready to be asked."""

    def __init__(self, baseline: Baseline) -> None:
        self._rules = baseline.rules
        self._by_pathname: defaultdict[str, list[Rule]] = defaultdict(list)
        self._others: list[Rule] = []
        depth = baseline.settings.depth
        for rule in sorted((rule for rule in baseline.rules if not is_learned(rule, depth)), key=repr):
            where = self._by_pathname[rule.program.pathname] if is_exact(rule.program.pathname) else self._others
            where.append(rule)
        self._looked_through: dict[bytes, Rule | None] = {}  # by digest: arguments may have MiB

    def __call__(self, seen: Observation) -> Rule | None:
        """The rule that permits it; None where none does."""
        rule = seen.rule
        if rule in self._rules:
            return rule
        if rule.program.sha256:
            rule = _of_any_hash(rule)
            if rule in self._rules:
                return rule
        if not self._others and rule.program.pathname not in self._by_pathname:
            return None
        key = digest(seen)
        if key not in self._looked_through:
            if len(self._looked_through) >= REMEMBERED:
                self._looked_through.clear()
            self._looked_through[key] = next(self._fitting(seen), None)
        return self._looked_through[key]

    def all(self, seen: Observation) -> set[Rule]:
        """All the rules that permit it."""
        same = {seen.rule, _of_any_hash(seen.rule)} & self._rules
        return same.union(self._fitting(seen))

    def _fitting(self, seen: Observation) -> Iterator[Rule]:
        for rules in (self._by_pathname.get(seen.rule.program.pathname, ()), self._others):
            for rule in rules:
                if fit_arguments(rule.argv, seen) and not misfits(rule.program, seen):
                    yield rule


def digest(what: tuple[object, ...]) -> bytes:
    """What stands for an observation or a rule, in 16 bytes."""
    return blake2b(repr(what).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def is_learned(rule: Rule, depth: int) -> bool:
    """Whether it fits no more than what is the same as it."""
    program = rule.program
    if rule.argv is None or program.parents is None or program.user is None or MORE in rule.argv[-1:]:
        return False
    if len(program.parents) < depth and program.parents[-1:] not in {("<whatran>",), ("<kernel>",)}:
        return False
    texts = (program.pathname, program.script_pathname, program.user, program.container_image)
    return all(map(is_exact, (*texts, *program.parents, *rule.argv)))


def misfits(program: Program, seen: Observation) -> list[str]:
    """The fields of a program that an exec does not fit, whatever its arguments."""
    found = [
        name
        for name, glob, text in (
            ("pathname", program.pathname, seen.pathname),
            ("script_pathname", program.script_pathname, seen.script_pathname),
            ("user", program.user, seen.user),
            ("container_image", program.container_image, seen.container_image),
        )
        if glob is not None and not _fits(glob, text)
    ]
    if program.parents is not None and not _each_fits(program.parents, seen.parents, more=True):
        found.append("parents")
    if program.sha256 and program.sha256 != seen.rule.program.sha256:
        found.append("sha256")
    return found


def fit_arguments(argv: tuple[str, ...] | None, seen: Observation) -> bool:
    """Whether these globs permit its arguments."""
    if argv is None or argv == seen.rule.argv:
        return True
    more = MORE in argv[-1:]
    return _each_fits(argv[:-1] if more else argv, seen.argv, more=more)


def _each_fits(globs: Sequence[str], texts: Sequence[Text], *, more: bool) -> bool:
    if len(texts) < len(globs) or (len(texts) > len(globs) and not more):
        return False
    return all(map(_fits, globs, texts))


def _fits(glob: str, text: Text) -> bool:
    if glob == text.written:
        return True
    fits = _compiled(glob)
    return fits is not None and bool(fits(text.marked) or fits(text.raw))


@lru_cache(REMEMBERED)
def _compiled(glob: str) -> Callable[[str], object] | None:
    """None for what fits nothing but what is the same."""
    return None if is_exact(glob) else pattern(glob)


def _of_any_hash(rule: Rule) -> Rule:
    return rule._replace(program=rule.program._replace(sha256=None))
