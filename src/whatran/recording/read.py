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
    NONE_SUCH,
    VERSION,
    Header,
    Run,
    body_of,
    runs,
)

READ_BYTES = 1 << 20

MOST_SEARCHED = 64 << 20
"""A file in which nothing is found until here is none of ours."""

MOST_IN_VAIN = 8
"""Bytes that may be looked at in vain for each one of a file: damage takes some, a forger could want any number."""

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
    what: str
    """What is wrong with them."""

    @property
    def text(self) -> str:
        """A sentence for whoever wants to know what is missing."""
        last = self.offset + self.size - 1
        return f"bytes {self.offset} to {last} ({self.size}) cannot be read: {self.what}"


Part = Begin | Block | Damage


class _Window:
    """What was read and is not done with."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.data = bytearray()
        self.offset = 0
        """Where in the file it begins."""
        self._patience = MOST_BYTES

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
        self._patience += MOST_IN_VAIN * size

    def after(self, at: int, size: int, crc: int) -> bytes | None:
        """So many bytes from there on; None where that are others, or too many were looked at in vain."""
        if size > self._patience:
            return None
        data = bytes(self.data[at : at + size])
        if zlib.crc32(data) == crc:
            return data
        self._patience -= size
        return None

    def seek(self) -> None:
        """Drops what comes before the next place where a part may begin, as far as it was read; at least one byte."""
        at = self.data.find(COMMON_MAGIC, 1)
        self.drop(at if at >= 0 else max(1, len(self.data) - len(COMMON_MAGIC) + 1))


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
            window.seek()
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
    return "no block begins there"


def _begin(window: _Window) -> tuple[Part, int] | str:
    at = HEAD.size + CRC.size
    if not window.has(at):
        return "cut in a head"
    _, version, size, crc = HEAD.unpack_from(window.data)
    if CRC.unpack_from(window.data, HEAD.size)[0] != zlib.crc32(window.data[: HEAD.size]):
        return "a damaged head"
    if version > VERSION:
        by = "a newer version"
        if size <= MOST_BYTES and window.has(at + size):
            by = _writer(bytes(window.data[at : at + size]))
        raise RecordingError(
            f"is of format {version}, written by {by}: this whatran reads {VERSION} and older; update it"
        )
    if size > MOST_BYTES or not window.has(at + size):
        return "cut in a header"
    text = window.after(at, size, crc)
    header = _header(text) if text is not None else None
    return "a damaged header" if header is None else (Begin(window.offset, header), at + size)


def _header(text: bytes) -> Header | None:
    try:
        return msgspec.json.decode(text, type=Header)
    except NONE_SUCH:
        return None


class _Writer(msgspec.Struct):
    whatran: str


def _writer(text: bytes) -> str:
    try:
        return f"whatran {msgspec.json.decode(text, type=_Writer).whatran}"
    except NONE_SUCH:
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
    data = window.after(at, size, crc)
    found = _runs(data, raw) if data is not None else None
    if found is None:
        return "a damaged block"
    return Block(window.offset, (recording.hex(), chapter), number, begun, written, found), at + size


def _runs(data: bytes, size: int) -> list[Run] | None:
    """What is in a block; None where it has anything else in it, or another size."""
    from whatran.recording.zstd import ZstdDecompressor, ZstdError  # noqa: PLC0415 (not for --help)

    decompressor = ZstdDecompressor()
    try:
        found = runs(decompressor.decompress(data, size))
    except (ZstdError, ValueError):
        return None
    return found if decompressor.eof else None
