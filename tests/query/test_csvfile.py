import csv
import json

import pytest

from tests.events import make_exec
from tests.query.build import BYTES, HOSTILE, build
from whatran.query.csvfile import CsvTable
from whatran.query.database import answer, question
from whatran.query.tables import TABLES, rows
from whatran.visible import escape


def read(path):
    """The lines as dictionaries, without the apostrophes."""
    with open(path, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize("table", TABLES)
def test_has_what_sql_has(file, table):
    """The same columns and the same values as the table in SQL, of which lists are JSON."""
    CsvTable(file.output, TABLES[table]).write(row for _, row in rows(build(), {table}, filtered=False))
    found = read(file.path)
    with answer(question(f"FROM {table}"), build(), filtered=False) as result:
        names = result.names
        expected = [dict(zip(names, row, strict=True)) for row in result.rows]
    for row in found:
        assert names == list(row)

    assert [{name: _text(value) for name, value in row.items()} for row in expected] == [
        {name: _like_sql(value) for name, value in row.items()} for row in found
    ]


def _text(value):
    """What SQL has; of structs only how many there are, as their times are integers in JSON lines."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return len(value)
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, (list, dict)) else "" if value is None else str(value)


def _like_sql(cell):
    """SQL ends a time with its last digit that is not 0."""
    if cell.startswith(("[", "{")):
        value = json.loads(cell)
        return len(value) if value and isinstance(value, list) and isinstance(value[0], dict) else value
    if len(cell) == len("2023-11-14 22:13:20.000000000") and cell[10] == " ":
        return cell.rstrip("0").rstrip(".")
    return cell


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_text(file, value):
    """Is one cell whatever it has, and none that is computed."""
    CsvTable(file.output, TABLES["execs"]).write([make_exec(("x", value), cwd=value)])
    (row,) = read(file.path)

    assert ["x", value] == json.loads(row["argv"])
    assert row["cwd"] in {escape(value), "'" + escape(value)}
    assert not row["cwd"].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))


def test_bytes_that_are_no_utf8(file):
    """Each bad byte is U+FFFD, and the exact bytes are in the last column."""
    CsvTable(file.output, TABLES["execs"]).write([make_exec(cwd=BYTES)])
    (row,) = read(file.path)

    assert ("caf\ufffd", {"cwd": ["Y2Fm6Q=="]}) == (row["cwd"], json.loads(row["base64"]))
