"""What a recording is, byte by byte; docs/recording.md says the same in words.

A file is one chapter or several, one after another. A chapter stands alone: a head, then blocks. A block is
compressed by itself and holds records: frames as their source wrote them, and others with the same head.
"""

from __future__ import annotations

import struct
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec

from whatran.filter import MOST_CONDITIONS
from whatran.wire import layout

VERSION = 1
"""Of the format, the layout of frames included. Who knows an older one only must refuse it."""

MAGIC = b"\x93whatran"
BLOCK_MAGIC = b"\x93whablok"
COMMON_MAGIC = b"\x93wha"

HEAD = struct.Struct("<8sIII")
"""magic, version, bytes of the header that follows, its CRC-32; then the CRC-32 of these. No version changes this."""

BLOCK = struct.Struct("<8s8sIIIIIQQ")
"""magic, recording, chapter, number in it from 0, bytes of its records, bytes compressed, CRC-32 of those, and when
it was begun and written in ns since boot; and then the CRC-32 of these."""

CRC = struct.Struct("<I")

BLOCK_BYTES = 128 << 10
"""How much is compressed at once: more is hardly smaller, and what is damaged or cut would take more with it."""

MOST_BYTES = 64 << 20
"""No block is larger: one record may be, arguments and environment of a process have 6 MiB at the most."""

# Kinds of records that are no frames. What is said of a group holds for the frames that follow, until another begins.
HEADER = 0x100  # the header once more, should the head be damaged
OLDER = 0x101  # a group: the processes that lived as the chapter began
BASE = 0x102  # where the numbers of each CPU and kind stood then
NAMES = 0x103  # of users, groups and containers, from here on
BATCH = 0x104  # a group: frames that were read at once; wall offset
MORE = 0x105  # the same group goes on in another block; wall offset
UNNUMBERED = 0x106  # how many of each kind the kernel has not even numbered so far
LIVING = 0x107  # a group: the processes that live, asked because something was lost
MEMORY = 0x108  # what the memory of one of them holds
SETTLE = 0x109  # what was on its way then has come
FINISH = 0x10A  # how many records each CPU made of each kind
END = 0x10B  # the end of the recording; what was counted
NEXT = 0x10C  # the end of the chapter, the next begins where this ends; what was counted

_PLAIN = layout.FRAME_STRUCT
_T = TypeVar("_T")

Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_SIZE_AND_KIND = struct.Struct("<16xI4xI")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all of a chapter."""

    whatran: str
    """Version of the program that wrote it."""
    recording: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    """16 hexadecimal digits that all chapters of one recording have, and no others."""
    chapter: Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)]
    """Number among these, from 1."""
    started: Number
    """When the chapter begins, in ns since the epoch (CLOCK_REALTIME)."""
    started_boot: Number
    """The same in ns since boot (CLOCK_BOOTTIME)."""
    boot_id: str
    """Which boot of the machine this was."""
    host: str
    """Name of the machine."""
    machine: str
    """Its architecture, as uname -m has it."""
    kernel: str
    """Release of its kernel, as uname -r has it."""
    page_bytes: Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)]
    """Size of a page of memory there: frames count in pages."""
    source: str
    """What told of it all: ebpf or ptrace."""
    command: list[str] | None
    """The command that was followed; null where none was started for it."""
    argv: list[str]
    """The command line of whatran."""
    filters: Annotated[list[str], msgspec.Meta(max_length=MOST_CONDITIONS)]
    """What was asked for, each FIELD=GLOB or FIELD!=GLOB: the rest is recorded in part only."""
    filtered: bool
    """Whether a process may be in it of which an exit is not."""
    failed: Literal["fold", "all", "none"]
    """What was asked for of execs that failed: fold, all or none."""
    env: bool
    """Whether environments were asked for."""
    max_argv: Number
    """How many bytes were to be kept of arguments."""
    max_env: Number
    """How many bytes were to be kept of an environment."""
    redacted: bool = False
    """Whether what looked like a secret was replaced."""


class Base(msgspec.Struct, frozen=True, array_like=True):
    """Where things stood as a chapter began."""

    last: list[tuple[int, int, int, int]]
    """CPU, kind, number and time of the last frame before it; in ns since boot."""
    unnumbered: dict[str, int]
    """As that of UNNUMBERED was last."""
    asked: int | None
    """When that was; None for never."""


class Container(msgspec.Struct, frozen=True, array_like=True):
    """What was known of one: by its id and the user whose own systemd runs it."""

    id: bytes
    owner_uid: int | None
    about: tuple[bytes | None, bytes | None, bytes | None, bytes | None, bytes | None] | None
    """Name, image, name and namespace of the pod, runtime; None where no runtime knew it."""


class Names(msgspec.Struct, frozen=True, array_like=True):
    """What numbers and ids stood for on the machine."""

    users: dict[int, bytes | None]
    groups: dict[int, bytes | None]
    containers: list[Container]


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """Arguments and environment of a process; None where they could not be read."""

    pid: int
    start_boot_ns: int
    argv: bytes | None
    env: bytes | None
    redacted: list[str] = []
    """In which of them secrets were replaced."""


def record(kind: int, time_boot_ns: int, body: bytes = b"", wall_offset: int = 0) -> bytes:
    """A record that is no frame. Its head is that of frames; the wall offset takes the place of the number."""
    size = _PLAIN.size + len(body)
    return _PLAIN.pack(wall_offset & 0xFFFF_FFFF_FFFF_FFFF, time_boot_ns, size, 0, kind, 0) + body


def packed(kind: int, time_boot_ns: int, body: object) -> bytes:
    """A record with this in it, as MessagePack."""
    return record(kind, time_boot_ns, msgspec.msgpack.encode(body))


def body_of(data: bytes) -> bytes:
    return data[_PLAIN.size :]


def unpacked(data: bytes, kind: type[_T]) -> _T | None:
    """What was packed into a record; None where it is something else."""
    try:
        return msgspec.msgpack.decode(body_of(data), type=kind)
    except NONE_SUCH:
        return None


NONE_SUCH = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what they should be."""


def time_of(data: bytes) -> int:
    time: int = _PLAIN.unpack_from(data)[1]
    return time


def wall_offset_of(data: bytes) -> int:
    return int.from_bytes(data[:8], "little", signed=True)


class Run(NamedTuple):
    """A record that is no frame, and the frames that follow it."""

    kind: int
    record: bytes
    frames: list[bytes]


def runs(data: bytes) -> list[Run]:
    """The records that lie end to end, the first being no frame; ValueError where something else does."""
    found: list[Run] = []
    frames: list[bytes] = []
    unpack, head, at, end = _SIZE_AND_KIND.unpack_from, _PLAIN.size, 0, len(data)
    while at < end:
        if end - at < head:
            raise ValueError
        size, kind = unpack(data, at)
        until = at + size
        if size < head or until > end:
            raise ValueError
        if kind < HEADER:
            frames.append(data[at:until])
        else:
            frames = []
            found.append(Run(kind, data[at:until], frames))
        at = until
    return found
