"""Events as files for other tools, by the end of the file's name."""

from __future__ import annotations

import io
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from whatran.query.csvfile import CsvTable
from whatran.query.tables import TABLES, rows
from whatran.query.trace import TraceFile
from whatran.sinks.jsonl import JsonLines
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from whatran.event import Event
    from whatran.sinks import Sink

BATCH = 100
"""How many are written at once; each may have some MiB."""


def write_jsonl(events: Iterable[Event], path: Path, table: str, *, filtered: bool) -> None:  # noqa: ARG001 (as all)
    with _output(path) as output:
        _write(JsonLines(output), events)


def write_trace(events: Iterable[Event], path: Path, table: str, *, filtered: bool) -> None:  # noqa: ARG001 (as all)
    with _output(path) as output:
        _write(TraceFile(output), events)


def write_csv(events: Iterable[Event], path: Path, table: str, *, filtered: bool) -> None:
    with _output(path) as output:
        lines = CsvTable(output, TABLES[table])
        found = (row for _, row in rows(events, {table}, filtered=filtered))
        while batch := list(islice(found, BATCH)):
            lines.write(batch)


def write_parquet(events: Iterable[Event], path: Path, table: str, *, filtered: bool) -> None:
    from whatran.query.database import write_parquet  # noqa: PLC0415 (DuckDB may not be there)

    write_parquet(events, path, table, filtered=filtered)


WRITERS: dict[str, Callable[..., None]] = {
    ".jsonl": write_jsonl,
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".json": write_trace,
}
"""Each takes events, the path of a file that is there, a table, and whether exits may be missing."""

OF_A_TABLE = (".csv", ".parquet")


def _write(sink: Sink, events: Iterable[Event]) -> None:
    left = iter(events)
    while batch := list(islice(left, BATCH)):
        sink.write(batch)
    sink.close()


@contextmanager
def _output(path: Path) -> Iterator[Output]:
    with Output(io.FileIO(path, "w"), str(path)) as output:
        yield output
