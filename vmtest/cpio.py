"""Archives that a kernel unpacks as its first file system: cpio's format "newc", uncompressed."""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Archive:
    """Takes files; everything in it is root's. Several archives may follow one another in one file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._inode = 0

    def tree(self, path: Path, name: str, left_out: Iterable[str] = ()) -> None:
        """Add what is at a path, under a name."""
        found = path.lstat()
        data = b""
        if stat.S_ISLNK(found.st_mode):
            data = os.fsencode(path.readlink())
        elif stat.S_ISREG(found.st_mode):
            data = path.read_bytes()
        self.add(name, found.st_mode, data, int(found.st_mtime))
        if stat.S_ISDIR(found.st_mode):
            for each in sorted(path.iterdir()):
                if each.name not in left_out:
                    self.tree(each, f"{name}/{each.name}", left_out)

    def add(self, name: str, mode: int, data: bytes = b"", mtime: int = 0) -> None:
        """Add a file, a directory or a symbolic link, by its mode."""
        self._inode += 1
        encoded = os.fsencode(name) + b"\0"
        fields = (self._inode, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(encoded), 0)
        self._write(b"070701" + b"".join(b"%08X" % each for each in fields) + encoded)
        self._write(data)

    def close(self) -> None:
        self.add("TRAILER!!!", 0)

    def _write(self, data: bytes) -> None:
        self._out.write(data + b"\0" * (-len(data) % 4))
