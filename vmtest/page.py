"""Results in words: some lines for whoever waits, a page of the documentation and, beside it, what it is made of."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vmtest.kernels import ALL
from vmtest.selection import FEW, LEFT_OUT, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vmtest.result import Result

DIFFERENCES = Path(__file__).with_name("differences.md")

INTRODUCTION = """\
# Kernels

The tests that ask the real kernel, `tests/ebpf`, on Debian's own kernels: in QEMU without a network, two processors by
plain emulation, around them Debian 12. They compare what whatran says with what the kernel tells witness programs.
`make test-kernels ARGS='-o docs/kernels.md'` writes this page; a run of some kernels, as with `ARGS='-o docs/kernels.md
amd64/6.12'`, renews their rows and leaves the others as they were. A test is skipped only where the kernel has not what
it is about.

"""


@dataclass(frozen=True)
class Row:
    """What the page keeps of one kernel: of its last run."""

    release: str
    day: str
    """By UTC."""

    tests: str
    """Which there were: "all" or "few"."""

    passed: int
    failed: list[str]
    skipped: dict[str, int]
    seconds: int
    ended: bool = True
    """Whether it came to its end."""


def row(result: Result, *, few: bool) -> Row:
    """What is kept of a result of today."""
    return Row(
        result.kernel.release,
        time.strftime("%Y-%m-%d", time.gmtime()),
        "few" if few else "all",
        result.counts.get("passed", 0),
        result.failures,
        result.skips,
        round(result.seconds),
        bool(result.counts),
    )


def said(result: Result, series: str) -> str:
    """What became of one kernel; of a failure also how to have it again."""
    counted = ", ".join(f"{count} {what}" for what, count in result.counts.items())
    line = f"{result.kernel.release}: {counted or 'no result'}, {result.seconds:.0f} s"
    if result.passed:
        return line
    tests = sorted({name.partition("[")[0] for name in result.failures if "::" in name})
    arguments = " ".join([f"{result.kernel.arch}/{series}", *(["--"] if tests else []), *tests])
    shown = [*result.failures, f"more: {result.console}", f"again: make test-kernels ARGS='{arguments}'"]
    return "\n  ".join([line, *shown])


def write(path: Path, new: Mapping[str, Row]) -> None:
    """Writes the page, and beside it what it is made of: rows by series, where there are no new ones the old."""
    kept = path.with_suffix(".json")
    rows = msgspec.json.decode(kept.read_bytes(), type=dict[str, Row]) if kept.exists() else {}
    rows |= new
    ordered = {series: rows[series] for series in every() if series in rows}
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(ordered)) + b"\n")
    path.write_text(page(ordered))


def every() -> list[str]:
    """All series with their architectures, in their order."""
    return [f"{arch}/{series}" for arch, of in ALL.items() for series in of]


def page(rows: Mapping[str, Row]) -> str:
    """All rows as Markdown, with which tests they are of."""
    lines = ["| kernel | release | tests | passed | failed | skipped | seconds | day |", "| --- " * 8 + "|"]
    skips: dict[str, list[str]] = defaultdict(list)
    for series, each in rows.items():
        failed = len(each.failed) if each.ended else "did not end"
        counts = (each.passed, failed, sum(each.skipped.values()), each.seconds)
        lines.append(f"| {' | '.join(map(str, (series, each.release, each.tests, *counts, each.day)))} |")
        for reason, count in each.skipped.items():
            skips[reason].append(f"{series} ({count})")
    lines += _listed("Failed", (f"{series}: `{test}`" for series, each in rows.items() for test in each.failed))
    lines += _listed("Not run", (series for series in every() if series not in rows))
    lines += _listed("Skipped", (f"{reason}: {', '.join(where)}" for reason, where in sorted(skips.items())))
    lines += ["", DIFFERENCES.read_text().rstrip("\n")]
    lines += _listed("All tests", [f"`{TESTS}`, but for", *(f"`{test}`: {why}" for test, why in LEFT_OUT.items())])
    lines += _listed("Few tests", (f"`{test}`" for test in FEW))
    return INTRODUCTION + "\n".join(lines) + "\n"


def _listed(title: str, items: Iterable[str]) -> list[str]:
    found = [f"- {item}" for item in items]
    return ["", f"## {title}", "", *found] if found else []


if __name__ == "__main__":  # anew from what is kept, where only the words have changed
    write(Path(sys.argv[1]), {})
