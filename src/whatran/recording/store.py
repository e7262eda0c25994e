"""Where chapters go: to one file, to a file each, or to memory until they are wanted."""

from __future__ import annotations

import os
import re
import tempfile
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from whatran.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


Owner = tuple[int, int]
"""User and group of the files that are made, where they are not to be ours."""


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

    def discard(self) -> None:
        """Nothing came: no file that was made stays."""


class File:
    """A file that only its owner may read. Where it cannot be written any more it ends with a whole block."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._size = 0

    @classmethod
    def make(cls, path: Path, *, overwrite: bool, owner: Owner | None = None) -> Self:
        """A new one, which is nobody else's: what has its name gives that up, or else nothing is made."""
        with _errors(path):
            if overwrite:
                path.unlink(missing_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, 0o600)
            if owner:
                os.fchown(fd, *owner)
            return cls(path, fd)

    @classmethod
    def open(cls, path: Path) -> Self:
        """One that is there, as a device or a pipe is."""
        with _errors(path):
            return cls(path, os.open(path, os.O_WRONLY | os.O_CLOEXEC))

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise OutputError(f"cannot write to {self._path}: {error.strerror}; nothing more is recorded") from error
        self._size += len(data)

    def sync(self) -> None:
        """Has it outlive a loss of power."""
        with _errors(self._path):
            os.fsync(self._fd)

    def check_there(self) -> None:
        """OutputError where nobody can find it any more."""
        if not os.fstat(self._fd).st_nlink:
            raise OutputError(f"{self._path} was removed while it was written: nothing of it is left")

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                os.close(fd)
            except OSError as error:  # NFS and quotas report a full disk here
                raise OutputError(f"cannot write to {self._path}: {error.strerror}") from error

    def remove(self) -> None:
        """Closes it, and there is no such file any more; a device or a pipe stays."""
        self.close()
        if not _is_special(self._path):
            self._path.unlink(missing_ok=True)


class _Files:
    """A file, and maybe another later."""

    def __init__(self, path: Path, *, overwrite: bool, owner: Owner | None = None) -> None:
        self._path = path
        self._overwrite = overwrite
        self._owner = owner
        self._file: File | None = None

    def write(self, data: bytes) -> None:
        if self._file:
            self._file.write(data)

    def close(self) -> None:
        file, self._file = self._file, None
        if file:
            file.close()

    def discard(self) -> None:
        file, self._file = self._file, None
        if file:
            file.remove()


class OneFile(_Files):
    """All of it in one file, which is made when it begins."""

    @property
    def files(self) -> Sequence[Path]:
        return [self._path]

    def begin(self, now_boot_ns: int) -> None:
        self.close()
        if _is_special(self._path):
            self._file = File.open(self._path)
        else:
            self._file = File.make(self._path, overwrite=self._overwrite, owner=self._owner)

    def write(self, data: bytes) -> None:
        super().write(data)
        if self._file:
            self._file.check_there()

    def close(self) -> None:
        try:
            if self._file:
                self._file.check_there()
        finally:
            super().close()


class FileEach(_Files):
    """FILE-0001.wr, FILE-0002.wr and so on, each with one chapter; the last so many of them, where that is limited."""

    def __init__(self, path: Path, most: int | None = None, *, overwrite: bool, owner: Owner | None = None) -> None:
        super().__init__(path, overwrite=overwrite, owner=owner)
        self.files: deque[Path] = deque()
        self._most = most
        self._number = 0

    def begin(self, now_boot_ns: int) -> None:
        self.close()
        if not self._number and self._overwrite:
            for old in numbered(self._path):
                old.unlink(missing_ok=True)
        self._number += 1
        path = self._path.with_name(f"{self._path.stem}-{self._number:04}{self._path.suffix}")
        self._file = File.make(path, overwrite=self._overwrite, owner=self._owner)
        self.files.append(path)
        while self._most is not None and len(self.files) > self._most:
            self.files.popleft().unlink(missing_ok=True)


class Memory:
    """Keeps the chapters of the last so many ns, and writes them to a file when that is asked for."""

    def __init__(self, path: Path, keep_ns: int, *, overwrite: bool, owner: Owner | None = None) -> None:
        self._path = path
        self._keep_ns = keep_ns
        self._overwrite = overwrite
        self._owner = owner
        self._chapters: deque[tuple[int, list[bytes]]] = deque()

    @property
    def files(self) -> Sequence[Path]:
        return [self._path]

    def begin(self, now_boot_ns: int) -> None:
        """The first time the file is made, empty: that it cannot be must not come out when it is wanted."""
        if not self._chapters and not _is_special(self._path):
            if not self._overwrite:
                File.make(self._path, overwrite=False, owner=self._owner).close()
            with self._beside() as (_, file):
                file.close()
        # One ends where the next begins: the first may go once the second is old enough.
        while len(self._chapters) > 1 and self._chapters[1][0] <= now_boot_ns - self._keep_ns:
            self._chapters.popleft()
        self._chapters.append((now_boot_ns, []))

    def write(self, data: bytes) -> None:
        self._chapters[-1][1].append(data)

    def save(self) -> None:
        """Writes all that is kept to the file, which has what it had before or all of this at any time."""
        if _is_special(self._path):
            self._write(File.open(self._path))
            return
        with self._beside() as (beside, file):
            self._write(file, sync=True)
            beside.replace(self._path)

    @contextmanager
    def _beside(self) -> Iterator[tuple[Path, File]]:
        """A file with a name that nobody can know before, for as long as it is not given another."""
        with _errors(self._path):
            fd, made = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name[:100]}.")  # its mode is 0600
            try:
                if self._owner:
                    os.fchown(fd, *self._owner)
                yield Path(made), File(self._path, fd)
            finally:
                Path(made).unlink(missing_ok=True)

    def _write(self, file: File, *, sync: bool = False) -> None:
        try:
            for _, parts in self._chapters:
                for part in parts:
                    file.write(part)
            if sync:
                file.sync()
        finally:
            file.close()

    def close(self) -> None:
        self.save()

    def discard(self) -> None:
        # One that was there before has not been replaced yet.
        if self._chapters and not self._overwrite and not _is_special(self._path):
            self._path.unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    """Whether this is a device or a pipe: those are written to, and never replaced."""
    return path.exists() and not path.is_file()


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """What the system says of a file to write, as one sentence."""
    try:
        yield
    except FileExistsError:
        raise OutputError(_TAKEN.format(path)) from None
    except OSError as error:
        raise OutputError(f"cannot write to {path}: {error.strerror}; name another file with -o") from error


_TAKEN = "there is a file {} already: name another with -o, or give --overwrite"


def check_free(path: Path, *, each: bool, overwrite: bool) -> None:
    """UsageError where a recording would take the place of something, OutputError where none can be made."""
    with _errors(path):
        taken = numbered(path) if each else [path] if path.is_file() else []
        if taken and not overwrite:
            raise UsageError(_TAKEN.format(taken[0]))
        if not path.parent.is_dir():
            raise OutputError(f"there is no directory {path.parent} for {path.name}; name another file with -o")
        if path.is_dir():
            raise UsageError(f"{path} is a directory: give the name of a file")


def numbered(path: Path) -> list[Path]:
    """The files that a recording in several has made, or would make, in their order."""
    pattern = re.compile(rf"{re.escape(path.stem)}-([0-9]{{4,}}){re.escape(path.suffix)}")
    found = [(int(match[1]), it) for it in path.parent.glob("*") if (match := pattern.fullmatch(it.name))]
    return [it for _, it in sorted(found)]
