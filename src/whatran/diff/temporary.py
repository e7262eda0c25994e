"""Names that are new each time, as mkstemp(3) makes them: what is random in them is found by comparison; pure.

Only a name that one recording has and the other has not comes into question, and only as part of a path. It is
temporary if it fits a template: that of a well-known program, or one among the arguments of the recordings
themselves (``mktemp confXXXXXX``). Or else if the other recording has a name that differs from it in nothing but as
many characters as the makers of such names put there; if these look random; and if most of them differ.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from whatran.diff.rewrite import rewrite, texts
from whatran.volatile.names import (
    DIRECTORY,
    LENGTHS,
    MAX_TEMPLATES,
    NAME,
    NAME_MAX,
    NUMBER,
    PATH,
    PATTERNS,
    RUN,
    TEMPLATE,
    looks_random,
    pattern,
)
from whatran.volatile.patterns import Replaced

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from whatran.diff.executions import Executions

ENOUGH = 8
"""So many names of a kind are compared with as many: if these do not tell, more will not."""


def replace_temporary(
    left: Executions, right: Executions, logs: tuple[set[Replaced], set[Replaced]]
) -> tuple[Executions, Executions]:
    """Both with a template in the place of each temporary name."""
    one, other = _Names(texts(left.all)), _Names(texts(right.all))
    own = one.only(other), other.only(one)
    templates = _templates(one.all | other.all)
    alike = _alike(*own)

    def replaced(executions: Executions, names: dict[str, bool], log: set[Replaced]) -> Executions:
        found = {
            name: _fit(name, templates, below=below) or _best(name, alike, below=below) for name, below in names.items()
        }
        by = {name: template for name, template in found.items() if template}
        return rewrite(executions, partial(NAME.sub, partial(_replace, by, log))) if by else executions

    return replaced(left, own[0], logs[0]), replaced(right, own[1], logs[1])


def _replace(by: dict[str, str], log: set[Replaced], match: re.Match[str]) -> str:
    name = match[0]
    template = by.get(name)
    if template is None:
        return name
    log.add(Replaced("temporary", name, template))
    return template


class _Names:
    """The names in the texts of one recording, and where they stand."""

    def __init__(self, found: Iterable[str]) -> None:
        self.all: set[str] = set()
        self._places: defaultdict[str, set[str]] = defaultdict(set)
        """Of each that is part of a path: what its path begins with below a directory for temporary files, or empty."""
        for text in found:
            self.all.update(NAME.findall(text))
            for path in PATH.findall(text):
                if "/" in path:
                    self._take(path)

    def only(self, other: _Names) -> dict[str, bool]:
        """Parts of paths that the other has not; and whether they are, or are below, what is new each time."""
        return {
            name: any(first and first not in other.all for first in places)
            for name, places in self._places.items()
            if name and name not in other.all and len(name) <= NAME_MAX
        }

    def _take(self, path: str) -> None:
        directory = DIRECTORY.search(path)
        above = path[: directory.end()] if directory else path
        for name in above.split("/"):
            self._places[name].add("")
        if directory:
            below = path[directory.end() :].split("/")
            for name in below:
                self._places[name].add(below[0])


def _templates(names: Iterable[str]) -> list[re.Pattern[str]]:
    """What fits any of the templates among these names."""
    found = sorted(name for name in names if TEMPLATE.search(name) and name.strip("X") and len(name) <= NAME_MAX)
    return list(map(pattern, found[:MAX_TEMPLATES]))


def _fit(name: str, templates: list[re.Pattern[str]], *, below: bool) -> str | None:
    """The template that the name was made from."""
    for each in (*PATTERNS, *templates) if below else templates:
        if match := each.fullmatch(name):
            return match[1] + "X" * len(match[2]) + match[3]
    return None


def _forms(name: str, *, below: bool) -> Iterator[tuple[str, str]]:
    """What the name may have been made from, each with what is random in it then."""
    for run in RUN.finditer(name):
        for length in LENGTHS:
            start = run.end() - length
            if start >= run.start():
                yield name[:start] + "X" * length + name[run.end() :], name[start : run.end()]
    if below and (number := NUMBER.search(name)):
        yield name[: number.start()] + "X" * max(LENGTHS), number[0]


def _alike(left: dict[str, bool], right: dict[str, bool]) -> dict[str, tuple[bool, int]]:
    """Templates that names of both sides fit, not just by likeness; each with its rank, the lowest being the best."""
    kinds: defaultdict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    strange: set[str] = set()
    for side, names in enumerate((left, right)):
        for name, below in names.items():
            for template, random in _forms(name, below=below):
                kinds[template][side].add(random)
                if looks_random(random, below=below):
                    strange.add(template)
    return {
        template: _rank(*sides)
        for template, sides in kinds.items()
        if template in strange and any(_differ(*pair) for pair in product(*(sorted(side)[:ENOUGH] for side in sides)))
    }


def _differ(one: str, other: str) -> bool:
    """Whether most of it differs: of names that count, as build12 and build13, little does."""
    return 2 * sum(a != b for a, b in zip(one, other, strict=False)) > max(len(one), len(other))


def _rank(left: set[str], right: set[str]) -> tuple[bool, int]:
    """As much as can be random is, as long as it does not begin with the same everywhere: that is part of the name."""
    length = max(map(len, left))
    same = len({random[0] for random in left | right}) == 1
    return same, length if same else -length


def _best(name: str, alike: dict[str, tuple[bool, int]], *, below: bool) -> str | None:
    found = [template for template, _ in _forms(name, below=below) if template in alike]
    return min(found, key=lambda template: (alike[template], template), default=None)
