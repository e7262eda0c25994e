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
from whatran.rules.load import files_in, load, mode_at
from whatran.rules.places import BUILTIN

if TYPE_CHECKING:
    from whatran.rules.model import Problem

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

    A file that is there already is replaced; one whose rules have ids of rules elsewhere is left out. Raises UsageError
    where there is no rule at all.
    """
    if not stat.S_ISDIR(mode_at(source) or 0):
        raise UsageError(f"{source} is no directory of rules")
    if source.resolve().is_relative_to(target.resolve()):
        raise UsageError(f"{source} is where rules are imported to: they are at work already")
    replaced = {target / path.relative_to(source) for path in files_in(source)}
    others = [path for path in (*files_in(target), *files_in(BUILTIN)) if path not in replaced]
    loaded = load([*others, source])
    errors = tuple(each for each in loaded.errors if Path(each.place.file).is_relative_to(source))
    bad = {each.place.file for each in errors}
    rules = [rule.place.file for rule in loaded.rules if Path(rule.place.file).is_relative_to(source)]
    good = Counter(file for file in rules if file not in bad)
    try:
        for file in (*map(Path, good), *(each for name in LICENCES for each in source.glob(name) if each.is_file())):
            _copy(file, target / file.relative_to(source))
    except OSError as error:
        raise OutputError(f"cannot write to {target}: {error.strerror}") from error
    ours = {path.place.file for path in loaded.left_out if Path(path.place.file).is_relative_to(source)}
    left_out = Counter(each.text for each in loaded.left_out if each.place.file in ours)
    if not (rules or errors or left_out):
        raise UsageError(f"there is no rule in {source}, nor below it: nothing is imported")
    return Imported(good.total(), len(good), errors, left_out)


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
