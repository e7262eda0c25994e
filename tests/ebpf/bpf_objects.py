"""Which BPF objects a process holds, and whether they are still in the kernel: by bpf(2), without libbpf."""

import contextlib
import ctypes
import errno
import os
import struct

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]

# enum bpf_cmd of linux/bpf.h: BPF_PROG_, BPF_MAP_ and BPF_LINK_GET_FD_BY_ID, by the names in /proc/PID/fdinfo
FD_BY_ID = {"prog_id": 13, "map_id": 14, "link_id": 30}

_libc = ctypes.CDLL(None, use_errno=True)


def held_by(pid):
    """The BPF objects behind the descriptors of a process: pairs of kind and id."""
    held = set()
    for number in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/fdinfo/{number}") as info:
            # A link names its program too, which is one more object.
            held |= {(key, int(value)) for key, value in map(_split, info) if key in FD_BY_ID}
    return held


def _split(line):
    key, _, value = line.partition(":")
    return key, value.strip()


def still_there(objects):
    """Those of the objects that the kernel still knows; ids are not used again soon."""
    return {(kind, number) for kind, number in objects if _exists(FD_BY_ID[kind], number)}


def _exists(command, number):
    attributes = ctypes.create_string_buffer(struct.pack("=IIII", number, 0, 0, 0))
    descriptor = _libc.syscall(SYS_BPF, command, attributes, 16)
    if descriptor >= 0:
        os.close(descriptor)
        return True
    if ctypes.get_errno() != errno.ENOENT:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return False


def wait_until_gone(objects):
    """Returns once the kernel knows none of them: programs are freed a grace period after their last user."""
    while still_there(objects):
        os.sched_yield()
