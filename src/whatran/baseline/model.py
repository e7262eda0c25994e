"""A baseline: what may run, as rules of globs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from whatran.baseline.generalise import RULES

VERSION = 1

DEPTH = 2
"""How many parents are told: the nearest is often but a shell, and what started that says what it was for."""


class Program(NamedTuple):
    """Who may start what, whatever the arguments; texts as in the file."""

    pathname: str
    script_pathname: str
    """The script it interprets; empty for none."""
    parents: tuple[str, ...] | None
    """The programs above, the nearest first, or as many of them as count; None for any."""
    user: str | None
    """None for any."""
    container_image: str
    """Empty outside of containers, and where the image is not known."""
    sha256: str | None
    """Of the file of the program; None for any."""


class Rule(NamedTuple):
    """A program, and arguments it may have."""

    program: Program
    argv: tuple[str, ...] | None
    """None for any; of these the last may be ``...``, for any more."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How events become what rules are compared with."""

    depth: int = DEPTH
    generalised: tuple[str, ...] = tuple(RULES)
    """Names of RULES."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What may run."""

    settings: Settings = Settings()
    rules: frozenset[Rule] = frozenset()
