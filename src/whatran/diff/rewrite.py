"""Changing the texts of many executions, each different text once; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from whatran.diff.executions import Execution, Executions


def texts(executions: Iterable[Execution]) -> set[str]:
    """Every text of theirs that a rule may change."""
    found: set[str] = set()
    for it in executions:
        found.update(texts_of(it))
    return found


def texts_of(it: Execution) -> Sequence[str]:
    return (it.program, it.cwd or "", *(it.argv or ()))


class _Each(dict[str, str]):
    """What becomes of each text; asked for once."""

    def __init__(self, change: Callable[[str], str]) -> None:
        self._change = change

    def __missing__(self, text: str) -> str:
        changed = self[text] = self._change(text)
        return changed


def rewrite(executions: Executions, change: Callable[[str], str]) -> Executions:
    """The same with every text changed."""
    each = _Each(change).__getitem__
    changed = (
        it._replace(
            program=each(it.program),
            argv=None if it.argv is None else tuple(map(each, it.argv)),
            cwd=None if it.cwd is None else each(it.cwd),
        )
        for it in executions.all
    )
    return replace(executions, all=tuple(changed))
