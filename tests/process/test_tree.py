"""Who made whom."""

from hypothesis import given
from hypothesis import strategies as st

from tests.events import make_exec, make_exit, make_fork
from whatran.process.lives import Lives
from whatran.process.tree import build


def tree_of(*events):
    """The tree of the lives of these events."""
    lives = Lives()
    return build([*(life for event in events for life in lives(event)), *lives.finish()])


def names(tree, key=None):
    """pid and start of the processes below one, each with those below it."""
    return {life.key[1:]: names(tree, life.key) for life in tree.children.get(key, ())}


def test_a_child_belongs_to_its_creator():
    """The creator is who forked, not who is the parent by now."""
    tree = tree_of(
        make_exec(pid=1, start=10),
        make_fork(2, child_start=20, pid=1, start=10),
        make_fork(3, child_start=30, pid=2, start=20),
        make_exec(pid=3, start=30, ppid=1, ppid_start_time=10),
    )

    assert {(1, 10): {(2, 20): {(3, 30): {}}}} == names(tree)


def test_a_sibling_belongs_to_its_creator():
    """Also where its parent is its creator's from the fork on (CLONE_PARENT)."""
    tree = tree_of(
        make_exec(pid=1, start=10),
        make_fork(2, child_start=20, pid=1, start=10),
        make_fork(3, child_start=30, pid=2, start=20, ppid=1, ppid_start_time=10, parent_process_pid=1),
    )

    assert {(1, 10): {(2, 20): {(3, 30): {}}}} == names(tree)


def test_without_a_fork_a_child_belongs_to_its_parent():
    """Where the fork was not seen, the parent stands for the creator."""
    tree = tree_of(make_exec(pid=1, start=10), make_exec(pid=2, start=20, ppid=1, ppid_start_time=10))

    assert {(1, 10): {(2, 20): {}}} == names(tree)


def test_a_pid_used_again_is_another_process():
    """Two processes with one pid are told apart by when they were forked; so are their children."""
    tree = tree_of(
        make_exec(pid=1, start=10),
        make_exit(pid=1, start=10),
        make_exec(pid=1, start=20),
        make_fork(2, child_start=30, pid=1, start=20),
    )

    assert {(1, 10): {}, (1, 20): {(2, 30): {}}} == names(tree)


def test_who_was_there_before_heads_what_it_made():
    """A creator older than the watch is in the tree, below its parent if that is."""
    tree = tree_of(
        make_fork(5, child_start=15, pid=1, start=1),
        make_fork(6, child_start=30, pid=2, start=2, ppid=1, ppid_start_time=1),
        make_exec(pid=6, start=30),
    )

    assert {(1, 1): {(2, 2): {(6, 30): {}}, (5, 15): {}}} == names(tree)
    assert [(1, True), (2, True), (5, False), (6, False)] == [(life.pid, life.older) for life in tree.lives.values()]


ANY_EVENTS = st.lists(
    st.builds(
        lambda kind, pid, start, other, other_start: (
            make_fork(other, child_start=other_start, pid=pid, start=start)
            if kind == "fork"
            else make_exec(pid=pid, start=start, ppid=other, ppid_start_time=other_start)
            if kind == "exec"
            else make_exit(pid=pid, start=start)
        ),
        st.sampled_from(["fork", "exec", "exit"]),
        *[st.integers(1, 4)] * 4,
    ),
    max_size=12,
)


@given(ANY_EVENTS)
def test_every_life_is_in_the_tree_once(events):
    """Whatever the events say, in circles too, each process is below a root, once."""
    tree = tree_of(*events)
    found = []
    stack = list(tree.children.get(None, ()))
    while stack:
        life = stack.pop()
        found.append(life.key)
        stack += tree.children.get(life.key, ())

    assert sorted(tree.lives) == sorted(found)


@given(st.permutations(range(4)))
def test_the_order_of_lives_does_not_matter(order):
    """However they come, the tree is the same, each in the order of start."""
    lives = Lives()
    for n in range(1, 4):
        lives(make_fork(n + 1, child_start=10 * n, pid=max(1, n - 1), start=10 * (max(1, n - 1) - 1)))
    rows = list(lives.finish())
    tree = build(rows[n] for n in order)

    assert {(1, 0): {(2, 10): {(4, 30): {}}, (3, 20): {}}} == names(tree)
    assert [0, 10, 20, 30] == [life.start_time for life in tree.lives.values()]
