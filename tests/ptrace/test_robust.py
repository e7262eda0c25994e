"""The command is the same with us as without us, whatever becomes of it or of us."""

import contextlib
import os
import pty
import resource
import signal
import subprocess
import sys
from collections import Counter

import pytest

import whatran
from tests.ebpf.truth import execs, exits, forks
from whatran.process.lives import Lives

from .users import as_user

WHATRAN = [sys.executable, "-m", "whatran", "--source", "ptrace"]


def test_job_control_and_signals(programs):
    """Stops, continuations, signals with their values and interrupted calls are as without us."""
    alone = subprocess.run([programs / "stops"], stdout=subprocess.PIPE, check=False)
    traced = subprocess.run([*WHATRAN, "--", programs / "stops"], capture_output=True, check=False)

    assert (alone.returncode, alone.stdout) == (traced.returncode, traced.stdout)


@pytest.mark.parametrize("how", ["end", "exit", "exec"])
@pytest.mark.parametrize("threads", [False, True])
def test_crowd_of_threads(programs, how, threads):
    """2,000 threads that end in any way; each has its start and its end where that is asked for."""
    command = [str(programs / "crowd"), "2000", how, str(programs / "true")]

    completed = whatran.run(command, source="ptrace", threads=threads)

    extra = 2000 * threads
    events = completed.events
    assert (0 if how == "exec" else 7) == completed.returncode
    assert (1 + (how == "exec"), extra, extra + 1) == (len(execs(events)), len(forks(events)), len(exits(events)))
    assert [events[-1]] == exits(events, process_group_exit=True)


def test_ten_thousand_processes(programs):
    """Every one of 10,000 short processes has exactly one fork, one exec and one exit, and a whole life."""
    program = str(programs / "true")

    completed = whatran.run([str(programs / "storm"), "2", "5000", program], source="ptrace")

    executed = Counter((each.pid, each.process_start_time) for each in execs(completed.events, pathname=program))
    forked = Counter((each.child_pid, each.start_time) for each in forks(completed.events))
    exited = Counter((each.pid, each.process_start_time) for each in exits(completed.events))
    command = (completed.events[0].pid, completed.events[0].process_start_time)
    workers = forked.keys() - executed.keys()
    assert (0, 10_000, 2, 0) == (completed.returncode, executed.total(), len(workers), completed.stats.lost)
    assert forked == executed + Counter(workers)
    assert exited == forked + Counter([command])
    lives = Lives()
    rows = [life for event in completed.events for life in lives(event)] + list(lives.finish())
    assert 10_003 == len(rows)
    assert [] == [life for life in rows if life.exit_code is None]


@pytest.mark.parametrize("threads", [False, True])
def test_killed_while_they_make_others(programs, threads):
    """Of those killed at any moment, in the middle of a fork too, and of what they made, each has a whole life."""
    busy = f"while :; do {programs}/true & {programs}/crowd 20 end | {programs}/true; done"
    kill = f"for i in $(seq 10 40); do timeout -s KILL 0.0$i sh -c '{busy}'; done"

    completed = whatran.run(
        ["sh", "-c", f"{kill}; {programs}/odd daemon {programs}/true"], source="ptrace", threads=threads
    )

    made = Counter((each.child_tid, each.start_time) for each in forks(completed.events))
    lives = Lives()
    rows = [life for event in completed.events for life in lives(event)] + list(lives.finish())
    command = (completed.events[0].pid, completed.events[0].process_start_time)
    assert {1} == set(made.values())
    assert [command] == [life.key[1:] for life in rows if life.key[1:] not in made]
    assert len(rows) == len({life.key for life in rows})


def test_fork_bomb_that_meets_its_limit(programs):
    """A fork bomb goes on to where RLIMIT_NPROC stops it; all it made has come to its end."""

    def bomb():
        resource.setrlimit(resource.RLIMIT_NPROC, (150, 150))
        completed = whatran.run([str(programs / "limit")], source="ptrace")
        return completed.returncode, len(forks(completed.events)), len(exits(completed.events))

    returncode, made, ended = as_user(34567, bomb)
    assert (0, made + 1) == (returncode, ended)
    assert 0 < made < 150


def gated(place):
    """A command that says that it is there, waits for us, and goes on to write a file."""
    os.mkfifo(place / "gate")
    text = f"echo there; read x < {place}/gate; for i in 1 2 3; do /bin/true; done; echo went on > {place}/end"
    return ["sh", "-c", text]


