"""Record what ran to a file, to be looked at later with whatran replay.

The cheapest way to watch: nothing is interpreted meanwhile. A command keeps its
input, output and terminal, and its exit status becomes ours, as with whatran run;
without one the whole machine is recorded until Ctrl-C. Only the owner can read
the file; environments (--env) are in it whole or not at all.

--rotate makes FILE-0001.wr, FILE-0002.wr and so on in place of FILE.wr: each can
be replayed by itself, and all together as one. --keep holds the last of what
happened in memory and writes that to FILE on SIGUSR1, and at the end.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.cli.costs import saying_costs
from whatran.cli.follow import alarm, handling
from whatran.cli.messages import given_up, hint, hint_secrets, logging_to_stderr, say
from whatran.cli.options import (
    Options,
    add_as_root,
    add_capture,
    add_filters,
    add_left_out,
    add_scope,
    add_stats,
    add_verbose,
    duration,
    fields_help,
    number,
    seconds,
    size_or_seconds,
)
from whatran.cli.parser import Parser
from whatran.cli.running import HEARD, TIMED_OUT, Running, caller_of, status
from whatran.errors import CommandError, UsageError
from whatran.sinks.output import YELLOW
from whatran.sinks.text import counted, size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.record import Recording


STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Options(Options):
    overwrite: bool
    rotate: tuple[int | None, float | None]
    files: int | None
    keep: float | None


def main(argv: Sequence[str], *, ours: bool) -> int:
    """Record to the end of the command, or until a signal or --timeout says stop; the status."""
    options = _parser().parse_args(argv, namespace=_Options())
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    path = options.output or f"whatran-{time.strftime('%Y-%m-%d')}-{os.getpid()}.wr"
    if path == "-":
        raise UsageError("a recording goes to a file, not to standard output: name one with -o")
    if command:
        _check(command[0])

    from whatran.cli.privileges import give_up, write_as  # noqa: PLC0415 (not for --help)
    from whatran.record import record  # noqa: PLC0415

    account = caller_of(as_root=options.as_root) if command else None
    files_to_come = options.keep is not None or options.rotate != (None, None)
    if account and files_to_come:
        if options.scope == "cgroup":
            raise UsageError("a cgroup is root's, and later files are the caller's: both together only with --as-root")
        if ours:
            write_as(account)
    running, signals = Running(), _Signals()
    rotate_bytes, rotate_seconds = options.rotate
    with (
        logging_to_stderr(options.verbose),
        saying_costs(at_the_end=options.stats) as costs,
        handling(dict.fromkeys(HEARD, running.hear) if command else dict.fromkeys(STOPPED_BY, signals.stop)),
        handling({} if options.keep is None else {signal.SIGUSR1: signals.save}),
        record(
            path,
            command or None,
            overwrite=options.overwrite,
            rotate_bytes=rotate_bytes,
            rotate_seconds=rotate_seconds,
            files=options.files,
            keep_seconds=options.keep,
            pid=options.pid,
            tree=options.tree,
            cgroup=options.cgroup,
            container=options.container,
            timeout=None if command else options.timeout,
            **options.capture(account=account),
        ) as recording,
    ):
        if ours:
            give_up(
                recording,
                env=bool(options.env),
                own_cgroup=options.scope == "cgroup",
                files_to_come=files_to_come and account is None,
            )
        signals.started(recording)
        costs.started(recording)
        if command:
            running.started(recording)
            if recording.source_reason:
                say(f"following by ptrace, as whatran {recording.source_reason}")
        else:
            hint(f"recording to {path}; Ctrl-C ends")
        hint_secrets(redact=options.redact)
        with alarm(options.timeout if command else None, running.time_out):
            _follow(recording, costs.answer, stoppable=not command)
    _say_totals(recording)
    if running.timed_out:
        return TIMED_OUT
    failed = recording.error is not None
    return (status(recording.returncode) if command else 0) or int(failed)


def _check(name: str) -> None:
    """CommandError where there is no such command: before a file is made for it, or gives way to it."""
    if shutil.which(name) is None:
        try:
            Path(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            raise CommandError(f"{name}: command not found", 127) from None
        except OSError as error:
            raise CommandError(f"{name}: cannot be run: {error.strerror}", 126) from None
        raise CommandError(f"{name}: cannot be run: {os.strerror(errno.EACCES)}", 126)


class _Signals:
    """What signals are for the recording, that may not be there yet: to stop it, or to save what it keeps."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self._early: list[Callable[[Recording], None]] = []

    def started(self, recording: Recording) -> None:
        """There it is."""
        self._recording = recording
        for action in self._early:
            action(recording)

    def stop(self, number: signal.Signals) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends us at once, whatever we are waiting for
        self._do(lambda recording: recording.stop())

    def save(self, _: signal.Signals) -> None:
        self._do(lambda recording: recording.save())

    def _do(self, action: Callable[[Recording], None]) -> None:
        if self._recording is None:
            self._early.append(action)
        else:
            action(self._recording)


