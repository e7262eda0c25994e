"""Secrets in what real programs execute, as a tracer sees them."""

from tests.recording.made import replayed
from tests.secrets import SECRET, command, record
from whatran.event import Exec


def test_a_recording_has_none(place):
    """In no argument, variable or command line."""
    assert 0 == record(place / "some.wr", "ptrace", edge=32_760).count(SECRET.encode())
    told = {name for event in replayed(place / "some.wr")[0] if isinstance(event, Exec) for name in event.redacted}
    assert {"argv", "env"} == told


def test_a_run_has_them_where_that_is_asked_for(run_told):
    """And else none."""
    without, with_ = (run_told(command(), env=True, redact=redact)[0].events for redact in (True, False))

    assert (0, True) == (str(without).count(SECRET), str(with_).count(SECRET) > 2)
