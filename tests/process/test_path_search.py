"""Searches of PATH made one, on hand-built events."""

import errno
from collections import Counter
from copy import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import MS, make_exec, make_exit, make_failed, make_fork, make_gap
from whatran.event import Exec, ExecFailed, Exit, Fork
from whatran.process.path_search import MAX_ATTEMPTS, PATIENCE, PathSearch


def failed(folder, *, at, name="prog", **given):
    """An attempt to execute a name in a folder, at so many ms."""
    return make_failed(f"/{folder}/{name}", at=at * MS, **given)


def executed(folder, *, at, name="prog", **given):
    """A program of that name was executed, at so many ms."""
    return make_exec([name], cmdpath=f"/{folder}/{name}", at=at * MS, **given)


def told(events):
    """For each event its path, if it has one, and what was tried before."""
    return [(getattr(event, "cmdpath", event.event), getattr(event, "tried", ())) for event in events]


def test_search_that_finds():
    """The exec has what was tried, in order; no failure is left."""
    events = [failed("a", at=1), failed("b", at=2), executed("c", at=3)]

    assert [("/c/prog", ("/a/prog", "/b/prog"))] == told(PathSearch()(events))


def test_search_in_vain():
    """The last failure has those before it, and its own time and errno."""
    search = PathSearch()
    events = [failed("a", at=1, errno=errno.ENOTDIR), failed("b", at=2), make_exit(127, at=3 * MS)]

    event, end = search(events)
    assert [("/b/prog", ("/a/prog",))] == told([event])
    assert (2 * MS, errno.ENOENT, events[2]) == (event.timestamp_boot, event.errno, end)
    assert not search.holding


def test_search_that_was_denied():
    """Where permission was denied on the way that is what the caller is told, and so is this."""
    denied = failed("b", at=2, errno=errno.EACCES)

    (event,) = PathSearch()([failed("a", at=1), denied, failed("c", at=3), make_exit(126, at=4 * MS)])[:1]
    assert (denied, ("/a/prog", "/c/prog")) == (event, event.tried)


def test_exec_without_a_search():
    """An exec that no failure precedes stays as it was."""
    exec_ = executed("c", at=3)

    assert [exec_] == PathSearch()([exec_])
    assert () == exec_.tried