def let_go_on(place):
    """Opens the gate, and gives back what is written at the end."""
    (place / "gate").write_text("\n")
    while not (place / "end").exists() or not (text := (place / "end").read_text()):
        os.sched_yield()
    return text


def test_killed_ourselves(place):
    """When whatran is killed the command goes on to its normal end, and the tracer does not stay."""
    watcher = subprocess.Popen([*WHATRAN, "--", *gated(place)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"there\n" == watcher.stdout.readline()
    tracers = {traced_by(pid) for pid in descendants(watcher.pid)} - {0}
    watcher.kill()
    watcher.wait()

    assert "went on\n" == let_go_on(place)
    assert 1 == len(tracers)
    while any(os.path.exists(f"/proc/{pid}") for pid in tracers):
        os.sched_yield()
    watcher.stdout.close()
    watcher.stderr.close()


def test_killed_tracer(place, caplog):
    """When the tracer is killed the command goes on, and it is told that something is missing."""
    with whatran.watch(gated(place), source="ptrace") as watch:
        while not watch.read(timeout=1):
            pass
        os.kill(traced_by(watch.pid), signal.SIGKILL)
        text = let_go_on(place)
        events = list(watch)

    assert ("went on\n", 0) == (text, watch.returncode)
    assert 1 == watch.stats.lost
    assert ["sched_process_exec"] == [each.kind for each in events if isinstance(each, whatran.Gap)]
    assert "is not seen" in caplog.text


def test_stopped_watch(place):
    """A watch that is ended before its command lets it go on, untraced."""
    with whatran.watch(gated(place), source="ptrace") as watch:
        while not watch.read(timeout=1):
            pass
        watch.stop()
        list(watch)
        tracer = traced_by(watch.pid)
        text = let_go_on(place)
        returncode = watch.wait()

    assert (0, "went on\n", 0) == (tracer, text, returncode)


def test_slow_reader(programs):
    """A reader that does not read makes the command wait; nothing is lost."""
    with whatran.watch([str(programs / "storm"), "2", "1000", str(programs / "true")], source="ptrace") as watch:
        while not process_state(traced_by(watch.pid))[1].endswith("pipe_write"):
            os.sched_yield()
        events = list(watch)

    assert (2001, 2002, 2003) == (len(execs(events)), len(forks(events)), len(exits(events)))


def process_state(pid):
    """Its state, and where in the kernel it waits."""
    with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/wchan") as wchan:
        return stat.read().rpartition(")")[2].split()[0], wchan.read()


def traced_by(pid):
    """pid of the tracer of a process; 0 for none."""
    with open(f"/proc/{pid}/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("TracerPid:")))


def descendants(pid):
    """Its children and theirs."""
    found = []
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/task/{pid}/children") as file:
        for child in map(int, file.read().split()):
            found += [child, *descendants(child)]
    return found


def test_stopped_from_the_terminal(place):
    """Ctrl-Z stops whatran and the command, and both go on with SIGCONT."""
    session, master = pty.fork()
    if session == 0:
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.execv(sys.executable, [*WHATRAN, "-o", place / "tree", "--", "sh", "-c", "echo up; read x; echo got $x"])
        _, stopped = os.waitpid(job, os.WUNTRACED)
        while not children_are_stopped(job):
            os.sched_yield()
        os.write(1, f"stopped {os.WSTOPSIG(stopped)}\n".encode())
        os.killpg(job, signal.SIGCONT)
        _, ended = os.waitpid(job, 0)
        os.write(1, f"ended {ended}\n".encode())
        os._exit(0)
    said = read_until(master, b"up")
    os.write(master, b"\x1a")
    said += read_until(master, b"stopped")
    os.write(master, b"it\n")
    said += read_until(master, b"ended")
    os.waitpid(session, 0)
    os.close(master)
    lines = [line.strip().removeprefix("^Z") for line in said.decode().splitlines()]
    assert {f"stopped {int(signal.SIGTSTP)}", "got it", "ended 0"} <= set(lines)


def children_are_stopped(pid):
    """Whether all in its group are; the tracer is not in it."""
    children = [child for child in descendants(pid) if os.getpgid(child) == pid]
    return {"T"} == {process_state(child)[0].upper() for child in children}


def read_until(master, word):
    """What comes, up to the line with the word in it."""
    said = b""
    while word not in said or not said.endswith(b"\n"):
        said += os.read(master, 1000)
    return said
