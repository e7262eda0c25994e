"""docs/alerts.md says what is there."""

import re
from pathlib import Path

from tests.events import make_alert
from whatran.alerts.limit import Repeats, Withheld, dropped
from whatran.alerts.message import pack, unpack
from whatran.cli.alerting import ALERTED, RATE

PAGE = (Path(__file__).parent.parent.parent / "docs/alerts.md").read_text()


def _first_cells(heading):
    """The names in the first column of the table below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE))))


def test_every_variable_is_documented():
    """Those of an alert and of what was withheld, and no other."""
    facts = unpack(pack(make_alert())).facts | unpack(pack(dropped(make_alert(), 1))).facts

    assert {f"WHATRAN_{name.upper()}" for name in (*facts, "host", "text")} == _first_cells("A command")


def test_every_field_of_what_was_withheld_is_documented():
    """And the parts of what was repeated."""
    assert set(Withheld.__struct_fields__) == _first_cells("`alerts_withheld`")
    assert [] == [name for name in Repeats.__struct_fields__ if f"`{name}`" not in PAGE]


def test_numbers():
    """The status and the rate are what they are."""
    assert f"ends with status {ALERTED} if" in PAGE
    assert f"a minute of each rule ({RATE})" in PAGE
