"""Alerts on the command line, however they came about."""

import json
import os
import socket

import pytest

from tests.alerts.test_syslog import NO_ADDRESS
from tests.events import S, make_alert, make_exec, make_exit
from tests.rules.made import rule_of
from whatran.alerts.syslog import SEVERITY
from whatran.event import Exec
from whatran.rules.levels import LEVELS

COMMANDS = {"watch": (["watch"], []), "run": (["run"], ["--", "true"])}


@pytest.fixture
def rules(tmp_path):
    """A file with a rule, whatever that says."""
    path = tmp_path / "rule.yml"
    path.write_text(rule_of("selection:\n  Image: /nowhere\ncondition: selection"))
    return os.fspath(path)


@pytest.fixture(params=COMMANDS)
def alerted(request, machine, run, rules):
    """Runs a command with rules and these options, which gets these events; its status, output and messages."""
    before, after = COMMANDS[request.param]

    def alerted(*options, events):
        machine.will(events, returncode=0)
        return run(*before, "--rules", rules, "--format", "jsonl", "-o", "-", *options, *after)

    return alerted


def _alerts(*levels):
    return [make_alert(make_exec((f"p{number}",)), level=level) for number, level in enumerate(levels)]


def test_alerts_go_to_all(alerted, tmp_path):
    """To the output as any event, and to each receiver; a line at the end has the numbers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(os.fspath(tmp_path / "log"))
        events = [make_exec(("p0",)), *_alerts("high"), *_alerts("high"), make_exit()]
        status, out, err = alerted(
            "--alert",
            f"cat >> {tmp_path}/1",
            "--alert",
            f"cat >> {tmp_path}/2",
            "--syslog",
            server.getsockname(),
            events=events,
        )
        got = server.recv(65536)

    alert = next(line for line in out.splitlines() if '"alert"' in line)
    assert [alert] * 2 == [(tmp_path / name).read_text().splitlines()[0] for name in "12"]
    assert b"<83>1 " == got[:6]
    assert (0, 4) == (status, len(out.splitlines()))
    assert (
        "whatran: 2 alerts, 1 repeated; --alert: 1 delivered; --alert: 1 delivered; "
        f"syslog {tmp_path}/log: 1 delivered" == next(line for line in err.splitlines() if "alerts" in line)
    )


@pytest.mark.parametrize(
    ("level", "levels", "said"),
    [
        ("high", ("low", "high", "critical", "high"), "3 alerts of level high or above: status 3"),
        ("critical", ("high", "critical"), "1 alert of level critical: status 3"),
        ("informational", ("informational",), "1 alert of level informational or above: status 3"),
        ("medium", ("informational", "low"), None),
        ("low", (), None),
    ],
)
def test_an_alert_can_make_it_fail(alerted, level, levels, said):
    """From the level on that --fail-on names the status is 3, and one line says why; below that nothing changes."""
    status, _, err = alerted("--fail-on", level, events=[make_exec(), *_alerts(*levels)])

    assert (3 if said else 0, said is not None) == (status, f"whatran: {said}\n" in err)
    assert said or "level" not in err


@pytest.mark.parametrize(("expected", "level"), [(3, "low"), (7, "high")])
def test_whatever_the_command_ended_with(machine, run, rules, expected, level):
    """An alert makes a run fail, even one that failed by itself; with no such alert the status is the command's."""
    machine.will(_alerts("medium"), returncode=7)
    status, _, _ = run("--rules", rules, "--fail-on", level, "--", "true")

    assert expected == status


def test_what_is_not_delivered_counts_for_the_status(alerted):
    """It is about what was found, not about who is told."""
    status, _, err = alerted("--alert", "exit 1", "--fail-on", "high", events=_alerts("high", "high"))

    assert (3, True) == (status, "whatran: 2 alerts; --alert: 0 delivered, 2 failed\n" in err)


def test_the_rate(alerted, tmp_path):
    """--alert-rate says how many different ones of a rule are delivered; the output has them all."""
    status, out, err = alerted("--alert", f"cat >> {tmp_path}/out", "--alert-rate", "2", events=_alerts(*["low"] * 5))
    told = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]

    assert (["alert", "alert", "alerts_withheld"], 3) == ([each["event"] for each in told], told[2]["over_rate"])
    assert (0, 5, True) == (
        status,
        len(out.splitlines()),
        "whatran: 5 alerts, 3 over the rate; --alert: 2 delivered\n" in err,
    )


def test_ten_is_the_rate(alerted):
    """Where nothing else is asked for."""
    _, _, err = alerted("--alert", "exit", events=_alerts(*["low"] * 11))

    assert "whatran: 11 alerts, 1 over the rate; --alert: 10 delivered\n" in err


def test_no_alerts_are_not_talked_about(alerted):
    """Who asked for alerts and has none is told nothing of them."""
    _, _, err = alerted("--alert", "exit", "--fail-on", "low", events=[make_exec()])

    assert "alert" not in err


def test_alerts_are_delivered_where_the_output_fails(machine, run, rules, tmp_path):
    """A full disk keeps nobody from being told."""
    machine.will([make_exec(), *_alerts("high")], _alerts("low"), returncode=0)
    status, _, err = run(
        "--rules", rules, "--alert", f"cat >> {tmp_path}/out", "--format", "jsonl", "-o", "/dev/full", "--", "true"
    )

    assert (1, 2) == (status, len((tmp_path / "out").read_text().splitlines()))
    assert "No space left on device" in err


