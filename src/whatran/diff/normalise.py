"""What changes from run to run is replaced by a word that does not; pure.

Two recordings are read together: what is the same in both is left alone wherever that can be, and what a
recording knows by itself (its processes, its time, where it began) comes before how a name looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from whatran.diff.pids import replace_pids
from whatran.diff.rewrite import rewrite
from whatran.diff.temporary import replace_temporary
from whatran.volatile.patterns import DESCRIPTOR, JOBSERVER, REDACTED, UUID, UUID_BARE, Replaced, directory

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from whatran.diff.executions import Executions

RULES = {
    "directory": "the directory in which the command was started, where the two differ: `PWD/src`",
    "descriptor": "the number of a descriptor or of a pipe: `/dev/fd/N`, `/proc/self/fd/N`, `pipe:[N]`",
    "jobserver": "where make finds its job server: `--jobserver-auth=JOBSERVER`",
    "redacted": "the digest of a secret, which only tells secrets of one recording apart: `<redacted>`",
    "uuid": "a UUID that is random or of its time (versions 1, 4, 6 and 7); without dashes, a random one: `UUID`",
    "time": "a time within that of the recording, in s, ms, µs or ns since the epoch: `TIME`",
    "pid": "the pid of the process itself, of one above it, or of a child of these: `conftestPID.c`",
    "temporary": "a name as mkstemp(3) and its kin make them, where each recording has its own: `/tmp/ccXXXXXX.s`",
}
"""What each replaces, in the order in which they are applied."""

_TIME = re.compile(r"(?<!\w)(?:[0-9]{19}|[0-9]{16}|[0-9]{13}|[0-9]{10}(?:\.[0-9]+)?)(?!\w)")
SLACK = 2_000_000_000
"""Time is told before the exec that is told it; ns that a second cut to its whole can be off, and some more."""


def normalise(
    left: Executions, right: Executions, rules: Collection[str] = RULES.keys()
) -> tuple[tuple[Executions, Executions], tuple[set[Replaced], set[Replaced]]]:
    """Both after these rules, and what was replaced in either."""
    logs: tuple[set[Replaced], set[Replaced]] = (set(), set())
    left, right = (
        rewrite(one, partial(_apply, changes, log)) if (changes := _changes(one, other, rules)) else one
        for one, other, log in ((left, right, logs[0]), (right, left, logs[1]))
    )
    for rule, replaced in _TOGETHER.items():
        if rule in rules:
            left, right = replaced(left, right, logs)
    return (left, right), logs


_TOGETHER = {"pid": replace_pids, "temporary": replace_temporary}
"""What takes both recordings to know."""


class _Change(NamedTuple):
    """A pattern, and what stands in place of what it matches; None where it stays as it is."""

    rule: str
    pattern: re.Pattern[str]
    by: Callable[[re.Match[str]], str | None]


def _changes(executions: Executions, other: Executions, rules: Collection[str]) -> list[_Change]:
    """Those that look at one text at a time."""
    every = [
        _Change("descriptor", DESCRIPTOR, lambda match: match[1] + "N"),
        _Change("jobserver", JOBSERVER, lambda match: match[1] + "JOBSERVER"),
        _Change("redacted", REDACTED, lambda _: "<redacted>"),
        _Change("uuid", UUID, lambda _: "UUID"),
        _Change("uuid", UUID_BARE, lambda _: "UUID"),
        _Change("time", _TIME, partial(_time, executions.since - SLACK, executions.until + SLACK)),
    ]
    here, there = (it.root.cwd if it.root else None for it in (executions, other))
    if here and there and here != there and "/" not in (here, there):
        every.insert(0, _Change("directory", directory(here), lambda _: "PWD"))
    return [change for change in every if change.rule in rules]


def _time(since: int, until: int, match: re.Match[str]) -> str | None:
    whole, _, _ = match[0].partition(".")
    time = int(whole) * 10 ** (19 - len(whole))
    return "TIME" if since <= time <= until else None


def _apply(changes: Sequence[_Change], log: set[Replaced], text: str) -> str:
    for change in changes:
        text = change.pattern.sub(partial(_replace, change, log), text)
    return text


def _replace(change: _Change, log: set[Replaced], match: re.Match[str]) -> str:
    by = change.by(match)
    if by is None:
        return match[0]
    log.add(Replaced(change.rule, match[0], by))
    return by
