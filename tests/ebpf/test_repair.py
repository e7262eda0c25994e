"""What a gap has hidden is told once all the same, by those who live: compared with what they say themselves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest

import whatran
from whatran import repair
from whatran.process.lives import Lives

from .programs import build, script
from .shells import Shell
from .truth import assert_exec_matches, cgroup2_mount, execs, exits, only, told

EXECUTED = 100
"""Programs that are executed to fill the ring: with all their records far more than fit."""

UNKNOWN = ("cmdpath", "interp", "prev_comm", "prev_euid", "prev_egid", "prev_cap_effective")
SCRIPT = ("script_pathname", "script_dev", "script_inode", "script_ctime")

# Whom to watch, as the pid; it prints what it gets, a line each, until it is told to end.
WATCHER = """
import json, signal, sys, whatran
with whatran.watch(tree=[int(sys.argv[1])], ring_bytes=4096) as watched:
    signal.signal(signal.SIGTERM, lambda *_: watched.stop())
    print("ready", flush=True)
    for event in watched:
        kind = event.kind if event.event == "gap" else event.event
        repaired = event.event != "gap" and event.repaired
        print(json.dumps([kind, getattr(event, "count", 1), repaired, getattr(event, "pid", 0)]), flush=True)
"""


@pytest.fixture(scope="module")
def stays(programs):
    """Path of a program that tells of itself and lives on."""
    build(programs / "stay", "stay.c")
    build(programs / "stay-static", "stay.c", "-static")
    return programs / "stay"


@pytest.fixture
def stay(stays, place):
    """Starts a program that lives on, by a shell's command that ends with it, and gives back what it says of itself."""

    def start(shell, command="", *, setup=":", program=stays, arguments=""):
        said = place / f"said-{uuid.uuid4().hex}"
        # It may belong to another user by the time it speaks.
        shell.start(f"exec > {said}; {setup}; exec {command} {program} {arguments}")
        return wait_until_said(said)

    return start


@pytest.fixture
def at_once(monkeypatch):
    """Has a watch look at all processes whenever all was read after a loss, however lately it did."""
    monkeypatch.setattr(repair, "LOOK_SECONDS", 0.0)


@pytest.fixture
def group():
    """A new cgroup of the v2 hierarchy; what is in it must have ended first."""
    path = Path(cgroup2_mount()) / f"whatran-{uuid.uuid4().hex}"
    path.mkdir()
    yield path
    path.rmdir()


def wait_until_said(path):
    """What the only witness of a file says, once it is all there."""
    while not path.exists() or not path.read_bytes().endswith(b"\n"):
        os.sched_yield()
    return only(told(path.read_text()))


def pid_of(witness):
    """Its process id, also where it sees another in a pid namespace."""
    return int(witness.status("NStgid")[0])


def fill(shell, programs):
    """Has so much executed that nothing more fits into a ring that nobody reads."""
    shell.do(f"{programs}/storm 1 {EXECUTED} {programs}/true")


def drained(watched):
    """All that has been recorded so far."""
    events = []
    while batch := watched.read(timeout=0):
        events += batch
    return events


def rest(watched):
    """All that is still to come of a watch that ends now."""
    watched.stop()
    return list(watched)


def repaired(events):
    """What is told later, each said to be so."""
    found = [each for each in events if each.event != "gap" and each.repaired]
    assert {("sched_process_exec", 0)} >= {(each.event, each.sequence) for each in found}
    return found


def read_until_repaired(watched, events=()):
    """The events so far and all up to the first repaired one, which must come before the end."""
    events = [*events]
    while not repaired(events) and not watched.ended:
        events += watched.read()
    assert not watched.ended
    return events


def told_later(row):
    """What of a repaired exec differs from what it would have said in time."""
    unknown = dict.fromkeys((*UNKNOWN, "argc", "envc", "old_tid", "secureexec"))
    return unknown | {"repaired": True, "sequence": 0, "unreadable": row.unreadable}


