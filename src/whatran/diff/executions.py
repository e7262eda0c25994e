"""Lives as executions: what one recording ran, one entry each time; pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from whatran.sinks.text import reason, status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whatran.process.lives import Failure, Key, Life, Program

EXECUTED = "exec"
"""The end of a program whose process went on to execute another."""

RUNNING = "running"
UNKNOWN = "unknown"

FINE = frozenset(("0", EXECUTED, RUNNING, UNKNOWN))
"""The ends that are no failures."""

MAX_CREATORS = 5
"""How many creators are named, the nearest ones: enough to find the place, and chains can be long."""


class Process(NamedTuple):
    """What is to be known of a process to tell whether a number is its pid."""

    creator: Key | None
    until: int | None
    """When it ended, in ns since boot; None where it did not, or that is not known."""


class Execution(NamedTuple):
    """A program that a process executed, or tried to."""

    process: Key
    at: int
    """When, in ns since boot."""
    program: str
    """Path of the binary that ran; what was passed to execve(2) where it did not, or is not known."""
    argv: tuple[str, ...] | None
    cwd: str | None
    user: str
    """Who ran it; empty for the user of the command itself."""
    end: str
    """Exit status, name of the signal or of the error, or one of the words above."""
    duration: int | None
    """From the exec to the end, in ns."""
    cpu_time: int
    """User and system, in ns; all of a process is its last program's."""
    creators: tuple[str, ...]
    """Names of who made the process, the nearest last."""


@dataclass(frozen=True, slots=True)
class Executions:
    """All that one recording ran, and what is needed to know its own names for things."""

    all: tuple[Execution, ...]
    root: Execution | None
    """The first program of the command that was recorded; None where no single process made all the others."""
    known: Mapping[Key, Process]
    """All processes that are known of, those too that were there before."""
    processes: int
    since: int
    """When the first process began, in ns since the epoch."""
    until: int
    """When the last that is known happened."""
    missing: int
    """Execs that are known to have been, and were not seen."""


def gather(lives: Iterable[Life]) -> Executions:
    """All executions of these lives, in the order in which their processes began."""
    ordered = sorted(lives, key=attrgetter("start_time", "pid"))
    known: dict[Key, Life] = {}
    above: dict[Key, tuple[str, ...]] = {}
    found: list[Execution] = []
    for life in ordered:  # creators come before their children
        creator = known.get(life.creator) if life.creator else None
        known[life.key] = life
        above[life.key] = _below(creator, above[creator.key], life.start_time) if creator else ()
        found += _executions(life, above[life.key])
    new = [life for life in ordered if life.programs or life.creator in known]
    roots = [life for life in new if life.creator not in known]
    root = next((it for it in found if it.process == roots[0].key), None) if len(roots) == 1 else None
    return Executions(
        all=tuple(found if root is None else (_relative(it, root) for it in found)),
        root=root,
        known={life.key: Process(life.creator, _until(life)) for life in ordered},
        processes=len(new),
        since=min((life.start_timestamp for life in new), default=0),
        until=max(map(_last, new), default=0),
        missing=sum(life.unseen_execs + life.failed_execs - len(life.failures) for life in ordered),
    )


def _executions(life: Life, creators: tuple[str, ...]) -> list[Execution]:
    until = [*(program.timestamp_boot for program in life.programs[1:]), _until(life)]
    last = len(life.programs) - 1
    ran = [
        Execution(
            process=life.key,
            at=program.timestamp_boot,
            program=program.pathname or program.cmdpath or f"[{program.comm}]",
            argv=_tuple(program.argv),
            cwd=program.cwd,
            user=_user(program),
            end=_end(life) if index == last else EXECUTED,
            duration=None if end is None else end - program.timestamp_boot,
            cpu_time=(life.user_time or 0) + (life.system_time or 0) if index == last else 0,
            creators=creators,
        )
        for index, (program, end) in enumerate(zip(life.programs, until, strict=False))
    ]
    return ran + [_failed(life, failure, creators) for failure in life.failures]


def _failed(life: Life, failure: Failure, creators: tuple[str, ...]) -> Execution:
    program = failure.cmdpath or f"[{failure.comm}]"
    above = _below(life, creators, failure.timestamp_boot)  # who tried did not create it, but is where to look
    argv, at = _tuple(failure.argv), failure.timestamp_boot
    return Execution(life.key, at, program, argv, None, "", reason(failure), None, 0, above)


def _until(life: Life) -> int | None:
    return None if life.duration is None else life.start_time + life.duration


def _below(life: Life, creators: tuple[str, ...], time_boot: int) -> tuple[str, ...]:
    """Who made what this process made then. One that had executed nothing, as a subshell, is none of its own."""
    executed = bisect_right(life.programs, time_boot, key=attrgetter("timestamp_boot"))
    if executed:
        return (*creators, life.programs[executed - 1].comm)[-MAX_CREATORS:]
    return creators or (life.comm,)


def _relative(it: Execution, root: Execution) -> Execution:
    return it._replace(user="") if it.user == root.user and it.process != root.process else it


def _user(program: Program) -> str:
    name = program.user or str(program.uid)
    return name if program.euid == program.uid else f"{name} (euid {program.euid})"


def _end(life: Life) -> str:
    if life.exit_code is not None:
        return status(life)
    return UNKNOWN if life.running is False else RUNNING


def _last(life: Life) -> int:
    return max([life.end_timestamp or life.start_timestamp, *(program.timestamp for program in life.programs)])


def _tuple(argv: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if argv is None else tuple(argv)
