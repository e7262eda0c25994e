"""Show what was recorded, as watch and run would have shown it.

Files of one recording are taken together; several recordings, of one machine or
of many, are shown in the order of time. What cannot be read of a file that is
damaged or cut is said, and the exit status is 1: all the rest is shown. So it is
where a rule could not be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.cli.alerting import Alerting, add_alerts
from whatran.cli.messages import logging_to_stderr
from whatran.cli.newfile import keep_inputs
from whatran.cli.options import (
    Options,
    add_filters,
    add_output,
    add_redact,
    add_verbose,
    fields_help,
    names,
    open_output,
)
from whatran.cli.parser import Parser
from whatran.cli.progress import Bar
from whatran.cli.raw import write_raw
from whatran.cli.recordings import add_files, filtered, say_missing
from whatran.cli.ruling import Ruling, add_rules
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.plan import Failed
    from whatran.replaying import Replay
    from whatran.sinks import Sink


class _Options(Options):
    file: list[str]
    raw: bool
    failed_as: Failed | None


def main(argv: Sequence[str]) -> int:
    """Show all there is; 1 where something could not be read."""
    options = _parser().parse_args(argv, namespace=_Options())
    options.check_fields()
    env = [name for given in options.env for name in given or ()]
    if options.output:
        keep_inputs(options.output, options.file)

    from whatran.replaying import replay  # noqa: PLC0415 (not for --help)

    ruling = Ruling(options.rules, only_alerts=options.only_alerts, output=options.output)
    alerting = Alerting(options, patient=True)

    with (
        logging_to_stderr(options.verbose),
        open_output(options.output, Output.stdout) as output,
        alerting,
        Bar("replaying", quiet=output.terminal) as bar,
        replay(
            options.file,
            filters=[*options.filter, *options.without()],
            failed=options.failed_as,
            env=env or True,
            rules=ruling.engine or (),
            redact=options.redact,
            advanced=bar.advance,
        ) as replaying,
    ):
        bar.total = replaying.size
        output.truncate()
        try:
            if options.raw:
                write_raw(replaying.records(), output, options.count)
            else:
                partial = bool(options.filter) or filtered(replaying)
                sink = FORMATS[options.format](output, Show(options.count, options.fields, partial, live=False))
                _show(replaying, alerting.of(ruling.of(sink)), options.count)
        finally:
            bar.close()
    return alerting.status(say_missing(replaying, has_gaps="output") | ruling.status())


def _show(replaying: Replay, sink: Sink, most: int | None) -> None:
    written = 0
    for events in replaying.batches():
        written += sink.write(events)
        if most is not None and written >= most:
            break
    sink.close()


def _parser() -> Parser:
    parser = Parser("whatran replay", __doc__, usage="whatran replay [OPTION]... FILE...", epilog=fields_help)
    add_files(parser)
    out = add_output(
        parser,
        form="table",
        output='where to write, "-" being standard output (the default)',
        count="stop after COUNT lines; with tree, execs",
    )
    out.add_argument(
        "--raw",
        action="store_true",
        help="every record as it lies in the file, one JSON object a line, in place of events",
    )
    what = parser.add_argument_group("what is shown")
    what.add_argument(
        "--env",
        type=names,
        action="append",
        default=[],
        metavar="NAME,...",
        help="of environments, where they were recorded, only these variables",
    )
    add_redact(what)
    what.add_argument(
        "--failed",
        choices=("fold", "all", "none"),
        dest="failed_as",
        help="execs that failed: fold: a search of PATH is one; all: each attempt; none (default: as it was recorded)",
    )
    add_filters(parser, recorded=True)
    add_rules(parser)
    add_alerts(parser)
    add_verbose(parser, twice="")
    return parser
