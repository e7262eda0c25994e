"""Guests: a kernel in QEMU by plain emulation, without a network; what it says is on its console."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmtest.root import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vmtest.kernels import Kernel


@dataclass(frozen=True)
class Emulator:
    """QEMU for one architecture."""

    program: str
    package: str
    """Debian's name for it."""

    machine: tuple[str, ...]
    terminal: str
    quirks: str = ""
    """What the kernel is told about it besides."""


QUIRK = "no_timer_check"
"""On a busy machine the timer may be late when the kernel tries it, which then gives up."""

# KVM is not asked for: where the machine is a guest itself it may be there, and not work.
EMULATORS = {
    "amd64": Emulator("qemu-system-x86_64", "qemu-system-x86", ("-machine", "q35", "-cpu", "max"), "ttyS0", QUIRK),
    # A newer Arm takes three times as long: pointers are signed.
    "arm64": Emulator("qemu-system-aarch64", "qemu-system-arm", ("-machine", "virt", "-cpu", "cortex-a72"), "ttyAMA0"),
}

LOOK_SECONDS = 0.2
CPUS = 2
MEMORY_MIB = 2048
"""All files of the guest are in it."""


def installed(arch: str) -> bool:
    """Whether there is an emulator, by now."""
    emulator = EMULATORS[arch]
    if not shutil.which(emulator.program):
        subprocess.run([ROOT / "scripts/qemu.sh", emulator.package], check=False)
    return shutil.which(emulator.program) is not None


@dataclass(frozen=True)
class Guest:
    """A kernel with what it begins with, and the file that its console goes to."""

    series: str
    kernel: Kernel
    initrd: Path
    console: Path

    @property
    def command(self) -> list[str]:
        """Command line that switches it on; it ends when the guest switches itself off."""
        emulator = EMULATORS[self.kernel.arch]
        return [
            *("setpriv", "--pdeathsig", "KILL"),  # should we ourselves be killed
            *(emulator.program, *emulator.machine, "-smp", f"{CPUS}", "-m", f"{MEMORY_MIB}"),
            *("-accel", "tcg,thread=multi,tb-size=512"),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", f"file:{self.console}"),
            *("-kernel", f"{self.kernel.image}", "-initrd", f"{self.initrd}"),
            *("-append", f"console={emulator.terminal} panic=-1 rdinit=/init loglevel=3 {emulator.quirks}"),
        ]


def run(guests: Iterable[Guest], at_once: int, limit: float) -> Iterator[tuple[Guest, float]]:
    """Each guest as it ends, with the seconds it took, at most the limit; none is left running, whatever happens."""
    waiting = deque(guests)
    running: dict[subprocess.Popen[bytes], tuple[Guest, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                guest = waiting.popleft()
                running[subprocess.Popen(guest.command, stdin=subprocess.DEVNULL)] = guest, time.monotonic()
            time.sleep(LOOK_SECONDS)
            for process, (guest, began) in list(running.items()):
                seconds = time.monotonic() - began
                if process.poll() is not None or seconds > limit:
                    _end(process)
                    del running[process]
                    yield guest, seconds
    finally:
        for process in running:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
