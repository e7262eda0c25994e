"""Texts as YAML, on one line and safe to print; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whatran.sinks.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = re.compile(r"(?:[A-Za-z_/<]|-[A-Za-z]|--[A-Za-z0-9]|\.[A-Za-z]|\.\.?/)[\w./+=@%<>~^-]*", re.ASCII)
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n", "<<", ".inf", ".nan"))
"""What other readers of YAML take for something else than a text."""


def scalar(text: str) -> str:
    """The text as YAML would read it back, quoted where it must be."""
    if text == "..." or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS):
        return text
    visible = escape(text)
    if visible == text:
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(escape(char) if char not in '\\"' else "\\" + char for char in text) + '"'


def flow(texts: Iterable[str]) -> str:
    """A list of them."""
    return f"[{', '.join(map(scalar, texts))}]"
