"""Who made whom."""

from hypothesis import given
from hypothesis import strategies as st

from tests.events import MS, make_exec, make_exit, make_fork
from whatran.process.tree import build


def names(tree, key=None):
    """The keys of the processes below one, each with those below it."""
    return {process.key: names(tree, process.key) for process in tree.children.get(key, ())}


def test_a_child_belongs_to_its_creator():
    """The creator is who forked, not who is the parent by now."""
    tree = build(
        [
            make_exec(pid=1, start=10),
            make_fork(2, child_start=20, pid=1, start=10),
            make_fork(3, child_start=30, pid=2, start=20),
            make_exec(pid=3, start=30, ppid=1, ppid_start_time=10),
        ]
    )

    assert {(1, 10): {(2, 20): {(3, 30): {}}}} == names(tree)


def test_without_a_fork_a_child_belongs_to_its_parent():
    """Where the fork was not seen, the parent at the first exec stands for the creator."""
    tree = build(
        [
            make_exec(pid=1, start=10),
            make_exec(pid=2, start=20, at=40, ppid=7, ppid_start_time=5),
            make_exec(pid=2, start=20, at=30, ppid=1, ppid_start_time=10),
        ]
    )

    assert {(1, 10): {(2, 20): {}}} == names(tree)


def test_a_pid_used_again_is_another_process():
    """Two processes with one pid are told apart by when they were forked."""
    tree = build([make_exec(pid=1, start=10), make_exec(pid=1, start=20)])

    assert {(1, 10): {}, (1, 20): {}} == names(tree)


def test_execs_are_in_the_order_of_time():
    """What a process executed is kept in order, whatever came first."""
    later, earlier = make_exec(("b",), at=110 * MS), make_exec(("a",), at=101 * MS)

    assert (earlier, later) == build([later, earlier]).processes[100, 100 * MS].execs


def test_an_end_is_kept_with_its_process():
    """A process has its exit, and failed if that was not 0 or by a signal."""
    ends = [make_exit(0, pid=1), make_exit(1, pid=2), make_exit(signal_code=9, pid=3)]
    processes = list(build([*ends, *(make_exec(pid=pid) for pid in (1, 2, 3, 4))]).processes.values())

    assert [*ends, None] == [process.exit for process in processes]
    assert [False, True, True, False] == [process.failed for process in processes]


def test_an_end_alone_is_nothing():
    """The end of a process of which nothing is known does not make it one to show."""
    assert {} == build([make_exit()]).processes


def test_threads_are_no_processes():
    """Threads that start and end are part of their process."""
    tree = build(
        [
            make_exec(),
            make_fork(100, child_tid=101, start_time=150 * MS),
            make_exit(tid=101, process_group_exit=False),
        ]
    )

    assert {(100, 100 * MS): {}} == names(tree)
    assert tree.processes[100, 100 * MS].exit is None


def test_who_forks_is_known_by_name():
    """A creator that was there before is known by what the fork says of it."""
    process = build([make_fork(2, child_start=20, pid=1, start=10, comm="bash")]).processes[1, 10]

    assert ("bash", True, ()) == (process.comm, process.older, process.execs)


def test_the_last_name_counts():
    """A process has the name it had at its end."""
    events = [make_fork(comm="sh"), make_exec(("cc",), pid=101, start=102 * MS)]

    assert "cc" == build(events).processes[101, 102 * MS].comm
    assert "sh" == build(events[:1]).processes[101, 102 * MS].comm
    assert "x" == build([*events, make_exit(pid=101, start=102 * MS, comm="x")]).processes[101, 102 * MS].comm


EVENTS = st.lists(
    st.builds(
        lambda kind, pid, start, child, child_start: (
            make_fork(child, child_start=child_start, pid=pid, start=start)
            if kind == "fork"
            else make_exec(pid=pid, start=start, ppid=child, ppid_start_time=child_start)
            if kind == "exec"
            else make_exit(pid=pid, start=start)
        ),
        st.sampled_from(["fork", "exec", "exit"]),
        *[st.integers(1, 4)] * 4,
    ),
    max_size=12,
)


@given(EVENTS)
def test_every_process_is_in_the_tree_once(events):
    """Whatever the events say, in circles too, each process is below a root, once."""
    tree = build(events)
    found = []
    stack = list(tree.children.get(None, ()))
    while stack:
        process = stack.pop()
        found.append(process.key)
        stack += tree.children.get(process.key, ())

    assert sorted(tree.processes) == sorted(found)


@given(
    st.permutations(
        [
            make_exec(pid=1, start=10),
            make_fork(2, child_start=20, pid=1, start=10),
            make_exec(pid=2, start=20),
            make_exit(pid=2, start=20),
            make_exit(pid=1, start=10),
        ]
    )
)
def test_the_order_of_arrival_does_not_matter(events):
    """However the events come, the tree is the same."""
    tree = build(events)

    assert {(1, 10): {(2, 20): {}}} == names(tree)
    assert [(1, True), (1, True)] == [(len(p.execs), p.exit is not None) for p in tree.processes.values()]
