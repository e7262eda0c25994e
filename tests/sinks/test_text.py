"""Text for people."""

import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import MS, S, make_exec, make_exit, make_gap
from whatran.sinks.text import FIRST_MARK, columns, command, duration, escape, fit, missing, pad, quote, status

ANY_TEXT = st.text(st.characters(codec=None))
ANY_BYTES = st.binary(max_size=30).map(lambda data: data.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("plain text", "plain text"),
        ("日本語 é 🙂", "日本語 é 🙂"),
        (r"a\nb\tc\rd", "a\nb\tc\rd"),
        (r"\x1b[31mred\a\x00", "\x1b[31mred\a\0"),
        (r"\x7f", "\x7f"),
        (r"\u009b2J", "\x9b2J"),
        (r"gpj.\u202egnp", "gpj.\u202egnp"),
        (r"\u2066\u200b\u2028\u00ad\ufeff\u00a0", "\u2066\u200b\u2028\u00ad\ufeff\u00a0"),
        (r"\ue000\u0378", "\ue000\u0378"),
        (r"a\u3164b\ufe0f\U000e0101", "a\u3164b\ufe0f\U000e0101"),
        (r"caf\xe9", b"caf\xe9".decode("utf-8", "surrogateescape")),
        (r"\ud800", "\ud800"),
    ],
)
def test_escape(expected, text):
    """What is not plainly visible is spelt out, and nothing else."""
    assert expected == escape(text)


@given(ANY_TEXT)
def test_escape_is_printable(text):
    """Whatever the text, all that comes out is printable and encodes as UTF-8."""
    escaped = escape(text)

    assert escaped.isprintable()
    assert escaped == escaped.encode("utf-8").decode("utf-8")


@given(ANY_TEXT)
def test_escape_leaves_no_format_or_control(text):
    """No character of a category that controls how others are shown is left."""
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

    assert set() == hidden & {unicodedata.category(char) for char in escape(text)}


@given(st.lists(ANY_TEXT))
def test_quote_is_printable(argv):
    """A quoted command line is as safe to print as escaped text."""
    assert quote(argv).isprintable()


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        ("cc -O2 -DX=1 a.c", ["cc", "-O2", "-DX=1", "a.c"]),
        ("sh -c 'ls | wc'", ["sh", "-c", "ls | wc"]),
        ('echo "it\'s"', ["echo", "it's"]),
        (r"""echo 'it'\''s $5'""", ["echo", "it's $5"]),
        ("echo ''", ["echo", ""]),
        (r"printf $'a\n\x1b[m\'\\'", ["printf", "a\n\x1b[m'\\"]),
        (r"ls $'\xff'", ["ls", "\udcff"]),
    ],
)
def test_quote(expected, argv):
    """Arguments are quoted where a shell needs it, and only there."""
    assert expected == quote(argv)


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash to read the line back")
@given(st.lists(ANY_BYTES.filter(lambda text: "\0" not in text), min_size=1, max_size=5))
def test_quote_is_read_back_by_a_shell(argv):
    """A shell that reads the quoted line has the very same bytes."""
    script = f"printf '%s\\0' {quote(argv)}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})

    assert [arg.encode("utf-8", "surrogateescape") for arg in argv] == result.stdout.split(b"\0")[:-1]


def test_command_is_the_quoted_argv():
    """The command of an exec is its argv."""
    assert "sh -c 'exit 1'" == command(make_exec(("sh", "-c", "exit 1")))


def test_command_says_that_argv_was_cut():
    """An argv that was cut ends with an ellipsis and the true length."""
    assert "cat a … (70000 bytes)" == command(make_exec(("cat", "a"), truncated={"argv": 70000}))


@pytest.mark.parametrize("argv", [None, ()])
def test_command_without_argv_is_the_path(argv):
    """Without arguments, known or at all, the path stands for them, in brackets."""
    assert r"[/tmp/a\nb]" == command(make_exec(argv, pathname="/tmp/a\nb"))


@pytest.mark.parametrize(("expected", "text"), [(3, "abc"), (6, "日本語"), (1, "e\u0301"), (0, "")])
def test_columns(expected, text):
    """Wide characters take two columns, combining ones none."""
    assert expected == columns(text)


@pytest.mark.parametrize(
    ("expected", "text", "width"),
    [
        ("abc", "abc", 3),
        ("a…", "abc", 2),
        ("…", "abc", 1),
        ("", "abc", 0),
        ("", "abc", -5),
        ("", "", 0),
        ("日本", "日本", 4),
        ("日…", "日本", 3),
        ("…", "日本", 2),
        ("e\u0301…", "e\u0301ab", 2),
        ("ae\u0301", "ae\u0301", 2),
    ],
)
def test_fit(expected, text, width):
    """Text that is too wide is cut, the ellipsis included in the width."""
    assert expected == fit(text, width)


@given(ANY_TEXT.map(escape), st.integers(0, 20))
def test_fit_is_never_wider(text, width):
    """What is fitted takes no more columns than allowed, and is whole where it has the room."""
    fitted = fit(text, width)

    assert columns(fitted) <= width
    assert (fitted == text) == (columns(text) <= width)


@pytest.mark.parametrize(
    ("expected", "text", "right"),
    [("ab  ", "ab", False), ("  ab", "ab", True), ("日  ", "日", False), ("abcdef", "abcdef", False)],
)
def test_pad(expected, text, right):
    """Text is padded by columns on either side, and never cut."""
    assert expected == pad(text, 4, right=right)


@pytest.mark.parametrize(
    ("expected", "ns"),
    [
        ("0µs", 0),
        ("1µs", 1_000),
        ("999µs", 999_400),
        ("1.00ms", 999_600),
        ("12.3ms", 12_345_678),
        ("820ms", 820 * MS),
        ("1.00s", 999_600_000),
        ("1.24s", 1_240 * MS),
        ("59.9s", 59_900 * MS),
        ("1:00", 59_960 * MS),
        ("2:05", 125 * S),
        ("1:02:05", 3725 * S),
    ],
)
def test_duration(expected, ns):
    """A duration has three digits and the unit that suits it, and changes to the next without a gap."""
    assert expected == duration(ns)


@pytest.mark.parametrize(
    ("expected", "ended"),
    [
        ("0", make_exit()),
        ("127", make_exit(127)),
        ("SIGKILL", make_exit(signal_code=9)),
        ("SIGSEGV core", make_exit(signal_code=11, core_dumped=True)),
        ("SIG35", make_exit(signal_code=35)),
    ],
)
def test_status(expected, ended):
    """An end is an exit status or the name of a signal."""
    assert expected == status(ended)


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (make_gap(cpu=3, count=12), "… 12 sched_process_exec lost on CPU 3: ring full"),
        (make_gap(cpu=-1, count=1, reason="program not run"), "… 1 sched_process_exec lost: program not run"),
        (make_gap(cpu=-1, count=2, reason="rate limit"), "… 2 sched_process_exec left out: rate limit"),
    ],
)
def test_gap(gap, said):
    """What is missing, where it is known on which CPU, and why."""
    assert said == missing(gap)


def test_every_character_before_the_first_mark_takes_one_column():
    """None of those that are shown is wide, or goes onto the one before it."""
    shown = [char for char in map(chr, range(ord(FIRST_MARK))) if escape(char) == char]

    assert [] == [char for char in shown if unicodedata.category(char) in ("Mn", "Me")]
    assert [] == [char for char in shown if unicodedata.east_asian_width(char) in "WF"]
