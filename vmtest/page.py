"""Results in words: some lines for whoever waits, a page of the documentation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vmtest.selection import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmtest.result import Result

INTRODUCTION = """\
# Kernels

The tests that ask the real kernel, `tests/ebpf`, on Debian's own kernels: in QEMU without a network, two processors by
plain emulation, around them Debian 12. They compare what whatran says with what the kernel tells witness programs.
`make test-kernels ARGS='-o docs/kernels.md'` writes this page; `ARGS='amd64/6.12 -- tests/ebpf/test_fork.py'` has one
kernel run some of them. A test is skipped only where the kernel has not what it is about.

"""


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


def page(results: list[Result], absent: list[str], tests: list[str]) -> str:
    """A run as Markdown; of which tests, is said too."""
    lines = ["| kernel | architecture | passed | failed | skipped | seconds |", "| --- | --- | --- | --- | --- | --- |"]
    skips: Counter[str] = Counter()
    for result in results:
        failed = len(result.failures) if result.counts else "all"
        counts = (result.counts.get("passed", 0), failed, result.counts.get("skipped", 0), f"{result.seconds:.0f}")
        lines.append(f"| {' | '.join(map(str, (result.kernel.release, result.kernel.arch, *counts)))} |")
        skips.update(result.skips)
    lines += _listed("Failed", (f"{each.kernel.release}: `{test}`" for each in results for test in each.failures))
    lines += _listed("Not to be had", absent)
    lines += _listed("Skipped", (f"{reason}: {count}" for reason, count in skips.most_common()))
    lines += _listed("Tests", (f"`{test}`" for test in tests if not test.startswith("--deselect=")))
    spared = {test: reason for test, reason in LEFT_OUT.items() if f"--deselect={test}" in tests}
    lines += _listed("Left to other machines", (f"`{test}`: {reason}" for test, reason in spared.items()))
    return INTRODUCTION + "\n".join(lines) + "\n"


def _listed(title: str, items: Iterable[str]) -> list[str]:
    found = [f"- {item}" for item in items]
    return ["", f"## {title}", "", *found] if found else []
