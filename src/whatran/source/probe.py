"""What this machine allows: questions answered with yes, no or cannot tell, each with the next step."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from whatran.errors import SourceError
from whatran.source import capabilities, libbpf, memlock, procfs
from whatran.source.libbpf import library

YES, NO, CANNOT_TELL = "yes", "no", "cannot tell"

BTF = Path("/sys/kernel/btf/vmlinux")

# bpf_probe_read_kernel(r10 - 8, 8, NULL); return 0: as struct bpf_insn of linux/bpf.h
_KERNEL_READ = b"".join(
    struct.pack("<BBhi", *instruction)
    for instruction in (
        (0xBF, 0xA1, 0, 0),  # r1 = r10
        (0x07, 0x01, 0, -8),  # r1 += -8
        (0xB7, 0x02, 0, 8),  # r2 = 8
        (0xB7, 0x03, 0, 0),  # r3 = 0
        (0x85, 0x00, 0, libbpf.FUNC_PROBE_READ_KERNEL),
        (0xB7, 0x00, 0, 0),  # r0 = 0
        (0x95, 0x00, 0, 0),  # exit
    )
)

_NOTHING = _KERNEL_READ[-16:]  # return 0

LEAST_LOCKED = 16 << 20
"""What maps and programs of the usual size take, on a machine with few CPUs; the ring alone is half of it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question, its answer, what was found, and what to do about it (empty for nothing)."""

    name: str
    answer: str
    detail: str
    next_step: str = ""


def has_libbpf() -> Check:
    """Whether libbpf 1.0 or newer can be loaded."""
    try:
        version = library().libbpf_version_string().decode()
    except SourceError as error:
        return Check("libbpf", NO, str(error))
    return Check("libbpf", YES, version)


def has_btf() -> Check:
    """Whether the kernel describes its own types, which the program is fitted to at load."""
    if BTF.exists():
        return Check("kernel BTF", YES, str(BTF))
    return Check("kernel BTF", NO, f"{BTF} is missing", "use a kernel built with CONFIG_DEBUG_INFO_BTF=y")


def has_privilege() -> Check:
    """Whether this process may load programs that read the kernel's memory."""
    if not procfs.is_there():
        return Check("privilege", NO, "there is no /proc", "mount -t proc proc /proc")
    if not procfs.is_initial("user", procfs.INITIAL_USER_NAMESPACE):
        return Check(
            "privilege", NO, "in a user namespace capabilities do not count for eBPF", "run whatran outside of it"
        )
    held = capabilities.effective()
    lacking = [] if capabilities.SYS_ADMIN in held else [name for name, it in _NEEDED.items() if it not in held]
    if not lacking:
        return Check("privilege", YES, "CAP_BPF and CAP_PERFMON")
    found = f"without {' and '.join(lacking)}"
    if os.geteuid() == 0:
        return Check(
            "privilege", NO, f"root {found}", "give the container both: docker run --cap-add BPF --cap-add PERFMON"
        )
    return Check("privilege", NO, found, "run whatran with sudo")


_NEEDED = {"CAP_BPF": capabilities.BPF, "CAP_PERFMON": capabilities.PERFMON}


def has_locked_memory() -> Check:
    """Whether maps of the usual size can be made, which kernels before 5.11 count as locked memory."""
    newer = has_helper_current_task()  # of the same release: what else there is to ask would take the memory
    if newer.answer == CANNOT_TELL:
        return Check("locked memory", CANNOT_TELL, newer.detail)
    hard = memlock.hard_limit()
    if (
        newer.answer == YES
        or hard is None
        or hard >= LEAST_LOCKED
        or capabilities.SYS_RESOURCE in capabilities.effective()
    ):
        return Check("locked memory", YES, "")
    return Check(
        "locked memory",
        NO,
        f"this kernel counts eBPF to RLIMIT_MEMLOCK, which is {hard >> 10} KiB: raising it takes CAP_SYS_RESOURCE",
        "sudo prlimit --memlock=unlimited --pid $$, or in a unit LimitMEMLOCK=infinity",
    )


def has_names() -> Check:
    """Whether the names of all containers can be read, which lie where only their owners may look."""
    if capabilities.DAC_READ_SEARCH in capabilities.effective():
        return Check("container names", YES, "")
    return Check(
        "container names",
        NO,
        "without CAP_DAC_READ_SEARCH containers have ids, and no names",
        "give CAP_DAC_READ_SEARCH, where names are wanted",
    )


def has_others() -> Check:
    """Whether /proc shows the processes of others, whom --pid and --tree may name."""
    if procfs.stat_of(1):
        return Check("others in /proc", YES, "")
    return Check(
        "others in /proc",
        NO,
        "processes of others are hidden (hidepid), so --pid, --tree and repairs find none",
        "give CAP_SYS_PTRACE, or the group that /proc is mounted for (gid=)",
    )


