"""Rules find what pySigma's reading of them finds.

1,000 execs in every run; `make test ARGS=tests/rules/test_oracle.py` with WHATRAN_ORACLE_EVENTS=100000 tries as many,
and with WHATRAN_ORACLE_RULES=DIR also the rules there, as SigmaHQ's.
"""

import os
from pathlib import Path

import pytest

from tests.rules import generated, oracle
from whatran.rules.engine import Engine
from whatran.rules.explain import holds
from whatran.rules.fields import View
from whatran.rules.load import files_in, load

EVENTS = int(os.environ.get("WHATRAN_ORACLE_EVENTS", "1000"))
RULES = 200
SEED = 1

HAND_WRITTEN = Path(__file__).parent.parent / "data/rules"
GIVEN = os.environ.get("WHATRAN_ORACLE_RULES")


def _differences(directory):
    """Rules, and of them those that find other events than the oracle says, with the first such."""
    rules = load([directory]).rules
    events = list(generated.execs(EVENTS, SEED, rules))
    files = dict.fromkeys(rule.place.file for rule in rules)
    expected = oracle.hits([Path(file).read_text() for file in files], events)
    index = Engine(rules).index
    found = [[] for _ in rules]
    for at, (event, kin) in enumerate(events):
        for number in index(View(event, kin)):
            found[number].append(at)
    different = {
        rule.title: min(set(mine) ^ set(its), key=int)
        for rule, mine, its in zip(rules, found, expected, strict=True)
        if mine != its
    }
    return rules, sum(map(len, found)), different


def test_generated_rules_find_the_same(tmp_path):
    """All modifiers and conditions that the oracle can do too: without keywords."""
    for number, text in enumerate(generated.rules(RULES, SEED)):
        (tmp_path / f"{number:04}.yml").write_text(text)
    rules, hits, different = _differences(tmp_path)

    assert (RULES, {}) == (len(rules), different)
    assert hits > EVENTS


@pytest.mark.parametrize("directory", [HAND_WRITTEN, *filter(None, [GIVEN])])
def test_rules_find_the_same(directory):
    """Those of tests/data/rules, written in the grammar of the public ones; and those that are given."""
    rules, hits, different = _differences(directory)

    assert {} == different
    assert hits > 0
    assert len(rules) == len({rule.id for rule in rules})


def test_compiled_conditions_hold_where_their_parts_say_so(tmp_path):
    """The index and the generated source are worth nothing where they differ from the plain meaning."""
    for number, text in enumerate(generated.rules(RULES, SEED + 1)):
        (tmp_path / f"{number:04}.yml").write_text(text)
    rules = load([tmp_path]).rules
    index = Engine(rules).index
    views = [View(*each) for each in generated.execs(100, SEED + 1, rules)]

    assert [[at for at, rule in enumerate(rules) if holds(rule.condition, view)] for view in views] == [
        index(view) for view in views
    ]
    assert len(files_in(tmp_path)) == len(rules)
