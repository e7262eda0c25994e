"""What asking costs, as a Markdown table: `.venv/bin/python -m bench.query [EVENTS]`.

Events are made up, those of a build: a third each forks, execs and exits. Each figure is of a process of its own;
making the events is not counted, but for the memory of the process.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.events import MS, WALL, make_exec, make_exit, make_fork
from whatran.query import database, top
from whatran.query.export import WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whatran.event import Event

EVENTS = 1_000_000
PROGRAMS = ("sh", "gcc", "cc1", "as", "ld", "rm", "mv", "grep", "sed", "cat")
QUERIES = {
    "group by": "SELECT pathname, count(*) FROM execs GROUP BY ALL ORDER BY ALL",
    "join, group by": "SELECT pathname, sum(user_time) FROM execs JOIN exits USING (boot_id, pid, process_start_time) "
    "GROUP BY ALL",
    "group by, lives": "SELECT comm, sum(user_time + system_time), max(duration) FROM lives GROUP BY ALL",
    "every argument": "SELECT count(*) FROM execs WHERE list_contains(argv, '/src/dir/file77.c')",
}


def events(count: int) -> Iterator[Event]:
    chosen = random.Random(1)  # noqa: S311  # no secret
    fork, ended = make_fork(), make_exit()
    execs = [make_exec((name,)) for name in PROGRAMS]
    for number in range(count // 3):
        pid, start = 1000 + number, 1000 * MS + number * 300_000
        key = {"pid": pid, "tid": pid, "process_start_time": start}
        yield _at(start, fork, child_pid=pid, child_tid=pid, start_time=start)
        program = chosen.choice(execs)
        argv = [program.comm, "-O2", "-c", f"/src/dir/file{number}.c", "-o", f"/src/build/file{number}.o"]
        yield _at(start + 1000, program, **key, argv=argv, ancestors=("make", "sh", "bash", "sshd", "init"))
        cpu = chosen.randrange(10**6, 10**9)
        yield _at(start + 250_000, ended, **key, comm=program.comm, user_time=cpu, exit_code=cpu % 20 == 0)


def _at(time_boot_ns: int, event: Event, **given: object) -> Event:
    return replace(event, timestamp=WALL + time_boot_ns, timestamp_boot=time_boot_ns, **given)


def ask(count: int, what: str) -> dict[str, float]:
    begun = time.process_time()
    asked = database.question(QUERIES[what])
    with database.answer(asked, events(count), filtered=False) as result:
        filled, at = time.process_time(), time.monotonic()
        list(result.rows)
        return {"cpu": filled - begun, "answer": time.monotonic() - at}


def export(count: int, ending: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        begun, path = time.process_time(), Path(folder) / f"x{ending}"
        WRITERS[ending](events(count), path, "execs", filtered=False)
        return {"cpu": time.process_time() - begun, "bytes": path.stat().st_size}


def sums(count: int, _: str) -> dict[str, float]:
    begun = time.process_time()
    top.totals(events(count))
    return {"cpu": time.process_time() - begun}


def nothing(count: int, _: str) -> dict[str, float]:
    begun = time.process_time()
    for _event in events(count):
        pass
    return {"cpu": time.process_time() - begun}


KINDS: dict[str, Callable[[int, str], dict[str, float]]] = {"ask": ask, "export": export, "top": sums, "make": nothing}


def _measure(count: int, kind: str, what: str = "") -> dict[str, float]:
    """In a process of its own."""
    program = [sys.executable, "-m", "bench.query", "--", str(count), kind, what]
    return dict(json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout))


def main(count: int) -> None:
    """Measure everything and print the table."""
    made = _measure(count, "make")["cpu"]
    print(
        f"| {count:,} events | CPU an event | peak memory, of a tenth and of all | result |\n| --- | --- | --- | --- |"
    )
    jobs = [*(("ask", what) for what in QUERIES), ("top", ""), *(("export", ending) for ending in WRITERS)]
    for kind, what in jobs:
        tenth, found = _measure(count // 10, kind, what), _measure(count, kind, what)
        result = f"{found['answer'] * 1e3:.0f} ms" if "answer" in found else ""
        if "bytes" in found:
            result = f"{found['bytes'] / 1e6:.1f} MB"
        cpu = f"{(found['cpu'] - made) / count * 1e6:.1f} µs"
        print(f"| {kind} {what} | {cpu} | {tenth['rss'] >> 10} MiB, {found['rss'] >> 10} MiB | {result} |", flush=True)


if __name__ == "__main__":
    if "--" in sys.argv:
        number, chosen_kind, of = sys.argv[-3:]
        figures = KINDS[chosen_kind](int(number), of)
        print(json.dumps(figures | {"rss": getrusage(RUSAGE_SELF).ru_maxrss}))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