def test_minutes_end_while_nothing_happens(machine, run, rules, tmp_path, monkeypatch):
    """A watch wakes up to tell what was withheld, and no earlier."""
    now = [10 * S]
    monkeypatch.setattr("whatran.cli.follow.boot_ns", lambda: now[0])
    alerts = [make_alert(make_exec(at=S)), make_alert(make_exec(at=2 * S))]

    def later():
        now[0] = 61 * S
        return []

    watch = machine.will(alerts, later, [])
    run("watch", "--rules", rules, "--format", "jsonl", "--alert", f"cat >> {tmp_path}/out")

    assert [None, 51.0, None] == watch.timeouts
    assert 2 == len((tmp_path / "out").read_text().splitlines())


def test_what_commands_run_is_not_watched(machine, run, rules):
    """The processes that run them are left out of a watch, beside those that it was told to leave out."""
    machine.will([], [])
    run(
        "watch",
        "--rules",
        rules,
        "--not-tree",
        "1",
        "--alert",
        "exit",
        "--alert",
        "exit",
        "--syslog",
        "udp://127.0.0.1",
    )
    run("--rules", rules, "--alert", "exit", "--", "true")
    (_, watched), (_, followed) = machine.opened

    assert (1, 3, []) == (watched["not_tree"][0], len(watched["not_tree"]), followed["not_tree"])
    assert [] == [pid for pid in watched["not_tree"][1:] if os.path.exists(f"/proc/{pid}")]


@pytest.mark.parametrize("option", [("--alert", "x"), ("--webhook", "http://x"), ("--syslog",), ("--fail-on", "low")])
def test_alerts_need_rules(machine, run, option):
    """Without rules that would wait for ever: it is said, and nothing is started."""
    status, out, err = run("watch", *option)

    assert (2, "", []) == (status, out, machine.opened)
    assert (
        "whatran: --alert, --webhook, --syslog and --fail-on are for --rules: without rules there are no alerts\n"
        == err
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--alert", ""), "--alert takes a shell command, and this is empty"),
        (("--alert", " \n"), "--alert takes a shell command, and this is empty"),
        (("--webhook", ""), "--webhook takes a URL that begins with https:// or http://, or @FILE with one in it"),
        (
            ("--webhook", "@/dev/null"),
            "--webhook takes a URL that begins with https:// or http://, or @FILE with one in it",
        ),
        (("--syslog", ""), f"--syslog : {NO_ADDRESS}"),
        (("--syslog", "ls"), f"--syslog ls: {NO_ADDRESS}"),
        (
            ("--alert", "exit", "--alert-rate", "0"),
            "--alert-rate 0: this is no number of alerts a minute; give 1 or more",
        ),
        (
            ("--alert-rate", "3"),
            "--alert-rate is for --alert, --webhook and --syslog: without these nothing is delivered",
        ),
        (
            ("--fail-on", "low", "--alert-rate", "3"),
            "--alert-rate is for --alert, --webhook and --syslog: without these nothing is delivered",
        ),
    ],
)
def test_what_would_tell_nobody(machine, run, rules, option, said):
    """Nothing to run, no address, no receiver or no alert a minute: it is refused, not counted as delivered."""
    status, out, err = run("--rules", rules, *option, "--", "true")

    assert (2, "", []) == (status, out, machine.opened)
    assert f"whatran: {said}\n" == err


@pytest.mark.parametrize(
    "option",
    [("--webhook", "S3CRET"), ("--syslog", "nowhere"), ("--alert-rate", "0"), ("--fail-on", "severe")],
)
def test_what_cannot_be(machine, run, rules, option):
    """It is said in one sentence, and nothing is started."""
    status, _, err = run("--rules", rules, *option, "--", "true")

    assert (2, 1, []) == (status, err.count("\n"), machine.opened)
    assert "S3CRET" not in err


def test_every_level_has_a_severity():
    """So that syslog has one for each."""
    assert LEVELS == tuple(sorted(SEVERITY, key=SEVERITY.get, reverse=True))


def test_replay(run, tmp_path):
    """What was recorded is held against rules, delivered and makes it fail in the same way."""
    from tests.cli.test_replay import DEMO  # noqa: PLC0415

    path = tmp_path / "rule.yml"
    path.write_text(rule_of("selection:\n  Image|startswith: /\ncondition: selection", more="level: high"))
    receivers = ["--alert", f"cat >> {tmp_path}/out", "--alert-rate", "100000", "--fail-on", "medium"]
    status, out, err = run("replay", "--rules", os.fspath(path), "--format", "jsonl", *receivers, DEMO)
    shown = [event for event in map(json.loads, out.splitlines()) if event["event"] == "alert"]
    told = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    delivered = [event for event in told if event["event"] == "alert"]
    repeated = sum(event["repeated"] for event in told if event["event"] != "alert")

    assert (3, True) == (status, len(shown) > 3)
    assert len(shown) == len(delivered) + repeated
    assert [] == [event for event in delivered if event not in shown]
    assert f"whatran: {len(shown)} alerts of level medium or above: status 3\n" in err
    assert {Exec.NAME} == {event["process"]["event"] for event in delivered}
