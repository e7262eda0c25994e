"""Which conditions the kernel program can decide itself, before a record is even made."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from whatran.event import Exec, Exit, Fork
from whatran.filter import EXEC_ONLY, Condition
from whatran.wire import layout

if TYPE_CHECKING:
    from whatran.wire.settings import Settings

KIND_OF = {Exec.NAME: layout.EXEC, Fork.NAME: layout.FORK, Exit.NAME: layout.EXIT}

T = TypeVar("T")


def push_down(conditions: Sequence[Condition], settings: Settings) -> tuple[Settings, list[Condition]]:
    """Settings with what the kernel decides, and the conditions that are left to a Filter.

    The kernel takes lists of exact uids, comms and kinds of event.
    """
    if any(condition.field in EXEC_ONLY for condition in conditions):
        # Forks and exits are judged as their process's last exec was, so all execs must come.
        return settings, list(conditions)
    left = list(conditions)
    uids = _take(left, "uid", _uid, layout.SETTINGS_UIDS)
    comms = _take(left, "comm", _comm, layout.SETTINGS_COMMS)
    kinds = _take(left, "event", KIND_OF.get, len(KIND_OF))
    return replace(settings, uids=uids, comms=comms, kinds=kinds or settings.kinds), left


def _take(left: list[Condition], field: str, value_of: Callable[[str], T | None], most: int) -> tuple[T, ...]:
    """Removes the ``=`` conditions on a field, if all of them say one exact value; those values."""
    found = [condition for condition in left if condition.field == field and not condition.negated]
    values = [None if c.literal is None else value_of(c.literal) for c in found]
    exact = tuple(value for value in values if value is not None)
    if len(exact) < len(values) or len(exact) > most:
        return ()
    for condition in found:
        left.remove(condition)
    return exact


def _uid(text: str) -> int | None:
    # "01" is no text that a uid has: left to the filter, it fits none.
    return int(text) if text.isascii() and text.isdecimal() and str(int(text)) == text and int(text) < 1 << 32 else None


def _comm(text: str) -> bytes | None:
    raw = os.fsencode(text)
    return raw if len(raw) < layout.COMM_BYTES and b"\0" not in raw else None
