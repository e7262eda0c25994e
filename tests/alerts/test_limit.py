from hypothesis import given
from hypothesis import strategies as st

from tests.events import S, make_alert, make_exec
from whatran.alerts.limit import Limiter, Withheld, dropped
from whatran.event import Alert

MINUTE = 60 * S


def _alert(at=S, program="sh", *, rule="r", **given):
    return make_alert(make_exec((program,), at=at, **given), rule=rule, rule_id=rule)


def _told(events):
    """Alerts as their programs, what was withheld as its numbers."""
    return [
        event.process.argv[0] if isinstance(event, Alert) else (event.rule, event.repeated, event.over_rate)
        for event in events
    ]


def _all(limiter, alerts):
    return _told(each for alert in alerts for each in limiter(alert))


def test_alerts_that_are_alike_are_one():
    """In a rule's minute the first is delivered; the others are told with their number when it ends."""
    limiter = Limiter(10)

    assert ["sh"] == _all(limiter, [_alert(at) for at in (S, 2 * S, 3 * S)])
    assert S + MINUTE == limiter.due
    assert [] == limiter.release(S + MINUTE - 1)
    assert [("r", 2, 0)] == _told(limiter.release(S + MINUTE))
    assert None is limiter.due


def test_what_was_repeated_is_named():
    """What is told has what they have in common, how many there were, since when and until when."""
    limiter = Limiter(10)
    _all(limiter, [_alert(S), _alert(2 * S), _alert(3 * S, "id"), _alert(4 * S)])
    [told] = limiter.close()

    assert [("/usr/bin/sh", "root", "/usr/sbin/nginx", 2)] == [
        (each.pathname, each.user, each.parent, each.count) for each in told.repeats
    ]
    assert (S, 4 * S) == (told.since, told.timestamp_boot)


def test_alerts_differ():
    """By program, script, user, parent, container and rule; not by time, process or arguments."""
    limiter = Limiter(10)
    differing = [
        make_alert(make_exec(at=S)),
        make_alert(make_exec(at=S, pathname="/tmp/x")),
        make_alert(make_exec(at=S, script_pathname="/tmp/x")),
        make_alert(make_exec(at=S, user="www-data")),
        make_alert(make_exec(at=S), ancestor_pathnames=("/bin/sh",)),
        make_alert(make_exec(at=S, container_id="c")),
        make_alert(make_exec(at=S), rule_id="other"),
    ]
    alike = [make_alert(make_exec(at=2 * S, pid=7)), make_alert(make_exec(at=S, cwd="/tmp", argv=("true", "x")))]

    assert differing == [each for alert in (*differing, *alike) for each in limiter(alert)]


def test_no_more_than_the_rate():
    """So many different ones of a rule are delivered in its minute, and the others counted; other rules have theirs."""
    limiter = Limiter(2)

    assert ["a", "b", "x"] == _all(
        limiter, [*(_alert(program=name) for name in "abcda"), _alert(program="x", rule="q")]
    )
    assert [("r", 1, 2)] == _told(limiter.close())
    assert (1, 2) == (limiter.repeated, limiter.over_rate)


def test_another_minute_begins_with_an_alert():
    """After a minute's end a rule has its whole rate again, and what was withheld is told before the next alert."""
    alerts = [_alert(S, "a"), _alert(2 * S, "b"), _alert(S + MINUTE, "a")]

    assert ["a", ("r", 0, 1), "a"] == _all(Limiter(1), alerts)


def test_nothing_is_kept_of_rules_that_are_silent():
    """What is remembered is of the last minute."""
    limiter = Limiter(1)
    _all(limiter, [_alert(number * MINUTE, rule=f"r{number}") for number in range(1, 1000)])

    assert 1 == len(limiter._minutes)


def test_nothing_withheld_needs_no_time():
    """A machine where nothing more happens is not woken."""
    limiter = Limiter(1)
    _all(limiter, [_alert()])

    assert None is limiter.due
    assert [] == limiter.close()


def test_what_was_dropped_is_told():
    """It is of no rule, and of the time of the last alert."""
    told = dropped(_alert(5 * S), 7)

    assert (Withheld.NAME, None, 7, 5 * S) == (told.event, told.rule, told.dropped, told.timestamp_boot)


def _expected(made, rate):
    """What is delivered, said in another way: of each rule's minute the first of each program, up to the rate."""
    expected, ends, delivered = [], {}, {}
    for at, program, rule in made:
        if at >= ends.get(rule, 0):
            ends[rule], delivered[rule] = at + 60, []
        if program not in delivered[rule] and len(delivered[rule]) < rate:
            delivered[rule].append(program)
            expected.append((at, program, rule))
    return expected


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abcdef"), st.sampled_from("rq")), max_size=60).map(sorted),
    st.integers(1, 4),
)
def test_every_alert_is_delivered_or_counted(made, rate):
    """Whatever comes, alerts that are delivered and those that are told of as withheld are all there were."""
    limiter = Limiter(rate)
    told = [each for at, *what in made for each in limiter(_alert(at * S, what[0], rule=what[1]))] + limiter.close()
    delivered = [each for each in told if isinstance(each, Alert)]
    withheld = [each for each in told if isinstance(each, Withheld)]
    repeated, over_rate = (sum(getattr(each, name) for each in withheld) for name in ("repeated", "over_rate"))

    assert _expected(made, rate) == [(each.timestamp_boot // S, each.process.argv[0], each.rule) for each in delivered]
    assert (len(made), repeated, over_rate) == (
        len(delivered) + repeated + over_rate,
        limiter.repeated,
        limiter.over_rate,
    )
