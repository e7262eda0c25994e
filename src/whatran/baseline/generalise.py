"""What changes from run to run is replaced by a mark, from what one exec tells by itself; pure.

No other recording is looked at, so that what is learned of two together is what is learned of each, together.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from whatran.baseline.marks import MARK, written
from whatran.volatile.names import (
    DIRECTORY,
    LENGTHS,
    MAX_TEMPLATES,
    NAME,
    NAME_MAX,
    NUMBER,
    PATH,
    PATTERNS,
    RUN,
    TEMPLATE,
    looks_random,
)
from whatran.volatile.names import pattern as template
from whatran.volatile.patterns import DESCRIPTOR, JOBSERVER, REDACTED, UUID, Replaced, directory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

RULES = {
    "directory": "the directory in which the command was started: `<pwd>/src`",
    "user": "the user who started the command: `<user>`",
    "descriptor": "the number of a descriptor or of a pipe: `/dev/fd/<fd>`, `pipe:[<fd>]`",
    "jobserver": "where make finds its job server: `--jobserver-auth=<jobserver>`",
    "redacted": "the digest of a secret: `--password=<redacted>`",
    "pid": "the pid of the process itself, of one above it, or of a child of these, if it has three digits or more: "
    "`conftest<pid>.c`",
    "uuid": "a UUID that is random or of its time (versions 1, 4, 6 and 7): `<uuid>`",
    "hash": "a number in hexadecimal that is as long as MD5, SHA-1 or SHA-2: `<hash>`",
    "number": "a number of seven digits or more that stands alone, as a time: `<number>`",
    "temporary": "what is random in names below /tmp and the like, as mkstemp(3) makes them: `/tmp/cc<temp>.s`",
}
"""What each replaces, in the order in which they are applied."""

_HASH = re.compile(
    r"(?<![0-9a-zA-Z])(?=[0-9]*[a-fA-F])(?:[0-9a-f]{128}|[0-9a-f]{96}|[0-9a-f]{64}|[0-9a-f]{56}|[0-9a-f]{40}|[0-9a-f]{32}"
    r"|[0-9A-F]{64}|[0-9A-F]{40}|[0-9A-F]{32})(?![0-9a-zA-Z])"
)
_NUMBER = re.compile(r"(?<![\w.])[0-9]{7,20}(?:\.[0-9]+)?(?![\w.])")
_DIGIT = re.compile("[0-9]")
_PID = re.compile(r"(?<![0-9])[1-9][0-9]{2,6}(?![0-9])")

_COUNTED = re.compile(r"[A-Za-z]+[0-9]{1,4}|[0-9]{1,4}[A-Za-z]+|x86_64")
"""What people call things: build12."""

PYTHON_LENGTH = 8
"""Of the makers of such names only Python puts underscores."""

_PATH = re.compile(PATH.pattern.replace(r"\w", "\\w\ud800-\ud8ff", 1))
_PART = re.compile(r"[^/]+")

MANY, LONG = 1 << 16, 1024
"""So many texts are remembered, none of them longer."""


MOST_CHARACTERS = 4096
"""So many of a text stand in a baseline as they are; the rest is one hash of it all."""

MOST_SEARCHED = 1 << 16
"""In so many characters of a text marks are put: an argument may have more for a reason, or six million to keep us
busy."""


class Text(NamedTuple):
    """A text of a process."""

    raw: str
    marked: str
    """With marks for what changes from run to run."""
    written: str
    """The same as it stands in the file."""


class _Change(NamedTuple):
    rule: str
    pattern: re.Pattern[str]
    by: Callable[[re.Match[str]], str]


class Generaliser:
    """Texts by these rules, for one recording."""

    def __init__(self, rules: Collection[str], log: set[Replaced] | None = None) -> None:
        """What is replaced is noted in the log."""
        self._rules = frozenset(rules)
        self._log = log
        self._pids = "pid" in self._rules
        self._texts: dict[str, tuple[Text, tuple[int, ...]]] = {}
        numbered = [
            _Change("descriptor", DESCRIPTOR, lambda match: match[1] + MARK["fd"]),
            _Change("jobserver", JOBSERVER, lambda match: match[1] + MARK["jobserver"]),
            _Change("redacted", REDACTED, lambda _: MARK["redacted"]),
        ]
        others = [
            _Change("uuid", UUID, lambda _: MARK["uuid"]),
            _Change("hash", _HASH, lambda _: MARK["hash"]),
            _Change("number", _NUMBER, lambda _: MARK["number"]),
        ]
        self._templates: dict[str, re.Pattern[str]] = {}
        self._fits_any: dict[int, re.Pattern[str]] = {}
        """What fits any of the templates of a length; asked first, as it is asked of each name and they are many."""
        self._directory: _Change | None = None
        self._before, self._after = (
            [change for change in changes if change.rule in self._rules] for changes in (numbered, others)
        )
        """What is no pid though it is a number, and what may be none although it could."""
        self._unnumbered = [change for change in self._before if change.rule in {"jobserver", "redacted"}]
        """What needs no digit."""

    def start(self, path: str | None) -> None:
        """The command was started there."""
        if path and path != "/" and "directory" in self._rules:
            self._directory = _Change("directory", directory(path), lambda _: MARK["pwd"])
            self._texts.clear()

    def __call__(self, raws: Iterable[str], is_near: Callable[[int], bool]) -> tuple[Text, ...]:
        """The texts; ``is_near`` tells whether a number is a pid that whoever has them can know."""
        known = self._texts
        found = []
        for raw in raws:
            text, numbers = known.get(raw) or self._new(raw)
            if numbers and any(map(is_near, numbers)):
                text = self._text(raw, is_near)
            found.append(text)
        return tuple(found)

    def _new(self, raw: str) -> tuple[Text, tuple[int, ...]]:
        searched = raw[:MOST_SEARCHED]
        if TEMPLATE.search(searched) and "temporary" in self._rules:
            self._note_templates(searched)
        numbers = tuple(dict.fromkeys(map(int, _PID.findall(searched)))) if self._pids else ()
        new = self._text(raw), numbers
        if len(raw) <= LONG:
            if len(self._texts) >= MANY:
                self._texts.clear()
            self._texts[raw] = new
        return new

    def _text(self, raw: str, is_near: Callable[[int], bool] | None = None) -> Text:
        pids = [_Change("pid", _PID, partial(_pid, is_near))] if is_near else []
        directories = [self._directory] if self._directory else []
        marked, beyond = raw[:MOST_SEARCHED], raw[MOST_SEARCHED:]
        numbered = (*self._before, *pids, *self._after) if _DIGIT.search(marked) else self._unnumbered
        for change in (*directories, *numbered):
            marked = change.pattern.sub(partial(self._replace, change), marked)
        if "temporary" in self._rules and DIRECTORY.search(marked):
            marked = _PATH.sub(self._path, marked)
        if self._templates:
            marked = NAME.sub(lambda name: self._noted("temporary", name[0], self._made(name[0])), marked)
        if len(marked) + len(beyond) <= MOST_CHARACTERS:
            return Text(raw, marked, written(marked))
        head, rest = marked[:MOST_CHARACTERS], marked[MOST_CHARACTERS:] + beyond
        told = more([rest], len(rest), "characters")
        return Text(raw, head + told, written(head) + told)

    def _replace(self, change: _Change, match: re.Match[str]) -> str:
        return self._noted(change.rule, match[0], change.by(match))

    def _noted(self, rule: str, text: str, by: str) -> str:
        if self._log is not None and by != text:
            self._log.add(Replaced(rule, text, written(by)))
        return by

    def _note_templates(self, raw: str) -> None:
        """What names from here on may be made from, as ``mktemp -d confXXXXXX`` is told."""
        before = len(self._templates)
        for name in NAME.findall(raw):
            fits = TEMPLATE.search(name) and name.strip("X") and len(name) <= NAME_MAX
            if fits and name not in self._templates and len(self._templates) < MAX_TEMPLATES:
                self._templates[name] = template(name)
        if len(self._templates) == before:
            return
        self._texts.clear()
        for length in set(map(len, self._templates)):
            alike = (each for each in self._templates if len(each) == length)
            # Without groups, so that most are told apart by their first letter.
            self._fits_any[length] = re.compile("|".join(map(_ungrouped, alike)))

    def _made(self, name: str) -> str:
        any_of_them = self._fits_any.get(len(name))
        if any_of_them and any_of_them.fullmatch(name) and name not in self._templates:
            for each in self._templates.values():
                if match := each.fullmatch(name):
                    return match[1] + MARK["temp"] + match[3]
        return name

    def _path(self, match: re.Match[str]) -> str:
        path = match[0]
        found = DIRECTORY.search(path)
        if not found:
            return path
        below = path[found.end() :]
        return path[: found.end()] + _PART.sub(
            lambda name: self._noted("temporary", name[0], temporary(name[0])), below
        )


def more(marked: Sequence[str], count: int, what: str) -> str:
    """What stands for these where there are too many of them: the same for the same, and for nothing else."""
    digest = hashlib.sha256("\0".join(marked).encode("utf-8", "surrogatepass")).hexdigest()
    return f" and {count} {what} more, of SHA-256 {digest}"


def _ungrouped(name: str) -> str:
    """What fits the template, as a regular expression."""
    return template(name).pattern.replace("(", "(?:")


def _pid(is_near: Callable[[int], bool], match: re.Match[str]) -> str:
    return MARK["pid"] if is_near(int(match[0])) else match[0]


def temporary(name: str) -> str:
    """The name with a mark for what is random in it; as it is where nothing is."""
    for pattern in PATTERNS:
        if match := pattern.fullmatch(name):
            return match[1] + MARK["temp"] + name[match.end(2) :]
    for run in reversed([*RUN.finditer(name)]):
        text = run[0]
        if _COUNTED.fullmatch(text):
            continue
        for length in (len(text), min(LENGTHS)):
            random = text[-length:]
            if "_" in random and length != PYTHON_LENGTH:
                continue
            if length in LENGTHS and looks_random(random, below=length == len(text)):
                return name[: run.end() - length] + MARK["temp"] + name[run.end() :]
    if number := NUMBER.search(name):
        return name[: number.start()] + MARK["temp"] + name[number.end() :]
    return name
