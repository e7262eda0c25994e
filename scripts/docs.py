"""Writes docs/events.md and docs/events.schema.json from the types of the events; a test holds them together."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from pathlib import Path
from typing import Any

import msgspec

from whatran import event
from whatran.process import lives

PAGE = Path(__file__).parent.parent / "docs/events.md"
SCHEMA = PAGE.with_name("events.schema.json")

HEAD = """\
# Events

<!-- Written by scripts/docs.py from src/whatran/event.py: change it there. -->

One JSON object a line (`--format jsonl`), one frozen struct in Python; the names are the same. Two rules hold for every
field:

- **Unknown is not empty.** A value that could not be read is null and its name stands in `unreadable`. A value that was
  cut has its true length in `truncated`.
- **Text is bytes in the kernel.** In Python it is decoded with surrogateescape, so `os.fsencode(value)` gives the exact
  bytes back. JSON is always valid UTF-8: where the bytes are not, each bad one is written as U+FFFD, and `FIELD_base64`
  beside it has the exact bytes (for a list, one string an element).

A [JSON Schema](events.schema.json) describes the lines. Times are integers in ns. Ids of users, groups and processes
are those of the initial namespaces, unless the name says `ns`.
"""

TITLES = {
    lives.Program: "One of the programs of a life",
    lives.Failure: "One of the failures of a life",
    event.Event: "On every event",
    event.TaskEvent: "On every event of a task",
}
LINES = (event.Exec, event.ExecFailed, event.Fork, event.Exit, event.Gap, event.Alert, lives.Life)
"""What a line of JSON can be."""

KINDS = (event.Event, event.TaskEvent, *LINES, lives.Program, lives.Failure)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(_section, KINDS)])


def schema() -> str:
    """The whole schema: a line is one of LINES, told apart by its event."""
    refs, definitions = msgspec.json.schema_components(LINES, ref_template="#/$defs/{name}")
    for kind in (*LINES, lives.Program, lives.Failure):
        _describe(kind, definitions[kind.__name__])
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of whatran --format jsonl or lives",
        "oneOf": list(refs),
        "$defs": definitions,
    }
    return json.dumps(whole, indent=1) + "\n"


def _describe(kind: type, definition: dict[str, Any]) -> None:
    """Adds what the docstrings say, and the one name that its event has."""
    for base in reversed(kind.__mro__[:-2]):
        if base.__module__.startswith("whatran"):
            for name, _, text in _fields(_class(base)):
                definition["properties"][name]["description"] = text
    if hasattr(kind, "NAME"):
        definition["properties"]["event"]["const"] = kind.NAME
    definition["additionalProperties"] = False
    definition["patternProperties"] = {"_base64$": {"type": ["string", "array"]}}


def _class(kind: type) -> ast.ClassDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101  # for mypy
    return tree


def _section(kind: type) -> str:
    tree = _class(kind)
    title = TITLES.get(kind) or kind.NAME
    rows = [f"| `{name}` | {type_} | {text} |" for name, type_, text in _fields(tree)]
    intro = " ".join((ast.get_docstring(tree) or "").split())
    return "\n".join([f"## {title}", "", intro, "", "| field | type | what it is |", "| --- | --- | --- |", *rows, ""])


def _fields(tree: ast.ClassDef) -> list[tuple[str, str, str]]:
    """(name, type, docstring) of each field, in order; a docstring follows its field."""
    found = []
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id != "NAME":
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            type_ = ast.unparse(node.annotation).replace(" | ", " or ").replace("None", "null")
            found.append((node.target.id, type_, " ".join(str(text).replace("``", "`").split())))
    return found


if __name__ == "__main__":
    PAGE.write_text(page())
    SCHEMA.write_text(schema())
