"""Who made whom: lives as a tree; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whatran.process.lives import Key, Life


@dataclass(frozen=True, slots=True)
class Tree:
    """Lives by their key, and the children of each; those of None are the roots. Both in the order of start."""

    lives: dict[Key, Life]
    children: dict[Key | None, list[Life]]


def build(lives: Iterable[Life]) -> Tree:
    """The tree of lives, one a process, that may come in any order.

    A child belongs to its creator, whoever its parent is by now; where the fork was not seen, to its parent.
    """
    known: dict[Key, Life] = {}
    children: defaultdict[Key | None, list[Life]] = defaultdict(list)
    for life in sorted(lives, key=attrgetter("boot_id", "start_time", "pid")):
        if life.key in known:
            continue
        creator = life.creator or life.parent
        # Nobody starts before its creator, so that is known by now, and no circle can be closed.
        children[creator if creator in known else None].append(life)
        known[life.key] = life
    return Tree(known, dict(children))
