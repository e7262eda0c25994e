"""A comparison as people read it."""

import pytest
from msgspec.structs import replace

from tests.diff.recorded import ran, recorded
from whatran.diff.compare import compare
from whatran.diff.text import write

BUILDS = """\
--- a.wr  make -j2  7 executions, 0 failed, 7.00ms, CPU 21.0ms
+++ b.wr  make -j2  8 executions, 1 failed, 8.00ms, CPU 24.0ms

/usr/bin/./check  once, 3.00ms → 4.00ms
~ ./check all  [exit 0 → exit 3]  by make

/usr/bin/cc  3 times, 15.0ms → 18.0ms
~ in 3 command lines, as: cc -Wall [-O2 → -O3] -c a.c -o /tmp/ccXXXXXX.o  by make

/usr/bin/curl  never → once, 0µs → 1.00ms
+ curl http://example.com  as ann  in /root  by make

/usr/bin/strip  once → never, 2.00ms → 0µs
- strip a.out  by make

/usr/bin/touch  once → 2 times, 1.00ms → 5.00ms
~ once → 2 times: touch done  by make

executions that differ: 4 changed, 1 only in a.wr, 2 only in b.wr; that do not: 2
"""


def test_two_builds(file, builds):
    """What differs by program, the same change of many once, and in the last line how much."""
    write(builds, file.output)

    assert BUILDS == file.text


def test_no_difference(file):
    """Then that is said."""
    write(compare(recorded(("a",)), recorded(("a",))), file.output)

    assert "no difference: 2 executions are the same" == file.lines[-1]


def test_what_is_missing_is_said(file):
    """No difference may then mean no more than that it was not seen."""
    lives = recorded(("a",))
    write(compare(lives, [replace(lives[0], unseen_execs=4), *lives[1:]]), file.output)

    assert "4 execs of right are missing: they were lost, or not recorded" in file.lines


def test_no_more_than_so_many(file, builds):
    """The rest is counted."""
    write(builds, file.output, limit=2)

    assert (["…", "executions"], 2) == (
        [line.split()[0] for line in file.lines[-2:]],
        sum(line[:2] in ("- ", "+ ", "~ ") for line in file.lines),
    )
    assert "… 3 more not shown" == file.lines[-2]


def test_what_was_replaced(file, builds):
    """On request: each rule's work, with examples of both sides."""
    write(builds, file.output, explain=True)

    assert "  temporary  ccXXXXXX.o  for ccaaaaaa.o, ccbbbbbb.o, 1 more | ccAAAAAA.o, ccBBBBBB.o, 1 more" in file.lines


def test_a_change_among_many_words(file):
    """Only what is near to it is shown, and the first word."""
    words = [f"-D{number}" for number in range(20)]
    right = [*words[:10], "-g", *words[10:]]
    write(compare(recorded(("cc", *words)), recorded(("cc", *right))), file.output)

    assert "~ cc … -D6 -D7 -D8 -D9 [→ -g] -D10 -D11 -D12 -D13 …  by make" in file.lines


def test_a_change_within_an_argument(file):
    """The argument is quoted, the change is told by its words."""
    sides = (recorded(("sh", "-c", f"cd x && cc {flag} a.c")) for flag in ("-O2", "-g"))
    write(compare(*sides), file.output)

    assert "~ sh -c 'cd x && cc [-O2 → -g] a.c'  by make" in file.lines


def test_how_it_ended(file):
    """By what is no status too."""
    left = [ran("a", signal_code=11), ran("env", "b")]
    right = [ran("a", status=1), ran("env", "b", failure="/bin/nosuch")]
    write(compare(recorded(*left), recorded(*right)), file.output)

    assert "~ a  [SIGSEGV → exit 1]  by make" in file.lines
    assert "+ nosuch  [ENOENT]  by make → env" in file.lines


def test_nothing_hostile_reaches_the_terminal(hostile, terminal):
    """No byte of a process but what is plainly visible."""
    write(hostile, terminal.output, explain=True)
    text = terminal.hang_up()

    assert "script" in text
    assert [] == [char for char in text if not char.isprintable() and char != "\n"]


def test_lines_fit_a_terminal(builds, terminal):
    """What is wider is cut."""
    terminal.resize(30)
    write(builds, terminal.output)
    lines = terminal.hang_up().splitlines()

    assert 30 == max(map(len, lines))
    assert "~ in 3 command lines, as: cc …" in lines


def test_colours_on_a_terminal(builds, colour_terminal):
    """What only one side has is red or green."""
    write(builds, colour_terminal.output)
    text = colour_terminal.hang_up()

    assert "[\x1b[31m-O2\x1b[0m → \x1b[32m-O3\x1b[0m]" in text
    assert "\x1b[31m- \x1b[0m\x1b[31mstrip a.out\x1b[0m" in text


def test_many_lines(file):
    """All are written, however many."""
    commands = [(f"program{number}",) for number in range(1500)]
    write(compare(recorded(), recorded(*commands)), file.output)

    assert {f"+ program{number}  by make" for number in range(1500)} <= set(file.lines)


@pytest.mark.parametrize("argv", [None, []])
def test_a_command_without_arguments(file, argv):
    """It is known by its path."""
    write(compare(recorded(), recorded(ran("x") | {"argv": argv, "pathname": "/bin/x", "comm": "x"})), file.output)

    assert "+ [/bin/x]  by make" in file.lines
