"""Whether cost grows with load, and memory with time: `.venv/bin/python -m bench.scale`; needs root for the first part.

CPU is whatran's own, from the first event on; each figure is of a process of its own. Processes that are made up go
through all stages from their frames on, and making these is not counted.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import programs
from tests.events import BOOT
from tests.simulated import Simulated
from whatran.cli.follow import follow
from whatran.pipeline import Pipeline, stages
from whatran.plan import plan
from whatran.process.facts import Facts
from whatran.record import record
from whatran.recorder import Recorder
from whatran.recording.store import OneFile
from whatran.replaying import replay
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output
from whatran.watching import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RATES, SECONDS = (100, 1_000, 5_000, 20_000), 3
WORKERS = 2
"""One alone does not get to the highest rate."""

CROWDS, CROWDED_EXECS = (10, 2_000), 3_000
LIVING, BESIDE = (10, 1_000, 10_000, 100_000), 300_000

EVENTS = 10_000_000
MODES = ("jsonl", "lives", "table", "record")

Figures = dict[str, float]


def main(events: int) -> None:
    """Measure everything and print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() == 0:
            built = programs.build(folder)
            _print_rates(built, folder)
            _print_crowds(built, folder)
        _print_living(folder)
        _print_long(events, folder)


def _print_rates(built: programs.Programs, folder: Path) -> None:
    _head("execs a second", "jsonl, CPU an event", "record, CPU an event", "lost")
    for rate in RATES:
        found = [_live(built, folder, mode, rate * SECONDS, "-r", str(rate)) for mode in ("jsonl", "record")]
        reached = min(each["rate"] for each in found)
        _row(f"{reached:,.0f} of {rate:,}", *(_us(each["cpu"]) for each in found), sum(each["lost"] for each in found))


def _print_crowds(built: programs.Programs, folder: Path) -> None:
    _head("living processes", "jsonl, CPU an event", "peak memory", "record, CPU an event", "peak memory")
    for count in CROWDS:
        with _crowd(built.crowd, count):
            found = [_live(built, folder, mode, CROWDED_EXECS) for mode in ("jsonl", "record")]
        _row(f"{count:,}", *(text for each in found for text in (_us(each["cpu"]), _mib(each["peak"]))))


