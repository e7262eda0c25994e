"""Events to what rules are compared with; pure, but for the hashes of files if they are wanted."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from whatran.baseline.generalise import Generaliser, Text
from whatran.baseline.marks import MARK, written
from whatran.baseline.model import Program, Rule
from whatran.event import Exec
from whatran.process.executables import Executables, program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.baseline.model import Settings
    from whatran.event import Event
    from whatran.volatile.patterns import Replaced

MOST_ARGUMENTS, MOST_CHARACTERS = 256, 4096
"""What of arguments stands in a baseline as it is; the rest is one hash of it all."""

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
        text = partial(self._text, is_near=partial(self._executables.is_near, process=process))
        parents = tuple(
            _WHATRAN if parent == MARK["whatran"] else text(parent)
            for parent in process.parents[: self._settings.depth]
        )
        if len(parents) < self._settings.depth and MARK["whatran"] not in process.parents:
            parents = (*parents, _KERNEL)
        pathname = text(program_of(event))
        script = text(event.script_pathname) if event.script_pathname else _NONE
        user = user_of(event)
        user_text = Text(user, MARK["user"], "<user>") if user == self._user else text(user)
        image = text(event.container_image) if event.container_image else _NONE
        argv = self._arguments(event, text)
        program = Program(
            pathname.written,
            script.written,
            tuple(parent.written for parent in parents),
            user_text.written,
            image.written,
            self._sha256(event) if self._sha256 else None,
        )
        rule = Rule(program, tuple(argument.written for argument in argv))
        return Observation(rule, pathname, script, parents, user_text, image, argv)

    def _start(self, event: Exec) -> None:
        self._text.start(event.cwd)
        if "user" in self._settings.generalised:
            self._user = user_of(event)

    def _arguments(self, event: Exec, text: Callable[[str], Text]) -> tuple[Text, ...]:
        if event.argv is None:
            return (_UNKNOWN,)
        argv = tuple(map(text, event.argv))
        if len(argv) > MOST_ARGUMENTS:
            argv = (*argv[:MOST_ARGUMENTS], _rest(argv[MOST_ARGUMENTS:], "arguments"))
        argv = tuple(_shortened(argument) if len(argument.written) > MOST_CHARACTERS else argument for argument in argv)
        return (*argv, _CUT) if "argv" in event.truncated else argv


def user_of(event: Exec) -> str:
    """Who runs it; and as whom, where that differs."""
    name = event.user or str(event.uid)
    return name if event.euid == event.uid else f"{name} (euid {event.euid})"


def _shortened(text: Text) -> Text:
    marked = text.marked
    rest = _rest([Text("", marked[MOST_CHARACTERS:], "")], "characters", len(marked) - MOST_CHARACTERS)
    head = marked[:MOST_CHARACTERS]
    return Text(text.raw, head + rest.marked, f"{written(head)}{rest.written}")


def _rest(texts: Sequence[Text], what: str, count: int | None = None) -> Text:
    """One text for many, another for others."""
    digest = hashlib.sha256("\0".join(text.marked for text in texts).encode("utf-8", "surrogatepass")).hexdigest()
    told = f" and {len(texts) if count is None else count} {what} more, of SHA-256 {digest}"
    return Text("", told, told)
