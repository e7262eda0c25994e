"""The cgroup file system, version 2: which directory is meant, and one for a command of its own."""

from __future__ import annotations

import logging
import os
import re
from functools import cache
from pathlib import Path

from whatran.errors import SourceError, UsageError

log = logging.getLogger("whatran.cgroupfs")

MOUNTINFO = Path("/proc/self/mountinfo")
OWN = Path("/proc/self/cgroup")

_ESCAPE = re.compile(r"\\([0-7]{3})")


@cache
def root() -> Path:
    """Where the v2 hierarchy is mounted; UsageError where it is not."""
    for line in _lines(MOUNTINFO):
        # ID PARENT MAJ:MIN ROOT MOUNT_POINT OPTIONS FIELDS… - TYPE SOURCE OPTIONS
        left, _, right = line.partition(" - ")
        if right.startswith("cgroup2 "):
            return Path(_ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), left.split(" ")[4]))
    raise UsageError("there are no cgroups of version 2 here: mount them, as in `mount -t cgroup2 none /sys/fs/cgroup`")


def directory(path: str) -> Path:
    """The directory of a cgroup, given as /proc/PID/cgroup has it or as it lies in the file system."""
    given = Path(path)
    # Without "..", as it is compared with what the kernel has.
    found = Path(os.path.normpath(given if given.is_relative_to(root()) else root() / path.lstrip("/")))
    if not path or not found.is_relative_to(root()) or not _is_cgroup(found):
        raise UsageError(
            f"there is no cgroup {path}; `cat /proc/PID/cgroup` shows a process's, on the line that begins 0::"
        )
    return found


def path_of(found: Path) -> str:
    """The cgroup of a directory, as /proc/PID/cgroup has it."""
    return str("/" / found.relative_to(root()))


def _is_cgroup(found: Path) -> bool:
    try:
        return (found / "cgroup.procs").exists()
    except OSError:  # no name there can be
        return False


def _lines(file: Path) -> list[str]:
    # Only spaces, tabs, line feeds and backslashes are escaped: not what else Python takes for the end of a line.
    return os.fsdecode(file.read_bytes()).split("\n")


class OwnCgroup:
    """A new cgroup below our own, for a command; removed again when all in it has ended."""

    def __init__(self) -> None:
        own = next((line[3:] for line in _lines(OWN) if line.startswith("0::")), "/")
        self.directory = root() / own.lstrip("/") / f"whatran-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            self.directory.mkdir()
        except OSError as error:
            raise SourceError(
                f"cannot make the cgroup {self.directory}: {error.strerror}; leave out --scope cgroup"
            ) from error

    def add(self, pid: int) -> None:
        """Moves a process there."""
        try:
            (self.directory / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise SourceError(
                f"cannot move the command to the cgroup {self.directory}: {error.strerror}; leave out --scope cgroup"
            ) from error

    def close(self) -> None:
        """Removes it, unless processes live on in it."""
        try:
            self.directory.rmdir()
        except OSError as error:
            log.warning(
                "left the cgroup %s (%s): when what runs in it has ended, rmdir removes it",
                self.directory,
                error.strerror,
            )
