"""What following by ptrace costs, beside nothing and strace, as a Markdown table: `python -m bench.ptrace`.

To be run as an ordinary user, whom it is for. Rounds of all three, one after the other, so that what else the machine
does meets all alike: the medians of what each round takes more than the plain one.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.__main__ import build

ROUNDS = 5
EXECS = 2_000

SOURCE = "lua5.4"
"""A Debian source package with a makefile that asks for no more than a compiler."""

Command = Sequence[str | Path]


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = project(folder)
        storm, _, _, static = build(folder)
        make = ["make", "-j2", "-C", sources, "linux-noreadline"]
        clean = ["make", "-C", sources, "clean"]
        print("| what | plain | ptrace | strace | more by ptrace | more by strace |")
        print("| --- | --- | --- | --- | --- | --- |")
        compare("make -j2 of Lua", make, folder, before=lambda: quiet(clean))
        compare(f"{EXECS} execs of ls", [storm, str(EXECS), "/bin/ls"], folder)
        compare(f"{EXECS} execs of true", [storm, str(EXECS), "/bin/true"], folder)
        compare(f"{EXECS} execs of a static program that does nothing", [storm, str(EXECS), static], folder)


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


def project(folder: Path) -> Path:
    """Directory of a C project with a makefile, fetched from where this machine has its packages from."""
    apt = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial", "sources"):
        (apt / name).mkdir(parents=True)
    places = Path("/etc/apt/sources.list.d/debian.sources").read_text()
    (apt / "sources" / "debian.sources").write_text(re.sub(r"(?m)^Types: .*$", "Types: deb-src", places))
    settings = {
        "Dir::Etc::sourcelist": "-",
        "Dir::Etc::sourceparts": apt / "sources",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
    }
    get = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    subprocess.run([*get, "update"], check=True)
    subprocess.run([*get, "source", "--download-only", SOURCE], check=True, cwd=folder, stderr=subprocess.DEVNULL)
    (path,) = folder.glob("*.orig.tar.*")
    subprocess.run(["tar", "-xf", path, "-C", folder], check=True)
    return next(folder.glob("lua-*/src"))


if __name__ == "__main__":
    os.environ.pop("MAKEFLAGS", None)
    main()
