"""A Taker that writes down all it is handed, for a Pipeline to be handed the same another time; see whatran.player."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from whatran._version import __version__
from whatran.clock import boot_ns
from whatran.errors import OutputError
from whatran.event import Exec
from whatran.pushdown import NAME_OF
from whatran.recording import format as form
from whatran.recording.seen import Seen
from whatran.recording.store import Memory
from whatran.recording.write import Chapter
from whatran.wire import layout
from whatran.wire.decode import decode, executed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from whatran.event import Boot, Event
    from whatran.plan import Plan
    from whatran.recording.store import Store
    from whatran.stats import Stats
    from whatran.wire.settings import Settings

FLUSH_NS = 1_000_000_000
"""How long a record may wait to be written: so much is lost if we are killed."""

CHUNK_FRAMES = 256
"""Each has 128 KiB at the most, so no block gets too large to be read back; most have 500 bytes."""

_CPU_AND_KIND = slice(layout.offset_in_exec("cpu"), layout.offset_in_exec("unread"))

_PID_AND_PPID = struct.Struct(f"<{layout.offset_in_exec('pid')}xI12xI")


class Recorder:
    """Writes chapters to a store. Its output failing does not end what is recorded: see ``error``."""

    holding = False
    """Whether it waits for anything."""
    crowded = False
    """Whether it remembers processes that have ended."""

    def __init__(self, planned: Plan, store: Store, *, numbers: bool) -> None:
        """``numbers`` says whether there may be several chapters, so that where each begins must be known."""
        self.malformed = 0
        self.filtered = dict.fromkeys(NAME_OF.values(), 0)
        self.error: OutputError | None = None
        """Why nothing is written any more, if that is so."""
        self.written = 0
        """Bytes, of all chapters."""
        self.chapter_bytes = 0
        self.chapter_begun = 0
        """When, in ns since boot."""
        self._planned = planned
        self._store = store
        self._numbers = numbers
        self._recording = os.urandom(8).hex()
        self._chapters = 0
        self._chapter: Chapter | None = None
        self._seen = Seen()
        self._last: dict[bytes, bytes] = {}
        """The heads of the last frames, by the bytes that are their CPU and kind."""
        self._unnumbered: dict[str, int] = {}
        self._asked: int | None = None
        self._executed: dict[tuple[int, int], int] = {}
        """Of the processes that lived when we last looked and settled it, how often they had executed something."""
        self._looked = self._executed
        """The same as of the last look."""

    @property
    def files(self) -> Sequence[Path]:
        return self._store.files

    # -- a chapter ----------------------------------------------------------------------------

    def older(self, living: Sequence[bytes], boot: Boot) -> None:
        """Begins a chapter, with the processes that live."""
        if self.error:
            return
        now = boot_ns()
        self._chapters += 1
        self.chapter_bytes, self.chapter_begun = 0, now
        first = self._chapters == 1
        with self._forgiving(unless=first):
            self._store.begin(now)
            self._chapter = Chapter(self._header(now, boot), self._write)
            self._group(form.OLDER, self._needed(living), boot)
            if not first:
                self._put(form.packed(form.BASE, now, self._base()))
            self._chapter.flush(now)
        if first:
            self._executed = self._looked = _executed(living)

    def _needed(self, living: Sequence[bytes]) -> Sequence[bytes]:
        """Who lives, as far as it matters: of a command those that it comes from, others are nobody's business."""
        if self._planned.scope.command is None or self._planned.own_cgroup or self._chapters > 1:
            return living
        parents = dict(map(_PID_AND_PPID.unpack_from, living))
        needed, pid = set(), os.getpid()
        while pid in parents and pid not in needed:
            needed.add(pid)
            pid = parents[pid]
        return [frame for frame in living if _PID_AND_PPID.unpack_from(frame)[0] in needed]

    def _header(self, now: int, boot: Boot) -> form.Header:
        planned, system = self._planned, os.uname()
        command, argv = planned.scope.command, sys.argv
        if redactor := planned.redactor:
            own = argv[: -len(command)] if command and argv[-len(command) :] == [*command] else argv
            command = command and redactor.command(command)
            argv = redactor.command(own) + redactor.command(argv[len(own) :])
        return form.Header(
            whatran=__version__,
            recording=self._recording,
            chapter=self._chapters,
            started=now + boot.wall_offset,
            started_boot=now,
            boot_id=boot.id,
            host=_plain(system.nodename),
            machine=system.machine,
            kernel=_plain(system.release),
            page_bytes=boot.page_bytes,
            source=planned.choice.name,
            command=None if command is None else [*map(_plain, command)],
            argv=[*map(_plain, argv)],
            filters=[_plain(condition.text) for condition in planned.conditions],
            filtered=bool(
                planned.conditions or planned.scope.pids or planned.scope.not_trees or planned.scope.not_cgroups
            ),
            failed=planned.failed,
            env=planned.settings.env,
            max_argv=planned.settings.max_argv,
            max_env=planned.settings.max_env,
            redacted=planned.redactor is not None,
        )

    def _base(self) -> form.Base:
        heads = map(layout.FRAME_STRUCT.unpack, self._last.values())
        last = [(cpu, kind, sequence, time_ns) for sequence, time_ns, _, cpu, kind, _ in heads]
        return form.Base(last, self._unnumbered, self._asked)

    @property
    def due(self) -> int | None:
        """When flush_due() is wanted, in ns since boot; None while nothing waits."""
        return self._chapter.begun + FLUSH_NS if self._chapter and self._chapter.begun is not None else None

    def flush_due(self) -> None:
        """Writes what has waited for long."""
        now = boot_ns()
        if self._chapter and self.due is not None and now >= self.due:
            with self._forgiving():
                self._chapter.flush(now)

    def end(self, kind: int, stats: Stats) -> None:
        """Ends the chapter: the recording too, or the next follows."""
        self._put(form.packed(kind, boot_ns(), stats))
        if self._chapter:
            with self._forgiving():
                self._chapter.flush(boot_ns())

    def save(self) -> None:
        """Writes what is kept in memory to the file."""
        if isinstance(self._store, Memory):
            with self._forgiving():
                self._store.save()

    def close(self) -> None:
        """Writes what waits, and that is all."""
        chapter, self._chapter = self._chapter, None
        if chapter:
            with self._forgiving():
                chapter.flush(boot_ns())
                self._store.close()

    def discard(self) -> None:
        """Has nothing stay of it, as what was to be recorded has not begun."""
        self._chapter = None
        with suppress(OSError, OutputError):
            self._store.discard()

    # -- what a Taker is handed ---------------------------------------------------------------

    def __call__(self, frames: Sequence[bytes], boot: Boot) -> list[Event]:
        """Writes a batch."""
        if frames:
            self._group(form.BATCH, frames, boot)
        if self._numbers:
            last = {frame[_CPU_AND_KIND]: frame for frame in frames}
            self._last |= {key: frame[: layout.FRAME_STRUCT.size] for key, frame in last.items()}
        return []

    def unnumbered(self, failed: Mapping[str, int], now_boot_ns: int, boot: Boot) -> list[Event]:
        self._unnumbered, self._asked = dict(failed), now_boot_ns
        self._put(form.packed(form.UNNUMBERED, now_boot_ns, (boot.wall_offset, failed)))
        return []

    def learn(self, living: Sequence[bytes], boot: Boot) -> list[Exec]:
        """Writes down who lives; of whom the memory is wanted too, being new or changed since that was settled last."""
        self._group(form.LIVING, living, boot)
        self._looked = _executed(living)
        events = (decode(frame, boot) for frame in living if executed(frame))
        return [
            event
            for event in events
            if isinstance(event, Exec) and self._executed.get((event.pid, event.process_start_time)) != event.exec_id
        ]

    def complete(self, event: Exec, argv: bytes | None, env: bytes | None, settings: Settings) -> None:
        memory = form.Memory(event.pid, event.process_start_time, argv, env if settings.env else None, event.redacted)
        self._put(form.packed(form.MEMORY, boot_ns(), memory))

    def forget(self, event: Exec) -> None:
        """Nothing: whose memory is not there is forgotten."""

    def settle(self) -> list[Event]:
        self._executed = self._looked
        self._put(form.record(form.SETTLE, boot_ns()))
        return []

    def finish(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, boot: Boot) -> list[Event]:
        counts = [(cpu, name, count) for (cpu, name), count in produced.items()]
        self._put(form.packed(form.FINISH, now_boot_ns, (boot.wall_offset, counts)))
        return []

    # -- writing ------------------------------------------------------------------------------

    def _group(self, kind: int, frames: Sequence[bytes], boot: Boot) -> None:
        """Frames that belong together, with what they name; each block stands by itself."""
        now = boot_ns()
        for start in range(0, len(frames) or 1, CHUNK_FRAMES):
            chapter = self._chapter
            if not chapter:
                return
            if chapter.begun is None:
                self._seen.forget()
            chunk = frames[start : start + CHUNK_FRAMES]
            opening = form.record(form.MORE if start else kind, now, wall_offset=boot.wall_offset)
            names = self._seen(chunk)
            with self._forgiving():
                chapter.add([form.packed(form.NAMES, now, names)] if names else [], now)
                chapter.add((opening, *chunk), now)

    def _put(self, record: bytes) -> None:
        if self._chapter:
            with self._forgiving():
                self._chapter.add((record,), form.time_of(record))

    def _write(self, data: bytes) -> None:
        self._store.write(data)
        self.chapter_bytes += len(data)
        self.written += len(data)

    @contextmanager
    def _forgiving(self, *, unless: bool = False) -> Iterator[None]:
        """Where the output fails nothing is written any more, and what is recorded goes on."""
        try:
            yield
        except OutputError as error:
            if unless:
                raise
            self.error = error
            self._chapter = None
            with suppress(OutputError):
                self._store.close()


def _executed(living: Iterable[bytes]) -> dict[tuple[int, int], int]:
    """How often each process has executed something, by its pid and start."""
    heads = (layout.HEAD_STRUCT.unpack_from(frame)[len(layout.FRAME) :] for frame in living)
    return {(pid, start): exec_id for start, _, _, _, exec_id, pid, *_ in heads}


def _plain(text: str) -> str:
    """The text as UTF-8 can have it: a byte that is none is spelt out."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
