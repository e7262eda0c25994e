"""The processes that live, by pid; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Started(Protocol):
    @property
    def start_time(self) -> int: ...


P = TypeVar("P", bound=_Started)


class Living(dict[int, P]):
    """What is known of each process that lives. Of those that had a pid it is the last: an event may come late."""

    def of(self, pid: int, start_time: int) -> P | None:
        """The process of that pid that was forked then."""
        known = self.get(pid)
        return known if known is not None and known.start_time == start_time else None

    def add(self, pid: int, process: P) -> None:
        """Unless its pid is another's by now."""
        known = self.get(pid)
        if known is None or known.start_time <= process.start_time:
            self[pid] = process

    def forget(self, ended: Iterable[tuple[int, int]]) -> None:
        """These have ended: pids, and when each was forked."""
        for pid, start_time in ended:
            if self.of(pid, start_time) is not None:
                del self[pid]
