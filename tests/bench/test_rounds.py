import dataclasses

import pytest

from bench import rounds
from bench.figures import CannotRun, Figures
from bench.gate import LoadFailed
from bench.loads import Load
from bench.monitors import FLOOR, NONE, Monitor
from bench.rounds import Found, one_round
from bench.told import Place

LOAD = Load("storm", "a storm", [], execs=100)
PLAIN = Figures(1.0, 1.0, None, None, None, 0.0, 0, 0, 0, None, 0)
A, B, C = (Monitor(name, lambda _: ["true"], lambda _: 100, program=name) for name in "abc")


@pytest.fixture
def rounded(monkeypatch, tmp_path):
    """Makes a round of which each run takes a second longer than the one before, and says who ran in what order."""

    def make(monitors, load=LOAD, failing=None):
        ran = []

        def run(monitor, *_):
            ran.append(monitor.name)
            if failing and (why := failing(monitor, len(ran))):
                raise why
            return dataclasses.replace(PLAIN, wall=float(len(ran)))

        monkeypatch.setattr(rounds, "run", run)
        found = Found([NONE, *monitors], [load])
        one_round(found, load, 0, tmp_path, Place(tmp_path, tmp_path, tmp_path))
        return found, ran

    return make


def test_each_monitor_runs_between_two_runs_with_none(rounded):
    """What changes steadily while a round goes on is not taken for a cost."""
    found, ran = rounded([A, B, C])
    assert ["none"] * 4 == ran[::2]
    assert {"a", "b", "c"} == {*ran[1::2]}
    for (_, name), measured in found.runs.items():
        wall = ran.index(name) + 1.0
        assert (wall, [wall - 1, wall + 1]) == (measured[0].run.wall, [run.wall for run in measured[0].plain])
    assert 4 == len(found.plain["storm"])


def test_of_a_long_load_monitors_share_their_neighbours(rounded):
    """Two monitors run between two runs with none, and are compared with both."""
    found, ran = rounded([A, B, C], dataclasses.replace(LOAD, company=2))
    assert ["none", "none", "none"] == [ran[0], ran[3], ran[5]]
    assert {2} == {len(measured[0].plain) for measured in found.runs.values()}


def test_a_run_that_failed_is_told_of(rounded):
    """What is in no figure is in a list of its own, with the reason; its neighbours are kept."""
    found, _ = rounded([A, B], failing=lambda monitor, _: LoadFailed("no space") if monitor is A else None)
    assert {("storm", "b")} == found.runs.keys()
    assert ["a, storm, round 1: the load failed: no space"] == found.failed


def test_a_neighbour_that_failed_leaves_the_other(rounded):
    """A monitor is compared with the one run with none that there is."""
    found, _ = rounded([A], failing=lambda _, number: LoadFailed("killed") if number == 1 else None)
    assert [3.0] == [run.wall for run in found.runs["storm", "a"][0].plain]


def test_without_neighbours_there_is_no_figure(rounded):
    """A run that cannot be compared is told of."""
    found, _ = rounded([A], failing=lambda monitor, _: LoadFailed("killed") if monitor is NONE else None)
    assert {} == found.runs
    assert "storm, round 1, a: no run beside it to compare with" == found.failed[-1]


def test_a_monitor_that_cannot_run_is_not_tried_again(rounded):
    """It is listed with its last words."""
    found, _ = rounded([A, FLOOR], failing=lambda monitor, _: CannotRun("no kernel") if monitor is FLOOR else None)
    assert {FLOOR.name: "does not run here: no kernel"} == found.missing
