"""Records of a recording whose checksums are all right, as only a forger's are."""

from __future__ import annotations

import zlib

from fuzz import recording
from tests.recording import forged

COMPRESSED, IN_A_HEADER = b"\0", b"\1"
"""Begins what is taken for a block's data as it was compressed, and what is taken for the text of a header."""


def check(data: bytes) -> None:
    """As for any other file."""
    rest = data[1:]
    if data.startswith(COMPRESSED):
        block = forged.block_head(len(rest), zlib.crc32(rest), 1, 1 << 16) + rest
        recording.check(forged.recording() + block)
    elif data.startswith(IN_A_HEADER):
        recording.check(forged.head(rest) + forged.block())
    else:
        recording.check(forged.recording(data, env=True))
