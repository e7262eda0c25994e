"""Replay: the events of recordings, by the same way as live ones; see whatran.record."""

from __future__ import annotations

import heapq
import io
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Self, get_args

from msgspec.structs import replace

from whatran.errors import RecordingError, UsageError
from whatran.filter import parse
from whatran.plan import Failed, held_against
from whatran.player import Choices, Player
from whatran.recording.read import Begin, Block, Damage, parts
from whatran.redact import Redactor
from whatran.stats import Counts, Stats

if TYPE_CHECKING:
    from whatran.event import Event, Exec
    from whatran.filter import Condition
    from whatran.recording.format import Header
    from whatran.recording.read import Part
    from whatran.rules.engine import Engine

STDIN = "-"

MERGED = 100
"""How many events of several recordings are given at once; each may have some MiB."""

MOST_PROBLEMS = 100
"""How many are told of: who has read so many will not miss the next."""


def replay(
    paths: Iterable[str | os.PathLike[str]],
    *,
    filters: Iterable[str | Condition] = (),
    failed: Failed | None = None,
    env: bool | Collection[str] = True,
    rules: Engine | Iterable[str | os.PathLike[str]] = (),
    redact: bool = True,
    advanced: Callable[[int], None] | None = None,
    older: Callable[[Exec], object] | None = None,
    ended: Callable[[list[tuple[int, int]]], object] | None = None,
) -> Replay:
    """A Replay of recordings: their events in the order of time, each as a watch has or would have told it.

    Files of one recording follow one another, whatever their order here; several recordings are merged. ``-`` is
    standard input. ``filters`` are those of watch(), on top of those it was recorded with. ``failed`` says of execs
    that failed what watch() is told; None is what the recording was told. Of an environment only the variables that
    ``env`` names are given, or none if it is False. ``rules`` are those of watch(). What looks like a secret is
    replaced by a digest, where that was not done when it was recorded, unless ``redact`` is False. ``advanced`` is
    called with numbers of bytes as they are read, ``older`` with the processes that lived as a recording began, each as
    an exec of what it ran then.

    Raises UsageError for what cannot be, RecordingError for what is no recording or one of a newer version.
    """
    if isinstance(paths, (str, bytes)):
        raise UsageError(f"paths are a list, not one path: give [{paths!r}]")
    if failed is not None and failed not in get_args(Failed):
        raise UsageError(f"failed cannot be {failed!r}: give one of {', '.join(get_args(Failed))}")
    conditions = [parse(each) if isinstance(each, str) else each for each in filters]
    if failed == "none":
        conditions.append(parse("event!=process_execute_failed"))
    names = None if env is True else frozenset(env or ())
    choices = Choices(
        tuple(conditions), failed, names, held_against(rules), older, Redactor() if redact else None, ended
    )
    return Replay([os.fspath(path) for path in paths], choices, advanced)


