"""Plays a recording: hands a Pipeline what a watch has handed the recorder, in the same order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable  # msgspec reads the types of Choices
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import force_setattr

from whatran.errors import RecordingError, UsageError
from whatran.event import Boot, Exec, Gap
from whatran.filter import parse
from whatran.pipeline import Pipeline, stages
from whatran.process.facts import Facts
from whatran.pushdown import NAME_OF
from whatran.recording import format as form
from whatran.recording.seen import Recalled
from whatran.redacting import Redacting
from whatran.stats import Counts, Stats
from whatran.wire import layout
from whatran.wire.gaps import DAMAGED, NOT_RUN, RATE_LIMIT, RING_FULL
from whatran.wire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from whatran.event import Event
    from whatran.filter import Condition
    from whatran.pipeline import Taker
    from whatran.plan import Failed
    from whatran.recording.format import Header
    from whatran.recording.read import Begin, Block, ChapterId
    from whatran.redact import Redactor
    from whatran.rules.engine import Engine

MOST_GROUPED = 256 << 20
"""Bytes that may wait for more of their group: far more than was ever read at once."""

_T = TypeVar("_T")

_KIND = itemgetter(layout.offset_in_exec("kind"))  # its lowest byte, which says it all


@dataclass(frozen=True, slots=True)
class Choices:
    """What is wanted of a recording."""

    conditions: tuple[Condition, ...] = ()
    failed: Failed | None = None
    """As it was asked for when it was recorded, if None."""
    env_names: frozenset[str] | None = None
    rules: Engine | None = None
    older: Callable[[Exec], object] | None = None
    """Who is told of the processes that lived as the recording began."""
    redactor: Redactor | None = None
    """What replaces secrets, where that was not done when it was recorded."""
    ended: Callable[[list[tuple[int, int]]], object] | None = None
    """Who is told of the processes whose exits were lost."""


class Player:
    """Takes the parts of one recording in their order, of one chapter or of several, and gives events."""

    def __init__(self, choices: Choices, problem: Callable[[str], None]) -> None:
        self._choices = choices
        self._problem = problem
        self._pipeline: Pipeline | None = None
        self._taker: Taker | None = None
        """Before the pipeline, or itself."""
        self._recalled = Recalled()
        self._header: Header | None = None
        self._heads: dict[ChapterId, Header] = {}
        self._next = 0
        """Number of the block that comes next."""
        self._told = False
        """Whether damage just before was told of."""
        self._ended = 0
        """How the chapter ended: form.END or form.NEXT; 0 where it has not."""
        self._begins = False
        """Whether the chapter is the first of those that follow one another without a hole."""
        self._group = 0
        self._frames: list[bytes] = []
        self._grouped = 0
        """Bytes of these."""
        self._offset = 0
        """Where the block begins."""
        self._boot = Boot("", 0)
        self._settings = Settings()
        self._missed: dict[tuple[int, int], Exec] = {}
        self._time = 0
        self._received: Counter[int] = Counter()
        self._lost: Counter[tuple[str, str]] = Counter()
        self._filtered: Counter[str] = Counter()
        self._malformed = 0

    def begin(self, part: Begin) -> None:
        """There is the head of a chapter."""
        self._heads = {(part.header.recording, part.header.chapter): part.header}

    def damaged(self) -> Iterator[list[Event]]:
        """Something is missing here, and that was said; the events before it."""
        self._told = True
        if self._pipeline:
            yield self._end_group()
            self._pipeline.damaged()

    def block(self, block: Block) -> Iterator[list[Event]]:
        """The events of a block, a batch at a time; those of the last batch may go on in the next block."""
        if not (yield from self._reach(block)):
            return
        self._told = False
        self._next = block.number + 1
        self._time = block.written
        self._offset = block.offset
        for kind, data, frames in block.runs:
            if kind == form.NAMES:
                if names := self._unpacked(data, form.Names):
                    self._recalled.learn(names)
            elif kind == form.MORE and self._group:
                if self._grouped > MOST_GROUPED:
                    group = self._group
                    yield self._end_group()
                    self._group = group
            else:
                if events := self._end_group():
                    yield events
                if events := self._take(kind, data):
                    yield events
            self._frames += frames
            self._grouped += sum(map(len, frames))

    def _reach(self, block: Block) -> Generator[list[Event], None, bool]:
        """Gets to where a block begins; whether it is to be played."""
        header = self._header
        if header is None or block.chapter != (header.recording, header.chapter):
            header = block.header or self._heads.get(block.chapter)
            if header is None:
                self._problem(f"the block at byte {block.offset} cannot be read: the header it goes by is damaged")
                return False
            if self._was_played(header):
                return False
            yield from self._chapter(header)
        elif self._ended:
            return False
        if block.number < self._next:
            self._problem(f"the block at byte {block.offset} was there before")
            return False
        if block.number > self._next and not self._told:
            self._problem(f"before byte {block.offset} {block.number - self._next} blocks are missing")
            yield from self.damaged()
        return True

    def finish(self) -> Iterator[list[Event]]:
        """What is left; no more will come."""
        header, taker = self._header, self._taker
        if header is None or taker is None:
            return
        yield self._end_group()
        if self._ended != form.END:
            yield self._counted(taker.finish({}, self._time, self._boot))
        self._malformed += taker.malformed
        self._filtered.update(taker.filtered)
        self._pipeline = self._taker = self._header = None

    def file_ended(self) -> Iterator[list[Event]]:
        """The rest, if there is more, is in another file."""
        if self._header and not self._ended:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime((self._time + self._boot.wall_offset) / 1e9))
            self._problem(f"it was not ended in order: what happened after {when} may be missing")
            yield from self.damaged()

    def _was_played(self, header: Header) -> bool:
        """Whether a chapter comes once more: what is kept in memory may be saved to one file and then to another."""
        now = self._header
        return now is not None and header.recording == now.recording and header.chapter < now.chapter

    def _chapter(self, header: Header) -> Iterator[list[Event]]:
        before = self._header
        same = before is not None and header.recording == before.recording
        follows = before is not None and same and header.chapter == before.chapter + 1
        if before is not None and same and not follows:
            self._problem(f"between this and the file before {header.chapter - before.chapter - 1} are missing")
        if not follows:
            yield from self.finish()
            pipeline = self._pipeline = self._open(header)
            redactor = None if header.redacted else self._choices.redactor
            self._taker = Redacting(pipeline, redactor) if redactor else pipeline
        self._begins = not follows
        self._header, self._next, self._ended = header, 0, 0
        self._boot = Boot(header.boot_id, header.started - header.started_boot, header.page_bytes)
        self._settings = Settings(env=header.env, max_argv=header.max_argv, max_env=header.max_env)

    def _open(self, header: Header) -> Pipeline:
        self._recalled = Recalled()
        facts = Facts(self._recalled, self._recalled)
        try:
            recorded = tuple(map(parse, header.filters))
        except UsageError as error:
            raise RecordingError(f"was recorded for what this whatran does not know: {error}") from None
        failed = self._choices.failed or header.failed
        return Pipeline(
            stages(facts, self._choices.env_names, recorded, self._choices.conditions),
            fold=failed == "fold",
            rules=self._choices.rules.anew() if self._choices.rules else None,
            older=self._choices.older,
            ended=self._choices.ended,
        )

    def _take(self, kind: int, data: bytes) -> list[Event]:
        taker, pipeline = self._taker, self._pipeline
        if taker is None or pipeline is None:
            return []
        match kind:
            case form.BATCH | form.MORE | form.OLDER | form.LIVING:
                self._group = form.BATCH if kind == form.MORE else kind
                self._boot = self._boot._replace(wall_offset=form.wall_offset_of(data))
            case form.BASE if self._begins:
                if base := self._unpacked(data, form.Base):
                    last = {(cpu, NAME_OF[of]): (number, at) for cpu, of, number, at in base.last if of in NAME_OF}
                    pipeline.begin(last, base.unnumbered, base.asked)
            case form.UNNUMBERED:
                if unnumbered := self._unpacked(data, tuple[int, dict[str, int]]):
                    wall_offset, failed = unnumbered
                    boot = self._boot._replace(wall_offset=wall_offset)
                    return self._counted([*taker.unnumbered(failed, form.time_of(data), boot)])
            case form.MEMORY:
                memory = self._unpacked(data, form.Memory)
                event = self._missed.pop((memory.pid, memory.start_boot_ns), None) if memory else None
                if memory and event:
                    force_setattr(event, "redacted", memory.redacted)
                    taker.complete(event, memory.argv, memory.env, self._settings)
            case form.SETTLE:
                self._forget()
                return taker.settle()
            case form.FINISH:
                if finish := self._unpacked(data, tuple[int, list[tuple[int, str, int]]]):
                    wall_offset, counts = finish
                    boot = self._boot._replace(wall_offset=wall_offset)
                    produced = {(cpu, name): count for cpu, name, count in counts}
                    return self._counted(taker.finish(produced, form.time_of(data), boot))
            case form.NEXT | form.END:
                self._ended = kind
        return []

    def _unpacked(self, data: bytes, kind: type[_T]) -> _T | None:
        """What a record holds; None where it is not what it should be, which is told."""
        found = form.unpacked(data, kind)
        if found is None:
            self._problem(f"the block at byte {self._offset} has a record that whatran does not write")
        return found

    def _end_group(self) -> list[Event]:
        """The events of the group, which is whole."""
        group, self._group = self._group, 0
        frames, self._frames, self._grouped = self._frames, [], 0
        taker = self._taker
        if taker is None:
            return []
        if group == form.OLDER and self._begins:
            taker.older(frames, self._boot)
        elif group == form.LIVING:
            self._forget()
            self._missed = {(each.pid, each.process_start_time): each for each in taker.learn(frames, self._boot)}
        elif group == form.BATCH:
            self._received.update(map(_KIND, frames))
            return self._counted(taker(frames, self._boot))
        return []

    def _forget(self) -> None:
        for event in self._missed.values():
            if self._taker:
                self._taker.forget(event)
        self._missed = {}

    def _counted(self, events: list[Event]) -> list[Event]:
        if Gap in map(type, events):
            for event in events:
                if isinstance(event, Gap):
                    self._lost[event.kind, event.reason] += event.count
        return events

    def stats(self) -> Stats:
        """What was counted so far."""
        filtered = self._filtered + Counter(self._pipeline.filtered if self._pipeline else {})

        def counts(kind: int) -> Counts:
            name = NAME_OF.get(kind, "")
            received, failed, limited = self._received[kind], self._lost[name, NOT_RUN], self._lost[name, RATE_LIMIT]
            lost = self._lost[name, RING_FULL] + self._lost[name, DAMAGED]
            return Counts(
                seen=received + lost + failed + limited,
                produced=received + lost,
                lost=lost,
                failed=failed,
                filtered=filtered[name],
                limited=limited,
                received=received,
            )

        malformed = self._malformed + (self._pipeline.malformed if self._pipeline else 0)
        return Stats(
            execs=counts(layout.EXEC),
            forks=counts(layout.FORK),
            exits=counts(layout.EXIT),
            failed=counts(layout.FAILED),
            texts=counts(layout.TEXT),
            malformed=malformed,
        )
