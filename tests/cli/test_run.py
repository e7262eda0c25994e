"""whatran run."""

import os
import signal
import subprocess

import pytest

from tests.cli.conftest import events_of
from tests.events import make_exec
from whatran.process.accounts import Account
from whatran.sinks import FORMATS
from whatran.stats import Counts, Stats


@pytest.fixture
def sleeper():
    """A process that does not end by itself."""
    with subprocess.Popen(["sleep", "3600"]) as process:
        yield process
        process.kill()


def test_the_tree_is_shown(machine, run, a_program):
    """Without a format the tree is shown on standard error, and standard output is the command's alone."""
    machine.will(a_program, returncode=3)
    status, out, err = run("--", "witness", "a b")

    assert (3, "") == (status, out)
    assert [
        "DURATION  EXIT  COMMAND",
        "  9.00ms  3     witness 'a b'",
        "1 process, 1 exec, 1 failed, 9.00ms (user 1.00ms, system 2.00ms)",
    ] == err.splitlines()


@pytest.mark.parametrize(("expected", "returncode"), [(0, 0), (7, 7), (255, 255), (137, -9), (139, -11), (1, None)])
def test_the_status_is_the_commands(machine, run, expected, returncode):
    """The status is the command's own, as a shell would have it."""
    machine.will(returncode=returncode)
    status, _, _ = run("--", "true")

    assert expected == status


def test_losses_are_said(machine, run, some_lost):
    """Where events were lost one line says so."""
    machine.will(returncode=0, stats=some_lost)
    _, _, err = run("--", "true")

    assert "whatran: 4 records lost: the output has gaps; a larger --buffer helps" == err.splitlines()[-1]


def test_what_was_not_run_is_not_for_want_of_room(machine, run):
    """A larger buffer would not help where the kernel did not run the program."""
    machine.will(returncode=0, stats=Stats(execs=Counts(seen=5, failed=2)))
    _, _, err = run("--", "true")

    assert "whatran: 2 records lost: the output has gaps" == err.splitlines()[-1]


def test_no_more_than_count(machine, run):
    """-n limits what is written; the command is followed to its end all the same."""
    watch = machine.will([make_exec()], [make_exec(), make_exec()], [make_exec()], returncode=4)
    status, out, _ = run("-o", "-", "-n", "2", "--format", "jsonl", "--", "true")

    assert (4, ["exec", "exec"], 0, 3) == (status, events_of(out), watch.stopped, len(watch.timeouts))


@pytest.mark.parametrize(("expected", "returncode"), [(1, 0), (5, 5), (143, -15)])
def test_a_full_disk_does_not_stop_the_command(machine, run, a_program, expected, returncode):
    """When our output fails the command goes on; it is said at the end, and the status is 1 if the command's is 0."""
    watch = machine.will(a_program, a_program, a_program, returncode=returncode)
    status, _, err = run("--format", "jsonl", "-o", "/dev/full", "--", "true")

    assert (expected, 3) == (status, len(watch.timeouts))
    assert "whatran: cannot write to /dev/full: No space left on device; output is incomplete\n" == err


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_survives_a_full_disk(machine, run, a_program, form):
    """Whichever way a format writes, early or late, its failure is no end of the command."""
    watch = machine.will(a_program, a_program, returncode=0)
    status, _, _ = run("--format", form, "-o", "/dev/full", "--", "true")

    assert (1, 2) == (status, len(watch.timeouts))


@pytest.mark.parametrize("returncode", [0, 5])
def test_a_reader_that_went_away_does_not_stop_the_command(machine, run, monkeypatch, a_program, returncode):
    """When nobody reads our output any more the command goes on, and its status is ours."""
    watch = machine.will(a_program, a_program, returncode=returncode)

    class Broken:
        due = None

        def write(self, events):
            raise BrokenPipeError

    monkeypatch.setitem(FORMATS, "table", lambda output, show: Broken())

    assert (returncode, "", "") == run("--format", "table", "--", "true")
    assert 2 == len(watch.timeouts)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_signals_of_the_terminal_are_the_commands(machine, run, sleeper, number):
    """What the terminal sends to the command too is not passed on, and does not end us."""

    def interrupted():
        signal.raise_signal(number)
        assert sleeper.poll() is None
        return []

    watch = machine.will(interrupted, [], pid=sleeper.pid)
    watch.batches[1:] = [lambda: setattr(watch, "returncode", 0) or []]
    status, _, _ = run("--", "true")

    assert (0, 0) == (status, watch.stopped)
    assert sleeper.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_for_us_are_passed_on(machine, run, sleeper, number):
    """A signal that came to us alone reaches the command, whose end is ours."""

    def interrupted():
        signal.raise_signal(number)
        watch.returncode = sleeper.wait()
        return []

    watch = machine.will(interrupted, pid=sleeper.pid)
    status, _, _ = run("--", "true")

    assert (128 + number, -number) == (status, sleeper.returncode)


