"""What watching costs: what whatran itself uses, as the kernel says it."""

from __future__ import annotations

import msgspec


class ProgramCost(msgspec.Struct, frozen=True, gc=False):
    """Of one BPF program; zeros where the kernel has not timed it."""

    name: str
    run_count: int
    """How often it has run, for whatever process, while the kernel timed it."""
    run_time_ns: int
    """How long that took together."""


class Cost(msgspec.Struct, frozen=True, gc=False):
    """Of a watch so far; what a command uses that is followed is not in it."""

    watched: int = 0
    """How long it has been in force, in ns."""
    user_time: int = 0
    """User CPU time in ns: of this process since its start, all its threads together, and of the tracer by ptrace."""
    system_time: int = 0
    """System CPU time in ns, of the same."""
    start_cpu_time: int = 0
    """How much of both this process had used already when the watch came into force."""
    max_rss: int = 0
    """Largest resident set of this process in bytes (VmHWM of proc(5)), and of the tracer by ptrace."""
    programs: tuple[ProgramCost, ...] = ()
    """Of each BPF program that is loaded: see ``bpf_stats`` of watch()."""
    bytes_read: int = 0
    """From the ring buffer, or from the tracer."""
    wakeups: int = 0
    """How often it has waited for something to come, and was woken."""
