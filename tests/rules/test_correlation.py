import gc
import tracemalloc
import weakref

import pytest

from tests.events import S, make_exec
from tests.rules.made import HEAD, alerts, engine_of
from whatran.rules.correlation import Correlations
from whatran.rules.engine import Engine
from whatran.rules.fields import View
from whatran.rules.kin import Kin

BASES = "---\n".join(
    f"title: {name}\nname: {name}\n{HEAD}\ndetection:\n    s: {{Image|endswith: /{name}}}\n    condition: s\n"
    for name in ("id", "uname", "whoami")
)


def _correlation(text, title="C"):
    body = "\n".join(f"    {line}" for line in text.strip().splitlines())
    return f"title: {title}\nname: {title}\nlevel: high\ncorrelation:\n{body}\n"


def _engine(tmp_path, *texts):
    return engine_of(tmp_path, BASES, *map(_correlation, texts))


def _found(engine, *steps):
    """(rule, second, how many, since which second) of each alert; steps are (second, program, fields)."""
    events = [make_exec([name], at=at * S, **dict(*given)) for at, name, *given in steps]
    return [(a.rule, a.timestamp_boot // S, a.count, a.since // S) for a in alerts(engine, *events)]


def test_event_count(tmp_path):
    """Three in ten seconds, wherever these begin; then it begins anew."""
    engine = _engine(tmp_path, "type: event_count\nrules: [id]\ngroup-by: [User]\ntimespan: 10s\ncondition: {gte: 3}")
    steps = [(at, "id") for at in (1, 2, 12, 13, 21, 22, 23, 24, 25)]

    assert [("C", 21, 3, 12), ("C", 24, 3, 22)] == _found(engine, *steps)


def test_groups_are_apart(tmp_path):
    """What others do is not counted; no user is a group too."""
    engine = _engine(tmp_path, "type: event_count\nrules: [id]\ngroup-by: [User]\ntimespan: 10s\ncondition: {gte: 2}")
    users = ("root", "bob", None, "root", "bob", None)
    steps = [(at, "id", {"user": user}) for at, user in enumerate(users, 1)]

    assert [("C", 4, 2, 1), ("C", 5, 2, 2), ("C", 6, 2, 3)] == _found(engine, *steps)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("gt: 2", [3]),
        ("gte: 2", [2, 4]),
        ("eq: 2", [2, 4]),
        ("lt: 2", [1, 2, 3, 4]),
        ("lte: 1", [1, 2, 3, 4]),
        ("neq: 1", [2, 4]),
        ("{gt: 1, lte: 2}", [2, 4]),
    ],
)
def test_operators(tmp_path, limits, expected):
    """They are held against the count at each find."""
    given = f"condition: {limits}" if limits.startswith("{") else f"condition: {{{limits}}}"
    engine = _engine(tmp_path, f"type: event_count\nrules: [id]\ntimespan: 10s\n{given}")

    assert expected == [at for _, at, _, _ in _found(engine, *((at, "id") for at in (1, 2, 3, 4)))]


def test_value_count(tmp_path):
    """Different values, each once, in the span; an event without the value counts nothing."""
    engine = _engine(
        tmp_path,
        "type: value_count\nrules: [id, uname, whoami]\ngroup-by: [User]\ntimespan: 10s\n"
        "condition: {field: cwd, gte: 3}",
    )
    at = ((1, "/a"), (2, "/a"), (3, "/b"), (4, None), (12, "/b"), (13, "/c"), (14, "/a"))

    assert [("C", 14, 3, 12)] == _found(engine, *((second, "id", {"cwd": cwd}) for second, cwd in at))


def test_temporal(tmp_path):
    """All of the rules in any order, in the span."""
    engine = _engine(tmp_path, "type: temporal\nrules: [id, uname, whoami]\ngroup-by: [User]\ntimespan: 10s")
    steps = [(1, "uname"), (2, "id"), (12, "whoami"), (13, "uname"), (14, "id"), (15, "uname")]

    assert [("C", 14, 3, 12)] == _found(engine, *steps)


