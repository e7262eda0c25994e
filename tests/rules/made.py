"""Rules in a few words, and what becomes of events under them."""

import itertools

from tests.events import MS, make_exec
from whatran.rules.engine import Engine
from whatran.rules.load import load

_NUMBERS = itertools.count()

HEAD = "logsource: {product: linux, category: process_creation}"


def rule_of(detection, title="T", more=""):
    """The text of a rule, whose detection is given with its own indentation."""
    body = "\n".join(f"    {line}" for line in detection.strip("\n").splitlines())
    return f"title: {title}\n{HEAD}\n{more}\ndetection:\n{body}\n"


def loaded(tmp_path, *texts):
    """What is read of files with these texts, in their order."""
    directory = tmp_path / f"rules{next(_NUMBERS)}"
    directory.mkdir()
    for number, text in enumerate(texts):
        (directory / f"{number:05}.yml").write_text(text, encoding="utf-8", errors="surrogateescape")
    return load([directory])


def problems(tmp_path, *texts):
    """What is wrong with rules, without the names of files."""
    return [f"{each.place.line}:{each.place.column}: {each.text}" for each in loaded(tmp_path, *texts).errors]


def engine_of(tmp_path, *texts):
    """These rules at work; they have to be right."""
    found = loaded(tmp_path, *texts)
    assert found.errors == ()
    return Engine(found.rules)


def alerts(engine, *events):
    """The alerts for events, one after another."""
    result = []
    for event in events:
        engine.follow(event)
        result += engine(event) if event.event == "sched_process_exec" else []
    return result


def fits(tmp_path, detection, *events, **fields):
    """Whether a rule with this detection alerts on an exec, made of the fields given."""
    engine = engine_of(tmp_path, rule_of(detection))
    return bool(alerts(engine, *events, make_exec(**{"pid": 900, "start": 900 * MS, "at": 901 * MS} | fields)))
