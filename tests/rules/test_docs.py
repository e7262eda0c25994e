"""What docs/rules.md says, against what is."""

import re
from pathlib import Path

import pytest

from tests.events import make_exec
from tests.rules.made import alerts, engine_of, loaded
from whatran.event import Exec
from whatran.rules.correlation_reader import TYPES
from whatran.rules.fields import FIELDS
from whatran.rules.modifiers import MODIFIERS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/rules.md").read_text()


def _section(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_fields_are_those_there_are():
    """Each that is not the event's own, with what is said of it in the source."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", _section("Fields"), re.MULTILINE))

    assert {name: field.about for name, field in FIELDS.items() if name not in Exec.__struct_fields__} == rows


def test_modifiers_are_those_there_are():
    """All, with their other names."""
    cells = re.findall(r"^\| (`.*?) \| (.*) \|$", _section("Modifiers"), re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(first for first, _ in cells))
    flags = re.findall(r"`(\w+)` \(`(\w+)`\):", PAGE)

    assert MODIFIERS == {*named, *(name for pair in flags for name in pair)}


def test_types_of_correlations_are_those_there_are():
    """In their order."""
    assert list(TYPES) == re.findall(r"^\| `(\w+)` \|", _section("Correlation"), re.MULTILINE)


@pytest.mark.parametrize("shell", ["/usr/bin/dash", "/usr/bin/bash"])
def test_the_correlation_counts_shells_by_the_files_that_run(tmp_path, shell):
    """Five of a system whose /bin/sh is that."""
    engine = engine_of(tmp_path, *re.findall(r"```yaml\n(.*?)```", _section("Correlation"), re.DOTALL))
    execs = [make_exec(("sh",), pathname=shell, pid=100 + number) for number in range(5)]

    assert [("Five shells of one user in a minute", 5)] == [(each.rule, each.count) for each in alerts(engine, *execs)]


def test_examples_are_right(tmp_path):
    """Each can be read, and says what it should."""
    found = loaded(tmp_path, *re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))

    assert ((), 3) == (found.errors, len(found.rules))
