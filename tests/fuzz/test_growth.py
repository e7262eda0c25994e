"""What twice as much takes: twice the work, and no memory beyond what is said, whatever it is that comes."""

import sys

import pytest

from tests.events import BOOT
from tests.recording import forged
from tests.recording.made import lifetime, replayed
from tests.wire.frames import exec_frame, exit_frame, failed_frame, fork_frame, text_frame
from whatran.filter import Filter, parse
from whatran.pipeline import Pipeline
from whatran.recording import format as form
from whatran.recording.read import Damage, parts
from whatran.redact import MOST_SECRETS, Redactor
from whatran.wire import layout
from whatran.wire.rejoin import Rejoin

COUNT = 300

TWICE = 2.2
"""What takes less for twice as much does not grow by its square; a sort takes a little more than twice."""


def work(do, *given):
    """Lines of Python that are run to do it, each as often as it is."""
    lines = 0

    def trace(_frame, event, _):
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do(*given)
    finally:
        sys.settrace(before)
    return lines


def heads(number):
    """Numbers of a frame's head, always others."""
    return {"sequence": number + 1, "time_boot_ns": number}


def execs_without_end(count):
    """Of so many CPUs each has told of an exec of which more should come; then others end."""
    execs = [exec_frame(more=(1, 0), tid=n, head=heads(n) | {"cpu": n}) for n in range(count)]
    return [[*execs, *(exit_frame(pid=count + n, tid=count + n, head=heads(n)) for n in range(count))]]


def parts_without_end(count):
    """An exec comes in very many parts."""
    first = exec_frame(texts={"argv": b"a"}, full={"argv": count + 2}, more=(count + 1, 0))
    return [[first, *(text_frame(layout.TEXT_ARGV, 1 + n, b"b") for n in range(count))]]


def searches_of_many(count):
    """So many tasks search PATH at once; then others end."""
    failed = [failed_frame(tid=n, pid=n, head=heads(n)) for n in range(1, count + 1)]
    return [[*failed, *(exit_frame(pid=count + n, tid=count + n, flags=1, head=heads(n)) for n in range(1, count + 1))]]


def searches_batch_by_batch(count):
    """The same, one at a time."""
    return [[frame] for frame in searches_of_many(count)[0]]


def search_without_end(count):
    """One task tries again and again."""
    return [[failed_frame(head=heads(n)) for n in range(count)]]


def forks_of_forks(count):
    """Each process makes the next."""
    return [
        [fork_frame(pid=n, child_pid=n + 1, child_tid=n + 1, start_boot_ns=n, head=heads(n))]
        for n in range(1, count + 1)
    ]


def holes(count):
    """Every CPU has lost something."""
    return [[exit_frame(head=heads(n) | {"cpu": n})] for n in range(count)]


def lifetimes(count):
    """What is usual."""
    return [lifetime(100 + n, 10 * n, n) for n in range(count)]


SHAPES = (
    execs_without_end,
    parts_without_end,
    searches_of_many,
    searches_batch_by_batch,
    search_without_end,
    forks_of_forks,
    holes,
    lifetimes,
)


def piped(batches):
    """Has a pipeline take them, one after another."""
    pipeline = Pipeline([Filter([parse("pathname!=/x")])])
    for batch in batches:
        pipeline(batch, BOOT)
    pipeline.finish({}, 1 << 40, BOOT)


@pytest.mark.parametrize("shape", SHAPES)
def test_frames(shape):
    """However frames follow one another, each is as much work as among few."""
    few, many = shape(COUNT), shape(2 * COUNT)
    piped(few)  # has loaded what it needs

    assert work(piped, many) < TWICE * work(piped, few)


@pytest.mark.parametrize("shape", SHAPES)
def test_frames_of_a_recording(tmp_path, shape):
    """They are the same work where they are played."""

    def written(count):
        path = tmp_path / f"{count}.wr"
        batches = [part for batch in shape(count) for part in (form.record(form.BATCH, 5), *batch)]
        path.write_bytes(forged.recording(*batches))
        return path

    few, many = written(COUNT), written(2 * COUNT)
    replayed(few)

    assert work(replayed, many) < TWICE * work(replayed, few)


@pytest.mark.parametrize(
    "piece",
    [b"\x93wha", form.MAGIC, form.BLOCK_MAGIC, forged.block_head(1 << 20, 1), forged.head(b"{}", 1 << 20)],
    ids=["common", "head", "block", "long block", "long header"],
)
def test_damage(piece):
    """Whatever a part begins with comes again and again: each is looked at as if it were alone."""

    def read(count):
        content = iter([forged.recording() + piece * count])
        assert Damage in map(type, parts(lambda _: next(content, b"")))

    assert work(read, 2 * COUNT) < TWICE * work(read, COUNT)


def test_rejoin_forgets():
    """What is rejoined, or never will be, is kept no longer."""
    rejoin = Rejoin()
    [frames] = execs_without_end(COUNT)
    list(rejoin(frames))
    list(rejoin(exit_frame(pid=n, tid=n) for n in range(COUNT // 2)))
    list(rejoin.finish())

    assert ({}, {}) == (rejoin._pending, rejoin._cpus)


@pytest.mark.parametrize("many", [4_000, 16_000])
def test_command_lines(many):
    """However many an argument has, so many of them are searched as may be, and no more."""

    def redact(count):
        Redactor(b"0" * 16).argv(b"sh\0-c\0" + b"mysql a\n" * count + b"\0")

    assert work(redact, many) == work(redact, MOST_SECRETS)
