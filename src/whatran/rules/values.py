"""Values of a rule, as modifiers change them: texts with wildcards."""

from __future__ import annotations

import itertools
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from whatran.rules.model import Pattern, Text
from whatran.rules.regex import Wild, wildcards

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from whatran.rules.model import Test

MOST_VALUES = 3125
"""That one value may become: windash makes five of each dash, placeholders as many as they stand for."""

Parts = tuple[str | Wild, ...]
"""Texts and wildcards; no two texts follow one another."""

_TOKEN = re.compile(r"\\([*?\\])|([*?])|([^*?\\]+|\\)", re.DOTALL)
_PLACEHOLDER = re.compile(r"(?<!\\)%([^%]+)%")
_DASH = re.compile(r"\B[-/]\b")
_DASHES = ("-", "/", "\u2013", "\u2014", "\u2015")


class UnfitError(Exception):
    """A sentence: what a value cannot be."""


def parts_of(text: str) -> Parts:
    """A text as it is written in a rule: backslashes take from ``*``, ``?`` and themselves what those mean."""
    return joined([Wild(wild) if wild else escaped or rest for escaped, wild, rest in _TOKEN.findall(text)])


def joined(parts: Sequence[str | Wild]) -> Parts:
    """Parts with no two texts, and no two ``*``, after one another, and none that is empty."""
    result: list[str | Wild] = []
    for is_text, run in itertools.groupby(parts, lambda part: isinstance(part, str)):
        if is_text:
            result += filter(None, ["".join(map(str, run))])
        else:
            for wild in run:
                if wild is not Wild.MANY or not result or result[-1] is not Wild.MANY:
                    result.append(wild)
    return tuple(result)


def test_of(parts: Parts, *, cased: bool) -> Test:
    """What finds out whether a field has the value."""
    if not cased:
        parts = tuple(part.lower() if isinstance(part, str) else part for part in parts)
    text = "".join(part for part in parts if isinstance(part, str))
    shape = "".join(part.value if isinstance(part, Wild) else "t" for part in parts)
    if shape in _SHAPES:
        return Text(_SHAPES[shape], text, cased)
    return Pattern(wildcards(parts), cased)


_SHAPES = {"": "is", "t": "is", "*": "in", "t*": "begins", "*t": "ends", "*t*": "in"}
"""What a text with no other wildcards than these asks for."""


def contains(parts: Parts) -> list[Parts]:
    return [joined((Wild.MANY, *parts, Wild.MANY))]


def startswith(parts: Parts) -> list[Parts]:
    return [joined((*parts, Wild.MANY))]


def endswith(parts: Parts) -> list[Parts]:
    return [joined((Wild.MANY, *parts))]


def windash(parts: Parts) -> list[Parts]:
    pieces: list[Sequence[str | Wild]] = []
    for part in parts:
        if isinstance(part, Wild):
            pieces.append([part])
            continue
        end = 0
        for found in _DASH.finditer(part):
            pieces += [[part[end : found.start()]], _DASHES]
            end = found.end()
        pieces.append([part[end:]])
    return _combined(pieces)


def expand(parts: Parts, placeholders: Mapping[str, Sequence[str]]) -> list[Parts]:
    pieces: list[Sequence[str | Wild | Parts]] = []
    for part in parts:
        if isinstance(part, Wild):
            pieces.append([part])
            continue
        end = 0
        for found in _PLACEHOLDER.finditer(part):
            name = found[1]
            if name not in placeholders:
                raise UnfitError(f"nothing says what the placeholder %{name}% stands for; `placeholders:` can")
            pieces += [[part[end : found.start()].replace("\\%", "%")], [*map(parts_of, placeholders[name])]]
            end = found.end()
        pieces.append([part[end:].replace("\\%", "%")])
    return _combined(pieces)


def _combined(pieces: Sequence[Sequence[str | Wild | Parts]]) -> list[Parts]:
    """Each way to take one of each."""
    number = 1
    for piece in pieces:
        number *= len(piece)
    if number > MOST_VALUES:
        raise UnfitError(f"this stands for {number} values: {MOST_VALUES} is most")
    ways = itertools.product(*pieces)
    return [joined([each for part in way for each in (part if isinstance(part, tuple) else (part,))]) for way in ways]


def _encoded(encode: Callable[[bytes], Sequence[bytes]]) -> Callable[[Parts], list[Parts]]:
    def encoded(parts: Parts) -> list[Parts]:
        if any(isinstance(part, Wild) for part in parts):
            raise UnfitError("a text with wildcards cannot be encoded: write \\* and \\? for the characters")
        raw = "".join(map(str, parts)).encode(errors="surrogateescape")
        return [joined([each.decode(errors="surrogateescape")]) for each in encode(raw)]

    return encoded


def _utf16(codec: str, mark: bytes = b"") -> Callable[[bytes], list[bytes]]:
    return lambda raw: [mark + raw.decode(errors="surrogateescape").encode(codec, errors="surrogatepass")]


def _base64_offsets(raw: bytes) -> list[bytes]:
    """What stays the same of base64 wherever in a text this is; the ends are neighbours' too."""
    return [b64encode(b" " * i + raw)[(0, 2, 3)[i] : (None, -3, -2)[(len(raw) + i) % 3]] for i in range(3)]


TRANSFORMS: dict[str, Callable[[Parts], list[Parts]]] = {
    "contains": contains,
    "startswith": startswith,
    "endswith": endswith,
    "windash": windash,
    "wide": _encoded(_utf16("utf-16-le")),
    "utf16le": _encoded(_utf16("utf-16-le")),
    "utf16be": _encoded(_utf16("utf-16-be")),
    "utf16": _encoded(_utf16("utf-16-le", b"\xff\xfe")),
    "base64": _encoded(lambda raw: [b64encode(raw)]),
    "base64offset": _encoded(_base64_offsets),
}
"""What modifiers make of a value: one, or several of which any will do."""