def _follow(recording: Recording, between: Callable[[], None], *, stoppable: bool) -> None:
    """Records until the end; where there is no command to wait for, no longer than anything can be written."""
    while not recording.ended:
        between()
        recording.read()
        if stoppable and recording.error:
            recording.stop()


def _say_totals(recording: Recording) -> None:
    stats = recording.stats
    if recording.error:
        say(str(recording.error))
    records = stats.execs.seen + stats.forks.seen + stats.exits.seen + stats.failed.seen
    what = counted(records, "record", "records")
    say(f"{what}, {stats.lost} lost{given_up(stats)}{_kept(recording)}", style=YELLOW if stats.lost else None)


def _kept(recording: Recording) -> str:
    """What there is of it in files, and in which; of a flight recorder and the last N files that is not all."""
    files = [path for path in recording.files if path.exists()]
    if not files:
        return ", nothing in a file"
    written = recording.written
    kept = sum(path.stat().st_size for path in files) if all(path.is_file() for path in files) else written
    where = " to ".join(dict.fromkeys((str(files[0]), str(files[-1]))))
    return f"; the last of them, {size(kept)}, in {where}" if kept < written else f", {size(kept)} in {where}"


def _parser() -> Parser:
    parser = Parser(
        "whatran record", __doc__, usage="whatran record [OPTION]... [-- COMMAND [ARGUMENT]...]", epilog=fields_help
    )
    parser.add_argument("command", nargs="...", metavar="COMMAND", help="with its arguments; options come before it")
    out = parser.add_argument_group("output")
    out.add_argument(
        "-o", "--output", metavar="FILE", help="where to write (default: whatran-DATE-PID.wr in this directory)"
    )
    out.add_argument("--overwrite", action="store_true", help="FILE may be there already: it is replaced")
    out.add_argument(
        "--rotate",
        type=size_or_seconds,
        default=(None, None),
        metavar="SIZE|TIME",
        help="go on in a new file after so many bytes, as 100M, or so long, as 1h: FILE-0001.wr, FILE-0002.wr, …",
    )
    out.add_argument("--files", type=number, metavar="N", help="with --rotate: keep only the last N files")
    out.add_argument(
        "--keep",
        type=duration,
        metavar="TIME",
        help="keep only the last of it, as 10m, in memory; write it to FILE on SIGUSR1 and at the end",
    )
    out.add_argument(
        "--timeout", type=seconds, metavar="S", help="stop after S seconds; with a command: send it SIGTERM then"
    )
    add_capture(parser)
    filters = add_filters(parser)
    add_left_out(filters)
    add_scope(filters)
    filters.add_argument(
        "--scope",
        choices=("tree", "cgroup"),
        default="tree",
        help="of a command: tree: it and its descendants; cgroup: also what else runs in the cgroup made for it "
        "(default: %(default)s)",
    )
    add_as_root(parser)
    add_stats(parser)
    add_verbose(parser)
    return parser
