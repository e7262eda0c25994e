"""Whether whatran can stay on for good: `make soak`; needs root.

For T seconds a tree of processes executes as much as it can, and by turns so much that there is time to tell all,
while one whatran tells of it to /dev/null and another records it. After each turn both are asked what they hold and
what they have counted. It fails where that is not as it should be, and writes what it has found between two comments
of a page, with -o FILE.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench import programs
from bench.soaked import COUNTED, STEADY_RATE, Counted, Held, Sample, Soak, Watched, as_markdown, faults
from whatran.recording import format as form
from whatran.recording.read import Block, Damage, parts
from whatran.recording.store import numbered
from whatran.wire import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Turn:
    """What the load does before it waits."""

    each: int
    """Execs of each worker."""
    rate: int
    """Of all of them, a second; 0 for as many as can be."""


SECONDS = 1800
SAMPLES = 30
WORKERS = 2
STORM, STEADY = Turn(20_000, 0), Turn(5_000, STEADY_RATE)
"""A few seconds each."""

FILES = 5
"""Of the recording, a minute each: each is looked at before it is removed, and all of them have some 200 MB."""

FREE_BYTES = 2 << 30

PATIENCE_SECONDS = 120
"""For an answer, however busy the machine is."""

WHATRAN = (sys.executable, "-m", "whatran")
BEGIN, END = "<!-- soak -->\n", "<!-- end of soak -->\n"

_KINDS = {layout.EXEC: "execs", layout.FORK: "forks", layout.EXIT: "exits"}
_GROUPS = (form.OLDER, form.BATCH, form.LIVING)


def main() -> None:
    """Soak, report, and say by the status whether all was well."""
    options = _parser().parse_args()
    if os.geteuid():
        sys.exit("soak: only root may watch by eBPF")
    for number in (signal.SIGINT, signal.SIGTERM):  # whatever it waits for; and all that it has started is ended
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="whatran-soak-") as name:
        if shutil.disk_usage(name).free < FREE_BYTES:
            sys.exit(f"soak: {name} is on a disk that is nearly full: name another place by TMPDIR")
        soak = _soak(Path(name), options.seconds)
    text = as_markdown(soak)
    if options.output:
        page = options.output.read_text()
        before, rest = page.split(BEGIN)
        options.output.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])
    print(text)
    sys.exit(1 if faults(soak) else 0)


def _soak(folder: Path, seconds: float) -> Soak:
    built = programs.build(folder)
    recording = folder / "soak.wr"
    rotation = ("--rotate", "1m", "--files", str(FILES))
    asked = {
        "whatran watch --format jsonl -o /dev/null": ("watch", "--format", "jsonl", "-o", os.devnull),
        f"whatran record {' '.join(rotation)}": ("record", *rotation, "-o", str(recording)),
    }
    with ExitStack() as stack:
        load = stack.enter_context(_Load(built))
        watchers = [
            stack.enter_context(_Watcher(name, command, load.pid, folder / f"said-{number}"))
            for number, (name, command) in enumerate(asked.items())
        ]
        found = _Found()
        began, due = time.monotonic(), 0.0
        turns = cycle((STORM, STEADY))
        while (passed := time.monotonic() - began) < seconds:
            turn = next(turns)
            load.take(turn)
            for each in watchers:
                each.settle(load.made, steady=turn is STEADY)
            if passed >= due:
                due += seconds / SAMPLES
                for each in watchers:
                    each.sample(passed, load.made)
                found.look(numbered(recording)[:-1])
        took = time.monotonic() - began
        for each in watchers:
            each.sample(took, load.made)
        watched = [each.end() for each in watchers]
    found.look(numbered(recording))
    return Soak(took, dict(load.made), watched, dict(found.kept), found.damage, len(found.looked), found.bytes)


class _Load:
    """The first of a tree of processes, and storms below it."""

    def __init__(self, built: programs.Programs) -> None:
        self._built = built
        self.made = dict.fromkeys(COUNTED, 0)

    def __enter__(self) -> Self:
        obey = "while read -r line; do $line && echo done; done"
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", obey], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = self._shell.pid
        return self

    def take(self, turn: Turn) -> None:
        """One turn, to its end."""
        assert self._shell.stdin  # noqa: S101
        assert self._shell.stdout  # noqa: S101
        rate = f"-r {turn.rate} " if turn.rate else ""
        self._shell.stdin.write(f"{self._built.storm} {rate}{WORKERS} {turn.each} {os.devnull} {self._built.static}\n")
        self._shell.stdin.flush()
        if self._shell.stdout.readline() != "done\n":
            sys.exit("soak: the load has failed")
        # The storm itself and its workers, which execute nothing, are more than what these have made.
        more = {"execs": 1, "forks": 1 + WORKERS, "exits": 1 + WORKERS}
        self.made = {name: count + more[name] + WORKERS * turn.each for name, count in self.made.items()}

    def __exit__(self, *exc: object) -> None:
        os.killpg(self.pid, signal.SIGKILL)  # a turn may be under way
        self._shell.communicate()


class _Watcher:
    """A whatran that looks on, and is asked now and then how it is."""

    def __init__(self, name: str, command: Sequence[str], tree: int, said: Path) -> None:
        self._name = name
        self._command = [*WHATRAN, *command, "--tree", str(tree)]
        self._said = said
        self._samples: list[Sample] = []
        self._counts = dict.fromkeys(COUNTED, Counted())
        self._lost_steady = 0

    def __enter__(self) -> Self:
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stderr=said)
        # It has a handler for SIGUSR2 before it loads anything, and answers once it is in force.
        _wait(self, lambda: self._held().programs > 0)
        self._ask()
        return self

    def settle(self, made: dict[str, int], *, steady: bool) -> None:
        """Returns once it has told or counted all; or, where it never does, when patience is at an end."""
        before, deadline = self._lost(), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self._counts = self._ask()
            if all(each.received + each.lost == made[name] for name, each in self._counts.items()):
                break
        if steady:
            self._lost_steady += self._lost() - before

    def _lost(self) -> int:
        return sum(each.lost for each in self._counts.values())

    def sample(self, seconds: float, made: dict[str, int]) -> None:
        """Notes what it holds and has counted."""
        self._samples.append(Sample(seconds, made["execs"], self._held(), self._counts, self._lost_steady, _living()))

    def _ask(self) -> dict[str, Counted]:
        """What it says when SIGUSR2 comes."""
        before = len(self._blocks())
        self._process.send_signal(signal.SIGUSR2)
        _wait(self, lambda: len(self._blocks()) > before)
        rows = re.findall(r"^  (\w+) +(\d+) +\d+ +(\d+) +(\d+)$", self._blocks()[-1], re.MULTILINE)
        counts = {name: Counted(*map(int, numbers)) for name, *numbers in rows}
        return {name: counts.get(name, Counted()) for name in COUNTED}

    def _blocks(self) -> list[str]:
        """All answers so far that are whole: they end with a line of what was read."""
        return re.findall(r"watched by ebpf\n(.*?\n  read [^\n]*\n)", self._said.read_text(), re.DOTALL)

    def _held(self) -> Held:
        process = Path("/proc", str(self._process.pid))
        infos = []
        for each in process.joinpath("fdinfo").iterdir():
            try:
                infos.append(each.read_text())
            except FileNotFoundError:  # one that it had open for a moment
                continue
        ids = [set(re.findall(rf"^{name}:\s+(\d+)$", "\n".join(infos), re.MULTILINE)) for name in ("prog_id", "map_id")]
        status = process.joinpath("status").read_text()
        rss, threads = (int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1]) for name in ("VmRSS", "Threads"))
        return Held(rss, len(infos), threads, *map(len, ids))

    def still_there(self) -> None:
        """Else it is said why not."""
        if self._process.poll() is not None:
            sys.exit(f"soak: {self._name} has ended: {self._said.read_text()[-1000:]}")

    def end(self) -> Watched:
        self._process.terminate()
        return Watched(self._name, self._samples, self._process.wait(PATIENCE_SECONDS))

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _living() -> int:
    return sum(each.name.isdecimal() for each in Path("/proc").iterdir())


def _wait(watcher: _Watcher, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        watcher.still_there()
        if time.monotonic() > deadline:
            sys.exit("soak: no answer")
        time.sleep(0.02)


class _Found:
    """What is in the files of a recording, each of which may be removed once it was looked at."""

    def __init__(self) -> None:
        self.kept = Counter(dict.fromkeys(COUNTED, 0))
        self.damage: list[str] = []
        self.looked: set[str] = set()
        self.bytes = 0

    def look(self, files: Sequence[Path]) -> None:
        """At those that were not there before."""
        for path in files:
            if path.name not in self.looked:
                self.looked.add(path.name)
                self.bytes += path.stat().st_size
                self._count(path)

    def _count(self, path: Path) -> None:
        group, number = form.BATCH, 0
        with path.open("rb") as file:
            for part in parts(file.read):
                if isinstance(part, Damage):
                    self.damage.append(f"{path.name}: {part.text}")
                if not isinstance(part, Block):
                    continue
                if part.number != number:
                    self.damage.append(f"{path.name}: block {number} is not there")
                number = part.number + 1
                for run in part.runs:
                    group = run.kind if run.kind in _GROUPS else group  # in its place MORE goes on with the last
                    if group == form.BATCH:
                        self.kept.update(map(_kind, run.frames))


def _kind(frame: bytes) -> str:
    kind: int = layout.FRAME_STRUCT.unpack_from(frame)[4]
    return _KINDS.get(kind, "others")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak T=…", description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=SECONDS, help="(default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.md", help="a page that has the two comments")
    return parser


if __name__ == "__main__":
    main()
