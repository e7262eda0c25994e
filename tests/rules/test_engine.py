"""Rules in the way of the data: what they see, what they follow, and where their alerts stand."""

from types import SimpleNamespace

import pytest

from tests.events import BOOT, MS, make_exec, make_exit, make_fork
from tests.rules.made import alerts, engine_of, rule_of
from tests.wire.frames import exec_frame
from whatran.event import Alert, Exec
from whatran.filter import only_env, parse
from whatran.pipeline import Filter, Pipeline
from whatran.plan import plan
from whatran.rules.kin import MOST_CHARS, Family

SHELL = rule_of("s: {Image|endswith: /sh}\ncondition: s", title="Shell", more="level: high\ntags: [attack.t1059.004]")
ENV = rule_of("s: {env|startswith: 'LD_PRELOAD='}\ncondition: s", title="Preload")


def test_alert_says_what_fitted(tmp_path):
    """The fields that made the condition hold, as the event has them; not what only had to be absent."""
    detection = """
a: {Image|endswith: /CURL, argv|contains: EXAMPLE}
b: {User: bob}
c: {CurrentDirectory: /}
not_d: {ParentImage: null}
condition: a and (b or c) and not not_d
"""
    engine = engine_of(tmp_path, rule_of(detection, title="Curl", more="level: low\ntags: [attack.t1105]"))
    events = (
        make_exec(["sh"], pid=1, start=0),
        make_fork(2, pid=1, start=0),
        make_exec(["curl", "http://Example"], pid=2, start=102 * MS),
    )
    (alert,) = alerts(engine, *events)

    assert {"Image": "/usr/bin/curl", "argv": "http://Example", "CurrentDirectory": "/"} == alert.matched
    assert ("Curl", "Curl", "low", ("T1105",), 1) == (
        alert.rule,
        alert.rule_id,
        alert.level,
        alert.attack,
        alert.count,
    )
    assert (events[-1], ("/usr/bin/sh",)) == (alert.process, alert.ancestor_pathnames)
    assert (events[-1].timestamp, events[-1].timestamp_boot, events[-1].timestamp_boot) == (
        alert.timestamp,
        alert.timestamp_boot,
        alert.since,
    )


def test_alert_follows_its_exec(tmp_path):
    """In the stream, at once; what no rule fits is followed by nothing."""
    frames = [
        exec_frame(texts={"pathname": name}, head={"time_boot_ns": at}) for at, name in ((1, b"sh\0"), (2, b"ls\0"))
    ]
    events = Pipeline([], rules=engine_of(tmp_path, SHELL))(frames, BOOT)

    assert [Exec, Alert, Exec] == [type(event) for event in events]
    assert events[0] is events[1].process


def test_filters_decide_what_there_are_alerts_of(tmp_path):
    """Whom they leave out is followed all the same: it may be an ancestor."""
    child = rule_of("s: {ParentImage|endswith: /sh}\ncondition: s", title="Child")
    engine = engine_of(tmp_path, SHELL, child)
    keep = Filter([parse("pathname!=*/sh")])
    pipeline = Pipeline([keep], rules=engine)
    events = [
        make_exec(["sh"], pid=1, start=0, at=1),
        make_fork(2, pid=1, start=0, child_start=2, at=2),
        make_exec(["ls"], pid=2, start=2, at=3),
    ]

    assert ["Child"] == [event.rule for event in pipeline._staged(events) if isinstance(event, Alert)]


def test_environments_are_seen_by_rules_and_shown_as_asked_for(tmp_path):
    """What is left of them is what --env names; nothing where it was not given."""
    for names, left in ((frozenset({"A"}), ["A=1"]), (frozenset(), None)):
        pipeline = Pipeline([only_env(names)], rules=engine_of(tmp_path, ENV))
        event, alert = pipeline._staged([make_exec(env=["A=1", "LD_PRELOAD=/x"])])

        assert ("Preload", {"env": "LD_PRELOAD=/x"}, left) == (alert.rule, alert.matched, event.env)