def test_temporal_with_a_condition(tmp_path):
    """So many of the rules are enough."""
    engine = _engine(tmp_path, "type: temporal\nrules: [id, uname, whoami]\ntimespan: 10s\ncondition: {gte: 2}")

    assert [("C", 3, 2, 2)] == _found(engine, (1, "id"), (2, "id"), (3, "whoami"))


def test_temporal_ordered(tmp_path):
    """In the order of the rules; of several rows the one that began last counts."""
    engine = _engine(tmp_path, "type: temporal_ordered\nrules: [id, uname, whoami]\ngroup-by: [User]\ntimespan: 10s")
    steps = [(1, "whoami"), (2, "uname"), (3, "id"), (8, "id"), (9, "uname"), (12, "uname"), (14, "whoami")]

    assert [("C", 14, 3, 8)] == _found(engine, *steps)


def test_row_that_took_too_long_is_none(tmp_path):
    """Its first step is out of the span by the time of its last."""
    engine = _engine(tmp_path, "type: temporal_ordered\nrules: [id, uname]\ntimespan: 10s")

    assert [("C", 22, 2, 14)] == _found(engine, (1, "id"), (13, "uname"), (14, "id"), (22, "uname"))


def test_same_rule_twice_in_order(tmp_path):
    """One event is one step."""
    engine = _engine(tmp_path, "type: temporal_ordered\nrules: [id, id]\ntimespan: 10s")

    assert [("C", 2, 2, 1)] == _found(engine, (1, "id"), (2, "id"))


def test_aliases(tmp_path):
    """What is grouped by may have another name in the events of each rule."""
    engine = _engine(
        tmp_path,
        "type: temporal\nrules: [id, uname]\ngroup-by: [who]\ntimespan: 10s\naliases: {who: {id: User, uname: cwd}}",
    )
    steps = [(1, "id", {"user": "a", "cwd": "c"}), (2, "uname", {"user": "a", "cwd": "b"}), (3, "uname", {"cwd": "a"})]

    assert [("C", 3, 2, 1)] == _found(engine, *steps)


def test_correlations_of_correlations(tmp_path):
    """What one finds is an event for another, wherever that stands."""
    text = _correlation("type: temporal_ordered\nrules: [many, whoami]\ntimespan: 1m", "both") + "---\n"
    text += _correlation("type: event_count\nrules: [id]\ntimespan: 10s\ncondition: {gte: 2}", "many")
    engine = engine_of(tmp_path, text, BASES)

    assert [("both", 3, 2, 2)] == _found(engine, (1, "id"), (2, "id"), (3, "whoami"))


@pytest.mark.parametrize(("generate", "expected"), [("false", ["C"]), ("true", ["id", "id", "C"])])
def test_generate(tmp_path, generate, expected):
    """Rules that are referred to speak for themselves only where one asks for it."""
    text = "type: event_count\nrules: [id]\ntimespan: 10s\ncondition: {gte: 2}"
    engine = _engine(tmp_path, f"{text}\ngenerate: {generate}")

    assert expected == [rule for rule, *_ in _found(engine, (1, "id"), (2, "id"))]


def test_alert_of_a_correlation_names_the_group(tmp_path):
    """What it groups by, and the last exec."""
    engine = _engine(
        tmp_path, "type: event_count\nrules: [id]\ngroup-by: [User, pid]\ntimespan: 10s\ncondition: {gte: 1}"
    )
    event = make_exec(["id"], pid=7)
    (alert,) = alerts(engine, event)

    assert ({"User": "root", "pid": "7"}, event, "high") == (alert.matched, alert.process, alert.level)


def test_memory_is_bounded(tmp_path):
    """Of too many groups those are given up of which nothing has been found for longest, and they are counted."""
    engine = _engine(tmp_path, "type: event_count\nrules: [id]\ngroup-by: [pid]\ntimespan: 1d\ncondition: {gte: 3}")
    rule = engine.rules[-1]
    correlations = Correlations([rule], most=10)

    def found(pid):
        return correlations(set(rule.rules), View(make_exec(["id"], pid=pid), Kin()))

    for pid in range(1, 31):
        found(pid)

    assert 20 == correlations.forgotten.groups
    assert [False, True] == [bool(found(21)), bool(found(21))]
    assert [False, False] == [bool(found(1)), bool(found(1))]


