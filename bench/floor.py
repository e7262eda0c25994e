"""The physical floor, as a monitor: `python -m bench.floor OBJECT UID` counts that user's execs until SIGINT.

The count is made in the kernel, and printed at the end: less a monitor by eBPF cannot do.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from whatran.source.libbpf import explain, library


def main(path: str, uid: int) -> None:
    """Count until SIGINT."""
    libbpf = library()
    wanted, execs = ctypes.c_uint32(uid), ctypes.c_uint64()
    program = libbpf.bpf_object__open_file(os.fsencode(path), None)
    rodata = libbpf.bpf_object__find_map_by_name(program, b".rodata")
    _check(libbpf.bpf_map__set_initial_value(rodata, bytes(wanted), ctypes.sizeof(wanted)))
    _check(libbpf.bpf_object__load(program))
    if not libbpf.bpf_program__attach(libbpf.bpf_object__find_program_by_name(program, b"count_exec")):
        _check(-ctypes.get_errno())
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.sigwait({signal.SIGINT})
    counts = libbpf.bpf_map__fd(libbpf.bpf_object__find_map_by_name(program, b".bss"))
    _check(libbpf.bpf_map_lookup_elem(counts, ctypes.byref(ctypes.c_uint32()), ctypes.byref(execs)))
    print(execs.value)


def _check(result: int) -> None:
    if result:
        sys.exit(f"cannot count execs: {explain(result)[1]}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
