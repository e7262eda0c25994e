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


MOST_CHARS = 4096
"""Of a glob: as many as a path has at the most (PATH_MAX). To hold it against a text takes time by its length."""

MOST_OPEN = 100
"""How many of [ may have no ]: that there is none is looked for to the end, for each."""

MOST_CONDITIONS = 1000
"""That a recording may have been made with; each event is held against each."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field and the glob its text must match, or must not."""

    field: str
    pattern: str
    negated: bool
    match: Callable[[str], object]

    @property
    def text(self) -> str:
        """What parse() makes it of."""
        return f"{self.field}{'!' if self.negated else ''}={self.pattern}"

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
    if len(pattern) > MOST_CHARS or pattern.rpartition("]")[2].count("[") > MOST_OPEN:
        raise UsageError(f"filter {text[:40]!r}…: a glob has {MOST_CHARS} characters, and {MOST_OPEN} open [, at most")
    check_field(field, FIELDS, f"filter {text!r}")
    if field == "event" and not any(fnmatch.fnmatchcase(name, pattern) for name in NAMES):
        raise UsageError(f"filter {text!r}: no event is called so; they are {', '.join(NAMES)}")
    return Condition(field, pattern, negated, re.compile(fnmatch.translate(pattern)).match)


def check_field(name: str, among: Collection[str], where: str) -> None:
    """UsageError if there is no such field, with the one that may be meant."""
    if name not in among:
        near = difflib.get_close_matches(name, among, n=1)
        hint = f"did you mean {near[0]}?" if near else "`whatran watch --help` lists the fields"
        raise UsageError(f"{where}: there is no field {name}; {hint}")


def equals(field: str, value: object) -> Condition:
    """The condition that a field has exactly this value."""
    return parse(f"{field}={glob.escape(str(value))}")


def without(fields: Collection[str], *, judged: bool = False) -> list[str]:
    """The conditions that leave out each kind of event that has none of these fields; none for no fields.

    Execs that are to be ``judged`` by rules stay, as those judge only what filters let pass.
    """
    kinds = KINDS[1:] if judged else KINDS
    return [f"event!={kind.NAME}" for kind in kinds if fields and set(fields).isdisjoint(kind.__struct_fields__)]


def pass_some(name: str, conditions: Iterable[Condition]) -> bool:
    """Whether the conditions on ``event`` let events of this name pass."""
    return all(
        any(bool(each.match(name)) != each.negated for each in group)
        for group in _group(c for c in conditions if c.field == "event")
    )


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
    """A stage that leaves of an environment no more than the variables of these names; None of it for no names."""

    def stage(event: TaskEvent) -> TaskEvent:
        if isinstance(event, Exec) and event.env is not None:
            kept = [text for text in event.env if text.partition("=")[0] in names] if names else None
            msgspec.structs.force_setattr(event, "env", kept)
        return event

    return stage


class _Shown:
    """A process, as a Filter knows it."""

    __slots__ = ("seen", "start_time", "verdict")

    def __init__(self, start_time: int, verdict: Verdict) -> None:
        self.start_time = start_time
        self.verdict = verdict
        """What the conditions on exec's own fields said of its last exec."""
        self.seen = False
        """Whether they held for its fork, or for any of its execs."""


class Filter:
    """Event in, event or None out.

    Conditions on different fields must all hold; of several ``=`` on one field, one is
    enough. An event without a field is judged as the last exec of its process was; a child
    that has not exec'd is judged as its creator. An exit is so judged as any exec was that
    its process is known by, for it ends them all.
    """

    def __init__(self, conditions: Iterable[Condition]) -> None:
        conditions = tuple(conditions)
        self._names = frozenset(name for name in NAMES if pass_some(name, conditions))
        self._own = _group(c for c in conditions if c.field not in {*EXEC_ONLY, "event"})
        self._of_exec = _group(c for c in conditions if c.field in EXEC_ONLY)
        self._processes: dict[int, _Shown] = {}  # by pid

    def __call__(self, event: TaskEvent) -> TaskEvent | None:
        if not self._of_exec:
            return event if self._passes(event) else None
        process = self._processes.get(event.pid)
        if process is None or process.start_time != event.process_start_time:
            # Of a program that started before the watch nothing is known: only negations hold.
            process = _Shown(event.process_start_time, [group[0].negated for group in self._of_exec])
        judged = self._judge(event, process)
        match event:
            case Exec():
                process.seen |= judged
                self._processes[event.pid] = process
            case Fork() if event.child_tid == event.child_pid:
                child = self._processes[event.child_pid] = _Shown(event.start_time, process.verdict)
                child.seen = judged
            case Exit() if event.process_group_exit:
                self._processes.pop(event.pid, None)
                judged |= process.seen
        return event if judged and self._passes(event) else None

    def _passes(self, event: TaskEvent) -> bool:
        """Whether what is asked of it by itself holds."""
        return event.event in self._names and all(_holds(event, group) for group in self._own)

    def _judge(self, event: TaskEvent, process: _Shown) -> bool:
        """Whether the conditions on exec's own fields hold for this event's process."""
        if isinstance(event, Exec):
            process.verdict = [_holds(event, group) for group in self._of_exec]
        elif isinstance(event, ExecFailed):
            pairs = zip(self._of_exec, process.verdict, strict=True)
            return all(_holds(event, group) if hasattr(event, group[0].field) else held for group, held in pairs)
        return all(process.verdict)


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
