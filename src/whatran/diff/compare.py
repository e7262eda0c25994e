"""Two recordings as what both ran and what differs, each execution in one place; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal

from whatran.diff.executions import FINE, Execution, gather
from whatran.diff.model import SCHEMA, Command, Comparison, Difference, Program, Recording, Replacement, Tally
from whatran.diff.normalise import RULES, normalise
from whatran.diff.similar import Step, pairs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from whatran.diff.executions import Executions
    from whatran.process.lives import Life
    from whatran.volatile.patterns import Replaced

MAX_CREATORS = 3
MAX_REPLACEMENTS = 1000


def compare(
    left: Iterable[Life],
    right: Iterable[Life],
    *,
    names: tuple[str, str] = ("left", "right"),
    rules: Collection[str] = RULES.keys(),
) -> Comparison:
    """What differs between the lives of two recordings."""
    both = gather(left), gather(right)
    (one, other), logs = normalise(*both, rules)
    sides = _Side(one), _Side(other)
    differences = sorted(_differences(*sides), key=_order)
    return Comparison(
        schema=SCHEMA,
        equal=not differences,
        left=_recording(names[0], both[0]),
        right=_recording(names[1], both[1]),
        same=(sides[0].steps & sides[1].steps).total(),
        differences=differences,
        programs=_programs(*sides),
        replacements=_replacements(*logs),
    )


class _Side:
    """The executions of one recording by what they are."""

    def __init__(self, executions: Executions) -> None:
        self.executions: defaultdict[Step, list[Execution]] = defaultdict(list)
        for it in executions.all:
            self.executions[Step(it.program, it.argv, it.cwd, it.user, it.end)].append(it)
        self.steps = Counter({step: len(found) for step, found in self.executions.items()})

    def command(self, step: Step) -> Command | None:
        found = self.executions.get(step)
        if not found:
            return None
        creators = Counter(it.creators for it in found if it.creators).most_common(MAX_CREATORS)
        return Command(
            program=step.program,
            argv=None if step.argv is None else list(step.argv),
            cwd=step.cwd,
            user=step.user,
            end=step.end,
            times=len(found),
            duration=sum(it.duration or 0 for it in found),
            cpu_time=sum(it.cpu_time for it in found),
            creators=[" → ".join(names) for names, _ in creators],
        )

    def tallies(self) -> dict[str, Tally]:
        """Of each program, all its executions."""
        by_program: defaultdict[str, list[Execution]] = defaultdict(list)
        for step, found in self.executions.items():
            by_program[step.program] += found
        return {program: _tally(found) for program, found in by_program.items()}


def _tally(found: Sequence[Execution]) -> Tally:
    return Tally(
        times=len(found),
        failed=sum(it.end not in FINE for it in found),
        duration=sum(it.duration or 0 for it in found),
        cpu_time=sum(it.cpu_time for it in found),
    )


def _differences(left: _Side, right: _Side) -> Iterator[Difference]:
    """Each execution that is not the same on both sides is part of one of these."""
    one, other = left.steps - right.steps, right.steps - left.steps
    for here, there, count in pairs(one, other):
        changed = [name for name in Step._fields if getattr(here, name) != getattr(there, name)]
        yield Difference("changed", count, changed, left.command(here), right.command(there))
    for step, count in (one + other).items():
        a, b = left.command(step), right.command(step)
        yield Difference("count" if a and b else "removed" if a else "added", count, [], a, b)


_KINDS = ("changed", "count", "removed", "added")


def _order(it: Difference) -> tuple[object, ...]:
    command = it.left or it.right
    assert command is not None  # noqa: S101  # for mypy
    return (command.program, _KINDS.index(it.kind), command.argv or [], command.cwd or "", command.user, command.end)


def _recording(name: str, executions: Executions) -> Recording:
    root = executions.root
    return Recording(
        name=name,
        argv=list(root.argv) if root and root.argv else None,
        user=root.user if root else None,
        processes=executions.processes,
        executions=len(executions.all),
        failed=sum(it.end not in FINE for it in executions.all),
        duration=executions.until - executions.since,
        cpu_time=sum(it.cpu_time for it in executions.all),
        missing=executions.missing,
    )


def _programs(left: _Side, right: _Side) -> list[Program]:
    tallies = left.tallies(), right.tallies()
    names = sorted(tallies[0].keys() | tallies[1].keys())
    return [Program(name, *(tally.get(name, Tally()) for tally in tallies)) for name in names]


def _replacements(*logs: Iterable[Replaced]) -> list[Replacement]:
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    found = [
        Replacement(rule, side, text, by)
        for side, log in zip(sides, logs, strict=True)
        for rule, text, by in sorted(log)
    ]
    return found[:MAX_REPLACEMENTS]
