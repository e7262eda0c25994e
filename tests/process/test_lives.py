"""A life is one row."""

from tests.events import MS, WALL, make_exec, make_exit, make_fork, make_gap
from whatran.process.lives import Lives


def _lives(*events):
    lives = Lives()
    return [*filter(None, map(lives, events)), *lives.finish()]


def test_a_life_has_fork_execs_and_exit():
    """Who made it, all it executed, how it ended and what it used, in one record."""
    (life,) = _lives(
        make_fork(2, child_start=20 * MS, pid=1, start=10 * MS, parent_pid=1),
        make_exec(("sh", "-c", "x"), pid=2, start=20 * MS, at=21 * MS),
        make_exec(("x",), pid=2, start=20 * MS, at=22 * MS, ppid=7),
        make_exit(3, pid=2, start=20 * MS, at=25 * MS, max_rss=4096, ppid=7),
    )

    assert (2, 20 * MS, 1, 10 * MS, 7) == (
        life.pid,
        life.start_time,
        life.creator_pid,
        life.creator_start_time,
        life.ppid,
    )
    assert (WALL + 20 * MS, WALL + 25 * MS, 5 * MS) == (life.start_timestamp, life.end_timestamp, life.duration)
    assert [["sh", "-c", "x"], ["x"]] == [program.argv for program in life.programs]
    assert (["x"], 3, 0, 4096) == (life.argv, life.exit_code, life.signal_code, life.max_rss)


def test_a_life_that_goes_on_has_no_end():
    """What is not known yet is None."""
    (life,) = _lives(make_exec(pid=1))

    assert (["true"], None, None, None) == (life.argv, life.exit_code, life.duration, life.end_timestamp)


def test_a_fork_that_executes_nothing_is_a_life():
    """It has no program, and the parent that its fork told."""
    (life,) = _lives(make_fork(2, child_start=20, pid=1, start=10, parent_process_pid=1))

    assert ([], None, 1) == (life.programs, life.pathname, life.ppid)


def test_the_end_of_what_was_there_before_is_no_life():
    """Nothing is known of it but that it ended."""
    assert [] == _lives(make_exit(pid=9), make_gap())


def test_threads_are_part_of_their_process():
    """Neither their start nor their end is one."""
    lives = _lives(
        make_exec(pid=1),
        make_fork(1, child_start=20, pid=1, child_tid=5),
        make_exit(pid=1, tid=5, process_group_exit=False),
    )

    assert [(1, None)] == [(life.pid, life.exit_code) for life in lives]


def test_what_has_ended_is_forgotten():
    """A million short lives leave nothing behind."""
    lives = Lives()
    for pid in range(1, 100):
        lives(make_exec(pid=pid, start=pid))
        lives(make_exit(pid=pid, start=pid))

    assert {} == lives._open