def _live(built: programs.Programs, folder: Path, mode: str, execs: int, *options: str) -> Figures:
    """What a storm takes for an event; of two of them the difference, without what it takes to begin and to end."""
    few, many = (
        _apart("live", mode, folder, str(built.storm), *options, str(WORKERS), each, os.devnull, str(built.first))
        for each in (str(execs // WORKERS), str(3 * execs // WORKERS))
    )
    cpu, events, execs, seconds = (many[name] - few[name] for name in ("cpu", "events", "execs", "seconds"))
    return {"cpu": cpu / events, "rate": execs / seconds, "lost": few["lost"] + many["lost"], "peak": many["peak"]}


def _print_living(folder: Path) -> None:
    _head("living processes, made up", *(text for mode in MODES for text in (f"{mode}, CPU an event", "peak memory")))
    for count in LIVING:
        found = [_apart("simulate", mode, folder, str(BESIDE), str(count)) for mode in MODES]
        _row(f"{count:,}", *(text for each in found for text in (_us(each["cpu"]), _mib(each["peak"]))))


def _print_long(events: int, folder: Path) -> None:
    _head(f"{events:,} events, made up", "CPU an event", "memory after a tenth", "after all", "peak")
    for mode in (*MODES, "replay"):  # what is recorded is replayed then
        found = _apart("simulate", mode, folder, str(events), str(LIVING[0]))
        _row(mode, _us(found["cpu"]), *(_mib(found[when]) for when in ("early", "late", "peak")))


def _head(*names: str) -> None:
    print()
    _row(*names)
    _row(*["---"] * len(names))


def _row(*cells: object) -> None:
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"


def _mib(kib: float) -> str:
    return f"{kib / 1024:.1f} MiB"


@contextmanager
def _crowd(program: Path, count: int) -> Iterator[None]:
    with subprocess.Popen([program, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
        if not crowd.stdout or not crowd.stdout.readline():
            sys.exit(f"cannot have {count} processes")
        yield


def _apart(job: str, mode: str, folder: Path, *arguments: str) -> Figures:
    """What a job finds, in a process of its own."""
    command = [sys.executable, "-m", "bench.scale", "--", job, mode, str(folder / "out"), *arguments]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


# -- real processes -----------------------------------------------------------------------------------


def live(mode: str, file: str, *command: str) -> Figures:
    """What it takes to follow a command."""
    with ExitStack() as stack:
        watching = stack.enter_context(record(file, command, overwrite=True) if mode == "record" else watch(command))
        output = stack.enter_context(Output.open(os.devnull))
        sink = FORMATS["jsonl"](output, Show())  # a Recording gives it nothing
        cpu, begun = time.process_time(), time.monotonic()
        follow(watching, sink)
        cpu, seconds = time.process_time() - cpu, time.monotonic() - begun
        stats = watching.stats
    events = sum(each.received for each in (stats.execs, stats.forks, stats.exits, stats.failed))
    return {
        "cpu": cpu,
        "events": events,
        "execs": stats.execs.seen,
        "seconds": seconds,
        "lost": stats.lost,
        "peak": _memory("VmHWM"),
    }


# -- processes that are made up -----------------------------------------------------------------------


def simulate(mode: str, file: str, events: str, living: str) -> Figures:
    """What it takes to show or record so many events beside so many processes that live on, or to replay them."""
    count = cpu = early = 0.0
    with ExitStack() as stack:
        for more, seconds in _replayed(file) if mode == "replay" else _made_up(mode, file, int(living), stack):
            count += more
            cpu += seconds
            if not early and count >= int(events) / 10:
                early = _memory("VmRSS")
            if count >= int(events):
                break
        return {"cpu": cpu / count, "early": early, "late": _memory("VmRSS"), "peak": _memory("VmHWM")}


def _made_up(mode: str, file: str, living: int, stack: ExitStack) -> Iterator[tuple[int, float]]:
    """Numbers of events, and seconds of CPU that these took, without end."""
    take = _recorder(file, stack) if mode == "record" else _pipeline(mode, stack)
    made = Simulated(living)
    for frames in made.begin():
        take(frames, made.now)
    while True:
        frames = made.batch()
        before = time.process_time()
        take(frames, made.now)
        yield len(frames), time.process_time() - before


def _pipeline(mode: str, stack: ExitStack) -> Callable[[list[bytes], int], None]:
    sink = FORMATS[mode](stack.enter_context(Output.open(os.devnull)), Show())
    pipeline = Pipeline(stages(Facts(), None))

    def take(frames: list[bytes], now_boot_ns: int) -> None:
        sink.write(pipeline(frames, BOOT))
        sink.release(now_boot_ns)

    return take


def _recorder(file: str, stack: ExitStack) -> Callable[[list[bytes], int], None]:
    recorder = Recorder(plan(["true"], source="ptrace"), OneFile(Path(file), overwrite=True), numbers=False)
    recorder.older([], BOOT)
    stack.callback(recorder.close)

    def take(frames: list[bytes], _now_boot_ns: int) -> None:
        recorder(frames, BOOT)

    return take


def _replayed(file: str) -> Iterator[tuple[int, float]]:
    with Output.open(os.devnull) as output, replay([file]) as replaying:
        sink, before = FORMATS["jsonl"](output, Show()), time.process_time()
        for events in replaying.batches():
            sink.write(events)
            now = time.process_time()
            yield len(events), now - before
            before = now


def _memory(name: str) -> int:
    """KiB of this process, as /proc/PID/status names it."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    if "--" in sys.argv:
        job, *given = sys.argv[sys.argv.index("--") + 1 :]
        print(json.dumps({"live": live, "simulate": simulate}[job](*given)))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
