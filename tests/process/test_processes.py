"""Who made whom, and what was missed."""

from hypothesis import given
from hypothesis import strategies as st

from tests.events import make_exec, make_exit, make_failed, make_fork
from whatran.event import Exec, Exit, Fork
from whatran.process.processes import MAX_ANCESTORS, MOST_NEW, Processes


def follow(*events):
    """Processes that have seen these events, which are what they have become."""
    processes = Processes()
    return processes, [processes(event) for event in events]


def creators(events):
    """What names the creator of each event's process."""
    return [(each.creator_pid, each.creator_start_time) for each in events]


def found(*events):
    """Living processes that have executed something, as learn() is given them."""
    return [(each, True) for each in events]


def look(pid, start, exec_id, *, comm="late", **given):
    """A living process as the kernel tells of it when asked."""
    return make_exec((comm,), pid=pid, start=start, at=1_000, exec_id=exec_id, repaired=True, sequence=0, **given)


def repaired(processes, *living):
    """What is told of those that live, once all events have come."""
    processes.learn(found(*living))
    return processes.settle()


def test_creator_is_who_forked():
    """On all events of a process, whoever its parent is meanwhile."""
    _, [_, *events] = follow(
        make_fork(2, child_start=20, pid=1, start=10),
        make_exec(pid=2, start=20, ppid=1, ppid_start_time=10),
        make_failed(pid=2, start=20, ppid=9, ppid_start_time=5),
        make_fork(3, child_start=30, pid=2, start=20, ppid=9, ppid_start_time=5),
        make_exit(pid=2, start=20, ppid=9, ppid_start_time=5),
    )

    assert [(1, 10)] * 4 == creators(events)


def test_creator_of_a_sibling():
    """With CLONE_PARENT the parent is another from the start."""
    _, [_, event] = follow(
        make_fork(3, child_start=30, pid=2, start=20, ppid=1, ppid_start_time=10, parent_process_pid=1),
        make_exec(pid=3, start=30, ppid=1, ppid_start_time=10),
    )

    assert [(2, 20)] == creators([event])


def test_creator_of_an_older_process_is_unknown():
    """Its parent may have adopted it."""
    processes = Processes()
    processes.older([make_exec(pid=2, start=20, ppid=1, ppid_start_time=10)])

    assert [(None, None)] == creators([processes(make_exec(pid=2, start=20, ppid=1, ppid_start_time=10))])


def test_thread_is_no_process():
    """The fork of one makes nobody's creator."""
    processes, _ = follow(
        make_fork(2, child_start=20, pid=1, start=10, comm="maker"),
        make_fork(7, child_start=70, child_pid=2, pid=2, start=20),
        make_exit(pid=2, tid=7, start=20, process_group_exit=False),
    )
    event = processes(make_exec(pid=2, start=20))

    assert ([(1, 10)], "maker") == (creators([event]), event.ancestors[0])
    assert [(None, None)] == creators([processes(make_exec(pid=7, start=70))])


def test_ancestors_are_named_as_when_they_forked():
    """A name taken later is for children made later."""
    _, events = follow(
        make_fork(2, child_start=20, pid=1, start=10, comm="first", ppid_comm="init", ppid=9),
        make_exec(("second",), pid=1, start=10),
        make_fork(3, child_start=30, pid=1, start=10, comm="second"),
        make_fork(4, child_start=40, pid=2, start=20, comm="child"),
        *(make_exec(pid=pid, start=10 * pid) for pid in (2, 3, 4)),
    )

    named = {each.pid: each.ancestors for each in events[-3:]}
    assert {2: ("first", "init"), 3: ("second", "init"), 4: ("child", "first", "init")} == named


def test_ancestors_of_older_processes_are_their_parents():
    """In whatever order they are listed; the first process has none above it."""
    processes = Processes()
    processes.older(
        [
            make_exec(("c",), pid=2, start=30, ppid=3, ppid_start_time=20, ppid_comm="b"),
            make_exec(("b",), pid=3, start=20, ppid=1, ppid_start_time=0, ppid_comm="init"),
            make_exec(("init",), pid=1, start=0, ppid=0, ppid_comm="swapper"),
        ]
    )

    first = processes(make_exec(pid=2, start=30, ppid=3, ppid_start_time=20, ppid_comm="b"))
    assert ("b", "init") == first.ancestors
    assert () == processes(make_exec(pid=1, start=0, ppid=0, ppid_comm="swapper")).ancestors


