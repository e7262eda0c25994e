import base64
import json
import re
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tests.events import WALL, make_exec, make_exit
from tests.query.build import BYTES, HOSTILE, build
from whatran.errors import UsageError, WhatranError
from whatran.event import Exec
from whatran.query import database
from whatran.query.database import answer, question, write_parquet
from whatran.query.tables import TABLES, columns, rows

QUERIES = re.findall(
    r"```sql\n(.*?)```", (Path(__file__).parent.parent.parent / "docs/query.md").read_text(), re.DOTALL
)


def ask(sql, events):
    """The rows of the result."""
    with answer(question(sql), events, filtered=False) as result:
        return list(result.rows)


def one(sql, *events):
    """The only row of the result."""
    (row,) = ask(sql, events)
    return row


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_there(table):
    """Each table has as many rows as there are events of its kind, or processes."""
    expected = len(list(rows(build(), {table}, filtered=False)))

    assert [[expected]] == ask(f"SELECT count(*) FROM {table}", build())
    assert expected > 0


def test_totals_are_those_of_the_events():
    """Groups and sums are what Python counts in the same events."""
    events = build()
    runs = Counter(event.pathname for event in events if isinstance(event, Exec))
    found = ask("SELECT pathname, count(*) FROM execs GROUP BY ALL", events)

    assert runs == dict(found)


@pytest.mark.parametrize("table", TABLES)
def test_values_are_those_of_the_events(table):
    """Each column of each row has what the event has, times to the nanosecond."""
    events = build()
    clocks = {column.name for column in columns(TABLES[table]) if column.clock}
    names = [f'epoch_ns("{name}")' if name in clocks else f'"{name}"' for name in TABLES[table].__struct_fields__]
    found = ask(f"SELECT {', '.join(names)} FROM {table}", events)
    expected = json.loads(
        json.dumps([[_builtin(value) for value in _values(row)] for _, row in rows(events, {table}, filtered=False)])
    )
    for row in found:
        for index, value in enumerate(row):
            row[index] = _without_nested_clock(value)

    assert expected == found


def _values(row):
    return [getattr(row, name) for name in row.__struct_fields__]


def _builtin(value):
    """As JSON; structs without their wall-clock times, which are no integers in SQL."""
    if hasattr(value, "__struct_fields__"):
        return {name: _builtin(getattr(value, name)) for name in value.__struct_fields__ if name != "timestamp"}
    return list(map(_builtin, value)) if isinstance(value, (list, tuple)) else value


def _without_nested_clock(value):
    if not isinstance(value, list):
        return value
    left = {"timestamp", "base64"}
    return [
        {name: it for name, it in item.items() if name not in left} if isinstance(item, dict) else item
        for item in value
    ]


def test_nested_times_are_times():
    """The programs of a life have their wall-clock time as the execs have it."""
    sql = "SELECT programs[1].timestamp = e.timestamp FROM lives l JOIN execs e USING (pid)"

    assert [True] == one(sql, make_exec(), make_exit())


def test_times_have_nanoseconds():
    """In the result as well, where Python's own would be cut to microseconds."""
    (found,) = one("SELECT timestamp FROM execs", make_exec(at=123_456_789))

    assert "2023-11-14 22:13:20.123456789" == found


def test_order_is_that_of_time():
    """Without ORDER BY too, however many rows there are."""
    events = [make_exec(at=at) for at in range(5_000)]

    assert [[at] for at in range(5_000)] == ask("SELECT timestamp_boot FROM execs", events)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_sql(text):
    """Whatever a process says of itself comes out as it went in."""
    event = make_exec((text, text), cwd=text, comm=text)

    assert [[text, text], text, text, 1] == one(
        "SELECT argv, cwd, comm, (SELECT count(*) FROM execs) FROM execs", event
    )


