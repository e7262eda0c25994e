"""Execs as a baseline sees them: of recordings, of a command that is run, or of a machine that is watched."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from whatran.cli.follow import alarm, follow, handling
from whatran.cli.messages import given_up, more_room, say
from whatran.cli.options import add_as_root, seconds
from whatran.cli.progress import Bar
from whatran.cli.running import HEARD, TIMED_OUT, Running, status
from whatran.errors import UsageError
from whatran.sinks.output import YELLOW
from whatran.sinks.text import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from whatran.baseline.observe import Observation, Observer
    from whatran.cli.parser import Parser
    from whatran.event import Event, Exec
    from whatran.process.accounts import Account
    from whatran.watching import Watch


TROUBLE = 2


class Make(Protocol):
    """Makes an observer of what comes from a command, or of all there is."""

    def __call__(self, *, command: bool) -> Observer: ...


class Seen(NamedTuple):
    """An exec and what a baseline sees of it."""

    event: Exec
    observation: Observation


def split(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """What comes before --, and the command after it; None where there is none."""
    if "--" not in argv:
        return list(argv), None
    at = list(argv).index("--")
    if not argv[at + 1 :]:
        raise UsageError("there is no command after --; give one, as in: -- make")
    return list(argv[:at]), list(argv[at + 1 :])


def add_inputs(parser: Parser) -> None:
    """Let it take recordings, or a command."""
    parser.add_argument("file", nargs="*", default=[], metavar="FILE", help='recordings; "-" is standard input')
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="stop watching after S seconds; send a command SIGTERM then"
    )
    add_as_root(parser)


def observe(observer: Observer, events: Sequence[Event]) -> list[Seen]:
    """The execs among the events."""
    return [Seen(event, seen) for event in events if (seen := observer(event))]  # type: ignore[arg-type]


class Taken(NamedTuple):
    """How that went."""

    status: int
    """The command's; of recordings 0, or 2 where one could not be read whole."""
    lost: int
    """How many records were lost, which is said."""


def recorded(files: Sequence[str], make: Make, take: Callable[[list[Seen]], object]) -> Taken:
    """Have all of them taken, each recording by itself."""
    each = [_recorded(group, make, take) for group in _recordings(files)]
    return Taken(max(taken.status for taken in each), sum(taken.lost for taken in each))


def _recorded(files: Sequence[str], make: Make, take: Callable[[list[Seen]], object]) -> Taken:
    from whatran.replaying import replay  # noqa: PLC0415 (not for --help)

    observers: list[Observer] = []

    def older(event: Exec) -> None:
        observers[0].older(event)

    def ended(those: Sequence[tuple[int, int]]) -> None:
        observers[0].forget(those)

    with (
        Bar("reading") as bar,
        replay(files, failed="none", env=False, advanced=bar.advance, older=older, ended=ended) as replaying,
    ):
        bar.total = replaying.size
        observers.append(make(command=any(header.command for header in replaying.headers)))
        for events in replaying.batches():
            take(observe(observers[0], events))
    for problem in replaying.problems:
        say(problem, style=YELLOW)
    if lost := replaying.stats.lost:
        what = counted(lost, "record", "records")
        say(f"{', '.join(files)}: {what} lost: the recording is not complete, more may have run", style=YELLOW)
    return Taken(TROUBLE if replaying.problems else 0, lost)


def _recordings(files: Sequence[str]) -> list[list[str]]:
    """The files of each recording together."""
    from whatran.replaying import replay  # noqa: PLC0415 (not for --help)

    groups: dict[str, list[str]] = {}
    for file in files:
        if file == "-":  # can be read but once
            groups.setdefault(file, []).append(file)
            continue
        with replay([file]) as replaying:
            groups.setdefault(replaying.headers[0].recording, []).append(file)
    return list(groups.values())


class Taking:
    """A sink for follow()."""

    due = None

    def __init__(self, observer: Observer, take: Callable[[list[Seen]], object]) -> None:
        self._observer = observer
        self._take = take

    def write(self, events: Sequence[Event]) -> int:
        self._take(observe(self._observer, events))
        return 0

    def release(self, now_boot_ns: int) -> int:
        return 0

    def close(self) -> int:
        return 0


@contextmanager
def open_watch(
    command: Sequence[str] | None,
    observer: Observer,
    options: dict[str, Any],
    *,
    ours: bool,
    files_to_come: bool = False,
) -> Iterator[Watch]:
    """A watch of execs; the observer is told of the processes that are there before.

    Where this process is ``ours``, it gives up the privileges that it does not need within.
    """
    from whatran.cli.privileges import give_up  # noqa: PLC0415 (not for --help)
    from whatran.pipeline import Pipeline, stages  # noqa: PLC0415 (not for --help)
    from whatran.plan import plan  # noqa: PLC0415 (not for --help)
    from whatran.process.facts import Facts  # noqa: PLC0415 (not for --help)
    from whatran.watching import Watch  # noqa: PLC0415 (not for --help)

    planned = plan(command, failed="none", **options)
    taker = Pipeline(
        stages(Facts(), planned.env_names, planned.conditions), older=observer.older, ended=observer.forget
    )
    with Watch(planned, taker) as watching:
        if ours:
            give_up(watching, files_to_come=files_to_come)
        yield watching


class Following(NamedTuple):
    """How a command is followed."""

    account: Account | None
    """Whom it is run as."""
    ours: bool
    files_to_come: bool = False


def followed(
    command: Sequence[str],
    options: argparse.Namespace,
    how: Following,
    make: Make,
    take: Callable[[list[Seen]], object],
) -> Taken:
    """Run the command to its end and have all of it taken."""
    observer, running = make(command=True), Running()
    wanted = {"source": options.source, "ring_bytes": options.buffer, "user": how.account.uid if how.account else None}
    with (
        handling(dict.fromkeys(HEARD, running.hear)),
        open_watch(command, observer, wanted, ours=how.ours, files_to_come=how.files_to_come) as watching,
    ):
        running.started(watching)
        if watching.source_reason:
            say(f"following by ptrace, as whatran {watching.source_reason}")
        with alarm(options.timeout, running.time_out):
            follow(watching, Taking(observer, take))
    lost = say_lost(watching)
    return Taken(TIMED_OUT if running.timed_out else status(watching.returncode), lost)


def say_lost(watching: Watch) -> int:
    """Say what is not known of what has run; how many records that are."""
    if lost := watching.stats.lost:
        say(f"{counted(lost, 'record', 'records')} lost: more may have run{more_room(watching.stats)}", style=YELLOW)
    if less := given_up(watching.stats):
        say(less.removeprefix(", "))
    return lost
