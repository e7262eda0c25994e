"""whatran watch."""

import signal

import pytest

from tests.cli.conftest import events_of
from tests.events import make_exec, make_exit
from whatran.errors import OutputError
from whatran.sinks.output import Output
from whatran.stats import Counts, Stats


def test_the_table_is_shown(machine, run, a_program):
    """Without a format each exec is a line of the table on standard output, under a header."""
    machine.will(a_program)
    status, out, _ = run()
    head, line = out.splitlines()

    assert (0, "TIME", "witness 'a b'") == (status, head.split()[0], line[-13:])


def test_the_tree_is_shown_at_the_end(machine, run, a_program):
    """--format tree shows the tree."""
    machine.will(a_program)
    _, out, _ = run("--format", "tree")

    assert "  9.00ms  3     witness 'a b'" == out.splitlines()[1]


def test_json_lines(machine, run, a_program):
    """--format jsonl shows every event."""
    machine.will(a_program, a_program[:1])
    _, out, _ = run("--format", "jsonl")

    assert ["exec", "exit", "exec"] == events_of(out)


def test_the_end_is_summed_up(machine, run, some_lost):
    """At the end one line says what was seen, filtered and lost; into a pipe nothing else is said."""
    machine.will(stats=some_lost)
    _, _, err = run()

    assert "whatran: 5 execs seen, 2 filtered, 4 lost\n" == err


def test_one_exec_is_no_plural(machine, run):
    """Of one thing one is said."""
    machine.will(stats=Stats(execs=Counts(seen=1)))
    _, _, err = run()

    assert "whatran: 1 exec seen, 0 filtered, 0 lost\n" == err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(machine, run, a_program, number):
    """A signal to end stops the watch; what it gives then is still written, and the status is 0."""
    before = signal.getsignal(number)

    def interrupted():
        signal.raise_signal(number)
        return a_program

    watch = machine.will(interrupted, a_program)
    status, out, err = run("--format", "jsonl")

    assert (0, 1, True) == (status, watch.stopped, watch.closed)
    assert ["exec", "exit"] == events_of(out)
    assert err.endswith("lost\n")
    assert before == signal.getsignal(number)


def test_the_second_signal_is_not_caught(machine, run):
    """After the first signal to end, the next one ends us at once."""
    handlers = []

    def interrupted():
        signal.raise_signal(signal.SIGINT)
        handlers.append(signal.getsignal(signal.SIGINT))
        return []

    machine.will(interrupted)
    run()

    assert [signal.SIG_DFL] == handlers


def test_no_standard_error(machine, run, a_program, monkeypatch):
    """Where standard error is closed nothing is said there, and the watch goes on."""

    def closed():
        raise OutputError("cannot write to standard error: Bad file descriptor")

    monkeypatch.setattr(Output, "stderr", closed)
    machine.will(a_program)
    status, out, _ = run("--format", "jsonl")

    assert (0, ["exec", "exit"]) == (status, events_of(out))


def test_no_more_than_count(machine, run):
    """-n stops the watch when so many records are written, in the midst of a batch too."""
    watch = machine.will([make_exec()], [make_exec(), make_exec()], [make_exec()])
    status, out, _ = run("-n", "2", "--format", "jsonl")

    assert (0, 2, 1) == (status, len(events_of(out)), watch.stopped)


def test_count_is_of_lines_written(machine, run):
    """With the table -n waits for lines, not for what is still held back."""
    at = 2**62  # long after now, so that nothing is released for its age
    held = [make_exec(("a",), pid=1, at=at), make_exec(("b",), pid=2, at=at)]
    watch = machine.will(held, [make_exit(7, pid=1, at=at)], [make_exit(8, pid=2, at=at)], [make_exec()])
    _, out, _ = run("-n", "2")

    assert ["7", "8"] == [line.split()[6] for line in out.splitlines()[1:]]
    assert 1 == watch.stopped


def test_a_full_disk(machine, run, a_program):
    """Output that fails ends the watch with one sentence and status 1."""
    watch = machine.will(a_program)
    status, _, err = run("--format", "jsonl", "-o", "/dev/full")

    assert (1, True) == (status, watch.closed)
    assert "whatran: cannot write to /dev/full: No space left on device; output is incomplete\n" == err
