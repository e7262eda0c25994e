"""The live table."""

import pytest

from tests.events import MS, S, make_alert, make_exec, make_exit, make_fork, make_gap
from whatran.sinks.table import HOLD, PATIENCE, Table
from whatran.sinks.text import columns

HEAD = "TIME            PID   PPID PARENT   USER  DURATION EXIT    COMMAND"

pytestmark = pytest.mark.usefixtures("utc")


def commands(lines):
    """The commands of the lines after the header."""
    return [line[len(HEAD) - len("COMMAND") :] for line in lines[1:]]


def test_the_header_comes_at_once(file):
    """The header is there before anything ran: it says that the watch is on."""
    Table(file.output)

    assert f"{HEAD}\n" == file.text


def test_a_line_has_all_that_is_known_of_an_exec(file):
    """An exec whose process has ended has time, parent, user, duration, exit and the quoted command."""
    sink = Table(file.output)
    written = sink.write([make_exec(("sh", "-c", "exit 3"), at=101 * MS, ppid_comm="bash"), make_exit(3, at=113 * MS)])

    assert 1 == written
    assert "22:13:20.101    100      1 bash     root    12.0ms 3       sh -c 'exit 3'" == file.lines[1]


def test_a_line_is_held_back_until_its_process_ends(file):
    """A line waits for the exit, and is due when it has waited enough."""
    sink = Table(file.output)
    written = sink.write([make_exec(at=101 * MS)])

    assert (0, 101 * MS + HOLD) == (written, sink.due)
    assert 1 == sink.write([make_exit()])
    assert sink.due is None


def test_a_line_is_not_held_back_for_long(file):
    """A process that lives on gets its line after the hold, without duration and exit."""
    sink = Table(file.output)
    sink.write([make_exec(("sleep", "9"), at=101 * MS)])

    assert 0 == sink.release(101 * MS + HOLD - 1)
    assert 1 == sink.release(101 * MS + HOLD)
    assert "22:13:20.101    100      1 init     root         - -       sleep 9" == file.lines[1]
    assert sink.due is None


def test_what_is_recorded_is_told_whole(file):
    """Where nobody watches it happen a line waits for the end of its process, however late that is."""
    sink = Table(file.output, live=False)
    sink.write([make_exec(("sleep", "9"), at=101 * MS)])
    sink.write([make_exec(("ls",), pid=200, at=8 * S), make_exit(at=9101 * MS)])
    sink.close()

    assert "22:13:20.101    100      1 init     root     9.00s 0       sleep 9" == file.lines[1]
    assert ["sleep 9", "ls"] == commands(file.lines)


def test_what_is_recorded_takes_no_more_memory_for_more_events(file):
    """A line waits for the next so many events and no longer."""
    sink = Table(file.output, live=False)
    sink.write([make_exec(("sleep", "9"), at=101 * MS)])
    fork = make_fork(200, at=102 * MS)

    assert 0 == sink.write([fork] * (PATIENCE - 1))
    assert 1 == sink.write([fork])


def test_an_exit_after_the_line_changes_nothing(file):
    """The end of a process whose line is out is nothing to show."""
    sink = Table(file.output)
    sink.write([make_exec()])
    sink.release(S)

    assert 0 == sink.write([make_exit()])
    assert 2 == len(file.lines)


def test_lines_come_in_the_order_of_exec(file):
    """A process that ended waits for the earlier one before it."""
    sink = Table(file.output)
    sink.write(
        [make_exec(("first",), pid=1, at=101 * MS), make_exec(("second",), pid=2, at=102 * MS), make_exit(pid=2)]
    )
    early = commands(file.lines)
    sink.write([make_exit(pid=1)])

    assert ([], ["first", "second"]) == (early, commands(file.lines))


def test_batches_may_overlap(file):
    """An exec that comes in a later batch than a younger one still gets its place."""
    sink = Table(file.output)
    sink.write([make_exec(("second",), pid=2, at=102 * MS)])
    sink.write([make_exec(("first",), pid=1, at=101 * MS)])
    sink.close()

    assert ["first", "second"] == commands(file.lines)


def test_a_process_that_executes_again_lives_on(file):
    """The line of the earlier program has no exit, as it is the later one that ends."""
    sink = Table(file.output)
    written = sink.write([make_exec(("sh", "-c", "exec make"), at=101 * MS), make_exec(("make",), at=102 * MS)])
    sink.write([make_exit(2, at=110 * MS)])

    assert 1 == written
    assert ["sh -c 'exec make'", "make"] == commands(file.lines)
    assert [["-", "-"], ["8.00ms", "2"]] == [line.split()[5:7] for line in file.lines[1:]]


def test_a_pid_used_again_is_another_process(file):
    """The exit belongs to the process that was forked at the same time, not to any with its pid."""
    sink = Table(file.output)
    sink.write([make_exec(start=100 * MS), make_exit(1, start=50 * MS)])

    assert [HEAD] == file.lines


def test_the_end_of_a_thread_is_no_end(file):
    """An exit that leaves the process alive is not its exit."""
    sink = Table(file.output)

    assert 0 == sink.write([make_exec(), make_exit(process_group_exit=False)])


def test_forks_are_no_lines(file):
    """Only what was executed is shown."""
    sink = Table(file.output)
    sink.write([make_fork()])
    sink.close()

    assert [HEAD] == file.lines


