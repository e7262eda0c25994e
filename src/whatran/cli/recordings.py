"""Recordings, as the commands read them that ask about them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from whatran.cli.messages import say
from whatran.cli.progress import Bar
from whatran.sinks.output import YELLOW
from whatran.sinks.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.cli.parser import Parser
    from whatran.replaying import Replay


def add_files(parser: Parser) -> None:
    """Let it take recordings."""
    parser.add_argument("file", nargs="+", metavar="FILE", help='recordings; "-" is standard input')


@contextmanager
def reading(
    files: Sequence[str], filters: Sequence[str] = (), *, env: bool = True, redact: bool = True
) -> Iterator[Replay]:
    """A replay of the recordings, with a bar that shows how far it is."""
    from whatran.replaying import replay  # noqa: PLC0415 (not for --help)

    with (
        Bar("reading") as bar,
        replay(files, filters=filters, env=env, redact=redact, advanced=bar.advance) as replaying,
    ):
        bar.total = replaying.size
        yield replaying


def filtered(replaying: Replay) -> bool:
    """Whether exits may be missing of processes whose other events are not."""
    return any(header.filtered for header in replaying.headers)


def say_missing(replaying: Replay, *, has_gaps: str = "recording") -> int:
    """Say what of the recordings could not be read, and how much was lost; the exit status."""
    for problem in replaying.problems:
        say(problem, style=YELLOW)
    if lost := replaying.stats.lost:
        say(f"{counted(lost, 'record', 'records')} lost: the {has_gaps} has gaps", style=YELLOW)
    return int(bool(replaying.problems))
