import json
import os

import pytest

from tests.events import S, make_alert, make_exec
from whatran.alerts.limit import Limiter
from whatran.alerts.message import ARGV_BYTES, TEXT_CHARS, pack, unpack
from whatran.event import Alert

HOSTILE = "a\n\r\t\x00\x1b[31m\x9b\u202e\u2028 $(id) `id` ' \" \\ ] [ = ; \udcff\U000e0001é"


def hostile_alert():
    """An alert with text of the worst kind wherever a process or a rule has text."""
    process = make_exec(
        ("sh", HOSTILE),
        comm=HOSTILE,
        ppid_comm=HOSTILE,
        pathname=HOSTILE,
        script_pathname=HOSTILE,
        cwd=HOSTILE,
        user=HOSTILE,
        container_name=HOSTILE,
        ancestors=(HOSTILE, HOSTILE),
    )
    return make_alert(
        process,
        rule=HOSTILE,
        rule_id=HOSTILE,
        attack=(HOSTILE,),
        matched={"Image": HOSTILE},
        ancestor_pathnames=(HOSTILE, None),
    )


def _withheld(count, **given):
    limiter = Limiter(1)
    for _ in range(count + 1):
        limiter(make_alert(make_exec(**given)))
    return limiter.close()[0]


def test_the_json_is_the_event():
    """What is delivered is the object that jsonl writes."""
    alert = make_alert(make_exec(("sh", "-c", "caf\udce9")))
    delivered = json.loads(bytes(unpack(pack(alert)).json))

    assert Alert.__struct_fields__ == tuple(delivered)
    assert ["sh", "-c", "caf\ufffd"] == delivered["process"]["argv"]
    assert "Y2Fm6Q==" == delivered["process"]["argv_base64"][2]


def test_facts():
    """The main ones stand by their names, as text; what is not known is empty."""
    facts = unpack(pack(make_alert(make_exec(("sh", "-c", "a b"), container_id="c0ffee")))).facts

    assert {
        "event": "alert",
        "rule": "Shell Of A Web Server",
        "rule_id": "8202070f-edeb-4d31-a010-a26c72ac5600",
        "level": "high",
        "attack": "T1505.003",
        "count": "1",
        "time": "2023-11-14T22:13:20.101000Z",
        "pid": "100",
        "ppid": "1",
        "uid": "0",
        "user": "root",
        "pathname": "/usr/bin/sh",
        "script": "",
        "cwd": "/",
        "parent": "init",
        "ancestors": "init",
        "container": "c0ffee",
        "command": "sh -c 'a b'",
    } == facts


def test_text_of_others_is_plainly_visible():
    """Whatever is in an alert, its line and each fact is one line without any control character."""
    line = pack(hostile_alert())
    message = unpack(line)

    assert 1 == line.count(b"\n")
    assert [] == [text for text in (message.text, *message.facts.values()) if not text.isprintable()]
    assert HOSTILE.replace("\udcff", "\ufffd") == json.loads(bytes(message.json))["process"]["pathname"]


def test_long_arguments_are_cut():
    """No more than 32 KiB of them are delivered, with the length that they had."""
    argv = ("sh", "x" * ARGV_BYTES, "é" * ARGV_BYTES)
    process = json.loads(bytes(unpack(pack(make_alert(make_exec(argv)))).json))["process"]

    assert ARGV_BYTES >= sum(len(os.fsencode(each)) for each in process["argv"])
    assert {"argv": sum(len(os.fsencode(each)) + 1 for each in argv)} == process["truncated"]
    assert 3 == process["argc"]


def test_what_was_cut_before_keeps_its_length():
    """The true one is told."""
    process = make_exec(("x" * (ARGV_BYTES + 1),), truncated={"argv": 1 << 20})

    assert {"argv": 1 << 20} == json.loads(bytes(unpack(pack(make_alert(process))).json))["process"]["truncated"]


def test_every_text_is_bounded():
    """Six megabytes of arguments make no megabytes in the line, the facts and what matched."""
    alert = make_alert(make_exec(("sh", "\x01" * (6 << 20))), matched={"CommandLine": "x" * (6 << 20)})
    line = pack(alert)
    message = unpack(line)

    assert [] == [text for text in (message.text, *message.facts.values()) if len(text) > TEXT_CHARS]
    assert len(line) < 1 << 18


def test_environments_are_not_delivered():
    """They hold secrets, whoever asked for them to be shown."""
    assert b"hunter2" not in pack(make_alert(make_exec(env=["PASSWORD=hunter2"])))


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("… 1 more alert of Shell Of A Web Server was not delivered: 1 repeated", 1),
        ("… 37 more alerts of Shell Of A Web Server were not delivered: 37 repeated", 37),
    ],
)
def test_what_was_withheld_is_said(said, count):
    """In one line, with the rule and why."""
    message = unpack(pack(_withheld(count, at=S)))

    assert (said, "alerts_withheld") == (message.text, message.event)
    assert (str(count), "0") == (message.facts["repeated"], message.facts["over_rate"])
    assert count == json.loads(bytes(message.json))["repeated"]


def test_what_was_withheld_of_a_hostile_process():
    """It can be told of as well."""
    limiter = Limiter(1)
    alerts = [hostile_alert() for _ in range(2)]
    message = unpack(pack([each for alert in alerts for each in limiter(alert)] and limiter.close()[0]))

    assert message.text.isprintable()
    assert json.loads(bytes(message.json))["repeats"][0]["pathname"] == HOSTILE.replace("\udcff", "\ufffd")
