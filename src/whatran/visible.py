"""Text from elsewhere, made safe to look at: what cannot be seen is spelt out; pure."""

from __future__ import annotations

import re

# Printable by their category and yet nothing to see (Default_Ignorable_Code_Point and kin): they hide or alter text.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_NAMED = {"\a": r"\a", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\v": r"\v", "\f": r"\f", "\r": r"\r"}


def escape(text: str) -> str:
    r"""The text with every character that is not plainly visible spelt out, as ``$'…'`` of a shell would read it back.

    That is every control, format (bidirectional ones too), separator, private, unassigned and invisible character, and
    each byte that was no UTF-8: ``\n``, ``\x1b``, ``\u202e``, ``\xff``.
    """
    if text.isprintable() and (text.isascii() or not _INVISIBLE.search(text)):
        return text
    return "".join(map(visible_char, text))


def visible_char(char: str) -> str:
    """A character, spelt out where it is not plainly visible."""
    if char.isprintable() and not _INVISIBLE.match(char):
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return _NAMED.get(char) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def escape_json(text: str) -> str:
    r"""The same of JSON, as JSON has it: it means what it did, ``\u202e`` and ``\u007f`` being the characters."""
    if text.isprintable() and (text.isascii() or not _INVISIBLE.search(text)):
        return text
    return "".join(_visible_in_json(char) for char in text)


def _visible_in_json(char: str) -> str:
    if char == "\n" or (char.isprintable() and not _INVISIBLE.match(char)):
        return char
    return "".join(f"\\u{unit:04x}" for unit in memoryview(char.encode("utf-16-le", "surrogatepass")).cast("H"))
