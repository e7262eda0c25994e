"""Differences as people want them: by program, and the same change of many command lines once; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whatran.volatile.words import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whatran.diff.model import Difference
    from whatran.volatile.words import Piece


@dataclass(frozen=True, slots=True)
class Entry:
    """One difference, or several that are the same change of different command lines."""

    differences: tuple[Difference, ...]
    pieces: tuple[Piece, ...]
    """The arguments of the first of them; of a change both sides as one."""

    @property
    def first(self) -> Difference:
        return self.differences[0]

    @property
    def count(self) -> int:
        return sum(it.count for it in self.differences)


@dataclass(frozen=True, slots=True)
class Section:
    """What differs of one program; of two, where the one runs in place of the other."""

    left: str
    right: str
    entries: tuple[Entry, ...]


def sections(differences: Iterable[Difference], limit: int | None = None) -> tuple[list[Section], int]:
    """All of them in their order, or so many entries; and how many entries there are besides."""
    found = _sections(differences)
    if limit is None:
        return found, 0
    kept: list[Section] = []
    left = limit
    for section in found:
        if left:
            kept.append(replace(section, entries=section.entries[:left]))
            left -= len(kept[-1].entries)
    return kept, sum(len(section.entries) for section in found) - (limit - left)


def _sections(differences: Iterable[Difference]) -> list[Section]:
    by_program: defaultdict[tuple[str, str], dict[object, list[tuple[Difference, tuple[Piece, ...]]]]] = defaultdict(
        dict
    )
    for it in differences:
        one, other = it.left or it.right, it.right or it.left
        assert one is not None  # noqa: S101  # for mypy
        assert other is not None  # noqa: S101  # as before
        marked = tuple(pieces(one.argv or (), other.argv or ()))
        by_program[one.program, other.program].setdefault(_signature(it, marked), []).append((it, marked))
    return [
        Section(*programs, tuple(Entry(tuple(it for it, _ in same), same[0][1]) for same in entries.values()))
        for programs, entries in by_program.items()
    ]


def _signature(it: Difference, marked: tuple[Piece, ...]) -> object:
    """What is the same of two differences that are the same change."""
    if it.kind != "changed" or "end" in it.changed:  # of what failed each wants to be seen
        return id(it)
    others = tuple((getattr(it.left, name), getattr(it.right, name)) for name in ("cwd", "user") if name in it.changed)
    return tuple(piece for piece in marked if piece.side != "both"), others
