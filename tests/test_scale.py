"""Neither time nor the number of processes makes an event dearer; bench/scale.py has the times."""

import contextlib
import gc
import os
import sys

import pytest

from tests.events import BOOT, MS, make_exec, make_exit, make_failed
from tests.recording.made import planned
from tests.simulated import Simulated
from whatran.filter import Filter, parse
from whatran.pipeline import Pipeline, stages
from whatran.process.facts import Facts
from whatran.process.path_search import PathSearch
from whatran.recorder import Recorder
from whatran.recording.store import OneFile
from whatran.replaying import replay
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output
from whatran.sinks.table import Table

MODES = ("jsonl", "lives", "table", "record")

# Batches of 1,024 lives, all of another program in another session and cgroup. After the first of them every cache has
# what it may have, and a table all lines that it holds back; after the others, caches that are emptied when they have
# 4,096 are where they were.
WARM, MORE = 6, 12

# Blocks of memory that these may hold more: here it is next to none; one for each life would be 12,288.
GROWN = 1_000

# Bytecodes for the same events: here it is not one more. Another Python may compile while it runs.
DEARER = 1.01


@pytest.fixture
def taker(tmp_path):
    """Makes what takes frames in a mode, and the present time, as a watch does."""
    with contextlib.ExitStack() as stack:

        def make(mode):
            if mode == "record":
                recorder = Recorder(planned(), OneFile(tmp_path / "some.wr", overwrite=True), numbers=True)
                stack.callback(recorder.close)
                recorder.older([], BOOT)
                return lambda frames, _: recorder(frames, BOOT)
            sink = FORMATS[mode](stack.enter_context(Output.open(os.devnull)), Show())
            pipeline = Pipeline(stages(Facts(), None, [parse("comm!=none"), parse("pathname!=/none")]))

            def take(frames, now):
                sink.write(pipeline(frames, BOOT))
                sink.release(now)

            return take

        yield make


def blocks():
    """How many are in use."""
    gc.collect()
    return sys.getallocatedblocks()


def bytecodes(action):
    """How many are run."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("mode", MODES)
def test_memory_is_flat(taker, mode):
    """Who has ended leaves nothing behind, whatever was new in it."""
    take, made = taker(mode), Simulated(10, new=1)
    for frames in made.begin():
        take(frames, made.now)

    def live(batches):
        for _ in range(batches):
            take(made.batch(), made.now)

    live(WARM)
    before = blocks()
    live(MORE)

    assert blocks() - before <= GROWN


def test_memory_of_a_replay_is_flat(taker, tmp_path):
    """Nor when it is replayed."""
    take, made = taker("record"), Simulated(10, new=1)
    for frames in made.begin():
        take(frames, made.now)
    for _ in range(WARM + MORE):
        take(made.batch(), made.now)
    with replay([tmp_path / "some.wr"]) as replaying:
        held = [blocks() for events in replaying.batches() if len(events) > 1000]

    assert held[-1] - held[-1 - MORE] <= GROWN


@pytest.mark.parametrize("mode", MODES)
def test_processes_make_events_no_dearer(taker, mode):
    """However many live, no more is done for an event."""

    def cost(living):
        take, made = taker(mode), Simulated(living)
        for frames in made.begin():
            take(frames, made.now)
        for _ in range(WARM):
            take(made.batch(), made.now)
        frames = made.batch()
        return bytecodes(lambda: take(frames, made.now))

    few, many = cost(60), cost(6_000)

    assert many <= few * DEARER


def test_searches_make_events_no_dearer():
    """However many search PATH, what others do is no dearer but by what it takes to see whether they still do."""

    def cost(searching):
        search = PathSearch()
        search([make_failed(pid=pid, at=1) for pid in range(10_000, 10_000 + searching)])
        ends = [make_exit(pid=pid, at=2) for pid in range(1000)]
        return bytecodes(lambda: search(ends))

    assert cost(1_001) - cost(1) <= 40 * 1000


def test_late_lines_are_no_dearer():
    """A line that comes late finds its place among many as fast as among few."""

    def cost(waiting):
        with Output.open(os.devnull) as output:
            table = Table(output)
            table.write([make_exec(pid=pid, start=1, at=pid) for pid in range(1, waiting)])
            late = make_failed(at=0)
            return bytecodes(lambda: table.write([late]))

    assert cost(5_000) <= cost(50) + 200


def test_filters_remember_who_lives():
    """A filter leaves nothing behind of who has ended."""
    kept = Filter([parse("pathname=/usr/*")])
    for number in range(1000):
        kept(make_exec(pid=number, start=number, at=number * MS))
        kept(make_exit(pid=number, start=number, at=number * MS + 1))

    assert {} == kept._processes
