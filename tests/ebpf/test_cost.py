"""What whatran says that it costs is what the kernel says of it."""

import resource
import subprocess

import pytest

import whatran
from tests.costs import forks_ever, loaded_programs

from .conftest import open_descriptors

EACH = 1_000


@pytest.fixture
def storm(programs):
    """A command that executes EACH programs."""
    return [str(programs / "storm"), "1", str(EACH), str(programs / "true")]


def read_to_the_end(watched):
    """Its events; it stays open."""
    events = []
    while not watched.ended:
        events += watched.read()
    return events


def timers():
    """How many descriptors we have by which the kernel times BPF programs."""
    return sum("bpf-stats" in link for link in open_descriptors().values())


def test_programs_are_timed_on_request(storm):
    """Each program has the runs and the time that the kernel has noted; one ran for every fork there was."""
    before = forks_ever()
    with whatran.watch(storm, bpf_stats=True) as watched:
        read_to_the_end(watched)
        most, noted, within = forks_ever() - before, loaded_programs(), timers()

    programs = watched.cost.programs
    runs = {each.name.removesuffix("_v5"): each.run_count for each in programs}
    assert noted == sorted((each.run_count, each.run_time_ns) for each in programs)
    assert EACH + 1 <= runs["whatran_fork"] <= most
    assert EACH + 1 <= runs["whatran_exec"]
    assert (1, 0) == (within, timers())


def test_programs_are_not_timed_unasked(storm):
    """Without being asked the kernel is not made to time anything; what it has noted all the same is told."""
    with whatran.watch(storm) as watched:
        read_to_the_end(watched)

        assert 0 == timers()
        assert loaded_programs() == sorted((each.run_count, each.run_time_ns) for each in watched.cost.programs)


def test_waiting_is_counted():
    """Each read that waits is a wake-up, and has given up the CPU; one that is woken gives what there is."""
    with subprocess.Popen(["sleep", "1000"]) as quiet, whatran.watch(tree=[quiet.pid]) as watched:
        before, switches = watched.cost.wakeups, resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        for _ in range(3):
            assert [] == watched.read(timeout=0.01)
        waited = watched.cost.wakeups - before
        switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - switches
        watched.wake()
        assert [] == watched.read()
        quiet.kill()

    assert 3 == waited <= switches


def test_a_run_has_its_cost(storm):
    """It was watched from its first event to its last; all its frames were read, and none is smaller than its head."""
    done = whatran.run(storm)

    span = done.events[-1].timestamp_boot - done.events[0].timestamp_boot
    assert 0 == done.stats.lost
    assert span < done.cost.watched
    assert 32 * len(done.events) < done.cost.bytes_read
    assert 0 < done.cost.start_cpu_time < done.cost.user_time + done.cost.system_time
