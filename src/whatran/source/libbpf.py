"""The border to libbpf.so.1: its functions with their types, its log, its errors.

Nothing here knows what whatran is, and nothing outside ``source`` imports it.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import struct
from collections import deque
from ctypes import POINTER, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

from whatran.errors import SourceError

log = logging.getLogger("whatran.libbpf")

SONAME = "libbpf.so.1"

# enum bpf_prog_type, bpf_attach_type, bpf_map_type, bpf_func_id of linux/bpf.h
PROG_TYPE_RAW_TRACEPOINT, PROG_TYPE_TRACING = 17, 26
TRACE_FEXIT = 25
MAP_TYPE_RINGBUF = 27
FUNC_PROBE_READ_KERNEL = 113
FUNC_GET_CURRENT_TASK_BTF = 158
FUNC_LOOP = 181

ENOTSUPP = 524  # the kernel's own, unknown to strerror(3)

_PrintCallback = ctypes.CFUNCTYPE(c_int, c_int, c_char_p, c_void_p)

# Result and arguments of every function used: a pointer without its type would be cut to 32 bits.
_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "libbpf_find_vmlinux_btf_id": (c_int, c_char_p, c_int),
    "libbpf_num_possible_cpus": (c_int,),
    "libbpf_probe_bpf_helper": (c_int, c_int, c_int, c_void_p),
    "libbpf_probe_bpf_map_type": (c_int, c_int, c_void_p),
    "libbpf_probe_bpf_prog_type": (c_int, c_int, c_void_p),
    "libbpf_set_print": (c_void_p, _PrintCallback),
    "libbpf_version_string": (c_char_p,),
    "bpf_enable_stats": (c_int, c_int),
    "bpf_iter_create": (c_int, c_int),
    "bpf_link__destroy": (c_int, c_void_p),
    "bpf_link__fd": (c_int, c_void_p),
    "bpf_map__fd": (c_int, c_void_p),
    "bpf_map__set_initial_value": (c_int, c_void_p, c_char_p, c_size_t),
    "bpf_map__set_max_entries": (c_int, c_void_p, c_uint32),
    "bpf_map_lookup_elem": (c_int, c_int, c_void_p, c_void_p),
    "bpf_map_update_elem": (c_int, c_int, c_void_p, c_void_p, c_uint64),
    "bpf_obj_get_info_by_fd": (c_int, c_int, c_void_p, POINTER(c_uint32)),
    "bpf_object__close": (None, c_void_p),
    "bpf_object__find_map_by_name": (c_void_p, c_void_p, c_char_p),
    "bpf_object__find_program_by_name": (c_void_p, c_void_p, c_char_p),
    "bpf_object__load": (c_int, c_void_p),
    "bpf_object__open_file": (c_void_p, c_char_p, c_void_p),
    "bpf_prog_load": (c_int, c_int, c_char_p, c_char_p, c_char_p, c_size_t, c_void_p),
    "bpf_raw_tracepoint_open": (c_int, c_char_p, c_int),
    "bpf_program__attach": (c_void_p, c_void_p),
    "bpf_program__attach_iter": (c_void_p, c_void_p, c_void_p),
    "bpf_program__fd": (c_int, c_void_p),
    "bpf_program__set_attach_target": (c_int, c_void_p, c_int, c_char_p),
    "bpf_program__set_autoload": (c_int, c_void_p, c_bool),
}


class ProgLoadOpts(ctypes.Structure):
    """The beginning of struct bpf_prog_load_opts, for a program of a function of the kernel."""

    _fields_ = (
        ("sz", c_size_t),
        ("attempts", c_int),
        ("expected_attach_type", c_int),
        ("prog_btf_fd", c_uint32),
        ("prog_flags", c_uint32),
        ("prog_ifindex", c_uint32),
        ("kern_version", c_uint32),
        ("attach_btf_id", c_uint32),
        ("attach_prog_fd", c_uint32),
    )

    def __init__(self, expected_attach_type: int, attach_btf_id: int) -> None:
        super().__init__(sz=ctypes.sizeof(self), expected_attach_type=expected_attach_type, attach_btf_id=attach_btf_id)


class Library:
    """libbpf, each function an attribute with its prototype set.

    It is loaded as PyDLL: calls keep the GIL, so the sample callback need not take it
    anew for every record.
    """

    def __init__(self, path: str) -> None:
        self.warnings: deque[str] = deque(maxlen=100)
        """The last things libbpf warned of, for the error that follows them."""
        try:
            handle = ctypes.PyDLL(path, use_errno=True)
        except OSError as error:
            raise SourceError(
                f"cannot load {path} ({error}): install libbpf 1.0 or newer, "
                "libbpf1 on Debian and Ubuntu, libbpf on Fedora"
            ) from error
        for name, (result, *arguments) in _PROTOTYPES.items():
            function = getattr(handle, name, None)
            if function is None:
                raise SourceError(f"{path} has no {name}: it is no libbpf, or older than 1.0; install a newer one")
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)
        self._vsnprintf = ctypes.PyDLL(None).vsnprintf
        self._vsnprintf.argtypes = (c_void_p, c_size_t, c_char_p, c_void_p)
        # libbpf calls this as long as it is loaded, so it must live as long.
        self._on_print = _PrintCallback(self._print)
        self.libbpf_set_print(self._on_print)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"whatran.source.libbpf has no prototype of {name}")

    def _print(self, level: int, template: bytes, arguments: int) -> int:
        severity = (logging.WARNING, logging.INFO, logging.DEBUG)[level]
        if severity < logging.WARNING and not log.isEnabledFor(severity):
            return 0
        # A verifier's log is one message of up to 16 MiB; what matters is near its end and shorter.
        try:
            buffer = ctypes.create_string_buffer(1 << 20 if severity >= logging.WARNING else 1 << 12)
        except MemoryError:  # nobody would catch it here; what libbpf cannot do for the same reason it returns
            return 0
        self._vsnprintf(buffer, len(buffer), template, arguments)
        text = buffer.value.decode(errors="replace").strip()
        # Warnings are part of the error that follows; on their own they are for --verbose.
        if severity >= logging.WARNING:
            self.warnings.append(text)
        log.log(min(severity, logging.INFO), "%s", text)
        return 0


@cache
def library() -> Library:
    """libbpf.so.1, or what WHATRAN_LIBBPF names; loaded once."""
    return Library(os.environ.get("WHATRAN_LIBBPF") or SONAME)


def explain(result: int | None) -> tuple[int, str]:
    """(errno, its text) behind a negative result, or behind a NULL by errno."""
    number = -result if result else ctypes.get_errno()
    return number, "not supported by this kernel" if number == ENOTSUPP else os.strerror(number or errno.EINVAL)


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    """The end of struct bpf_prog_info; the first two count only while run time statistics are on."""

    run_time_ns: int
    run_count: int
    recursion_misses: int
    """How often the program was not run because it was already running on that CPU (5.12)."""


def program_info(fd: int) -> ProgramInfo:
    """What the kernel knows of a loaded program."""
    info = ctypes.create_string_buffer(216)
    size = c_uint32(len(info))
    result = library().bpf_obj_get_info_by_fd(fd, info, ctypes.byref(size))
    if result:
        raise SourceError(f"cannot ask about a program: {explain(result)[1]}")
    return ProgramInfo(*struct.unpack_from("3Q", info, 192))
