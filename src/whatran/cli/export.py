"""Write a recording as a file for other tools.

FILE.jsonl: one JSON object an event, as replay writes them. FILE.csv: a table,
safe to open in a spreadsheet. FILE.parquet: the same with all its types, for
DuckDB, pandas, Polars, Spark. FILE.json: a trace with a track a process, for
https://ui.perfetto.dev or chrome://tracing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from whatran.cli.newfile import add_overwrite, new_file
from whatran.cli.options import add_redact
from whatran.cli.parser import Parser
from whatran.cli.recordings import add_files, filtered, reading, say_missing
from whatran.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = ("lives", "execs", "failed", "forks", "exits", "gaps")


def main(argv: Sequence[str]) -> int:
    """Write it; 1 where something could not be read."""
    options = _parser().parse_intermixed_args(argv)

    from whatran.query.export import OF_A_TABLE, WRITERS  # noqa: PLC0415 (not for --help)

    ending = Path(options.output).suffix
    if ending not in WRITERS:
        raise UsageError(f"{options.output!r} says no format; end it with one of {', '.join(WRITERS)}")
    if options.table and ending not in OF_A_TABLE:
        raise UsageError(f"--table is for {' and '.join(OF_A_TABLE)}: a {ending} has all events")
    with (
        new_file(options.output, overwrite=options.overwrite, inputs=options.file) as path,
        reading(options.file, redact=options.redact) as replaying,
    ):
        WRITERS[ending](replaying, path, options.table or TABLES[0], filtered=filtered(replaying))
    return say_missing(replaying)


def _parser() -> Parser:
    parser = Parser("whatran export", __doc__, usage="whatran export [OPTION]... FILE... -o FILE")
    add_files(parser)
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="what to write: .jsonl, .csv, .parquet or .json"
    )
    parser.add_argument(
        "--table", choices=TABLES, help=f"which table a .csv or .parquet is to have (default: {TABLES[0]})"
    )
    add_overwrite(parser)
    add_redact(parser)
    return parser
