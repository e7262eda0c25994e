"""Which process is which, who made it and who is above it, by the word of /proc and of the processes themselves."""

import contextlib
import os
import subprocess
from collections import Counter

import pytest

import whatran
from whatran.process.lives import Lives

from .programs import build, read_until
from .shells import Shell
from .truth import CLOCK_TICK_NS, assert_exec_matches, execs, exits, forks, only

NOBODY = 65534
MOST_ANCESTORS = 64

TIMES = 100
TINY_PID_MAX = 320


@pytest.fixture(scope="module")
def lineage(programs):
    """Path of the witness program for odd parents."""
    build(programs / "lineage", "lineage.c")
    return programs / "lineage"


def names_from(pid):
    """The comm of a process, of its parent and so on up, as /proc has them now."""
    names = []
    while pid:
        with open(f"/proc/{pid}/comm", "rb") as comm, open(f"/proc/{pid}/status") as status:
            names.append(os.fsdecode(comm.read().removesuffix(b"\n")))
            pid = int(next(line for line in status if line.startswith("PPid:")).split()[1])
    return tuple(names)


def made_by(event):
    """What names the process that forked the event's."""
    return event.creator_pid, event.creator_start_time


def self_of(event):
    """What names the event's process."""
    return event.pid, event.process_start_time


def lives_of(events):
    """The row of each process, in the order in which they came."""
    lives = Lives()
    return [*(life for event in events for life in lives(event)), *lives.finish()]


