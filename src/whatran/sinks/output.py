"""Where a sink writes to: the one place that touches a file, a pipe or a terminal."""

from __future__ import annotations

import fcntl
import io
import locale
import os
import select
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from whatran.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

CHARS_A_WRITE = 1 << 18

DIM = "2"
RED = "31"
GREEN = "32"
YELLOW = "33"


class Output:
    """A file, pipe or terminal that is written to at once: nothing waits in a buffer of ours.

    A reader that went away is a BrokenPipeError, every other failure an OutputError.
    """

    def __init__(self, file: io.FileIO, name: str) -> None:
        self._name = name
        self._file = file
        self.terminal = file.isatty()
        self._encoding = locale.getpreferredencoding(do_setlocale=False) if self.terminal else "utf-8"
        self._colour = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._untouched = False
        """Whether we have made the file and not yet begun to write it."""
        # A file of our own may be emptied and cut; one that we share with others, as standard output, may not.
        self._ours = file.closefd and stat.S_ISREG(os.fstat(file.fileno()).st_mode)

    @classmethod
    def open(cls, path: str, owner: tuple[int, int] | None = None) -> Self:
        """The file at ``path``, made where it is not there; what it holds stays until ``truncate``.

        One that is made is for its owner only: the user and group ``owner``, or else us.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        try:
            try:
                fd, made = os.open(path, flags | os.O_EXCL, 0o600), True
                if owner:
                    os.fchown(fd, *owner)
            except FileExistsError:
                fd, made = os.open(path, flags, 0o600), False
            # Where a standard descriptor is closed the file would take its place, and get what is meant for that.
            above = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
            os.close(fd)
        except OSError as error:
            raise OutputError(
                f"cannot write to {path or repr(path)}: {error.strerror}; name another file with -o"
            ) from error
        output = cls(io.FileIO(above, "w"), path)
        output._untouched = made
        return output

    @classmethod
    def stdout(cls) -> Self:
        return cls._inherited(1, "standard output")

    @classmethod
    def stderr(cls) -> Self:
        return cls._inherited(2, "standard error")

    @classmethod
    def _inherited(cls, fd: int, name: str) -> Self:
        try:
            return cls(io.FileIO(fd, "w", closefd=False), name)
        except OSError as error:
            raise OutputError(f"cannot write to {name}: {error.strerror}; name a file with -o") from error

    @property
    def width(self) -> int | None:
        """Columns of the terminal as it is now; None where the output is no terminal."""
        if not self.terminal:
            return None
        try:
            return os.get_terminal_size(self._file.fileno()).columns or None
        except OSError:  # hung up
            return None

    def paint(self, text: str, style: str | None) -> str:
        """The text in a style, on a terminal that wants colour."""
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and style else text

    def truncate(self) -> None:
        """Drop what a file held before: from here on it is ours."""
        self._untouched = False
        if self._ours:
            self._file.truncate(0)

    def write_text(self, text: str) -> None:
        self.write(text.encode(self._encoding, "backslashreplace"))

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write lines, many at once; but no more than that, as each may have some MiB."""
        waiting: list[str] = []
        chars = 0
        for line in lines:
            waiting += line, "\n"
            chars += len(line)
            if chars >= CHARS_A_WRITE:
                self.write_text("".join(waiting))
                waiting.clear()
                chars = 0
        self.write_text("".join(waiting))

    def write(self, data: bytes) -> None:
        """Write all of it; when that fails, a file of ours ends with its last whole line."""
        self._untouched = False
        rest = memoryview(data)
        try:
            while rest:
                written = self._file.write(rest)
                if written is None:  # somebody who shares this terminal or pipe made it non-blocking
                    self._wait_writable()
                else:
                    rest = rest[written:]
        except BrokenPipeError:
            raise
        except OSError as error:
            self._cut_partial_line(data[: len(data) - len(rest)])
            raise OutputError(f"cannot write to {self._name}: {error.strerror}; output is incomplete") from error

    def _wait_writable(self) -> None:
        poll = select.poll()
        poll.register(self._file, select.POLLOUT)
        poll.poll()

    def _cut_partial_line(self, written: bytes) -> None:
        partial = len(written) - (written.rfind(b"\n") + 1)
        if self._ours and partial:
            self._file.truncate(self._file.tell() - partial)

    def close(self) -> None:
        """Close a file; an inherited descriptor stays open. One that was made for nothing is removed."""
        if self._untouched:
            with suppress(OSError):
                os.unlink(self._name)  # noqa: PTH108  # a path as the user gave it
        try:
            self._file.close()
        except OSError as error:  # NFS and quotas report a full disk here
            raise OutputError(f"cannot write to {self._name}: {error.strerror}; output is incomplete") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
