"""What became of the tests on a kernel, by what pytest said on the guest's console."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vmtest.kernels import Kernel

CLOSING = re.compile(r"^((?:\d+ \w+, )*\d+ \w+) in [\d.]+s", re.MULTILINE)
"""pytest's last line."""

FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)
SKIP = re.compile(r"^(\d+) x (?:Skipped: )?(.*)$", re.MULTILINE)
COMPLAINT = re.compile(r"^kernel: (.*)$", re.MULTILINE)
LAST_LINES = 12


@dataclass(frozen=True)
class Result:
    """Of one kernel."""

    kernel: Kernel
    console: Path
    seconds: float
    counts: dict[str, int]
    """What pytest counted: passed, failed, skipped, error. Nothing where it did not come to an end."""

    failures: list[str]
    """The tests that failed; without an end, the last lines of the console."""

    skips: dict[str, int]
    """How many tests were skipped, by the reason."""

    @property
    def passed(self) -> bool:
        """Whether pytest came to its end, some tests passed, none failed, nor did the kernel complain."""
        return self.counts.get("passed", 0) > 0 and not self.failures


def read(kernel: Kernel, console: Path, seconds: float) -> Result:
    """The result by a whole console."""
    text = console.read_text(errors="replace").replace("\r", "")
    closing = CLOSING.findall(text)
    if not closing:
        return Result(
            kernel, console, seconds, {}, ["it did not come to its end:", *text.splitlines()[-LAST_LINES:]], {}
        )
    counts = {what: int(count) for count, what in (each.split() for each in closing[-1].split(", "))}
    skips = {reason: int(count) for count, reason in SKIP.findall(text)}
    return Result(kernel, console, seconds, counts, FAILURE.findall(text) + COMPLAINT.findall(text), skips)
