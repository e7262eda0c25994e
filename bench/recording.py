"""What recording costs, how large and how fast to replay recordings are: `python -m bench.recording`; needs root.

CPU is that of the whole whatran process; of recording, what it takes to start is left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import programs
from bench.cost import RUNS

EXECS = 5_000
FILES = 60

# As in bench, with the time in the kernel apart.
MEASURED = """
import json, resource, sys
from whatran.cli import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"code": code, "user": used.ru_utime, "system": used.ru_stime, "rss": used.ru_maxrss}))
"""
MAKEFILE = """
program: $(patsubst %.c,%.o,$(wildcard *.c))
	$(CC) -o $@ $^
%.o: %.c
	mkdir -p .deps && touch .deps/$*.d
	$(CC) -O1 -Wall -c -o $@ $<
"""


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = programs.build(folder)
        file = str(folder / "storm.wr")
        small, large = (
            [
                measure("record", "--overwrite", "-o", file, "--", *built.storm_of(execs, built.static))
                for _ in range(RUNS)
            ]
            for execs in (EXECS, 10 * EXECS)
        )
        events = 27 * EXECS
        user, system = (median(large, key) - median(small, key) for key in ("user", "system"))
        shown = [measure("replay", "--format", "jsonl", "-o", os.devnull, file) for _ in range(RUNS)]
        cpu = median(shown, "user") + median(shown, "system")
        table = [
            ("user CPU an event, recording", f"{user / events * 1e6:.1f} µs", "≤ 4 µs"),
            ("kernel CPU an event, recording", f"{system / events * 1e6:.1f} µs", ""),
            ("an exec with its fork and exit, all alike", f"{Path(file).stat().st_size / (10 * EXECS):.0f} B", ""),
            ("an exec of a build, with all that belongs to it", f"{bytes_an_exec(folder):.0f} B", "≤ 150 B"),
            ("replayed to JSON lines, a second of CPU", f"{30 * EXECS / cpu:,.0f} events", "≥ 150,000"),
            ("peak resident memory, recording", f"{median(large, 'rss') / 1024:.1f} MiB", "≤ 60 MiB"),
            ("peak resident memory, replaying", f"{median(shown, 'rss') / 1024:.1f} MiB", "≤ 60 MiB"),
        ]
        for row in [("figure", "measured", "target"), ("---", "---", "---"), *table]:
            print("|", " | ".join(row), "|")


def measure(*arguments: str) -> dict[str, float]:
    """CPU seconds and peak KiB of a command line."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def bytes_an_exec(folder: Path) -> float:
    """Bytes of the recording of a make of a C project, for each exec in it."""
    project = folder / "project"
    project.mkdir()
    for number in range(FILES):
        (project / f"part{number}.c").write_text(f"#include <stdio.h>\nint f{number}(void) {{ return {number}; }}\n")
    (project / "main.c").write_text("int main(void) { return 0; }\n")
    (project / "Makefile").write_text(MAKEFILE)
    file = folder / "build.wr"
    measure("record", "-o", str(file), "--", "make", "-s", "-j2", "-C", str(project))
    shown = subprocess.run(
        [sys.executable, "-m", "whatran", "replay", "--format", "jsonl", str(file)], check=True, stdout=subprocess.PIPE
    ).stdout
    return file.stat().st_size / shown.count(b'"event":"sched_process_exec"')


if __name__ == "__main__":
    main()
