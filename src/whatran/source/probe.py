"""What this machine allows: questions answered with yes, no or cannot tell, each with the next step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whatran.errors import SourceError
from whatran.source import libbpf

YES, NO, CANNOT_TELL = "yes", "no", "cannot tell"

BTF = Path("/sys/kernel/btf/vmlinux")
STATUS = Path("/proc/self/status")

# linux/capability.h
CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 21, 38, 39


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
        version = libbpf.library().libbpf_version_string().decode()
    except SourceError as error:
        return Check("libbpf", NO, str(error), "install libbpf1 (Debian, Ubuntu) or libbpf (Fedora)")
    return Check("libbpf", YES, version)


def has_btf() -> Check:
    """Whether the kernel describes its own types, which the program is fitted to at load."""
    if BTF.exists():
        return Check("kernel BTF", YES, str(BTF))
    return Check("kernel BTF", NO, f"{BTF} is missing", "use a kernel built with CONFIG_DEBUG_INFO_BTF=y")


def has_privilege() -> Check:
    """Whether this process may load programs that read the kernel's memory."""
    bits = next(int(line.split()[1], 16) for line in STATUS.read_text().splitlines() if line.startswith("CapEff:"))
    if bits >> CAP_SYS_ADMIN & 1 or (bits >> CAP_BPF & 1 and bits >> CAP_PERFMON & 1):
        return Check("privilege", YES, "CAP_BPF and CAP_PERFMON")
    return Check("privilege", NO, "neither root nor CAP_BPF and CAP_PERFMON", "run whatran with sudo")


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
    return _ask(
        "reading kernel memory",
        lambda lib: _helper(lib, libbpf.FUNC_PROBE_READ_KERNEL),
        "boot without lockdown=confidentiality",
    )


def has_helper_loop() -> Check:
    """Whether bpf_loop() is there (5.17); without it an older program is used that follows less deep paths."""
    return _ask("bpf_loop", lambda lib: _helper(lib, libbpf.FUNC_LOOP), "")


def checks() -> list[Check]:
    """All that eBPF needs here, in the order in which it would fail."""
    return [
        has_btf(),
        has_libbpf(),
        has_privilege(),
        has_raw_tracepoints(),
        has_ring_buffer(),
        has_kernel_reads(),
        has_helper_loop(),
    ]


def ebpf_blocker() -> str | None:
    """Why eBPF cannot be used here and the next step, in one sentence; None where it can."""
    # bpf_loop is missed by no one; what cannot be told shows at load.
    for check in checks()[:-1]:
        if check.answer == NO:
            return f"cannot use eBPF here: {check.detail}; {check.next_step}"
    return None


def _ask(name: str, ask: Callable[[Any], int], next_step: str) -> Check:
    if has_privilege().answer != YES:
        return Check(name, CANNOT_TELL, "only a privileged process can ask the kernel")
    try:
        result = ask(libbpf.library())
    except SourceError:
        return Check(name, CANNOT_TELL, "libbpf cannot be asked")
    if result > 0:
        return Check(name, YES, "")
    if result == 0:
        return Check(name, NO, f"this kernel has no {name}", next_step)
    return Check(name, CANNOT_TELL, libbpf.explain(result)[1])


def _helper(lib: Any, helper: int) -> int:
    answer: int = lib.libbpf_probe_bpf_helper(libbpf.PROG_TYPE_RAW_TRACEPOINT, helper, None)
    return answer
