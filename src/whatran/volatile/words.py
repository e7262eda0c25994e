"""Where two command lines differ, word by word; pure."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Side = Literal["both", "left", "right"]

MAX_PAIRS = 10_000
"""Pairs of equal words that are looked at: the time for it can be the square of that. With more all of it differs."""

_WORD = re.compile(r"\S+")


class Word(NamedTuple):
    """One argument without spaces, or a word of one that has some."""

    text: str
    first: bool
    """Whether an argument begins with it."""
    last: bool
    """Whether that argument ends with it."""


class Piece(NamedTuple):
    """Words that both command lines have, or one of them."""

    side: Side
    words: tuple[Word, ...]


def words(argv: Sequence[str]) -> list[Word]:
    """The words of a command line, so that of a script in it no more than what differs will differ."""
    return [word for argument in argv for word in _words(argument)]


def _words(argument: str) -> Iterator[Word]:
    found = _WORD.findall(argument) or [argument]
    for index, text in enumerate(found):
        yield Word(text, index == 0, index == len(found) - 1)


def pieces(left: Sequence[str], right: Sequence[str]) -> list[Piece]:
    """Both command lines as one, in order."""
    one, other = words(left), words(right)
    if one == other and list(left) != list(right):  # spaces only
        one, other = ([Word(argument, first=True, last=True) for argument in argv] for argv in (left, right))
    start = _common(one, other)
    end = _common(one[start:][::-1], other[start:][::-1])
    found = [Piece("both", tuple(one[:start]))]
    found += _middle(one[start : len(one) - end], other[start : len(other) - end])
    found.append(Piece("both", tuple(one[len(one) - end :])))
    return [piece for piece in found if piece.words]


def _common(one: Sequence[Word], other: Sequence[Word]) -> int:
    """How many words both begin with."""
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _middle(one: Sequence[Word], other: Sequence[Word]) -> Iterator[Piece]:
    here, there = Counter(one), Counter(other)
    if sum(count * there[word] for word, count in here.items()) > MAX_PAIRS:
        yield from (Piece("left", tuple(one)), Piece("right", tuple(other)))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("both", tuple(one[i1:i2]))
        else:
            yield from (Piece("left", tuple(one[i1:i2])), Piece("right", tuple(other[j1:j2])))
