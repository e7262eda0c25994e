"""How far long work has come: a bar on standard error, where somebody looks at that."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_SECONDS = 1.0
"""Work that takes no longer needs no bar."""

REFRESH_SECONDS = 0.1


class Bar:
    """A bar that shows itself once the work takes long; a context manager. It costs next to nothing before that."""

    def __init__(self, what: str, total: int = 0, *, quiet: bool = False) -> None:
        """``quiet`` has it never shown."""
        self.total = total
        """Of what advance() counts; 0 where it is not known."""
        self._what = what
        self._done = 0
        self._shown: Progress | None = None
        self._next = time.monotonic() + PATIENCE_SECONDS if sys.stderr.isatty() and not quiet else float("inf")

    def advance(self, by: int) -> None:
        """So much more is done."""
        self._done += by
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + REFRESH_SECONDS
        shown = self._shown or self._show()
        shown.update(shown.task_ids[0], completed=self._done, total=self.total or None)
        shown.refresh()

    def _show(self) -> Progress:
        from rich.console import Console  # noqa: PLC0415 (not where nothing is shown)
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = TextColumn(self._what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
        self._shown = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        self._shown.add_task(self._what)
        self._shown.start()
        return self._shown

    def close(self) -> None:
        """Takes it away."""
        shown, self._shown, self._next = self._shown, None, float("inf")
        if shown:
            shown.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
