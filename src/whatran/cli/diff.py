"""Tell what differs between two recordings: what only one of them ran, how often, how it ended.

Order and time make no difference, nor does what changes from run to run: pids,
temporary names and the like; --explain says what was taken for such, --exact
has it all compared. The exit status is 0 where both ran the same, 1 where they
did not, and 2 for trouble, also where a recording cannot be read whole.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from whatran.cli.messages import say
from whatran.cli.newfile import add_overwrite, new_file
from whatran.cli.options import add_redact, number
from whatran.cli.parser import Parser
from whatran.cli.progress import Bar
from whatran.cli.recordings import filtered
from whatran.cli.replacing import add_keep, rules_help
from whatran.errors import WhatranError
from whatran.sinks.output import YELLOW, Output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from whatran.diff.model import Comparison
    from whatran.process.lives import Life
    from whatran.replaying import Replay

FORMATS = ("text", "json", "html")
TROUBLE = 2


def main(argv: Sequence[str]) -> int:
    """Compare; 0 for the same, 1 for a difference, 2 for trouble, as diff(1)."""
    try:
        return _main(_parser().parse_args(argv))
    except WhatranError as error:
        error.exit_code = TROUBLE
        raise


def _main(options: argparse.Namespace) -> int:
    from whatran.diff.compare import compare  # noqa: PLC0415 (not for --help)
    from whatran.diff.normalise import RULES  # noqa: PLC0415 (not for --help)
    from whatran.replaying import replay  # noqa: PLC0415 (not for --help)

    with ExitStack() as stack:
        output = _output(options, stack)
        with (
            Bar("reading") as bar,
            replay([options.left], redact=options.redact, advanced=bar.advance) as left,
            replay([options.right], redact=options.redact, advanced=bar.advance) as right,
        ):
            bar.total = left.size + right.size
            comparison = compare(
                _lives(left),
                _lives(right),
                names=(options.left, options.right),
                rules=() if options.exact else RULES.keys() - set(options.keep),
            )
        _writer(comparison, options)(output)
    problems = [*left.problems, *right.problems]
    for problem in problems:
        say(problem, style=YELLOW)
    for name, replaying in ((options.left, left), (options.right, right)):
        if lost := replaying.stats.lost:
            say(f"{name}: {lost} records were lost when it was recorded; what they told is missing", style=YELLOW)
    return TROUBLE if problems else int(not comparison.equal)


def _lives(replaying: Replay) -> Iterator[Life]:
    from whatran.process.lives import Lives  # noqa: PLC0415 (not for --help)

    lives = Lives(filtered=filtered(replaying))
    for event in replaying:
        yield from lives(event)
    yield from lives.finish()


def _output(options: argparse.Namespace, stack: ExitStack) -> Output:
    if options.output in (None, "-"):
        return Output.stdout()
    inputs = [options.left, options.right]
    path = stack.enter_context(new_file(options.output, overwrite=options.overwrite, inputs=inputs))
    return stack.enter_context(Output.open(os.fspath(path)))


def _writer(comparison: Comparison, options: argparse.Namespace) -> Callable[[Output], object]:
    is_page = (options.output or "").endswith((".html", ".htm"))
    form = options.format or ("html" if is_page else "text")
    if form == "json":
        from whatran.sinks.jsonl import JsonLines  # noqa: PLC0415 (only when chosen)

        return lambda output: JsonLines(output).write([comparison])
    if form == "html":
        from whatran.diff.page import page  # noqa: PLC0415 (only when chosen)

        return lambda output: output.write_text(page(comparison, limit=options.count))
    from whatran.diff.text import write  # noqa: PLC0415 (only when chosen)

    return lambda output: write(comparison, output, limit=options.count, explain=options.explain)


def _parser() -> Parser:
    from whatran.diff.normalise import RULES  # noqa: PLC0415 (not for other commands)

    parser = Parser(
        "whatran diff", __doc__, usage="whatran diff [OPTION]... LEFT RIGHT", epilog=lambda: rules_help(RULES)
    )
    parser.add_argument("left", metavar="LEFT", help='a recording; "-" is standard input')
    parser.add_argument("right", metavar="RIGHT", help="the recording it is compared with")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="text; json: one object; html: one page that needs no network (default: html for a FILE.html, else text)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help='where to write, "-" being standard output (the default)'
    )
    add_overwrite(parser)
    add_redact(parser)
    parser.add_argument("-n", "--count", type=number, metavar="COUNT", help="show no more than COUNT differences")
    parser.add_argument("--explain", action="store_true", help="say too what was replaced before the comparison")
    parser.add_argument("--exact", action="store_true", help="replace nothing before the comparison")
    add_keep(parser, RULES, "replace")
    return parser
