"""What was counted: so that nothing is lost in silence."""

from __future__ import annotations

import msgspec


class Counts(msgspec.Struct, frozen=True, gc=False):
    """Records of one kind, all CPUs together."""

    seen: int = 0
    """All that happened where we watched, whatever became of it."""
    produced: int = 0
    """By the kernel program, lost ones included."""
    lost: int = 0
    """The ring buffer was full, or so full that it was kept for what counts more."""
    failed: int = 0
    """The record could not be built, or the program was not run."""
    filtered: int = 0
    """Kept out by a filter."""
    limited: int = 0
    """Not recorded, as their cgroup had reached the rate limit."""
    cut: int = 0
    """Of execs: recorded with 4 KiB of their arguments or no environment, as the ring buffer was filling up."""
    received: int = 0
    """Read from the ring buffer: produced - lost once all is drained."""


class Stats(msgspec.Struct, frozen=True, gc=False):
    """Counts for each kind of record."""

    execs: Counts = Counts()
    forks: Counts = Counts()
    exits: Counts = Counts()
    failed: Counts = Counts()
    """Of execs that failed, each attempt."""
    texts: Counts = Counts()
    """Of the frames in which long arguments and environments are continued."""
    malformed: int = 0
    """Frames that could not be decoded."""

    @property
    def lost(self) -> int:
        """All that happened and is missing: lost, failed or malformed."""
        return (
            sum(c.lost + c.failed for c in (self.execs, self.forks, self.exits, self.failed, self.texts))
            + self.malformed
        )

    @property
    def limited(self) -> int:
        """All that was kept out by the rate limit."""
        return sum(c.limited for c in (self.execs, self.forks, self.exits, self.failed))

    @property
    def filtered(self) -> int:
        """All that was kept out by filters."""
        return sum(c.filtered for c in (self.execs, self.forks, self.exits, self.failed))
