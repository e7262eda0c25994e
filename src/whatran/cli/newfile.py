"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.cli.parser import Parser


def add_overwrite(parser: Parser) -> None:
    """Let it be told to replace a file."""
    parser.add_argument("--overwrite", action="store_true", help="FILE may be there already: it is replaced")


def keep_inputs(name: str, inputs: Sequence[str], what: str = "a recording") -> None:
    """UsageError where writing to ``name`` would destroy a file that is to be read, which is ``what``."""
    if name != "-" and any(is_same_file(name, each) for each in inputs):
        raise UsageError(f"{name} is {what} to be read: name another file with -o")


def is_same_file(one: str, other: str) -> bool:
    """Whether both are names of one regular file; not where that cannot be told: what opens them says why."""
    try:
        return Path(one).is_file() and Path(one).samefile(other)
    except OSError:
        return False


@contextmanager
def new_file(
    name: str, *, overwrite: bool, inputs: Sequence[str] = (), owner: tuple[int, int] | None = None
) -> Iterator[Path]:
    """An empty file beside, which takes that name at the end if there was no error; only its owner may read it.

    That is the user and group ``owner``, or else we. A device or a pipe is given as it is; none of the ``inputs`` is
    replaced.
    """
    keep_inputs(name, inputs)
    path = Path(name)
    if _is_special(name, overwrite=overwrite):
        yield path
        return
    path = path.resolve()
    try:
        fd, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")  # its mode is 0600
        if owner:
            os.fchown(fd, *owner)
        os.close(fd)
        beside = Path(made)
        try:
            yield beside
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, OutputError) as error:
        # Whoever writes knows but the name of the file beside.
        reason = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(reason, OSError):
            raise
        raise _cannot_write(name, reason) from error


def _is_special(name: str, *, overwrite: bool) -> bool:
    """Whether this is a device or a pipe; UsageError where no file can be made, or none is to be."""
    try:
        mode = Path(name).stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _cannot_write(name, error) from error
    if stat.S_ISDIR(mode):
        raise UsageError(f"{name} is a directory: give the name of a file")
    if stat.S_ISREG(mode) and not overwrite:
        raise UsageError(f"there is a file {name} already: name another with -o, or give --overwrite")
    return not stat.S_ISREG(mode)


def _cannot_write(name: str, error: OSError) -> OutputError:
    return OutputError(f"cannot write to {name}: {error.strerror}; name another file with -o")
