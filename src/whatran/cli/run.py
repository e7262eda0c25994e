"""Run a command and show every process it started, when it ends.

The command keeps its standard input, output and terminal, and its exit status
becomes ours: 128 + N if signal N killed it, 127 if it was not found, 126 if it
could not be executed; 124 if --timeout ended it. It runs to its end even where
our own output fails (disk full): then the status is 1, if its own is 0; so it is
where a rule could not be read.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from whatran.cli.alerting import Alerting, add_alerts
from whatran.cli.costs import saying_costs
from whatran.cli.follow import alarm, follow, handling
from whatran.cli.messages import given_up, hint_secrets, logging_to_stderr, more_room, say
from whatran.cli.options import Options, add_as_root, add_options, fields_help, open_output
from whatran.cli.parser import Parser
from whatran.cli.ruling import Ruling, add_rules
from whatran.cli.running import HEARD, TIMED_OUT, Running, caller_of, status
from whatran.errors import OutputError, UsageError
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import YELLOW, Output
from whatran.sinks.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from whatran.event import Event
    from whatran.sinks import Sink


def main(argv: Sequence[str], *, ours: bool) -> int:
    """Run the command to its end; its status."""
    options = _parser().parse_args(argv, namespace=Options())
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("no command to run; give one, as in: whatran -- make")

    from whatran.cli.privileges import give_up  # noqa: PLC0415 (not for --help)
    from whatran.watching import watch  # noqa: PLC0415

    ruling = Ruling(options.rules, only_alerts=options.only_alerts, output=options.output)
    alerting = Alerting(options)
    running, account = Running(), caller_of(as_root=options.as_root)
    with (
        logging_to_stderr(options.verbose),
        saying_costs(at_the_end=options.stats) as costs,
        open_output(options.output, Output.stderr, account) as output,
        alerting,
        handling(dict.fromkeys(HEARD, running.hear)),
        watch(command, **options.capture(ruling.engine, account=account)) as watching,
    ):
        if ours:
            give_up(watching, env=bool(options.env), own_cgroup=options.scope == "cgroup")
        running.started(watching)
        costs.started(watching)
        if watching.source_reason:
            say(f"following by ptrace, as whatran {watching.source_reason}")
        hint_secrets(redact=options.redact)
        sink = _Forgiving(
            output,
            lambda: ruling.of(
                FORMATS[options.format](output, Show(options.count, options.fields, filtered=options.filtered))
            ),
        )
        with alarm(options.timeout, running.time_out):
            follow(watching, alerting.of(sink), between=costs.answer)
    if lost := watching.stats.lost:
        has_gaps = f"the output has gaps{more_room(watching.stats)}"
        say(f"{counted(lost, 'record', 'records')} lost: {has_gaps}", style=YELLOW)
    elif filtered := watching.stats.execs.filtered:
        say(f"{counted(watching.stats.execs.seen, 'exec', 'execs')} seen, {filtered} filtered")
    if less := given_up(watching.stats):
        say(less.removeprefix(", "))
    if isinstance(sink.error, OutputError):
        say(str(sink.error))
    if running.timed_out:
        return alerting.status(TIMED_OUT)
    failed = ruling.status() | isinstance(sink.error, OutputError)
    return alerting.status(status(watching.returncode) or int(failed))


def _parser() -> Parser:
    parser = Parser(
        "whatran run", __doc__, usage="whatran run [OPTION]... [--] COMMAND [ARGUMENT]...", epilog=fields_help
    )
    parser.add_argument("command", nargs="...", metavar="COMMAND", help="with its arguments; options come before it")
    filters = add_options(
        parser,
        form="tree",
        output='where to write, "-" being standard output (default: standard error)',
        count="write no more than COUNT lines (with tree: execs); the command goes on",
        timeout="send the command SIGTERM after S seconds",
    )
    filters.add_argument(
        "--scope",
        choices=("tree", "cgroup"),
        default="tree",
        help="tree: the command and its descendants; cgroup: also what else runs in the cgroup made for it "
        "(default: %(default)s)",
    )
    add_rules(parser)
    add_alerts(parser)
    add_as_root(parser)
    return parser


class _Forgiving:
    """A sink that takes everything and writes nothing more once its output failed, with that in `error`."""

    def __init__(self, output: Output, make: Callable[[], Sink]) -> None:
        self.error: OutputError | BrokenPipeError | None = None
        self._output = output
        self._sink: Sink | None = None
        with self._forgiving():
            output.truncate()
            self._sink = make()

    @property
    def due(self) -> int | None:
        return self._sink.due if self._sink else None

    def write(self, events: Sequence[Event]) -> int:
        with self._forgiving():
            return self._sink.write(events) if self._sink else 0
        return 0

    def release(self, now_boot_ns: int) -> int:
        with self._forgiving():
            return self._sink.release(now_boot_ns) if self._sink else 0
        return 0

    def close(self) -> int:
        with self._forgiving():
            written = self._sink.close() if self._sink else 0
            self._output.close()
            return written
        return 0

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except (OutputError, BrokenPipeError) as error:
            self.error = error
            self._sink = None
