"""What is new to a baseline, each thing once; pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from whatran.baseline.match import Matcher, digest
from whatran.baseline.near import Near, Neighbours

if TYPE_CHECKING:
    from whatran.baseline.model import Baseline, Rule
    from whatran.baseline.observe import Observation
    from whatran.event import Exec

SCHEMA = 1

REMEMBERED = 100_000
"""So many new things are known to have been told; after that they are told again."""


class Known(msgspec.Struct, frozen=True):
    """The rule that comes nearest, as the file has it; null is any."""

    pathname: str
    script_pathname: str
    parents: list[str] | None
    user: str | None
    container_image: str
    sha256: str | None
    argv: list[str] | None


class New(msgspec.Struct, frozen=True):
    """Something ran that the baseline does not permit; its fields are the keys of the JSON."""

    schema: int
    event: str
    """Always baseline_new."""
    timestamp: int
    """When it first did, in ns since the epoch."""
    boot_id: str
    pid: int
    process_start_time: int
    pathname: str
    script_pathname: str
    """Empty for none."""
    parents: list[str]
    """The programs above, the nearest first."""
    user: str
    container_image: str
    """Empty for none."""
    sha256: str | None
    """Of the program's file; null where it was not asked for or cannot be told."""
    argv: list[str]
    cwd: str | None
    differs: list[str]
    """The fields in which it differs from the nearest."""
    nearest: Known | None
    """Null where no program of that name is known."""
    generalised: list[str]
    """The arguments as the file would have them."""


class Checker:
    """Takes observations; knows what was told already."""

    def __init__(self, baseline: Baseline) -> None:
        self._permits = Matcher(baseline)
        self._neighbours: Neighbours | None = None
        self._baseline = baseline
        self._told: set[bytes] = set()  # digests: arguments may have MiB
        self.counts: Counter[str] = Counter()
        """How many execs were ``known``, how many ``new``, and how many things were ``told``."""

    def __call__(self, event: Exec, seen: Observation) -> New | None:
        """What is new about it; None where that is nothing, or was told before."""
        if self._permits(seen) is not None:
            self.counts["known"] += 1
            return None
        self.counts["new"] += 1
        key = digest(seen.rule)
        if key in self._told:
            return None
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        self._told.add(key)
        self.counts["told"] += 1
        if self._neighbours is None:
            self._neighbours = Neighbours(self._baseline)
        return _new(event, seen, self._neighbours(seen))


def _new(event: Exec, seen: Observation, near: Near | None) -> New:
    return New(
        schema=SCHEMA,
        event="baseline_new",
        timestamp=event.timestamp,
        boot_id=event.boot_id,
        pid=event.pid,
        process_start_time=event.process_start_time,
        pathname=seen.pathname.raw,
        script_pathname=seen.script_pathname.raw,
        parents=[parent.raw for parent in seen.parents],
        user=seen.user.raw,
        container_image=seen.container_image.raw,
        sha256=seen.rule.program.sha256,
        argv=event.argv or [],
        cwd=event.cwd,
        differs=list(near.differs) if near else [],
        nearest=_known(near.rule) if near else None,
        generalised=list(seen.rule.argv or ()),
    )


def _known(rule: Rule) -> Known:
    program, argv = rule
    return Known(
        pathname=program.pathname,
        script_pathname=program.script_pathname,
        parents=None if program.parents is None else list(program.parents),
        user=program.user,
        container_image=program.container_image,
        sha256=program.sha256,
        argv=None if argv is None else list(argv),
    )