class Replay:
    """Events of recordings: iterate over it, or over batches() of them; a context manager."""

    def __init__(self, paths: list[str], choices: Choices, advanced: Callable[[int], None] | None = None) -> None:
        self.problems: list[str] = []
        """What could not be read, as far as it was read; a sentence each."""
        self._stack = ExitStack()
        self._advanced = advanced
        self._choices = choices
        self._players: list[Player] = []
        if not paths:
            raise UsageError("no recording is given")
        with ExitStack() as opening:
            opening.callback(self.close)
            self._files = [_File(path, self._stack) for path in paths]
            opening.pop_all()
        seen: dict[tuple[str, int], str] = {}
        for file in self._files:
            other = seen.setdefault((file.header.recording, file.header.chapter), file.name)
            if other != file.name or paths.count(file.path) > 1:
                self.close()
                raise UsageError(f"{file.name} has what {other} has: give one of them")
        self.headers = tuple(_redacted(file.header, choices.redactor) for file in self._files)
        """What each file says of itself; of the first chapter, if it has several."""
        self.size = sum(file.size for file in self._files)
        """Bytes of all files; without those of pipes."""

    @property
    def stats(self) -> Stats:
        """What was counted so far."""
        return _sum([player.stats() for player in self._players])

    def __iter__(self) -> Iterator[Event]:
        for events in self.batches():
            yield from events

    def batches(self) -> Iterator[list[Event]]:
        """The events, as many at once as were recorded at once; some are empty."""
        recordings: dict[str, list[_File]] = {}
        for file in sorted(self._files, key=lambda file: file.header.chapter):
            recordings.setdefault(file.header.recording, []).append(file)
        playing = [self._play(files) for files in recordings.values()]
        if len(playing) == 1:
            yield from playing[0]
            return
        merged = heapq.merge(*map(itertools.chain.from_iterable, playing), key=attrgetter("timestamp"))
        while events := list(itertools.islice(merged, MERGED)):
            yield events

    def records(self) -> Iterator[bytes]:
        """Every record as it lies in the files, one file after another."""
        for file in self._files:
            for part in file.parts(self._advanced):
                if isinstance(part, Damage):
                    self._tell(file, part.text)
                elif isinstance(part, Block):
                    for run in part.runs:
                        yield run.record
                        yield from run.frames

    def _play(self, files: list[_File]) -> Iterator[list[Event]]:
        file = files[0]
        player = Player(self._choices, lambda text: self._tell(file, text))
        self._players.append(player)
        for file in files:
            for part in file.parts(self._advanced):
                match part:
                    case Begin():
                        player.begin(part)
                    case Damage():
                        self._tell(file, part.text)
                        yield from player.damaged()
                    case Block():
                        with _named(file):
                            yield from player.block(part)
            yield from player.file_ended()
        yield from player.finish()

    def _tell(self, file: _File, problem: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{file.name}: {problem}")
        elif len(self.problems) == MOST_PROBLEMS:
            self.problems.append("and more of the kind")

    def close(self) -> None:
        """Closes what is open; events can no longer be had."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _File:
    """A file with its header, read in advance."""

    def __init__(self, path: str, stack: ExitStack) -> None:
        self.name = "standard input" if path == STDIN else path
        self.size = 0
        self.path = path
        self._begun: Iterator[Part] | None = None
        try:
            raw = io.FileIO(0, closefd=False) if path == STDIN else io.FileIO(path)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        stack.callback(raw.close)
        about = os.fstat(raw.fileno())
        read = self._parts(raw, None)
        first: list[Part] = []
        self.header = self._first_header(read, first)
        if stat.S_ISREG(about.st_mode) and path != STDIN:
            raw.close()  # there may be more of them than may be open
            self.size = about.st_size
        else:
            self._begun = itertools.chain(first, read)

    def parts(self, advanced: Callable[[int], None] | None) -> Iterator[Part]:
        """All that is in it."""
        if self._begun is not None:
            yield from self._begun
            return
        try:
            raw = io.FileIO(self.path)
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from error
        with raw:
            yield from self._parts(raw, advanced)

    def _parts(self, raw: io.FileIO, advanced: Callable[[int], None] | None) -> Iterator[Part]:
        def read(size: int) -> bytes:
            data = raw.read(size) or b""
            if advanced:
                advanced(len(data))
            return data

        try:
            with _named(self):
                yield from parts(read)
        except OSError as error:
            raise RecordingError(f"cannot read {self.name}: {error.strerror}") from error

    def _first_header(self, read: Iterator[Part], first: list[Part]) -> Header:
        for part in read:
            first.append(part)
            header = part.header if isinstance(part, (Begin, Block)) else None
            if header:
                return header
        raise RecordingError(f"{self.name} has a damaged header, and so has the copy of it: nothing of it can be read")


@contextmanager
def _named(file: _File) -> Iterator[None]:
    """What is wrong with a recording is told with the name of its file."""
    try:
        yield
    except RecordingError as error:
        raise RecordingError(f"{file.name} {error}") from None


def _redacted(header: Header, redactor: Redactor | None) -> Header:
    """A header without the secrets of its command lines."""
    if redactor is None or header.redacted:
        return header
    command = header.command and redactor.command(header.command)
    return replace(header, command=command, argv=redactor.command(header.argv))


def _sum(all_stats: list[Stats]) -> Stats:
    def total(name: str) -> Counts:
        each = [getattr(stats, name) for stats in all_stats]
        return Counts(*(sum(getattr(counts, field) for counts in each) for field in Counts.__struct_fields__))

    return Stats(
        execs=total("execs"),
        forks=total("forks"),
        exits=total("exits"),
        failed=total("failed"),
        texts=total("texts"),
        malformed=sum(stats.malformed for stats in all_stats),
    )
