"""Blocks back from a file, whatever has happened to it: what is damaged is told, and what comes after is found."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from whatran.errors import RecordingError
from whatran.recording.format import (
    BLOCK,
    BLOCK_MAGIC,
    COMMON_MAGIC,
    CRC,
    HEAD,
    HEADER,
    MAGIC,
    MOST_BYTES,
    VERSION,
    Header,
    Run,
    body_of,
    runs,
)
from whatran.recording.zstd import ZstdDecompressor, ZstdError

READ_BYTES = 1 << 20

MOST_SEARCHED = 64 << 20
"""A file in which nothing is found until here is none of ours."""

ChapterId = tuple[str, int]
"""Which recording, and which chapter of it."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The head of a chapter."""

    offset: int
    header: Header


@dataclass(frozen=True, slots=True)
class Block:
    """A whole block."""

    offset: int
    chapter: ChapterId
    number: int
    begun: int
    written: int
    runs: list[Run]

    @property
    def header(self) -> Header | None:
        """That of its chapter, if this is the first block of it."""
        if self.runs and self.runs[0].kind == HEADER:
            return _header(body_of(self.runs[0].record))
        return None


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are not what was written, or that are missing."""

    offset: int
    size: int
    text: str
    """What is wrong with them."""


Part = Begin | Block | Damage


class _Window:
    """What was read and is not done with."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.data = bytearray()
        self.offset = 0
        """Where in the file it begins."""

    def has(self, size: int) -> bool:
        """Whether there are so many bytes, be it by reading more."""
        while len(self.data) < size:
            more = self._read(max(READ_BYTES, size - len(self.data)))
            if not more:
                return False
            self.data += more
        return True

    def drop(self, size: int) -> None:
        del self.data[:size]
        self.offset += size

    def to_next(self) -> bool:
        """Drops what comes before the next place where a part may begin, and at least one byte; False at the end."""
        skip = 1
        while True:
            at = self.data.find(COMMON_MAGIC, skip)
            if at >= 0:
                self.drop(at)
                return True
            keep = len(COMMON_MAGIC) - 1
            self.drop(max(skip, len(self.data) - keep))
            skip = 0
            if not self.has(len(self.data) + 1):
                self.drop(len(self.data))
                return False


def parts(read: Callable[[int], bytes]) -> Iterator[Part]:
    """All that is in a file, in its order: nothing that was not written, and each byte that is not told of as damage.

    Raises RecordingError where it is no recording, or one of a newer version.
    """
    window = _Window(read)
    damaged: tuple[int, str] | None = None
    found = False
    while window.has(1):
        taken = _part(window)
        if isinstance(taken, str):
            damaged = damaged or (window.offset, taken)
            if not found and window.offset > MOST_SEARCHED:
                raise RecordingError("is no recording of whatran")
            window.to_next()
            continue
        if damaged:
            yield Damage(damaged[0], window.offset - damaged[0], damaged[1])
            damaged = None
        found = True
        part, size = taken
        yield part
        window.drop(size)
    if not found:
        raise RecordingError(
            "is empty" if not window.offset else "is no recording of whatran, or its beginning is missing"
        )
    if damaged:
        yield Damage(damaged[0], window.offset - damaged[0], damaged[1])


def _part(window: _Window) -> tuple[Part, int] | str:
    """What begins where the window does, and how many bytes it has; or what is wrong with it."""
    if not window.has(len(MAGIC)):
        return "cut"
    magic = window.data[: len(MAGIC)]
    if magic == BLOCK_MAGIC:
        return _block(window)
    if magic == MAGIC:
        return _begin(window)
    return "nothing begins there"


def _begin(window: _Window) -> tuple[Part, int] | str:
    at = HEAD.size + CRC.size
    if not window.has(at):
        return "cut in a head"
    _, version, size, crc = HEAD.unpack_from(window.data)
    if CRC.unpack_from(window.data, HEAD.size)[0] != zlib.crc32(window.data[: HEAD.size]):
        return "a damaged head"
    if version > VERSION:
        by = _writer(bytes(window.data[at : at + size])) if window.has(at + size) else "a newer version"
        raise RecordingError(
            f"is of format {version}, written by {by}: this whatran reads {VERSION} and older; update it"
        )
    if not window.has(at + size):
        return "cut in a header"
    text = bytes(window.data[at : at + size])
    header = _header(text) if zlib.crc32(text) == crc else None
    return "a damaged header" if header is None else (Begin(window.offset, header), at + size)


def _header(text: bytes) -> Header | None:
    try:
        return msgspec.json.decode(text, type=Header)
    except msgspec.MsgspecError:
        return None


class _Writer(msgspec.Struct):
    whatran: str


def _writer(text: bytes) -> str:
    try:
        return f"whatran {msgspec.json.decode(text, type=_Writer).whatran}"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "a newer version"


def _block(window: _Window) -> tuple[Part, int] | str:
    at = BLOCK.size + CRC.size
    if not window.has(at):
        return "cut in the head of a block"
    _, recording, chapter, number, raw, size, crc, begun, written = BLOCK.unpack_from(window.data)
    if CRC.unpack_from(window.data, BLOCK.size)[0] != zlib.crc32(window.data[: BLOCK.size]):
        return "a damaged head of a block"
    if raw > MOST_BYTES or size > MOST_BYTES or not window.has(at + size):
        return "cut in a block"
    data = bytes(window.data[at : at + size])
    found = _runs(data, raw) if zlib.crc32(data) == crc else None
    if found is None:
        return "a damaged block"
    return Block(window.offset, (recording.hex(), chapter), number, begun, written, found), at + size


def _runs(data: bytes, size: int) -> list[Run] | None:
    """What is in a block; None where it has anything else in it, or another size."""
    decompressor = ZstdDecompressor()
    try:
        found = runs(decompressor.decompress(data, size))
    except (ZstdError, ValueError):
        return None
    return found if decompressor.eof else None
