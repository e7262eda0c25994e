"""The options that watch and run share."""

from __future__ import annotations

import argparse
import math
import re
import textwrap
from mmap import PAGESIZE
from typing import TYPE_CHECKING, TypedDict

from whatran.errors import UsageError
from whatran.process.users import uid_of
from whatran.sinks import FORMATS
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from whatran.cli.parser import Parser

MAX_BUFFER = 1 << 31
"""The kernel takes the size of a map as a 32-bit number, and this one's as a power of two."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Options(argparse.Namespace):
    """What was asked for on the command line."""

    command: list[str]
    format: str
    output: str | None
    env: bool
    threads: bool
    count: int | None
    timeout: float | None
    pid: list[int]
    tree: list[int]
    uid: list[int]
    comm: list[str]
    filter: list[str]
    max_argv: int | None
    max_env: int | None
    buffer: int
    verbose: int

    def capture(self) -> Capture:
        """What of it `whatran.watch` is to be told, whatever the command."""
        return {
            "pid": self.pid,
            "tree": self.tree,
            "uid": self.uid,
            "comm": self.comm,
            "filters": self.filter,
            "env": self.env,
            "threads": self.threads,
            "max_argv": self.max_argv,
            "max_env": self.max_env,
            "ring_bytes": self.buffer,
        }


class Capture(TypedDict):
    """Keyword arguments of `whatran.watch`."""

    pid: list[int]
    tree: list[int]
    uid: list[int]
    comm: list[str]
    filters: list[str]
    env: bool
    threads: bool
    max_argv: int | None
    max_env: int | None
    ring_bytes: int


def add_options(parser: Parser, *, form: str, output: str, count: str, timeout: str) -> argparse._ArgumentGroup:
    """Give the parser the shared options, some with help texts of the command's own; the group of the filters."""
    out = parser.add_argument_group("output")
    out.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default=form,
        help="table: one line an exec, live; tree: who started what, at the end; jsonl: one JSON object an event, "
        "live; lives: one JSON object a process, when it ends "
        "(default: %(default)s)",
    )
    out.add_argument("-o", "--output", metavar="FILE", help=output)
    out.add_argument("-n", "--count", type=_count, metavar="COUNT", help=count)
    out.add_argument("--timeout", type=_seconds, metavar="S", help=timeout)

    what = parser.add_argument_group("what is captured")
    what.add_argument(
        "--env", action="store_true", help="the environment of each exec too, shown by jsonl; beware of secrets"
    )
    what.add_argument("--threads", action="store_true", help="the start and the end of each thread too, shown by jsonl")
    for option, of in (("--max-argv", "arguments"), ("--max-env", "environment")):
        what.add_argument(
            option, type=_size, metavar="SIZE", help=f"keep no more of the {of}, as 4K; what is cut is flagged"
        )
    what.add_argument(
        "--buffer",
        type=_buffer,
        default="8M",
        metavar="SIZE",
        help="size of the kernel's buffer, a power of two such as 512K or 64M (default: %(default)s)",
    )

    only = parser.add_argument_group(
        "filters", "Each can be repeated: values of one kind are alternatives, and every kind must fit."
    )
    only.add_argument(
        "--uid", type=uid_of, action="append", default=[], metavar="USER", help="only this user, by name or number"
    )
    only.add_argument("--comm", action="append", default=[], metavar="NAME", help="only processes of this name")
    only.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FIELD=GLOB",
        help="only where the field is like this, or with != unlike this: 'pathname=/usr/*' (fields: see below)",
    )

    parser.set_defaults(pid=[], tree=[])
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="say on standard error what is being done; twice: every detail of libbpf too",
    )
    return only


def add_scope(filters: argparse._ArgumentGroup) -> None:
    """Give it the options for some of the processes of a machine."""
    filters.add_argument("--pid", type=_pid, action="append", help="only this process")
    filters.add_argument(
        "--tree", type=_pid, action="append", metavar="PID", help="only this process and its descendants"
    )


def open_output(path: str | None, default: Callable[[], Output]) -> Output:
    """Where -o says, "-" being standard output; where it says nothing, the default."""
    if path is None:
        return default()
    return Output.stdout() if path == "-" else Output.open(path)


def fields_help() -> str:
    """The fields of each kind of event, as a table for --help."""
    from whatran.event import Exec, Exit, Fork, TaskEvent  # noqa: PLC0415 (for help only)

    common = TaskEvent.__struct_fields__
    rows = [("always", common)]
    rows += [
        (f"on {title}", kind.__struct_fields__[len(common) :])
        for title, kind in (("exec", Exec), ("fork", Fork), ("exit", Exit))
    ]
    lines = [
        textwrap.fill(" ".join(fields), 79, initial_indent=f"  {title:<9}", subsequent_indent=" " * 11)
        for title, fields in rows
    ]
    return "\n".join(["fields:", *lines])


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"{text!r} is no number of records; give 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise UsageError(f"{text!r} is no number of seconds; give one above 0, as 2.5")
    return seconds


def _pid(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"{text!r} is no process id; give a number, as ps shows it")
    return int(text)


def _bytes(text: str) -> int:
    """The number in a size as 4096, 4K or 8M; -1 for what is none."""
    match = re.fullmatch(r"(\d{1,10})([KMG]?)", text.upper(), re.ASCII)
    return int(match[1]) * _UNITS[match[2]] if match else -1


def _size(text: str) -> int:
    size = _bytes(text)
    if not 0 <= size < MAX_BUFFER:
        raise UsageError(f"{text!r} is no size; give a number of bytes below 2G, as 4096 or 4K")
    return size


def _buffer(text: str) -> int:
    size = _bytes(text)
    if not PAGESIZE <= size <= MAX_BUFFER or size.bit_count() != 1:
        raise UsageError(f"{text!r} is no size of a buffer; give a power of two from {PAGESIZE // 1024}K to 2G, as 8M")
    return size
