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

STORM, FORKS, QUICK = 6_000, 600, 3
"""Execs of a storm; of a dynamic program; and how much less of them is enough for a quick look.

About half a second each: what else the machine does is the less likely to change between a run and the one beside it.
"""

MARK, MARKS = "exec-######-", rb"exec-(\d{6})-"
"""An argument of each exec of a storm, and how it is found again."""

STORM_ROUNDS, ROUNDS, QUIET_ROUNDS = 9, 6, 3
"""Six are the least that give a median with an interval around it; nine the least that bear one round gone astray."""

QUIET_SECONDS = 3

TESTS = ("tests/source",)
"""Of our own, some that ask nothing of the machine but to execute a program now and then."""

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
    """How many it makes, each with another MARK; None where there are none such and only counting tells."""
    latencies: Path | None = None
    """Where storm writes how long each exec took."""
    before: Callable[[], None] = nothing
    """To be done before each run, unseen."""
    rounds: int = STORM_ROUNDS
    company: int = 1
    """How many monitors look on between two runs with none: the fewer, the better two neighbours compare."""


def loads(programs: Programs, folder: Path, wanted: list[str], *, quick: bool) -> list[Load]:
    """Those that are wanted, ready to be run as USER, who owns the folder."""
    storm, forks = (count // (QUICK if quick else 1) for count in (STORM, FORKS))
    cores = os.process_cpu_count() if sys.version_info >= (3, 13) else len(os.sched_getaffinity(0))
    latencies = folder / "latencies"

    def storm_of(workers: int, each: int, program: Path, *options: str) -> list[str]:
        return [str(programs.storm), *options, str(workers), str(each), str(latencies), str(program), MARK]

    all_loads: dict[str, Callable[[], Load]] = {
        "storm": lambda: Load(
            "storm",
            "vfork + exec of a tiny static program, 1 worker",
            storm_of(1, storm, programs.first),
            storm,
            latencies,
        ),
        "storms": lambda: Load(
            "storms",
            f"vfork + exec of a tiny static program, a worker a core ({cores})",
            storm_of(cores, storm // cores, programs.first),
            storm // cores * cores,
            latencies,
        ),
        "dynamic": lambda: Load(
            "dynamic",
            "fork + exec of a dynamic program",
            storm_of(1, forks, programs.dynamic, "-f"),
            forks,
            latencies,
            rounds=ROUNDS,
        ),
        "build": lambda: _build(folder, cores),
        "tests": lambda: Load(
            "tests",
            "a Python test-suite",
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(ROOT / each) for each in TESTS)],
            rounds=ROUNDS,
            company=3,
        ),
        "quiet": lambda: Load(
            "quiet", "a quiet machine", ["sleep", str(1 if quick else QUIET_SECONDS)], rounds=QUIET_ROUNDS
        ),
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
    return Load("build", f"make -j{cores} of Lua", command, before=afresh, rounds=ROUNDS, company=3)
