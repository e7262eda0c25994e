import json
import os

import pytest

from tests.alerts.conftest import counts, deliver, lives
from tests.alerts.test_message import HOSTILE, hostile_alert
from tests.events import make_alert, make_exec
from whatran.alerts.command import _RESTORED, Command


@pytest.fixture
def out(tmp_path, monkeypatch):
    """A file, named by $OUT to commands."""
    path = tmp_path / "out"
    monkeypatch.setenv("OUT", os.fspath(path))
    return path


def test_the_command_reads_the_alert(out):
    """Its standard input is the alert's JSON, on one line; it is run once for each."""
    alerts = [make_alert(make_exec((name,))) for name in ("a", "b")]
    delivery = deliver([Command("cat >> $OUT")], alerts)

    assert ["a", "b"] == [json.loads(line)["process"]["argv"][0] for line in out.read_text().splitlines()]
    assert [(2, 0, 0)] == counts(delivery)


def test_the_command_has_the_facts_in_its_environment(out):
    """Beside what was in ours."""
    deliver(
        [Command('echo "$WHATRAN_LEVEL|$WHATRAN_PID|$WHATRAN_COMMAND|$WHATRAN_HOST|$WHATRAN_TEXT" > $OUT')],
        [make_alert()],
    )

    assert (
        f"high|100|true|{os.uname().nodename}|"
        "! high: Shell Of A Web Server (T1505.003): true, pid 100, root, by init\n" == out.read_text()
    )


def test_nothing_of_an_alert_is_executed(out, tmp_path, monkeypatch):
    """Text that a shell would take for a command is passed as it is shown, a line each, and no shell reads it."""
    monkeypatch.chdir(tmp_path)
    evil = make_exec(("sh", "$(touch pwned)", "`touch pwned`", "'; touch pwned; '"), pathname="$(touch pwned)")
    deliver([Command('printf "%s\\n" "$WHATRAN_PATHNAME" > $OUT')], [make_alert(evil, rule="$(touch pwned)")])

    assert ("$(touch pwned)\n", ["out"]) == (out.read_text(), os.listdir(tmp_path))


def test_hostile_text_in_every_field(out, monkeypatch):
    """It gets there: exact in the JSON, and spelt out in the environment, where each has one line."""
    for name in [name for name in os.environ if name.startswith("WHATRAN_")]:
        monkeypatch.delenv(name)
    delivery = deliver([Command("cat > $OUT; env | grep ^WHATRAN_ >> $OUT")], [hostile_alert()])
    line, *facts = out.read_text().removesuffix("\n").split("\n")

    assert [(1, 0, 0)] == counts(delivery)
    assert HOSTILE.replace("\udcff", "\ufffd") == json.loads(line)["rule"]
    assert [] == [fact for fact in facts if not (fact.startswith("WHATRAN_") and fact.isprintable())]
    assert 20 == len(facts)


def test_a_large_alert(out):
    """Arguments of six megabytes do not keep the command from being run, nor from reading its input to the end."""
    process = make_exec(("sh", *["\x01" * (128 << 10)] * 48))
    delivery = deliver([Command("cat > $OUT")], [make_alert(process, matched={"CommandLine": "\x01" * (6 << 20)})])

    assert [(1, 0, 0)] == counts(delivery)
    assert "high" == json.loads(out.read_text())["level"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("exit 3", "the command ended with status 3"),
        ("kill -9 $$", "the command was ended by SIGKILL"),
        ("kill -42 $$", "the command was ended by signal 42"),
        ("nosuch 2> /dev/null", "the command ended with status 127"),
    ],
)
def test_a_command_that_fails_is_said(capfd, command, said):
    """Once, with the reason, and it is not run again."""
    delivery = deliver([Command(command)], [make_alert()])

    assert [(0, 1, 0)] == counts(delivery)
    assert f"whatran: --alert: {said}: an alert was not delivered\n" == capfd.readouterr().err


def test_a_command_need_not_read(out):
    """What it leaves is no failure."""
    delivery = deliver([Command("exec < /dev/null; echo done > $OUT")], [make_alert(make_exec(("x" * 30_000,)))])

    assert ("done\n", [(1, 0, 0)]) == (out.read_text(), counts(delivery))


def test_what_a_command_prints(capfd):
    """Goes to standard error: standard output has events."""
    deliver([Command("echo to stdout; echo to stderr >&2")], [make_alert()])

    assert ("", "to stdout\nto stderr\n") == capfd.readouterr()


def test_a_command_that_takes_too_long_is_ended(capfd, out):
    """With all that it has started."""
    command = Command("sleep 3600 & echo $! $$ > $OUT; wait", seconds=0.5)
    delivery = deliver([command], [make_alert()])

    assert [(0, 1, 0)] == counts(delivery)
    assert [False, False] == [lives(pid) for pid in out.read_text().split()]
    assert "it took longer than 0.5 seconds" in capfd.readouterr().err


def test_a_command_has_no_terminal(out):
    """It is in a session of its own, and reads from no terminal of ours."""
    deliver(
        [Command("ps -o sid= -p $$ > $OUT; ps -o tty= -p $$ | grep -qx '? *' && echo none >> $OUT")], [make_alert()]
    )
    session, *terminal = out.read_text().split()

    assert (False, ["none"]) == (int(session) == os.getsid(0), terminal)


def test_a_command_has_its_signals(out):
    """None is ignored or blocked that a shell would not find so, although the process that runs it ignores some."""
    deliver([Command("exec grep -E 'Sig(Ign|Blk)' /proc/self/status > $OUT")], [make_alert()])
    ignored = sum(1 << number - 1 for number in _RESTORED)
    blocked, ignores = (int(line.split()[1], 16) for line in out.read_text().splitlines())

    assert (0, 0) == (blocked, ignores & ignored)
