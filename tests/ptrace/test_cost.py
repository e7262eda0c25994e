"""What whatran says that it costs has the tracer in it."""

import resource

import whatran
from tests.ebpf.test_cost import storm  # noqa: F401  # a fixture


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
