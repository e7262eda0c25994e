"""SQL over events: a DuckDB database in memory, which reads and writes no file and loads nothing once it is asked.

What processes said of themselves comes in as JSON only and is never SQL.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from whatran.errors import OutputError, UsageError, WhatranError
from whatran.query.tables import TABLES, columns, plain, rows

try:
    import duckdb
except ImportError as error:
    raise UsageError("this needs DuckDB, which is not installed: pip install 'whatran[query]'") from error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from whatran.event import Event

BATCH = 1_000
CHUNK = 32 << 20
"""Bytes of JSON that are read into a table at once: each time costs some ms, and they are in memory."""
LONGEST = 16 << 20
"""Bytes of JSON a row may take before more is asked for; DuckDB's own default."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # else the name of a table may be that of a variable of ours
    "temp_directory": "",  # nothing of a process goes to a disk unasked
}

_QUERIES = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)
"""DESCRIBE and SUMMARIZE are the first too, PIVOT is the second."""


_NO_TABLE = re.compile(r"Catalog Error: Table with name (\S+) does not exist!")


class Question(NamedTuple):
    """An SQL query that can be asked."""

    sql: str
    tables: set[str]
    """Those it may read."""


class Answer(NamedTuple):
    """The result of a query."""

    names: list[str]
    """Of the columns; no two are the same."""
    types: list[str]
    """Of the columns, in SQL."""
    rows: Iterator[list[Any]]
    """Each value as JSON would have it."""


def question(sql: str) -> Question:
    """What is asked, as far as tables without rows can tell; an UsageError where it cannot be."""
    with closing(_connect()) as database, _errors(UsageError):
        for table in TABLES:
            _make(database, table)
        _lock(database)
        statements = database.extract_statements(sql)
        if len(statements) != 1 or statements[0].type not in _QUERIES:
            raise UsageError("that is not one SQL query; give one, as: SELECT comm, count(*) FROM execs GROUP BY comm")
        database.execute(sql)
        # A name in a string or a comment costs but time. One put together while the query runs is none of these.
        tables = {table for table in TABLES if table in sql.lower()} or set(TABLES)
        return Question(sql.rstrip().removesuffix(";"), tables)


@contextmanager
def answer(asked: Question, events: Iterable[Event], *, filtered: bool) -> Iterator[Answer]:
    """The result; an UsageError where only the rows show that it has none."""
    with closing(_connect()) as database:
        _fill(database, events, asked.tables, filtered=filtered)
        _lock(database)
        with _errors(UsageError):
            result = database.execute(f"FROM ({asked.sql}\n) LIMIT 0").description
        names, types = [column[0] for column in result], [str(column[1]) for column in result]
        yield Answer(names, types, _rows(database, asked.sql, len(names)))


def _rows(database: duckdb.DuckDBPyConnection, sql: str, width: int) -> Iterator[list[Any]]:
    # As JSON: Python's own times have no nanoseconds.
    names = ", ".join(f"c{index}" for index in range(width))
    with _errors(UsageError):
        result = database.execute(f"SELECT json_array({names}) FROM ({sql}\n) AS result({names})")  # noqa: S608
        while batch := result.fetchmany(BATCH):
            for (row,) in batch:
                yield json.loads(row, parse_constant=str)


def write_parquet(events: Iterable[Event], path: Path, table: str, *, filtered: bool) -> None:
    """Write one table."""
    with closing(_connect()) as database:
        _fill(database, events, {table}, filtered=filtered)
        with _errors(OutputError):
            database.execute("SET threads = 1")  # each would keep whole groups of rows in memory
            target = str(path).replace("'", "''")
            database.execute(f"COPY {table} TO '{target}' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)")


def _fill(
    database: duckdb.DuckDBPyConnection, events: Iterable[Event], wanted: Collection[str], *, filtered: bool
) -> None:
    """Make and fill the tables that are wanted."""
    with _errors(WhatranError):
        loaders = {table: _Loader(database, table) for table in wanted}
        for table, row in rows(events, wanted, filtered=filtered):
            loaders[table](row)
        for loader in loaders.values():
            loader.load()


class _Loader:
    """Takes rows, as JSON lines in memory, and puts them into a table."""

    def __init__(self, database: duckdb.DuckDBPyConnection, table: str) -> None:
        _make(database, table)
        self._database = database
        self._table = table
        self._encoder = msgspec.json.Encoder()
        self._lines = bytearray()
        self._longest = 0

    def __call__(self, row: msgspec.Struct) -> None:
        before = len(self._lines)
        try:
            self._encoder.encode_into(row, self._lines, -1)
        except UnicodeEncodeError:  # some text is no UTF-8
            self._lines[before:] = self._encoder.encode(plain(row))
        self._lines += b"\n"
        self._longest = max(self._longest, len(self._lines) - before)
        if len(self._lines) > CHUNK:
            self.load()

    def load(self) -> None:
        fields = columns(TABLES[self._table])
        types = ", ".join(f"{column.quoted}: '{column.json}'" for column in fields)
        values = ", ".join(column.value(column.quoted) for column in fields)
        with _memory_file(self._lines) as path:
            self._database.execute(
                f"INSERT INTO {self._table} SELECT {values} FROM read_json('{path}', format = 'newline_delimited', "  # noqa: S608
                f"maximum_object_size = {max(self._longest, LONGEST)}, columns = {{{types}}})"
            )
        self._lines.clear()
        self._longest = 0


@contextmanager
def _memory_file(data: bytearray) -> Iterator[str]:
    """The path of a file with this, which is on no disk."""
    with os.fdopen(os.memfd_create("whatran"), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _connect() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(config=_CONFIG)
    database.execute("ATTACH ':memory:' AS recording (COMPRESS)")  # without a name it would not be compressed
    database.execute("USE recording")
    return database


def _make(database: duckdb.DuckDBPyConnection, table: str) -> None:
    fields = ", ".join(f"{column.quoted} {column.sql}" for column in columns(TABLES[table]))
    database.execute(f"CREATE TABLE {table} ({fields})")


def _lock(database: duckdb.DuckDBPyConnection) -> None:
    """From here on: no file, no extension, no other setting."""
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


@contextmanager
def _errors(kind: type[WhatranError]) -> Iterator[None]:
    """What DuckDB says, as one sentence."""
    try:
        yield
    except duckdb.Error as error:
        # Its own, "KIND Error: SENTENCE", is followed by "LINE N: TEXT" and by a line with a mark below that.
        message, _, where = str(error).partition("\n\nLINE ")
        sentence, line = " ".join(message.split()), where.partition("\n")[0]
        if table := _NO_TABLE.match(sentence):  # DuckDB would rather have one of its own
            sentence = f"there is no table {table[1]}; there are {', '.join(TABLES)}"
        raise kind(f"{sentence} (line {line})" if line else sentence) from error
    except RuntimeError as error:  # what DuckDB makes of Ctrl-C
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise
