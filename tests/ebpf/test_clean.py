"""Nothing of ours stays behind: not in the kernel, not among descriptors and children, however a watch ends."""

import os
import signal
import subprocess
import sys
import uuid

import pytest

import whatran

from .bpf_objects import held_by, still_there, wait_until_gone


def nobody():
    """A comm that no process has."""
    return uuid.uuid4().hex[:15]


def test_closed_watch_leaves_nothing_in_the_kernel():
    """After close() programs, maps and links of the watch are gone."""
    before = held_by(os.getpid())
    watched = whatran.watch(comm=[nobody()])
    held = held_by(os.getpid()) - before
    there = still_there(held)
    watched.close()

    assert {"prog_id", "map_id", "link_id"} == {kind for kind, _ in held}
    assert held == there
    wait_until_gone(held)
    assert before == held_by(os.getpid())


def test_closing_twice_is_closing_once():
    """close() may be called again, also after the end of the with block."""
    with whatran.watch(comm=[nobody()]) as watched:
        watched.close()
    watched.close()

    assert watched.ended


def test_killed_watcher_leaves_nothing_in_the_kernel():
    """A watcher that is killed by SIGKILL leaves no program, map or link."""
    code = "import sys, whatran; w = whatran.watch(comm=[sys.argv[1]]); print('ready', flush=True); w.read()"
    command = [sys.executable, "-c", code, nobody()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as watcher:
        assert b"ready\n" == watcher.stdout.readline()
        held = held_by(watcher.pid)
        there = still_there(held)
        watcher.kill()

    assert -signal.SIGKILL == watcher.returncode
    assert {"prog_id", "map_id", "link_id"} == {kind for kind, _ in held}
    assert held == there
    wait_until_gone(held)


def test_command_does_not_inherit_the_watch(capfd):
    """A command gets the descriptors that we pass on to everyone and none of the watch's, which a daemon would keep."""
    subprocess.run(["ls", "/proc/self/fd"], check=True, close_fds=False)
    inherited = capfd.readouterr().out

    whatran.run(["ls", "/proc/self/fd"])

    assert inherited == capfd.readouterr().out


def test_failed_start_leaves_nothing_in_the_kernel():
    """Where the command cannot be started, what was loaded for it is gone."""
    before = held_by(os.getpid())

    with pytest.raises(whatran.CommandError):
        whatran.run(["/nowhere/at/all"])

    assert before == held_by(os.getpid())


def test_dropped_watch_warns():
    """A watch that is dropped open is a ResourceWarning, and nothing of it stays."""
    watched = whatran.watch(comm=[nobody()])
    held = held_by(os.getpid())

    with pytest.warns(ResourceWarning):
        del watched

    wait_until_gone(held)


def test_command_outlives_a_closed_watch(place):
    """Closing a watch does not end its command."""
    fifo = place / "fifo"
    os.mkfifo(fifo)
    with whatran.watch(["/bin/sh", "-c", 'read line < "$0"; exit 3', str(fifo)]) as watched:
        pass

    assert watched.returncode is None
    fifo.write_text("\n")
    assert 3 == os.waitstatus_to_exitcode(os.waitpid(watched.pid, 0)[1])


def test_killed_watcher_leaves_its_command_alone(place):
    """A command whose watcher was killed runs on to its own end."""
    fifo, done = place / "fifo", place / "done"
    os.mkfifo(fifo)
    os.mkfifo(done)
    code = "import sys, whatran; whatran.run(sys.argv[1:])"
    command = ["/bin/sh", "-c", 'echo ready > "$1"; read line < "$0"; echo done > "$1"', str(fifo), str(done)]
    with subprocess.Popen([sys.executable, "-c", code, *command]) as watcher:
        assert "ready\n" == done.read_text()
        watcher.kill()

    fifo.write_text("\n")
    assert "done\n" == done.read_text()


def test_nothing_is_asked_of_what_is_closed():
    """A source that was closed says so; libbpf would end the process."""
    with whatran.watch(["true"]) as watched:
        list(watched)
        source = watched._source

    assert [] == source.read()
    for ask in (source.counts, source.programs, source.produced):
        with pytest.raises(whatran.SourceError, match="closed"):
            ask()
