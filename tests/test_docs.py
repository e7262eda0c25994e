import json
import re
import runpy
from pathlib import Path

import jsonschema
import msgspec
import pytest

from tests.events import make_alert, make_exec, make_exit, make_failed, make_fork, make_gap
from whatran.cli import COMMANDS, record, replay, run, watch
from whatran.cli.running import TIMED_OUT
from whatran.event import Alert, Gap
from whatran.filter import FIELDS
from whatran.process.lives import Failure, Life, Program
from whatran.rules.load import load
from whatran.rules.places import BUILTIN

ROOT = Path(__file__).parent.parent
CLI = (ROOT / "docs/cli.md").read_text()
BASELINE = (ROOT / "docs/baseline.md").read_text()
DIFF = (ROOT / "docs/diff.md").read_text()
README = (ROOT / "README.md").read_text()

DOCUMENTED = [command for command in COMMANDS if hasattr(command, "_parser")]


def _options(parser):
    return {option for action in parser._actions for option in action.option_strings}


def test_events_page_is_that_of_the_docstrings():
    """`.venv/bin/python scripts/docs.py` writes it anew."""
    docs = runpy.run_path(ROOT / "scripts/docs.py")

    assert docs["page"]() == docs["PAGE"].read_text()


def test_schema_is_that_of_the_types():
    """The same script writes it."""
    docs = runpy.run_path(ROOT / "scripts/docs.py")

    assert docs["schema"]() == docs["SCHEMA"].read_text()


def test_detections_page_is_that_of_the_rules():
    """`.venv/bin/python scripts/detections.py` writes it anew; every rule is in it, and counts of each are."""
    docs = runpy.run_path(ROOT / "scripts/detections.py")

    page = docs["page"]()

    assert page == docs["PAGE"].read_text()
    assert "| ? |" not in page


def test_what_needs_env_is_said_of_recordings():
    """Live, environments are captured for the rules that look at them (test_engine.py has that)."""
    about_env = [rule for rule in load([BUILTIN]).rules if "--env" in rule.description]

    assert 7 == len(about_env)
    assert [] == [rule.title for rule in about_env if "recording" not in rule.description]
    assert "captured for them, live, without `--env`" in " ".join((ROOT / "docs/detections.md").read_text().split())


@pytest.mark.parametrize("make", [make_exec, make_failed, make_fork, make_exit, make_gap, make_alert])
def test_events_fit_the_schema(make):
    """An independent validator takes each kind of event as JSON, and not with a field of the wrong type."""
    schema = json.loads((ROOT / "docs/events.schema.json").read_text())
    event = json.loads(msgspec.json.encode(make()))

    jsonschema.validate(event, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"timestamp": "now"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"no_such_field": 1}, schema)


def test_every_field_has_a_sentence():
    """A name alone does not say what is in it."""
    page = (ROOT / "docs/events.md").read_text()
    described = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*) \|$", page, re.MULTILINE))

    assert (
        FIELDS.union(
            Alert.__struct_fields__,
            Gap.__struct_fields__,
            Life.__struct_fields__,
            Program.__struct_fields__,
            Failure.__struct_fields__,
        )
        == described.keys()
    )
    assert [] == [name for name, text in described.items() if not text]


def test_every_option_is_documented_and_no_other():
    """Those of all commands, and nothing that is gone."""
    real = set().union(*(_options(command._parser()) for command in DOCUMENTED))
    first_cells = "\n".join(re.findall(r"^\| (`--?[a-z].*?) \|", CLI + DIFF + BASELINE, re.MULTILINE))

    assert real - {"-h", "--help"} == set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", first_cells))


def _section(heading):
    """What of cli.md is below a heading."""
    return CLI.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_option_of_replay_is_in_its_table():
    """And no other."""
    cells = "\n".join(re.findall(r"^\| (`--?[a-z].*?) \|", _section("Replaying"), re.MULTILINE))
    not_in_it = {"-h", "--help", "-v", "--verbose", "--count", "--output"}  # of all commands, or by their short names

    assert _options(replay._parser()) - not_in_it == set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", cells))


def test_options_that_record_has_not_are_named():
    """Of those of watch and run."""
    said = _section("Recording").partition("| option |")[0]
    real = _options(watch._parser()) | _options(run._parser())

    assert real - _options(record._parser()) - {"--count"} == set(re.findall(r"`(--?[a-z][a-z-]*)`", said))


def test_what_rules_make_of_the_status_is_in_its_table():
    """Each status with what has it."""
    rows = re.findall(r"^\| ([\d, ]+) \| (.*) \|$", _section("Exit status"), re.MULTILINE)

    assert [("1", "a rule cannot be read"), ("1", "the rule finds nothing"), ("2", "no rule is left")] == [
        (status, said)
        for status, text in rows
        for said in ("a rule cannot be read", "the rule finds nothing", "no rule is left")
        if said in text
    ]
    assert [("124", "run; record, learn and check of a command: `--timeout` ended it")] == [
        row for row in rows if row[0] == str(TIMED_OUT)
    ]


def test_every_command_is_documented():
    """By its name in the synopsis."""
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}

    assert names == set(re.findall(r"^whatran \[?(\w+)", CLI, re.MULTILINE))


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`whatran[^`]*?(--?[a-z]+)", README))))
def test_options_in_the_readme_exist(option):
    """What it tells to type can be typed."""
    assert any(option in _options(command._parser()) for command in DOCUMENTED)


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_in_the_readme_is_python(code):
    """It compiles, and the names it takes from the package are there."""
    import whatran  # noqa: PLC0415

    compile(code, "README.md", "exec")
    assert all(hasattr(whatran, name) for name in re.findall(r"whatran\.(\w+)", code))
