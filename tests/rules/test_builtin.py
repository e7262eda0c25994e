"""The rules that come with whatran: each is complete, and its examples say what it is about."""

import re
import uuid

import pytest

from tests.events import MS, S, make_exec, make_fork
from whatran.rules.engine import Engine
from whatran.rules.fields import CAPABILITIES
from whatran.rules.load import load
from whatran.rules.model import CorrelationRule
from whatran.rules.places import BUILTIN

LOADED = load([BUILTIN])
ENGINE = Engine(LOADED.rules)
CREATOR = 90
YEAR = 365 * 24 * 3600


def _ancestors(images, command_lines, **creator):
    """Events that make a line of processes, the nearest first, of which the first then forks pid 900."""
    deep = max(len(images), len(command_lines), 1)
    images = [*images, *["/usr/bin/ancestor"] * (deep - len(images))]
    command_lines = [*command_lines, *["ancestor"] * (deep - len(command_lines))]
    for level in range(deep - 1, -1, -1):
        pid = CREATOR - level
        ran = {"pathname": images[level], "pid": pid, "start": pid * MS, "at": pid * MS}
        yield make_exec(command_lines[level].split(" "), **ran)
        below = 900 if level == 0 else pid + 1
        yield make_fork(below, child_start=below * MS, pid=pid, start=pid * MS, **(creator if level == 0 else {}))


def _events(example, number=0):
    """What a rule has to see so that an example's fields are as it says; all others are as they mostly are."""
    fields = {"creator_pid": CREATOR, "file_age": YEAR} | example
    changed = {name: 1 for name in ("mnt_ns", "pid_ns") if fields.pop(f"{name}_changed", False)}
    image = fields.pop("Image", "/usr/bin/true")
    parent = [fields.pop("ParentImage")] if "ParentImage" in fields else []
    parent_line = [fields.pop("ParentCommandLine")] if "ParentCommandLine" in fields else []
    above = _ancestors(fields.pop("AncestorImage", parent), fields.pop("AncestorCommandLine", parent_line), **changed)
    argv = fields.pop("argv", None)
    if argv is None:
        argv = fields.pop("CommandLine", image.rpartition("/")[2]).split(" ")
    at = 901 * MS + number * S
    gained = sum(1 << CAPABILITIES.index(name) for name in fields.pop("cap_gained", ()))
    made = make_exec(pid=900, start=900 * MS, at=at)
    natural = {
        "pathname": image,
        "cmdpath": image,
        "interp": image,
        "argc": len(argv),
        "ctime": made.timestamp - int(fields.pop("file_age") * S),
        "cap_effective": gained,
        "loginuid": fields.pop("LogonId", None),
    }
    yield from above
    yield make_exec(argv, pid=900, start=900 * MS, at=at, **natural | fields)


def _alerting(example):
    """Titles of the rules that alert on an example: one exec, or several of one kind of life after another."""
    engine = ENGINE.anew()
    found = set()
    for number, part in enumerate(example if isinstance(example, list) else [example]):
        for event in _events(part, number):
            engine.follow(event)
            if event.event == "sched_process_exec" and event.pid == 900:
                found.update(alert.rule for alert in engine(event))
    return found


COUNTED = {name for rule in LOADED.rules if isinstance(rule, CorrelationRule) for name in rule.rules}

EXAMPLES = [
    pytest.param(rule, example, kind == "positive", id=f"{rule.title}-{kind}-{number}")
    for rule in LOADED.rules
    for kind in ("positive", "negative")
    for number, example in enumerate(rule.extra[kind])
    if rule.id not in COUNTED
]


def test_read_without_a_problem():
    """None of them is wrong, and none is about something else."""
    assert ((), ()) == (LOADED.errors, LOADED.left_out)


@pytest.mark.parametrize(("rule", "example", "expected"), EXAMPLES)
def test_examples(rule, example, expected):
    """Each rule alerts on all of its positive examples, and on none of its negative ones."""
    assert expected is (rule.title in _alerting(example))


@pytest.mark.parametrize("rule", LOADED.rules, ids=lambda rule: rule.title)
def test_complete(rule):
    """A rule has all that is said of rules: technique, level, description, what it may be wrong about, examples."""
    assert [] == [
        name
        for name in ("name", "description", "author", "status", "falsepositives", "attack")
        if not getattr(rule, name) and (name != "name" or rule.id in COUNTED)
    ]
    assert rule.id == str(uuid.UUID(rule.id))
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) for technique in rule.attack)
    assert (rule.level == "informational") is (rule.id in COUNTED)
    assert all(rule.extra[kind] for kind in ("positive", "negative"))


def test_titles_are_of_one_rule_each():
    """A title says which rule it was."""
    titles = [rule.title for rule in LOADED.rules]

    assert sorted(set(titles)) == sorted(titles)
