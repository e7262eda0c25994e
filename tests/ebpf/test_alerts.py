"""Alerts from the kernel to those who are to know of them."""

import json
import os
import re
import shutil
import signal
import subprocess
import uuid

import pytest

from tests.alerts.conftest import lives, until
from tests.rules.made import rule_of

from .test_cli import WHATRAN, start_watch, whatran


@pytest.fixture
def rules(place):
    """A file with a rule for whatever lies in this test's own directory."""
    path = place / "rule.yml"
    path.write_text(rule_of(f"selection:\n  Image|startswith: {place}/\ncondition: selection", "Here", "level: high"))
    return path


def _told(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_from_an_exec_to_a_command(programs, place, rules):
    """What a rule finds in a run is delivered as it is shown, and makes the run fail."""
    program = shutil.copy(programs / "true", place / "found")
    out = place / "out"

    done = whatran(
        *(
            "--rules",
            rules,
            "--alert",
            f"cat >> {out}",
            "--fail-on",
            "high",
            "--format",
            "jsonl",
            "--only-alerts",
            "-o",
            "-",
        ),
        *("--", "sh", "-c", '"$0" a; "$0" b; true', program),
    )

    shown = [json.loads(line) for line in done.stdout.splitlines()]
    first, withheld = _told(out)
    assert 3 == done.returncode
    assert [[str(program), "a"], [str(program), "b"]] == [alert["process"]["argv"] for alert in shown]
    assert (shown[0], ("alerts_withheld", 1)) == (first, (withheld["event"], withheld["repeated"]))
    assert [
        "whatran: 2 alerts, 1 repeated; --alert: 1 delivered",
        "whatran: 2 alerts of level high or above: status 3",
    ] == done.stderr.splitlines()


def test_an_alert_does_not_cause_the_next(programs, place, rules):
    """What the command of --alert executes is no part of a watch of the machine, even if a rule would fit it."""
    found = [shutil.copy(programs / "true", place / name) for name in ("first", "second")]
    own = shutil.copy(programs / "true", place / "own")
    command = f"(setsid {own} &); {own}; cat >> {place}/out"

    arguments = [
        "--rules",
        rules,
        "--alert",
        command,
        "--format",
        "jsonl",
        "--path",
        f"{place}/",
        "-o",
        place / "events",
    ]
    with start_watch(*arguments) as running:
        for program in found:
            seen = len(_told(place / "out"))
            while len(_told(place / "out")) == seen:
                subprocess.run([program], check=True)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()

    events = _told(place / "events")
    told = {event["process"]["pathname"] for event in _told(place / "out") if event["event"] == "alert"}
    assert set(map(str, found)) == {event["pathname"] for event in events if event["event"] == "sched_process_exec"}
    assert set(map(str, found)) == told
    assert 0 == running.returncode
    assert " failed" not in said


def test_a_receiver_that_takes_nothing_loses_no_exec(programs, place, rules):
    """While its queue is full and alerts are dropped, each of 4,000 execs is seen, and each alert is counted."""
    names = [place / f"p{number}" for number in range(2000)]
    shutil.copy(programs / "true", names[0])
    for name in names[1:]:
        os.link(names[0], name)
    script = f'for program; do {programs}/storm 1 2 "$program"; done'

    done = whatran(
        *("--rules", rules, "--alert-rate", "1000000", "--alert", "kill -STOP $PPID", "--buffer", "64M"),
        *("--format", "jsonl", "--fields", "pathname", "-o", place / "events", "--", "sh", "-c", script, "sh", *names),
    )

    events = _told(place / "events")
    dropped = re.search(
        r"whatran: 4000 alerts, 2000 repeated; --alert: 0 delivered, (\d+) failed, (\d+) not taken", done.stderr
    )
    assert (0, 4_000) == (done.returncode, sum(event["event"] == "alert" for event in events))
    assert 4_000 == sum(str(event.get("pathname")).startswith(f"{place}/p") for event in events)
    assert 2_000 == sum(map(int, dropped.groups()))
    assert "lost" not in done.stderr


def test_receivers_end_with_a_watch_that_is_killed(place, rules, programs):
    """Neither their processes nor what they run outlive it."""
    program = shutil.copy(programs / "true", place / f"w{uuid.uuid4().hex[:12]}")
    arguments = [
        "--rules",
        rules,
        "--alert",
        f"echo $PPID $$ > {place}/out; sleep 3600",
        "--comm",
        program.name,
        "-o",
        "/dev/null",
    ]
    with start_watch(*arguments) as running:
        while not (place / "out").exists() or len((place / "out").read_text().split()) < 2:
            subprocess.run([program], check=True)
        pids = list(map(int, (place / "out").read_text().split()))
        running.kill()
        running.communicate()

    until(lambda: not any(map(lives, pids)))


def test_ctrl_c_twice_does_not_wait(place, rules, programs):
    """The first ends the watch in order, the receivers have some seconds; the second ends them and all."""
    program = shutil.copy(programs / "true", place / f"w{uuid.uuid4().hex[:12]}")
    arguments = [
        "--rules",
        rules,
        "--alert",
        f"echo $$ > {place}/out; exec sleep 3600",
        "--comm",
        program.name,
        "-o",
        "/dev/null",
    ]
    with start_watch(*arguments) as running:
        while not (place / "out").exists() or not (place / "out").read_text():
            subprocess.run([program], check=True)
        running.send_signal(signal.SIGINT)
        line = ""
        while " seen, " not in line:
            line = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        running.communicate()

    assert 130 == running.returncode
    assert not lives(int((place / "out").read_text()))


def test_no_privilege_is_needed(place, rules):
    """By ptrace it is the same."""
    command = [*WHATRAN, "--source", "ptrace", "--rules", rules, "--alert", f"cat >> {place}/out", "--fail-on", "low"]
    shutil.copy("/bin/true", place / "found")
    done = subprocess.run(
        [*map(os.fspath, command), "--", place / "found"], capture_output=True, text=True, check=False
    )

    assert (3, [f"{place}/found"]) == (done.returncode, [each["process"]["pathname"] for each in _told(place / "out")])
