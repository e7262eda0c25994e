"""A life is one row."""

import dataclasses
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import BOOT, MS, WALL, make_exec, make_exit, make_failed, make_fork, make_gap
from whatran.event import Exit, Fork
from whatran.process.lives import SHARED_LENGTH, Lives


def lives_of(*events):
    """All lives of these events, in the order in which they come."""
    lives = Lives()
    return [*(life for event in events for life in lives(event)), *lives.finish()]


def test_a_life_has_fork_execs_and_exit():
    """Who made it, all it executed, how it ended and what it used, in one record."""
    life, _ = lives_of(
        make_fork(2, child_start=20 * MS, pid=1, start=10 * MS),
        make_exec(("sh", "-c", "x"), pid=2, start=20 * MS, at=21 * MS),
        make_exec(("x",), pid=2, start=20 * MS, at=22 * MS),
        make_exit(3, pid=2, start=20 * MS, at=25 * MS, max_rss=4096, comm="x"),
    )

    assert ((BOOT.id, 2, 20 * MS), (BOOT.id, 1, 10 * MS), "x") == (life.key, life.creator, life.comm)
    assert (WALL + 20 * MS, WALL + 25 * MS, 5 * MS) == (life.start_timestamp, life.end_timestamp, life.duration)
    assert [["sh", "-c", "x"], ["x"]] == [program.argv for program in life.programs]
    assert [21 * MS, 22 * MS] == [program.timestamp_boot for program in life.programs]
    assert (["x"], 3, 0, 4096) == (life.argv, life.exit_code, life.signal_code, life.max_rss)
    assert (True, False, False) == (life.failed, life.running, life.older)


def test_a_life_that_goes_on_has_no_end():
    """What is not known yet is None."""
    (life,) = lives_of(make_exec(pid=1))

    assert (["true"], None, None, None) == (life.argv, life.exit_code, life.duration, life.end_timestamp)
    assert (True, False) == (life.running, life.failed)


def test_a_fork_that_executes_nothing_is_a_life():
    """It has no program, and the parent that its fork told."""
    _, life = lives_of(make_fork(2, child_start=20, pid=1, start=10, comm="sh"))

    assert ([], None, "sh") == (life.programs, life.pathname, life.comm)
    assert (1, 10, "sh", False) == (life.ppid, life.ppid_start_time, life.ppid_comm, life.adopted)


def test_a_fork_as_a_sibling():
    """With CLONE_PARENT a child is its creator's, and its creator's parent's."""
    event = make_fork(
        2, child_start=20, pid=1, start=10, ppid=7, ppid_start_time=5, ppid_comm="sh", parent_process_pid=7
    )
    _, life = lives_of(event)

    assert ((BOOT.id, 1, 10), (BOOT.id, 7, 5), "sh", True) == (life.creator, life.parent, life.ppid_comm, life.adopted)


def test_an_adopted_process():
    """Once its creator has ended the parent is another, and both are told."""
    life, _ = lives_of(
        make_fork(2, child_start=20, pid=1, start=10),
        make_exec(pid=2, start=20, at=30, ppid=1, ppid_start_time=10, ppid_comm="sh"),
        make_exit(pid=2, start=20, at=40, ppid=9, ppid_start_time=5, ppid_comm="systemd"),
    )

    assert ((BOOT.id, 1, 10), 9, 5, "systemd") == (life.creator, life.ppid, life.ppid_start_time, life.ppid_comm)
    assert life.adopted


def test_a_fork_is_its_callers_word_too():
    """What a process was when it last forked is newer than what it was at its exec."""
    daemon, _ = lives_of(
        make_exec(("daemon",), pid=2, start=20, at=30, ppid=1, ppid_start_time=10),
        make_fork(3, child_start=40, pid=2, start=20, comm="worker", ppid=9, ppid_start_time=5, ppid_comm="init"),
    )

    assert ("worker", 9, 5, "init") == (daemon.comm, daemon.ppid, daemon.ppid_start_time, daemon.ppid_comm)


def test_a_creator_that_was_there_before_is_a_life():
    """So whoever is named as a creator has a row, with what was seen of it."""
    _, older = lives_of(
        make_fork(2, child_start=20, pid=1, start=10, comm="bash"),
        make_exit(pid=2, start=20),
        make_exit(4, pid=1, start=10, comm="bash"),
    )

    assert ((BOOT.id, 1, 10), None, "bash", [], 4, True) == (
        older.key,
        older.creator,
        older.comm,
        older.programs,
        older.exit_code,
        older.older,
    )


