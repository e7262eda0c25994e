"""The command `whatran`, up to where its own modules are there.

Beside the package, as that imports some things before any module of it is there; Ctrl-C may come meanwhile.
"""

from __future__ import annotations

import signal
import sys

ASK = (signal.SIGUSR1, signal.SIGUSR2)
"""Signals that ask for something, and never end us."""


def main() -> int:
    """Hand over to the command line; the exit status."""
    settle_signals()
    try:
        from whatran.cli import main as command_line  # noqa: PLC0415 (see above)
    # No memory or descriptors are left for it, or it is not all there. Without memory Python has errors of its own too.
    except (ImportError, MemoryError, OSError, SyntaxError, SystemError) as error:
        sys.stderr.write(f"whatran: cannot start: {str(error) or 'out of memory'}\n")
        return 1
    try:
        return command_line()
    finally:
        # Nothing is left to be put in order or to be answered, while Python takes our handlers away.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for number in ASK:
            signal.signal(number, signal.SIG_IGN)


def settle_signals() -> None:
    """Until there is somebody to hear them Ctrl-C ends us without a word, and what asks for something does nothing."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number in ASK:
        if signal.getsignal(number) is signal.SIG_DFL:
            # Not SIG_IGN: that would be the command's too.
            signal.signal(number, _nothing)


def _nothing(*_: object) -> None:
    pass
