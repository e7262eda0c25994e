"""Copies rules of others into the directory of those that are at work; notices of author and licence stay."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.errors import OutputError, UsageError
from whatran.rules.document import Map, documents
from whatran.rules.load import files_in, load, mode_at, unreadable
from whatran.rules.model import Place, Problem
from whatran.rules.places import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.rules.model import Loaded

LICENCES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*")
"""Files that say under which terms the others may be used; of SigmaHQ's that is DRL 1.1."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a directory of rules."""

    rules: int
    files: int
    errors: tuple[Problem, ...]
    """What is wrong with files that were left out for that."""
    left_out: Counter[str]
    """How many rules are none of ours, by why."""


def import_rules(source: Path, target: Path) -> Imported:
    """Copies the files that have rules for execs on Linux, and no problem, to the same places below the target.

    A file that is there already is replaced; one whose rules have ids of rules elsewhere is left out, and so is one
    that needs what is in a file that is left out. Files that say what their placeholders stand for come along. A link
    out of the source is not followed: what it leads to may be for the eyes of the caller only. Raises UsageError
    where there is no rule at all.
    """
    if not stat.S_ISDIR(mode_at(source) or 0):
        raise UsageError(f"{source} is no directory of rules")
    if source.resolve().is_relative_to(target.resolve()):
        raise UsageError(f"{source} is where rules are imported to: they are at work already")
    licences = [each for name in LICENCES for each in source.glob(name) if each.is_file()]
    hidden: list[OSError] = []
    files, errors = _within(source, files_in(source, hidden.append))
    errors += map(unreadable, hidden)
    licences, more = _within(source, licences)
    errors += more
    loaded = load([*_others(source, target, files), *files])
    errors += _errors_of(files, loaded)
    bad = {each.place.file for each in errors}
    right = [file for file in files if str(file) not in bad]
    with_rules = {rule.place.file for rule in loaded.rules}
    kept = [file for file in right if str(file) in with_rules]
    kept += _placeholders_for(kept, [file for file in right if str(file) not in with_rules])
    while wrong := _errors_of(kept, load([*_others(source, target, kept), *kept])):
        errors += wrong
        bad = {each.place.file for each in wrong}
        kept = [file for file in kept if str(file) not in bad]
    try:
        for file in (*kept, *licences):
            _copy(file, target / file.relative_to(source))
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror}") from error
    names = {str(file) for file in kept}
    good = Counter(rule.place.file for rule in loaded.rules if rule.place.file in names)
    ours = {path.place.file for path in loaded.left_out if Path(path.place.file).is_relative_to(source)}
    left_out = Counter(each.text for each in loaded.left_out if each.place.file in ours)
    if not (errors or left_out or kept):
        raise UsageError(f"there is no rule in {source}, nor below it: nothing is imported")
    return Imported(good.total(), len(good), tuple(errors), left_out)


def _within(source: Path, files: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    """Those that are in the source, or are links to what is; and what is wrong with others."""
    top = Path(os.path.realpath(source))
    found, errors = [], []
    for file in files:
        to = Path(os.path.realpath(file))
        if not to.is_relative_to(top):
            errors.append(
                Problem(Place(str(file), 1, 1), f"this is a link out of {source}, to {to}: it is not followed")
            )
        elif not to.exists():
            errors.append(Problem(Place(str(file), 1, 1), "this is a link to nothing"))
        else:
            found.append(file)
    return found, errors


def _others(source: Path, target: Path, files: Sequence[Path]) -> list[Path]:
    """The files of rules that are at work beside these, once they have been copied."""
    replaced = {target / file.relative_to(source) for file in files}
    return [file for file in (*files_in(target), *files_in(BUILTIN)) if file not in replaced]


def _errors_of(files: Sequence[Path], loaded: Loaded) -> list[Problem]:
    names = {str(file) for file in files}
    return [each for each in loaded.errors if each.place.file in names]


def _placeholders_for(files: Sequence[Path], others: Sequence[Path]) -> list[Path]:
    """Those of the others that say what placeholders in the files stand for."""
    texts = [text for text in map(_text, files) if "expand" in text]
    found = []
    for file in others if texts else ():
        text = _text(file)
        if "placeholders" in text and any(f"%{name}%" in each for name in _placeholders(file, text) for each in texts):
            found.append(file)
    return found


def _placeholders(file: Path, text: str) -> Iterator[str]:
    for document in documents(text, str(file)):
        if isinstance(document, Map) and isinstance(names := document.entries.get("placeholders"), Map):
            yield from names.entries


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig")


def _copy(file: Path, to: Path) -> None:
    """Whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    fd, made = tempfile.mkstemp(dir=to.parent, prefix=".importing.")
    beside = Path(made)
    try:
        with file.open("rb") as source, os.fdopen(fd, "wb") as target:
            shutil.copyfileobj(source, target)
        beside.chmod(0o644)  # a rule is no secret, and mkstemp(3) makes one
        beside.replace(to)
    finally:
        beside.unlink(missing_ok=True)