def test_no_signal_to_a_command_that_has_ended(machine, run, monkeypatch):
    """Once the command has ended its pid may be another's, and gets no signal."""
    killed = []
    monkeypatch.setattr(os, "kill", lambda *args: killed.append(args))

    def interrupted():
        signal.raise_signal(signal.SIGTERM)
        return []

    machine.will(interrupted, pid=4711, returncode=6)
    status, _, _ = run("--", "true")

    assert (6, []) == (status, killed)


def test_the_time_is_over(machine, run, sleeper):
    """--timeout ends the command with SIGTERM, and the status is that of timeout(1)."""

    def wait():
        watch.returncode = sleeper.wait()
        return []

    watch = machine.will(wait, pid=sleeper.pid)
    status, _, _ = run("--timeout", "0.01", "--", "true")

    assert (124, -signal.SIGTERM) == (status, sleeper.returncode)


def test_the_time_is_over_for_a_stopped_command(machine, run, sleeper):
    """A command that is stopped is continued, as it would not notice otherwise."""
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)

    def wait():
        watch.returncode = sleeper.wait()
        return []

    watch = machine.will(wait, pid=sleeper.pid)
    status, _, _ = run("--timeout", "0.01", "--", "true")

    assert (124, -signal.SIGTERM) == (status, sleeper.returncode)


def test_a_command_that_ends_in_time(machine, run):
    """A command that ends before the time is over has its own status."""
    machine.will(returncode=5)
    status, _, _ = run("--timeout", "3600", "--", "true")

    assert 5 == status


@pytest.fixture
def alice(monkeypatch):
    """Who has called us by sudo."""
    alice = Account("alice", 1000, 1001, (1001,), "/home/alice", "/bin/sh")
    monkeypatch.setattr("whatran.process.accounts.caller", lambda environment: alice)
    return alice


@pytest.mark.usefixtures("alice")
def test_the_command_is_the_callers(machine, run):
    """By sudo it is run as who has called that, which is said; --as-root has it run as root."""
    machine.will(returncode=0)
    _, _, err = run("-o", "/dev/null", "--", "true")
    machine.will(returncode=0)
    _, _, as_root = run("-o", "/dev/null", "--as-root", "--", "true")

    assert [1000, None] == [asked["user"] for _, asked in machine.opened]
    assert "whatran: running the command as alice, who has called for root; --as-root runs it as root\n" == err
    assert "" == as_root


@pytest.mark.usefixtures("alice")
def test_the_output_is_the_callers(machine, run, tmp_path, monkeypatch):
    """A file that is made for it is the caller's to read; one that is there stays whose it is."""
    given = []
    monkeypatch.setattr(os, "fchown", lambda fd, *owner: given.append(owner))
    for options in ([], ["--as-root"], []):
        machine.will(returncode=0)
        run("-o", str(tmp_path / f"out{len(options)}"), *options, "--", "true")

    assert [(1000, 1001)] == given


@pytest.mark.usefixtures("alice")
def test_the_machine_is_nobodys_in_particular(machine, run):
    """Without a command it does not matter who has called."""
    machine.will()
    _, _, err = run("watch")

    assert (None, "whatran: 0 execs seen, 0 filtered, 0 lost\n") == (machine.opened[0][1]["user"], err)


def test_one_exec_is_no_plural(machine, run):
    """Of one thing one is said."""
    machine.will(returncode=0, stats=Stats(execs=Counts(seen=1, filtered=1)))
    _, _, err = run("-o", "/dev/null", "--", "true")

    assert "whatran: 1 exec seen, 1 filtered\n" == err