def has_raw_tracepoints() -> Check:
    """Whether raw tracepoint programs load."""
    return _ask(
        "raw tracepoints",
        lambda lib: lib.libbpf_probe_bpf_prog_type(libbpf.PROG_TYPE_RAW_TRACEPOINT, None),
        "use a kernel built with CONFIG_BPF_EVENTS=y",
    )


def has_ring_buffer() -> Check:
    """Whether BPF ring buffers can be made (5.8)."""
    return _ask(
        "ring buffer",
        lambda lib: lib.libbpf_probe_bpf_map_type(libbpf.MAP_TYPE_RINGBUF, None),
        "use a kernel from 5.10 on",
    )


def has_kernel_reads() -> Check:
    """Whether programs may read the kernel's memory; lockdown=confidentiality forbids it."""
    return _ask("reading kernel memory", _loads_kernel_read, "boot without lockdown=confidentiality")


def has_helper_loop() -> Check:
    """Whether bpf_loop() is there (5.17); without it an older program is used that follows less deep paths."""
    return _ask("bpf_loop", lambda lib: _helper(lib, libbpf.FUNC_LOOP), "")


def has_helper_current_task() -> Check:
    """Whether bpf_get_current_task_btf() is there (5.11); without it execs that failed are not told."""
    return _ask("failed execs", lambda lib: _helper(lib, libbpf.FUNC_GET_CURRENT_TASK_BTF), "use a kernel from 5.11 on")


@cache
def execve_functions() -> tuple[bytes, bytes] | None:
    """The kernel's functions for execve(2) and execveat(2), where functions can be hooked; else None.

    There need not be ftrace, and where there is, it may not be for us: only trying tells.
    """
    prefix = {"x86_64": b"__x64_sys_", "aarch64": b"__arm64_sys_"}.get(os.uname().machine)
    lib = library()
    if prefix is None or not _hooks(lib, prefix + b"execve"):
        return None
    return prefix + b"execve", prefix + b"execveat"


def _hooks(lib: Any, function: bytes) -> bool:
    """Whether a program can be attached to the end of a function of the kernel."""
    type_id: int = lib.libbpf_find_vmlinux_btf_id(function, libbpf.TRACE_FEXIT)
    if type_id <= 0:
        return False
    options = libbpf.ProgLoadOpts(libbpf.TRACE_FEXIT, type_id)
    fd: int = lib.bpf_prog_load(libbpf.PROG_TYPE_TRACING, b"probe", b"GPL", _NOTHING, 2, ctypes.byref(options))
    if fd < 0:
        return False
    link: int = lib.bpf_raw_tracepoint_open(None, fd)
    os.close(fd)
    if link < 0:
        return False
    os.close(link)
    return True


def checks() -> list[Check]:
    """All that eBPF needs here, in the order in which it would fail; then what it can do without."""
    return [*_needed(), has_helper_loop(), has_helper_current_task(), has_names(), has_others()]


def _needed() -> list[Check]:
    return [
        has_btf(),
        has_libbpf(),
        has_privilege(),
        has_raw_tracepoints(),
        has_ring_buffer(),
        has_kernel_reads(),
        has_locked_memory(),
    ]


def ebpf_blocker() -> str | None:
    """Why eBPF cannot be used here and the next step, in one sentence; None where it can."""
    # What cannot be told shows at load.
    for check in _needed():
        if check.answer == NO:
            return "; ".join([f"cannot use eBPF here: {check.detail}", *filter(None, [check.next_step])])
    return None


def _ask(name: str, ask: Callable[[Any], int], next_step: str) -> Check:
    if has_privilege().answer != YES:
        return Check(name, CANNOT_TELL, "only a privileged process can ask the kernel")
    try:
        with memlock.raised():
            result = ask(library())
    except SourceError:
        return Check(name, CANNOT_TELL, "libbpf cannot be asked")
    if result > 0:
        return Check(name, YES, "")
    if result == 0:
        return Check(name, NO, f"this kernel does not allow {name}", next_step)
    return Check(name, CANNOT_TELL, libbpf.explain(result)[1])


def _loads_kernel_read(lib: Any) -> int:
    """1 if a program that reads the kernel's memory loads, 0 if not.

    libbpf's own probe of a helper goes by the words of the verifier, which changed (seen on 7.3).
    """
    size = len(_KERNEL_READ) // 8
    fd: int = lib.bpf_prog_load(libbpf.PROG_TYPE_RAW_TRACEPOINT, b"probe", b"GPL", _KERNEL_READ, size, None)
    if fd >= 0:
        os.close(fd)
        return 1
    return 0 if fd == -errno.EINVAL else fd


def _helper(lib: Any, helper: int) -> int:
    answer: int = lib.libbpf_probe_bpf_helper(libbpf.PROG_TYPE_RAW_TRACEPOINT, helper, None)
    return answer