def test_bytes_that_are_no_utf8():
    """Each bad byte is U+FFFD, and the exact bytes are beside, by the name of the field."""
    found = one(
        "SELECT cwd, base64['cwd'], base64['argv'], from_base64(base64['cwd'][1]) FROM execs", make_exec(cwd=BYTES)
    )

    assert ["caf\ufffd", [base64.b64encode(b"caf\xe9").decode()], None, r"caf\xE9"] == found


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ([(1 << 64) - 1, None], {"inode": (1 << 64) - 1, "ctime": (1 << 63) * 1_000_000_000}),
        ([0, None], {"inode": 0, "ctime": -(1 << 63) * 1_000_000_000}),
        ([1, -1], {"inode": 1, "ctime": -1}),
    ],
)
def test_numbers_that_a_file_system_made_up(expected, given):
    """An inode can be any, and a time that SQL has no value for is NULL."""
    assert expected == one("SELECT inode, epoch_ns(ctime) FROM execs", make_exec(**given))


def test_a_number_no_column_takes():
    """What only a forged recording can have is an error of one sentence."""
    with pytest.raises(WhatranError, match=r"^Invalid Input Error: JSON transform error .*"):
        ask("FROM exits", [make_exit(rchar=1 << 63)])


def test_the_longest_arguments():
    """6 MiB of what JSON writes six times as long, between small ones."""
    events = [make_exec(("a",)), make_exec(("\x01" * (6 << 20),)), make_exec(("b",))]

    assert [[1], [6 << 20], [1]] == ask("SELECT len(argv[1]) FROM execs", events)


def test_chunks(monkeypatch):
    """Rows that come in many chunks are all there, once."""
    monkeypatch.setattr(database, "CHUNK", 5_000)
    found = ask("SELECT pid FROM execs", [make_exec(pid=pid) for pid in range(1, 51)])

    assert [[pid] for pid in range(1, 51)] == found


def test_only_what_is_asked_for_is_loaded():
    """Tables that the query does not name are not filled; where it names none, all are."""
    assert {"execs"} == question("SELECT 'x' FROM EXECS").tables
    assert {"execs", "lives"} == question("FROM execs JOIN lives USING (pid) -- all").tables
    assert set(TABLES) == question("FROM query('FROM ex' || 'ecs')").tables


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;",
        "SELECT 1 -- why",
        "FROM execs",
        "WITH e AS (FROM execs) SELECT count(*) FROM e",
        "DESCRIBE execs",
        "SUMMARIZE execs",
        "SHOW TABLES",
        "PIVOT execs ON comm USING count(*)",
        "VALUES (1, 2)",
        'SELECT "user", "group" FROM execs',
    ],
)
def test_what_can_be_asked(sql):
    """Whatever gives rows."""
    assert ask(sql, build())


def test_columns_of_the_result():
    """Two of the same name are told apart, and those that come from the rows are there."""
    with answer(question("SELECT 1 AS a, 2.5 AS a"), [], filtered=False) as result:
        assert (["a", "a_1"], ["INTEGER", "DECIMAL(2,1)"], [[1, 2.5]]) == (
            result.names,
            result.types,
            list(result.rows),
        )
    with answer(question("PIVOT execs ON comm USING count(*) GROUP BY uid"), build(), filtered=False) as result:
        assert ["uid", "cc", "cc1", "make", "sudo", "x"] == result.names


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "CREATE TABLE x (a INT)",
        "DELETE FROM execs",
        "SET threads = 1",
        "SET enable_external_access = true",
        "COPY execs TO '/tmp/whatran-stolen.csv'",
        "ATTACH '/tmp/whatran-stolen.db'",
        "INSTALL httpfs",
        "LOAD '/tmp/x.so'",
        "EXPORT DATABASE '/tmp/whatran-stolen'",
    ],
)
def test_what_is_no_query(sql):
    """Nothing but a single query is taken, as nothing is there to change."""
    with pytest.raises(UsageError, match=r"^that is not one SQL query; give one, as: SELECT "):
        question(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM '/etc/passwd'",
        "FROM read_text('/etc/passwd')",
        "FROM read_csv('/etc/passwd')",
        "FROM read_json('/proc/self/environ')",
        "FROM glob('/*')",
        "FROM read_csv('http://127.0.0.1/x')",
        "FROM sniff_csv('/etc/passwd')",
        "FROM query('FROM read_text(''/etc/passwd'')')",
        "FROM parquet_metadata('/etc/passwd')",
        "FROM duckdb_secrets()",
        "SELECT getenv('HOME')",
    ],
)
def test_nothing_else_can_be_read(sql):
    """No file, no network and no environment is there for a query, before or after the tables are filled."""
    with pytest.raises(UsageError):
        question(sql)
    with (
        pytest.raises(UsageError),
        answer(database.Question(sql, set()), [], filtered=False) as result,
    ):
        list(result.rows)


