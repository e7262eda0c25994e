"""Keep or drop: conditions ``FIELD=GLOB`` and ``FIELD!=GLOB`` on events."""

from __future__ import annotations

import difflib
import fnmatch
import glob
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import msgspec

from whatran.errors import UsageError
from whatran.event import Exec, ExecFailed, Exit, Fork, TaskEvent

EXEC_ONLY = frozenset(Exec.__struct_fields__) - frozenset(TaskEvent.__struct_fields__)
KINDS = (Exec, Fork, Exit, ExecFailed)
NAMES = tuple(kind.NAME for kind in KINDS)
FIELDS = frozenset().union(*(kind.__struct_fields__ for kind in KINDS))


@dataclass(frozen=True, slots=True)
class Condition:
    """One field and the glob its text must match, or must not."""

    field: str
    pattern: str
    negated: bool
    match: Callable[[str], object]

    @property
    def literal(self) -> str | None:
        """The one text that the glob fits, where it has no wildcard."""
        plain = re.sub(r"\[([*?[])\]", r"\1", self.pattern)
        return plain if glob.escape(plain) == self.pattern else None


def parse(text: str) -> Condition:
    """The condition a text like ``pathname=/tmp/*`` or ``comm!=make`` says; UsageError if it says none.

    Globs are those of fnmatch(3) without special characters for slashes: ``*``, ``?``, ``[…]``.
    """
    left, equal_sign, pattern = text.partition("=")
    negated = left.endswith("!")
    field = left.removesuffix("!").strip()
    if not equal_sign or not field:
        raise UsageError(f"filter {text!r} is neither FIELD=GLOB nor FIELD!=GLOB")
    if field not in FIELDS:
        near = difflib.get_close_matches(field, FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else "`whatran watch --help` lists the fields"
        raise UsageError(f"filter {text!r}: there is no field {field}; {hint}")
    if field == "event" and not any(fnmatch.fnmatchcase(name, pattern) for name in NAMES):
        raise UsageError(f"filter {text!r}: no event is called so; they are {', '.join(NAMES)}")
    return Condition(field, pattern, negated, re.compile(fnmatch.translate(pattern)).match)


def equals(field: str, value: object) -> Condition:
    """The condition that a field has exactly this value."""
    return parse(f"{field}={glob.escape(str(value))}")


def text_of(value: object) -> str | None:
    """The text a glob is held against; None, which fits no glob, where the value is unknown.

    Lists are their elements joined by spaces, booleans are true and false.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, dict)):
        return " ".join(map(str, value))
    return str(value)


def only_env(names: Collection[str]) -> Callable[[TaskEvent], TaskEvent]:
    """A stage that leaves of an environment no more than the variables of these names."""

    def stage(event: TaskEvent) -> TaskEvent:
        if isinstance(event, Exec) and event.env is not None:
            msgspec.structs.force_setattr(event, "env", [text for text in event.env if text.partition("=")[0] in names])
        return event

    return stage


class Filter:
    """Event in, event or None out.

    Conditions on different fields must all hold; of several ``=`` on one field, one is
    enough. An event without a field is judged as the last exec of its process was, so the
    exit of a program follows its exec; a child that has not exec'd is judged as its creator.
    """

    def __init__(self, conditions: Iterable[Condition]) -> None:
        conditions = tuple(conditions)
        self._own = _group(c for c in conditions if c.field not in EXEC_ONLY)
        self._of_exec = _group(c for c in conditions if c.field in EXEC_ONLY)
        self._verdicts: dict[int, tuple[int, Verdict]] = {}  # by pid, with the process's time of start

    def __call__(self, event: TaskEvent) -> TaskEvent | None:
        # Also judged where it is dropped anyway: the verdict is for what follows.
        judged = not self._of_exec or all(self._judge(event))
        return event if judged and all(_holds(event, group) for group in self._own) else None

    def _judge(self, event: TaskEvent) -> Verdict:
        """What the conditions on exec's own fields say of this event's process."""
        if isinstance(event, Exec):
            verdict = [_holds(event, group) for group in self._of_exec]
            self._verdicts[event.pid] = event.process_start_time, verdict
            return verdict
        start_time, verdict = self._verdicts.get(event.pid, (None, []))
        if start_time != event.process_start_time:
            # Of a program that started before the watch nothing is known: only negations hold.
            verdict = [group[0].negated for group in self._of_exec]
        if isinstance(event, ExecFailed):
            pairs = zip(self._of_exec, verdict, strict=True)
            return [_holds(event, group) if hasattr(event, group[0].field) else held for group, held in pairs]
        if isinstance(event, Fork) and event.child_tid == event.child_pid:
            self._verdicts[event.child_pid] = event.start_time, verdict
        elif isinstance(event, Exit) and event.process_group_exit:
            self._verdicts.pop(event.pid, None)
        return verdict


Group = tuple[Condition, ...]
"""Alternatives on one field."""

Verdict = list[bool]
"""Whether each group holds."""


def _group(conditions: Iterable[Condition]) -> list[Group]:
    """Alternatives: a group for all ``=`` of one field, and one for each ``!=``."""
    groups: dict[object, list[Condition]] = {}
    for condition in conditions:
        groups.setdefault(condition if condition.negated else condition.field, []).append(condition)
    return [tuple(group) for group in groups.values()]


def _holds(event: TaskEvent, group: Group) -> bool:
    return any(_fits(event, condition) for condition in group)


def _fits(event: TaskEvent, condition: Condition) -> bool:
    text = text_of(getattr(event, condition.field, None))
    return (text is not None and bool(condition.match(text))) != condition.negated
