"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_file(name: str, *, overwrite: bool) -> Iterator[Path]:
    """An empty file beside, which takes that name at the end if there was no error; only its owner may read it."""
    path = Path(name)
    if path.exists() and not path.is_file():
        raise UsageError(f"{name} is no file; name another with -o")
    if path.exists() and not overwrite:
        raise UsageError(f"{name} is there already; name another file with -o, or give --overwrite")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            yield beside
            beside.replace(path)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to {name}: {error.strerror}; name another file with -o") from error