@pytest.mark.parametrize("ring_bytes", [1 << 12, 1 << 16])
def test_living_processes_whose_execs_were_lost(programs, stay, at_once, ring_bytes):
    """All is received or counted in gaps, and each living process whose exec was lost is told of later, once."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=ring_bytes) as watched:
        stay(shell)
        fill(shell, programs)
        lost = [stay(shell), stay(shell)]
        events = drained(watched)
        stay(shell)
        events = read_until_repaired(watched, events)
        fill(shell, programs)
        lost.append(stay(shell))
        events += rest(watched)
        stats = watched.stats

    received = [each for each in events if each.event != "gap" and not each.repaired]
    assert [pid_of(each) for each in lost] == [each.pid for each in repaired(events)]
    counts = {"exec": stats.execs, "fork": stats.forks, "exit": stats.exits}
    # By a storm: itself, its worker, and what that executes.
    assert {"exec": 2 * EXECUTED + 7, "fork": 2 * EXECUTED + 9, "exit": 2 * EXECUTED + 4} == {
        kind: count.produced for kind, count in counts.items()
    }
    missing = Counter()
    for gap in events:
        if isinstance(gap, whatran.Gap):
            missing[gap.kind] += gap.count
    for kind, count in counts.items():
        name = f"sched_process_{kind}"
        assert count.received == len([each for each in received if each.event == name])
        assert (count.lost, count.produced) == (missing[name], count.received + missing[name])
        assert count.lost


def test_repaired_rows_are_true(programs, stays, stay, place, group):
    """What a repaired exec says is what the process says of itself; what nobody knows any more is None."""
    copy = shutil.copy(stays, place / "copy")
    many = "env -i A=1 'B=two words' unshare --uts --ipc --net setpriv --reuid 1234 --regid 4321 --clear-groups"
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096, env=True) as watched:
        fill(shell, programs)
        plain = [
            stay(shell),
            stay(shell, many, arguments="'a b' '' \"$(printf '\\377')\""),
            stay(shell, program=f"{stays}-static", setup="exec < /etc/passwd; cd /usr/share"),
            stay(shell, "setsid", setup="exec <&-"),
            stay(shell, f"{programs}/odd deleted", program=copy),
        ]
        in_memory = stay(shell, f"{programs}/odd memfd", program=f"{stays}-static")
        in_group = stay(shell, setup=f"echo 0 > {group}/cgroup.procs")
        in_namespace = stay(shell, "unshare --pid --fork --kill-child")
        rows = {each.pid: each for each in repaired(rest(watched))}

    unshare = int(in_namespace.status("PPid")[0])
    witnesses = [*plain, in_memory, in_group, in_namespace]
    assert sorted([unshare, *map(pid_of, witnesses)]) == sorted(rows)
    for witness in witnesses:
        row = rows[pid_of(witness)]
        assert {*UNKNOWN} == {*row.unreadable} - {*SCRIPT}
        named = {"pathname": "memfd:odd one", "memfd": True} if witness is in_memory else {}
        assert_exec_matches(row, witness, **told_later(row), env=witness.strings("environ"), **named)
    assert f"/{group.name}" == rows[pid_of(in_group)].cgroup
    assert "unshare" == rows[unshare].comm


def test_repaired_arguments_are_cut_where_asked_for(programs, stay):
    """Then their true length is told, as ever."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096, max_argv=4) as watched:
        fill(shell, programs)
        witness = stay(shell)
        row = only(repaired(rest(watched)))

    assert [witness.strings("cmdline")[0][:4]] == row.argv
    assert {"argv": len(witness["cmdline"])} == row.truncated


def test_environment_of_a_repaired_exec_that_nobody_asked_for(programs, stay):
    """It is not said to be unreadable, as that of any other exec is not."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        stay(shell)
        row = only(repaired(rest(watched)))

    assert (None, False) == (row.env, "env" in row.unreadable)


def test_script_of_a_repaired_exec(programs, stays, stay, place):
    """Whether there was one, and which, nobody knows any more: that is unknown, and not none."""
    path = script(place / "script", stays)
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        shell.start(f"exec {path} > {place}/said")
        wait_until_said(place / "said")
        row = only(repaired(rest(watched)))

    assert (str(stays), None, True) == (row.pathname, row.script_pathname, {*SCRIPT} <= {*row.unreadable})


def test_loss_that_only_the_end_shows(programs, stay):
    """Where nothing was recorded after it, the end of the watch finds what is missing and who lives."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        witness = stay(shell)
        assert [] == repaired(drained(watched))
        row = only(repaired(rest(watched)))

    assert_exec_matches(row, witness, **told_later(row))


