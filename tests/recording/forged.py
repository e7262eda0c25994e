"""Recordings that no whatran has written, put together so that every checksum is right."""

import json
import zlib

from whatran.recording import format as form
from whatran.recording.zstd import ZstdCompressor

HEADER = {
    "whatran": "1",
    "recording": "00" * 8,
    "chapter": 1,
    "started": 2_000,
    "started_boot": 1_000,
    "boot_id": "b",
    "host": "h",
    "machine": "m",
    "kernel": "k",
    "page_bytes": 4096,
    "source": "ebpf",
    "command": None,
    "argv": ["whatran"],
    "filters": [],
    "filtered": False,
    "failed": "fold",
    "env": True,
    "max_argv": 1 << 20,
    "max_env": 1 << 20,
}


def head(text, size=None):
    """Of a chapter, right but for what the header says."""
    fixed = form.HEAD.pack(form.MAGIC, form.VERSION, len(text) if size is None else size, zlib.crc32(text))
    return fixed + form.CRC.pack(zlib.crc32(fixed)) + text


def block_head(size, crc, number=0, raw_size=1 << 20):
    """Of a block, right but for what comes after it."""
    fixed = form.BLOCK.pack(form.BLOCK_MAGIC, bytes(8), 1, number, raw_size, size, crc, 1_000, 2_000)
    return fixed + form.CRC.pack(zlib.crc32(fixed))


def block(*records, number=0):
    """A block, right but for what its records say."""
    data = b"".join(records)
    packed = ZstdCompressor().compress(data, ZstdCompressor.FLUSH_FRAME)
    return block_head(len(packed), zlib.crc32(packed), number, len(data)) + packed


def recording(*records, **header):
    """A chapter with these records."""
    text = json.dumps(HEADER | header).encode()
    return head(text) + block(form.record(form.HEADER, 1_000, text), *records)
