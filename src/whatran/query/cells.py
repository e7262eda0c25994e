"""Values of tables as text: for people, for spreadsheets, for programs; pure."""

from __future__ import annotations

import json
import time
from typing import Any

from whatran.visible import escape, escape_json

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
    """The same with nothing that is not plainly visible; a text that would be computed begins with an apostrophe.

    Numbers stay numbers, and JSON means what it did.
    """
    if isinstance(value, str):
        return "'" + escape(value) if value.startswith(FORMULA) else escape(value)
    return escape_json(text(value))


def wall_clock(ns: int) -> str | None:
    """The date and time in UTC at so many ns since the epoch, as SQL writes it; None where a TIMESTAMP_NS has none."""
    if not -(1 << 63) < ns < (1 << 63) - 1:
        return None
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(seconds))}.{fraction:09}"
