"""Where chapters go: to one file, to a file each, or to memory until they are wanted."""

from __future__ import annotations

import os
import re
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from whatran.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Store(Protocol):
    """Takes the bytes of one chapter after another."""

    @property
    def files(self) -> Sequence[Path]:
        """The files that were made, those that are no more left out."""

    def begin(self, now_boot_ns: int) -> None:
        """What comes from now on is the next chapter's."""

    def write(self, data: bytes) -> None:
        """A head or a block, whole or not at all; OutputError where it cannot be."""

    def close(self) -> None:
        """No more will come."""


class File:
    """A file that only its owner may read. Where it cannot be written any more it ends with a whole block."""

    def __init__(self, path: Path) -> None:
        """Whatever has that name gives it up, unless it is a device or a pipe."""
        self._path = path
        self._size = 0
        flags = os.O_WRONLY | os.O_CLOEXEC
        try:
            if path.exists() and not path.is_file():
                self._fd = os.open(path, flags)
                return
            with suppress(FileNotFoundError):
                path.unlink()
            self._fd = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise OutputError(f"cannot write to {path}: {error.strerror}; name another file with -o") from error

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise OutputError(
                f"cannot write to {self._path}: {error.strerror}; what happened from here on is not recorded"
            ) from error
        self._size += len(data)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                os.close(fd)
            except OSError as error:  # NFS and quotas report a full disk here
                raise OutputError(f"cannot write to {self._path}: {error.strerror}") from error


class OneFile:
    """All of it in one file, which is made when it begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: File | None = None

    @property
    def files(self) -> Sequence[Path]:
        return [self._path]

    def begin(self, now_boot_ns: int) -> None:
        self.close()
        self._file = File(self._path)

    def write(self, data: bytes) -> None:
        if self._file:
            self._file.write(data)

    def close(self) -> None:
        file, self._file = self._file, None
        if file:
            file.close()


class FileEach:
    """FILE-0001.wr, FILE-0002.wr and so on, each with one chapter; the last so many of them, where that is limited."""

    def __init__(self, path: Path, most: int | None = None) -> None:
        self._path = path
        self.files: deque[Path] = deque()
        self._most = most
        self._number = 0
        self._file: File | None = None

    def begin(self, now_boot_ns: int) -> None:
        self.close()
        if not self._number:
            for old in numbered(self._path):
                old.unlink(missing_ok=True)
        self._number += 1
        self.files.append(self._path.with_name(f"{self._path.stem}-{self._number:04}{self._path.suffix}"))
        self._file = File(self.files[-1])
        while self._most is not None and len(self.files) > self._most:
            self.files.popleft().unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        if self._file:
            self._file.write(data)

    def close(self) -> None:
        file, self._file = self._file, None
        if file:
            file.close()


class Memory:
    """Keeps the chapters of the last so many ns, and writes them to a file when that is asked for."""

    def __init__(self, path: Path, keep_ns: int) -> None:
        self._path = path
        self._keep_ns = keep_ns
        self._chapters: deque[tuple[int, list[bytes]]] = deque()

    @property
    def files(self) -> Sequence[Path]:
        return [self._path]

    def begin(self, now_boot_ns: int) -> None:
        # One ends where the next begins: the first may go once the second is old enough.
        while len(self._chapters) > 1 and self._chapters[1][0] <= now_boot_ns - self._keep_ns:
            self._chapters.popleft()
        self._chapters.append((now_boot_ns, []))

    def write(self, data: bytes) -> None:
        self._chapters[-1][1].append(data)

    def save(self) -> None:
        """Writes all that is kept to the file, which has what it had before or all of this at any time."""
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        file = File(beside)
        try:
            for _, parts in self._chapters:
                for part in parts:
                    file.write(part)
            file.close()
            beside.replace(self._path)
        except OSError as error:
            raise OutputError(f"cannot write to {self._path}: {error.strerror}") from error
        finally:
            file.close()
            beside.unlink(missing_ok=True)

    def close(self) -> None:
        self.save()


def check_free(path: Path, *, each: bool, overwrite: bool) -> None:
    """UsageError where a recording would take the place of something."""
    taken = numbered(path) if each else [path] if path.is_file() else []
    if taken and not overwrite:
        raise UsageError(f"there is a file {taken[0]} already: name another with -o, or give --overwrite")
    if not path.parent.is_dir():
        raise UsageError(f"there is no directory {path.parent} for {path.name}")
    if path.is_dir():
        raise UsageError(f"{path} is a directory: give the name of a file")


def numbered(path: Path) -> list[Path]:
    """The files that a recording in several has made, or would make, in their order."""
    pattern = re.compile(rf"{re.escape(path.stem)}-([0-9]{{4,}}){re.escape(path.suffix)}")
    found = [(int(match[1]), it) for it in path.parent.glob("*") if (match := pattern.fullmatch(it.name))]
    return [it for _, it in sorted(found)]