def test_all_is_released_at_the_end(file):
    """Whatever is held back comes out with close()."""
    sink = Table(file.output)
    sink.write([make_exec(pid=1), make_exec(pid=2)])

    assert (2, 0) == (sink.close(), sink.close())
    assert 3 == len(file.lines)


def test_no_more_than_the_limit(file):
    """After so many execs no line is added, yet the exits of those held back still count."""
    sink = Table(file.output, 2)
    written = [
        sink.write([make_exec(pid=1), make_exec(pid=2), make_exec(pid=3), make_exit(pid=1)]),
        sink.write([make_exit(4, pid=2), make_exec(pid=4)]),
        sink.close(),
    ]

    assert [1, 1, 0] == written
    assert 3 == len(file.lines)
    assert " 4       true" in file.lines[2]


def test_columns_grow_for_wider_values(file):
    """A column that needs more room takes it, and the lines after it stay aligned."""
    sink = Table(file.output)
    sink.write(
        [
            make_exec(("a",), pid=1234567, ppid_comm="systemd-journal", uid=100000, user=None),
            make_exit(signal_code=15, pid=1234567),
            make_exec(("b",), pid=2),
        ]
    )
    sink.close()
    wide, after = file.lines[1:]

    assert "22:13:20.101 1234567      1 systemd-journal 100000   9.00ms SIGTERM a" == wide
    assert wide.index("a", 60) == after.index("b", 60)


def test_a_value_wider_than_its_column_may_be_pushes_the_line(file):
    """A user's name that is too long is not cut, and the next line is as before."""
    sink = Table(file.output)
    sink.write([make_exec(("a",), user="a-very-long-user-name"), make_exec(("b",), pid=2)])
    sink.close()

    assert " a-very-long-user-name        - -       a" in file.lines[1]
    assert " root                - -       b" in file.lines[2]


def test_nothing_is_cut_in_a_file(file):
    """A file gets the whole command."""
    sink = Table(file.output)
    sink.write([make_exec(("x" * 5000,)), make_exit()])

    assert file.lines[1].endswith("x" * 5000)


def test_a_terminal_gets_what_fits(terminal):
    """On a terminal a line is cut to the width of the moment."""
    sink = Table(terminal.output)
    for width in (80, 100):
        terminal.resize(width)
        sink.write([make_exec(("日本語" * 50,)), make_exit()])
    _, first, second = terminal.hang_up().splitlines()

    assert [80, 100] == [columns(first) + columns(first) % 2, columns(second) + columns(second) % 2]
    assert first.endswith("…")
    assert second.endswith("…")


def test_a_very_narrow_terminal(terminal):
    """A terminal with no room for a command gets what it can show."""
    terminal.resize(20)
    sink = Table(terminal.output)
    sink.write([make_exec(), make_exit()])

    assert ["TIME            PID…", "22:13:20.101    100…"] == terminal.hang_up().splitlines()


def test_colours_are_sober(colour_terminal):
    """Time is dim, and an exit that is a failure red."""
    sink = Table(colour_terminal.output)
    sink.write([make_exec(pid=1), make_exit(0, pid=1), make_exec(pid=2), make_exit(1, pid=2)])
    head, good, bad = colour_terminal.hang_up().splitlines()

    assert f"\x1b[2m{HEAD}\x1b[0m" == head
    assert "\x1b[2m22:13:20.101\x1b[0m      1      1 init     root    9.00ms 0       true" == good
    assert "\x1b[2m22:13:20.101\x1b[0m      2      1 init     root    9.00ms \x1b[31m1      \x1b[0m true" == bad


def test_nothing_reaches_the_terminal_raw(terminal):
    """Escape sequences in any text of an event are spelt out."""
    sink = Table(terminal.output)
    sink.write([make_exec(("a\x1b]0;x\x07", "\u202e"), ppid_comm="\x1b[2J"), make_exit()])
    text = terminal.hang_up()

    assert all(line.isprintable() for line in text.split("\n"))


def test_a_gap_has_a_line_in_its_place(file):
    """What is missing is seen where it is missing."""
    sink = Table(file.output)
    sink.write([make_exec(at=1 * S, pid=1), make_gap(2 * S, cpu=3, count=12), make_exec(at=3 * S, pid=2)])
    sink.close()

    assert "… 12 sched_process_exec lost on CPU 3: ring full" == file.lines[2].partition(" ")[2]


def test_an_alert_has_a_line_after_its_exec(colour_terminal):
    """A grave one in red, with its technique, the command and who is above; nothing in it raw."""
    process = make_exec(("sh", "\x1b[2J"), at=1 * S, pid=1, ancestors=("nginx", "sys\ntemd"))
    sink = Table(colour_terminal.output)
    sink.write([process, make_alert(process, rule="Shell\x1b Of", count=3), make_alert(process, level="low")])
    sink.close()
    _, _, grave, mild = colour_terminal.hang_up().splitlines()[:4]

    text = r"! high: Shell\x1b Of (T1505.003): sh $'\x1b[2J', pid 1, root, by nginx < sys\ntemd, 3 times"
    assert text in grave
    assert ("\x1b[31m", "\x1b[33m") == (grave[:5], mild[:5])
