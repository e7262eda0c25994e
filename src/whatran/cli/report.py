"""Write what was recorded as one page of HTML, to look at in a browser.

The page stands alone and asks no network for anything. It has every process,
program and failure of the recordings, but not their environments; it is
readable by its owner only, as arguments can hold secrets. What cannot be read
of a file that is damaged or cut is said, and the exit status is 1.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from whatran.cli.newfile import add_overwrite, new_file
from whatran.cli.options import add_filters, add_redact, fields_help
from whatran.cli.parser import Parser
from whatran.cli.recordings import add_files, filtered, reading, say_missing
from whatran.sinks.output import Output
from whatran.sinks.text import duration, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whatran.recording.format import Header
    from whatran.replaying import Replay
    from whatran.report.collect import Collected

DEFAULT = "report.html"


class _Options(argparse.Namespace):
    file: list[str]
    filter: list[str]
    output: str
    redact: bool
    overwrite: bool


def main(argv: Sequence[str]) -> int:
    """Write the page; 1 where something could not be read."""
    options = _parser().parse_args(argv, namespace=_Options())

    from whatran.report.collect import Collector  # noqa: PLC0415 (not for --help)
    from whatran.report.report import report  # noqa: PLC0415 (not for --help)

    with ExitStack() as stack:
        path = None
        if options.output != "-":
            path = stack.enter_context(new_file(options.output, overwrite=options.overwrite, inputs=options.file))
        with reading(options.file, options.filter, env=False, redact=options.redact) as replaying:
            collector = Collector(filtered=bool(options.filter) or filtered(replaying))
            for event in replaying:
                collector(event)
        collected = collector.finish()
        facts = _facts(replaying, collected)
        text = report(_title(replaying.headers), facts, collected, alarming=("lost", "not read"))
        if path is None:
            Output.stdout().write_text(text)
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    return say_missing(replaying)


def _title(headers: Sequence[Header]) -> str:
    """The command lines that were followed; else whose machine was watched."""
    return ", ".join(_once(quote(each.command) if each.command else f"all on {each.host}" for each in headers))


def _facts(replaying: Replay, collected: Collected) -> dict[str, str]:
    """What stands at the head of the page."""
    headers = replaying.headers
    counts = collected.counts
    since = collected.since or min(each.started for each in headers)  # filters may have left no event
    facts = {
        "host": ", ".join(_once(each.host for each in headers)),
        "kernel": ", ".join(_once(f"{each.kernel} {each.machine}" for each in headers)),
        "started": f"{datetime.fromtimestamp(since / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC",
        "took": duration(collected.until - collected.since),
        "processes": f"{len(collected.tables['processes'].columns['pid']):,}",
        "execs": f"{counts['execs']:,}",
        "events": f"{counts['events']:,}",
    }
    if filters := _once(text for each in headers for text in each.filters):
        facts["only"] = ", ".join(filters)
    if counts["lost"]:
        facts["lost"] = f"{counts['lost']:,} records"
    if replaying.problems:
        facts["not read"] = "; ".join(replaying.problems)
    return facts


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _parser() -> Parser:
    parser = Parser("whatran report", __doc__, usage="whatran report [OPTION]... FILE...", epilog=fields_help)
    add_files(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default=DEFAULT,
        help='where to write, "-" being standard output (default: %(default)s)',
    )
    add_overwrite(parser)
    add_redact(parser)
    add_filters(parser, recorded=True)
    return parser
