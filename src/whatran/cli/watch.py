"""Watch the whole machine, live: one line for every program that is executed.

Ctrl-C ends it in order, a second one at once. --format tree keeps everything in
memory until then.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from whatran.cli.alerting import Alerting, add_alerts
from whatran.cli.costs import saying_costs
from whatran.cli.follow import follow, handling
from whatran.cli.messages import given_up, hint, hint_secrets, logging_to_stderr, say
from whatran.cli.options import Options, add_options, add_scope, fields_help, open_output
from whatran.cli.parser import Parser
from whatran.cli.ruling import Ruling, add_rules
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import YELLOW, Output
from whatran.sinks.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.stats import Stats


def main(argv: Sequence[str], *, ours: bool) -> int:
    """Watch until a signal, --count or --timeout says stop; 0, or 1 where a rule could not be read."""
    options = _parser().parse_args(argv, namespace=Options())

    from whatran.cli.privileges import give_up  # noqa: PLC0415 (not for --help)
    from whatran.watching import watch  # noqa: PLC0415

    ruling = Ruling(options.rules, only_alerts=options.only_alerts, output=options.output)
    alerting = Alerting(options)

    with (
        logging_to_stderr(options.verbose),
        saying_costs(at_the_end=options.stats) as costs,
        open_output(options.output, Output.stdout) as output,
        alerting,
        watch(
            pid=options.pid,
            tree=options.tree,
            cgroup=options.cgroup,
            container=options.container,
            timeout=options.timeout,
            **options.capture(ruling.engine, ours=alerting.executing),
        ) as watching,
    ):
        if ours:
            give_up(watching, env=bool(options.env))
        costs.started(watching)
        output.truncate()
        sink = ruling.of(
            FORMATS[options.format](output, Show(options.count, options.fields, filtered=options.filtered))
        )

        def stop(number: signal.Signals) -> None:
            signal.signal(number, signal.SIG_DFL)  # a second one ends us at once, whatever we are waiting for
            watching.stop()

        with handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), stop)):
            hint("watching; Ctrl-C ends")
            hint_secrets(redact=options.redact)
            follow(watching, alerting.of(sink), stop_after=options.count, between=costs.answer)
        _say_totals(watching.stats)
    return alerting.status(ruling.status())


def _parser() -> Parser:
    parser = Parser("whatran watch", __doc__, epilog=fields_help)
    filters = add_options(
        parser,
        form="table",
        output='where to write, "-" being standard output (the default)',
        count="stop after COUNT lines; with tree, execs",
        timeout="stop after S seconds",
    )
    add_scope(filters)
    add_rules(parser)
    add_alerts(parser)
    return parser


def _say_totals(stats: Stats) -> None:
    execs = stats.execs
    say(
        f"{counted(execs.seen, 'exec', 'execs')} seen, {execs.filtered} filtered, {stats.lost} lost{given_up(stats)}",
        style=YELLOW if stats.lost else None,
    )
