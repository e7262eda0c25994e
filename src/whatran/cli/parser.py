"""Parsers whose errors and help go the way of all our output."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from whatran.errors import UsageError
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError, and writes help as an Output does."""

    def __init__(
        self, prog: str, description: str | None, usage: str | None = None, epilog: Callable[[], str] | None = None
    ) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._late_epilog = epilog

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")

    def format_help(self) -> str:
        if self._late_epilog:
            self.epilog = self._late_epilog()
        return super().format_help()

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # Nothing may wait in the buffer of sys.stdout: with the reader gone (| head) it would fail after main().
        Output.stdout().write_text(message)
