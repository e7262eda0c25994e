"""Rule files as rules; all errors of all files are collected, and none keeps another rule from being read."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.errors import UsageError
from whatran.rules.correlation_reader import read_correlation, resolved
from whatran.rules.document import MOST_BYTES, Items, Map, RuleError, Scalar, documents
from whatran.rules.model import Loaded, Place, Problem
from whatran.rules.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from whatran.rules.document import Node
    from whatran.rules.model import Rule
    from whatran.rules.modifiers import Placeholders

SUFFIXES = (".yml", ".yaml")

RECORDING = b"\x93whatran"
"""How a recording begins."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def load(paths: Iterable[str | os.PathLike[str]]) -> Loaded:
    """The rules of files, and of all ``*.yml`` in directories and below; UsageError for a path that is not there."""
    errors: list[Problem] = []
    texts = []
    for path in _files(paths, errors):
        try:
            texts.append((os.fspath(path), _text(path)))
        except RuleError as error:
            errors.append(error.problem)
    loaded = read(texts)
    errors += loaded.errors
    errors.sort(key=lambda each: (each.place.file, each.place.line, each.place.column))
    return replace(loaded, errors=tuple(errors))


def read(texts: Iterable[tuple[str, str]]) -> Loaded:
    """The rules of texts, each with the name of its file."""
    errors: list[Problem] = []
    found = [document for file, text in texts for document in _documents(file, text, errors)]
    placeholders: Placeholders = {}
    for document in found:
        _take_placeholders(document, placeholders, errors)
    rules: list[Rule] = []
    left_out: list[Problem] = []
    for document in found:
        if "placeholders" not in document.entries:
            _read(document, placeholders, rules, errors, left_out)
    rules = _once(rules, errors)
    rules = resolved(rules, errors)
    return Loaded(tuple(rules), tuple(errors), tuple(left_out))


def files_in(directory: Path, unread: Callable[[OSError], object] | None = None) -> list[Path]:
    """Files of rules, in it and below; ``unread`` is told of each directory that may not be looked into."""
    found = os.walk(directory, onerror=unread)
    paths = (Path(where, name) for where, _, names in found for name in names)
    return sorted(path for path in paths if path.suffix in SUFFIXES)


def mode_at(path: Path) -> int | None:
    """What is at a path, as st_mode has it; None where nothing can be there, UsageError where nobody lets us look."""
    try:
        return path.stat().st_mode
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise UsageError(f"cannot read rules: {path}: {error.strerror}") from error


def unreadable(error: OSError) -> Problem:
    """What the system says of a file or a directory, as what is wrong with it."""
    return Problem(Place(os.fsdecode(error.filename), 1, 1), f"cannot be read: {error.strerror}")


def _files(paths: Iterable[str | os.PathLike[str]], errors: list[Problem]) -> Iterator[Path]:
    def unread(error: OSError) -> None:
        if error.errno != errno.ENOENT:  # what is gone meanwhile is not there
            errors.append(unreadable(error))

    seen: set[Path] = set()
    for given in paths:
        if not os.fspath(given):
            raise UsageError("cannot read rules: '' is no path")
        path = Path(given)
        mode = mode_at(path)
        if mode is None:
            raise UsageError(f"cannot read rules: there is no {path}")
        for each in files_in(path, unread) if stat.S_ISDIR(mode) else [path]:
            if each not in seen:
                seen.add(each)
                yield each


def _documents(file: str, text: str, errors: list[Problem]) -> list[Map]:
    result = []
    try:
        for document in documents(text, file):
            if not isinstance(document, Map):
                raise RuleError(document.place, "a rule is a map: title, logsource, detection")  # noqa: TRY301
            result.append(document)
    except RuleError as error:
        errors.append(error.problem)
    return result


def _text(path: Path) -> str:
    place = Place(os.fspath(path), 1, 1)
    try:
        if not path.is_file():
            raise RuleError(place, "this is no file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RuleError(place, f"cannot be read: {error.strerror}") from None
    if data.startswith(RECORDING):
        raise RuleError(place, "this is a recording, not a file of rules")
    if len(data) > MOST_BYTES:
        raise RuleError(place, f"a file of rules has {MOST_BYTES >> 20} MiB at most")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise RuleError(Place(place.file, line, column), "this is no UTF-8") from None


def _take_placeholders(document: Map, placeholders: Placeholders, errors: list[Problem]) -> None:
    """A document of ``placeholders:`` says for all rules what ``%NAME%`` stands for where |expand is."""
    given = document.entries.get("placeholders")
    if given is None:
        return
    if not isinstance(given, Map):
        errors.append(Problem(given.place, "placeholders are a map of lists"))
        return
    for name, node in given.entries.items():
        values = node.items if isinstance(node, Items) else (node,)
        if not values or not all(isinstance(value, Scalar) and value.value is not None for value in values):
            errors.append(Problem(node.place, f"placeholder {name}: a list of texts"))
        placeholders[name] = tuple(value.text for value in values if isinstance(value, Scalar))


def _read(
    document: Map, placeholders: Placeholders, rules: list[Rule], errors: list[Problem], left_out: list[Problem]
) -> None:
    for key, reason in _NOT_OURS.items():
        if key in document.entries:
            errors.append(Problem(document.keys[key], reason))
            return
    reader = Reader(document, placeholders)
    rule: Rule | None
    if "correlation" in document.entries:
        rule = read_correlation(reader)
    else:
        other = reader.left_out()
        if other is None and _text_of(document.entries.get("status")) == "unsupported":
            other = Problem(document.entries["status"].place, "its status is unsupported")
        if other is not None:
            left_out.append(other)
            return
        rule = reader.rule()
    errors += reader.problems
    if rule is not None and not reader.problems:
        rules.append(rule)


_NOT_OURS = {
    "action": "action belongs to Sigma 1: write each rule out as a document of its own",
    "filter": "this is a filter for other rules, and those are not supported: write it into the rules' conditions",
}


def _text_of(node: Node | None) -> str | None:
    return node.text if isinstance(node, Scalar) else None


def _once(rules: list[Rule], errors: list[Problem]) -> list[Rule]:
    """Without those that have an id that another has, too."""
    first: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in first:
            errors.append(Problem(rule.place, f"id {rule.id[:80]} is that of {first[rule.id].place} already"))
        else:
            first[rule.id] = rule
    return list(first.values())
