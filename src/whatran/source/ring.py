"""A BPF ring buffer, read where the kernel maps it: kernel/bpf/ringbuf.c.

libbpf would call us for each record, which costs more than all else that is done with one.
"""

from __future__ import annotations

import mmap
from threading import Lock

_BUSY, _DISCARDED = 1 << 31, 1 << 30
"""Of the length in a record's head: not whole yet; to be passed over."""

_HEAD_BYTES = 8


class Ring:
    """Takes records out of a ring buffer of ``size`` bytes."""

    def __init__(self, fd: int, size: int) -> None:
        page = mmap.PAGESIZE
        self._own = mmap.mmap(fd, page)
        # The data is there twice, end to end, so that no record is torn.
        self._kernels = mmap.mmap(fd, page + 2 * size, prot=mmap.PROT_READ, offset=page)
        view = memoryview(self._kernels)
        self._consumed = memoryview(self._own).cast("Q")
        self._produced = view[:page].cast("Q")
        self._heads = view[page : page + size].cast("I")
        self._size = size
        self._lock = Lock()
        self._lock.acquire()

    def read(self, most: int) -> list[bytes]:
        """The records that wait, so many at the most.

        If they are fewer, the kernel will make the ring readable for the next.
        """
        records: list[bytes] = []
        while taken := self._take(most - len(records)):
            records += taken
        return records

    def _take(self, most: int) -> list[bytes]:
        """Those that are whole, up to the first that is not; says that they are taken."""
        heads, mask, data = self._heads, self._size - 1, self._kernels
        at, end = self._consumed[0], self._produced[0]
        self._barrier()
        spans: list[slice] = []
        while at < end and len(spans) < most:
            offset = at & mask
            head = heads[offset >> 2]
            if head & _BUSY:
                break
            size = head & ~_DISCARDED
            if not head & _DISCARDED:
                start = mmap.PAGESIZE + offset + _HEAD_BYTES
                spans.append(slice(start, start + size))
            at += (size + _HEAD_BYTES + 7) & ~7
        self._barrier()
        records = list(map(data.__getitem__, spans))
        self._barrier()
        self._consumed[0] = at
        self._barrier()
        return records

    @property
    def taken(self) -> int:
        """How many bytes were taken so far, with the records' heads."""
        return self._consumed[0]

    def _barrier(self) -> None:
        """Nothing from before is read or written after it, nor the other way round, in this CPU's order.

        A lock that is given up lets nothing move behind that, one that is taken nothing before it.
        """
        self._lock.release()
        self._lock.acquire()

    def close(self) -> None:
        """Unmaps it."""
        for view in (self._consumed, self._produced, self._heads):
            view.release()
        self._own.close()
        self._kernels.close()
