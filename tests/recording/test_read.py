"""What is read back of a file that is whole, cut, damaged or none."""

import os
import struct
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording.made import raw, record_blocks, replayed
from whatran.errors import RecordingError, UsageError
from whatran.event import Gap
from whatran.recording import format as form
from whatran.recording.read import Begin, Block, Damage, parts


@pytest.fixture
def path(tmp_path):
    """Where a recording goes."""
    return tmp_path / "some.wr"


def layout_of(path):
    """Where each part of a whole file begins, and where the file ends."""
    with path.open("rb") as file:
        return [part.offset for part in parts(file.read)] + [path.stat().st_size]


def test_a_whole_file_is_read_back(path):
    """Its events are those that were had live, and nothing is missing."""
    events = record_blocks(path)

    assert (events, []) == replayed(path)
    assert [4] * 5 == [len([each for each in events if each.timestamp_boot // 1_000_000 == n]) for n in range(1, 6)]


def test_cut_at_every_byte_of_the_last_block(path):
    """All blocks before it are read back, and what is left of it is told to the byte."""
    record_blocks(path)
    content, offsets = path.read_bytes(), layout_of(path)
    whole, _ = raw(path)
    last = offsets[-2]
    path.write_bytes(content[:last])
    before, _ = raw(path)
    for size in range(last, offsets[-1]):
        path.write_bytes(content[:size])
        records, problems = raw(path)
        assert before == records
        assert ([f"{path}: bytes {last} to {size - 1} ({size - last}) cannot be read: "] if size > last else []) == [
            text[: text.index("read: ") + 6] for text in problems
        ]
    assert before == whole[: len(before)]


def test_cut_is_said_and_the_rest_is_shown(path):
    """Also by the events: where it was not ended, what happened last may be missing."""
    events = record_blocks(path)
    offsets = layout_of(path)
    os.truncate(path, offsets[4] + 9)
    shown, problems = replayed(path)

    assert events[:8] == shown
    assert ["bytes", "it was not ended"] == [
        text.removeprefix(f"{path}: ")[: len(start)]
        for text, start in zip(problems, ["bytes", "it was not ended"], strict=True)
    ]


def test_every_byte_damaged(path):
    """With a bit flipped anywhere what is read back was written, and what is missing is said; it never fails."""
    events = record_blocks(path, 2)
    content = bytearray(path.read_bytes())
    whole, _ = raw(path)
    known = {each.timestamp_boot: each.event for each in events}
    for at in range(len(content)):
        content[at] ^= 1 << at % 8
        path.write_bytes(content)
        content[at] ^= 1 << at % 8
        records, problems = raw(path)
        left = iter(whole)
        assert all(record in left for record in records)  # in their order
        assert problems
        shown, problems = replayed(path)
        assert problems
        assert all(known[each.timestamp_boot] == each.event for each in shown if not isinstance(each, Gap))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file, what was in it, and the times of its events."""
    path = tmp_path_factory.mktemp("any") / "some.wr"
    times = {each.timestamp_boot for each in record_blocks(path, 3)}
    return path, path.read_bytes(), times


@given(st.floats(0, 1), st.floats(0, 1), st.binary(max_size=100))
def test_any_bytes_are_no_failure(small, start, end, others):
    """Whatever was overwritten, cut out or put in."""
    path, content, whole = small
    at, until = sorted((int(start * len(content)), int(end * len(content))))
    path.write_bytes(content[:at] + others + content[until:])
    try:
        shown, _ = replayed(path)
    except RecordingError:
        return

    assert {each.timestamp_boot for each in shown if not isinstance(each, Gap)} <= whole


def test_what_a_damaged_block_had_is_a_gap(path):
    """It says how many records, and why."""
    events = record_blocks(path)
    content, offsets = bytearray(path.read_bytes()), layout_of(path)
    content[offsets[4] - 1] ^= 1  # the end of a block in the middle
    path.write_bytes(content)
    shown, problems = replayed(path)
    gaps = [each for each in shown if isinstance(each, Gap)]

    size = offsets[4] - offsets[3]
    assert [f"{path}: bytes {offsets[3]} to {offsets[4] - 1} ({size}) cannot be read: a damaged block"] == problems
    assert {"recording damaged"} == {each.reason for each in gaps}
    assert {"sched_process_fork", "sched_process_exec", "sched_process_exit", "process_execute_failed"} == {
        each.kind for each in gaps
    }
    assert [each.timestamp_boot for each in events if each.timestamp_boot // 1_000_000 != 2] == [
        each.timestamp_boot for each in shown if not isinstance(each, Gap)
    ]


def test_a_block_that_is_gone(path):
    """Without a trace: its number tells."""
    record_blocks(path)
    content, offsets = path.read_bytes(), layout_of(path)
    path.write_bytes(content[: offsets[3]] + content[offsets[4] :])

    assert [f"{path}: before byte {offsets[3]} 1 blocks are missing"] == replayed(path)[1]


def test_a_damaged_header_is_found_again(path):
    """The first block has a copy of it."""
    events = record_blocks(path)
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    shown, problems = replayed(path)

    assert (events, 1) == (shown, len(problems))


def test_a_header_that_is_gone_altogether(path):
    """Without it nothing can be read."""
    record_blocks(path)
    content, offsets = path.read_bytes(), layout_of(path)
    path.write_bytes(content[offsets[2] :])

    with pytest.raises(RecordingError, match="nothing of it can be read"):
        replayed(path)


def test_a_newer_version_is_refused(path):
    """With both versions, and who wrote it."""
    text = b'{"whatran": "9.1", "what": "ever"}'
    head = form.HEAD.pack(form.MAGIC, 7, len(text), zlib.crc32(text))
    path.write_bytes(head + struct.pack("<I", zlib.crc32(head)) + text)

    with pytest.raises(RecordingError) as caught:
        replayed(path)
    assert f"{path} is of format 7, written by whatran 9.1: this whatran reads 1 and older; update it" == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello world\n" * 100, "is no recording of whatran"),
        (form.MAGIC, "is no recording of whatran, or its beginning is missing"),
    ],
)
def test_what_is_no_recording(path, content, says):
    """It is said in a sentence."""
    path.write_bytes(content)

    with pytest.raises(RecordingError, match=says):
        replayed(path)


def test_a_file_that_is_not_there(path):
    """The file and the reason."""
    with pytest.raises(UsageError, match=r"cannot read .*some.wr: No such file"):
        replayed(path)


def test_a_pipe(path):
    """Where nothing can be read twice."""
    events = record_blocks(path)
    os.mkfifo(path.with_name("pipe"))
    with subprocess.Popen(["sh", "-c", f"cat {path} > {path.parent}/pipe"]):
        assert (events, []) == replayed(path.with_name("pipe"))


def test_a_file_of_several_chapters_end_to_end(path):
    """As cat(1) makes it, of files of other recordings too."""
    first, second = path.with_name("first"), path.with_name("second")
    events = record_blocks(first) + record_blocks(second)
    path.write_bytes(first.read_bytes() + second.read_bytes())

    assert (events, []) == replayed(path)


WRITER = """
import sys
from pathlib import Path
from tests.events import BOOT
from tests.recording.made import lifetime, planned
from whatran.recorder import Recorder
from whatran.recording.store import OneFile
recorder = Recorder(planned(), OneFile(Path(sys.argv[1]), overwrite=False), numbers=False)
recorder.older([], BOOT)
print("ready", flush=True)
number = 0
while True:
    number += 1
    recorder(lifetime(number, number * 1000, number, argv=str(number).encode() * 999 + b"\\0"), BOOT)
"""


@pytest.mark.parametrize("size", range(20_000, 400_000, 38_000))
def test_killed_while_writing(path, size):
    """What was written before is whole: each event, to the last but what a torn block had."""
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        while path.stat().st_size < size:
            os.sched_yield()
        writer.kill()
    shown, problems = replayed(path)

    assert f"{path}: it was not ended in order" in problems[-1]
    assert len(problems) <= 2
    execs = [each for each in shown if each.event == "sched_process_exec"]
    assert [[str(number) * 999] for number in range(1, len(execs) + 1)] == [each.argv for each in execs]
    assert len(execs) > 20


def test_parts_of_a_file(path):
    """A head, blocks by number, and no damage."""
    record_blocks(path, 2)
    with path.open("rb") as file:
        found = list(parts(file.read))

    assert [Begin, Block, Block, Block, Block] == list(map(type, found))
    assert [0, 1, 2, 3] == [part.number for part in found[1:]]
    assert not any(isinstance(part, Damage) for part in found)
