"""What a comparison says; its fields are the keys of the JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = 1


class Recording(msgspec.Struct, frozen=True):
    """One of the two, as a whole."""

    name: str
    """Its file."""
    argv: list[str] | None
    """The command that was recorded; null where no single process made all the others."""
    user: str | None
    """Who ran that."""
    processes: int
    executions: int
    """Programs executed, or tried to."""
    failed: int
    """Those that could not be executed, or ended with a status other than 0 or by a signal."""
    duration: int
    """From the start of the first process to the end of the last, in ns."""
    cpu_time: int
    """User and system, in ns."""
    missing: int
    """Execs that are known to have been, but were lost, filtered or out of scope."""


class Command(msgspec.Struct, frozen=True):
    """A program as it was executed in one of the recordings, volatile parts replaced."""

    program: str
    """Path of the binary that ran; of one that could not be executed, the path that was passed."""
    argv: list[str] | None
    cwd: str | None
    user: str
    """Who ran it; empty for the user of the recorded command."""
    end: str
    """How it ended: exit status, signal, or error of the exec; ``exec`` where it executed
    another program, ``running``, or ``unknown``."""
    times: int
    """How often it was executed so in the whole recording."""
    duration: int
    """How long all of these took together, in ns."""
    cpu_time: int
    """User and system time of all of these, in ns."""
    creators: list[str]
    """Who made them, the nearest last, as in ``make → sh``; the three that made most."""


class Difference(msgspec.Struct, frozen=True):
    """Something that one recording has and the other has not."""

    kind: Literal["removed", "added", "changed", "count"]
    """Only left, only right, like each other on both sides, or the same on both sides but not as often."""
    count: int
    """How many executions of each side this is about; with kind count, how many more there are on one side."""
    changed: list[str]
    """With kind changed, which fields of left and right differ."""
    left: Command | None
    right: Command | None

    @property
    def only(self) -> Literal["left", "right"] | None:
        """Which side these executions are on, where the other has none for them."""
        left, right = (0 if command is None else command.times for command in (self.left, self.right))
        return None if self.kind == "changed" else "left" if left > right else "right"


class Tally(msgspec.Struct, frozen=True):
    """How often, and at what price."""

    times: int = 0
    failed: int = 0
    duration: int = 0
    cpu_time: int = 0


class Program(msgspec.Struct, frozen=True):
    """All executions of one program."""

    program: str
    left: Tally
    right: Tally


class Replacement(msgspec.Struct, frozen=True):
    """A piece of text that was replaced before the comparison."""

    rule: str
    side: Literal["left", "right"]
    text: str
    by: str


class Comparison(msgspec.Struct, frozen=True):
    """All of it."""

    schema: int
    equal: bool
    """Whether both ran the same, in whatever order and however long it took."""
    left: Recording
    right: Recording
    same: int
    """Executions that both have, counted once."""
    differences: list[Difference]
    programs: list[Program]
    replacements: list[Replacement]
    """What stands in place of what; the first thousand."""
