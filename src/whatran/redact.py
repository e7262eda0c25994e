"""Texts without their secrets; pure but for the salt.

A text is strings that each end with a NUL, as the kernel has arguments and environments. Of a secret no byte is left:
in its place is a salted digest, so that equal ones can be told to be equal and none can be found by trying.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from re import compile as regular
from typing import TYPE_CHECKING

from whatran.secret_patterns import ANYWHERE, ASSIGNED, ASSIGNED_WITHIN, HINTS, PROGRAMS, RUNNER, SHELL

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from whatran.secret_patterns import Program, Rules

SALT_BYTES = 16
DIGEST_BYTES = 4
PLACEHOLDER = regular(rb"<redacted:[0-9a-f]{8}>")
GROWTH_BYTES = len("<redacted:01234567>")

MOST_SECRETS = 1024
"""That a text may have of one look, and command lines of one program; one with more is hidden whole. So none grows by
much, whatever a process does."""

BLOCK_BYTES = 64 << 10
MOST_BLOCKS = 4
"""So many blocks of a text are searched, which takes up to some 300 ns a byte; each other that may have a secret is
hidden whole. A process may have 6 MiB of arguments."""

MOST_TOGETHER = 64
"""How many options one after another stay in one block."""

_OF_VARIABLES = ASSIGNED + ASSIGNED_WITHIN + ANYWHERE

MOST_CLEAN, CLEAN_BYTES = 1 << 13, 256
"""How many strings are remembered to have no secret, and how long they may be: most come again and again."""


class Redactor:
    """Takes texts and gives the same without secrets; one that has none is given as it is."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = os.urandom(SALT_BYTES) if salt is None else salt
        self._clean: set[bytes] = set()
        self._clean_env: set[bytes] = set()

    def has_none(self, raw: bytes) -> bool:
        """Whether it is plain that these arguments, of one program or of several, have no secret."""
        return _all_clean(raw, self._clean)

    def env_has_none(self, raw: bytes) -> bool:
        """The same of environments."""
        return _all_clean(raw, self._clean_env)

    def argv(self, raw: bytes) -> bytes:
        """Arguments, the first being the program's name."""
        if self.has_none(raw):
            return raw
        first = raw.partition(b"\0")[0]
        name = first.rpartition(b"/")[2].removeprefix(b"-")
        assigned = ASSIGNED_WITHIN if SHELL.fullmatch(name) else ASSIGNED + ASSIGNED_WITHIN
        try:
            text = self._of_programs(b"\0" + raw, len(first) + 2, runs=RUNNER.fullmatch(name) is not None)
            return self._bounded(self._searched(text, assigned + ANYWHERE)[1:], raw)
        except _TooManyError:
            return self._hidden(raw) + b"\0"

    def env(self, raw: bytes) -> bytes:
        """An environment: its strings have nothing to do with one another."""
        if self.env_has_none(raw):
            return raw
        strings, left = raw.split(b"\0"), MOST_BLOCKS * BLOCK_BYTES
        try:
            for at, string in enumerate(strings):
                if string in self._clean_env or not _hinted(string):
                    continue
                left -= len(string)
                # Only the last can have been cut: the others end with a NUL, and that tells a name from a beginning.
                whole = at < len(strings) - 1
                found = self._after(b"\0" + string + b"\0" * whole, _OF_VARIABLES)[1:].removesuffix(b"\0")
                strings[at] = found if left >= 0 else self._hidden(string)
                # One that may be the beginning of a secret is looked at again: the next may have been cut there.
                if found == string and (not whole or self._after(b"\0" + string, _OF_VARIABLES)[1:] == string):
                    _keep({string}, self._clean_env)
            return self._bounded(b"\0".join(strings), raw)
        except _TooManyError:
            return self._hidden(raw) + b"\0"

    def command(self, argv: Sequence[str]) -> list[str]:
        """A command line, word by word."""
        raw = b"".join(os.fsencode(each) + b"\0" for each in argv)
        return [os.fsdecode(each) for each in self.argv(raw).split(b"\0")[:-1]]

    def _of_programs(self, text: bytes, named_until: int, *, runs: bool) -> bytes:
        """The text without what is a secret only to some programs: to the one that it begins with, or one that runs."""
        for program in PROGRAMS:
            if any(hint in text for hint in program.hints):
                text = self._of_program(program, text, len(text) if runs else named_until)
        return text

    def _of_program(self, program: Program, text: bytes, named_until: int) -> bytes:
        """The same of one program; what is between its mentions is copied but once."""
        parts: list[bytes] = []
        at = 0
        for _ in range(MOST_SECRETS):
            found = program.mention.search(text, at, named_until)
            if not found:
                return b"".join((*parts, text[at:]))
            start, end = found.span("line")
            if start < 0:  # its arguments are the strings that follow
                end = found.end()
                return b"".join((*parts, text[at:end], self._after(text[end:], (program.in_string,))))
            parts += text[at:start], self._after(text[start:end], (program.in_line,))
            at = end
        raise _TooManyError

    def _searched(self, text: bytes, rules: Rules) -> bytes:
        """The text, which begins with a NUL, after these rules."""
        parts, left = [b"\0"], MOST_BLOCKS
        for block in _blocks(text):
            part = block
            if _hinted(block):
                left -= 1
                part = self._in_block(block, rules) if left >= 0 else b"\0" + self._hidden(block) + b"\0"
            parts.append(part[1:])
        return b"".join(parts)

    def _in_block(self, block: bytes, rules: Rules) -> bytes:
        parts: list[bytes] = []
        at = 0
        for start, end in _spans(block):
            parts += block[at:start], self._after(block[start:end], rules)
            at = end
        return b"".join((*parts, block[at:]))

    def _after(self, text: bytes, rules: Rules) -> bytes:
        lower = text.lower()
        for pattern, sign, words in rules:
            if sign in lower and any(word in lower for word in words):
                text, count = pattern.subn(self._replaced, text, MOST_SECRETS)
                if count == MOST_SECRETS:
                    raise _TooManyError
        return text

    def _replaced(self, match: re.Match[bytes]) -> bytes:
        start, end = match.span("secret")
        secret = match["secret"]
        if secret[:1] in (b"'", b'"') and len(secret) > 1 and secret[-1:] == secret[:1]:
            start, end, secret = start + 1, end - 1, secret[1:-1]
        if not secret or PLACEHOLDER.fullmatch(secret):
            return match[0]
        return match.string[match.start() : start] + self._hidden(secret) + match.string[end : match.end()]

    def _bounded(self, text: bytes, raw: bytes) -> bytes:
        if len(text) > len(raw) + MOST_SECRETS * GROWTH_BYTES:
            raise _TooManyError
        return text

    def _hidden(self, secret: bytes) -> bytes:
        digest = blake2b(secret, key=self._salt, digest_size=DIGEST_BYTES).hexdigest()
        return f"<redacted:{digest}>".encode()


