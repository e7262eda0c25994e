"""Which processes are reported: those of cgroups, and those that are not of others or of users and names."""

import logging
import os
import re
from pathlib import Path

import pytest

import whatran
from whatran.source import cgroupfs

from .programs import remove_cgroup
from .shells import Shell
from .truth import cgroup2_mount, execs, only

MOST = 8


def entering(group):
    """Shell command by which the shell enters a cgroup, or a process that it is about to become."""
    return f"echo 0 > {group}/cgroup.procs"


def told(watched):
    """All that was recorded until now; the watch ends."""
    watched.stop()
    return list(watched)


def summary(events):
    """Kind and name of each event."""
    return [(each.event.removeprefix("sched_process_"), each.comm) for each in events]


TRUE = [("exec", "true"), ("exit", "true")]
CHILD = [("fork", "sh"), *TRUE]


@pytest.mark.parametrize("as_in", ["the file system", "/proc"])
def test_cgroup(programs, groups, as_in):
    """With a cgroup all in it and below it is reported, from the first event on, and nothing else."""
    group, other = groups(), groups()
    below = groups(group)
    given = str(group) if as_in == "the file system" else f"/{group.relative_to(cgroup2_mount())}"
    with Shell() as inside, Shell() as deeper, Shell() as outside, Shell() as elsewhere:
        for shell, its in ((inside, group), (deeper, below), (elsewhere, other)):
            shell.do(entering(its))
        with whatran.watch(cgroup=[given]) as watched:
            for shell in (inside, outside, deeper, elsewhere):
                shell.do(f"{programs}/true")
            events = told(watched)

    assert CHILD * 2 == summary(events)
    assert [inside.pid, deeper.pid] == [each.creator_pid for each in execs(events)]
    assert [f"/{group.name}", f"/{group.name}/{below.name}"] == [each.cgroup for each in execs(events)]


def test_process_that_enters_a_cgroup_and_leaves_it(programs, groups):
    """It is reported while it is in it."""
    group = groups()
    with Shell() as shell, whatran.watch(cgroup=[str(group)]) as watched:
        shell.do(f"{programs}/true", entering(group))
        shell.do(f"{programs}/true", entering(cgroup2_mount()))
        shell.do(f"{programs}/true")
        events = told(watched)

    assert CHILD == summary(events)
    assert {group.name} == {each.cgroup.removeprefix("/") for each in execs(events)}


def test_several_cgroups(programs, groups):
    """Of several each is enough; as many can be given as there is room for in the kernel."""
    made = [groups() for _ in range(MOST)]
    with Shell() as shell, whatran.watch(cgroup=list(map(str, made))) as watched:
        for group in made:
            shell.do(entering(group), f"{programs}/true")
        events = told(watched)

    assert [f"/{group.name}" for group in made] == [each.cgroup for each in execs(events)]


@pytest.mark.parametrize("option", ["cgroup", "not_cgroup"])
def test_more_cgroups_than_can_be(groups, option):
    """It is said so, and none is left out in silence."""
    made = [str(groups()) for _ in range(MOST + 1)]

    with pytest.raises(whatran.UsageError, match=str(MOST)):
        whatran.watch(**{option: made}).close()


@pytest.mark.parametrize("path", ["/no/such", "no/such", "/sys/fs/cgroup/no/such", "/etc"])
@pytest.mark.parametrize("option", ["cgroup", "not_cgroup"])
def test_no_such_cgroup(option, path):
    """What is no cgroup is an error that names it."""
    with pytest.raises(whatran.UsageError, match=f"no cgroup {re.escape(path)}"):
        whatran.watch(**{option: [path]})


def test_not_cgroup(programs, groups):
    """What runs in a cgroup or below it is left out, whosesoever descendant it is."""
    group = groups()
    below = groups(group)
    with Shell() as shell, whatran.watch(tree=[shell.pid], not_cgroup=[str(group)]) as watched:
        for its in (group, below, cgroup2_mount()):
            shell.do(f"{entering(its)}; {programs}/true")
        events = told(watched)

    assert CHILD == summary(events)


def test_cgroup_within_one_that_is_left_out(programs, groups):
    """Left out is left out, also where it is asked for too."""
    group = groups()
    below, beside = groups(group), groups()
    with (
        Shell() as shell,
        whatran.watch(cgroup=[str(below), str(beside)], not_cgroup=[str(group)]) as watched,
    ):
        for its in (below, beside):
            shell.do(f"{entering(its)}; {programs}/true")
        events = told(watched)

    assert [f"/{beside.name}"] == [each.cgroup for each in execs(events)]


def test_tree_or_cgroup(programs, groups):
    """A tree and a cgroup together are what is in the one or in the other, each event once."""
    group = groups()
    with Shell() as both, Shell() as inside, Shell() as outside:
        both.do(entering(group))
        inside.do(entering(group))
        with whatran.watch(tree=[both.pid, outside.pid], cgroup=[str(group)]) as watched:
            for shell in (both, inside, outside):
                shell.do(f"{programs}/true")
            events = told(watched)

    assert CHILD * 3 == summary(events)


def test_not_tree(programs, place):
    """A branch of a tree is left out with all that grows on it, also what was there before."""
    fifo, done = place / "fifo", place / "done"
    os.mkfifo(fifo)
    os.mkfifo(done)
    again = f"read line < {fifo}; {programs}/true; ({programs}/true); echo > {done}"
    with Shell() as shell:
        branch = shell.start(f"(({again}) & wait); {again}")
        with whatran.watch(tree=[shell.pid], not_tree=[branch]) as watched:
            for _ in range(2):
                fifo.write_text("\n")
                done.read_text()
            shell.do(f"{programs}/true")
            events = told(watched)

    assert CHILD == summary(events)
    assert {shell.pid} == {each.creator_pid for each in execs(events)}


