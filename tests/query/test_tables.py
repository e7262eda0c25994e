import re
from pathlib import Path

import duckdb
import msgspec
import pytest

from tests.events import BOOT, MS, make_exec, make_exit, make_failed
from tests.query.build import BYTES, build
from whatran.event import Exec, ExecFailed, Exit, Fork, Gap
from whatran.process.lives import Failure, Life, Program
from whatran.query.tables import TABLES, columns, plain, rows

EVENTS = (Path(__file__).parent.parent.parent / "docs/events.md").read_text()


@pytest.mark.parametrize("kind", [Exec, ExecFailed, Fork, Exit, Gap, Life])
def test_every_kind_is_a_table(kind):
    """Each of the lines that JSON lines can have is a row of one of the tables."""
    assert [kind] == [each for each in TABLES.values() if each is kind]


@pytest.mark.parametrize("kind", [*TABLES.values(), Program, Failure])
def test_every_field_is_a_column(kind):
    """Columns are the fields in their order, and the exact bytes of those that are no UTF-8."""
    assert [*kind.__struct_fields__, "base64"] == [column.name for column in columns(kind)]


@pytest.mark.parametrize("kind", [*TABLES.values(), Program, Failure])
def test_every_type_is_one_of_duckdb(kind):
    """DuckDB has each type, for what is stored and for what is read from JSON."""
    for column in columns(kind):
        assert duckdb.sqltype(column.sql) == duckdb.sqltype(str(duckdb.sqltype(column.sql)))
        assert duckdb.sqltype(column.json)


@pytest.mark.parametrize("kind", [*TABLES.values(), Program, Failure])
def test_wall_clock_is_a_timestamp(kind):
    """What is in ns since the epoch, as its documentation says, is a TIMESTAMP_NS, and nothing else is."""
    said = set(re.findall(r"^\| `(\w+)` \|.*in ns since the epoch", EVENTS, re.MULTILINE))
    expected = [name for name in kind.__struct_fields__ if name in said]

    assert expected == [column.name for column in columns(kind) if column.sql == "TIMESTAMP_NS"]


@pytest.mark.parametrize(
    ("expected", "kind", "name"),
    [
        ("VARCHAR", Exec, "pathname"),
        ("VARCHAR[]", Exec, "argv"),
        ("VARCHAR[]", Exec, "ancestors"),
        ("MAP(VARCHAR, BIGINT)", Exec, "truncated"),
        ("BOOLEAN", Exec, "secureexec"),
        ("BIGINT", Exec, "tty"),
        ("UBIGINT", Exec, "interpreter_inode"),
        ("TIMESTAMP_NS", Life, "end_timestamp"),
        ("BIGINT", Life, "duration"),
        ("MAP(VARCHAR, VARCHAR[])", Life, "base64"),
    ],
)
def test_types(expected, kind, name):
    """Each Python type has one in SQL; whether a value may be missing makes no difference."""
    assert [expected] == [column.sql for column in columns(kind) if column.name == name]


def test_rows_of_events():
    """Every event is a row of one table."""
    events = build()
    every = list(rows(events, TABLES.keys() - {"lives"}, filtered=False))

    assert events == [row for _, row in every]
    assert all(isinstance(row, TABLES[table]) for table, row in every)


def test_rows_of_lives():
    """Every process is a row, those that live on too."""
    lives = [row for _, row in rows(build(), {"lives"}, filtered=False)]

    assert [100, 101, 102, 103, 104, 105, 106] == sorted(life.pid for life in lives)
    assert [105, 106] == sorted(life.pid for life in lives if life.running)


def test_rows_of_filtered_lives():
    """Where exits may be missing nobody knows whether a process lives on."""
    (life,) = (row for _, row in rows([make_exec()], {"lives"}, filtered=True))

    assert life.running is None


def test_lives_of_two_boots():
    """The same pid on another machine is another process, and does not end the first one."""
    there = "99999999-2222-4333-8444-555555555555"
    events = [
        make_exec(("here",)),
        make_exec(("there",), at=102 * MS, boot_id=there),
        make_exit(1, at=110 * MS),
        make_exit(2, at=120 * MS, boot_id=there),
    ]
    lives = [row for _, row in rows(events, {"lives"}, filtered=False)]

    assert [(BOOT.id, "here", 1), (there, "there", 2)] == [
        (life.boot_id, life.programs[0].comm, life.exit_code) for life in lives
    ]


def test_plain_has_the_exact_bytes():
    """Text that is no UTF-8 is replaced, and beside it by its name are the bytes; so it is in nested structs."""
    events = [make_exec(("x", BYTES), cwd=BYTES), make_failed(BYTES, at=105 * MS, argv=["ok"]), make_exit()]
    (life,) = (row for _, row in rows(events, {"lives"}, filtered=False))
    fields = plain(life)

    assert {"argv": ["eA==", "Y2Fm6Q=="]} == fields["base64"]
    assert {"argv": ["eA==", "Y2Fm6Q=="], "cwd": ["Y2Fm6Q=="]} == fields["programs"][0]["base64"]
    assert {"cmdpath": ["Y2Fm6Q=="]} == fields["failures"][0]["base64"]
    assert "caf\ufffd" == fields["programs"][0]["cwd"]
    assert [column.name for column in columns(Life)] == list(fields)


def test_plain_of_an_attempt_that_could_not_be_read():
    """A path that is unknown is null also beside one that is no UTF-8."""
    fields = plain(make_exec(tried=(BYTES, None)))

    assert ["caf\ufffd", None] == fields["tried"]
    assert {"tried": ["Y2Fm6Q==", None]} == fields["base64"]


def test_plain_of_good_text():
    """Where all is UTF-8 nothing is beside it."""
    event = make_exec()

    assert msgspec.structs.asdict(event) | {"base64": None} == plain(event)
