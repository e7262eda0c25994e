"""What rules cost, as a Markdown table: `.venv/bin/python -m bench.rules [DIR]`.

DIR has rules, as SigmaHQ's; without it those of tests/data/rules are taken. Execs are made up: those of a build, which
no rule is about, and those that the rules' own texts make, of which two thirds concern one. CPU time, the least of
five runs; what it takes to make the events is not counted.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.events import make_exec, make_fork
from tests.rules import generated
from whatran.rules.engine import Engine
from whatran.rules.fields import View
from whatran.rules.index import Index
from whatran.rules.kin import Kin
from whatran.rules.load import load
from whatran.rules.model import EventRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.event import Exec, Fork

EVENTS = 20_000
RUNS = 5
MANY = 10_000
CORPUS = Path(__file__).parent.parent / "tests/data/rules"


def build(count: int) -> list[Exec]:
    """Execs of a build: none is in a directory or has an argument that a rule is about."""
    chosen = random.Random(1)  # noqa: S311  # no secret
    names = ("cc1", "as", "gcc", "ld", "make", "node", "rustc")
    return [
        make_exec([chosen.choice(names), "-O2", "-c", f"src/file{number}.c", "-o", f"build/{number}.o"], pid=number)
        for number in range(2, count + 2)
    ]


def least(do: Callable[[], object]) -> float:
    """CPU seconds of the quickest run."""
    times = []
    for _ in range(RUNS):
        begun = time.process_time()
        do()
        times.append(time.process_time() - begun)
    return min(times)


def held(index: Index, events: Sequence[tuple[Exec, Kin]]) -> int:
    """How often a rule fits."""
    return sum(len(index(View(event, kin))) for event, kin in events)


def told(engine: Engine, events: Sequence[tuple[Exec, Kin]]) -> int:
    """The same with alerts made of it."""
    return sum(len(engine(event)) for event, _ in events)


def followed(engine: Engine, forks: Sequence[Fork], events: Sequence[Exec]) -> None:
    """Only who is whose ancestor."""
    for fork, event in zip(forks, events, strict=True):
        engine.follow(fork)
        engine.follow(event)


def main(directory: Path) -> None:
    """Measure everything and print the table."""
    begun = time.process_time()
    loaded = load([directory])
    read = time.process_time() - begun
    begun = time.process_time()
    engine = Engine(loaded.rules)
    compiled = time.process_time() - begun
    print(f"{len(loaded.rules)} rules: read in {read:.2f} s, compiled in {compiled * 1e3:.0f} ms\n")
    print("| execs | a second | each | alerts |\n| --- | --- | --- | --- |")
    index = Index([rule.condition for rule in loaded.rules if isinstance(rule, EventRule)])
    events = build(EVENTS)
    of_rules = list(generated.execs(EVENTS, 3, [rule for rule in loaded.rules if isinstance(rule, EventRule)]))
    jobs: dict[str, Callable[[], int]] = {
        "of a build": lambda: held(index, [(event, Kin()) for event in events]),
        "of the rules' own texts": lambda: held(index, of_rules),
        "the same, with alerts made": lambda: told(engine, of_rules),
    }
    for name, job in jobs.items():
        seconds, alerts = least(job), job()
        print(f"| {name} | {EVENTS / seconds:,.0f} | {seconds / EVENTS * 1e6:.1f} µs | {alerts:,} |", flush=True)
    forks = [make_fork(event.pid, child_start=event.process_start_time, pid=1, start=1) for event in events]
    seconds = least(lambda: followed(engine, forks, events))
    print(f"| fork and exec, followed only | {EVENTS / seconds:,.0f} | {seconds / EVENTS * 1e6:.1f} µs | |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        many(Path(folder))


def many(folder: Path) -> None:
    """10,000 rules."""
    texts = generated.rules(MANY, 2)
    for at in range(0, MANY, 100):
        (folder / f"{at:05}.yml").write_text("---\n".join(texts[at : at + 100]))
    begun = time.process_time()
    loaded = load([folder])
    read = time.process_time() - begun
    begun = time.process_time()
    index = Index([rule.condition for rule in loaded.rules if isinstance(rule, EventRule)])
    compiled = time.process_time() - begun
    events = build(20)
    seconds = least(lambda: held(index, [(event, Kin()) for event in events])) / len(events)
    print(
        f"\n{len(loaded.rules):,} rules made at random: read in {read:.1f} s, compiled in {compiled:.1f} s, "
        f"{seconds * 1e3:.1f} ms an exec"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS)
