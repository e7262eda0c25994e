"""The options that watch and run share."""

from __future__ import annotations

import argparse
import glob
import math
import os
import re
import textwrap
from functools import partial
from mmap import PAGESIZE
from typing import TYPE_CHECKING, Any, Literal

from whatran.errors import UsageError
from whatran.process.users import uid_of
from whatran.sinks import FORMATS
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.cli.parser import Parser
    from whatran.plan import Failed
    from whatran.plan import Options as Capture
    from whatran.process.accounts import Account
    from whatran.rules.engine import Engine
    from whatran.source.choose import Wanted

MAX_BUFFER = 1 << 31
"""The kernel takes the size of a map as a 32-bit number, and this one's as a power of two."""

_TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Options(argparse.Namespace):
    """What was asked for on the command line."""

    command: list[str]
    format: str
    output: str | None
    fields: list[str] | None
    env: list[list[str] | None]
    failed: Failed
    threads: bool
    count: int | None
    timeout: float | None
    scope: Literal["tree", "cgroup"]
    pid: list[int]
    tree: list[int]
    cgroup: list[str]
    container: list[str]
    not_tree: list[int]
    not_cgroup: list[str]
    not_container: list[str]
    uid: list[int]
    comm: list[str]
    filter: list[str]
    max_argv: int | None
    max_env: int | None
    rate_limit: int | None
    buffer: int
    source: Wanted
    rules: list[str | None]
    alert: list[str]
    webhook: list[str]
    syslog: list[str | None]
    alert_rate: int | None
    fail_on: str | None
    only_alerts: bool
    redact: bool
    stats: bool
    as_root: bool
    verbose: int

    @property
    def filtered(self) -> bool:
        """Whether a process may be shown of which an exit is not."""
        return bool(self.pid or self.uid or self.comm or self.filter or self.not_tree or self.not_cgroup)

    def check_fields(self) -> None:
        """UsageError for what cannot be written."""
        if self.fields is None:
            return
        if self.format not in {"jsonl", "lives"}:
            raise UsageError(f"--fields is for jsonl and lives, not for {self.format}: give --format jsonl too")

        from whatran.filter import FIELDS, check_field  # noqa: PLC0415 (not for --help)
        from whatran.process.lives import Life  # noqa: PLC0415

        lives = Life.__struct_fields__
        for name in self.fields:
            if self.format == "jsonl" and name in lives and name not in FIELDS:
                raise UsageError(f"--fields: {name} is a field of lives: give --format lives")
            if self.format == "lives" and name in FIELDS and name not in lives:
                raise UsageError(
                    f"--fields: {name} is no field of lives, which are other than events': see docs/events.md"
                )
            check_field(name, lives if self.format == "lives" else FIELDS, "--fields")

    def without(self) -> list[str]:
        """The filters that leave out what has none of the fields that are asked for."""
        from whatran.filter import without  # noqa: PLC0415 (not for --help)

        return without(self.fields or (), judged=bool(self.rules)) if self.format == "jsonl" else []

    def capture(self, rules: Engine | None = None, ours: Sequence[int] = (), account: Account | None = None) -> Capture:
        """What of it `whatran.watch` is to be told, whatever the command.

        ``ours`` are processes to leave out too; ``account`` is whom the command is run as.
        """
        self.check_fields()
        return {
            "scope": self.scope,
            "not_tree": [*self.not_tree, *ours],
            "not_cgroup": self.not_cgroup,
            "not_container": self.not_container,
            "uid": self.uid,
            "comm": self.comm,
            "filters": self.filter,
            "env": None in self.env or [name for names in self.env for name in names or ()],
            "failed": self.failed,
            "threads": self.threads,
            "fields": self.fields if self.fields is not None and self.format == "jsonl" else None,
            "max_argv": self.max_argv,
            "max_env": self.max_env,
            "rate_limit": self.rate_limit,
            "ring_bytes": self.buffer,
            "source": self.source,
            "bpf_stats": self.stats,
            "rules": rules or (),
            "redact": self.redact,
            "user": account.uid if account else None,
        }


def add_options(parser: Parser, *, form: str, output: str, count: str, timeout: str) -> argparse._ArgumentGroup:
    """Give the parser the shared options, some with help texts of the command's own; the group of the filters."""
    out = add_output(parser, form=form, output=output, count=count)
    out.add_argument("--timeout", type=seconds, metavar="S", help=timeout)
    add_capture(parser)
    only = add_filters(parser)
    add_left_out(only)
    add_stats(parser)
    add_verbose(parser)
    return only


