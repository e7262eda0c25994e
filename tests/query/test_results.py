"""What the result of a query looks like."""

import csv
import io
import json
import unicodedata

import pytest

from tests.query.build import HOSTILE
from whatran.query.cells import harmless, text, wall_clock
from whatran.query.database import Answer
from whatran.query.results import write_csv, write_json, write_table
from whatran.visible import escape

SOME = [["make", 1, None], ["cc1", -20, ["a", "b c"]]]


def _answer(rows=SOME, names=("comm", "n", "argv"), types=("VARCHAR", "BIGINT", "VARCHAR[]")):
    return Answer(list(names), list(types), iter(rows))


def test_table(file):
    """Columns are aligned, numbers to the right; lists are JSON, what is unknown is NULL."""
    write_table(file.output, _answer())

    assert ["comm    n  argv", "make    1  NULL", 'cc1   -20  ["a", "b c"]'] == file.lines


def test_table_without_rows(file):
    """There is still a head."""
    write_table(file.output, _answer([]))

    assert ["comm  n  argv"] == file.lines


def test_table_is_not_cut_off_a_terminal(file):
    """However long a value is; it pushes its own line only."""
    write_table(file.output, _answer([["x" * 200, 1, None], ["y", 2, None]]))

    assert f"{'x' * 200}  1  NULL" == file.lines[1]
    assert f"{'y':<80}  2  NULL" == file.lines[2]


def test_table_of_many_rows(file):
    """All rows are written, however many; the first thousand say how wide the columns are."""
    write_table(file.output, _answer([["x", number, None] for number in range(2_500)]))

    assert 2_501 == len(file.lines)
    assert "x     2499  NULL" == file.lines[-1]


def test_table_on_a_terminal(terminal):
    """The widest columns are cut so that all fit the 80 columns."""
    write_table(terminal.output, _answer([["make", 1, ["x" * 100]], ["y" * 60, 2, None]]))
    head, *lines = terminal.hang_up().splitlines()

    assert ["comm", "n", "argv"] == head.split()
    assert [79, 46] == list(map(len, lines))
    assert lines[0].endswith('["' + "x" * 34 + "…")


def test_table_too_wide_for_a_terminal(terminal):
    """Where the columns would be too narrow each value has a line of its own."""
    names = [f"column_{number}" for number in range(20)]
    write_table(terminal.output, _answer([range(20), ["z" * 100] * 20], names, ["BIGINT"] * 20))
    lines = terminal.hang_up().splitlines()

    assert ["column_0   0", "column_1   1"] == lines[:2]
    assert "" == lines[20]
    assert "column_0   " + "z" * 68 + "…" == lines[21]
    assert 2 * 21 == len(lines)


def test_colours_on_a_terminal(colour_terminal):
    """The head and what is unknown are dim."""
    write_table(colour_terminal.output, _answer())
    lines = colour_terminal.hang_up().splitlines()

    assert "\x1b[2mcomm    n  argv\x1b[0m" == lines[0]
    assert lines[1].endswith("\x1b[2mNULL        \x1b[0m")


@pytest.mark.parametrize("write", [write_table, write_csv, write_json])
def test_nothing_acts_on_a_terminal(terminal, write):
    """No control, format or unassigned character of a name or value gets there, whatever the format."""
    rows = [[value, [value], {"key": value}] for value in HOSTILE]
    write(terminal.output, _answer(rows, names=HOSTILE[:3]))
    shown = terminal.hang_up()

    assert {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}.isdisjoint(
        unicodedata.category(char) for char in shown if char != "\n"
    )


def test_csv(file):
    """A head and a line a row; lists are JSON, booleans are words, what is unknown is empty."""
    write_csv(file.output, _answer([["a,b", 1, ["c", 'd"']], [True, -1.5, None]]))

    assert [["comm", "n", "argv"], ["a,b", "1", '["c", "d\\""]'], ["true", "-1.5", ""]] == list(
        csv.reader(io.StringIO(file.text))
    )


@pytest.mark.parametrize("value", HOSTILE)
def test_csv_is_read_back(file, value):
    """As text for people has it, with an apostrophe before what would be computed; and exactly where it is in JSON."""
    write_csv(file.output, _answer([[value, 1, [value]]]))
    with open(file.path, newline="", encoding="utf-8") as opened:
        _, (one, _, many) = csv.reader(opened)

    assert one in {escape(value), "'" + escape(value)}
    assert [value] == json.loads(many)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("'=1+1", "=1+1"),
        ("'+1", "+1"),
        ("'-bash", "-bash"),
        ("'@x", "@x"),
        (r"'\t=1", "\t=1"),
        (r"'\r=1", "\r=1"),
        (r"'\n=1", "\n=1"),
        ("'\uff1d1", "\uff1d1"),
        ("1=1", "1=1"),
        ("", ""),
        ("-1", -1),
        ("-0.5", -0.5),
        ('["=1"]', ["=1"]),
        ('{"a": "=1"}', {"a": "=1"}),
        ("false", False),
        ("", None),
    ],
)
def test_no_cell_is_a_formula(expected, value):
    """A text that a spreadsheet would compute is marked as text; numbers are numbers."""
    assert expected == harmless(value)


def test_json(file):
    """One array with an object a row, each on a line."""
    write_json(file.output, _answer())

    assert ['[{"comm":"make","n":1,"argv":null},', ' {"comm":"cc1","n":-20,"argv":["a","b c"]}]'] == file.lines


def test_json_without_rows(file):
    """An array still."""
    write_json(file.output, _answer([]))

    assert [] == json.loads(file.text)


def test_json_is_read_back(file):
    """Numbers of any size, hostile texts and many rows come back as they were."""
    rows = [[value, number << 70, [value]] for number, value in enumerate(HOSTILE * 100)]
    write_json(file.output, _answer(rows))

    assert rows == [list(one.values()) for one in json.loads(file.text)]


def test_json_on_a_terminal_says_the_same(terminal):
    """It is written in ASCII there, and means the same."""
    write_json(terminal.output, _answer([[value, 1, None] for value in HOSTILE]))

    assert list(HOSTILE) == [one["comm"] for one in json.loads(terminal.hang_up())]


@pytest.mark.parametrize(
    ("expected", "ns"),
    [
        ("1970-01-01 00:00:00.000000000", 0),
        ("2023-11-14 22:13:20.000000001", 1_700_000_000_000_000_001),
        ("1969-12-31 23:59:59.999999999", -1),
        ("2262-04-11 23:47:16.854775806", (1 << 63) - 2),
        (None, (1 << 63) - 1),
        (None, -(1 << 63)),
        (None, 1 << 90),
    ],
)
def test_wall_clock(expected, ns):
    """The time in UTC to the nanosecond, where SQL has a value for it."""
    assert expected == wall_clock(ns)


def test_text_of_a_float():
    """As short as it can be."""
    assert "0.1" == text(0.1)
