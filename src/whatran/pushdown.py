"""Which conditions the kernel program can decide itself, before a record is even made."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from whatran.event import Exec, ExecFailed, Exit, Fork
from whatran.filter import EXEC_ONLY, Condition, pass_some
from whatran.wire import layout

if TYPE_CHECKING:
    from whatran.wire.settings import Settings

NAME_OF = {
    layout.EXEC: Exec.NAME,
    layout.FORK: Fork.NAME,
    layout.EXIT: Exit.NAME,
    layout.FAILED: ExecFailed.NAME,
}

_LIVES = {"ancestors", "creator_pid", "creator_start_time"}
"""Fields that come of who made whom."""

T = TypeVar("T")


def push_down(conditions: Sequence[Condition], settings: Settings, fields: Collection[str] | None = None) -> Settings:
    """Settings with what of the conditions the kernel goes by: of other uids and comms it gathers no whole execs.

    All conditions are still a Filter's. Where ``fields`` are all that is asked for, no other is read that takes time.
    """
    if fields is not None:
        needed = {*fields, *(condition.field for condition in conditions)}
        unwanted = sum(bit for bit, names in layout.GATHERED.items() if needed.isdisjoint(names))
        settings = replace(settings, unwanted=unwanted, kinds=_kinds(conditions, settings.kinds, needed))
    if any(condition.field in EXEC_ONLY for condition in conditions):
        # Forks and exits are judged as their process's last exec was, so all execs must come.
        return settings
    uids, uids_unwanted = _exact(conditions, "uid", _uid, layout.SETTINGS_UIDS)
    comms, comms_unwanted = _exact(conditions, "comm", _comm, layout.SETTINGS_COMMS)
    return replace(settings, uids=uids, uids_unwanted=uids_unwanted, comms=comms, comms_unwanted=comms_unwanted)


def _kinds(conditions: Sequence[Condition], kinds: Collection[int], needed: Collection[str]) -> tuple[int, ...]:
    """Those of which something is told, or that others cannot be told or judged without: all go by execs."""
    sent = {layout.EXEC, *(kind for kind in kinds if pass_some(NAME_OF[kind], conditions))}
    if "tried" in needed:
        sent.add(layout.FAILED)
    lives = {layout.FORK, layout.EXIT}
    if sent & lives or not _LIVES.isdisjoint(needed) or any(c.field in EXEC_ONLY for c in conditions):
        sent |= lives
    return tuple(kind for kind in kinds if kind in sent)


def _exact(
    conditions: Sequence[Condition], field: str, value_of: Callable[[str], T | None], most: int
) -> tuple[tuple[T, ...], bool]:
    """The values of a field that all its ``=`` say exactly, else those that its ``!=`` do; whether it is these."""
    for unwanted in (False, True):
        found = [condition for condition in conditions if condition.field == field and condition.negated == unwanted]
        values = [None if c.literal is None else value_of(c.literal) for c in found]
        exact = tuple(value for value in values if value is not None)
        if 0 < len(exact) == len(values) <= most:
            return exact, unwanted
    return (), False


def _uid(text: str) -> int | None:
    # "01" is no text that a uid has: left to the filter, it fits none.
    return int(text) if text.isascii() and text.isdecimal() and str(int(text)) == text and int(text) < 1 << 32 else None


def _comm(text: str) -> bytes | None:
    raw = os.fsencode(text)
    return raw if len(raw) < layout.COMM_BYTES and b"\0" not in raw else None
