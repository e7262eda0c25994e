"""What a recording, and a pipeline, have of secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import BOOT
from tests.recording.made import raw, replayed
from tests.wire.frames import exec_frame, exit_frame, failed_frame, fork_frame, text_frame
from whatran.event import Exec, ExecFailed, Gap
from whatran.pipeline import Pipeline
from whatran.plan import plan
from whatran.recorder import Recorder
from whatran.recording import format as form
from whatran.recording.store import OneFile
from whatran.redact import Redactor
from whatran.redacting import Redacting
from whatran.stats import Stats
from whatran.wire import layout
from whatran.wire.redacted import RedactedFrames
from whatran.wire.rejoin import Rejoin
from whatran.wire.settings import Settings

SECRET = b"Xq7zRw9LkTbV3m"


def through(frames):
    """The frames, redacted, and the events of these; each as many at a time as comes out."""
    redacted = RedactedFrames(Redactor())
    out = [*redacted(frames), *redacted.finish()]
    pipeline = Pipeline([], fold=False)
    return out, [
        each for each in (*pipeline(out, BOOT), *pipeline.finish({}, 9_000, BOOT)) if not isinstance(each, Gap)
    ]


def apart(argv, env=b"", *, begun=100, size=64, full=None):
    """An exec whose arguments and environment go on in frames that follow."""
    sent = argv if full is None else argv[: full[0]]
    texts = {"argv": sent[:begun], "env": env[:begun]}
    more = (max(0, len(sent) - begun), max(0, len(env) - begun))
    frames = [exec_frame(texts=texts, full={"argv": len(argv), "env": len(env)}, flags=layout.EXEC_ENV, more=more)]
    for text, rest in ((layout.TEXT_ARGV, sent), (layout.TEXT_ENV, env)):
        frames += [text_frame(text, at, rest[at : at + size]) for at in range(begun, len(rest), size)]
    return frames


def test_frames_without_secrets_are_given_as_they_are():
    """The very same, whatever they are."""
    frames = [
        fork_frame(),
        exec_frame(texts={"argv": b"ls\0-la\0", "env": b"A=b\0"}, flags=layout.EXEC_ENV),
        *apart(b"ls\0" + b"x" * 500 + b"\0", b"A=b\0" * 100),
        failed_frame(argv=b"nosuch\0-p\0"),
        exit_frame(),
    ]
    redacted = RedactedFrames(Redactor())

    assert frames == [*redacted(frames), *redacted.finish()]


def test_an_exec_says_where_secrets_were_replaced():
    """Its arguments, its environment, or both; and which are equal."""
    _, events = through(
        [
            exec_frame(texts={"argv": b"x\0--password=" + SECRET + b"\0-v\0"}),
            exec_frame(
                texts={"argv": b"x\0", "env": b"A=b\0TOKEN=" + SECRET + b"\0"},
                flags=layout.EXEC_ENV,
                head={"sequence": 2},
            ),
            exec_frame(texts={"argv": b"x\0-v\0"}, head={"sequence": 3}),
        ]
    )
    place = events[0].argv[1].removeprefix("--password=")

    assert [["argv"], ["env"], []] == [event.redacted for event in events]
    assert (["x", f"--password={place}", "-v"], ["A=b", f"TOKEN={place}"]) == (events[0].argv, events[1].env)
    assert ({}, 19) == (events[0].truncated, len(place))


def test_a_failed_exec_is_redacted_too():
    """Its path stays; what is cut of it is as long as before, by its own true length."""
    argv = b"curl\0-u\0me:" + SECRET + b"\0"
    _, (whole, cut) = through([failed_frame(argv=argv), failed_frame(argv=argv[:-3], full=99, head={"sequence": 2})])

    assert (["argv"], {}) == (whole.redacted, whole.truncated)
    assert ["curl", "-u"] == whole.argv[:2]
    assert (["argv"], {"argv": 99}, len(argv) - 3) == (cut.redacted, cut.truncated, len("\0".join(cut.argv)))


@pytest.mark.parametrize("at", range(90, 110))
def test_a_secret_that_lies_in_two_frames_is_found(at):
    """Wherever the edge between them is; the rest of the arguments is there, and as many frames."""
    argv = b"x\0" + b"a" * (at - 14) + b"\0--password=" + SECRET + b"\0" + b"b" * 300 + b"\0"
    frames = apart(argv, b"B=" + b"c" * 300 + b"\0API_KEY=" + SECRET + b"\0")
    out, (event,) = through(frames)

    assert len(frames) == len(out)
    assert [] == [frame for frame in out if SECRET[:6] in frame or SECRET[-6:] in frame]
    assert (["x", "a" * (at - 14)], ["b" * 300]) == (event.argv[:2], event.argv[3:])
    assert (["argv", "env"], {}, event.argv[2].partition("=")[2]) == (
        event.redacted,
        event.truncated,
        event.env[1].partition("=")[2],
    )


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_where_frames_were_lost_what_came_is_redacted(lost):
    """What came after the hole, of which nobody knows what it is, is not given."""
    argv = b"x\0" + b"a" * 90 + b"\0--password=" + SECRET * 20 + b"\0" + b"b" * 300 + b"\0"
    frames = apart(argv)
    del frames[lost]
    out, (event,) = through(frames)

    assert [] == [frame for frame in out if SECRET in frame]
    assert {"argv": len(argv)} == event.truncated


def test_an_exec_waits_for_its_frames_over_batches():
    """As it does without."""
    frames = apart(b"x\0" + b"a" * 120 + b"\0--password=" + SECRET + b"\0")
    redacted = RedactedFrames(Redactor())

    assert [[], []] == [redacted(frames[:1]), redacted([])]
    assert len(frames) == len(redacted(frames[1:]))


@given(st.binary(max_size=400), st.integers(1, 100), st.integers(1, 40))
def test_any_arguments_come_to_what_they_are_when_redacted_whole(argv, begun, size):
    """In however many frames they lie."""
    salt = b"0" * 16
    frames = RedactedFrames(Redactor(salt))
    (joined,) = Rejoin()([*frames(apart(argv, begun=begun, size=size)), *frames.finish()])

    assert Redactor(salt).argv(argv) == joined[len(joined) - layout.TWO_STRUCT.unpack_from(joined, _ARGV)[0] :]


_ARGV = layout.offset_in_exec("argv")


@pytest.mark.parametrize("frame", [exec_frame()[:-20], failed_frame()[:90], b"x" * 40, exec_frame(more=(9, 9))[:60]])
def test_what_is_no_frame_is_left_to_the_decoder(frame):
    """That counts it."""
    redacted = RedactedFrames(Redactor())

    assert [frame] == [*redacted([frame]), *redacted.finish()]


def _recorded(path, frames, *, redact=True):
    """A recording of these frames by a command that has the secret in its own command line; its bytes, unpacked."""
    planned = plan(["mysql", f"-p{SECRET.decode()}"], source="ptrace", redact=redact)
    recorder = Recorder(planned, OneFile(path, overwrite=True), numbers=False)
    taker = Redacting(recorder, planned.redactor) if redact else recorder
    taker.older([], BOOT)
    taker(frames, BOOT)
    event = Pipeline([], fold=False)([exec_frame(unread=1 << 6)], BOOT)[0]
    taker.complete(event, b"mysql\0-p" + SECRET + b"\0", b"TOKEN=" + SECRET + b"\0", Settings(env=True))
    taker.finish({}, 10, BOOT)
    recorder.end(form.END, Stats())
    recorder.close()
    return b"".join(raw(path)[0])


@pytest.fixture(autouse=True)
def _command_line(monkeypatch):
    monkeypatch.setattr("sys.argv", ["whatran", "record", "-o", "a.wr", "--", "mysql", f"-p{SECRET.decode()}"])


def _secret_frames():
    return [
        exec_frame(texts={"argv": b"mysql\0-p" + SECRET + b"\0"}),
        failed_frame(argv=b"curl\0-u\0me:" + SECRET + b"\0", tid=43, pid=43),
        *apart(b"x\0" + b"a" * 120 + b"\0--password=" + SECRET + b"\0")[:2],
    ]


def test_a_recording_has_no_byte_of_a_secret(tmp_path):
    """In its frames, in what living processes told, and in what was still to come at its end."""
    assert 0 == _recorded(tmp_path / "a.wr", _secret_frames()).count(SECRET)
    events, problems = replayed(tmp_path / "a.wr")

    assert [] == problems
    assert [["argv"], ["argv"], ["argv"]] == [
        event.redacted for event in events if isinstance(event, Exec | ExecFailed)
    ]


def test_a_recording_has_secrets_where_that_is_asked_for(tmp_path):
    """And is shown without them, unless that is asked for too."""
    path = tmp_path / "a.wr"

    assert 7 == _recorded(path, _secret_frames(), redact=False).count(SECRET)
    assert 0 == str(replayed(path)[0]).count(SECRET.decode())
    assert 2 < str(replayed(path, redact=False)[0]).count(SECRET.decode())
