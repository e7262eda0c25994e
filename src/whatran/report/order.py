"""The order of the rows of a timeline: each process below the one that made it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Order(NamedTuple):
    """A walk through the tree, creators before what they made; the lists are by the place in it."""

    rows: list[int]
    """Which row it is."""
    parents: list[int]
    """Place of its creator; -1 where that is not among the rows."""
    depths: list[int]
    """How many are above it."""
    ends: list[int]
    """Place after its last descendant."""


def order(keys: Sequence[Hashable], creators: Sequence[Hashable], starts: Sequence[tuple[int, int]]) -> Order:
    """The rows as trees, children by their start and pid; of rows with the same key the first counts.

    Nobody starts before its creator: a creator that did is none, so that no circle can be closed.
    """
    known: dict[Hashable, int] = {}
    children: dict[int | None, list[int]] = {}
    for row in sorted(range(len(keys)), key=starts.__getitem__):
        if keys[row] not in known:
            children.setdefault(known.get(creators[row]), []).append(row)
            known[keys[row]] = row
    return _walk(children)


def _walk(children: dict[int | None, list[int]]) -> Order:
    walk = Order([], [], [], [])
    # A stack, no recursion: chains of processes can be longer than Python's stack.
    stack = [(row, -1, 0) for row in reversed(children.get(None, ()))]
    while stack:
        row, parent, depth = stack.pop()
        place = len(walk.rows)
        walk.rows.append(row)
        walk.parents.append(parent)
        walk.depths.append(depth)
        walk.ends.append(place + 1)
        stack += [(child, place, depth + 1) for child in reversed(children.get(row, ()))]
    for place in reversed(range(len(walk.rows))):
        parent = walk.parents[place]
        if parent >= 0:
            walk.ends[parent] = max(walk.ends[parent], walk.ends[place])
    return walk