def test_variables_are_no_tables():
    """DuckDB would take the Python variables of its caller for tables."""
    with pytest.raises(UsageError, match=r"^there is no table statements;"):
        question("FROM statements")


@pytest.mark.parametrize(
    ("said", "sql"),
    [
        ('Parser Error: syntax error at or near "selec" (line 1: selec 1)', "selec 1"),
        (
            'Binder Error: Referenced column "cmd" not found in FROM clause! Candidate bindings: ',
            "SELECT pid\nFROM execs\nWHERE cmd = 1",
        ),
        (
            "there is no table exec; there are execs, failed, forks, exits, gaps, lives (line 1: FROM exec)",
            "FROM exec",
        ),
    ],
)
def test_what_is_wrong_with_a_query(said, sql):
    """One sentence that ends with the line where it is."""
    with pytest.raises(UsageError) as caught:
        question(sql)
    number = sql.count("\n") + 1

    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith(f" (line {number}: {sql.splitlines()[-1]})")


def test_what_only_rows_show_to_be_wrong():
    """A value that cannot be converted is the fault of the query too."""
    with pytest.raises(UsageError, match=r"^Conversion Error: Could not convert string 'make' to INT32"):
        ask("SELECT comm::INT FROM execs", build())


def test_ctrl_c():
    """What DuckDB makes of it is an interrupt again; another error of that kind stays what it is."""
    with pytest.raises(KeyboardInterrupt), database._errors(UsageError):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="bug"), database._errors(UsageError):
        raise RuntimeError("bug")


def test_parquet(tmp_path):
    """DuckDB reads the same rows back, with the same types; nothing of the name is taken for SQL."""
    path = tmp_path / "it's.parquet"
    write_parquet([make_exec(("a", "b"), cwd=BYTES, at=1), make_exit()], path, "execs", filtered=False)
    with duckdb.connect() as reader:
        found = reader.read_parquet(str(path))
        types = dict(zip(found.columns, map(str, found.types), strict=True))
        values = reader.execute(
            "SELECT argv, epoch_ns(timestamp), base64['cwd'] FROM read_parquet(?)", [str(path)]
        ).fetchall()

    assert {column.name: column.sql for column in columns(Exec)} == types
    assert [(["a", "b"], WALL + 1, ["Y2Fm6Q=="])] == values


@pytest.mark.parametrize("table", TABLES)
def test_parquet_of_every_table(tmp_path, table):
    """Each has all its rows, and one that has none is a table still."""
    full, empty = tmp_path / "full.parquet", tmp_path / "empty.parquet"
    write_parquet(build(), full, table, filtered=False)
    write_parquet([], empty, table, filtered=False)
    expected = len(list(rows(build(), {table}, filtered=False)))

    with duckdb.connect() as reader:
        assert [(expected,), (0,)] == [
            reader.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone() for path in (full, empty)
        ]


def test_parquet_that_cannot_be_written(tmp_path):
    """The reason is in the message."""
    with pytest.raises(WhatranError, match=r"^IO Error: .*No such file or directory"):
        write_parquet([], tmp_path / "nowhere" / "x.parquet", "execs", filtered=False)


@pytest.mark.parametrize("sql", QUERIES)
def test_queries_of_the_page(sql):
    """What docs/query.md shows can be asked, and finds something in a build."""
    assert ask(sql, build())


def test_there_are_ten_queries():
    """The page has them in blocks that the test above finds."""
    assert len(QUERIES) == 10
