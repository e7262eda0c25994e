"""Record: what a watch would see is written to a file as it comes, to be looked at later; see whatran.replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from whatran.clock import boot_ns
from whatran.errors import UsageError
from whatran.plan import WatchOptions, plan
from whatran.recorder import Recorder
from whatran.recording import format as form
from whatran.recording.store import FileEach, Memory, OneFile, check_free
from whatran.source.procfs import boot
from whatran.watching import Watch

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from whatran.errors import OutputError
    from whatran.event import Event
    from whatran.plan import Plan
    from whatran.recording.store import Store

KEEP_CHAPTERS = 8
"""In how many parts what is kept is dropped as it gets old."""


def record(
    path: str | os.PathLike[str],
    command: Sequence[str] | None = None,
    *,
    overwrite: bool = False,
    rotate_bytes: int | None = None,
    rotate_seconds: float | None = None,
    files: int | None = None,
    keep_seconds: float | None = None,
    **options: Unpack[WatchOptions],
) -> Recording:
    """A Recording to ``path``, already in force: what happens from now on is kept.

    Command, options and errors are those of watch(); names of variables are not for ``env``, as environments are kept
    whole or not at all. With ``rotate_bytes`` or ``rotate_seconds`` a file of that size or age is followed by the
    next: NAME-0001.wr, NAME-0002.wr, … beside ``path``, of which the last ``files`` are left. With ``keep_seconds``
    only the last so many are kept, in memory, and written to ``path`` by save() and at the end. What a command did that
    is run as a ``user`` is that user's to read.

    Raises UsageError where ``path`` is taken, unless ``overwrite`` is given; OutputError where it can be no file.
    """
    path = Path(path)
    env = options.get("env", False)
    if not isinstance(env, bool) and env:
        raise UsageError("a recording has whole environments or none: give --env alone, and names when it is replayed")
    if options.get("rules"):
        raise UsageError("a recording has no alerts in it: give rules when it is replayed")
    each = rotate_bytes is not None or rotate_seconds is not None
    if keep_seconds is not None and each:
        raise UsageError("what is kept in memory has no files to rotate")
    if files is not None and not each:
        raise UsageError("without rotation there is one file: say when the next begins, as --rotate 100M")
    planned = plan(command, **options)
    check_free(path, each=each, overwrite=overwrite)
    owner = (planned.account.uid, planned.account.gid) if planned.account else None
    store: Store = OneFile(path, overwrite=overwrite, owner=owner)
    limits: tuple[int | None, float | None] = None, None
    if keep_seconds is not None:
        store = Memory(path, int(keep_seconds * 1e9), overwrite=overwrite, owner=owner)
        limits = None, keep_seconds / KEEP_CHAPTERS
    elif each:
        store = FileEach(path, files, overwrite=overwrite, owner=owner)
        limits = rotate_bytes, rotate_seconds
    return Recording(planned, Recorder(planned, store, numbers=limits != (None, None)), *limits)


class Recording(Watch):
    """A Watch that keeps what it gets: read() gives no events. Its output failing does not end it, see ``error``."""

    _patient = True

    def __init__(
        self,
        planned: Plan,
        recorder: Recorder,
        chapter_bytes: int | None = None,
        chapter_seconds: float | None = None,
    ) -> None:
        self._recorder = recorder
        self._chapter_bytes = chapter_bytes
        self._chapter_ns = None if chapter_seconds is None else int(chapter_seconds * 1e9)
        self._asked = False
        """Whether to save what is kept."""
        try:
            super().__init__(planned, recorder)
        except BaseException:
            recorder.discard()
            raise

    @property
    def error(self) -> OutputError | None:
        """Why nothing is written any more, if that is so."""
        return self._recorder.error

    @property
    def files(self) -> Sequence[Path]:
        """The files it is in."""
        return self._recorder.files

    @property
    def written(self) -> int:
        """How many bytes were written."""
        return self._recorder.written

    def read(self, timeout: float | None = None) -> list[Event]:
        """Nothing: what came is kept."""
        due = self._recorder.due
        if due is not None:
            left = max(0, due - boot_ns()) / 1e9
            timeout = left if timeout is None else min(timeout, left)
        super().read(timeout)
        if self.ended:
            return []
        self._recorder.flush_due()
        asked = self._asked
        if asked or self._is_full():
            self._recorder.end(form.NEXT, self.stats)
            if asked:
                self._asked = False  # before it is done: who asks meanwhile wants what has come since
                self._recorder.save()
            self._recorder.older(self._source.tasks(), boot())
        return []

    def save(self) -> None:
        """Has what is kept in memory written to the file, at its next read(); safe in a signal handler."""
        self._asked = True
        self.wake()

    def close(self) -> None:
        """Removes everything from the kernel, and ends the file; a command that still runs runs on."""
        super().close()
        self._recorder.close()

    def _is_full(self) -> bool:
        recorder = self._recorder
        if self._chapter_bytes is not None and recorder.chapter_bytes >= self._chapter_bytes:
            return True
        return self._chapter_ns is not None and boot_ns() - recorder.chapter_begun >= self._chapter_ns

    def _finish(self) -> list[Event]:
        events = super()._finish()
        self._recorder.end(form.END, self.stats)
        return events
