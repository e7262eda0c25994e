"""Numbers that are pids: a recording knows its own; pure."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from whatran.diff.rewrite import rewrite, texts, texts_of
from whatran.volatile.patterns import Replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whatran.diff.executions import Execution, Executions
    from whatran.process.lives import Key

_WORD = re.compile(r"[\w.+@%~#-]+")
_NUMBER = re.compile(r"(?<![0-9])[1-9][0-9]*(?![0-9])")

MAX_ABOVE = 64
"""So many creators up a process may have been told a pid; chains can be long."""

PLACEHOLDER = "PID"


class _Use(NamedTuple):
    """A number, and the word it is part of."""

    word: str
    number: str


def replace_pids(
    left: Executions, right: Executions, logs: tuple[set[Replaced], set[Replaced]]
) -> tuple[Executions, Executions]:
    """Both without the numbers that are pids of processes near to who was given them."""
    one, other = _Side(left), _Side(right)
    return one.replaced(other, logs[0]), other.replaced(one, logs[1])


class _Side:
    """One recording: which numbers in its texts are pids of processes near to who uses them."""

    def __init__(self, executions: Executions) -> None:
        self._executions = executions
        self._known = executions.known
        self._by_pid: defaultdict[str, list[Key]] = defaultdict(list)
        for key in self._known:
            _, pid, _ = key
            self._by_pid[str(pid)].append(key)
        self._words: set[str] = set()
        self._uses: dict[str, list[_Use]] = {}
        for text in texts(executions.all):
            words = {word for word in _WORD.findall(text) if not word.isalpha()}
            self._words |= words
            if uses := [_Use(word, it) for word in words for it in _NUMBER.findall(word) if it in self._by_pid]:
                self._uses[text] = uses
        self._near: set[_Use] = set()
        self._far: set[_Use] = set()
        for it in executions.all:
            if uses := self._uses_of(it):
                above = set(self._above(it.process))
                for use in uses:
                    (self._near if self._is_near(use.number, above, it.at) else self._far).add(use)

    def replaced(self, other: _Side, log: set[Replaced]) -> Executions:
        """The executions, with a word for every pid that is nothing else, here or in the other recording.

        A small number may be a pid by chance: where ``-O2`` is used elsewhere too, its 2 is none.
        """
        meant = {
            use for use in self._near - self._far - other._far if use.word not in other._words or use in other._near
        }
        if not meant:
            return self._executions
        without = partial(_WORD.sub, partial(_without, meant, log))
        return rewrite(self._executions, lambda text: without(text) if text in self._uses else text)

    def _uses_of(self, it: Execution) -> list[_Use]:
        return [use for text in texts_of(it) if text in self._uses for use in self._uses[text]]

    def _above(self, key: Key) -> Iterator[Key]:
        """The process and its creators, the nearest first."""
        process: Key | None = key
        for _ in range(MAX_ABOVE):
            if process is None:
                return
            yield process
            process = self._known[process].creator if process in self._known else None

    def _is_near(self, number: str, above: set[Key], at: int) -> bool:
        """Whether it is the pid of one of these, or of a child that any of them had then: $$, $PPID, $! of a shell."""
        for key in self._by_pid[number]:
            process = self._known[key]
            if key in above:
                return True
            _, _, start = key
            if process.creator in above and start <= at and (process.until is None or at <= process.until):
                return True
        return False


def _without(meant: set[_Use], log: set[Replaced], match: re.Match[str]) -> str:
    word = match[0]
    by = _NUMBER.sub(lambda number: PLACEHOLDER if _Use(word, number[0]) in meant else number[0], word)
    if by != word:
        log.add(Replaced("pid", word, by))
    return by
