"""Values of tables as text: for people, for spreadsheets, for programs; pure."""

from __future__ import annotations

import json
import time
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so a spreadsheet may take for something to compute (OWASP, CSV Injection)."""


def text(value: Any) -> str:
    """The value as it is, lists and structs as JSON; what is unknown is empty."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def harmless(value: Any) -> str:
    """The same, but a text that a spreadsheet would compute begins with an apostrophe. Numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return text(value)


def wall_clock(ns: int) -> str | None:
    """The date and time in UTC at so many ns since the epoch, as SQL writes it; None where a TIMESTAMP_NS has none."""
    if not -(1 << 63) < ns < (1 << 63) - 1:
        return None
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(seconds))}.{fraction:09}"
