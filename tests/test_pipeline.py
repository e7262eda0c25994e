from tests.events import BOOT
from tests.wire.frames import exec_frame, exit_frame
from whatran.event import Exec, Exit, Gap
from whatran.pipeline import Pipeline


def test_events_come_in_the_order_of_time():
    """Frames of several CPUs may be a little out of order in the ring."""
    events = Pipeline([])([exec_frame(head={"time_boot_ns": 2}), exit_frame(head={"time_boot_ns": 1})], BOOT)

    assert [Exit, Exec] == list(map(type, events))


def test_a_malformed_frame_is_counted_and_the_rest_goes_on():
    """One bad record costs one record."""
    pipeline = Pipeline([])

    assert [Exec, Exit] == list(map(type, pipeline([exec_frame(), b"bad", exit_frame()], BOOT)))
    assert 1 == pipeline.malformed


def test_those_whose_exits_were_lost_are_handed_on():
    """Rules and whoever else follows processes hear of it once it is settled, and only then."""
    told, rules = [], Follower()
    pipeline = Pipeline([], rules=rules, ended=told.append)
    (event,) = pipeline([exec_frame()], BOOT)
    key = (event.pid, event.process_start_time)
    pipeline.learn([], BOOT)

    assert ([], []) == (told, rules.ended)
    pipeline.settle()
    assert ([[key]], [key]) == (told, rules.ended)


class Follower:
    """Rules that say nothing."""

    def __init__(self):
        """Nobody has ended."""
        self.ended = []

    def follow(self, event):
        """It takes no note."""

    def forget(self, ended):
        """It takes note."""
        self.ended += ended

    def __call__(self, event):
        """Nothing."""
        return []


def test_a_dropped_event_is_counted_and_not_passed_on():
    """A stage that says None ends an event's way."""
    seen = []
    pipeline = Pipeline([lambda _: None, seen.append])

    assert [] == pipeline([exec_frame()], BOOT)
    assert ([], 1) == (seen, pipeline.filtered["sched_process_exec"])


def test_gaps_stand_where_something_is_missing_and_pass_every_filter():
    """What nobody has seen cannot be filtered."""
    pipeline = Pipeline([lambda _: None])
    events = pipeline([exec_frame(head={"sequence": 1}), exec_frame(head={"sequence": 4})], BOOT)

    assert [2] == [event.count for event in events]
    assert [Gap] == list(map(type, pipeline.finish({(1, "sched_process_exec"): 5}, 9, BOOT)))
