"""Which processes are reported: a command's, and those that are named."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import uuid

import pytest

import whatran

from .programs import read_until
from .truth import execs, exits, forks

NOBODY = 65534


def unique(programs, place, program="true"):
    """Copy of a program under a name that nobody else has."""
    return shutil.copy(programs / program, place / f"w{uuid.uuid4().hex[:12]}")


@contextlib.contextmanager
def waiting(commands, *arguments, **options):
    """A shell that says it is ready, waits for a line and then does the commands; not watched so far."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"echo ready; read line; {commands}", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **options,
    )
    with process:
        assert b"ready\n" == process.stdout.readline()
        yield process


def go(process):
    """Gives a waiting process its line."""
    process.stdin.write(b"\n")
    process.stdin.close()


def is_exit_of(pid):
    """Whether an event is the end of that process."""
    return lambda event: event.event == "sched_process_exit" and event.pid == pid


def test_daemon_is_followed(programs, place):
    """A daemon that left its parent, its session and its terminal is still a descendant."""
    daemon = unique(programs, place)

    completed = whatran.run([str(programs / "odd"), "daemon", str(daemon)])

    [event] = execs(completed.events, comm=daemon.name)
    assert (0, 1) == (completed.returncode, len(exits(completed.events, pid=event.pid)))
    assert 2 == len(forks(completed.events))
    assert completed.events[0].pid != event.ppid


def test_others_are_not_reported(programs, place):
    """What somebody else executes at the same time is not the command's."""
    mine, other = unique(programs, place), unique(programs, place)
    fifo = place / "fifo"
    os.mkfifo(fifo)
    with whatran.watch(["/bin/sh", "-c", 'read line < "$1"; exec "$0"', str(mine), str(fifo)]) as watched:
        subprocess.run([other], check=True)
        fifo.write_text("\n")
        events = list(watched)

    assert {"sh", mine.name} == {each.comm for each in events}
    assert 1 == len(execs(events, comm=mine.name))


@pytest.mark.parametrize("program", ["true", "witness"])
def test_no_first_exec_is_missed(programs, capfd, program):
    """However short a command is, its run begins with its exec and ends with its exit."""
    command = str(programs / program)

    for _ in range(50):
        events = whatran.run([command]).events
        assert ["sched_process_exec", "sched_process_exit"] == [each.event for each in events]
        assert {events[0].pid} == {each.pid for each in events}
        assert command == events[0].cmdpath


def test_pid(programs, place):
    """With a pid that process is reported, and not its children."""
    child = unique(programs, place)
    with waiting('"$0"; exec "$0"', child) as process, whatran.watch(pid=[process.pid]) as watched:
        go(process)
        events = read_until(watched, is_exit_of(process.pid))

    assert {process.pid} == {each.pid for each in events}
    assert (1, 1, 1) == (len(forks(events)), len(execs(events)), len(exits(events)))


def test_tree(programs, place):
    """With a tree a process and its descendants are reported, also those born before the watch."""
    program = unique(programs, place)
    born = 'exec 3<&0; (echo ready; read line <&3; "$0"; exec "$0") & exec <&-; wait'
    with waiting("", program) as unrelated:
        process = subprocess.Popen(["/bin/sh", "-c", born, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with process:
            assert b"ready\n" == process.stdout.readline()
            with whatran.watch(tree=[process.pid]) as watched:
                go(unrelated)
                unrelated.wait()
                go(process)
                events = read_until(watched, is_exit_of(process.pid))

    parents = {each.child_pid: each.parent_pid for each in forks(events)}
    [grandchild] = parents
    executed = {each.pid for each in execs(events, comm=program.name)}
    assert {grandchild, parents[grandchild]} == executed
    assert {process.pid, *executed} == {each.pid for each in events}
    assert 3 == len(exits(events))


def test_uid(programs, place):
    """With a uid the processes of that user are reported, and of no other."""
    program = unique(programs, place)
    user = 60_000 + uuid.uuid4().int % 5_000
    commands = 'setpriv --reuid "$1" "$0"; exec "$0"'
    with whatran.watch(uid=[user]) as watched, subprocess.Popen(["/bin/sh", "-c", commands, program, str(user)]):
        events = read_until(watched, lambda event: event.event == "sched_process_exit")

    assert {user} == {each.uid for each in events}
    assert [program.name] == [each.comm for each in execs(events) if each.comm != "setpriv"]


def test_uid_of_descendants_only(programs, place):
    """Restrictions add up: of a command's descendants, those of the user."""
    commands = f'"$0"; setpriv --reuid {NOBODY} "$0"'

    completed = whatran.run(["/bin/sh", "-c", commands, str(unique(programs, place))], uid=[NOBODY])

    assert {NOBODY} == {each.uid for each in completed.events}
    assert (1, 1) == (len(execs(completed.events)), len(exits(completed.events)))


def test_comm(programs, place):
    """With a comm the processes of that name are reported, and of no other."""
    wanted, other = unique(programs, place), unique(programs, place)
    with whatran.watch(comm=[wanted.name]) as watched:
        subprocess.run([other], check=True)
        subprocess.run([wanted], check=True)
        events = read_until(watched, lambda event: event.event == "sched_process_exit")

    assert ["sched_process_exec", "sched_process_exit"] == [each.event for each in events]
    assert {wanted.name} == {each.comm for each in events}


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("comm=one*", ["one", "one"]),
        ("comm!=one*", ["sh", "sh", "sh", "two", "two", "sh"]),
        ("pathname=*/one", ["one", "one"]),
        ("argv=*/two x y", ["two", "two"]),
        ("event=sched_process_exit", ["one", "two", "sh"]),
        ("exit_code=0", ["one", "two", "sh"]),
    ],
)
def test_filter(programs, place, condition, kept):
    """A filter holds for any field; of a process's end it asks its last exec where it has not the field itself."""
    for name in ("one", "two"):
        shutil.copy(programs / "true", place / name)

    completed = whatran.run(["/bin/sh", "-c", '"$0/one"; "$0/two" "x y"; exit 0', str(place)], filters=[condition])

    assert kept == [each.comm for each in completed.events]


