"""Show which programs used most, of all that was recorded.

CPU is a program's own, TIME is that of those it waited for too. What a process
used counts for the program it executed last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.cli.parser import Parser
from whatran.cli.recordings import add_files, filtered, reading, say_missing
from whatran.errors import UsageError
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

ORDERS = ("cpu", "time", "slowest", "count", "failures", "memory")


def main(argv: Sequence[str]) -> int:
    """Show them; 1 where something could not be read."""
    options = _parser().parse_intermixed_args(argv)

    from whatran.query.top import totals  # noqa: PLC0415 (not for --help)
    from whatran.query.toptable import write_json, write_table  # noqa: PLC0415 (not for --help)

    with reading(options.file) as replaying:
        found = totals(replaying, filtered=filtered(replaying))
    write = {"table": write_table, "json": write_json}[options.format]
    write(Output.stdout(), found, options.by, options.count)
    return say_missing(replaying)


def _parser() -> Parser:
    parser = Parser("whatran top", __doc__, usage="whatran top [OPTION]... FILE...")
    add_files(parser)
    parser.add_argument(
        "--by",
        choices=ORDERS,
        default="cpu",
        help="what is most: cpu; time, of all runs together; slowest, the longest run; count, of runs; failures: runs "
        "that ended with a status other than 0 or by a signal; memory, the largest resident set (default: %(default)s)",
    )
    parser.add_argument(
        "-n", "--count", type=_programs, default=20, metavar="COUNT", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--format",
        choices=("table", "json"),
        default="table",
        help="table: aligned columns; json: one array of objects, times in ns (default: %(default)s)",
    )
    return parser


def _programs(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"{text!r} is no number of programs; give 1 or more")
    return int(text)
