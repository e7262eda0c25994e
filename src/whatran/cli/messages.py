"""What the tool itself has to say, on standard error."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from whatran.errors import OutputError
from whatran.sinks.output import Output
from whatran.sinks.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.stats import Stats


def say(message: str, style: str | None = None) -> None:
    """One line on standard error, safe to print; where nobody listens there is nobody to tell."""
    with suppress(OutputError, BrokenPipeError):
        stderr = Output.stderr()
        line = f"whatran: {escape(message)}"
        stderr.write_text(stderr.paint(line, style) + "\n")


def given_up(stats: Stats) -> str:
    """What was not told, or not whole, so that the rest could be: the end of a line; empty where there is none."""
    counts = ((stats.limited, "over the rate limit"), (stats.execs.cut, "cut as the buffer was filling up"))
    return "".join(f", {count} {what}" for count, what in counts if count)


def more_room(stats: Stats) -> str:
    """That more room would have helped, as the end of a line; empty where nothing was lost for want of it."""
    counts = (stats.execs, stats.forks, stats.exits, stats.failed, stats.texts)
    return "; a larger --buffer helps" if any(each.lost for each in counts) else ""


def say_lines(lines: Sequence[str]) -> None:
    """Lines that belong together, as they are; nothing of ours comes between them."""
    with suppress(OutputError, BrokenPipeError):
        Output.stderr().write_lines(lines)


def hint(message: str) -> None:
    """The same, only where somebody may be looking: on a terminal."""
    with suppress(OutputError):
        if Output.stderr().terminal:
            say(message)


def hint_secrets(*, redact: bool) -> None:
    """A hint, where secrets are to be seen."""
    if not redact:
        hint("--no-redact: arguments and environments are kept and shown as they are, passwords and keys in them too")


@contextmanager
def logging_to_stderr(verbose: int) -> Iterator[None]:
    """Within, what the package logs is shown, safe to print: warnings, with 1 what is done, with 2 every detail."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Escaped("whatran: %(message)s"))
    logger = logging.getLogger("whatran")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Escaped(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(escape, super().format(record).splitlines()))
