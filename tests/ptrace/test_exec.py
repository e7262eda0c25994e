"""What was executed, by the word of the programs themselves."""

import os
import sys

import pytest

import whatran
from tests.ebpf.programs import opened, script, stdin_is
from tests.ebpf.truth import assert_exec_matches, execs, only


@pytest.mark.parametrize("name", ["witness", "witness-static", "witness-pie"])
def test_every_field(run_told, programs, name):
    """All fields of an exec are what the program finds out about itself."""
    completed, [witness] = run_told([programs / name, "", "an argument"])

    assert_exec_matches(only(execs(completed.events, comm=name)), witness)


def test_script(run_told, programs, place):
    """Of a script the interpreter runs, under the name the script gives it; the script is there beside it."""
    os.symlink(programs / "witness", place / "link")
    path = script(place / "script", f"{place}/link -x")

    completed, [witness] = run_told([path, "1"])

    found = os.stat(path)
    event = only(execs(completed.events))
    assert_exec_matches(event, witness, interp=f"{place}/link", prev_comm=event.prev_comm)
    assert (str(path), found.st_ino) == (event.script_pathname, event.script_inode)
    assert (found.st_dev, found.st_ctime_ns) == (event.script_dev, event.script_ctime)


def test_script_of_a_script(run_told, programs, place):
    """Of a script whose interpreter is a script, the last interpreter's name and the first script are told."""
    inner = script(place / "inner", programs / "witness")
    outer = script(place / "outer", inner)

    completed, _ = run_told([outer])

    event = only(execs(completed.events))
    found = (event.interp, event.pathname, event.script_pathname)
    assert (str(programs / "witness"), str(programs / "witness"), str(outer)) == found


def test_relative_path(run_told, programs, place, monkeypatch):
    """What was passed to execve stays as it was, relative or not."""
    monkeypatch.chdir(programs)
    completed, [witness] = run_told(["./witness"])

    event = only(execs(completed.events))
    assert ("./witness", str(programs)) == (event.cmdpath, event.cwd)
    assert_exec_matches(event, witness)


@pytest.mark.parametrize("way", ["memfd", "fd", "dirfd"])
def test_execveat(run_told, programs, way):
    """A program executed by descriptor, by name in a directory or from memory only."""
    completed, [witness] = run_told([programs / "odd", way, programs / "witness"])

    event = only(execs(completed.events, old_tid=completed.events[0].pid, argc=1))
    pathname = witness.pathname.removeprefix("/") if way == "memfd" else witness.pathname
    assert_exec_matches(event, witness, memfd=way == "memfd", pathname=pathname)


def test_deleted(run_told, programs, place):
    """A program that has no name any more is told by the one it had."""
    copy = place / "copy (deleted)"
    copy.write_bytes((programs / "witness").read_bytes())
    copy.chmod(0o755)

    completed, _ = run_told([programs / "odd", "deleted", copy])

    event = completed.events[1]
    assert (str(copy), True, False) == (event.pathname, event.deleted, event.memfd)


def test_name_that_ends_like_a_remark(run_told, programs, place):
    """A program whose name ends in " (deleted)" is not taken for one that was deleted."""
    copy = place / "copy (deleted)"
    copy.write_bytes((programs / "witness").read_bytes())
    copy.chmod(0o755)

    completed, _ = run_told([copy])

    assert (str(copy), False) == (completed.events[0].pathname, completed.events[0].deleted)


def test_exec_in_a_thread(run_told, programs):
    """A thread that executes something becomes the leader; who it was is told."""
    completed, [witness] = run_told([programs / "odd", "thread", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness, old_tid=int(event.argv[2]))


def test_daemon(run_told, programs):
    """A daemon has its creator, and whoever adopted it as its parent."""
    completed, [witness] = run_told([programs / "odd", "daemon", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness)
    assert event.creator_pid != event.ppid


def test_environment_and_long_arguments(run_told, programs, monkeypatch):
    """argv and env are whole, megabytes too, and empty strings among them."""
    monkeypatch.setenv("WITNESS", "x\ny")
    arguments = ["a" * 100_000] * 10 + [""]

    completed, [witness] = run_told([programs / "witness", *arguments], env=True)

    event = only(execs(completed.events))
    assert_exec_matches(event, witness, env=witness.strings("environ"))


def test_kept_short(run_told, programs):
    """What is cut on request has its true length in truncated."""
    completed, [witness] = run_told([programs / "witness", "a" * 1000], max_argv=10)

    event = only(execs(completed.events))
    assert [os.fsdecode(witness["cmdline"][:10])] == event.argv
    assert ({"argv": len(witness["cmdline"])}, 2) == (event.truncated, event.argc)


@pytest.mark.parametrize("what", ["pipe", "file", "closed", "null"])
def test_stdin(run_told, programs, place, what):
    """Standard input as /proc shows it."""
    (place / "file").touch()
    if what == "pipe":
        command = ["sh", "-c", f"true | {programs}/witness"]
        completed, [witness] = run_told(command)
    elif what == "closed":
        completed, [witness] = run_told(["sh", "-c", f"exec {programs}/witness <&-"])
    else:
        with opened("/dev/null" if what == "null" else place / "file") as fd, stdin_is(fd):
            completed, [witness] = run_told([programs / "witness"])

    assert_exec_matches(only(execs(completed.events, comm="witness")), witness)


def test_a_thread_with_a_name_of_its_own(place):
    """What it makes is the process's child: its parent has the name of that, as the kernel has it of the leader."""
    path = place / "named.py"
    path.write_text(
        "import ctypes, subprocess, threading\n"
        "def run():\n"
        "    ctypes.CDLL(None).prctl(15, b'a thread', 0, 0, 0)\n"
        "    subprocess.run(['/bin/true'])\n"
        "thread = threading.Thread(target=run)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    completed = whatran.run([sys.executable, path], source="ptrace")
    leader, true = execs(completed.events)
    [fork] = [event for event in completed.events if event.event == "sched_process_fork"]

    assert ("true", leader.comm, "a thread") == (true.comm, true.ppid_comm, fork.comm)
