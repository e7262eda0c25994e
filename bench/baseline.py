"""What checking costs: `python -m bench.baseline` says how many events a second one CPU takes, all known or all new."""

from __future__ import annotations

import itertools
import time

from tests.baseline.made import learned, told
from whatran.baseline.check import Checker
from whatran.baseline.observe import Observer

COMPILED = 300
TIMES = 20


def build(flag: str) -> list:
    commands = []
    for number in range(COMPILED):
        file = f"src/f{number}.c"
        commands.append(("gcc", flag, "-Wall", "-Iinclude", "-c", "-o", f"obj/f{number}.o", file))
        cc1 = ("cc1", "-quiet", "-imultiarch", "x86_64-linux-gnu", file, "-quiet", "-dumpbase", file, flag)
        commands.append(((*cc1, "-o", f"/tmp/cc{number:05}A.s"), {"of": 2 * number}))  # noqa: S108  # a text
    return told(*commands)


def rate(baseline, recordings) -> float:
    """Events a second, of CPU time."""
    observer, checker = Observer(baseline.settings, command=False), Checker(baseline)
    started = time.process_time()
    for event in itertools.chain.from_iterable(recordings):
        if seen := observer(event):
            checker(event, seen)
    return sum(map(len, recordings)) / (time.process_time() - started)


def main() -> None:
    known, other = build("-O2"), build("-O3")
    baseline = learned(known, command=False)
    print(f"known: {rate(baseline, [known] * TIMES):,.0f} events a second, a third of them execs")
    print(f"new, each: {rate(baseline, [other]):,.0f} events a second")


if __name__ == "__main__":
    main()
