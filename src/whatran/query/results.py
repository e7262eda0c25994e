"""The result of a query, in one of several formats; a batch of rows is in memory at a time."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from whatran.query.cells import text
from whatran.query.csvfile import CsvLines
from whatran.query.grid import Cell, Grid
from whatran.sinks.output import DIM
from whatran.sinks.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whatran.query.database import Answer
    from whatran.sinks.output import Output

BATCH = 1_000
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)")
_UNKNOWN = Cell("NULL", DIM)

T = TypeVar("T")


def write_table(output: Output, answer: Answer) -> None:
    """Aligned columns, numbers to the right; safe to print."""
    right = [bool(_NUMBER.fullmatch(type_)) for type_ in answer.types]
    rows = ([_UNKNOWN if value is None else Cell(escape(text(value))) for value in row] for row in answer.rows)
    grid = Grid(output, list(map(escape, answer.names)), right, list(islice(rows, BATCH)))
    for batch in _batches(rows):
        grid.write(batch)


def write_csv(output: Output, answer: Answer) -> None:
    """A head and a line a row."""
    lines = CsvLines(output, answer.names)
    for batch in _batches(answer.rows):
        lines.write(batch)


def write_json(output: Output, answer: Answer) -> None:
    """One array, with an object a row, each on a line of its own."""
    write_objects(output, (dict(zip(answer.names, row, strict=True)) for row in answer.rows))


def write_objects(output: Output, objects: Iterator[dict[str, Any]]) -> None:
    """One array, with each object on a line of its own; on a terminal in plain ASCII, nothing of which acts on it."""
    before = "["
    for batch in _batches(objects):
        lines = []
        for one in batch:
            line = json.dumps(one, ensure_ascii=output.terminal, separators=(",", ":"))
            lines.append(before + line.replace("\x7f", r"\u007f"))
            before = ",\n "
        output.write("".join(lines).encode("utf-8"))
    output.write(b"[]\n" if before == "[" else b"]\n")


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, BATCH)):
        yield batch