@pytest.mark.parametrize(
    ("text", "asked", "captured", "names"),
    [
        (SHELL, False, False, None),
        (ENV, False, True, frozenset()),
        (ENV, True, True, None),
        (ENV, ["A"], True, frozenset({"A"})),
    ],
)
def test_environments_are_captured_where_a_rule_is_about_them(tmp_path, monkeypatch, text, asked, captured, names):
    """And only then."""
    monkeypatch.setattr("whatran.plan.choose", lambda *_, **__: SimpleNamespace(name="ebpf"))
    planned = plan(["x"], env=asked, rules=engine_of(tmp_path, text))

    assert (captured, names) == (planned.settings.env, planned.env_names)


def test_nothing_is_left_to_the_kernel(tmp_path, monkeypatch):
    """It would leave out those whom rules want to know as ancestors."""
    monkeypatch.setattr("whatran.plan.choose", lambda *_, **__: SimpleNamespace(name="ebpf"))
    alone = plan(comm=["sh"], fields=["pid"]).settings
    with_rules = plan(comm=["sh"], fields=["pid"], rules=engine_of(tmp_path, SHELL)).settings

    assert ((b"sh",), True) == (alone.comms, alone.unwanted > 0)
    assert ((), 0) == (with_rules.comms, with_rules.unwanted)


def test_ancestors_of_processes_older_than_the_watch():
    """By their parents as the watch begins; children of those that have ended keep theirs."""
    family = Family()
    family.older(
        [
            make_exec(None, pid=3, start=30, ppid=2, ppid_start_time=20, pathname="/bin/c"),
            make_exec(None, pid=1, start=10, ppid=0, ppid_start_time=0, pathname="/bin/a"),
            make_exec(None, pid=2, start=20, ppid=1, ppid_start_time=10, pathname="/bin/b"),
        ]
    )
    family.follow(make_fork(4, pid=3, start=30, child_start=40))
    family.follow(make_exit(pid=3, start=30))
    event = make_exec(["d"], pid=4, start=40)
    family.follow(event)

    assert ("/bin/c", "/bin/b", "/bin/a") == family.of(event).images
    assert {1, 2, 4} == family._living.keys()


def test_pids_are_used_again():
    """A new process is not the child of whoever had its parent's pid before."""
    family = Family()
    family.follow(make_exec(["old"], pid=5, start=50))
    event = make_exec(["new"], pid=5, start=60, ppid=1, ppid_start_time=1)
    family.follow(event)
    late = make_exec(["late"], pid=5, start=50)

    assert () == family.of(event).images
    assert 60 == family._living[5].start_time
    assert 50 == family.of(late).start_time
    assert 60 == family._living[5].start_time


def test_those_whose_exits_were_lost():
    """They are forgotten where somebody tells of them; whoever has their pid by now is not."""
    family = Family()
    for pid in (1, 2, 3):
        family.follow(make_exec(["x"], pid=pid, start=pid))
    family.forget([(1, 1), (2, 1), (4, 4)])

    assert {2, 3} == family._living.keys()


def test_who_runs_the_same_shares_it():
    """A command line is kept once, however many run it; and but once where it has no capitals."""
    family = Family()
    for pid in (1, 2):
        family.follow(make_exec(["sh", "x" * (1 << 20)], pid=pid, start=pid))
    one, other = (family._living[pid].ran for pid in (1, 2))

    assert one is other
    assert one.command_line is one.command_line_lower
    assert MOST_CHARS == len(one.command_line) == 4096


def test_what_is_remembered_of_a_command_line_is_bounded():
    """Arguments may have megabytes, and processes are many."""
    family = Family()
    family.follow(make_exec(["x" * (1 << 20)], pid=1, start=1))
    family.follow(make_fork(2, pid=1, start=1, child_start=2))

    assert MOST_CHARS == len(family.of(make_exec(pid=2, start=2)).command_line)
