"""One run of a load while a monitor looks on, and what can be measured of that."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.loads import AS_USER, USER, Load
from bench.usage import usage

if TYPE_CHECKING:
    from pathlib import Path

    from bench.monitors import Monitor, Place

SETTLED_SECONDS = 0.2
"""A monitor that has used no CPU for so long has done what it had to."""

SETTLED_NS = 2_000_000
"""No CPU, that is: it may look at its clock."""

PATIENCE_SECONDS = 60
"""Longest wait for a monitor to get done, and to end."""

ARGUMENT_BYTES = 100_000
MARKERS, MARKER_SECONDS = 400, 0.005


class CannotRun(Exception):  # noqa: N818  # it is no error
    """Why a monitor cannot be had on this machine: its own last words."""


class LoadFailed(Exception):  # noqa: N818  # as above
    """Why a load did not end well."""


@dataclass(frozen=True)
class Figures:
    """Of one run; None where there is no such figure."""

    wall: float
    """Seconds of the load."""
    cpu: float
    """Seconds of CPU of the load and its descendants, with all that is done in the kernel on their account."""
    latency_p50: float | None
    latency_p99: float | None
    """Seconds from execve(2) to the program's first line."""
    monitor_cpu: float
    """Seconds of CPU of the monitor, until it had done all."""
    peak_kib: int
    wakeups: int
    kernel_ns: int
    """In its BPF programs, where the kernel times them."""
    told: int | None
    """Execs in its output."""
    out_bytes: int


@dataclass(frozen=True)
class Keeps:
    """What a monitor tells of, and how soon."""

    ready: float | None
    """Seconds from its start to the first exec that it told of."""
    argument: float | None
    """Share of an argument of 100 KB that it kept."""


class Gate:
    """A load that waits to be let go, and again at its end."""

    def __init__(self, gate: Path, load: list[str], folder: Path, before: list[str]) -> None:
        command = [*AS_USER, *before, str(gate), *load]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "CI": "1",  # no deadlines for tests, and the same each time
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
        }
        self.errors = folder.parent / "load.err"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, cwd=folder
            )

    def open(self) -> tuple[float, float]:
        """Lets the load go; seconds and CPU seconds that it took."""
        assert self.process.stdin  # noqa: S101
        assert self.process.stdout  # noqa: S101
        with suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        if not line or line[2] != b"0":
            raise LoadFailed(last_words(self.errors))
        return int(line[0]) / 1e9, int(line[1]) / 1e6

    def close(self) -> None:
        """Lets it end."""
        self.process.communicate(timeout=PATIENCE_SECONDS)


def run(monitor: Monitor, load: Load, gate: Path, place: Place, ready: float) -> Figures:
    """One run; the monitor has so many seconds to get ready."""
    load.before()
    before = monitor.command(place) if monitor.wraps else []
    with looking_on(monitor, place, wraps=monitor.wraps) as process:
        gated = Gate(gate, load.command, place.load, before)
        try:
            pid = process.pid if process else gated.process.pid if monitor.wraps else None
            if process:
                time.sleep(ready)
                _settle(process.pid)
                _still_there(process, place)
            at_first = usage(pid, descendants=not monitor.wraps) if pid else None
            wall, cpu = gated.open()
            if pid:
                _settle(pid, descendants=not monitor.wraps)
            if process:
                _still_there(process, place)
            at_last = usage(pid, descendants=not monitor.wraps) if pid else None
        finally:
            gated.close()
    p50 = p99 = None
    if load.latencies and (times := sorted(filter(None, array("q", load.latencies.read_bytes())))):
        p50, *_, p99 = (quantile / 1e9 for quantile in (statistics.median(times), times[int(len(times) * 0.99)]))
    used = (at_first, at_last) if at_first and at_last else None
    # What it wraps is started by an exec of its own, of the gate.
    told = monitor.count(place)
    return Figures(
        wall=wall,
        cpu=cpu,
        latency_p50=p50,
        latency_p99=p99,
        monitor_cpu=(used[1].cpu_ns - used[0].cpu_ns) / 1e9 if used else 0.0,
        peak_kib=used[1].peak_kib if used else 0,
        wakeups=used[1].switches - used[0].switches if used else 0,
        kernel_ns=sum(ns - used[0].kernel_ns.get(key, 0) for key, ns in used[1].kernel_ns.items()) if used else 0,
        told=None if told is None else told - monitor.wraps,
        out_bytes=place.out.stat().st_size if place.out.exists() else 0,
    )


def keeps(monitor: Monitor, first: Path, gate: Path, place: Place) -> Keeps:
    """What it keeps of a long argument, and when it began to look."""
    long = "x" * ARGUMENT_BYTES
    if monitor.wraps:
        with looking_on(monitor, place, wraps=True):
            gated = Gate(gate, [str(first), long], place.load, monitor.command(place))
            gated.open()
            gated.close()
        return Keeps(None, _kept(monitor.text(place)))
    began, started = time.monotonic(), []
    with looking_on(monitor, place) as process:
        if process is None:
            return Keeps(None, None)
        for number in range(MARKERS):
            started.append(time.monotonic() - began)
            subprocess.run([first, f"marker-{number:04}-"], check=True, user=USER, group=USER)
            time.sleep(MARKER_SECONDS)
        _still_there(process, place)
        subprocess.run([first, long], check=True, user=USER, group=USER)
        _settle(process.pid)
    told = monitor.text(place)
    found = re.findall(rb"marker-(\d{4})-", told)
    return Keeps(started[min(map(int, found))] if found else None, _kept(told))


@contextmanager
def looking_on(monitor: Monitor, place: Place, *, wraps: bool = False) -> Iterator[subprocess.Popen[bytes] | None]:
    """The monitor, within; what it told is in the place afterwards."""
    for path in (place.out, place.said):
        path.unlink(missing_ok=True)
    place.folder.chmod(0o755)  # auditd takes its log's for itself
    if wraps:
        place.out.touch()
        os.chown(place.out, USER, USER)
    command = monitor.command(place)
    if not command or wraps:
        yield None
        return
    # Those that take -o make the file themselves.
    out = place.out if str(place.out) not in command else place.folder / "stdout"
    with monitor.around(place), out.open("wb") as output, place.said.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=said)
        try:
            yield process
        finally:
            _end(process)


def last_words(path: Path) -> str:
    """The last line that says something, of what a program complained of."""
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it ended, without a word"


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS / 4)
            return


def _still_there(process: subprocess.Popen[bytes], place: Place) -> None:
    if process.poll() is not None:
        raise CannotRun(last_words(place.said))


def _settle(pid: int, *, descendants: bool = True) -> None:
    """Returns once it is idle."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    last = usage(pid, descendants=descendants).cpu_ns
    while time.monotonic() < deadline:
        time.sleep(SETTLED_SECONDS)
        now = usage(pid, descendants=descendants).cpu_ns
        if now - last < SETTLED_NS:
            return
        last = now


def _kept(told: bytes) -> float | None:
    """Share of the long argument, which may come in pieces, in hexadecimal digits, or twice."""
    kept = sum(map(len, re.findall(rb"x{20,}", told))) + sum(map(len, re.findall(rb"(?:78){20,}", told))) / 2
    return min(kept / ARGUMENT_BYTES, 1) if told else None
