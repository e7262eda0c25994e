"""What stands in texts of a baseline: globs, and words in angle brackets for what is not always the same; pure.

Inside, a mark is one character that no text of a process has (a high surrogate); in the file it is ``<temp>``.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = {
    "pwd": "the directory in which the command was started",
    "user": "the user who started the command",
    "fd": "the number of a descriptor, pipe or socket",
    "jobserver": "where make finds its job server",
    "redacted": "the digest of a secret",
    "pid": "the pid of the process itself, of one above it, or of a child of these",
    "uuid": "a UUID that is random or of its time",
    "hash": "a hash in hexadecimal digits: MD5, SHA-1, SHA-2",
    "number": "a number of many digits",
    "temp": "what is random in a temporary name",
    "whatran": "as a parent: whatran itself, which started the command",
    "kernel": "as a parent: there is none",
    "unknown": "what could not be read",
    "cut": "as an argument: the rest was not captured",
}
"""What each stands for."""

MARK = {name: chr(0xD800 + number) for number, name in enumerate(MARKS)}
_WRITTEN = {ord(char): f"<{name}>" for name, char in MARK.items()}
_WRITTEN |= {0xDC00 + byte: f"<x{byte:02x}>" for byte in range(0x80, 0x100)}  # surrogateescape: no UTF-8
_READ = {text: chr(code) for code, text in _WRITTEN.items()}
_WORDS = re.compile("|".join(map(re.escape, _READ)))
_SPECIAL = re.compile(r"[*?\[]|<(?=(?:" + "|".join(text[1:] for text in _READ) + r"))|^\.(?=\.\.$)")
_ESCAPED = re.compile(r"\[([*?\[<.])\]")

MORE = "..."
"""As the last argument: any others, or none."""


def written(marked: str) -> str:
    """The text as a glob that fits nothing else, with words in place of its marks."""
    return _SPECIAL.sub(r"[\g<0>]", marked).translate(_WRITTEN)


def is_exact(text: str) -> bool:
    """Whether such a glob fits one text only, and is how we would write that."""
    return written(_ESCAPED.sub(r"\1", _marked(text))) == text


def pattern(text: str) -> Callable[[str], object]:
    """What tells whether a text, with or without marks in it, fits the glob."""
    return re.compile(fnmatch.translate(_marked(text))).match


def _marked(text: str) -> str:
    return _WORDS.sub(lambda match: _READ[match[0]], text)