@pytest.mark.parametrize("condition", ["comm=one", "pathname=*/one"], ids=["in-the-kernel", "here"])
def test_filtered_is_counted(programs, place, condition):
    """What a filter keeps out is counted, wherever it was kept out, and is not counted as lost."""
    for name in ("one", "two"):
        shutil.copy(programs / "true", place / name)

    stats = whatran.run(["/bin/sh", "-c", '"$0/one"; "$0/two"; exit 0', str(place)], filters=[condition]).stats

    # Kept out are the exec of sh and of two, both forks by sh, the exits of sh and of two.
    assert (2, 2, 2) == (stats.execs.filtered, stats.forks.filtered, stats.exits.filtered)
    assert 0 == stats.lost


def test_filters_add_up(programs, place):
    """Of several filters all must hold."""
    for name in ("one", "two"):
        shutil.copy(programs / "true", place / name)

    completed = whatran.run(
        ["/bin/sh", "-c", '"$0/one"; "$0/two"', str(place)],
        filters=["event=sched_process_exec", "pathname=*/one", "pathname!=*/two"],
    )

    assert ["one"] == [each.comm for each in completed.events]


@pytest.mark.parametrize("argument", ["a\0b", "\ud800"], ids=["nul", "no-bytes"])
def test_argument_that_cannot_be_passed(argument):
    """An argument that no program can be given is an error, and not a command that ended with 127."""
    with pytest.raises((whatran.UsageError, whatran.CommandError, ValueError)):
        whatran.run(["/bin/true", argument])


def test_unknown_field_of_a_filter():
    """A filter on a field that no event has is an error before anything is started."""
    with pytest.raises(whatran.UsageError, match="nosuch"):
        whatran.run(["/bin/true"], filters=["nosuch=1"])


def test_timeout_ends_a_watch():
    """A watch with a timeout ends by itself, also where nothing happens."""
    with whatran.watch(comm=[uuid.uuid4().hex[:15]], timeout=0.1) as watched:
        assert [] == list(watched)
        assert watched.ended


def test_stop_ends_a_watch(programs, place):
    """After stop() what has come is still handed out, and then no more."""
    program = unique(programs, place)
    with whatran.watch(comm=[program.name]) as watched:
        subprocess.run([program], check=True)
        watched.stop()
        events = list(watched)

    assert ["sched_process_exec", "sched_process_exit"] == [each.event for each in events]


def test_command_inside_a_pid_namespace(programs, place):
    """Where process ids are not the kernel's own the command is followed all the same."""
    out = place / "out"
    inner = [sys.executable, "-m", "whatran", "--format", "jsonl", "-o", out, "--", "sh", "-c", 'true; "$0"']
    subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", *inner, programs / "true"], check=True)

    events = list(map(json.loads, out.read_text().splitlines()))
    executed = [event["comm"] for event in events if event["event"] == "sched_process_exec"]
    assert ["sh", "true"] == executed


def test_process_ids_inside_a_pid_namespace_are_refused():
    """They would be taken for those of other processes."""
    inner = [sys.executable, "-m", "whatran", "--tree", "1", "--timeout", "1"]
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", *inner], check=False, capture_output=True, text=True
    )

    assert (2, True) == (done.returncode, "pid namespace" in done.stderr)


def test_thread_id_is_refused(programs):
    """A thread is no process; the message says whose it is."""
    told, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (told.set(), go.wait()))
    thread.start()
    told.wait()
    try:
        with pytest.raises(whatran.UsageError, match=f"a thread of process {os.getpid()}"):
            whatran.watch(pid=[thread.native_id])
    finally:
        go.set()
        thread.join()


@pytest.mark.parametrize(
    "options",
    [
        {"filters": "comm=x"},
        {"comm": "x"},
        {"uid": [-1]},
        {"comm": ["a\0b"]},
        {"timeout": -1},
        {"ring_bytes": 1 << 40},
        {"max_argv": -1},
        {"filters": ["env=*"]},
        {"tree": 1},
    ],
    ids=str,
)
def test_options_that_cannot_be(options):
    """Each is an error before anything is loaded."""
    with pytest.raises(whatran.UsageError):
        whatran.watch(**options)


def test_command_as_one_text_is_refused():
    """It would be taken for a list of letters."""
    with pytest.raises(whatran.UsageError, match="list"):
        whatran.run("true")
