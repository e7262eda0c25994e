"""The command line as a whole: which command is meant, and what becomes of errors."""

import errno
import os
import subprocess
import sys

import pytest

from whatran._version import __version__
from whatran.cli import COMMANDS, run, watch
from whatran.errors import CommandError, SourceError, UsageError
from whatran.sinks import FORMATS


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        (None, []),
        (None, ["watch"]),
        (None, ["--format", "jsonl"]),
        (["make", "-j8"], ["--", "make", "-j8"]),
        (["make"], ["--format", "tree", "--", "make"]),
        (["make", "-n", "5", "--", "x"], ["run", "make", "-n", "5", "--", "x"]),
        (["make", "-n"], ["run", "--timeout", "5", "make", "-n"]),
        (["-odd", "--env"], ["run", "--env", "--", "-odd", "--env"]),
        (["watch"], ["--", "watch"]),
        (["--"], ["--", "--"]),
    ],
)
def test_what_is_meant(machine, run, command, argv):
    """Without a command's name it is watch, or with -- run; what follows the first word of a command is its own."""
    machine.will(returncode=0)
    status, _, _ = run(*argv)

    assert (0, [command]) == (status, [command for command, _ in machine.opened])


def test_version(run):
    """--version is the package's."""
    assert (0, f"whatran {__version__}\n", "") == run("--version")


def test_help_lists_the_commands(run):
    """--help has every command with the first line of its docstring."""
    status, out, err = run("--help")
    expected = [f"  {command.__name__.split('.')[-1]:<8} {command.__doc__.splitlines()[0]}" for command in COMMANDS]

    assert (0, "") == (status, err)
    assert expected == [line for line in out.splitlines() if line in expected]


def test_help_loads_no_more_than_it_needs():
    """Nothing that talks to the kernel, draws or asks a database; it has to be there at once."""
    program = "import sys, whatran.cli; sys.exit(whatran.cli.main(['--help']) or 0)"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert "whatran.cli.run" in loaded
    assert set() == loaded & {"whatran.watching", "whatran.replaying", "whatran.source", "ctypes", "rich", "duckdb"}


@pytest.mark.parametrize("name", [command.__name__.split(".")[-1] for command in COMMANDS])
def test_help_of_a_command_is_its_docstring(run, name):
    """Each command's --help has what its module says of it."""
    status, out, _ = run(name, "--help")
    doc = next(command.__doc__ for command in COMMANDS if command.__name__.endswith(name))

    assert status == 0
    assert doc.strip() in out


@pytest.mark.parametrize("command", [watch, run], ids=["watch", "run"])
def test_every_option_has_a_help_text(command):
    """There is no option without a word about it."""
    assert [] == [action.dest for action in command._parser()._actions if not action.help]


@pytest.mark.parametrize(
    ("said", "argv"),
    [
        ("unrecognized arguments: --bogus; see whatran watch --help", ["--bogus"]),
        ("unrecognized arguments: x; see whatran doctor --help", ["doctor", "x"]),
        ("there is no command 'make'; to run a program: whatran -- make", ["make"]),
        ("there is no command 'recrod'; did you mean record? To run a program: whatran -- recrod", ["recrod"]),
        ("no command to run; give one, as in: whatran -- make", ["run"]),
        ("a recording goes to a file, not to standard output: name one with -o", ["record", "-o", "-", "--", "true"]),
        (
            "'0K' is no size and no time; give one, as 100M (with K, M or G) or 1h (with s, m, h or d)",
            ["record", "--rotate", "0K", "--", "true"],
        ),
        ("no command to run; give one, as in: whatran -- make", ["--"]),
        ("argument --format: invalid choice: 'xml'", ["--format", "xml"]),
        ("there is no user 'no-such-user'", ["--uid", "no-such-user"]),
        ("'0' is no number of records; give 1 or more", ["-n", "0"]),
        ("'x' is no number of records", ["-n", "x"]),
        ("'-1' is no number of seconds", ["--timeout=-1"]),
        ("'nan' is no number of seconds; give one above 0", ["--timeout", "nan"]),
        ("'inf' is no number of seconds", ["--timeout", "inf"]),
        ("'me' is no process id", ["--pid", "me"]),
        ("'0' is no process id", ["--tree", "0"]),
        ("'3M' is no size of a buffer; give a power of two", ["--buffer", "3M"]),
        ("'1' is no size of a buffer", ["--buffer", "1"]),
        ("'4G' is no size of a buffer", ["--buffer", "4G"]),
        ("'2G' is no size; give", ["--max-argv", "2G"]),
        ("'-1' is no size; give", ["--max-env=-1"]),
        ("'much' is no size of a buffer", ["--buffer", "much"]),
    ],
)
def test_what_cannot_be_asked_for(machine, run, said, argv):
    """A command line that makes no sense is one sentence with the next step and status 2, and nothing is done."""
    status, out, err = run(*argv)

    assert (2, "", 1) == (status, out, err.count("\n"))
    assert err.startswith(f"whatran: {said}")
    assert [] == machine.opened


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        (2, UsageError("what is wrong")),
        (127, CommandError("what is wrong", 127)),
        (1, SourceError("what is wrong", log="a long log")),
    ],
)
@pytest.mark.parametrize("argv", [["watch"], ["--", "true"]])
def test_errors_become_a_sentence_and_a_status(machine, run, expected, error, argv):
    """What the package raises on purpose is said in one line, and its exit code is the status."""
    machine.will_fail(error)

    assert (expected, "", "whatran: what is wrong\n") == run(*argv)


def test_errors_are_safe_to_print(machine, run):
    """What comes from elsewhere reaches the terminal escaped."""
    machine.will_fail(UsageError("\x1b[2J\n"))
    _, _, err = run()

    assert "whatran: \\x1b[2J\\n\n" == err


def test_a_bug_is_not_hidden(machine, run):
    """What is not raised on purpose goes through: it is a bug, with its traceback."""
    machine.will_fail(ZeroDivisionError("bug"))

    with pytest.raises(ZeroDivisionError, match="bug"):
        run()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("out of memory", MemoryError()),
        ("cannot go on: too many files are open; raise the limit, as by `ulimit -n 256`", OSError(errno.EMFILE, "x")),
        (
            "cannot go on: no more processes may be started; `ulimit -u` and pids.max of the cgroup say how many",
            BlockingIOError(errno.EAGAIN, "x"),
        ),
    ],
)
def test_what_runs_short_is_no_bug(machine, run, said, error):
    """Wherever that shows it is one sentence with the next step, and status 1."""
    machine.will_fail(error)

    assert (1, "", f"whatran: {said}\n") == run()


def test_an_interrupt_before_the_watch_is_on(machine, run):
    """Ctrl-C while the watch is being opened ends us without a word, as the signal would."""
    machine.will_fail(KeyboardInterrupt())

    assert (130, "", "") == run()


def test_a_reader_that_went_away(machine, run, monkeypatch, a_program):
    """When nobody reads our output any more we end without a word, as SIGPIPE would end us."""
    watch = machine.will(a_program, a_program)

    class Broken:
        due = None

        def write(self, events):
            raise BrokenPipeError

    monkeypatch.setitem(FORMATS, "jsonl", lambda output, show: Broken())

    assert (141, "", "") == run("--format", "jsonl")
    assert watch.closed


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_that_nobody_reads(option):
    """Help into a pipe that is closed already leaves no traceback, at the end of Python neither."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        result = subprocess.run(
            [sys.executable, "-m", "whatran", option], stdout=pipe, stderr=subprocess.PIPE, check=False
        )

    assert (141, b"") == (result.returncode, result.stderr)
