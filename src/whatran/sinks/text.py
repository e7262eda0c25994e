"""Text for people: whatever the kernel handed over, made safe to print and cut to columns; pure."""

from __future__ import annotations

import errno
import re
import signal
import unicodedata
from typing import TYPE_CHECKING

from whatran.sinks.output import RED, YELLOW
from whatran.visible import escape as escape  # noqa: PLC0414 (all text for people is had from here)
from whatran.visible import visible_char

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.event import Alert, Exec, ExecFailed, Exit, Gap
    from whatran.process.lives import Failure, Life, Program

ELLIPSIS = "…"

GRAVE = ("high", "critical")
"""Levels of alerts."""

MOST_ABOVE = 4
"""How many ancestors an alert names: what follows is mostly the same for all."""

_BARE = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def quote(argv: Sequence[str]) -> str:
    """The command line, safe to print, that a shell (bash, zsh, POSIX 2024) would read back as ``argv``."""
    return " ".join(map(_quote, argv))


def _quote(argument: str) -> str:
    if _BARE.fullmatch(argument):
        return argument
    visible = escape(argument)
    if visible != argument:
        escaped = "".join(visible_char(char) if char not in "\\'" else "\\" + char for char in argument)
        return f"$'{escaped}'"
    if "'" not in argument:
        return f"'{argument}'"
    if not re.search(r'["$`\\!]', argument):
        return f'"{argument}"'
    return "'" + argument.replace("'", r"'\''") + "'"


def command(event: Exec | ExecFailed | Program | Failure) -> str:
    """The command line of an exec; where there is none, the program's path in brackets."""
    if not event.argv:
        return f"[{escape(getattr(event, 'pathname', None) or event.cmdpath or event.comm)}]"
    line = quote(event.argv)
    if "argv" in event.truncated:
        line += f" {ELLIPSIS} ({event.truncated['argv']} bytes)"
    return line


FIRST_MARK = "\u0300"
"""Before it every visible character, as µ, takes one column."""


def columns(text: str) -> int:
    """How many columns of a terminal the escaped text takes."""
    return len(text) if text.isascii() or max(text) < FIRST_MARK else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, width: int) -> str:
    """The escaped text, cut with an ellipsis where it takes more than ``width`` columns."""
    if len(text) <= width and text.isascii():
        return text
    taken = 0
    end = 0  # of what fits together with an ellipsis
    for index, char in enumerate(text):
        taken += _columns(char)
        if taken > width:
            return text[:end] + ELLIPSIS if width > 0 else ""
        if taken < width:
            end = index + 1
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The escaped text with spaces up to ``width`` columns; whole where it is wider."""
    spaces = " " * (width - columns(text))
    return spaces + text if right else text + spaces


def duration(ns: int) -> str:
    """A length of time to three digits: ``850µs``, ``12.3ms``, ``1.24s``, ``2:05``, ``1:02:05``."""
    if ns < 999_500:
        return f"{ns / 1e3:.0f}µs"
    if ns < 999_500_000:
        return _three_digits(ns / 1e6) + "ms"
    if ns < 59_950_000_000:
        return _three_digits(ns / 1e9) + "s"
    minutes, seconds = divmod(round(ns / 1e9), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".")


def missing(gap: Gap) -> str:
    """What a gap says: ``… 12 sched_process_exec lost on CPU 3: ring full``."""
    from whatran.wire.gaps import ANY_CPU, RATE_LIMIT  # noqa: PLC0415 (not for --help)

    what = "left out" if gap.reason == RATE_LIMIT else "lost"
    where = "" if gap.cpu == ANY_CPU else f" on CPU {gap.cpu}"
    return f"{ELLIPSIS} {gap.count} {escape(gap.kind)} {what}{where}: {gap.reason}"


def warning(alert: Alert) -> str:
    """What an alert says: ``! high: Shell Of A Web Server (T1505.003): sh -c id, pid 123, root, by nginx``."""
    process = alert.process
    attack = f" ({', '.join(alert.attack)})" if alert.attack else ""
    above = " < ".join(map(escape, process.ancestors[:MOST_ABOVE]))
    user = f"uid {process.uid}" if process.user is None else escape(process.user)
    who = f"pid {process.pid}, {user}"
    text = f"! {alert.level}: {escape(alert.rule)}{escape(attack)}: {command(process)}, {who}"
    return text + (f", by {above}" if above else "") + (f", {alert.count} times" if alert.count > 1 else "")


def colour(notice: Gap | Alert) -> str:
    """Red for what is grave, else yellow."""
    return RED if getattr(notice, "level", None) in GRAVE else YELLOW


def reason(event: ExecFailed | Failure) -> str:
    """Why an exec failed, as its errno is called: ``ENOENT``."""
    return errno.errorcode.get(event.errno, f"E{event.errno}")


def status(ended: Exit | Life) -> str:
    """How a process ended: its exit status or the signal that killed it, as in ``0``, ``1``, ``SIGSEGV core``."""
    if not ended.signal_code:
        return str(ended.exit_code)
    try:
        name = signal.Signals(ended.signal_code).name
    except ValueError:  # a real-time signal: they have numbers only
        name = f"SIG{ended.signal_code}"
    return f"{name} core" if ended.core_dumped else name


def size(number: int) -> str:
    """Bytes to three digits: ``712 KiB``, ``3.52 MiB``, ``143 MiB``."""
    value, unit = number / 1024, "KiB"
    for larger in ("MiB", "GiB"):
        if value >= 999.5:
            value, unit = value / 1024, larger
    return f"{value:#.3g}".rstrip(".") + f" {unit}"


def counted(number: int, one: str, many: str) -> str:
    """A number of them, in words."""
    return f"{number} {one if number == 1 else many}"