class _TooManyError(Exception):
    """A text has more secrets than there can be."""


def _hinted(raw: bytes) -> bool:
    """Whether a secret may be in it."""
    lower = raw.lower()
    return any(hint in lower for hint in HINTS)


def _all_clean(raw: bytes, clean: set[bytes]) -> bool:
    """Whether no string of it may have a secret, given some that have none; they are added to."""
    new = set(raw.split(b"\0")) - clean
    if not new:
        return True
    if _hinted(b"\0".join(new)):
        return False
    _keep(new, clean)
    return True


def _keep(strings: set[bytes], clean: set[bytes]) -> None:
    if len(clean) + len(strings) > MOST_CLEAN:
        clean.clear()
    if len(strings) <= MOST_CLEAN:
        clean |= {string for string in strings if len(string) <= CLEAN_BYTES}


def _blocks(text: bytes) -> Iterator[bytes]:
    """The text in parts, each between two NULs that it shares; what follows an option stays with that."""
    start, end = 0, len(text)
    while start + 1 < end:
        until = start + BLOCK_BYTES
        for _ in range(MOST_TOGETHER):
            until = text.find(b"\0", until) + 1 or end
            if until == end or text[text.rfind(b"\0", start, until - 1) + 1] != ord("-"):
                break
        yield text[start:until]
        start = until - 1 if until < end else end


def _spans(block: bytes) -> Iterator[tuple[int, int]]:
    """Where the strings are that may have a secret, each with the one before it and the one after."""
    lower = block.lower()
    found = []
    for hint in HINTS:
        at = lower.find(hint)
        while at >= 0:
            begin = lower.rfind(b"\0", 0, at)
            end = _end_of_string(lower, at)
            found.append((max(0, lower.rfind(b"\0", 0, begin)), _end_of_string(lower, end)))
            at = lower.find(hint, end)
    found.sort()
    start, end = found[0]
    for next_start, next_end in found:
        if next_start >= end:
            yield start, end
            start = next_start
        end = max(end, next_end)
    yield start, end


def _end_of_string(text: bytes, at: int) -> int:
    """Where the next string begins."""
    return text.find(b"\0", at) + 1 or len(text)
