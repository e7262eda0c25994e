from tests.events import make_exec
from whatran.errors import DecodeError
from whatran.pipeline import Pipeline


def test_events_come_in_the_order_of_time():
    """Frames of several CPUs may be a little out of order in the ring."""
    events = {b"a": make_exec(timestamp_boot=2), b"b": make_exec(timestamp_boot=1)}

    assert [events[b"b"], events[b"a"]] == Pipeline(events.get, [])([b"a", b"b"])


def test_a_malformed_frame_is_counted_and_the_rest_goes_on():
    """One bad record costs one record."""
    event = make_exec()

    def decode(frame):
        if frame == b"bad":
            raise DecodeError("no", 0, 3)
        return event

    pipeline = Pipeline(decode, [])

    assert [event, event] == pipeline([b"good", b"bad", b"good"])
    assert 1 == pipeline.malformed


def test_a_dropped_event_is_counted_and_not_passed_on():
    """A stage that says None ends an event's way."""
    seen = []
    pipeline = Pipeline(lambda _: make_exec(), [lambda _: None, seen.append])

    assert [] == pipeline([b""])
    assert ([], 1) == (seen, pipeline.filtered["sched_process_exec"])
