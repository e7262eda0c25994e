"""Every record of a recording, as it lies there."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from whatran.recording import format as form
from whatran.wire import layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whatran.sinks.output import Output

BYTES_A_WRITE = 1 << 18

KINDS = {
    layout.EXEC: "exec",
    layout.FORK: "fork",
    layout.EXIT: "exit",
    layout.TEXT: "text",
    layout.FAILED: "failed",
    form.HEADER: "header",
    form.OLDER: "older",
    form.BASE: "base",
    form.NAMES: "names",
    form.BATCH: "batch",
    form.MORE: "more",
    form.UNNUMBERED: "unnumbered",
    form.LIVING: "living",
    form.MEMORY: "memory",
    form.SETTLE: "settle",
    form.FINISH: "finish",
    form.END: "end",
    form.NEXT: "next",
}


class _Line(msgspec.Struct, omit_defaults=True):
    kind: str
    time_boot_ns: int
    bytes: int
    data: str
    """What comes after the head, in hexadecimal digits."""
    sequence: int = 0
    cpu: int = 0
    unread: int = 0
    wall_offset: int = 0


def write_raw(records: Iterable[bytes], output: Output, most: int | None) -> None:
    """One JSON object a record: its head, and the rest in hexadecimal digits."""
    encoder = msgspec.json.Encoder()
    lines = bytearray()
    for data in islice(records, most):
        encoder.encode_into(_line(data), lines, -1)
        lines += b"\n"
        if len(lines) >= BYTES_A_WRITE:
            output.write(bytes(lines))
            lines.clear()
    output.write(bytes(lines))


def _line(data: bytes) -> _Line:
    sequence, time_boot_ns, size, cpu, kind, unread = layout.FRAME_STRUCT.unpack_from(data)
    body = data[layout.FRAME_STRUCT.size :].hex()
    name = KINDS.get(kind, str(kind))
    if kind < form.HEADER:
        return _Line(name, time_boot_ns, size, body, sequence=sequence, cpu=cpu, unread=unread)
    return _Line(name, time_boot_ns, size, body, wall_offset=form.wall_offset_of(data))