def add_output(parser: Parser, *, form: str, output: str, count: str) -> argparse._ArgumentGroup:
    """What is shown, and where; the group of these."""
    out = parser.add_argument_group("output")
    out.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default=form,
        help="table: one line an exec, live; tree: who started what, at the end; jsonl: one JSON object an event, "
        "live; lives: one JSON object a process, when it ends "
        "(default: %(default)s)",
    )
    out.add_argument(
        "--fields",
        type=field_names,
        action="extend",
        metavar="NAME,...",
        help="with jsonl and lives: no more than these fields of each object, beside event; with jsonl, events without "
        "any are not told, and what else takes time is not read (fields: see below)",
    )
    out.add_argument("-o", "--output", metavar="FILE", help=output)
    out.add_argument("-n", "--count", type=number, metavar="COUNT", help=count)
    return out


def add_capture(parser: Parser) -> None:
    """What is captured, and how."""
    parser.set_defaults(fields=None)
    what = parser.add_argument_group("what is captured")
    what.add_argument(
        "--env",
        nargs="?",
        type=names,
        action="append",
        default=[],
        metavar="NAME,...",
        help="the environment of each exec too, or of it only these variables, shown by jsonl; beware of secrets",
    )
    add_redact(what)
    what.add_argument(
        "--failed",
        choices=("fold", "all", "none"),
        default="fold",
        help="execs that failed: fold: a search of PATH is one; all: each attempt; none (default: %(default)s)",
    )
    what.add_argument("--threads", action="store_true", help="the start and the end of each thread too, shown by jsonl")
    for option, of in (("--max-argv", "arguments"), ("--max-env", "environment")):
        what.add_argument(
            option, type=_size, metavar="SIZE", help=f"keep no more of the {of}, as 4K; what is cut is flagged"
        )
    what.add_argument(
        "--rate-limit",
        type=number,
        metavar="N",
        help="of each kind no more than N events a second from each cgroup; what is over is counted and told as gaps",
    )
    add_source(what)


def add_source(what: argparse._ArgumentGroup) -> None:
    """What tells of it all."""
    what.add_argument(
        "--buffer",
        type=_buffer,
        default="16M",
        metavar="SIZE",
        help="size of eBPF's buffer in the kernel, a power of two such as 512K or 64M (default: %(default)s)",
    )
    what.add_argument(
        "--source",
        choices=("auto", "ebpf", "ptrace"),
        default="auto",
        help="what tells of it all: ebpf; ptrace, which needs no privilege but follows commands only; auto: ebpf where "
        "that can be used, else ptrace (default: %(default)s)",
    )


def add_redact(group: argparse._ActionsContainer) -> None:
    """Whether secrets are seen."""
    group.add_argument(
        "--redact",
        action="store_true",
        default=True,
        help="put a digest where arguments and environments have what looks like a password or a key (the default)",
    )
    group.add_argument(
        "--no-redact",
        action="store_false",
        dest="redact",
        help="keep and show arguments and environments as they are, with all secrets",
    )


def add_filters(parser: Parser, *, recorded: bool = False) -> argparse._ArgumentGroup:
    """What is kept; the group of these. ``recorded`` says that users are those of another machine: all is a filter."""
    only = parser.add_argument_group(
        "filters", "Each can be repeated: values of one kind are alternatives, and every kind must fit."
    )
    if recorded:
        for option, filter_of, metavar, help_ in (
            ("uid", _recorded_user, "USER", "this user, by name or number, as it was recorded"),
            ("comm", lambda operator, name: f"comm{operator}{_exactly(name)}", "NAME", "processes of this name"),
        ):
            for prefix, operator, which in (("--", "=", "only"), ("--not-", "!=", "not")):
                only.add_argument(
                    prefix + option,
                    type=partial(filter_of, operator),
                    action="append",
                    dest="filter",
                    metavar=metavar,
                    help=f"{which} {help_}",
                )
    else:
        _add_pair(only, "uid", "USER", "this user, by name or number", type_=uid_of, negate=lambda uid: f"uid!={uid}")
        _add_pair(
            only, "comm", "NAME", "processes of this name", type_=str, negate=lambda name: f"comm!={_exactly(name)}"
        )
    for option, operator, help_ in (("--path", "=", "only"), ("--not-path", "!=", "not")):
        only.add_argument(
            option,
            type=partial(_path_prefix, operator),
            action="append",
            dest="filter",
            metavar="PREFIX",
            help=f"{help_} programs whose path begins with this",
        )
    only.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FIELD=GLOB",
        help="only where the field is like this, or with != unlike this: 'pathname=/usr/*' (fields: see below)",
    )
    parser.set_defaults(pid=[], tree=[], cgroup=[], container=[], not_tree=[], not_cgroup=[], not_container=[])
    parser.set_defaults(filter=[], scope="tree")
    return only


def add_left_out(filters: argparse._ArgumentGroup) -> None:
    """Whom not to watch."""
    for option, type_, metavar, what_ in (
        ("--not-tree", _pid, "PID", "process and its descendants"),
        ("--not-cgroup", str, "PATH", "cgroup and those below it"),
        ("--not-container", str, "NAME", "container, by name or id"),
    ):
        filters.add_argument(option, type=type_, action="append", metavar=metavar, help=f"not this {what_}")