def test_end_just_after_the_look(programs, stay, at_once):
    """A watch that ends before it has told what it found tells it then."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        witness = stay(shell)
        events = watched.read()  # all was read, so it has looked
        assert [] == repaired(events)
        events += rest(watched)

    assert [pid_of(witness)] == [each.pid for each in repaired(events)]


def test_process_that_ends_just_after_the_look(programs, stay, at_once):
    """Nothing is told of a process after its end."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        witness = stay(shell)
        drained(watched)
        shell.do(f"{programs}/true")
        events = drained(watched)
        shell.do(f"kill -9 {pid_of(witness)}; wait {pid_of(witness)}")
        events += drained(watched)
        events += rest(watched)

    end = only(exits(events, pid=pid_of(witness)))
    assert [] == [each for each in events[events.index(end) + 1 :] if each.event != "gap" and each.pid == end.pid]
    lives = Lives()
    assert [] == [life for event in events for life in lives(event) if life.pid == end.pid and life.running]
    assert end.pid not in {life.pid for life in lives.finish()}


def test_life_of_a_process_whose_exec_was_lost(programs, stay, at_once):
    """Its row has the program that it was found to run, and its end."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        witness = stay(shell)
        events = drained(watched)
        shell.do(f"{programs}/true")
        events = read_until_repaired(watched, events)
        shell.do(f"kill -9 {pid_of(witness)}; wait {pid_of(witness)}")
        events += rest(watched)

    lives = Lives()
    life = only([life for event in events for life in lives(event) if life.pid == pid_of(witness)])
    assert ([witness.pathname], signal.SIGKILL) == ([each.pathname for each in life.programs], life.signal_code)


@pytest.mark.parametrize("lost", [False, True], ids=["received", "lost"])
def test_zombies_are_not_repaired(programs, stay, lost):
    """Who has ended and was not waited for is no living process, whether its records were lost or not."""
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        if lost:
            fill(shell, programs)
        zombie = int(stay(shell, arguments=f"--child {programs}/true")["label"])
        events = [] if lost else drained(watched)
        fill(shell, programs)
        witness = stay(shell)
        events += rest(watched)

    assert lost == (not execs(events, pid=zombie))
    assert pid_of(witness) in {each.pid for each in repaired(events)}
    assert zombie not in {each.pid for each in repaired(events)}


def test_who_has_executed_nothing_is_not_repaired(programs, stay, place):
    """A process that was forked and goes on with its creator's program has no exec that could be missing."""
    fifo = place / "fifo"
    os.mkfifo(fifo)
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        fill(shell, programs)
        shell.start(f"read line < {fifo}")
        witness = stay(shell)
        events = rest(watched)

    assert [pid_of(witness)] == [each.pid for each in repaired(events)]


def test_exec_after_one_that_was_received(programs, stays, place):
    """A process is told of with what it runs now, where its first exec came and a later one was lost."""
    fifo, said = place / "fifo", place / "said"
    os.mkfifo(fifo)
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096) as watched:
        pid = shell.start(f'exec /bin/sh -c \'read line < "$0"; exec "$1" > "$2"\' {fifo} {stays} {said}')
        fifo_open = os.open(fifo, os.O_WRONLY)  # once it reads, so has executed
        events = drained(watched)
        fill(shell, programs)
        os.write(fifo_open, b"\n")
        os.close(fifo_open)
        witness = wait_until_said(said)
        events += rest(watched)

    first, row = execs(events, pid=pid)
    assert (False, True, first.exec_id + 1) == (first.repaired, row.repaired, row.exec_id)
    assert (first.creator_pid, first.ancestors) == (row.creator_pid, row.ancestors)
    assert_exec_matches(row, witness, **told_later(row))


@pytest.mark.parametrize(
    "options",
    [
        {"comm": ["one"], "uid": [1234]},
        {"filters": ["comm!=two", "comm!=true", "comm!=storm"]},
        {"filters": ["uid!=0"]},
        {"filters": ["pathname=*/one"]},
    ],
    ids=str,
)
def test_repaired_events_obey_filters(programs, stay, stays, place, options):
    """Of what is found only that is told which the filters let pass."""
    one, two = shutil.copy(stays, place / "one"), shutil.copy(stays, place / "two")
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096, **options) as watched:
        fill(shell, programs)
        wanted = stay(shell, "setpriv --reuid 1234 --clear-groups", program=one)
        stay(shell, program=two)
        events = rest(watched)

    assert [pid_of(wanted)] == [each.pid for each in repaired(events)]


