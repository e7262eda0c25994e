"""Who made whom, by the word of both."""

import json

import pytest

import whatran

from .truth import CLOCK_TICK_NS, assert_fields, assert_task_matches, execs, exits, forks, only, told


def births(capfd, programs, how, **options):
    """What came of a run of births, what creator and children said, and what each call gave."""
    completed = whatran.run([str(programs / "births"), how], **options)
    output = capfd.readouterr().out
    calls = [json.loads(line) for line in output.splitlines() if '"label":"call"' in line]
    return completed, told(output, "creator"), told(output, "child"), calls


@pytest.mark.parametrize("how", ["fork", "vfork", "ids", "pidns"])
def test_child(capfd, programs, how):
    """A fork names caller and child as they name themselves, in each one's own pid namespace."""
    completed, [creator], [child], [call] = births(capfd, programs, how)

    event = only(forks(completed.events))
    assert_task_matches(event, creator)
    expected = {
        "parent_tid": creator["tid"],
        "parent_ns_tid": creator["tid"],
        "parent_pid": creator["pid"],
        "parent_ns_pid": creator["pid"],
        "child_tid": call["returned"],
        "child_pid": call["returned"],
        "child_ns_tid": child["tid"],
        "child_ns_pid": child["pid"],
        "parent_process_tid": creator["pid"],
        "parent_process_ns_tid": creator["pid"],
        "parent_process_pid": creator["pid"],
        "parent_start_time": event.process_start_time,
    }
    assert_fields(event, expected)
    assert child.start_ticks == event.start_time // CLOCK_TICK_NS


def test_ids_of_the_caller(capfd, programs):
    """Each of the eight ids of a task is its own, none is taken for another."""
    completed, _, _, _ = births(capfd, programs, "ids")

    event = only(forks(completed.events))
    users = (event.uid, event.euid, event.suid, event.fsuid)
    groups = (event.gid, event.egid, event.sgid, event.fsgid)
    assert ((101, 102, 103, 103), (201, 202, 203, 204)) == (users, groups)


def test_new_pid_namespace(capfd, programs):
    """The first process of a pid namespace is number 1 there, from its fork on."""
    completed, _, [child], [call] = births(capfd, programs, "pidns")

    event, end = only(forks(completed.events)), only(exits(completed.events, pid=call["returned"]))
    assert (1, 1, call["returned"]) == (event.child_ns_pid, child["pid"], event.child_pid)
    assert (1, 1) == (end.ns_pid, end.ns_tid)


def test_sibling(capfd, programs):
    """With CLONE_PARENT the creator is the caller, and the parent is the caller's."""
    completed, [creator], [child], [call] = births(capfd, programs, "clone-parent")

    event = only(forks(completed.events, child_pid=call["returned"]))
    assert_task_matches(event, creator)
    assert (creator["pid"], child["ppid"]) == (event.parent_pid, event.parent_process_pid)
    assert creator["pid"] != child["ppid"]


def test_fork_by_a_thread(capfd, programs):
    """A fork by a thread that is not the leader says which thread it was."""
    completed, [creator], [child], [call] = births(capfd, programs, "thread")

    event = only(forks(completed.events))
    assert_task_matches(event, creator)
    assert (call["tid"], creator["pid"]) == (event.parent_tid, event.parent_pid)
    assert call["tid"] == event.tid != event.pid
    assert (creator["pid"], creator["pid"]) == (event.parent_process_pid, event.parent_process_tid)
    assert event.process_start_time < event.parent_start_time < event.start_time
    assert child.start_ticks == event.start_time // CLOCK_TICK_NS


def test_child_has_its_forks_key(capfd, programs):
    """What a child does carries the pid and start time that its fork gave it."""
    completed, _, _, _ = births(capfd, programs, "fork")

    event = only(forks(completed.events))
    end = only(exits(completed.events, pid=event.child_pid))
    assert (event.child_pid, event.start_time) == (end.pid, end.process_start_time)


def test_pid_used_twice(capfd, programs):
    """Two processes that had the same pid are told apart by their start times."""
    completed, _, _, [first, second] = births(capfd, programs, "reused")

    assert first["returned"] == second["returned"]
    made = [(each.child_pid, each.start_time) for each in forks(completed.events)]
    ended = [(each.pid, each.process_start_time) for each in exits(completed.events, pid=first["returned"])]
    assert made == ended
    assert 2 == len(set(made))


def test_no_threads_unless_asked_for(capfd, programs):
    """Threads are no processes: without a request neither their creation nor their end is reported."""
    completed, [creator], _, _ = births(capfd, programs, "threads")

    assert [] == forks(completed.events)
    assert [creator["pid"]] == [each.pid for each in exits(completed.events)]


def test_threads_on_request(capfd, programs):
    """Each thread has a fork and an end of its own where asked for; the last end is the process's."""
    completed, [creator], _, _ = births(capfd, programs, "threads", threads=True)

    made, ended = forks(completed.events), exits(completed.events)
    assert 7 == len(made)
    # A thread is a child of its process's parent, as its getppid(2) says.
    assert {(creator["pid"], creator["ppid"])} == {(each.child_pid, each.parent_process_pid) for each in made}
    assert {each.child_tid for each in made} == {each.tid for each in ended if not each.process_group_exit}
    assert [creator["pid"]] == [each.tid for each in ended if each.process_group_exit]
    assert {creator["pid"]} == {each.pid for each in [*made, *ended]}


def test_threads_that_an_exec_ends(run_told, programs):
    """An exec by a thread ends the others, which is the end of no process."""
    completed, [witness] = run_told([programs / "odd", "thread", programs / "witness"], threads=True)

    pid, thread = witness["pid"], int(witness.strings("cmdline")[2])
    assert (pid, thread) == (only(forks(completed.events)).child_pid, only(forks(completed.events)).child_tid)
    assert [False, True] == [each.process_group_exit for each in exits(completed.events)]
    assert {pid} == {each.pid for each in exits(completed.events)}
    assert thread == only(execs(completed.events, comm="witness")).old_tid
