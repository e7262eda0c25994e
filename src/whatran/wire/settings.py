"""What the kernel program is told before it is loaded: struct settings of bpf/wire.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whatran.wire import layout

if TYPE_CHECKING:
    from pathlib import Path

UNLIMITED = 0xFFFFFFFF

RING_BYTES = 16 << 20
"""A quarter of it, when the reader is woken, is a quarter of a second of the harshest storm of a CPU."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is to be sent; empty means everything."""

    kinds: tuple[int, ...] = layout.EVENTS
    scoped: bool = False
    use_pids: bool = False
    env: bool = False
    threads: bool = False
    uids: tuple[int, ...] = ()
    uids_unwanted: bool = False
    comms: tuple[bytes, ...] = ()
    comms_unwanted: bool = False
    cgroups: tuple[Path, ...] = ()
    not_cgroups: tuple[Path, ...] = ()
    max_argv: int = UNLIMITED
    max_env: int = UNLIMITED
    command: bytes = b""
    unwanted: int = 0
    """Bits of layout.GATHERED: what of execs need not be read."""
    ring_bytes: int = RING_BYTES
    rate_limit: int = 0
    """Records of a kind that a cgroup may have in a second; 0 for any number."""

    def pack(self) -> bytes:
        """As the kernel program has it."""
        return layout.SETTINGS_STRUCT.pack(
            sum(1 << kind for kind in self.kinds),
            self.scoped,
            self.use_pids,
            self.env,
            self.threads,
            self.ring_bytes,
            len(self.uids),
            len(self.comms),
            self.max_argv,
            self.max_env,
            self.uids_unwanted,
            self.comms_unwanted,
            len(self.cgroups),
            len(self.not_cgroups),
            self.rate_limit,
            self.unwanted,
            b"".join(uid.to_bytes(4, "little") for uid in self.uids),
            b"".join(comm.ljust(layout.COMM_BYTES, b"\0") for comm in self.comms),
            self.command,
        )
