"""The errors of this package; each message says what, on what, and the next step.

WhatranError
├── UsageError      an option, field or value that cannot be
├── CommandError    the command to run cannot be started
├── SourceError     the kernel does not let us watch
├── OutputError     what was to be written cannot be
├── RecordingError  a file that is no recording, or one that we cannot read
├── BaselineError   a file that is no baseline
└── DecodeError     bytes that are no frame
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class WhatranError(Exception):
    """Root of all errors raised on purpose; ``exit_code`` is the status of the command line."""

    exit_code = 1

    @property
    def lines(self) -> Sequence[str]:
        """What is to be said of it, a message each."""
        return (str(self),)


class UsageError(WhatranError):
    """Asked for what cannot be; ``exit_code`` is 2, as for any command line that is wrong."""

    exit_code = 2


class CommandError(WhatranError):
    """``exit_code`` is the shell's: 127 for a command not found, 126 for one that cannot be run."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class SourceError(WhatranError):
    """``log`` is the whole of what the verifier or libbpf said, where that is the reason."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class OutputError(WhatranError):
    """What was to be written cannot be: no permission, disk full and so on."""


class RecordingError(WhatranError):
    """A file that is no recording, or a newer one than we can read; ``exit_code`` is 2."""

    exit_code = 2


class BaselineError(WhatranError):
    """``problems`` are all there are, each with file, line and column; ``exit_code`` is 2."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    @property
    def lines(self) -> Sequence[str]:
        return self.problems


class DecodeError(WhatranError):
    """``offset`` and ``size`` tell where in the frame, and how long it was, in bytes."""

    def __init__(self, message: str, offset: int, size: int) -> None:
        super().__init__(f"{message} (at byte {offset} of {size})")
        self.offset = offset
        self.size = size
