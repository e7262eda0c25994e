"""A watch that needs no kernel, for the command line to drive."""

import importlib
import json

import pytest

from tests.events import make_exec, make_exit
from whatran.cli import main
from whatran.cost import Cost
from whatran.stats import Counts, Stats


class FakeWatch:
    """Gives batches as a Watch does; a batch that is a function is called for its events."""

    source = "ebpf"

    def __init__(self, batches, *, pid=None, returncode=None, stats=None, cost=None):
        self.batches = list(batches)
        self.pid = pid
        self.returncode = returncode
        self.stats = stats or Stats()
        self.cost = cost or Cost()
        self.timeouts = []
        self.source_reason = None
        self.stopped = 0
        self.woken = 0
        self.closed = False

    @property
    def ended(self):
        return not self.batches

    def read(self, timeout=None):
        self.timeouts.append(timeout)
        batch = self.batches.pop(0)
        return batch() if callable(batch) else batch

    def stop(self):
        self.stopped += 1
        self.batches.clear()

    def wake(self):
        self.woken += 1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.closed = True


class FakeReplay:
    """Gives events as a Replay does; what is wrong with the file shows as it is read."""

    headers = ()
    size = 1

    def __init__(self, events, problems=(), lost=0):
        self._events = events
        self._problems = problems
        self.problems = []
        self.stats = Stats(execs=Counts(lost=lost))

    def __iter__(self):
        yield from self._events
        self.problems += self._problems

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


class Machine:
    """What `whatran.watch` was asked for, and the fake that it gives."""

    def __init__(self):
        self.watch = FakeWatch([])
        self.error = None
        self.opened = []

    def will(self, *batches, **given):
        """The next watch gives these batches."""
        self.watch = FakeWatch(batches, **given)
        return self.watch

    def will_fail(self, error):
        """The next watch cannot be opened."""
        self.error = error

    def open(self, command=None, **asked):
        self.opened.append((command, asked))
        if self.error:
            raise self.error
        return self.watch


@pytest.fixture
def machine(monkeypatch):
    """Stands for the machine: no watch of this test sees the true one."""
    machine = Machine()
    monkeypatch.setattr(importlib.import_module("whatran.watching"), "watch", machine.open)
    return machine


@pytest.fixture
def run(capfd):
    """Run a command line: its status, standard output and standard error."""

    def run(*argv):
        try:
            status = main(argv)
        except SystemExit as leave:  # as argparse leaves after --help
            status = leave.code
        out, err = capfd.readouterr()
        return status, out, err

    return run


@pytest.fixture
def a_program():
    """A batch: one program that ran and failed."""
    return [make_exec(("witness", "a b")), make_exit(3)]


@pytest.fixture
def some_lost():
    """Statistics of a watch that lost events."""
    return Stats(execs=Counts(seen=5, filtered=2, lost=3), exits=Counts(lost=1))


def events_of(text):
    """The kinds of the events in JSON lines."""
    return [json.loads(line)["event"].removeprefix("sched_process_") for line in text.splitlines()]
