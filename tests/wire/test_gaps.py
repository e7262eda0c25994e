from tests.events import BOOT, make_exec, make_exit, make_gap
from whatran.wire.gaps import OVER_THE_LIMIT, Gaps


def test_records_in_sequence_leave_no_gap():
    """Each CPU and kind counts for itself, from 1."""
    gaps = Gaps()
    events = [
        make_exec(cpu=0, sequence=1),
        make_exec(cpu=1, sequence=1),
        make_exit(cpu=0, sequence=1),
        make_exec(cpu=0, sequence=2),
    ]

    assert [None] * 4 == [gaps.before(event, BOOT) for event in events]
    assert [] == gaps.at_the_end({(0, "sched_process_exec"): 2, (1, "sched_process_exec"): 1}, 0, BOOT)


def test_a_hole_is_a_gap_before_the_record_that_shows_it():
    """It says how many of which kind are missing, on which CPU and between which times."""
    gaps = Gaps()
    gaps.before(make_exec(at=10, cpu=3, sequence=1), BOOT)

    assert make_gap(at=20, cpu=3, count=4, since=10) == gaps.before(make_exec(at=20, cpu=3, sequence=6), BOOT)


def test_records_missing_at_the_start_have_no_time_before_them():
    """Nothing was seen of that kind on that CPU, so the gap is open to the past."""
    gap = Gaps().before(make_exec(at=20, sequence=3), BOOT)

    assert (2, None) == (gap.count, gap.since)


def test_records_missing_at_the_end_are_told_by_the_kernels_count():
    """No later record shows the hole; also where none of a CPU ever came."""
    gaps = Gaps()
    gaps.before(make_exec(at=10, cpu=0, sequence=5), BOOT)
    found = gaps.at_the_end({(0, "sched_process_exec"): 8, (1, "sched_process_fork"): 2}, 99, BOOT)

    assert [(0, "sched_process_exec", 3, 10), (1, "sched_process_fork", 2, None)] == [
        (gap.cpu, gap.kind, gap.count, gap.since) for gap in found
    ]


def test_what_was_not_even_numbered_is_a_gap_of_no_cpu():
    """The kernel only counts what it did not run: each time it is asked, what is new since the last."""
    gaps = Gaps()
    first = gaps.unnumbered({"sched_process_exec": 2, "sched_process_fork": 0}, 10, BOOT)
    second = gaps.unnumbered({"sched_process_exec": 5, "sched_process_fork": 0}, 30, BOOT)

    assert [make_gap(at=10, cpu=-1, count=2, reason="program not run")] == first
    assert [make_gap(at=30, cpu=-1, count=3, since=10, reason="program not run")] == second
    assert [] == gaps.unnumbered({"sched_process_exec": 5, "sched_process_fork": 0}, 40, BOOT)


def test_count_that_goes_back_is_no_gap():
    """Only a forged recording can say so."""
    gaps = Gaps()
    gaps.unnumbered({"sched_process_exec": 5}, 10, BOOT)

    assert [] == gaps.unnumbered({"sched_process_exec": 2}, 30, BOOT)


def test_what_a_rate_limit_kept_out_is_a_gap_of_its_own():
    """It is counted beside what the kernel did not run, of the same kind."""
    gaps = Gaps()

    found = gaps.unnumbered({"sched_process_exec": 2, f"{OVER_THE_LIMIT}sched_process_exec": 7}, 10, BOOT)

    assert [("sched_process_exec", 2, "program not run"), ("sched_process_exec", 7, "rate limit")] == [
        (gap.kind, gap.count, gap.reason) for gap in found
    ]
