"""What a monitor keeps of arguments of different lengths, and how soon it begins to look."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.figures import looking_on, settle, still_there
from bench.gate import Gate
from bench.loads import USER

if TYPE_CHECKING:
    from pathlib import Path

    from bench.monitors import Monitor, Place

STARTS = 3
MARKERS, MARKER_SECONDS = 400, 0.005

SHAPES: dict[str, tuple[int, int]] = {
    "20 arguments": (20, 24),
    "200 arguments": (200, 24),
    "one of 2 KB": (1, 2_000),
    "one of 100 KB": (1, 100_000),
}
"""Names of commands, with how many arguments these have, and how many bytes each."""


@dataclass(frozen=True)
class Keeps:
    """What a monitor tells of, and how soon."""

    ready: float | None
    """Seconds from its start to the first exec that it told of, the median of some starts."""
    shares: dict[str, float]
    """Of the bytes of arguments, how many it kept, by the name of the shape; empty where it has no text."""


def keeps(monitor: Monitor, first: Path, gate: Path, place: Place) -> Keeps:
    """Asks the monitor itself: whatever it is, what it told is looked at."""
    told = b""
    if monitor.wraps:
        for number, shape in enumerate(SHAPES.values()):
            with looking_on(monitor, place):
                command = [str(first), *arguments(number, *shape)]
                with Gate(gate, command, place.load, monitor.command(place)) as gated:
                    gated.open()
            told += monitor.text(place)
        return Keeps(None, shares(told))
    readies, markers = [], MARKERS
    for start in range(STARTS):
        shapes = [] if start else list(SHAPES.values())
        ready, text = _started(
            monitor,
            place,
            markers,
            [[str(first), *arguments(number, *shape)] for number, shape in enumerate(shapes)],
            lambda number: [str(first), f"marker-{number:04}-"],
        )
        told = told or text
        if ready is not None:
            readies.append(ready)
            markers = min(MARKERS, int(2 * ready / MARKER_SECONDS) + 50)
    return Keeps(statistics.median(readies) if readies else None, shares(told))


def arguments(number: int, count: int, length: int) -> list[str]:
    """Those of a shape: each begins with what no other has, and goes on with a letter that no other shape has."""
    return [f"{number}-{each:03}-".ljust(length, _letter(number)) for each in range(count)]


def shares(told: bytes) -> dict[str, float]:
    """How much of the arguments of each shape is in a text, which may have them in pieces, or hexadecimal."""
    told += b"\n" + b"\n".join(bytes.fromhex(each.decode()) for each in re.findall(rb"\b(?:[0-9A-F]{2}){16,}\b", told))
    found = {}
    for number, (name, (count, length)) in enumerate(SHAPES.items()):
        letter = _letter(number).encode()
        if count == 1:
            kept = sum(map(len, re.findall(letter + rb"{16,}", told))) + len(f"{number}-000-")
        else:
            begun = re.findall(rb"\b%d-(\d{3})-(%b*)" % (number, letter), told)
            kept = sum({each: len(rest) + len(f"{number}-000-") for each, rest in begun}.values())
        found[name] = min(kept / (count * length), 1.0) if re.search(letter + rb"{8,}", told) else 0.0
    return found if told.strip() else {}


def _letter(number: int) -> str:
    return "QXZJ"[number]


def _started(
    monitor: Monitor, place: Place, markers: int, shapes: list[list[str]], marker: Callable[[int], list[str]]
) -> tuple[float | None, bytes]:
    """Seconds from a start to the first exec told of, and all that was told."""
    began, started = time.monotonic(), []
    with looking_on(monitor, place) as process:
        if process is None:
            return None, b""
        for number in range(markers):
            started.append(time.monotonic() - began)
            subprocess.run(marker(number), check=True, user=USER, group=USER)
            time.sleep(MARKER_SECONDS)
        still_there(process, place)
        for command in shapes:
            subprocess.run(command, check=True, user=USER, group=USER)
        settle(monitor, process.pid)
    told = monitor.text(place)
    found = re.findall(rb"marker-(\d{4})-", told)
    return (started[min(map(int, found))] if found else None), told
