"""A source that loses what it should tell, and who takes what it tells all the same."""

from whatran.stats import Counts
from whatran.wire import layout


class Lossy:
    """A source that loses something each time it is asked, and takes its time to list all processes."""

    def __init__(self, kind, clock, seconds):
        self.looks = []
        self._lost = dict.fromkeys(layout.KINDS, 0)
        self._kind = kind
        self._clock = clock
        self._seconds = seconds

    def counts(self):
        self._lost[self._kind] += 1
        return {kind: Counts(lost=lost) for kind, lost in self._lost.items()}

    def tasks(self):
        self.looks.append(self._clock.now)
        self._clock.now += self._seconds
        return []


class Deaf:
    """A Taker to whom nothing is news."""

    def __init__(self, *, crowded=False):
        self.crowded = crowded

    def unnumbered(self, failed, now_boot_ns, boot):
        return []

    def learn(self, living, boot):
        return []

    def settle(self):
        return []