@pytest.mark.usefixtures("failed_execs")
def test_boot():
    """Events of all kinds, gaps too, say which boot of the machine they are of."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot_id = file.read().strip()
    command = ["/bin/sh", "-c", "/nowhere/at/all; for n in 1 2 3 4 5 6 7 8; do /bin/true; done"]
    with whatran.watch(command, ring_bytes=4096) as watched:
        os.waitid(os.P_PID, watched.pid, os.WEXITED | os.WNOWAIT)
        events = list(watched)

    kinds = {"sched_process_exec", "sched_process_fork", "sched_process_exit", "process_execute_failed", "gap"}
    assert kinds == {each.event for each in events}
    assert {boot_id} == {each.boot_id for each in events}


def test_command_has_those_above_us_as_its_ancestors(programs):
    """The first exec there is has the names of all above it, up to the first process; its fork was not watched."""
    above = names_from(os.getpid())

    event = only(execs(whatran.run([str(programs / "true")]).events))

    assert above == event.ancestors
    assert (None, None) == made_by(event)
    assert not event.repaired


def test_daemon_has_a_creator_and_another_parent(run_told, lineage, programs):
    """Who made a process stays so when it has ended; the parent is whoever has adopted its child."""
    above = names_from(os.getpid())
    completed, [witness] = run_told([lineage, "daemon", programs / "witness"])

    adopter, event = completed.events[0], only(execs(completed.events, comm="witness"))
    middle = only(exits(completed.events, comm="middle"))
    assert_exec_matches(event, witness)
    assert ("adopter", adopter.pid) == (event.ppid_comm, event.ppid)
    assert int(witness.strings("cmdline")[1]) == event.creator_pid
    assert self_of(middle) == made_by(event) == made_by(only(exits(completed.events, comm="witness")))
    assert self_of(adopter) == made_by(middle)
    assert ("middle", "adopter", *above) == event.ancestors


def test_sibling_has_a_creator_and_another_parent(run_told, lineage, programs):
    """With CLONE_PARENT a process is a sibling of who made it."""
    above = names_from(os.getpid())
    completed, [witness] = run_told([lineage, "sibling", programs / "witness"])

    event, creator = only(execs(completed.events, comm="witness")), only(exits(completed.events, comm="creator"))
    assert_exec_matches(event, witness)
    assert completed.events[0].pid == event.ppid == creator.ppid
    assert int(witness.strings("cmdline")[1]) == event.creator_pid
    assert self_of(creator) == made_by(event)
    assert ("creator", "lineage", *above) == event.ancestors


@pytest.mark.parametrize("depth", [8, 70])
def test_tree_that_is_deep_already(lineage, programs, depth):
    """All above a process are known from the first event on, however old they are, up to a limit."""
    command = [lineage, "nest", str(depth), programs / "true"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as outermost:
        innermost = int(outermost.stdout.readline().split()[1])
        above = names_from(innermost)
        with whatran.watch(tree=[outermost.pid]) as watched:
            outermost.communicate(b"\n")
            events = read_until(
                watched, lambda event: event.event == "sched_process_exit" and event.pid == outermost.pid
            )

    child, itself = execs(events)
    assert f"nest-{depth}" == above[0]
    assert (above[:MOST_ANCESTORS], above[1:][:MOST_ANCESTORS]) == (child.ancestors, itself.ancestors)
    assert (innermost, innermost, None) == (child.creator_pid, itself.pid, itself.creator_pid)
    assert {None: depth + 1, innermost: 1} == Counter(each.creator_pid for each in exits(events))


def test_ancestors_bear_the_names_they_had_as_they_forked(programs, place):
    """A name that a creator takes later is not that of the one who forked."""
    there, back = place / "there", place / "back"
    os.mkfifo(there)
    os.mkfifo(back)
    # tee gives the line back once it is tee, and ends once the child has.
    commands = '(echo go >&3; read line < "$2"; exec "$0") 3> "$1" & exec tee "$2" < "$1" > /dev/null'

    completed = whatran.run(["/bin/sh", "-c", commands, str(programs / "true"), str(there), str(back)])

    first, renamed, event = execs(completed.events)
    assert (first.pid, first.pid, "tee") == (renamed.pid, event.creator_pid, renamed.comm)
    assert ("sh", *names_from(os.getpid())) == event.ancestors


def test_exec_id(programs):
    """Each exec is one more in the line of its process; a child goes on from where its creator was."""
    commands = '"$0"; exec sh -c \'"$0"; exec "$0"\' "$0"'
    events = whatran.run(["/bin/sh", "-c", commands, str(programs / "true")]).events

    first = events[0].exec_id
    command = events[0].pid
    told = [(each.event.removeprefix("sched_process_"), each.pid == command, each.exec_id - first) for each in events]
    child = [("exec", False, 1), ("exit", False, 1)]
    grandchild = [("exec", False, 2), ("exit", False, 2)]
    assert [
        ("exec", True, 0),
        ("fork", True, 0),
        *child,
        ("exec", True, 1),
        ("fork", True, 1),
        *grandchild,
        ("exec", True, 2),
        ("exit", True, 2),
    ] == told


def test_pid_of_many_processes(capfd, lineage, programs):
    """Each of many processes with one pid has its own start, its own creator, ancestors and life; none is mixed."""
    program = str(programs / "true")
    commands = ["/bin/sh", "-c", '"$0" "$1"; exit "$1"', program]
    completed = whatran.run([str(lineage), "reuse", str(TIMES), *commands])
    pid, events = int(capfd.readouterr().out.split()[1]), completed.events

    assert (0, 0) == (completed.returncode, completed.stats.lost)
    creators = {each.child_pid: each.start_time for each in forks(events, parent_pid=events[0].pid)}
    shells, trues = execs(events, pid=pid, comm="sh"), execs(events, pathname=program)
    numbers = [str(number) for number in range(TIMES)]
    assert numbers == [each.argv[-1] for each in shells] == [each.argv[-1] for each in trues]
    starts = [each.process_start_time for each in shells]
    assert sorted(set(starts)) == starts
    # Its creator waits for it, and so is its parent, too.
    for parent in shells:
        assert (parent.ppid, parent.ppid_start_time) == made_by(parent)
        assert creators[parent.creator_pid] == parent.creator_start_time
    assert [f"creator-{number}" for number in numbers] == [each.ancestors[0] for each in shells]
    assert [self_of(each) for each in shells] == [made_by(each) for each in trues]
    assert [("sh", *each.ancestors) for each in shells] == [each.ancestors for each in trues]

    first, *lives = [life for life in lives_of(events) if life.pid == pid]
    assert (events[0].pid, []) == (first.creator_pid, first.programs)
    expected = [(self_of(each), made_by(each), [each.argv[-1]], int(each.argv[-1])) for each in shells]
    assert expected == [
        ((pid, life.start_time), made_by(life), [each.argv[-1] for each in life.programs], life.exit_code)
        for life in lives
    ]


def test_small_pid_namespace(programs):
    """In a pid namespace of few numbers each is used many times, and no two processes are taken for one."""
    program = str(programs / "true")
    commands = f'echo {TINY_PID_MAX} > /proc/sys/kernel/pid_max || exit 99; exec "$0" 2 300 "$1"'
    # As a user who may change the numbers of his own namespace and none of the machine's.
    as_nobody = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    apart = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    storm = ["/bin/sh", "-c", commands, str(programs / "storm"), program]

    completed = whatran.run([*as_nobody, *apart, *storm])

    if completed.returncode == 99:
        pytest.skip("pid namespaces have no pid_max of their own before Linux 6.14")
    events = completed.events
    short = execs(events, pathname=program)
    made = {(each.child_pid, each.start_time): (each.child_ns_pid, self_of(each)) for each in forks(events)}
    assert (0, 0, 600) == (completed.returncode, completed.stats.lost, len({self_of(each) for each in short}))
    assert TINY_PID_MAX > max(each.ns_pid for each in short)
    assert 10 <= min(count for count in Counter(each.ns_pid for each in short).values() if count > 1)
    assert {("storm", "storm")} == {each.ancestors[:2] for each in short}
    assert [made[self_of(each)] for each in short] == [(each.ns_pid, made_by(each)) for each in short]
    assert 2 == len({made_by(each) for each in short})

    lives = {(life.pid, life.start_time): life for life in lives_of(events)}
    assert made.keys() | {self_of(events[0])} == lives.keys()
    assert {self_of(each): (made_by(each), [program], 0) for each in short} == {
        key: (made_by(life), [each.pathname for each in life.programs], life.exit_code)
        for key, life in lives.items()
        if life.comm == "true"
    }


def test_start_time_is_that_of_proc():
    """With the pid it names a process, in /proc to the clock tick."""
    with contextlib.ExitStack() as stack:
        shell = stack.enter_context(Shell())
        watched = stack.enter_context(whatran.watch(tree=[shell.pid]))
        child = shell.start("exec sleep 1000")
        events = read_until(watched, lambda event: event.event == "sched_process_exec" and event.comm == "sleep")
        with open(f"/proc/{child}/stat", "rb") as stat:
            ticks = int(stat.read().rpartition(b")")[2].split()[19])

    made, executed = only(forks(events, child_pid=child)), execs(events, pid=child)[-1]
    assert ticks == executed.process_start_time // CLOCK_TICK_NS
    assert made.start_time == executed.process_start_time
