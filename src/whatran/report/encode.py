"""What was collected, as the bytes that a page carries; pure.

A blob is the length of its head (4 bytes, little-endian), the head as JSON, and the columns, each at a multiple of 8.
The page is given it compressed by gzip, which every browser can undo.
"""

from __future__ import annotations

import errno
import gzip
import json
import signal
import struct
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from whatran.report.columns import pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.report.collect import Collected
    from whatran.report.columns import Texts

_ALIGNMENT = 8


def encode(collected: Collected) -> bytes:
    """The compressed blob; the same for the same events."""
    texts = collected.texts
    blob = _Blob(texts)
    tables = {
        name: {column: {"kind": rows.kinds[column]} | blob.add(numbers) for column, numbers in rows.columns.items()}
        for name, rows in collected.tables.items()
    }
    lists = list(texts.lists)
    head = {
        "since": str(collected.since),
        "until": str(collected.until),
        "tables": tables,
        "errno": errno.errorcode,
        "signal": {each.value: each.name for each in signal.Signals},
        "lists": {"ends": blob.add(list(accumulate(map(len, lists)))), "texts": blob.add([*chain(*lists)])},
        "strings": texts.strings,  # the last, as columns may have added some
    }
    front = json.dumps(head, separators=(",", ":")).encode()
    front = struct.pack("<I", len(front)) + front
    return gzip.compress(b"".join([front, bytes(-len(front) % _ALIGNMENT), *blob.parts]), compresslevel=6, mtime=0)


class _Blob:
    """Columns one after another; those that are alike but for their base are one."""

    def __init__(self, texts: Texts) -> None:
        self.parts: list[bytes] = []
        self._texts = texts
        self._places: dict[bytes, int] = {}
        self._size = 0

    def add(self, numbers: Sequence[int]) -> dict[str, Any]:
        """Where and how the page finds these numbers."""
        description, data = pack(numbers, self._texts)
        if data not in self._places:
            self._places[data] = self._size
            self.parts += (data, bytes(-len(data) % _ALIGNMENT))
            self._size += len(data) + -len(data) % _ALIGNMENT
        return description | {"at": self._places[data], "count": len(numbers)}
