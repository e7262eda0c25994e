"""The file of a page: there as a whole or not at all, and only for its owner to read."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from whatran.errors import OutputError, UsageError


def check_free(path: Path, *, overwrite: bool) -> None:
    """UsageError where the page must not be written there."""
    try:
        mode = path.lstat().st_mode
    except OSError:  # nothing there, or write_page will say why not
        return
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is no regular file: name another with -o")
    if not overwrite:
        raise UsageError(f"there is a file {path} already: name another with -o, or give --overwrite")


def write_page(path: Path, page: str) -> None:
    """Write it, in place of what is there; OutputError where that cannot be."""
    made = None
    try:
        fd, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")  # its mode is 0600
        with os.fdopen(fd, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(path)
    except BaseException as error:
        if made is not None:
            with suppress(OSError):
                Path(made).unlink()
        if isinstance(error, OSError):
            raise OutputError(f"cannot write to {path}: {error.strerror}; name another file with -o") from error
        raise
