"""The loop that carries events from a watch to a sink, and what may interrupt it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from whatran.clock import boot_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from whatran.event import Event
    from whatran.sinks import Sink


class Watching(Protocol):
    """The part of a Watch that the loop needs."""

    @property
    def ended(self) -> bool: ...

    def read(self, timeout: float | None = None) -> Sequence[Event]: ...

    def stop(self) -> None: ...


def follow(
    watching: Watching, sink: Sink, stop_after: int | None = None, between: Callable[[], None] = lambda: None
) -> None:
    """Write all there is until the watch has ended, or is stopped after so many records.

    What is to be done ``between`` two batches finds all output up to there written.
    """
    written = 0
    while not watching.ended:
        between()
        written += sink.write(watching.read(timeout=_until(sink.due)))
        written += sink.release(boot_ns())
        if stop_after is not None and written >= stop_after:
            watching.stop()
    sink.close()


def _until(due: int | None) -> float | None:
    """Seconds from now; None for ever: with nothing held back a quiet machine must not wake us."""
    return None if due is None else max(0, due - boot_ns()) / 1e9


@contextmanager
def handling(handlers: Mapping[signal.Signals, Callable[[signal.Signals], None]]) -> Iterator[None]:
    """Signals have these handlers, within; one that was ignored when we were started (nohup, &) stays ignored."""
    before = {
        number: signal.signal(number, lambda number, _: handlers[signal.Signals(number)](signal.Signals(number)))
        for number in handlers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def alarm(seconds: float | None, action: Callable[[], None]) -> Iterator[None]:
    """The action is done once after so many seconds, unless this is left before."""
    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: action())
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
