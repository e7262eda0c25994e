"""The command line. `main` is the only place where an error becomes a message and a status."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Protocol

from whatran._version import __version__
from whatran.cli import check, diff, doctor, export, learn, query, record, replay, report, rules, run, top, watch
from whatran.cli.messages import say
from whatran.cli.parser import Parser
from whatran.errors import UsageError, WhatranError
from whatran.shortage import shortage

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Named(Protocol):
    """A module of one command: its name is the module's, its help the docstring."""

    __name__: str
    __doc__: str | None


class Command(_Named, Protocol):
    def main(self, argv: Sequence[str]) -> int:
        """Do it; the exit status."""


class Watching(_Named, Protocol):
    """One that needs privileges, but not for long."""

    def main(self, argv: Sequence[str], *, ours: bool) -> int:
        """Do it; the exit status. ``ours`` tells whether this process is whatran's own, with privileges to give up."""


WATCHING: tuple[Watching, ...] = (watch, run, record, learn, check)
OTHERS: tuple[Command, ...] = (replay, report, top, diff, query, export, rules, doctor)
COMMANDS = (*WATCHING, *OTHERS)

_USAGE = """whatran [watch] [OPTION]...
       whatran [run] [OPTION]... -- COMMAND [ARGUMENT]...
       whatran record [OPTION]... [-- COMMAND [ARGUMENT]...]
       whatran replay [OPTION]... FILE...
       whatran report [OPTION]... FILE...
       whatran top [OPTION]... FILE...
       whatran diff [OPTION]... LEFT RIGHT
       whatran query [OPTION]... FILE... SQL
       whatran export [OPTION]... FILE... -o FILE
       whatran learn [OPTION]... FILE... [-o BASELINE]
       whatran check [OPTION]... BASELINE [FILE]...
       whatran rules import DIR | list [PATH]... | test RULE FILE...
       whatran doctor"""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status. Without ``argv`` it is that of this process, which is ours."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # as it was while we were imported
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return _said(sys.argv[1:] if argv is None else argv, ours=argv is None)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _said(argv: Sequence[str], *, ours: bool) -> int:
    """The exit status; what went wrong has been said."""
    try:
        return _dispatch(argv, ours=ours)
    except WhatranError as error:
        for line in error.lines:
            say(line)
        return error.exit_code
    except BrokenPipeError:  # whoever read our output has seen enough: end as SIGPIPE would end us
        return 128 + signal.SIGPIPE
    except (
        MemoryError,
        SyntaxError,
        SystemError,
    ):  # what Python says of its own files where it had none to say the first
        say("out of memory")
        return 1
    except ImportError as error:  # no memory to map a module of Python's, or it is not all there
        say(f"cannot go on: {error}")
        return 1
    except OSError as error:
        why = shortage(error.errno)
        if not why:
            raise
        say(f"cannot go on: {why}")
        return 1


def _dispatch(argv: Sequence[str], *, ours: bool) -> int:
    watching = {_name(command): command for command in WATCHING}
    others = {_name(command): command for command in OTHERS}
    first = argv[0] if argv else ""
    if first in watching:
        return watching[first].main(argv[1:], ours=ours)
    if first in others:
        return others[first].main(argv[1:])
    if first in ("-h", "--help", "--version"):
        _parser().parse_args(argv)
    if first and not first.startswith("-"):
        import difflib  # noqa: PLC0415 (only here)

        near = difflib.get_close_matches(first, [*watching, *others], n=1)
        meant = f"did you mean {near[0]}? To" if near else "to"
        raise UsageError(f"there is no command {first!r}; {meant} run a program: whatran -- {first}")
    return watching["run" if "--" in argv else "watch"].main(argv, ours=ours)


def _parser() -> Parser:
    parser = Parser(
        "whatran",
        "What ran? Every program executed on this machine, or by a command.",
        usage=_USAGE,
        epilog=_commands_help,
    )
    parser.add_argument("--version", action="version", version=f"whatran {__version__}")
    return parser


def _commands_help() -> str:
    lines = [f"  {_name(command):<8} {(command.__doc__ or '').splitlines()[0]}" for command in COMMANDS]
    return "\n".join(["commands:", *lines, "", "whatran COMMAND --help lists the options of a command."])


def _name(command: _Named) -> str:
    return command.__name__.rpartition(".")[2]
