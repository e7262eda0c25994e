"""Events to what rules are compared with; pure, but for the hashes of files if they are wanted."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from whatran.baseline.generalise import MANY, Generaliser, Text, more
from whatran.baseline.marks import MARK
from whatran.baseline.model import Program, Rule
from whatran.event import Exec
from whatran.process.executables import Executables, program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.baseline.model import Settings
    from whatran.event import Event
    from whatran.process.executables import Process
    from whatran.volatile.patterns import Replaced

    _Raw = tuple[str, str | None, tuple[str, ...], str, str | None]
    """Path, script, parents, user and image as they are."""

MOST_ARGUMENTS = 256
"""So many stand in a baseline as they are; the rest is one hash of them all."""

_NUMBER = re.compile("[0-9]{3}")

_NONE = Text("", "", "")
_WHATRAN, _KERNEL, _UNKNOWN, _CUT = (
    Text(f"<{name}>", MARK[name], f"<{name}>") for name in ("whatran", "kernel", "unknown", "cut")
)


class Observation(NamedTuple):
    """An exec as rules see it."""

    rule: Rule
    """What would permit this, and nothing else."""
    pathname: Text
    script_pathname: Text
    parents: tuple[Text, ...]
    user: Text
    container_image: Text
    argv: tuple[Text, ...]


class _Program(NamedTuple):
    """What of an observation may be the same of many."""

    program: Program
    pathname: Text
    script_pathname: Text
    parents: tuple[Text, ...]
    user: Text
    image: Text


class Observer:
    """Follows the events of one recording, or of one watch."""

    def __init__(
        self,
        settings: Settings,
        *,
        command: bool,
        sha256: Callable[[Exec], str | None] | None = None,
        log: set[Replaced] | None = None,
    ) -> None:
        """``command`` says that the first exec is that of a command, which all others come from.

        ``sha256`` tells what a file holds that was executed, None where that cannot be told.
        """
        self._settings = settings
        self._sha256 = sha256
        self._executables = Executables(MARK["whatran"] if command else None)
        self._text = Generaliser(settings.generalised, log)
        self._starting = command
        self._user: str | None = None
        self._programs: dict[_Raw, _Program] = {}
        self._ended: Sequence[tuple[int, int]] = ()
        self.older = self._executables.older

    def __call__(self, event: Event) -> Observation | None:
        """What an exec is to rules; None for other events."""
        process = self._executables(event)
        if process is None or type(event) is not Exec:
            return None
        if self._starting:
            self._starting = False
            if process.parents == (MARK["whatran"],):
                self._start(event)
        is_near = partial(self._executables.is_near, process=process)
        known = self._program(event, process, is_near)
        argv = self._arguments(event, is_near)
        program = known.program
        if self._sha256:
            program = program._replace(sha256=self._sha256(event))
        rule = Rule(program, tuple([argument.written for argument in argv]))
        return Observation(rule, known.pathname, known.script_pathname, known.parents, known.user, known.image, argv)

    def forget(self, ended: Sequence[tuple[int, int]]) -> None:
        """These have ended, although no event has said so; what they did before may still be on its way to here.

        So they are forgotten when others are told of, which is after the next look at all processes.
        """
        self._executables.forget(self._ended)
        self._ended = ended

    def _program(self, event: Exec, process: Process, is_near: Callable[[int], bool]) -> _Program:
        raw = (program_of(event), event.script_pathname, process.parents, user_of(event), event.container_image)
        known = self._programs.get(raw)
        if known is None:
            known = self._made(raw, is_near)
            if not any(map(_NUMBER.search, (raw[0], raw[1] or "", raw[4] or "", *raw[2]))):  # no pid now or later
                if len(self._programs) >= MANY:
                    self._programs.clear()
                self._programs[raw] = known
        return known

    def _made(self, raw: _Raw, is_near: Callable[[int], bool]) -> _Program:
        pathname, script, parents, user, image = raw
        depth = self._settings.depth
        above = tuple(
            _WHATRAN if parent == MARK["whatran"] else self._text((parent,), is_near)[0] for parent in parents[:depth]
        )
        if len(above) < depth and _WHATRAN not in above:
            above = (*above, _KERNEL)
        path, script_path, who, of_image = (
            self._text((text,), is_near)[0] if text else _NONE for text in (pathname, script, user, image)
        )
        if user == self._user:
            who = Text(user, MARK["user"], "<user>")
        program = Program(
            path.written,
            script_path.written,
            tuple(parent.written for parent in above),
            who.written,
            of_image.written,
            None,
        )
        return _Program(program, path, script_path, above, who, of_image)

    def _start(self, event: Exec) -> None:
        self._text.start(event.cwd)
        if "user" in self._settings.generalised:
            self._user = user_of(event)

    def _arguments(self, event: Exec, is_near: Callable[[int], bool]) -> tuple[Text, ...]:
        if event.argv is None:
            return (_UNKNOWN,)
        argv = self._text(event.argv, is_near)
        if len(argv) > MOST_ARGUMENTS:
            rest = [argument.marked for argument in argv[MOST_ARGUMENTS:]]
            told = more(rest, len(rest), "arguments")
            argv = (*argv[:MOST_ARGUMENTS], Text(told, told, told))
        return (*argv, _CUT) if "argv" in event.truncated else argv


def user_of(event: Exec) -> str:
    """Who runs it; and as whom, where that differs."""
    name = event.user or str(event.uid)
    return name if event.euid == event.uid else f"{name} (euid {event.euid})"