@pytest.mark.parametrize("scope", ["tree", "cgroup"])
def test_who_is_out_of_scope_is_not_repaired(programs, stay, group, scope):
    """What others executed while records were lost is nobody's business."""
    with Shell() as shell, Shell() as other:
        shell.do(f"echo 0 > {group}/cgroup.procs")
        options = {"tree": [shell.pid]} if scope == "tree" else {"cgroup": [str(group)]}
        with whatran.watch(ring_bytes=4096, **options) as watched:
            fill(shell, programs)
            stay(other)
            witness = stay(shell)
            events = rest(watched)

    assert [pid_of(witness)] == [each.pid for each in repaired(events)]


@pytest.mark.parametrize("scope", ["not_tree", "not_cgroup"])
def test_who_is_left_out_is_not_repaired(programs, stay, stays, place, group, scope):
    """What is taken out of a scope is not told of later either."""
    fifo, said = place / "fifo", place / "said"
    os.mkfifo(fifo)
    with Shell() as shell:
        left_out = shell.start(f"echo 0 > {group}/cgroup.procs; read line < {fifo}; {stays} > {said}")
        options = {"not_tree": [left_out]} if scope == "not_tree" else {"not_cgroup": [f"/{group.name}"]}
        with whatran.watch(tree=[shell.pid], ring_bytes=4096, **options) as watched:
            fill(shell, programs)
            fifo.write_text("\n")
            shell.has_started(pid_of(wait_until_said(said)))
            witness = stay(shell)
            events = rest(watched)

    assert [pid_of(witness)] == [each.pid for each in repaired(events)]


def test_only_the_process_that_was_named_is_repaired(stays, place):
    """With a pid that is the process itself and not its children."""
    fifo, child_said, said = place / "fifo", place / "child", place / "said"
    os.mkfifo(fifo)
    forks_enough = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do (:); done"
    commands = f"read line < {fifo}; {forks_enough}; {stays} > {child_said} & exec {stays} > {said}"
    with Shell() as shell:
        pid = shell.start(commands)
        with whatran.watch(pid=[pid], ring_bytes=4096) as watched:
            fifo.write_text("\n")
            shell.has_started(pid_of(wait_until_said(child_said)))
            wait_until_said(said)
            events = rest(watched)

    assert [pid] == [each.pid for each in repaired(events)]


def test_stopped_reader(programs, stay):
    """A reader that was stopped while much happened tells what it missed once it goes on, and of each but once."""
    with (
        Shell() as shell,
        subprocess.Popen([sys.executable, "-c", WATCHER, str(shell.pid)], stdout=subprocess.PIPE, text=True) as watcher,
    ):
        assert "ready\n" == watcher.stdout.readline()
        before = stay(shell)
        os.kill(watcher.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WNOWAIT)
        fill(shell, programs)
        lost = [stay(shell), stay(shell)]
        os.kill(watcher.pid, signal.SIGCONT)
        after = stay(shell)
        lines = []
        while not {pid_of(each) for each in lost} <= {pid for _, _, late, pid in lines if late}:
            lines.append(json.loads(watcher.stdout.readline()))
        watcher.terminate()
        lines += map(json.loads, watcher.stdout)

    got = Counter()
    for kind, count, late, _ in lines:
        got[kind] += 0 if late else count
    told_of = Counter(pid for kind, _, late, pid in lines if kind == "sched_process_exec" and pid)
    storm = {"exec": EXECUTED + 5, "fork": EXECUTED + 6, "exit": EXECUTED + 2}
    assert {f"sched_process_{kind}": count for kind, count in storm.items()} == got
    assert {1} == {told_of[pid_of(each)] for each in (before, *lost, after)}


def test_losses_soon_after_one_another(monkeypatch, programs, stay):
    """What is lost again just after a look at all processes is found by the next, also where all is still by then."""
    monkeypatch.setattr(repair, "LOOK_SECONDS", 0.2)
    with Shell() as shell, whatran.watch(tree=[shell.pid], ring_bytes=4096, timeout=60) as watched:
        for _ in range(2):
            fill(shell, programs)
            witness = stay(shell)
            events = drained(watched)  # where all this has taken long, a look is among it already
            shell.do(f"{programs}/true")
            assert [pid_of(witness)] == [each.pid for each in repaired(read_until_repaired(watched, events))]
