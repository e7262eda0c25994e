"""What files hold that were executed, as long as they are the same files."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whatran.event import Exec

REMEMBERED = 1 << 14

MOST_BYTES = 256 << 20
"""Of a file that is read: a larger one would hold up a live check for long, and can be made of nothing but holes."""


class Hashes:
    """SHA-256 of the files of programs, each read once.

    A file is told by device, inode and change time, which no process can set: if any of these is not as it was when
    the file was executed, or if it is gone, nothing is told of it. So it is in most containers, whose paths are not
    ours, and for recordings of other machines; and of files that are very large.
    """

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        """Paths of which nothing could be told."""
        self._known = lru_cache(REMEMBERED)(_sha256)

    def __call__(self, event: Exec) -> str | None:
        if event.pathname is None or "pathname" in event.truncated:
            return None
        found = self._known(event.pathname, event.dev, event.inode, event.ctime)
        if found is None and len(self.unknown) < REMEMBERED:
            self.unknown.add(event.pathname)
        return found


def _sha256(pathname: str, dev: int, inode: int, ctime: int) -> str | None:
    try:
        fd = os.open(pathname, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    with open(fd, "rb") as file:  # noqa: PTH123  # a descriptor
        if _identity(fd) != (dev, inode, ctime) or os.fstat(fd).st_size > MOST_BYTES:
            return None
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        return digest if _identity(fd) == (dev, inode, ctime) else None


def _identity(fd: int) -> tuple[int, int, int]:
    about = os.fstat(fd)
    return about.st_dev, about.st_ino, about.st_ctime_ns
