"""How many system calls this process makes, as a kernel program counts them."""

import contextlib
import ctypes
import os

from bench.programs import build_bpf
from whatran.source.libbpf import library

from .programs import SOURCES


class Calls:
    """Counts from its making on."""

    def __init__(self, counts):
        self._counts = counts
        self._read = 0

    def so_far(self):
        """System calls but those that ask for this."""
        key, calls = ctypes.c_uint32(), ctypes.c_uint64()
        assert 0 == library().bpf_map_lookup_elem(self._counts, ctypes.byref(key), ctypes.byref(calls))
        self._read += 1
        return calls.value - self._read


@contextlib.contextmanager
def counting(folder):
    """The Calls of this process, within."""
    libbpf, pid = library(), ctypes.c_uint32(os.getpid())
    program = libbpf.bpf_object__open_file(os.fsencode(build_bpf(SOURCES / "syscalls.bpf.c", folder)), None)
    try:
        rodata = libbpf.bpf_object__find_map_by_name(program, b".rodata")
        assert 0 == libbpf.bpf_map__set_initial_value(rodata, bytes(pid), ctypes.sizeof(pid))
        assert 0 == libbpf.bpf_object__load(program)
        link = libbpf.bpf_program__attach(libbpf.bpf_object__find_program_by_name(program, b"count_call"))
        assert link
        try:
            yield Calls(libbpf.bpf_map__fd(libbpf.bpf_object__find_map_by_name(program, b".bss")))
        finally:
            libbpf.bpf_link__destroy(link)
    finally:
        libbpf.bpf_object__close(program)
