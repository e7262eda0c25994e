"""What following by ptrace costs, beside nothing and strace, as a Markdown table: `python -m bench.ptrace`.

To be run as an ordinary user, whom it is for. Rounds of all three, one after the other, so that what else the machine
does meets all alike: the medians of what each round takes more than the plain one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import programs

ROUNDS = 5
EXECS = 2_000

Command = Sequence[str | Path]


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = programs.project(folder)
        built = programs.build(folder)
        make = ["make", "-j2", "-C", sources, "linux-noreadline"]
        clean = ["make", "-C", sources, "clean"]
        print("| what | plain | ptrace | strace | more by ptrace | more by strace |")
        print("| --- | --- | --- | --- | --- | --- |")
        compare("make -j2 of Lua", make, folder, before=lambda: quiet(clean))
        compare(f"{EXECS} execs of ls", built.storm_of(EXECS, "/bin/ls"), folder)
        compare(f"{EXECS} execs of true", built.storm_of(EXECS, "/bin/true"), folder)
        compare(f"{EXECS} execs of a static program that does nothing", built.storm_of(EXECS, built.static), folder)


def compare(what: str, command: Command, folder: Path, before: Callable[[], object] = lambda: None) -> None:
    """A line of the table."""
    whatran = [
        sys.executable,
        "-m",
        "whatran",
        "--source",
        "ptrace",
        "--format",
        "jsonl",
        "-o",
        folder / "events",
        "--",
    ]
    strace = ["strace", "-f", "-e", "trace=execve", "-o", folder / "strace"]
    rounds = []
    for _ in range(ROUNDS):
        times = []
        for tracer in ([], whatran, strace):
            before()
            start = time.monotonic()
            quiet([*tracer, *command])
            times.append(time.monotonic() - start)
        rounds.append(times)
    plain, ptrace, strace_ = (statistics.median(column) for column in zip(*rounds, strict=True))
    more = [statistics.median(times[n] / times[0] - 1 for times in rounds) for n in (1, 2)]
    print(
        f"| {what} | {plain:.2f} s | {ptrace:.2f} s | {strace_:.2f} s | {more[0]:+.0%} | {more[1]:+.0%} |", flush=True
    )


def quiet(command: Command) -> None:
    """Runs it without a word."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    os.environ.pop("MAKEFLAGS", None)
    main()