def test_parent_of_another_time_has_other_ancestors():
    """Where the parent's pid was another's before, that one's ancestors are nobody's here."""
    processes = Processes()
    processes.older([make_exec(("old",), pid=3, start=20, ppid=1, ppid_comm="older")])

    event = processes(make_exec(pid=2, start=50, ppid=3, ppid_start_time=40, ppid_comm="new"))

    assert ("new",) == event.ancestors


def test_long_chain_is_cut():
    """Where each process forks the next and ends there is no end of ancestors: the nearest are kept."""
    processes = Processes()
    for pid in range(1, 200):
        processes(make_fork(pid + 1, child_start=pid + 1, pid=pid, start=pid, comm=f"p{pid}", ppid=0))
        processes(make_exit(pid=pid, start=pid))

    event = processes(make_exec(pid=200, start=200))

    assert tuple(f"p{pid}" for pid in range(199, 199 - MAX_ANCESTORS, -1)) == event.ancestors


def test_pid_used_again():
    """Each process of a pid has its own creator and ancestors, seen to end or not."""
    _, events = follow(
        make_fork(5, child_start=20, pid=1, start=10, comm="one"),
        make_exec(pid=5, start=20),
        make_exit(pid=5, start=20),
        make_fork(5, child_start=30, pid=2, start=11, comm="two"),
        make_exec(pid=5, start=30),
        # Its exit is lost, and the fork of the next.
        make_exec(pid=5, start=40, ppid=3, ppid_start_time=12, ppid_comm="three"),
        make_exit(pid=5, start=40),
    )

    of_five = [each for each in events if each.pid == 5]
    assert [(1, 10), (1, 10), (2, 11), (None, None), (None, None)] == creators(of_five)
    assert ["one", "two", "three"] == [each.ancestors[0] for each in of_five if isinstance(each, Exec)]


def test_late_event_of_the_one_that_had_the_pid_before():
    """It changes nothing for the one that has it now."""
    processes, _ = follow(
        make_fork(5, child_start=20, pid=1, start=10, comm="one"),
        make_fork(5, child_start=30, pid=2, start=11, comm="two"),
        make_failed(pid=5, start=20),
        make_exit(pid=5, start=20),
    )
    event = processes(make_exec(pid=5, start=30))

    assert ([(2, 11)], "two") == (creators([event]), event.ancestors[0])


def test_lost_fork():
    """The creator is unknown then, and the parent heads the ancestors."""
    processes, _ = follow(make_fork(2, child_start=20, pid=1, start=10, comm="top", ppid=0))
    event = processes(make_exec(pid=3, start=30, ppid=2, ppid_start_time=20, ppid_comm="made"))

    assert ([(None, None)], ("made", "top")) == (creators([event]), event.ancestors)


def test_nothing_is_kept_of_those_who_ended():
    """What is kept is as much as lives, however many there were."""
    processes = Processes()
    processes(make_exec(pid=1, start=10))
    for n in range(100):
        processes(make_fork(2, child_start=20 + n, pid=1, start=10))
        processes(make_exec(pid=2, start=20 + n))
        processes(make_exit(pid=2, start=20 + n))

    assert {1} == processes._living.keys()


def test_nothing_was_missed_of_what_was_seen():
    """Those older than the watch, those whose execs came, and those who have executed nothing are no news."""
    processes = Processes()
    processes.older([make_exec(pid=1, start=10, exec_id=7)])
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7))
    processes(make_exec(pid=2, start=20, exec_id=8))
    processes(make_fork(3, child_start=30, pid=2, start=20, exec_id=8))

    processes.learn([*found(look(1, 10, 7), look(2, 20, 8)), (look(3, 30, 8), False), (look(4, 40, 8), False)])

    assert [] == processes.settle()


def test_missed_exec_is_told_once():
    """With creator and ancestors where its fork was seen, and not again at the next look."""
    processes = Processes()
    processes.older([make_exec(pid=1, start=10, exec_id=7, ppid=0)])
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7, comm="maker", ppid=0))

    [event] = repaired(processes, look(1, 10, 7), look(2, 20, 8))

    assert (2, 8, ("maker",)) == (event.pid, event.exec_id, event.ancestors)
    assert [(1, 10)] == creators([event])
    assert [] == repaired(processes, look(1, 10, 7), look(2, 20, 8))
    assert [9] == [each.exec_id for each in repaired(processes, look(1, 10, 7), look(2, 20, 9))]


