"""What an event takes, in counts that are the same on every machine; tests/ebpf/test_counts.py has the kernel's."""

import gc
import sys
from collections import Counter

import pytest

from tests.events import BOOT
from tests.recording.made import lifetime, planned, tee_to
from tests.wire.frames import exec_frame, exit_frame, failed_frame, fork_frame
from whatran.pipeline import Pipeline, stages
from whatran.process.facts import Facts
from whatran.recording.format import END
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output
from whatran.stats import Stats
from whatran.wire.decode import decode

COUNT = 1_000

EXEC = exec_frame(
    texts={"cmdpath": b"/usr/bin/cc\0", "argv": b"cc\0-O2\0-c\0a.c\0", "pathname": b"gcc\0bin\0usr\0"}, argc=4
)

# Blocks of memory that an event holds: itself, large numbers, texts. Ids, files, names that are as in the event before
# must not be made again. Here it is 2 or 3 less; another Python may have a block more or less.
BLOCKS = {"exec": 14, "fork": 5, "exit": 6, "failed": 10}

# Bytes of an event in a recording, of processes that differ in no more than pid and time. It is 13; compressors differ.
RECORDED_BYTES = 18

# Calls of functions, in Python or in C, for each event of a short life: fork, exec, exit. Here it is a tenth less;
# other versions of Python may count a few more.
CALLS = {"jsonl": 31, "lives": 37, "table": 48}


@pytest.mark.parametrize(
    ("kind", "frame"),
    [("exec", EXEC), ("fork", fork_frame()), ("exit", exit_frame()), ("failed", failed_frame())],
    ids=BLOCKS,
)
def test_events_hold_little(kind, frame):
    """What is the same in many events is in memory once."""
    frames = [bytes(bytearray(frame)) for _ in range(COUNT)]
    events = [decode(frame, BOOT)] * COUNT
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for number, each in enumerate(frames):
            events[number] = decode(each, BOOT)
        held = sys.getallocatedblocks() - before
    finally:
        gc.enable()

    assert held / COUNT <= BLOCKS[kind]


def test_recordings_are_small(tmp_path):
    """What repeats itself takes hardly any room."""
    tee = tee_to(tmp_path / "some.wr", planned())
    tee.older([], BOOT)
    for number in range(1, COUNT + 1):
        tee(lifetime(100 + number, number * 1_234_567, number), BOOT)
    tee.finish({(1, "sched_process_exec"): COUNT}, COUNT * 2_000_000, BOOT)
    tee.recorder.end(END, Stats())
    tee.recorder.close()

    assert (tmp_path / "some.wr").stat().st_size / len(tee.events) <= RECORDED_BYTES


@pytest.mark.parametrize("form", CALLS)
def test_calls_of_an_event(form, tmp_path):
    """From its frame to its line, an event is passed through few hands."""
    lives = [lifetime(100 + number, number * 1_234_567, number) for number in range(1, COUNT)]
    frames = [frame for fork, execs, _, ends in lives for frame in (fork, execs, ends)]
    pipeline = Pipeline(stages(Facts(), None))
    calls = Counter()

    with Output.open(str(tmp_path / "out")) as output:
        sink = FORMATS[form](output, Show())
        sink.write(pipeline(frames[:3], BOOT))  # what is made once
        sys.setprofile(lambda _frame, event, _arg: calls.update((event,)))
        try:
            sink.write(pipeline(frames[3:], BOOT))
        finally:
            sys.setprofile(None)

    assert (calls["call"] + calls["c_call"]) / len(frames) <= CALLS[form]
