"""Files that no whatran has written, and that say that one has: events come of them, or our own error, and no more."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import BOOT
from tests.recording.forged import block, block_head, head, recording
from tests.recording.made import lifetime, planned, raw, record_blocks, replayed, tee_to
from tests.wire.frames import exec_frame
from whatran.errors import RecordingError
from whatran.event import Gap
from whatran.player import MOST_GROUPED
from whatran.recording import format as form
from whatran.recording import read
from whatran.recording.read import MOST_IN_VAIN, parts
from whatran.recording.store import Memory, numbered
from whatran.replaying import MOST_PROBLEMS, replay
from whatran.sinks.text import missing
from whatran.stats import Stats
from whatran.wire import layout

BODIES = st.one_of(
    st.binary(max_size=40),
    st.recursive(
        st.none() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=9) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 3), inner, max_size=2),
    ).map(msgspec.msgpack.encode),
)
FRAMES = st.builds(
    lambda kind, body: layout.FRAME_STRUCT.pack(1, 2, layout.FRAME_STRUCT.size + len(body), 0, kind, 0) + body,
    st.integers(0, 0xFF),
    st.binary(max_size=400) | st.sampled_from(lifetime(7, 9, 1)).map(lambda frame: frame[layout.FRAME_STRUCT.size :]),
)
RECORDS = st.builds(
    lambda kind, at, offset, body, frames: form.record(kind, at, body, offset) + b"".join(frames),
    st.integers(form.OLDER, form.NEXT + 1),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
    BODIES,
    st.lists(FRAMES, max_size=3),
)


@given(st.lists(RECORDS, max_size=6))
def test_any_records(tmp_path_factory, records):
    """Of any kind, with anything in them: those that are none are told of, and the others are played."""
    path = tmp_path_factory.mktemp("any") / "some.wr"
    path.write_bytes(recording(*records, form.record(form.BATCH, 5), lifetime(7, 9, 1)[1], form.record(form.END, 9)))
    events, problems = replayed(path)

    assert "sched_process_exec" in {each.event for each in events}
    assert not any("bytes" in text for text in problems)


@pytest.mark.parametrize("kind", [form.NAMES, form.UNNUMBERED, form.LIVING, form.MEMORY, form.FINISH])
@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x91" * 5_000, b"\x92\x01\x81\xa1\xff\x01"])
def test_what_a_record_holds_is_not_what_it_should_be(tmp_path, kind, body):
    """It is told once for each block at least, and what comes after it is played."""
    path = tmp_path / "some.wr"
    path.write_bytes(recording(form.record(kind, 5, body), form.record(form.BATCH, 5), *lifetime(7, 9, 1)))
    events, problems = replayed(path)

    assert [7, 7, 7, 7] == [getattr(each, "child_pid", 0) or each.pid for each in events]
    assert (kind != form.LIVING) == any("a record that whatran does not write" in text for text in problems)


def test_memory_of_a_process_whose_arguments_were_read(tmp_path):
    """It has them already."""
    path = tmp_path / "some.wr"
    frame = exec_frame(texts={"argv": b"p\0"}, flags=layout.EXEC_REPAIRED)
    path.write_bytes(
        recording(
            form.record(form.LIVING, 5),
            frame,
            form.packed(form.MEMORY, 5, form.Memory(42, 1_000, b"other\0", None)),
            form.record(form.SETTLE, 5),
        )
    )
    events, _ = replayed(path)

    assert [["p"]] == [each.argv for each in events]


def test_frames_that_are_none_among_those_that_live(tmp_path):
    """They are left out."""
    path = tmp_path / "some.wr"
    wrong = layout.FRAME_STRUCT.pack(1, 2, layout.FRAME_STRUCT.size + 1, 0, layout.EXEC, 0) + b"x"
    path.write_bytes(recording(form.record(form.OLDER, 5), wrong, form.record(form.BATCH, 5), *lifetime(7, 9, 1)))

    assert 4 == len(replayed(path)[0])


@pytest.mark.parametrize(
    "header",
    [
        {"started": 10**30},
        {"started": -1},
        {"chapter": 0},
        {"page_bytes": 10**30},
        {"recording": "x"},
        {"failed": "?"},
        {"max_argv": -1},
        {"filters": 1},
    ],
)
def test_a_header_that_cannot_be(tmp_path, header):
    """It is one that is damaged."""
    path = tmp_path / "some.wr"
    path.write_bytes(recording(**header))
    with pytest.raises(RecordingError, match="damaged header"):
        replayed(path)


@pytest.mark.parametrize("text", [b'{"host":"\xff"}', b'{"whatran":"1","x":' + b"[" * 5_000, b"{}", b"[]", b""])
def test_a_header_that_is_no_header(tmp_path, text):
    """Neither text nor depth are ours."""
    path = tmp_path / "some.wr"
    path.write_bytes(head(text) + block(form.record(form.HEADER, 1_000, text)))
    with pytest.raises(RecordingError, match="damaged header"):
        replayed(path)


def test_a_filter_that_is_none(tmp_path):
    """It may be one of a later version: the file is named, as nothing is wrong with the command line."""
    path = tmp_path / "some.wr"
    path.write_bytes(recording(filters=["colour=red"]))
    with pytest.raises(RecordingError, match=r"some.wr was recorded for .* there is no field colour"):
        replayed(path)


def test_a_header_of_any_size_is_not_waited_for():
    """So many bytes are not held at once."""
    held = 0

    def endless(size):
        nonlocal held
        held += size
        return bytes(min(size, 1 << 20)) if held < 512 << 20 else b""

    given = iter([head(b"", size=(1 << 32) - 1)])
    with pytest.raises(RecordingError):
        list(parts(lambda size: next(given, None) or endless(size)))

    assert held < 256 << 20


def test_blocks_in_blocks_in_blocks(monkeypatch):
    """Each says that it has all of the rest: the time for that is not the square of how much there is."""
    taken = 0
    crc32 = zlib.crc32

    class Counted:
        @staticmethod
        def crc32(data):
            nonlocal taken
            taken += len(data)
            return crc32(data)

    whole = recording()
    claims = block_head(16 << 20, 1) * 2_000
    content = iter([whole, claims, *[bytes(1 << 20)] * 17])
    monkeypatch.setattr(read, "zlib", Counted)
    list(parts(lambda _: next(content, b"")))

    assert taken < (MOST_IN_VAIN + 1) * (len(whole) + len(claims) + (17 << 20)) + form.MOST_BYTES


def test_a_group_without_an_end(tmp_path, monkeypatch):
    """It goes on from block to block, and is played before it takes all memory."""
    assert form.MOST_BYTES < MOST_GROUPED
    monkeypatch.setattr("whatran.player.MOST_GROUPED", 10_000)
    path = tmp_path / "some.wr"
    groups = [form.record(form.BATCH, 5), *[form.record(form.MORE, 5)] * 39]
    path.write_bytes(
        recording(*(part for n, group in enumerate(groups) for part in (group, *lifetime(7, 9 * n, n + 1))))
    )
    with replay([path]) as replaying:
        sizes = [len(batch) for batch in replaying.batches()]

    assert (160, True) == (sum(sizes), max(sizes) < 80)


def test_problems_without_end(tmp_path):
    """No more of them are told than anybody would read."""
    path = tmp_path / "some.wr"
    path.write_bytes(recording() + b"".join(block(number=number) + b"?" for number in range(2, 2_000, 2)))

    assert MOST_PROBLEMS + 1 == len(replayed(path)[1]) == len(raw(path)[1])


def test_a_gap_of_what_no_kernel_has(tmp_path):
    """Its name is safe to print."""
    path = tmp_path / "some.wr"
    path.write_bytes(recording(form.packed(form.UNNUMBERED, 5, (0, {"\x1b[31m": 1}))))
    (gap,) = replayed(path)[0]

    assert (Gap, r"… 1 \x1b[31m lost: program not run") == (type(gap), missing(gap))


def kept(path, saved):
    """What is kept in memory is saved after each of these chapters; the events of all."""
    store = Memory(path, 4_000_000_000, overwrite=True)
    tee = tee_to(path, planned(), store, numbers=True)
    clock = [0]
    begin = store.begin
    store.begin = lambda _: begin(clock[0])
    files = []
    for chapter in range(1, 9):
        clock[0] += 1_000_000_000
        tee.older([], BOOT)
        tee(lifetime(100 + chapter, chapter * 1_000_000, chapter), BOOT)
        tee.recorder.end(form.END if chapter == 8 else form.NEXT, Stats())
        if chapter in saved:
            tee.recorder.save()
            files.append(path.rename(path.with_name(f"{chapter}.wr")))
    return tee.events, files


def test_what_is_kept_is_saved_again(tmp_path):
    """Two files have some chapters in common: what happened then happened once."""
    events, files = kept(tmp_path / "some.wr", (5, 8))

    assert (events, []) == replayed(*files)
    assert (events, []) == replayed(*reversed(files))


def test_chapters_that_come_again(tmp_path):
    """In one file, too, and out of order."""
    events = record_blocks(tmp_path / "some.wr")
    content = (tmp_path / "some.wr").read_bytes()
    path = tmp_path / "twice.wr"
    path.write_bytes(content + content)

    assert (events, []) == replayed(path)
    assert [] == numbered(path)
