"""Rows as columns of numbers, the form in which a page holds many; pure.

A text is the number of a string that is kept but once, a list the number of a list of those. All text is escaped
here: the page gets nothing that is not plainly visible.
"""

from __future__ import annotations

import os
from array import array
from operator import sub
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec

from whatran.sinks.text import ELLIPSIS, escape, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, MutableSequence, Sequence

MAX_TEXT = 4096
"""Characters of a text that a page shows; beyond them it has the length. A program may have 128 KiB in one argument,
and 6 MiB in all: a recording has it, a page must open."""

MAX_LIST = 1000
"""Elements of a list that a page shows."""

UNKNOWN = -(1 << 63)
"""Stands for None in a column: the kernel's clocks and counters do not reach it."""

_KINDS = {bool: "flag", int: "number", str: "text", list: "texts", tuple: "texts", dict: "lengths"}
_MAKERS: dict[str, Callable[[Any], int]] = {"number": int, "flag": int}
_EXACT = 1 << 53  # a JavaScript number has every integer up to this one
_WIDTHS = {"B": 1 << 8, "H": 1 << 16, "I": 1 << 32, "d": _EXACT}
_WIDE = ("I", "d")


def kinds(struct: type[msgspec.Struct], without: Collection[str] = ()) -> dict[str, str]:
    """For each field what a Table makes of it."""
    return {
        field.encode_name: "arguments" if field.name == "argv" else _kind(field.type)
        for field in msgspec.structs.fields(struct)
        if field.name not in without
    }


def _kind(annotation: Any) -> str:  # that is what an annotation is
    inner = next((each for each in get_args(annotation) if each is not NoneType), annotation)
    if get_origin(annotation) in (list, tuple, dict):
        inner = annotation
    return _KINDS[get_origin(inner) or inner]


class Texts:
    """Strings and lists of strings, each kept once and known by its number."""

    def __init__(self) -> None:
        self._strings: dict[str, int] = {}
        self._lists: dict[tuple[int, ...], int] = {}
        self._seen: tuple[dict[str, int], dict[str, int]] = {}, {}

    @property
    def strings(self) -> list[str]:
        return list(self._strings)

    @property
    def lists(self) -> Iterable[tuple[int, ...]]:
        return self._lists

    def text(self, text: str) -> int:
        """Number of the text, escaped."""
        return self._number(text, escape, self._seen[0])

    def texts(self, texts: Sequence[str | None]) -> int:
        """Number of the list of texts, each escaped."""
        return self._list([self.text(text or "") for text in texts[:MAX_LIST]], len(texts))

    def arguments(self, argv: Sequence[str]) -> int:
        """Number of the list of arguments, each as a shell would read it back."""
        seen = self._seen[1]
        return self._list([self._number(text, _argument, seen) for text in argv[:MAX_LIST]], len(argv))

    def lengths(self, truncated: Mapping[str, int]) -> int:
        """Number of the list of fields that were cut, each with its true length."""
        return self._list([self.text(f"{name}: {length} bytes") for name, length in truncated.items()], len(truncated))

    def _number(self, text: str, show: Callable[[str], str], seen: dict[str, int]) -> int:
        number = seen.get(text)
        if number is None:
            if len(text) > MAX_TEXT:
                return self._string(f"{show(text[:MAX_TEXT])} {ELLIPSIS} ({len(os.fsencode(text))} bytes)")
            number = seen[text] = self._string(show(text))
        return number

    def _string(self, shown: str) -> int:
        return self._strings.setdefault(shown, len(self._strings))

    def _list(self, numbers: list[int], length: int) -> int:
        if length > MAX_LIST:
            # No argument looks like this: an ellipsis would be in quotes.
            numbers.append(self._string(f"{ELLIPSIS} ({length - MAX_LIST} more)"))
        return self._lists.setdefault(tuple(numbers), len(self._lists))


def _argument(text: str) -> str:
    return quote((text,))


class Table:
    """Rows of one kind, a column for each field."""

    def __init__(self, texts: Texts, kinds: Mapping[str, str]) -> None:
        """``kinds`` has for each field ``number``, ``flag``, or which method of Texts takes its values."""
        self.kinds = kinds
        self.columns: dict[str, MutableSequence[int]] = {name: array("q") for name in kinds}
        self._makers = [(name, _MAKERS.get(kind) or getattr(texts, kind)) for name, kind in kinds.items()]
        self._count = 0

    def append(self, row: object) -> int:
        """Number of the row, whose values are the attributes of ``row``."""
        for name, make in self._makers:
            value = getattr(row, name)
            number = UNKNOWN if value is None else make(value)
            try:
                self.columns[name].append(number)
            except OverflowError:  # an unsigned number of 64 bits
                self.columns[name] = [*self.columns[name], number]
        self._count += 1
        return self._count - 1

    def reordered(self, rows: Sequence[int]) -> dict[str, Sequence[int]]:
        """The columns with these rows in this order."""
        return {name: [column[row] for row in rows] for name, column in self.columns.items()}


class Once:
    """Rows of which each different one is kept once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._known: dict[tuple[object, ...], int] = {}

    def append(self, row: object) -> int:
        """Number of the row that is like this one."""
        key = tuple([getattr(row, name) for name in self.table.kinds])
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self.table.append(row)
        return number


def pack(numbers: Sequence[int], texts: Texts) -> tuple[dict[str, object], bytes]:
    """How the column is to be read, and its bytes.

    Each value is stored as ``value - base`` in the least width that takes all; 0 is unknown. Wide ones that are near
    to their neighbours are stored as the difference to the one before, less ``step``. What exceeds the numbers of
    JavaScript is the text of its digits.
    """
    known = [number for number in numbers if number != UNKNOWN]
    base = min(known, default=0) - 1
    if max(known, default=0) - base >= _EXACT:
        numbers = [number if number == UNKNOWN else texts.text(str(number)) for number in numbers]
        description, data = pack(numbers, texts)
        return description | {"kind": "text"}, data
    values = [0 if number == UNKNOWN else number - base for number in numbers]
    width = _width(values)
    description = {"type": width, "base": str(base)}  # as text: JSON numbers end where those of JavaScript do
    if width in _WIDE:
        steps = list(map(sub, values, [0, *values]))
        step = min(steps)
        steps = [each - step for each in steps]
        if max(steps) < _WIDTHS[width]:
            narrow = _width(steps)
            return description | {"type": narrow, "step": step}, array(narrow, steps).tobytes()
    return description, array(width, values).tobytes()


def _width(values: Sequence[int]) -> str:
    """Name of the narrowest array that takes all."""
    most = max(values, default=0)
    return next(code for code, limit in _WIDTHS.items() if most < limit)
