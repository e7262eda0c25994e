"""What is done while a monitor looks on: one entry a load."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.programs import ROOT, project

if TYPE_CHECKING:
    from pathlib import Path

    from bench.programs import Programs

STORM, FORKS, QUICK = 10_000, 1_000, 5
"""Execs of a storm; of a dynamic program; and how much less of them is enough for a quick look."""

QUIET_SECONDS = 3

TESTS = ("tests/wire", "tests/source")
"""Of our own, those that ask nothing of the machine."""

USER = 34567
"""Whom all loads run as: nobody else does, so that monitors can be told to look at nothing else."""

AS_USER = [
    "setpriv",
    f"--reuid={USER}",
    f"--regid={USER}",
    "--clear-groups",
    # This checkout, or its Python, may lie in somebody's home.
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
    "--",
]


def nothing() -> None:
    """Nothing."""


@dataclass(frozen=True)
class Load:
    """A command, and what is known of it."""

    key: str
    name: str
    command: list[str]
    execs: int | None = None
    """How many it makes, itself included; None where only counting tells."""
    latencies: Path | None = None
    """Where it writes ns from execve(2) to the program's first line, as 64-bit numbers."""
    before: Callable[[], None] = nothing
    """To be done before each run, unseen."""


def loads(programs: Programs, folder: Path, wanted: list[str], *, quick: bool) -> list[Load]:
    """Those that are wanted, ready to be run as USER, who owns the folder."""
    storm, forks = (count // (QUICK if quick else 1) for count in (STORM, FORKS))
    cores = os.process_cpu_count() if sys.version_info >= (3, 13) else len(os.sched_getaffinity(0))
    latencies = folder / "latencies"
    first, dynamic = str(programs.first), str(programs.dynamic)

    def storm_of(workers: int, each: int, program: str, *options: str) -> list[str]:
        return [str(programs.storm), *options, str(workers), str(each), str(latencies), program]

    all_loads: dict[str, Callable[[], Load]] = {
        "storm": lambda: Load(
            "storm",
            "vfork + exec of a tiny static program, 1 worker",
            storm_of(1, storm, first),
            storm + 1,
            latencies,
        ),
        "storms": lambda: Load(
            "storms",
            f"the same, a worker a core ({cores})",
            storm_of(cores, storm // cores, first),
            storm // cores * cores + 1,
            latencies,
        ),
        "dynamic": lambda: Load(
            "dynamic", "fork + exec of a dynamic program", storm_of(1, forks, dynamic, "-f"), forks + 1
        ),
        "build": lambda: _build(folder, cores),
        "tests": lambda: Load(
            "tests",
            "a Python test-suite",
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(ROOT / each) for each in TESTS)],
        ),
        "quiet": lambda: Load("quiet", "a quiet machine", ["sleep", str(1 if quick else QUIET_SECONDS)], 1),
    }
    return [make() for key, make in all_loads.items() if not wanted or key in wanted]


KEYS = ("storm", "storms", "dynamic", "build", "tests", "quiet")


def _build(folder: Path, cores: int) -> Load:
    sources, work = project(folder), folder / "build"

    def afresh() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(sources, work)
        for path in (work, *work.rglob("*")):
            os.chown(path, USER, USER)

    command = ["make", f"-j{cores}", "-C", str(work), "linux-noreadline"]
    return Load("build", f"make -j{cores} of Lua", command, before=afresh)
