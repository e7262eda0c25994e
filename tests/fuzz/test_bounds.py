"""What memory and time are bounded by, where bytes could claim anything."""

import gc
import json
import sys
import tracemalloc
import zlib

import pytest

from tests.events import BOOT
from tests.recording import forged
from tests.recording.made import planned
from tests.wire.frames import exec_frame
from whatran.errors import DecodeError, UsageError
from whatran.filter import MOST_CHARS, MOST_CONDITIONS, MOST_OPEN, parse
from whatran.recording.read import parts
from whatran.recording.zstd import ZstdCompressor
from whatran.source import procexec
from whatran.source.proctask import Stat
from whatran.wire import decode, files, layout, task


def test_paths_that_are_remembered_are_bounded():
    """Longer ones than there are, of which few would take all memory, are no event."""
    most = layout.MOST_PATHS_BYTES - len(b"/p\0/p\0p\0")
    longest = {"cwd": b"x" * (most - 1) + b"\0"}
    beyond = {"cwd": b"x" * most + b"\0"}

    assert "/" + "x" * (most - 1) == decode.decode(exec_frame(texts=longest), BOOT).cwd
    with pytest.raises(DecodeError, match="paths longer than there are"):
        decode.decode(exec_frame(texts=beyond), BOOT)


def test_memory_of_what_was_seen_is_bounded():
    """Paths and ids that are always others are forgotten: after twice as many no more is held."""
    caches = [each for room in (files, task) for each in vars(room).values() if hasattr(each, "cache_parameters")]
    fill = max(cache.cache_parameters()["maxsize"] for cache in caches)

    def others(begin):
        for n in range(begin, begin + fill):
            path = b"%d\0" % n
            texts = dict.fromkeys(("cmdpath", "interp", "pathname", "cwd", "cgroup", "stdin_path"), path)
            file = dict(zip([name for name, _ in layout.FILE_ID], [n] * 8, strict=True))
            decode.decode(exec_frame(texts=texts, stdin=file, uid=n, tty_dev=n, comm=b"%d" % n), BOOT)
        gc.collect()
        return sys.getallocatedblocks()

    before, after = others(0), others(fill)

    assert after - before < fill // 4


def test_block_that_is_more_than_it_says():
    """It is taken apart no further than to the size it claims."""
    data = ZstdCompressor().compress(bytes(32 << 20), ZstdCompressor.FLUSH_FRAME)
    bomb = forged.block_head(len(data), zlib.crc32(data), 1, 1 << 10) + data
    content = iter([forged.recording() + bomb])
    tracemalloc.start()
    try:
        found = list(parts(lambda _: next(content, b"")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "a damaged block" == found[-1].what
    assert peak < 4 << 20


def test_stack_that_is_larger_than_any():
    """No more is read of a process's memory than the kernel puts there, whatever /proc says of it."""
    asked = []
    words = [b"0"] * 50
    for number, value in ((28, 1 << 20), (48, 1 << 20), (49, 1 << 20), (50, 1 << 20), (51, 1 << 50)):
        words[number - 3] = b"%d" % value

    def memory(_, start, end):
        asked.append(end - start)
        return b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(procexec, "_memory", memory)
        patch.setattr(procexec, "_whole", lambda _: b"")
        stack = procexec.initial_stack(1, Stat(b"", words))

    assert (procexec.Stack(None, None), []) == (stack, asked)


@pytest.mark.parametrize("glob", ["*a" * MOST_CHARS, "[" * (MOST_OPEN + 1), "[]" + "[" * MOST_CHARS])
def test_globs_are_bounded(glob):
    """What would take very long to be made a pattern, or to be held against a long text, is refused."""
    with pytest.raises(UsageError, match="at most"):
        parse(f"argv={glob}")


def test_filters_of_a_recording_are_bounded():
    """Each event is held against each of them: a header with more of them is none, and no recording is made so."""
    filters = ["comm!=x"] * (MOST_CONDITIONS + 1)
    text = json.dumps(forged.HEADER | {"filters": filters}).encode()
    content = iter([forged.head(text) + forged.recording()])

    assert "a damaged header" == next(parts(lambda _: next(content, b""))).what
    with pytest.raises(UsageError, match="1001 filters are too many"):
        planned(filters=filters)
