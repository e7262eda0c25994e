"""One run of a load while a monitor looks on, and what can be measured of that."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.estimate import percentile
from bench.gate import PATIENCE_SECONDS, Gate, last_words
from bench.loads import MARKS, USER, Load
from bench.usage import Usage, kernel_threads, tree, usage

if TYPE_CHECKING:
    from pathlib import Path

    from bench.monitors import Monitor, Place

SETTLED_SECONDS = 0.2
"""A monitor that has used no CPU for so long has done what it had to, unless it is known to hold back for longer."""

SETTLED_NS = 2_000_000
"""No CPU, that is: it may look at its clock."""


class CannotRun(Exception):  # noqa: N818  # it is no error
    """Why a monitor cannot be had on this machine: its own last words."""


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
    turn_p50: float | None
    """Seconds of the median exec of a storm, from before the fork until it has been waited for."""
    monitor_cpu: float
    """Seconds of CPU of the monitor and of the kernel's threads that work for it, until it had done all."""
    peak_kib: int
    """Of memory: its processes', and the BPF maps'."""
    wakeups: int
    kernel_ns: int
    """In its BPF programs, where the kernel times them."""
    told: int | None
    """Execs in its output."""
    out_bytes: int


def run(monitor: Monitor, load: Load, gate: Path, place: Place, ready: float) -> Figures:
    """One run; the monitor has so many seconds to get ready."""
    load.before()
    before = monitor.command(place) if monitor.wraps else []
    with looking_on(monitor, place) as process, Gate(gate, load.command, place.load, before) as gated:
        pid = process.pid if process else gated.process.pid if monitor.wraps else None
        # With nobody looking on too: what the end of the one before left to be done is not for this load to wait for.
        time.sleep(ready)
        at_first = _settled(monitor, pid, process, place, held=0)
        wall, cpu = gated.open()
        at_last = _settled(monitor, pid, process, place, held=monitor.holds_seconds)
    times = array("q", load.latencies.read_bytes() if load.latencies else b"")
    latencies, turns = sorted(filter(None, times[: len(times) // 2])), sorted(times[len(times) // 2 :])
    return Figures(
        wall=wall,
        cpu=cpu,
        latency_p50=_seconds(latencies, 50),
        latency_p99=_seconds(latencies, 99),
        turn_p50=_seconds(turns, 50),
        monitor_cpu=(at_last.cpu_ns - at_first.cpu_ns) / 1e9,
        peak_kib=at_last.peak_kib + sum(at_last.map_bytes.values()) // 1024,
        wakeups=at_last.switches - at_first.switches,
        kernel_ns=sum(ns - at_first.kernel_ns.get(key, 0) for key, ns in at_last.kernel_ns.items()),
        told=told(monitor, load, place),
        out_bytes=place.out.stat().st_size if place.out.exists() else 0,
    )


def _seconds(ordered: list[int], percent: int) -> float | None:
    return percentile(ordered, percent) / 1e9 if ordered else None


def told(monitor: Monitor, load: Load, place: Place) -> int | None:
    """How many of the load's execs the output has: those whose own argument it has, where each has one."""
    if load.execs and (text := monitor.text(place)):
        return len(set(re.findall(MARKS, text)))
    count = monitor.count(place)
    # What has no text counted the load's first program too; what wraps it told of the gate as well.
    return None if count is None else max(count - monitor.wraps - bool(load.execs), 0)


@contextmanager
def looking_on(monitor: Monitor, place: Place) -> Iterator[subprocess.Popen[bytes] | None]:
    """The monitor, within; what it told is in the place afterwards. None if nobody looks on, or it wraps the load."""
    for path in (place.out, place.said):
        path.unlink(missing_ok=True)
    place.folder.chmod(0o755)  # auditd takes its log's for itself
    if monitor.wraps:
        place.out.touch()
        os.chown(place.out, USER, USER)
    command = monitor.command(place)
    if not command or monitor.wraps:
        yield None
        return
    # Those that take -o make the file themselves.
    out = place.out if str(place.out) not in command else place.folder / "stdout"
    with monitor.around(place), out.open("wb") as output, place.said.open("wb") as said:
        # In a session of its own: an interrupt at the keyboard is for us, who then end it as it likes to be ended.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=said, start_new_session=True
        )
        try:
            yield process
        finally:
            _end(process, monitor.ended_by)


def still_there(process: subprocess.Popen[bytes], place: Place) -> None:
    """Else it says why it cannot run."""
    if process.poll() is not None:
        raise CannotRun(last_words(place.said))


def settle(monitor: Monitor, pid: int, held: float = 0) -> None:
    """Returns once it is idle, for longer than it holds anything back."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    last, idle_since = _used(monitor, pid).cpu_ns, time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(SETTLED_SECONDS)
        now = _used(monitor, pid).cpu_ns
        if now - last >= SETTLED_NS:
            idle_since = time.monotonic()
        elif time.monotonic() - idle_since >= max(SETTLED_SECONDS, held):
            return
        last = now


def _settled(
    monitor: Monitor, pid: int | None, process: subprocess.Popen[bytes] | None, place: Place, *, held: float
) -> Usage:
    if pid:
        settle(monitor, pid, held)
    if process:
        still_there(process, place)
    return _used(monitor, pid)


def _used(monitor: Monitor, pid: int | None) -> Usage:
    """By the monitor; what wraps the load is one process, all below it is the load."""
    pids = [] if pid is None else [pid] if monitor.wraps else tree(pid)
    return usage([*pids, *kernel_threads(monitor.kernel_threads)])


def _end(process: subprocess.Popen[bytes], first: signal.Signals) -> None:
    for number in (first, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS / 4)
            return
