"""Frames, as a source hands them out: decoded, and through the pipeline to each format."""

from __future__ import annotations

import functools
import json
import os
from contextlib import suppress

from whatran.errors import DecodeError
from whatran.event import Boot, Event, Gap
from whatran.filter import parse
from whatran.pipeline import Pipeline, stages
from whatran.process.facts import Facts
from whatran.recording.seen import Recalled
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output
from whatran.wire import layout
from whatran.wire.decode import decode

BOOT = Boot("b", 1_700_000_000_000_000_000)

_SIZE_AT = layout.offset_in_exec("bytes")


def check(data: bytes) -> None:
    """Each is an Event or a DecodeError; all of them together are events and gaps, and every format can show them."""
    frames = split(data)
    for frame in frames:
        with suppress(DecodeError):
            assert isinstance(decode(frame, BOOT), Event)
    names = Recalled()  # of no machine
    pipeline = Pipeline(stages(Facts(names, names), frozenset({"A"}), [parse("comm!=x*"), parse("argv!=*-z")]))
    show([*pipeline(frames, BOOT), *pipeline([], BOOT), *pipeline.finish({(1, "sched_process_exec"): 9}, 9, BOOT)])
    living = Pipeline([])
    living.older(frames, BOOT)
    living.learn(frames, BOOT)
    show(living.settle())


def split(data: bytes) -> list[bytes]:
    """The frames that lie end to end, by the sizes that they say; the last has the rest."""
    frames, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + _SIZE_AT : at + _SIZE_AT + 4], "little")
        until = at + max(size, layout.FRAME_STRUCT.size)
        frames.append(data[at:until])
        at = until
    return frames


def show(events: list[Event]) -> None:
    """What is for programs is JSON in valid UTF-8, an event a line; what is for people has no control in it."""
    assert all(event.count > 0 for event in events if isinstance(event, Gap))
    for name in FORMATS:
        text = _written(name, events).decode()
        if name in ("table", "tree"):
            assert all(char.isprintable() or char == "\n" for char in text)
            continue
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
        assert name == "lives" or len(rows) == len(events)


@functools.cache
def _memory() -> int:
    return os.memfd_create("written")


def _written(name: str, events: list[Event]) -> bytes:
    fd = _memory()
    os.ftruncate(fd, 0)
    with Output.open(f"/proc/self/fd/{fd}") as output:
        sink = FORMATS[name](output, Show())
        sink.write(events)
        sink.close()
    return os.pread(fd, os.fstat(fd).st_size, 0)
