"""How often processes are looked at for what was lost; tests/ebpf/test_repair.py has what that tells."""

import itertools
import types

import pytest

from tests.lossy import Deaf, Lossy
from whatran import repair
from whatran.repair import LOOK_SECONDS, LOOKING_PART, Repair
from whatran.scope import Scope
from whatran.wire import layout
from whatran.wire.settings import Settings


@pytest.fixture
def clock(monkeypatch):
    """What the time is, for a Repair."""
    now = types.SimpleNamespace(now=0.0, CLOCK_BOOTTIME=0, clock_gettime_ns=lambda _: 0)
    now.monotonic = lambda: now.now
    monkeypatch.setattr(repair, "time", now)
    return now


def looks(clock, kind, seconds, **deaf):
    """When it looked, being asked ten times a second for a while."""
    source = Lossy(kind, clock, seconds)
    looking = Repair(source, Deaf(**deaf), Scope(None), Settings())
    while clock.now < 60:
        clock.now += 0.1
        looking.happened()
        looking()
    return source.looks


def test_losses_are_looked_for_once_a_second(clock):
    """No more often, however much is lost."""
    found = looks(clock, layout.EXEC, 0)

    assert 50 <= len(found) <= 60
    assert min(b - a for a, b in itertools.pairwise(found)) >= LOOK_SECONDS


def test_where_looking_takes_long_it_is_done_seldom(clock):
    """Many processes must not keep it from reading, which would lose more."""
    found = looks(clock, layout.EXEC, 0.5)

    assert min(b - a for a, b in itertools.pairwise(found)) >= 0.5 * LOOKING_PART


@pytest.mark.parametrize(("kind", "looked"), [(layout.EXIT, True), (layout.FORK, False), (layout.TEXT, False)])
def test_who_ended_unseen_is_looked_for(clock, kind, looked):
    """Lost exits are reason enough: who has ended would be remembered."""
    assert looked == bool(looks(clock, kind, 0))


def test_who_ended_untold_is_looked_for_in_a_crowd(clock):
    """Where exits are not asked for, too many that are remembered are reason enough."""
    assert 50 <= len(looks(clock, layout.FORK, 0, crowded=True)) <= 60
