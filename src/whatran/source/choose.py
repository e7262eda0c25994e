"""Which source is used, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

from whatran.errors import SourceError, UsageError
from whatran.source import probe, procfs
from whatran.source.ebpf import OBJECT, Ebpf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whatran.cost import Cost
    from whatran.stats import Counts
    from whatran.wire.settings import Settings

Wanted = Literal["auto", "ebpf", "ptrace"]


class Source(Protocol):
    """What a Watch needs of a source: frames, an account of every one, and an end."""

    @property
    def fd(self) -> int:
        """Readable when frames wait; to be polled edge-triggered."""

    @property
    def tracer(self) -> int:
        """The process that a command must let trace it; 0 for none."""

    @property
    def more(self) -> bool:
        """Whether more may wait than the last read() gave, of which nobody is told."""

    def attach(self) -> None:
        """From now on what happens is recorded."""

    def follow(self, pid: int) -> None:
        """Takes a command that waits into its scope."""

    def read(self) -> list[bytes]:
        """The frames that wait; more may be left when there are any."""

    def drain(self) -> Iterator[list[bytes]]:
        """Detaches, then yields all batches that are still to come."""

    def tasks(self) -> list[bytes]:
        """Processes there are now, each as an exec frame flagged as repaired."""

    def scope(self, pid: int, bits: int) -> None:
        """Notes whether a process is wanted, as SCOPE_ bits."""

    def scope_of(self, pid: int) -> int:
        """What is noted of a process."""

    def produced(self) -> dict[tuple[int, int], int]:
        """How many records were made, by CPU and kind of frame; lost ones included."""

    def counts(self) -> dict[int, Counts]:
        """What was counted so far, by kind of frame."""

    def cost(self) -> Cost:
        """What it has cost so far, but for what this process has used."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class Choice(NamedTuple):
    """A source by its name, and why it is not eBPF; None where it is, or that was not asked."""

    name: Literal["ebpf", "ptrace"]
    reason: str | None = None


def choose(wanted: Wanted, *, followable: bool) -> Choice:
    """The source for what is to be watched: ``followable`` is a command with its descendants.

    Raises SourceError where no source can do it here, UsageError where the wanted one never could.
    """
    if not procfs.is_there():
        raise SourceError("there is no /proc, which says who lives: mount it, as in `mount -t proc proc /proc`")
    if wanted == "ptrace" and not followable:
        raise UsageError("ptrace follows a command with its descendants, whatever their cgroups: for all else use eBPF")
    if wanted == "ptrace":
        return Choice("ptrace")
    if wanted == "ebpf":
        return Choice("ebpf")  # it says itself what is missing
    blocker = ebpf_blocker()
    if blocker is None:
        return Choice("ebpf")
    if not followable:
        raise SourceError(blocker)
    return Choice("ptrace", blocker)


def ebpf_blocker() -> str | None:
    """Why eBPF cannot be used here and the next step, in one sentence; None where it can."""
    if not OBJECT.exists():
        return "cannot use eBPF here: its kernel program is not built; `python hatch_build.py` says what that needs"
    return probe.ebpf_blocker()


def open_source(choice: Choice, settings: Settings) -> Source:
    """The source, not attached yet."""
    if choice.name == "ebpf":
        return Ebpf(settings)

    from whatran.source.ptrace import Ptrace  # noqa: PLC0415 (not where eBPF is used)

    return Ptrace(settings)