def test_the_end_of_what_was_there_before_is_no_life():
    """Nothing is known of it but that it ended."""
    assert [] == lives_of(make_exit(pid=9), make_gap())


def test_a_creator_that_only_others_know():
    """Where the fork is not among the events, the creator that an own event names counts."""
    (life,) = lives_of(make_exec(pid=2, start=20, creator_pid=1, creator_start_time=10, ppid=7, ppid_start_time=5))

    assert ((BOOT.id, 1, 10), True, False) == (life.creator, life.adopted, life.older)


def test_threads_are_part_of_their_process():
    """Neither their start nor their end is one."""
    lives = lives_of(
        make_exec(pid=1),
        make_fork(1, child_start=102 * MS, pid=1, child_tid=5),
        make_exit(pid=1, tid=5, process_group_exit=False),
    )

    assert [(1, None)] == [(life.pid, life.exit_code) for life in lives]


def test_machines_are_told_apart():
    """The same pid, and even the same time since boot, on another machine is another process."""
    lives = lives_of(
        make_exec(("a",), pid=1, start=0),
        make_exec(("b",), pid=1, start=0, boot_id="another"),
        make_exit(1, pid=1, start=0),
        make_exit(2, pid=1, start=0, boot_id="another"),
    )

    assert [(["a"], BOOT.id, 1), (["b"], "another", 2)] == [(life.argv, life.boot_id, life.exit_code) for life in lives]


def test_what_has_ended_is_forgotten():
    """A million short lives leave nothing behind."""
    lives = Lives()
    for pid in range(1, 100):
        lives(make_exec(pid=pid, start=pid))
        lives(make_exit(pid=pid, start=pid))

    assert {} == lives._open


@pytest.mark.parametrize(
    ("event", "others"),
    [
        (make_exec(pid=2, start=30), []),
        (make_exit(pid=2, start=30), []),
        (make_fork(2, child_start=30, pid=1, start=10), [(BOOT.id, 1, 10)]),
        (make_fork(3, child_start=40, pid=2, start=30), [(BOOT.id, 3, 40)]),
    ],
)
def test_a_pid_with_a_new_owner(event, others):
    """Where an exit was lost, whoever has the pid next shows that there was an end; how it ended is not known."""
    lives = Lives()
    lives(make_exec(("lost",), pid=2, start=20))
    (life,) = lives(event)

    assert ((BOOT.id, 2, 20), ["lost"]) == (life.key, life.argv)
    assert (False, None, None, None) == (life.running, life.exit_code, life.duration, life.end_timestamp)
    later = [] if isinstance(event, Exit) else [(BOOT.id, 2, 30)]
    assert sorted([*others, *later]) == sorted(life.key for life in lives.finish())


@pytest.mark.parametrize("event", [make_exec(env=["A=" + "x" * 1000]), make_fork(), make_failed()])
def test_events_are_not_kept(event):
    """Of who lives on no more is kept than its life will tell: an event may have an environment of some MiB."""
    lives = Lives()
    before = sys.getrefcount(event)
    lives(event)

    assert before == sys.getrefcount(event)


def test_lost_exits_leave_no_more_than_there_are_pids():
    """Where every exit is missing, what is kept has still an end: one process a pid."""
    lives = Lives()
    ended = [life for start in range(1000) for life in lives(make_exec(pid=start % 10, start=start))]

    assert (990, 10) == (len(ended), len(lives._open))


def test_an_exec_that_comes_late_is_not_lost():
    """Also where its process's pid has another owner by then, who lives on."""
    late, now = lives_of(make_exec(("b",), pid=1, start=20), make_exec(("a",), pid=1, start=10))

    assert (["a"], False, ["b"], True) == (late.argv, late.running, now.argv, now.running)


def test_an_end_that_comes_late_ends_no_other():
    """A pid's next owner lives on."""
    (life,) = lives_of(make_exec(pid=1, start=20), make_exit(pid=1, start=10))

    assert ((BOOT.id, 1, 20), True) == (life.key, life.running)


def test_whether_it_runs_is_not_known_where_exits_were_lost():
    """What did something after the gap runs; what did not may have ended in it."""
    quiet, busy = lives_of(
        make_exec(pid=1, start=1, at=10),
        make_exec(pid=2, start=2, at=10),
        make_gap(at=20, kind=Exit.NAME),
        make_exec(pid=2, start=2, at=30),
        make_gap(at=40, kind=Fork.NAME),
    )

    assert (None, True) == (quiet.running, busy.running)


