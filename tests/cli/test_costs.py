"""What is said of the costs, and when."""

import signal

import pytest

from tests.cli.conftest import events_of
from whatran.cli.costs import Costs
from whatran.cost import Cost, ProgramCost
from whatran.stats import Counts, Stats

STATS = Stats(
    execs=Counts(seen=1200, filtered=2, lost=3, failed=1, received=1196),
    forks=Counts(seen=3, received=3),
    exits=Counts(seen=1, received=1),
    texts=Counts(seen=1, received=1),
    malformed=7,
)
COST = Cost(
    watched=65_000_000_000,
    user_time=300_000_000,
    system_time=99_000_000,
    start_cpu_time=279_000_000,
    max_rss=50 << 20,
    bytes_read=1536 << 10,
    wakeups=12,
)
PROGRAMS = (ProgramCost("whatran_exec", 1200, 4_320_600), ProgramCost("whatran_tasks", 0, 0))
BLOCK = """\
whatran: 1:05 watched by ebpf
  kind       seen  filtered  lost  received
  execs      1200         2     4      1196
  forks         3         0     0         3
  exits         1         0     0         1
  texts         1         0     0         1
  malformed     7         0     7         0

  CPU     399ms (user 300ms, system 99.0ms): 279ms to start, then 100.0µs an event
  memory  50.0 MiB at most
  read    1.50 MiB in 12 wake-ups
"""


@pytest.mark.parametrize("command", [["watch"], ["run", "true"]], ids=["watch", "run"])
def test_it_is_said_at_the_end(machine, run, a_program, tmp_path, command):
    """With --stats the last of what is said are counts, of kinds there were, and costs; the output is as without."""
    machine.will(a_program, returncode=0, stats=STATS, cost=COST)
    _, _, err = run(command[0], "--stats", "--format", "jsonl", "-o", str(tmp_path / "out"), *command[1:])
    said, found, rest = err.partition(BLOCK)

    assert BLOCK == found
    assert 1 == (said + rest).count("\n")
    assert ["exec", "exit"] == events_of((tmp_path / "out").read_text())


def test_nothing_is_said_without_being_asked_for(machine, run):
    """Without --stats and without a signal there is only the usual line."""
    machine.will(stats=STATS, cost=COST)

    assert (0, "", "whatran: 1200 execs seen, 2 filtered, 11 lost\n") == run("--format", "jsonl")


@pytest.mark.parametrize(
    ("expected", "options", "programs"),
    [
        (["BPF", "4.32ms in 1200 runs"], ["--stats"], PROGRAMS),
        (["BPF", "4.32ms in 1200 runs"], [], PROGRAMS),
        (["BPF", "not timed: --stats has that done"], [], PROGRAMS[1:]),
        (
            ["BPF", "not timed: that needs root (CAP_SYS_ADMIN) and Linux 5.8"],
            ["--stats"],
            PROGRAMS[1:],
        ),
    ],
)
def test_time_of_the_programs(machine, run, expected, options, programs):
    """Where the kernel has timed them it is said, whoever asked it to; else the next step is."""
    machine.will(lambda: signal.raise_signal(signal.SIGUSR2) or [], [], cost=Cost(programs=programs))
    _, _, err = run(*options)

    assert expected in [line.split(maxsplit=1) for line in err.splitlines()]
    assert err.count("  program       runs  ns a run\n  whatran_exec  1200      3600\n") == err.count("4.32ms")


def test_a_signal_has_it_said_between_two_batches(machine, run, capfd):
    """SIGUSR2 wakes the watch; once all that came before is written it is said, once, and the watch goes on."""
    told = []

    def asked():
        signal.raise_signal(signal.SIGUSR2)
        told.append((watch.woken, capfd.readouterr().err))
        return []

    def then():
        told.append(capfd.readouterr().err)
        return []

    before = signal.getsignal(signal.SIGUSR2)
    watch = machine.will(asked, then, [], stats=STATS, cost=COST)
    status, _, err = run()

    assert [(1, ""), BLOCK] == told
    assert (0, 0, "whatran: 1200 execs seen, 2 filtered, 11 lost\n") == (status, watch.stopped, err)
    assert before == signal.getsignal(signal.SIGUSR2)


def test_the_last_batch_does_not_swallow_a_signal(machine, run):
    """What is asked for as the watch ends is said then, and with --stats not twice."""
    machine.will(lambda: signal.raise_signal(signal.SIGUSR2) or [], stats=STATS, cost=COST, returncode=0)
    _, _, first = run("--format", "jsonl", "--", "true")
    machine.will(lambda: signal.raise_signal(signal.SIGUSR2) or [], stats=STATS, cost=COST, returncode=0)
    _, _, second = run("--format", "jsonl", "--stats", "--", "true")

    assert (1, 1) == (first.count(BLOCK), second.count(BLOCK))


def test_a_signal_while_the_watch_is_started(machine, capfd):
    """Asked for before there is a watch it is said as soon as there is one."""
    costs = Costs(at_the_end=False)
    costs.ask(signal.SIGUSR2)
    costs.started(machine.will(stats=STATS, cost=COST))
    costs.answer()
    costs.answer()

    assert ("", BLOCK) == capfd.readouterr()


def test_nothing_is_said_of_a_watch_that_failed(machine, run):
    """An error stands alone, with --stats too."""
    machine.will(stats=STATS, cost=COST)
    _, _, err = run("--stats", "--format", "jsonl", "-o", "/nowhere/at/all")

    assert "whatran: cannot write to /nowhere/at/all: No such file or directory; name another file with -o\n" == err


def test_what_was_given_up(machine, run, a_program):
    """Is said before what it cost, where anything was."""
    stats = Stats(execs=Counts(seen=9, produced=7, received=7, limited=2, cut=4), forks=Counts(seen=3, limited=3))
    machine.will(a_program, returncode=0, stats=stats, cost=COST)
    _, _, err = run("watch", "--stats")

    assert "  less    5 over the rate limit, 4 cut as the buffer was filling up\n  CPU " in err
    assert " seen, 0 filtered, 0 lost, 5 over the rate limit, 4 cut as the buffer was filling up\n" in err