def add_stats(parser: Parser) -> None:
    """What it cost."""
    parser.add_argument(
        "--stats",
        action="store_true",
        help="say at the end what was counted and what that cost; SIGUSR2 has it said at any time, also without this, "
        "but then not what the BPF programs take, as it costs a little to measure that",
    )


def add_verbose(parser: Parser, *, twice: str = "; twice: every detail of libbpf too") -> None:
    """How much is said."""
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help=f"say on standard error what is being done{twice}"
    )


def add_scope(filters: argparse._ArgumentGroup) -> None:
    """Give it the options for some of the processes of a machine."""
    filters.add_argument("--pid", type=_pid, action="append", help="only this process")
    filters.add_argument(
        "--tree", type=_pid, action="append", metavar="PID", help="only this process and its descendants"
    )
    filters.add_argument(
        "--cgroup",
        action="append",
        metavar="PATH",
        help="only this cgroup and those below it, as /proc/PID/cgroup has it",
    )
    filters.add_argument("--container", action="append", metavar="NAME", help="only this container, by name or id")


def _add_pair(
    group: argparse._ArgumentGroup,
    name: str,
    metavar: str,
    what: str,
    *,
    type_: Callable[[str], Any],
    negate: Callable[[Any], str],
) -> None:
    """An option that takes values of a field, and one that adds filters against them."""
    group.add_argument(f"--{name}", type=type_, action="append", default=[], metavar=metavar, help=f"only {what}")
    group.add_argument(
        f"--not-{name}",
        type=lambda text: negate(type_(text)),
        action="append",
        dest="filter",
        metavar=metavar,
        help=f"not {what}",
    )


def _exactly(comm: str) -> str:
    """A glob for a name; the kernel keeps 15 bytes of it."""
    return glob.escape(os.fsdecode(os.fsencode(comm)[:15]))


def _recorded_user(operator: str, user: str) -> str:
    """A filter for a user; whoever recorded it has their names."""
    return f"{'uid' if user.isdecimal() else 'user'}{operator}{glob.escape(user)}"


def add_as_root(parser: Parser) -> None:
    """Whose the command is."""
    parser.add_argument(
        "--as-root",
        action="store_true",
        help="run the command as root, where sudo, doas or pkexec has made us so, and not as who has called that",
    )


def open_output(path: str | None, default: Callable[[], Output], caller: Account | None = None) -> Output:
    """Where -o says, "-" being standard output; where it says nothing, the default."""
    if path is None:
        return default()
    return Output.stdout() if path == "-" else Output.open(path, (caller.uid, caller.gid) if caller else None)


def fields_help() -> str:
    """The fields of each kind of event, as a table for --help."""
    from whatran.event import Exec, ExecFailed, Exit, Fork, TaskEvent  # noqa: PLC0415 (for help only)

    common = TaskEvent.__struct_fields__
    rows = [("always", common)]
    rows += [
        (f"on {title}", kind.__struct_fields__[len(common) :])
        for title, kind in (("exec", Exec), ("fork", Fork), ("exit", Exit), ("failed", ExecFailed))
    ]
    lines = [
        textwrap.fill(" ".join(fields), 79, initial_indent=f"  {title:<11}", subsequent_indent=" " * 13)
        for title, fields in rows
    ]
    return "\n".join(["fields:", *lines])


def _path_prefix(operator: str, prefix: str) -> str:
    if not prefix.startswith(("/", "memfd:")):
        raise UsageError(f"{prefix!r} begins no path; give one as programs really lie, as /usr/bin/")
    return f"pathname{operator}{glob.escape(prefix)}*"


def field_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"{text!r} names no fields; give names, as in pathname,argv")
    return names


def names(text: str) -> list[str]:
    names = text.split(",")
    if not all(names) or any("=" in name for name in names):
        raise UsageError(f"{text!r} names no variables; give names, as in PATH,HOME")
    return names


def size_or_seconds(text: str) -> tuple[int | None, float | None]:
    """A size as 100M, or a time as 90s, 30m, 12h or 1d."""
    if re.fullmatch(r"0*[1-9][0-9]{0,9}[KMG]", text):
        return _bytes(text), None
    if re.fullmatch(r"[0-9]*[smhd]", text):
        return None, duration(text)
    raise UsageError(f"{text!r} is no size and no time; give one, as 100M (with K, M or G) or 1h (with s, m, h or d)")


def duration(text: str) -> float:
    """Seconds in a time as 90s, 30m, 12h or 1d."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if not match or not int(match[1]):
        raise UsageError(f"{text!r} is no time; give a number with s, m, h or d, as 10m for ten minutes")
    return float(int(match[1]) * _TIMES[match[2]])


def number(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"{text!r} is no number of records; give 1 or more")
    return int(text)


def seconds(text: str) -> float:
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