def test_users_of_a_cgroup(programs, groups):
    """Restrictions add up: of a cgroup, what the user runs."""
    group = groups()
    with Shell() as shell, whatran.watch(cgroup=[str(group)], uid=[1234]) as watched:
        as_user = f"setpriv --reuid 1234 --clear-groups {programs}/true"
        shell.do(as_user, f"{entering(group)}", f"{programs}/true", as_user)
        events = told(watched)

    assert TRUE == summary(events)
    assert ({1234}, f"/{group.name}") == ({each.uid for each in events}, only(execs(events)).cgroup)


def own_cgroup_of(pid):
    """Directory of a process's cgroup."""
    with open(f"/proc/{pid}/cgroup") as file:
        return Path(cgroup2_mount()) / next(line[4:-1] for line in file if line.startswith("0::/"))


def left_by_us():
    """The cgroups that were made for commands of this process."""
    return [*Path(cgroup2_mount()).rglob(f"whatran-{os.getpid()}-*")]


@pytest.fixture
def waiting_command(place):
    """A command that waits until it is told to go on: its arguments, and how to tell it."""
    fifo = place / "fifo"
    os.mkfifo(fifo)
    return ["/bin/sh", "-c", f"read line < {fifo}"], lambda: fifo.write_text("\n")


def test_others_in_the_cgroup_of_a_command(programs, waiting_command):
    """In scope "cgroup" those are reported, too, who come to the command's from elsewhere; it is gone afterwards."""
    command, go = waiting_command
    with Shell() as other, whatran.watch(command, scope="cgroup") as watched:
        group = own_cgroup_of(watched.pid)
        other.do(f"{programs}/true", entering(group))
        other.do(f"{programs}/true", entering(cgroup2_mount()))
        other.do(f"{programs}/true")
        go()
        events = list(watched)

    assert [("exec", "sh"), *CHILD, ("exit", "sh")] == summary(events)
    assert [watched.pid, other.pid] == [execs(events)[0].pid, execs(events)[1].creator_pid]
    assert {f"/{group.relative_to(cgroup2_mount())}"} == {each.cgroup for each in execs(events)}
    assert not group.exists()


def test_descendants_that_leave_the_cgroup_of_a_command(programs):
    """They are the command's all the same."""
    commands = f"{entering(cgroup2_mount())}; {programs}/true"

    events = whatran.run(["/bin/sh", "-c", commands], scope="cgroup").events

    assert [("exec", "sh"), *CHILD, ("exit", "sh")] == summary(events)


def test_command_in_a_cgroup_of_its_own_leaves_none(programs, caplog):
    """Once all in it has ended, nothing is left of it."""
    for command in ([programs / "true"], ["/bin/sh", "-c", f"{programs}/true & wait"]) * 2:
        whatran.run(list(map(str, command)), scope="cgroup")

    assert ([], []) == (left_by_us(), caplog.messages)


def test_cgroup_that_is_still_in_use_is_left(waiting_command, caplog):
    """A process that lives on keeps its cgroup, and there is a warning that says which."""
    command, go = waiting_command
    with Shell() as other:
        with whatran.watch(command, scope="cgroup") as watched:
            group = own_cgroup_of(watched.pid)
            other.do(entering(group))
            go()
            list(watched)
        there = group.exists()
        remove_cgroup(group)

    assert there
    warning = only([record for record in caplog.records if record.name == cgroupfs.log.name])
    assert (logging.WARNING, True) == (warning.levelno, str(group) in warning.getMessage())


def test_command_that_cannot_be_started_leaves_no_cgroup():
    """Neither does one that does not exist."""
    with pytest.raises(whatran.CommandError):
        whatran.run(["/nowhere/at/all"], scope="cgroup")

    assert [] == left_by_us()


def test_users_that_are_not_wanted(programs):
    """Execs of such are told in short, dropped and counted; who has made the others is known all the same."""
    commands = f"{programs}/true; setpriv --reuid 1234 --clear-groups {programs}/true; :"

    completed = whatran.run(["/bin/sh", "-c", commands], filters=["uid!=0"])

    events, stats = completed.events, completed.stats
    assert TRUE == summary(events)
    assert {1234} == {each.uid for each in events}
    # Dropped are the execs of sh, true and setpriv, two forks, and the exits of sh and the first true.
    assert (3, 2, 2) == (stats.execs.filtered, stats.forks.filtered, stats.exits.filtered)
    assert (4, 4) == (stats.execs.produced, stats.execs.seen)
    event = only(execs(events))
    assert (event.ppid, event.ppid_start_time) == (event.creator_pid, event.creator_start_time)
    assert "sh" == event.ancestors[0]


def test_names_that_are_not_wanted(programs):
    """A parent that is left out is still the creator and an ancestor of what is not."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], filters=["comm!=sh"]) as watched:
        shell.do(f"/bin/sh -c '/bin/sh -c \"{programs}/true; :\"; :'")
        events, stats = told(watched), watched.stats

    assert TRUE == summary(events)
    event, end = events
    assert ("sh", "sh", "sh") == event.ancestors[:3]
    assert (event.ppid, event.ppid_start_time) == (event.creator_pid, event.creator_start_time)
    assert (event.creator_pid, event.creator_start_time) == (end.creator_pid, end.creator_start_time)
    assert (2, 3) == (stats.execs.filtered, stats.execs.produced)
    assert (3, 2) == (stats.forks.filtered, stats.exits.filtered)
    assert 0 == stats.lost
