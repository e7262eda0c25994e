"""The table of formats."""

import pytest

from tests.events import make_exec, make_exit, make_fork
from whatran.sinks import FORMATS, Show


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_takes_any_event_and_ends(file, name):
    """Every format says something of a program that ran, and keeps nothing back at the end."""
    sink = FORMATS[name](file.output, Show())
    sink.write([make_fork(), make_exec(("witness",)), make_exit()])
    sink.release(10**12)
    sink.close()

    assert "witness" in file.text
    assert sink.due is None


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_keeps_to_its_limit(file, name):
    """No format writes more records than it was told."""
    sink = FORMATS[name](file.output, Show(2))
    written = sink.write([make_exec(("witness",), pid=pid) for pid in range(2, 9)]) + sink.close()

    assert 2 == written
    assert 2 == sum("witness" in line for line in file.lines)
