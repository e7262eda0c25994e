"""What whatran says that it costs has the tracer in it; and what tests/ebpf has to say of asking for it."""

import resource

import pytest

import whatran
from tests.ebpf.test_cost import (  # noqa: F401  # are collected here too
    storm,
    test_asking_loses_nothing,
    test_cpu_and_memory_are_what_the_kernel_says,
    test_the_command_does_not_notice,
    test_the_command_has_its_signals,
)


@pytest.fixture
def source():
    """What tells of it."""
    return "ptrace"


def test_the_tracer_is_counted_to_its_end(storm):  # noqa: F811  # the fixture
    """What children have used meanwhile has in it what the tracer has, which is told once it is gone."""
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    done = whatran.run(storm, source="ptrace")
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]

    (own, children), (own_then, children_then) = [
        [each.ru_utime + each.ru_stime for each in both] for both in (before, after)
    ]
    cpu = (done.cost.user_time + done.cost.system_time) / 1e9
    assert own < own_then < cpu < own_then + children_then - children
