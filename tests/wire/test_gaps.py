from tests.events import make_exec, make_exit
from whatran.event import Gap
from whatran.wire.gaps import Gaps


def test_records_in_sequence_leave_no_gap():
    """Each CPU and kind counts for itself, from 1."""
    gaps = Gaps()
    events = [
        make_exec(cpu=0, sequence=1),
        make_exec(cpu=1, sequence=1),
        make_exit(cpu=0, sequence=1),
        make_exec(cpu=0, sequence=2),
    ]

    assert [None] * 4 == [gaps.before(event, 0) for event in events]
    assert [] == gaps.at_the_end({(0, "sched_process_exec"): 2, (1, "sched_process_exec"): 1}, 0, 0)


def test_a_hole_is_a_gap_before_the_record_that_shows_it():
    """It says how many of which kind are missing, on which CPU and between which times."""
    gaps = Gaps()
    gaps.before(make_exec(at=10, cpu=3, sequence=1), 1_000)

    assert Gap(1, "gap", 1_020, 20, 3, "sched_process_exec", 4, 10, "ring full") == gaps.before(
        make_exec(at=20, cpu=3, sequence=6), 1_000
    )


def test_records_missing_at_the_start_have_no_time_before_them():
    """Nothing was seen of that kind on that CPU, so the gap is open to the past."""
    gap = Gaps().before(make_exec(at=20, sequence=3), 0)

    assert (2, None) == (gap.count, gap.since)


def test_records_missing_at_the_end_are_told_by_the_kernels_count():
    """No later record shows the hole; also where none of a CPU ever came."""
    gaps = Gaps()
    gaps.before(make_exec(at=10, cpu=0, sequence=5), 0)
    found = gaps.at_the_end({(0, "sched_process_exec"): 8, (1, "sched_process_fork"): 2}, 99, 0)

    assert [(0, "sched_process_exec", 3, 10), (1, "sched_process_fork", 2, None)] == [
        (gap.cpu, gap.kind, gap.count, gap.since) for gap in found
    ]
