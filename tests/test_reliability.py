"""The page that says what holds when something goes wrong."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/reliability.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def _tests(file):
    return re.findall(r"^def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_named_tests_exist(file, name):
    """Under the name that the page has."""
    assert name in _tests(file)


@pytest.mark.parametrize("name", ["moments", "shortage", "signals", "surroundings"])
def test_tests_of_faults_are_named(name):
    """Each of them is in a row."""
    file = f"tests/ebpf/test_{name}.py"

    assert set(_tests(file)) == {test for named, test in NAMED if named == file}
