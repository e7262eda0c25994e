"""The way of the data, from frames to the events a caller sees."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from whatran.errors import DecodeError
from whatran.event import Boot, Event, Exec, ExecFailed, Exit, Fork, Gap, TaskEvent
from whatran.filter import Filter, only_env
from whatran.process.path_search import PathSearch
from whatran.process.processes import Processes
from whatran.wire.decode import add_strings, decode, executed
from whatran.wire.gaps import Gaps
from whatran.wire.rejoin import Rejoin

if TYPE_CHECKING:
    from whatran.filter import Condition
    from whatran.process.facts import Facts
    from whatran.wire.settings import Settings

log = logging.getLogger("whatran.pipeline")

Stage = Callable[[TaskEvent], TaskEvent | None]
"""Event in; event, or None to drop it, out."""

BY_TIME = attrgetter("timestamp_boot")
BY_START = attrgetter("process_start_time")


def stages(facts: Facts, env_names: Collection[str] | None, *filters: Collection[Condition]) -> list[Stage]:
    """All there are, in their order: facts are joined, environments thinned, and each filter decides for itself."""
    thinned = [] if env_names is None else [only_env(env_names)]
    return [facts, *thinned, *(Filter(conditions) for conditions in filters if conditions)]


class Rules(Protocol):
    """What execs are held against: whatran.rules has one."""

    def older(self, living: Iterable[Exec]) -> None: ...

    def follow(self, event: TaskEvent) -> None: ...

    def forget(self, ended: Iterable[tuple[int, int]]) -> None: ...

    def __call__(self, event: Exec) -> Sequence[Event]: ...


class Taker(Protocol):
    """What a watch hands all it gets to, and the events that makes of it: a Pipeline, unless it is to be kept as is."""

    @property
    def malformed(self) -> int: ...

    @property
    def filtered(self) -> dict[str, int]: ...

    @property
    def holding(self) -> bool: ...

    @property
    def crowded(self) -> bool: ...

    def __call__(self, frames: Sequence[bytes], boot: Boot) -> list[Event]: ...

    def older(self, living: Sequence[bytes], boot: Boot) -> None: ...

    def unnumbered(self, failed: Mapping[str, int], now_boot_ns: int, boot: Boot) -> Sequence[Event]: ...

    def learn(self, living: Sequence[bytes], boot: Boot) -> list[Exec]: ...

    def complete(self, event: Exec, argv: bytes | None, env: bytes | None, settings: Settings) -> None: ...

    def forget(self, event: Exec) -> None: ...

    def settle(self) -> list[Event]: ...

    def finish(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, boot: Boot) -> list[Event]: ...


class Pipeline:
    """Decodes frames, passes each event through the stages in turn, and counts what is left out.

    The way of an event: rejoined from its frames, decoded, put in the order of time with gaps
    where something is missing, a search of PATH made one, joined with its ancestors, and
    then the stages. What rules say of an exec that has passed them follows it at once.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        fold: bool = True,
        rules: Rules | None = None,
        older: Callable[[Exec], object] | None = None,
        ended: Callable[[list[tuple[int, int]]], object] | None = None,
    ) -> None:
        """``older`` is told of each process that lives as the watch begins, parents first, by what it executes.

        ``ended`` is told, by pid and start time, of those whose exits were lost: at times when events of before
        may not have been taken from the caller yet.
        """
        self.malformed = 0
        self.filtered: dict[str, int] = dict.fromkeys((Exec.NAME, Fork.NAME, Exit.NAME, ExecFailed.NAME), 0)
        """How many events of each name a stage dropped."""
        self._rejoin = Rejoin()
        self._gaps = Gaps()
        self._search = PathSearch() if fold else None
        self._processes = Processes()
        self._older = older
        self._ended = ended
        self._stages = tuple(stages)
        self._rules = rules

    @property
    def holding(self) -> bool:
        """Whether events wait for what the next batch will have, even if that is empty."""
        return bool(self._search and self._search.holding)

    @property
    def crowded(self) -> bool:
        """Whether learn() is wanted, as processes may be remembered that have ended: their ends are not told."""
        return self._processes.crowded

    def __call__(self, frames: Iterable[bytes], boot: Boot) -> list[Event]:
        """The events of one batch, in the order of their times; gaps stand where something is missing."""
        return self._through(self._decoded(self._rejoin(frames), boot))

    def finish(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, boot: Boot) -> list[Event]:
        """What was waiting for more, and gaps at the end, given how many records each CPU made of each kind."""
        events = self._through(self._decoded(self._rejoin.finish(), boot))
        held = self._search.finish() if self._search else []
        return [*events, *self._staged(held), *self._gaps.at_the_end(produced, now_boot_ns, boot)]

    def unnumbered(self, failed: Mapping[str, int], now_boot_ns: int, boot: Boot) -> list[Gap]:
        """Gaps for what the kernel did not even number, given how many there were of each kind so far."""
        return self._gaps.unnumbered(failed, now_boot_ns, boot)

    def begin(
        self, last: Mapping[tuple[int, str], tuple[int, int]], failed: Mapping[str, int], asked: int | None
    ) -> None:
        """What comes begins in the middle: see Gaps."""
        self._gaps.begin(last, failed, asked)

    def damaged(self) -> None:
        """Frames may be missing here because they could not be read back."""
        self._gaps.damaged()

    def older(self, living: Iterable[bytes], boot: Boot) -> None:
        """Takes note of the processes that live as the watch begins."""
        events = sorted((event for event, _ in self._living(living, boot)), key=BY_START)
        self._processes.older(events)
        if self._rules:
            self._rules.older(events)
        if self._older:
            for event in events:
                self._older(event)

    def learn(self, living: Iterable[bytes], boot: Boot) -> list[Exec]:
        """Compares the processes that live with those known: the execs that were not seen, or not yet."""
        return self._processes.learn(self._living(living, boot))

    def complete(self, event: Exec, argv: bytes | None, env: bytes | None, settings: Settings) -> None:
        """Adds to a living process's exec what is in its memory."""
        add_strings(event, "argv", argv, settings.max_argv)
        if settings.env:
            add_strings(event, "env", env, settings.max_env)

    def forget(self, event: Exec) -> None:
        """Not one to settle after all."""
        self._processes.forget(event)

    def settle(self) -> list[Event]:
        """What learn() found, unless it has come since."""
        missed = self._processes.settle()
        ended = self._processes.ended
        if self._rules:
            self._rules.forget(ended)
        if self._ended:
            self._ended(ended)
        return self._staged(missed, joined=True)

    def _living(self, frames: Iterable[bytes], boot: Boot) -> Iterable[tuple[Exec, bool]]:
        for frame, event in self._events(frames, boot):
            if isinstance(event, Exec):
                yield event, executed(frame)

    def _events(self, frames: Iterable[bytes], boot: Boot) -> Iterable[tuple[bytes, TaskEvent]]:
        """Each frame with its event; those that have none are counted."""
        for frame in frames:
            try:
                event = decode(frame, boot)
            except DecodeError as error:
                self.malformed += 1
                log.warning("malformed frame: %s", error)
            else:
                yield frame, event

    def _decoded(self, frames: Iterable[bytes], boot: Boot) -> list[Event]:
        events: list[Event] = []
        for _, event in self._events(frames, boot):
            if gap := self._gaps.before(event, boot):
                events.append(gap)
            events.append(event)
        # The ring has them in the order in which CPUs began to write; a little apart from time.
        events.sort(key=BY_TIME)
        return events

    def _through(self, events: list[Event]) -> list[Event]:
        return self._staged(self._search(events) if self._search else events)

    def _staged(self, events: Iterable[Event], *, joined: bool = False) -> list[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, TaskEvent):
                if not joined:
                    self._processes(event)
                if self._rules:
                    self._rules.follow(event)
                for stage in self._stages:
                    if stage(event) is None:
                        self.filtered[event.event] += 1
                        break
                else:
                    kept.append(event)
                    if self._rules and type(event) is Exec:
                        kept += self._rules(event)
            else:
                kept.append(event)
        return kept
