"""What a monitor told: where that is, how many execs are in it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from whatran.event import Exec
from whatran.replaying import replay

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a monitor writes, and what it may need."""

    folder: Path
    load: Path
    """The folder of the load."""
    floor: Path
    """The object of the counting program."""

    @property
    def out(self) -> Path:
        """What it tells."""
        return self.folder / "out"

    @property
    def said(self) -> Path:
        """Its standard error."""
        return self.folder / "err"


def written(place: Place) -> bytes:
    """Its output, as it is."""
    return place.out.read_bytes() if place.out.exists() else b""


def nothing(_: Place) -> bytes:
    """No text."""
    return b""


def replayed(place: Place) -> bytes:
    """A recording, as JSON lines."""
    return subprocess.run(
        [sys.executable, "-m", "whatran", "replay", "--format", "jsonl", place.out], check=True, stdout=subprocess.PIPE
    ).stdout


def matches(pattern: bytes) -> Callable[[Place], int]:
    """How many lines of the output fit a pattern."""
    return lambda place: sum(1 for _ in re.finditer(pattern, place.out.read_bytes(), re.MULTILINE))


def nobody(_: Place) -> None:
    """Nothing tells."""


def in_lives(place: Place) -> int:
    """Programs of all lives."""
    return sum(len(msgspec.json.decode(line)["programs"]) for line in place.out.read_bytes().splitlines())


def in_recording(place: Place) -> int:
    """Execs of a recording."""
    with replay([place.out]) as events:
        return sum(isinstance(event, Exec) for event in events)


def in_summary(place: Place) -> int | None:
    """What whatran says at its end."""
    found = re.search(rb"(\d+) execs? seen, (\d+) filtered, (\d+) lost", place.said.read_bytes())
    return int(found[1]) - int(found[2]) - int(found[3]) if found else None


def in_floor(place: Place) -> int | None:
    """What the counter says at its end."""
    return int(place.out.read_bytes() or 0)