@pytest.mark.parametrize(
    "other",
    [
        failed("b", at=2, name="other"),
        failed("b", at=2, process_start_time=7),
        msgspec.structs.replace(failed("b", at=2), cmdpath=None),
        make_fork(at=2 * MS),
        make_exit(at=2 * MS),
        executed("b", at=2, name="other"),
        executed("b", at=2, process_start_time=7),
        executed("b", at=1 + PATIENCE // MS + 1),
        failed("b", at=1 + PATIENCE // MS + 1),
    ],
    ids=[
        *("another name", "another process's, by a pid that is reused", "an unreadable path", "a fork", "the end"),
        *("another program", "another process", "an exec much later", "a failure much later"),
    ],
)
def test_what_ends_a_search(other):
    """A search has ended where its task does anything else than to try the same name elsewhere, soon."""
    search = PathSearch()

    events = search([failed("a", at=1), other]) + search.finish()

    assert told([failed("a", at=1), other]) == told(events)


@pytest.mark.parametrize("number", ["ENOEXEC", "E2BIG", "ELOOP", "ENOMEM", "ETXTBSY", "ENAMETOOLONG", "EFAULT"])
def test_errno_that_ends_a_search(number):
    """After most errors execvp(3) does not go on: what comes then is another search."""
    events = [failed("a", at=1), failed("b", at=2, errno=getattr(errno, number)), executed("c", at=3)]

    assert [("/b/prog", ("/a/prog",)), ("/c/prog", ())] == told(PathSearch()(events))


@pytest.mark.parametrize("number", ["ENOENT", "EACCES", "ENOTDIR", "ESTALE", "ENODEV", "ETIMEDOUT"])
def test_errno_that_does_not(number):
    """After these it tries the next folder."""
    events = [failed("a", at=1, errno=getattr(errno, number)), executed("b", at=2)]

    assert [("/b/prog", ("/a/prog",))] == told(PathSearch()(events))


def test_text_that_the_shell_reads():
    """A text without #! has failed, and the shell that execvp(3) then executes is a search of its own."""
    events = [
        failed("a", at=1),
        failed("b", at=2, errno=errno.ENOEXEC),
        make_exec(["sh", "/b/prog"], cmdpath="/bin/sh", at=3 * MS),
    ]

    assert [("/b/prog", ("/a/prog",)), ("/bin/sh", ())] == told(PathSearch()(events))


def test_searches_at_the_same_time():
    """Of tasks that search at once each has its own; the results stand in the order of time."""
    events = [
        failed("a", at=1, pid=1),
        failed("a", at=2, pid=2, name="other"),
        failed("b", at=3, pid=1),
        failed("b", at=4, pid=2, name="other"),
        executed("c", at=5, pid=2, name="other"),
        make_exit(at=6 * MS, pid=1),
        make_exit(at=7 * MS, pid=2),
    ]

    assert [
        ("/b/prog", ("/a/prog",)),
        ("/c/other", ("/a/other", "/b/other")),
        ("sched_process_exit", ()),
        ("sched_process_exit", ()),
    ] == told(PathSearch()(events))


def test_threads_of_one_process():
    """Each thread has its own search; one that executes takes its leader's tid, and ends those of the others."""
    events = [
        failed("a", at=1, tid=101),
        failed("x", at=2, tid=102),
        failed("b", at=3, tid=101),
        executed("c", at=4, tid=100, old_tid=101),
    ]

    assert [("/x/prog", ()), ("/c/prog", ("/a/prog", "/b/prog"))] == told(PathSearch()(events))


def test_end_of_a_process():
    """With a process the searches of all of its threads have ended; with a thread, its own."""
    search = PathSearch()
    events = [failed("a", at=1, tid=101), failed("b", at=2, tid=102), failed("c", at=3, tid=103)]

    assert [] == search(events)
    thread, process = make_exit(at=4 * MS, tid=102, process_group_exit=False), make_exit(at=5 * MS)
    assert [("/b/prog", ()), ("sched_process_exit", ())] == told(search([thread]))
    assert [("/a/prog", ()), ("/c/prog", ()), ("sched_process_exit", ())] == told(search([process]))
    assert not search.holding


def test_search_over_several_batches():
    """A search goes on over the ends of batches, and over one that is empty since the next try was not yet made."""
    search = PathSearch()

    assert [] == search([failed("a", at=1)])
    assert [] == search([failed("b", at=2)])
    assert [] == search([])
    assert search.holding
    assert [("/c/prog", ("/a/prog", "/b/prog"))] == told(search([executed("c", at=3)]))
    assert not search.holding


def test_silence():
    """Where nothing comes, twice, a search has ended."""
    search = PathSearch()
    search([failed("a", at=1), failed("b", at=2)])

    assert [] == search([])
    assert [("/b/prog", ("/a/prog",))] == told(search([]))
    assert not search.holding
    assert [] == search([])


def test_silence_that_was_broken():
    """What others do at that time is no silence, but it says how late it is."""
    search = PathSearch()
    search([failed("a", at=1)])
    soon, late = make_gap(at=2 * MS), make_fork(at=2 * MS + PATIENCE, pid=7)

    assert [] == search([])
    assert [soon] == search([soon])
    assert [] == search([])
    assert [("/a/prog", ()), ("sched_process_fork", ())] == told(search([late]))
    assert not search.holding


def test_the_rest():
    """At the end nothing is held back."""
    search = PathSearch()
    search([failed("a", at=1), failed("b", at=2), failed("a", at=3, pid=7)])

    assert [("/b/prog", ("/a/prog",)), ("/a/prog", ())] == told(search.finish())
    assert not search.holding


def test_whoever_tries_on_and_on():
    """What is kept of a search is bounded, and still every attempt is told."""
    search = PathSearch()
    count = 3 * MAX_ATTEMPTS + 5

    events = [event for at in range(count) for event in search([failed(f"{at}", at=at)])]
    held = sum(map(len, search._searches.values()))
    events += search.finish()

    assert 5 == held
    assert [MAX_ATTEMPTS] * 3 + [5] == [len(event.tried) + 1 for event in events]
    assert [f"/{at}/prog" for at in range(count)] == [path for e in events for path in (*e.tried, e.cmdpath)]


def test_many_that_end():
    """A million short lives leave nothing behind, also where their ends are lost."""
    search = PathSearch()
    for at in range(1000):
        search([failed("a", at=at, pid=at), *([make_exit(pid=at, at=at * MS)] if at % 2 else [])])

    assert len(search._searches) <= PATIENCE // MS + 1


# -- For any events ------------------------------------------------------------------------------

_tasks = st.sampled_from([(100, 100), (100, 101), (200, 200)])
_numbers = st.sampled_from([errno.ENOENT, errno.EACCES, errno.ENOEXEC])
_kinds = st.sampled_from([ExecFailed, ExecFailed, ExecFailed, Exec, Fork, Exit])


@st.composite
def histories(draw):
    """Batches of what three tasks of two processes do, in the order of time."""
    at, events = 1, []
    for kind in draw(st.lists(_kinds, max_size=30)):
        at += draw(st.sampled_from([1, 5, 60]))
        (pid, tid), folder, name = draw(_tasks), draw(st.sampled_from("abc")), draw(st.sampled_from(["x", "y"]))
        if kind is ExecFailed:
            events.append(failed(folder, at=at, name=name, pid=pid, tid=tid, errno=draw(_numbers)))
        elif kind is Exec:
            events.append(executed(folder, at=at, name=name, pid=pid, old_tid=tid))
        elif kind is Fork:
            events.append(make_fork(at=at * MS, pid=pid, tid=tid))
        else:
            events.append(make_exit(at=at * MS, pid=pid, tid=tid, process_group_exit=draw(st.booleans())))
    cuts = sorted(draw(st.sets(st.integers(0, len(events)))))
    return [events[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]


def attempts(events):
    """Each attempt there was, by who made it: those that failed, and those folded into what ended their search."""
    found = Counter()
    for event in events:
        tid = getattr(event, "old_tid", event.tid)
        if isinstance(event, ExecFailed):
            found[event.pid, tid, event.cmdpath] += 1
        found.update((event.pid, tid, path) for path in getattr(event, "tried", ()))
    return found


@given(histories())
def test_no_attempt_is_lost_or_made_up(batches):
    """Folded or not, the attempts are those there were, whoever made them and however they came."""
    search = PathSearch()
    before = attempts(event for batch in batches for event in batch)

    after = [event for batch in batches for event in search(batch)] + search.finish()

    assert before == attempts(after)
    assert not search.holding


@given(histories())
def test_all_else_goes_through(batches):
    """All but the failures comes out in its own batch, each batch in the order of time."""
    search = PathSearch()
    for batch in batches:
        out = search(batch)

        assert [e for e in batch if e.event != ExecFailed.NAME] == [e for e in out if e.event != ExecFailed.NAME]
        assert sorted(e.timestamp_boot for e in out) == [e.timestamp_boot for e in out]


@given(histories())
def test_batches_do_not_matter(batches):
    """Where batches end makes no difference to what is one search."""
    whole, parts = PathSearch(), PathSearch()
    history = [event for batch in batches for event in batch]

    as_one = told(whole(list(map(copy, history))) + whole.finish())
    in_parts = told([event for batch in batches if batch for event in parts(batch)] + parts.finish())

    assert Counter(as_one) == Counter(in_parts)
