"""The ring buffer, in memory that is laid out as kernel/bpf/ringbuf.c has it."""

import mmap
import os
import struct

import pytest

from whatran.source.ring import Ring

PAGE = mmap.PAGESIZE
SIZE = PAGE
BUSY, DISCARDED = 1 << 31, 1 << 30


class Kernel:
    """The other side."""

    def __init__(self):
        """An empty ring, in a file in memory."""
        self.fd = os.memfd_create("ring")
        os.truncate(self.fd, 2 * PAGE + 2 * SIZE)
        self.produced = 0

    def write(self, record, flags=0):
        """A record; where its head is, in bytes since ever."""
        at = self.produced
        self._put(at, struct.pack("=II", len(record) | flags, 0) + record)
        self.produced += (8 + len(record) + 7) & ~7
        os.pwrite(self.fd, struct.pack("=Q", self.produced), PAGE)
        return at

    def commit(self, at, size, flags=0):
        """The record there is whole now."""
        self._put(at, struct.pack("=I", size | flags))

    def consumed(self):
        """How far the reader says it is."""
        return struct.unpack("=Q", os.pread(self.fd, 8, 0))[0]

    def _put(self, at, data):
        for index, byte in enumerate(data):
            for copy in (0, SIZE):
                os.pwrite(self.fd, bytes([byte]), 2 * PAGE + copy + (at + index) % SIZE)


@pytest.fixture
def kernel():
    """An empty ring."""
    kernel = Kernel()
    yield kernel
    os.close(kernel.fd)


@pytest.fixture
def ring(kernel):
    """Its reader."""
    ring = Ring(kernel.fd, SIZE)
    yield ring
    ring.close()


def test_records_come_once_and_in_order(kernel, ring):
    """Of any length, an empty one too; then there are none."""
    for record in (b"a" * 9, b"", b"b" * 16):
        kernel.write(record)

    assert [b"a" * 9, b"", b"b" * 16] == ring.read(10)
    assert ([], kernel.produced) == (ring.read(10), kernel.consumed())


def test_all_that_is_taken_is_counted(kernel, ring):
    """In bytes of the buffer, with heads, with what was discarded and over many laps."""
    for _ in range(SIZE // 100):
        kernel.write(b"x" * 150)
        kernel.write(b"no", DISCARDED)
        ring.read(10)

    assert kernel.produced > SIZE
    assert kernel.produced == ring.taken


def test_no_more_than_so_many(kernel, ring):
    """The others come with the next read."""
    for number in range(5):
        kernel.write(bytes([number]))

    assert [[b"\0", b"\1"], [b"\2", b"\3"], [b"\4"]] == [ring.read(2) for _ in range(3)]


def test_what_is_not_whole_yet_is_waited_for(kernel, ring):
    """And what comes after it too, so that the order stays."""
    kernel.write(b"first")
    busy = kernel.write(b"second", BUSY)
    kernel.write(b"third")

    assert ([b"first"], busy) == (ring.read(10), kernel.consumed())
    kernel.commit(busy, len(b"second"))
    assert [b"second", b"third"] == ring.read(10)


def test_what_is_discarded_is_passed_over(kernel, ring):
    """It is no record, and takes no place in the count."""
    kernel.write(b"no", DISCARDED)
    kernel.write(b"yes")

    assert [b"yes"] == ring.read(1)
    assert kernel.produced == kernel.consumed()


def test_records_that_wrap_around(kernel, ring):
    """Over many laps, none is torn."""
    told = []
    for number in range(3 * SIZE // 1000):
        record = bytes([number]) * (1000 + number)
        kernel.write(record)
        told.append(ring.read(10) == [record])

    assert kernel.produced > 2 * SIZE
    assert [True] * len(told) == told