def test_groups_of_nothing_are_not_kept(tmp_path):
    """Those of events without the value that is counted: they would be beyond what bounds memory."""
    engine = _engine(
        tmp_path,
        "type: value_count\nrules: [id]\ngroup-by: [pid]\ntimespan: 1d\ncondition: {field: cwd, gte: 3}",
    )
    correlations = Correlations([engine.rules[-1]], most=10)
    tracemalloc.start()
    for pid in range(1, 1001):
        correlations(set(engine.rules[-1].rules), View(make_exec(["id"], pid=pid, cwd=None), Kin()))
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert kept < 100_000


def test_what_is_out_of_its_time_goes_before_what_is_not(tmp_path):
    """Whichever rule it is of, and whichever began first."""
    text = "type: event_count\nrules: [{}]\ngroup-by: [pid]\ntimespan: {}\ncondition: {{gte: 2}}"
    engine = _engine(tmp_path, text.format("id", "1d"))
    short = engine_of(tmp_path, BASES, _correlation(text.format("uname", "1s"), "Short"))
    rules = [engine.rules[-1], short.rules[-1]]
    correlations = Correlations(rules, most=10)

    def found(rule, at, pid):
        return correlations(set(rule.rules), View(make_exec(["x"], pid=pid, at=at * S), Kin()))

    found(rules[0], 1, 1)
    for pid in range(2, 20):
        found(rules[1], 2 * pid, pid)

    assert (0, True) == (correlations.forgotten.groups, bool(found(rules[0], 100, 1)))


def test_of_all_rules_the_group_goes_that_was_last_found_first(tmp_path):
    """Where there are too many, and none is out of its time."""
    text = "type: event_count\nrules: [{}]\ngroup-by: [pid]\ntimespan: 1d\ncondition: {{gte: 2}}"
    engine = engine_of(
        tmp_path, BASES, *(_correlation(text.format(name), name.title()) for name in ("id", "uname", "whoami"))
    )
    rules = engine.rules[-3:]
    correlations = Correlations(rules, most=10)

    def found(number):
        return correlations(
            set(rules[number % 3].rules), View(make_exec(["x"], pid=1 + number, at=(1 + number) * S), Kin())
        )

    for number in range(30):
        found(number)

    assert 20 == correlations.forgotten.groups
    assert [bool(found(number)) for number in range(29, 19, -1)] == [True] * 10


def test_alert_of_a_correlation_tells_no_more_of_a_field_than_others(tmp_path):
    """A group is told apart by the whole of it."""
    engine = _engine(
        tmp_path, "type: event_count\nrules: [id]\ngroup-by: [CommandLine]\ntimespan: 10s\ncondition: {gte: 2}"
    )
    long = "x" * 1_000_000
    found = alerts(engine, *(make_exec(["id", long + end], at=S) for end in "abb"))

    assert ["id " + "x" * 4093 + "…"] == [alert.matched["CommandLine"] for alert in found]


def test_each_recording_has_its_own_memory(tmp_path):
    """The same rules begin anew, and are not compiled again."""
    engine = _engine(tmp_path, "type: event_count\nrules: [id]\ntimespan: 1d\ncondition: {gte: 2}")
    alerts(engine, make_exec(["id"]))

    assert [] == alerts(engine.anew(), make_exec(["id"]))
    assert isinstance(engine.anew(), Engine)


def test_what_each_recording_remembers_is_let_go(tmp_path, monkeypatch):
    """Only how much it has given up is kept."""
    monkeypatch.setattr("whatran.rules.correlation.MOST_KEPT", 0)
    engine = _engine(tmp_path, "type: event_count\nrules: [id]\ntimespan: 1d\ncondition: {gte: 2}")
    anew = [engine.anew() for _ in range(3)]
    for each in anew:
        alerts(each, make_exec(["id"]))
    left = [weakref.ref(each) for each in anew]
    del anew, each
    gc.collect()

    assert ([None, None, None], 3) == ([each() for each in left], engine.forgotten)
