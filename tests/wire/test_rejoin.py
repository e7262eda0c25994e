import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import BOOT
from tests.wire.frames import exec_frame, exit_frame, text_frame
from whatran.event import Event
from whatran.wire import layout
from whatran.wire.decode import decode
from whatran.wire.rejoin import Rejoin

ARGV, ENV = layout.TEXT_ARGV, layout.TEXT_ENV
FIRST = exec_frame(
    texts={"argv": b"p\0aa", "env": b"A=1\0B="},
    full={"argv": 8, "env": 9},
    more=(4, 3),
    flags=layout.EXEC_ENV,
)
ARGV_2, ARGV_3, ENV_2 = text_frame(ARGV, 4, b"a\0"), text_frame(ARGV, 6, b"b\0"), text_frame(ENV, 6, b"22\0")


def _events(*frames):
    rejoin = Rejoin()
    return [decode(frame, BOOT) for frame in [*rejoin(frames), *rejoin.finish()]]


def test_parts_become_one_exec():
    """Arguments and environment are whole, and nothing is flagged."""
    (event,) = _events(FIRST, ARGV_2, ARGV_3, ENV_2)

    assert (["p", "aaa", "b"], ["A=1", "B=22"], {}) == (event.argv, event.env, event.truncated)


def test_frames_of_other_cpus_and_kinds_lie_between():
    """They go their way at once; the exec comes when it is whole."""
    other = exec_frame(head={"cpu": 2}, texts={"argv": b"other\0"})
    events = _events(FIRST, other, ARGV_2, exit_frame(tid=7), ARGV_3, text_frame(ARGV, 4, b"xx", cpu=3), ENV_2)

    assert [["other"], None, ["p", "aaa", "b"]] == [getattr(event, "argv", None) for event in events]


@pytest.mark.parametrize(
    ("parts", "argv", "env", "truncated"),
    [
        ([], ["p", "aa"], ["A=1", "B="], {"argv": 8, "env": 9}),
        ([ARGV_3, ENV_2], ["p", "aa"], ["A=1", "B=22"], {"argv": 8}),
        ([ARGV_2, ENV_2], ["p", "aaa"], ["A=1", "B=22"], {"argv": 8}),
        ([ARGV_2, ARGV_3], ["p", "aaa", "b"], ["A=1", "B="], {"env": 9}),
    ],
    ids=["none came", "a hole", "the end is missing", "one text is missing"],
)
def test_what_is_missing_is_flagged(parts, argv, env, truncated):
    """What came before a hole is kept, with the true length."""
    (event,) = _events(FIRST, *parts)

    assert (argv, env, truncated) == (event.argv, event.env, event.truncated)


def test_the_next_exec_of_a_cpu_ends_the_wait():
    """What did not come before it will not come any more."""
    events = _events(FIRST, ARGV_2, exec_frame(head={"sequence": 2}), ARGV_3)

    assert [{"argv": 8, "env": 9}, {}] == [event.truncated for event in events]


def test_what_the_task_does_next_ends_the_wait():
    """An exec never comes after the exit of its own process, while others' events do not concern it."""
    of_another, own = exit_frame(head={"cpu": 0}, tid=7), exit_frame(head={"cpu": 0}, tid=42)

    assert [("Exit", 7), ("Exec", 42), ("Exit", 42)] == [
        (type(event).__name__, event.tid) for event in _events(FIRST, ARGV_2, of_another, own, ARGV_3, ENV_2)
    ]


def test_parts_of_a_lost_exec_are_dropped():
    """Their exec is a gap, they belong to nothing."""
    assert [] == _events(ARGV_2, ENV_2)


def test_parts_of_another_exec_are_not_taken():
    """Sequence numbers say whose a part is."""
    (event,) = _events(FIRST, text_frame(ARGV, 4, b"zz", exec_sequence=9))

    assert ["p", "aa"] == event.argv


WHOLE = [FIRST, ARGV_2, ARGV_3, ENV_2]


@given(st.data())
def test_any_damage_leaves_frames_that_decode_or_do_not(data):
    """Whatever the bytes, rejoining raises nothing."""
    frames = [bytearray(frame) for frame in WHOLE]
    for _ in range(data.draw(st.integers(1, 6))):
        frame = data.draw(st.sampled_from(frames))
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = [bytes(frame[: data.draw(st.integers(0, len(frame)))]) for frame in frames]
    rejoin = Rejoin()

    assert all(isinstance(frame, bytes) for frame in [*rejoin(cut), *rejoin.finish()])


def test_rejoined_frames_are_events():
    """The decoder takes them as if the kernel had written them."""
    assert all(isinstance(event, Event) for event in _events(*WHOLE))