@pytest.mark.parametrize(("expected", "length"), [(True, SHARED_LENGTH), (False, SHARED_LENGTH + 1)])
def test_equal_texts_are_one(expected, length):
    """Many lives need little memory, as most of their texts are the same; long ones are not held for that."""
    one, other = lives_of(*(make_exec(("".join(["a"] * length),), pid=pid, start=pid) for pid in (1, 2)))

    assert expected == (one.argv[0] is other.argv[0])


def test_unknown_stays_unknown():
    """A path or argv that could not be read is null in the row too."""
    (life,) = lives_of(make_exec(None, cmdpath=None, pathname=None, interp=None, cwd=None))

    assert (None, None) == (life.argv, life.pathname)
    assert [(None,) * 5] == [(p.argv, p.cmdpath, p.pathname, p.interp, p.cwd) for p in life.programs]


def test_a_row_is_flat_json():
    """Every field but the programs and failures is a plain value or a list of them."""
    (life,) = lives_of(make_failed(), make_exec())
    row = msgspec.to_builtins(life)

    assert ["programs", "failures"] == [
        name for name, value in row.items() if isinstance(value, list) and isinstance(value[0], dict)
    ]
    assert [] == [name for name, value in row.items() if isinstance(value, dict)]


def test_where_exits_may_be_filtered_nobody_is_said_to_run():
    """Who has not ended may have, and been kept out."""
    lives = Lives(filtered=True)
    assert [] == lives(make_exec())

    assert [None] == [life.running for life in lives.finish()]


def test_execs_that_were_not_seen_are_counted():
    """The kernel counts each exec of a line of processes; a child begins with its creator's number."""
    (life,) = lives_of(
        make_fork(7, child_start=5, exec_id=3),
        make_exec(("a",), pid=7, start=5, exec_id=4),
        make_exec(("b",), pid=7, start=5, exec_id=7),
        make_exit(pid=7, start=5, exec_id=8),
    )[:1]

    assert (2, 3) == (len(life.programs), life.unseen_execs)


def test_what_could_not_be_executed_is_in_the_row():
    """With the reason; of a process that tries for ever, the last attempts."""
    few, many = lives_of(
        make_failed("/bin/x", errno=13, at=1, pid=1, start=0),
        *(make_failed(f"/bin/{number}", at=number, pid=2, start=0) for number in range(150)),
    )

    assert (1, 150) == (few.failed_execs, many.failed_execs)
    assert [("/bin/x", ["x"], 13, 1)] == [(f.cmdpath, f.argv, f.errno, f.timestamp_boot) for f in few.failures]
    assert [f"/bin/{number}" for number in range(50, 150)] == [failure.cmdpath for failure in many.failures]


@dataclasses.dataclass(frozen=True)
class History:
    """What a process did, all events that are its own; and what is to be in its row."""

    pid: int
    start: int
    execs: int
    exit_code: int | None
    fork_seen: bool


HISTORIES = st.lists(
    st.builds(History, st.just(0), st.just(0), st.integers(1, 3), st.none() | st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(st.data())
def test_lives_do_not_depend_on_each_other(data):
    """Whatever else happens in between, each life is what its own events say."""
    histories = [
        dataclasses.replace(history, pid=100 + n, start=100 + n) for n, history in enumerate(data.draw(HISTORIES))
    ]
    streams = [list(events_of(history)) for history in histories]
    mixed = []
    while any(streams):
        stream = data.draw(st.sampled_from([stream for stream in streams if stream]))
        mixed.append(stream.pop(0))

    alone = [next(life for life in lives_of(*events_of(each)) if life.pid == each.pid) for each in histories]
    together = [life for life in lives_of(*mixed) if life.pid >= 100]
    assert alone == sorted(together, key=lambda life: life.pid)
    assert [(each.execs, each.exit_code, each.fork_seen) for each in histories] == [
        (len(life.programs), life.exit_code, life.creator is not None) for life in alone
    ]


def events_of(history):
    """The events of one process, in their order."""
    key = {"pid": history.pid, "start": history.start}
    if history.fork_seen:
        yield make_fork(history.pid, child_start=history.start, pid=1, start=1)
    for n in range(history.execs):
        yield make_exec((f"program{n}",), at=history.start + n, **key)
    if history.exit_code is not None:
        yield make_exit(history.exit_code, at=history.start + 10, **key)