def test_missed_exec_of_one_that_is_first_seen_later():
    """Neither its fork nor its exec came, but something it did since: what it runs is told."""
    processes = Processes()
    processes.older([make_exec(pid=1, start=10, exec_id=7, ppid=0)])
    processes(make_fork(3, child_start=30, pid=2, start=20, exec_id=8))

    assert [2] == [event.pid for event in repaired(processes, look(1, 10, 7), look(2, 20, 8))]
    assert [] == repaired(processes, look(1, 10, 7), look(2, 20, 8))


def test_missed_exec_of_one_whose_fork_was_lost():
    """Then its creator is unknown; its parents are above it, also those that were not known before."""
    processes = Processes()
    living = (
        look(3, 30, 8, ppid=2, ppid_start_time=20, ppid_comm="two"),
        look(2, 20, 7, ppid=1, ppid_start_time=10, ppid_comm="one"),
        look(1, 10, 6, ppid=0),
    )

    events = repaired(processes, *living)

    assert [(1, ()), (2, ("one",)), (3, ("two", "one"))] == [(each.pid, each.ancestors) for each in events]
    assert [(None, None)] * 3 == creators(events)
    assert [] == repaired(processes, *living)


def test_what_was_on_its_way_was_not_missed():
    """An exec that came between the look and the end of what had been recorded by then is told as it came."""
    processes = Processes()
    processes.learn(found(look(2, 20, 8)))
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7))
    processes(make_exec(pid=2, start=20, exec_id=8))

    assert [] == processes.settle()


def test_earlier_exec_that_was_on_its_way():
    """It is not the one that was missed."""
    processes = Processes()
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=6))
    processes.learn(found(look(2, 20, 8)))
    processes(make_exec(pid=2, start=20, exec_id=7))

    assert [8] == [each.exec_id for each in processes.settle()]


def test_fork_that_was_on_its_way():
    """It tells who made a process whose exec was missed."""
    processes = Processes()
    processes.learn(found(look(2, 20, 8)))
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7, comm="maker"))

    [event] = processes.settle()
    assert ([(1, 10)], "maker") == (creators([event]), event.ancestors[0])


def test_exit_that_was_on_its_way():
    """Nothing is told of a process after its end, and nothing is kept of it."""
    processes = Processes()
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7))
    processes.learn(found(look(2, 20, 8), look(3, 30, 8)))
    ended = [processes(make_exit(pid=2, start=20)), processes(make_exit(pid=3, start=30))]

    assert [] == processes.settle()
    assert [(1, 10), (None, None)] == creators(ended)
    assert {} == processes._living


def test_exit_on_its_way_of_one_whose_pid_is_used_again():
    """Both processes of the pid have the creators they had."""
    processes = Processes()
    processes(make_fork(5, child_start=20, pid=1, start=10, exec_id=7))
    processes.learn(found(look(5, 30, 8)))
    end = processes(make_exit(pid=5, start=20))
    processes(make_fork(5, child_start=30, pid=2, start=11, exec_id=7))

    [event] = processes.settle()
    assert [(1, 10), (2, 11)] == creators([end, event])


def test_pid_that_is_used_again_after_the_look():
    """Who was found has ended then, though its exit was lost: it is not told of, and the next is left alone."""
    processes = Processes()
    processes.learn(found(look(5, 20, 8)))
    processes(make_fork(5, child_start=30, pid=2, start=11, exec_id=7))

    assert [] == processes.settle()
    assert [(2, 11)] == creators([processes(make_exec(pid=5, start=30, exec_id=8))])


def test_second_look_before_the_first_was_told():
    """What was found twice is told once, what was found the second time only, too."""
    processes = Processes()
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7))
    processes.learn(found(look(2, 20, 8), look(3, 30, 8)))
    processes.learn(found(look(2, 20, 8), look(3, 30, 8), look(4, 40, 8)))

    assert [2, 3, 4] == [each.pid for each in processes.settle()]
    assert [] == processes.settle()


def test_what_is_of_no_interest_is_not_told():
    """What was found and forgotten is not told, now or later; but it is an ancestor."""
    processes = Processes()
    outside = look(2, 20, 8, comm="outside", ppid=0)
    processes.learn(found(outside))
    processes.forget(outside)

    assert [] == processes.settle()
    assert [] == repaired(processes, outside)
    child = processes(make_exec(pid=3, start=30, ppid=2, ppid_start_time=20, ppid_comm="outside"))
    assert ("outside",) == child.ancestors


