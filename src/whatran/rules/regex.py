"""Regular expressions of rules, held against a text in time that grows as the text does and no faster.

Python's own can take exponential time, for a text that whoever is watched may choose; RE2 makes one pass, whatever
the expression. It has no look-around and no back references, and neither has Sigma.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from typing import Any

MOST_CHARS = 4096
"""Of an expression; RE2 bounds the memory of what it is compiled to by itself."""

Search = Callable[[str], bool]


class Wild(Enum):
    """What a text with wildcards has beside text."""

    MANY = "*"
    ONE = "?"


class RegexError(Exception):
    """An expression that cannot be."""


def search(text: str, flags: str = "") -> Search:
    """Whether it is found in a text; RegexError where it is none. ``flags`` are some of i, m and s."""
    if len(text) > MOST_CHARS:
        raise RegexError(f"a regular expression has {MOST_CHARS} characters at most")
    try:
        found = _compiler()(f"(?{flags}){_valid(text)}" if flags else _valid(text))
    except _re2().error as error:
        reason = error.args[0] if error.args else ""
        raise RegexError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None
    return lambda value: found(_valid(value)) is not None


def wildcards(parts: Sequence[str | Wild]) -> re.Pattern[str]:
    """What fits a text with wildcards as a whole.

    What is between two wildcards is taken where it comes first, and never tried elsewhere (``(?>…)``): no backtracking.
    """
    runs = [""]
    for part in parts:
        if part is Wild.MANY:
            runs.append("")
        else:
            runs[-1] += "." if part is Wild.ONE else re.escape(part)
    first, *rest = runs
    if not rest:
        return re.compile(rf"{first}\Z", re.DOTALL)
    *middle, last = rest
    return re.compile(rf"{first}{''.join(f'(?>.*?{run})' for run in middle if run)}.*{last}\Z", re.DOTALL)


def _valid(text: str) -> str:
    """RE2 reads UTF-8: bytes that are none become U+FFFD each."""
    return text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="replace")


@cache
def _re2() -> Any:  # it has no types
    import re2  # noqa: PLC0415  # most rules have no expression

    return re2


@cache
def _compiler() -> Callable[[str], Callable[[str], object]]:
    re2 = _re2()
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # whether, not what
    return lambda text: re2.compile(text, options).search
