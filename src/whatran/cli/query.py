"""Ask recordings in SQL.

Tables are execs, failed, forks, exits, gaps and lives; columns have the names of
the fields. It needs DuckDB: pip install 'whatran[query]'.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.cli.options import add_redact
from whatran.cli.parser import Parser
from whatran.cli.recordings import add_files, filtered, reading, say_missing
from whatran.errors import UsageError
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("table", "csv", "json")


def main(argv: Sequence[str]) -> int:
    """Show the result; 1 where something could not be read."""
    options = _parser().parse_intermixed_args(argv)

    from whatran.query import results  # noqa: PLC0415 (not for --help)
    from whatran.query.database import answer, question  # noqa: PLC0415 (not for --help)

    write = {"table": results.write_table, "csv": results.write_csv, "json": results.write_json}[options.format]
    with suppress(OSError):  # a long query is no path
        if Path(options.sql).is_file():
            raise UsageError(f"{options.sql} is a file: the query comes last, in SQL")
    asked = question(options.sql)
    with ExitStack() as stack:
        with reading(options.file, redact=options.redact) as replaying:
            result = stack.enter_context(answer(asked, replaying, filtered=filtered(replaying)))
        write(Output.stdout(), result)
    return say_missing(replaying)


def _parser() -> Parser:
    parser = Parser("whatran query", __doc__, usage="whatran query [OPTION]... FILE... SQL")
    add_files(parser)
    parser.add_argument("sql", metavar="SQL", help='one query, as "SELECT pathname, argv FROM execs"')
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table: aligned columns, safe to print; csv: safe to open in a spreadsheet; json: one array of objects "
        "(default: %(default)s)",
    )
    add_redact(parser)
    return parser
