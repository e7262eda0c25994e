"""The loop between a watch and a sink."""

import os
import signal
import time

import pytest

from tests.cli.conftest import FakeWatch
from tests.events import make_exec
from whatran.cli.follow import alarm, follow, handling


class _Recorder:
    """A sink that remembers what it was told; it can hold things back until a time."""

    def __init__(self, due=None, written=0):
        self.due = due
        self.told = []
        self.now = None
        self._written = written

    def write(self, events):
        self.told.append(len(events))
        return self._written

    def release(self, now_boot_ns):
        self.told.append("release")
        self.now = now_boot_ns
        return 0

    def close(self):
        self.told.append("close")
        return 0


def test_every_batch_is_written_and_the_sink_closed():
    """All there is reaches the sink, and after each batch it may release what was held back."""
    sink = _Recorder()
    follow(FakeWatch([[make_exec()], [make_exec(), make_exec()]]), sink)

    assert [1, "release", 2, "release", "close"] == sink.told


def test_something_is_done_between_batches():
    """When all that came before is with the sink."""
    sink = _Recorder()
    follow(FakeWatch([[make_exec()], []]), sink, between=lambda: sink.told.append("between"))

    assert ["between", 1, "release", "between", 0, "release", "close"] == sink.told


def test_the_sink_is_told_the_time():
    """The time of a release is in ns since boot, as the events have it."""
    sink = _Recorder()
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    follow(FakeWatch([[]]), sink)

    assert before <= sink.now <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_a_quiet_machine_does_not_wake_us():
    """With nothing held back the wait has no end."""
    watching = FakeWatch([[], []])
    follow(watching, _Recorder())

    assert [None, None] == watching.timeouts


def test_what_is_held_back_is_waited_for():
    """With something held back the wait is as long as that, and no longer."""
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    far, past = FakeWatch([[]]), FakeWatch([[]])
    follow(far, _Recorder(due=now + 3600 * 10**9))
    follow(past, _Recorder(due=now - 1))

    assert 0 < far.timeouts[0] <= 3600
    assert [0] == past.timeouts


@pytest.mark.parametrize(("stops", "batches", "stop_after"), [(1, 1, 2), (1, 2, 3), (1, 2, 4), (0, 4, 9), (0, 4, None)])
def test_enough_is_enough(stops, batches, stop_after):
    """The watch is stopped once so many records are written, and never without a number."""
    watching = FakeWatch([[]] * 4)
    follow(watching, _Recorder(written=2), stop_after=stop_after)

    assert (stops, batches) == (watching.stopped, len(watching.timeouts))


def test_signals_have_their_handlers_within():
    """A handler is called with its signal, and the one before is back afterwards."""
    got = []
    before = signal.getsignal(signal.SIGUSR1)
    with handling({signal.SIGUSR1: got.append}):
        signal.raise_signal(signal.SIGUSR1)

    assert ([signal.SIGUSR1], before) == (got, signal.getsignal(signal.SIGUSR1))


def test_signals_that_were_ignored_stay_so():
    """A signal that we were started to ignore, as by nohup, is none of ours."""
    got = []
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with handling({signal.SIGUSR1: got.append}):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert [] == got


def test_the_alarm_goes_off():
    """The action is done when the time is over."""
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb"), alarm(0.001, lambda: os.write(writer, b"x")):
        assert b"x" == os.read(reader, 1)


@pytest.mark.parametrize("seconds", [None, 3600])
def test_the_alarm_is_called_off(seconds):
    """Once that is left nothing is pending, and the handler is the one before."""
    before = signal.getsignal(signal.SIGALRM)
    with alarm(seconds, pytest.fail):
        pass

    assert ((0.0, 0.0), before) == (signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGALRM))
