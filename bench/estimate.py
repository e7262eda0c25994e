"""What rounds say together: a median, and what it may as well be."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import comb

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """Of a figure that was measured several times."""

    median: float
    low: float
    high: float
    """The interval that holds the true median with CONFIDENCE; of too few rounds for that, the least and the most."""
    rounds: int
    sure: bool
    """Whether there were rounds enough for an interval."""

    @property
    def noise(self) -> bool:
        """Whether the figure may as well be zero, for all that was measured: with too few rounds that is not known."""
        return self.sure and self.low <= 0 <= self.high


def estimate(values: Iterable[float]) -> Estimate:
    """The median, with the interval between two of the values themselves: nothing is assumed of how they scatter.

    The true median is below the k-th least value of n as often as k - 1 or fewer heads come of n coins.
    """
    known = sorted(values)
    count, left = len(known), 0
    outside = 1 / 2**count
    while 2 * outside <= 1 - CONFIDENCE:
        left += 1
        outside += comb(count, left) / 2**count
    at = max(left - 1, 0)
    return Estimate(statistics.median(known), known[at], known[-1 - at], count, left > 0)


def percent_more(value: float, plain: Collection[float]) -> float:
    """Percent that a value is more than the mean of those beside it."""
    return (value / statistics.fmean(plain) - 1) * 100


def percentile(ordered: list[int], percent: int) -> int:
    """The least of the ordered values that so many percent do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def share(part: int, whole: int) -> str:
    """Percent; 100 only where nothing is missing, 0 only where everything is."""
    hundredths = part * 10_000 // whole
    return "< 0.01 %" if part and not hundredths else f"{hundredths / 100:g} %"
