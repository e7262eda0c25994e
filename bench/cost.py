"""What watching costs on this machine, as a Markdown table: `python -m bench.cost`; needs root.

Medians of several runs. In-kernel times are the kernel's own account of the programs; CPU and memory are of the whole
whatran process, its start included. Each figure stands beside what it should reach.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import whatran
from bench import programs
from whatran.source.meter import timing_programs
from whatran.wire import layout

if TYPE_CHECKING:
    from whatran.source.ebpf import Ebpf

RUNS = 5
EXECS = 5_000
KINDS = {layout.EXEC: "exec", layout.FORK: "fork", layout.EXIT: "exit", layout.FAILED: "each system call"}

# Runs the command line in a process of its own, which then says what it used itself, without its children.
MEASURED = """
import json, resource, sys
from whatran.cli import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"code": code, "cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss}))
"""


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory() as name, timing_programs():
        folder = Path(name)
        built = programs.build(folder)
        rows = [("figure", "measured", "target"), ("---", "---", "---")]
        for program, kind in ((built.static, "static"), (built.dynamic, "dynamic")):
            for frame, ns in kernel_times(built.storm_of(EXECS, program)).items():
                target = "≤ 5 µs" if frame == "exec" else ""
                rows.append((f"in the kernel, {frame}, of a {kind} program", f"{ns / 1000:.2f} µs", target))
        rows.append(("in the kernel, exec with 1 MiB of arguments", f"{long_exec(str(built.static)):.0f} µs", "≤ 1 ms"))
        small = measure(folder, EXECS, built.storm_of(EXECS, built.static))
        large = measure(folder, 10 * EXECS, built.storm_of(10 * EXECS, built.static))
        extra = (large["cpu"] - small["cpu"]) / (large["events"] - small["events"])
        rows += [
            ("CPU an event, JSON lines to a file", f"{extra * 1e6:.1f} µs", "≤ 15 µs"),
            ("CPU to start and end", f"{(small['cpu'] - extra * small['events']) * 1e3:.0f} ms", ""),
            (f"peak resident memory, {small['events']} events", f"{small['rss'] / 1024:.1f} MiB", "≤ 60 MiB"),
            (f"peak resident memory, {large['events']} events", f"{large['rss'] / 1024:.1f} MiB", "the same"),
            ("lost", str(small["lost"] + large["lost"]), "0"),
            ("start to the command's first instruction", f"{ready(str(built.now)):.0f} ms", "≤ 400 ms"),
            ("whatran --help", f"{help_time():.0f} ms", "≤ 150 ms"),
        ]
        for row in rows:
            print("|", " | ".join(row), "|")


def kernel_times(storm: list[str]) -> dict[str, float]:
    """ns a run of each program, by the name of its event."""
    runs: dict[str, list[float]] = {name: [] for name in KINDS.values()}
    for _ in range(RUNS):
        with whatran.watch(storm) as watching:
            source: Ebpf = watching._source  # noqa: SLF001  # nobody else needs to know
            while not watching.ended:
                watching.read()
            for kind, infos in source.programs().items():
                if count := sum(info.run_count for info in infos):
                    runs[KINDS[kind]].append(sum(info.run_time_ns for info in infos) / count)
    return {name: statistics.median(times) for name, times in runs.items() if times}


def long_exec(program: str) -> float:
    """µs of the programs for one exec with 1 MiB of arguments."""
    times = []
    for _ in range(RUNS):
        with whatran.watch([program, *["x" * ((128 << 10) - 1)] * 8]) as watching:
            source: Ebpf = watching._source  # noqa: SLF001  # nobody else needs to know
            while not watching.ended:
                watching.read()
            times += [info.run_time_ns / 1e3 for info in source.programs()[layout.EXEC]]
    return statistics.median(times)


def measure(folder: Path, execs: int, storm: list[str]) -> dict[str, float]:
    """CPU seconds, peak KiB, events and losses of `whatran run --format jsonl -o FILE`."""
    found: list[dict[str, float]] = []
    for _ in range(RUNS):
        out = folder / "events.jsonl"
        command = ["run", "--format", "jsonl", "-o", str(out), "--", *storm]
        said = subprocess.run(
            [sys.executable, "-c", MEASURED, *command], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        with out.open("rb") as lines:
            events = sum(1 for _ in lines)
        found.append(json.loads(said) | {"events": events, "lost": 3 * execs + 4 - events})
    return {key: statistics.median(one[key] for one in found) for key in found[0]} | {
        "lost": sum(one["lost"] for one in found)
    }


def ready(now: str) -> float:
    """ms from the start of `whatran run` to the first instruction of its command."""
    times = []
    for _ in range(RUNS):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        run = [sys.executable, "-m", "whatran", "run", "-o", os.devnull, "--", now]
        times.append(int(subprocess.run(run, check=True, stdout=subprocess.PIPE).stdout) - before)
    return statistics.median(times) / 1e6


def help_time() -> float:
    """ms of a whole `whatran --help`."""
    times = []
    for _ in range(RUNS):
        before = time.monotonic()
        subprocess.run([sys.executable, "-m", "whatran", "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - before)
    return statistics.median(times) * 1e3


if __name__ == "__main__":
    main()
