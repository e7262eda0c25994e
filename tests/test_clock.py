"""Which clocks are meant, and what becomes of dates where one of them steps."""

import time

import pytest

from tests.recording.made import lifetime
from whatran import clock
from whatran.pipeline import Pipeline, stages
from whatran.process.facts import Facts
from whatran.source import procfs

HOUR = 3_600_000_000_000


class Clocks:
    """The clocks of a machine, each in ns."""

    def __init__(self):
        """Some time after boot."""
        self.now = {time.CLOCK_REALTIME: 500 * HOUR, time.CLOCK_BOOTTIME: 3 * HOUR, time.CLOCK_MONOTONIC: 2 * HOUR}

    def go_on(self, ns, *but):
        """So much time goes by, on all but these."""
        self.now |= {each: now + ns for each, now in self.now.items() if each not in but}


@pytest.fixture
def clocks(monkeypatch):
    """All there is to tell the time by."""
    made = Clocks()
    monkeypatch.setattr(time, "clock_gettime_ns", lambda which: made.now[which])
    monkeypatch.setattr(clock, "shift_ns", lambda: 0)
    return made


@pytest.fixture
def told(clocks):
    """Events of a process whose exec and whose end are read at different times; something happens between."""

    def tell(between):
        pipeline = Pipeline(stages(Facts(), None), fold=False)
        start = clocks.now[time.CLOCK_BOOTTIME]
        fork, executed, *_, end = lifetime(7, start, 1)
        events = pipeline([fork, executed], procfs.boot())
        between()
        late = clocks.now[time.CLOCK_BOOTTIME]
        end = lifetime(7, late, 1)[-1]
        events += pipeline([end], procfs.boot())
        return [(each.event.rpartition("_")[2], each.timestamp, each.timestamp_boot) for each in events]

    return tell


def test_wall_clock_that_is_set(clocks, told):
    """Each event has the date that the clock showed as it was read; times since boot, and so all durations, go on."""

    def set_back():
        clocks.go_on(HOUR)
        clocks.now[time.CLOCK_REALTIME] -= 10 * HOUR

    assert [
        ("fork", 500 * HOUR, 3 * HOUR),
        ("exec", 500 * HOUR + 1, 3 * HOUR + 1),
        ("exit", 491 * HOUR + 3, 4 * HOUR + 3),
    ] == told(set_back)


def test_suspend(clocks, told):
    """The clock that events have goes on meanwhile, as that of the wall does: what comes after has its true date."""
    assert [
        ("fork", 500 * HOUR, 3 * HOUR),
        ("exec", 500 * HOUR + 1, 3 * HOUR + 1),
        ("exit", 508 * HOUR + 3, 11 * HOUR + 3),
    ] == told(lambda: clocks.go_on(8 * HOUR, time.CLOCK_MONOTONIC))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Stands for /proc/self: with an own time namespace, or one for children alone, and its offsets."""

    def make(offsets, *, ours=True):
        (tmp_path / "ns").mkdir()
        (tmp_path / "ns/time").touch()
        if ours:
            (tmp_path / "ns/time_for_children").hardlink_to(tmp_path / "ns/time")
        else:
            (tmp_path / "ns/time_for_children").touch()
        (tmp_path / "timens_offsets").write_text(offsets)

    monkeypatch.setattr(clock, "_SELF", tmp_path)
    clock.shift_ns.cache_clear()
    yield make
    clock.shift_ns.cache_clear()


@pytest.mark.parametrize(
    ("expected", "offsets", "ours"),
    [
        (0, "monotonic           0         0\nboottime            0         0\n", True),
        (3_000_000_005, "monotonic           9         9\nboottime            3         5\n", True),
        (-1_000_000_000, "monotonic          -1         0\nboottime           -1         0\n", True),
        (0, "monotonic           9         9\nboottime            3         5\n", False),
        (3_000_000_005, "1 9 9\n7 3 5\n", True),
    ],
)
def test_shift_of_a_time_namespace(own, expected, offsets, ours):
    """That of boot time, under either of its names; what is for children alone does not count."""
    own(offsets, ours=ours)

    assert expected == clock.shift_ns()


def test_kernel_without_time_namespaces(own):
    """Has no shift."""
    assert 0 == clock.shift_ns()
