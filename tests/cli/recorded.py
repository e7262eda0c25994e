"""A replay that needs no file, for the command line to read."""

from types import SimpleNamespace

from whatran.stats import Counts, Stats


class FakeReplay:
    """Gives events as a Replay does."""

    def __init__(self, events, *, problems=(), lost=0, filtered=False):
        self.events = events
        self.problems = list(problems)
        self.stats = Stats(execs=Counts(lost=lost))
        self.headers = (SimpleNamespace(filtered=filtered),)
        self.size = 100

    def __iter__(self):
        return iter(self.events)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


class Recordings:
    """What `whatran.replay` was asked for, and the fake that it gives."""

    def __init__(self):
        self.opened = []
        self.replay = FakeReplay([])
        self.error = None

    def have(self, events, **given):
        self.replay = FakeReplay(events, **given)

    def open(self, paths, **asked):
        self.opened.append(list(paths))
        if self.error:
            raise self.error
        return self.replay
