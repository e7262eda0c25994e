import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import make_exec, make_exit, make_fork
from whatran.errors import UsageError
from whatran.filter import Filter, equals, parse, without


def _passes(event, *texts):
    return Filter(map(parse, texts))(event) is event


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("comm=cc1", True),
        ("comm=cc*", True),
        ("comm=CC1", False),
        ("comm!=cc1", False),
        ("comm!=make", True),
        ("pathname=/usr/*/cc1", True),
        ("pathname=cc1", False),
        ("argv=*-O2*", True),
        ("argv=cc1 -O2 a=b", True),
        ("uid=1000", True),
        ("uid=100", False),
        ("invoked_from_kernel=false", True),
        ("event=sched_process_exec", True),
        ("comm=[bc]c?", True),
    ],
)
def test_condition_holds_its_glob_against_the_whole_text(text, expected):
    """Globs are case-sensitive and match from end to end."""
    event = make_exec(comm="cc1", pathname="/usr/lib/cc1", argv=["cc1", "-O2", "a=b"], uid=1000)

    assert expected == _passes(event, text)


def test_unknown_value_fits_no_glob():
    """None is not the empty string: = never holds, != always does."""
    static = make_exec(interpreter_pathname=None)

    assert (False, True) == (_passes(static, "interpreter_pathname=*"), _passes(static, "interpreter_pathname!=*"))


def test_different_fields_must_all_hold():
    """Conditions narrow each other down."""
    event = make_exec(comm="cc1", uid=0)

    assert (True, False) == (_passes(event, "comm=cc1", "uid=0"), _passes(event, "comm=cc1", "uid=1"))


def test_alternatives_on_one_field_are_enough_one_by_one():
    """Repeating a field widens it, repeating its negation narrows it."""
    event = make_exec(comm="cc1")

    assert _passes(event, "comm=make", "comm=cc1")
    assert not _passes(event, "comm!=make", "comm!=cc1")


def test_exit_follows_its_exec():
    """An exit has no pathname: its process's last exec decides."""
    filter_ = Filter([parse("pathname=/bin/a")])
    events = [
        make_exec(pid=1, process_start_time=1, pathname="/bin/a"),
        make_exec(pid=2, process_start_time=2, pathname="/bin/b"),
        make_exit(pid=2, process_start_time=2),
        make_exit(pid=1, process_start_time=1),
    ]

    assert [events[0], events[3]] == [event for event in events if filter_(event)]


def test_child_without_an_exec_follows_its_creator():
    """A fork runs its creator's program until it execs."""
    filter_ = Filter([parse("pathname=/bin/a")])
    exec_ = make_exec(pid=1, process_start_time=1, pathname="/bin/a")
    fork = make_fork(pid=1, process_start_time=1, child_pid=2, child_tid=2, start_time=5)
    events = [exec_, fork, make_exit(pid=2, process_start_time=5)]

    assert events == [event for event in events if filter_(event)]


def test_exit_of_an_unknown_program_fits_negations_only():
    """What ran before the watch is not known to be anything."""
    exit_ = make_exit(pid=1)

    assert (False, True) == (_passes(exit_, "pathname=*"), _passes(exit_, "pathname!=/bin/a"))


def test_an_end_follows_any_exec():
    """Of a process that went on to something that is dropped, or was seen to be forked, the end is shown."""
    filter_ = Filter([parse("pathname!=/bin/b")])
    events = [
        make_exec(pid=1, start=1, pathname="/bin/a"),
        make_fork(2, child_start=5, pid=1, start=1),
        make_exec(pid=1, start=1, pathname="/bin/b"),
        make_exec(pid=2, start=5, pathname="/bin/b"),
        make_exit(pid=1, start=1),
        make_exit(pid=2, start=5),
        make_exec(pid=3, start=9, pathname="/bin/b"),
        make_exit(pid=3, start=9),
    ]

    assert [*events[:2], *events[4:6]] == [event for event in events if filter_(event)]


def test_an_event_without_the_fields_is_left_out():
    """Each kind by its own fields; what all have, and no fields, leave none out."""
    events = make_exec(), make_fork(2), make_exit()
    passing = [
        [_passes(event, *without(fields)) for event in events]
        for fields in (["argv"], ["argv", "exit_code"], ["child_tid"], ["event"], ["pid", "argv"], [])
    ]

    assert _passes(make_exec(), *without(["exit_code"], judged=True))
    only_exec, only_fork, all_of_them = [True, False, False], [False, True, False], [True] * 3
    assert [only_exec, [True, False, True], only_fork, *[all_of_them] * 3] == passing


def test_verdicts_do_not_pile_up():
    """A million short lives leave nothing behind."""
    filter_ = Filter([parse("pathname=/bin/*")])
    for pid in range(100):
        filter_(make_exec(pid=pid, process_start_time=pid))
        filter_(make_exit(pid=pid, process_start_time=pid))

    assert {} == filter_._processes


@pytest.mark.parametrize("text", ["", "comm", "=x", "!=x"])
def test_text_without_field_or_glob_is_refused(text):
    """The message shows the form."""
    with pytest.raises(UsageError, match="FIELD=GLOB"):
        parse(text)


def test_unknown_field_is_refused_with_the_nearest():
    """A slip of the finger gets its remedy."""
    with pytest.raises(UsageError, match="did you mean pathname"):
        parse("pathnam=/bin/*")


@given(st.text(min_size=1))
def test_equals_means_exactly_that_text(text):
    """No character of a name is taken as a wildcard."""
    condition = equals("comm", text)

    assert condition.match(text)
    assert text == condition.literal


def test_event_that_does_not_exist_is_refused():
    """Its name is one of three, so nothing else could ever fit."""
    with pytest.raises(UsageError, match="sched_process_exec, sched_process_fork, sched_process_exit"):
        parse("event=exec")
