"""Records to blocks."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from whatran.recording.format import (
    BLOCK,
    BLOCK_BYTES,
    BLOCK_MAGIC,
    CRC,
    HEAD,
    HEADER,
    MAGIC,
    VERSION,
    Header,
    record,
)
from whatran.recording.zstd import ZstdCompressor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEVEL = 3


class Chapter:
    """Takes records, and hands on the head and then each block once it is full, or flushed."""

    def __init__(self, header: Header, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._id = bytes.fromhex(header.recording), header.chapter
        self._number = 0
        self._compressor = ZstdCompressor(level=LEVEL)
        self._records: list[bytes] = []
        self._bytes = 0
        self.begun: int | None = None
        """When the first of the records that wait came, in ns since boot; None where none waits."""
        text = msgspec.json.encode(header)
        head = HEAD.pack(MAGIC, VERSION, len(text), zlib.crc32(text))
        write(head + CRC.pack(zlib.crc32(head)) + text)
        self.add((record(HEADER, header.started_boot, text),), header.started_boot)

    def add(self, records: Sequence[bytes], now_boot_ns: int) -> None:
        """One record or several."""
        if self.begun is None:
            self.begun = now_boot_ns
        self._records += records
        self._bytes += sum(map(len, records))
        if self._bytes >= BLOCK_BYTES:
            self.flush(now_boot_ns)

    def flush(self, now_boot_ns: int) -> None:
        """Writes what waits as a block."""
        if self.begun is None:
            return
        raw = b"".join(self._records)
        data = self._compressor.compress(raw, ZstdCompressor.FLUSH_FRAME)
        head = BLOCK.pack(
            BLOCK_MAGIC, *self._id, self._number, len(raw), len(data), zlib.crc32(data), self.begun, now_boot_ns
        )
        self._records, self._bytes, self.begun = [], 0, None
        self._number += 1
        self._write(head + CRC.pack(zlib.crc32(head)) + data)
