"""The grammar of ``condition:``: names, ``1 of`` and ``all of``, not, and, or, brackets."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from whatran.rules.document import RuleError
from whatran.rules.model import And, Is, Not, Or
from whatran.rules.regex import wildcards
from whatran.rules.values import parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whatran.rules.model import Condition, Place

MOST_DEPTH = 32
"""Of brackets and nots in one another."""

MOST_WORDS = 1000

MOST_TESTS = 100_000
"""With each search identifier written out wherever it is named: they may be large, and named often."""

_TOKEN = re.compile(r"\s*([()]|[\w*-]+|\S)", re.ASCII)


def parse(text: str, names: Mapping[str, Condition], place: Place) -> Condition:
    """The condition that a text says of the search identifiers; RuleError if it says none."""
    words = _TOKEN.findall(text)
    if len(words) > MOST_WORDS:
        raise RuleError(place, f"condition: it has {MOST_WORDS} words at most")
    found = _Parser(words, names, place).whole()
    if size(found) > MOST_TESTS:
        raise RuleError(place, f"condition: it comes to {size(found)} tests: {MOST_TESTS} is most")
    return found


def size(condition: Condition) -> int:
    """How many tests it comes to, when each of its parts is written out wherever it is named."""
    known: dict[int, int] = {}

    def of(part: Condition) -> int:
        if id(part) not in known:
            inner = (part.part,) if isinstance(part, Not) else () if isinstance(part, Is) else part.parts
            known[id(part)] = sum(map(of, inner)) or 1
        return known[id(part)]

    return of(condition)


class _Parser:
    """By recursive descent: or binds least, then and, then not."""

    def __init__(self, words: list[str], names: Mapping[str, Condition], place: Place) -> None:
        self._words = words
        self._names = names
        self._place = place
        self._at = 0

    def whole(self) -> Condition:
        found = self._or(0)
        if self._at < len(self._words):
            word = self._words[self._at]
            if word == "|":
                raise self._error("| and what follows it are Sigma 1: write a correlation")
            if word.lower() in {"and", "or", "not"}:
                raise self._error(f"{word} is written in small letters")
            raise self._error(f"{word} stands where and, or or the end should")
        return found

    def _error(self, text: str) -> RuleError:
        return RuleError(self._place, f"condition: {text}")

    def _next(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _take(self, word: str) -> bool:
        taken = self._next() == word
        self._at += taken
        return taken

    def _or(self, depth: int) -> Condition:
        parts = [self._and(depth)]
        while self._take("or"):
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self, depth: int) -> Condition:
        parts = [self._not(depth)]
        while self._take("and"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self, depth: int) -> Condition:
        if depth > MOST_DEPTH:
            raise self._error(f"brackets and nots lie in one another {MOST_DEPTH} deep at most")
        if self._take("not"):
            return Not(self._not(depth + 1))
        if self._take("("):
            found = self._or(depth + 1)
            if not self._take(")"):
                raise self._error("a bracket is not closed")
            return found
        return self._operand()

    def _operand(self) -> Condition:
        word = self._next()
        if word is None or word in {")", "and", "or"}:
            raise self._error(f"a search identifier is missing{f' before {word}' if word else ' at the end'}")
        self._at += 1
        if self._next() == "of":
            self._at += 1
            return self._of(word)
        if word not in self._names:
            near = difflib.get_close_matches(word, self._names, n=1)
            raise self._error(f"there is no search identifier {word}" + (f"; did you mean {near[0]}?" if near else ""))
        return self._names[word]

    def _of(self, quantity: str) -> Condition:
        if quantity not in {"1", "any", "all"}:
            raise self._error(f"{quantity} of cannot be: it is 1 of, any of or all of")
        pattern = self._next()
        if pattern is None or not re.fullmatch(r"[\w*-]+", pattern, re.ASCII):
            raise self._error("of is followed by them, or by a name that may have *")
        self._at += 1
        fits = wildcards(parts_of("*" if pattern == "them" else pattern)).match
        hidden = pattern.startswith("_")
        parts = tuple(self._names[name] for name in self._names if fits(name) and (hidden or not name.startswith("_")))
        if not parts:
            raise self._error(f"no search identifier is called {pattern}")
        return parts[0] if len(parts) == 1 else And(parts) if quantity == "all" else Or(parts)