def test_who_ends_is_not_told_of():
    """A process that executed something has the file of that, until it gives up its memory: so do zombies."""
    processes = Processes()
    processes(make_fork(2, child_start=20, pid=1, start=10, exec_id=7))
    processes(make_exec(pid=2, start=20, exec_id=8))
    processes(make_exit(pid=2, start=20))
    processes(make_fork(3, child_start=30, pid=1, start=10, exec_id=7))

    assert [] == repaired(processes, look(2, 20, 8, inode=0), look(3, 30, 8, inode=0))
    assert {3} == processes._living.keys()
    assert [(1, 10)] == creators([processes(make_exit(pid=3, start=30))])


def test_lost_exits():
    """Those that live no more are forgotten once all has been read; those whose forks came since the look are not."""
    processes = Processes()
    processes(make_fork(2, child_start=20, pid=1, start=10))
    processes(make_fork(3, child_start=30, pid=1, start=10))
    processes.learn(found(look(1, 10, 1), look(3, 30, 1)))
    processes(make_fork(4, child_start=40, pid=1, start=10))
    end = processes(make_exit(pid=2, start=20))
    processes(make_fork(2, child_start=50, pid=4, start=40))
    processes.settle()

    assert [(1, 10)] == creators([end])
    assert {1, 2, 3, 4} == processes._living.keys()
    assert [(4, 40)] == creators([processes(make_exec(pid=2, start=50))])
    processes.learn(found(look(1, 10, 1)))
    processes.settle()
    assert {1} == processes._living.keys()


STEPS = st.lists(st.tuples(st.sampled_from(["fork", "exec", "exit", "look"]), st.integers(0, 5), st.booleans()))


@given(STEPS)
def test_each_last_exec_of_who_lives_is_told_exactly_once(steps):
    """Whatever is lost, after a look each living process's last exec has been told, and none was told twice."""
    processes = Processes()
    processes.older([make_exec(pid=1, start=0, exec_id=1, ppid=0)])
    living = {1: (0, 1, False)}  # by pid: start, exec_id and whether it has executed anything
    told = []
    for now, (step, choice, lost) in enumerate(steps, 1):
        pid = sorted(living)[choice % len(living)]
        start, exec_id, _ = living[pid]
        event = None
        if step == "fork":
            child = min({1, 2, 3, 4} - living.keys(), default=0)  # a pid is used again as soon as it is free
            if child:
                living[child] = now, exec_id, False
                event = make_fork(child, child_start=now, pid=pid, start=start, exec_id=exec_id)
        elif step == "exec":
            living[pid] = start, exec_id + 1, True
            event = make_exec(pid=pid, start=start, exec_id=exec_id + 1)
        elif step == "exit" and pid != 1:
            del living[pid]
            event = make_exit(pid=pid, start=start, exec_id=exec_id)
        elif step == "look":
            told += look_at(processes, living)
        if event is not None and not lost:
            told.append(processes(event))
    told += look_at(processes, living)

    executed = [(each.pid, each.process_start_time, each.exec_id) for each in told if isinstance(each, Exec)]
    last = {(pid, start, exec_id) for pid, (start, exec_id, executed) in living.items() if executed}
    assert len(executed) == len(set(executed))
    assert last <= set(executed)
    assert living.keys() == processes._living.keys()
    known = {
        (each.child_pid, each.start_time): (each.pid, each.process_start_time)
        for each in told
        if isinstance(each, Fork)
    }
    for each in told:
        if isinstance(each, (Exec, Exit)):
            assert known.get((each.pid, each.process_start_time), (None, None)) == creators([each])[0]


def look_at(processes, living):
    """What a look at those that live tells, when all has been read."""
    processes.learn((look(pid, start, exec_id), executed) for pid, (start, exec_id, executed) in living.items())
    return processes.settle()


def test_who_has_ended_untold_is_found_when_there_is_a_crowd():
    """Where exits are not asked for it is looked now and then who lives: all others are forgotten."""
    processes = Processes()
    processes.older([look(1, 10, 1)])
    crowded = []
    last = 2 * MOST_NEW
    for pid in range(2, last + 1):
        processes(make_exec(pid=pid, start=10 * pid, exec_id=1))
        crowded.append(processes.crowded)

    assert [False] * (MOST_NEW + 1) == crowded[: MOST_NEW + 1]
    assert crowded[MOST_NEW + 1]
    assert [] == repaired(processes, look(1, 10, 1), look(last, 10 * last, 1))
    assert (last - 2, False) == (len(processes.ended), processes.crowded)


def test_many_processes_that_live_are_no_crowd():
    """However many they are: it goes by how many more there are than when they were looked at."""
    processes = Processes()
    processes.older([look(pid, 10 * pid, 1) for pid in range(1, 3 * MOST_NEW)])

    assert not processes.crowded
