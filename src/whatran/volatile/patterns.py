"""Pieces of texts that change from run to run, by their form alone; pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEX = "[0-9a-fA-F]"

UUID = re.compile(rf"(?<!\w){_HEX}{{8}}-{_HEX}{{4}}-[1467]{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}(?!\w)")
"""One that is random or of its time."""

UUID_BARE = re.compile(rf"(?<![0-9a-zA-Z]){_HEX}{{12}}4{_HEX}{{3}}[89abAB]{_HEX}{{15}}(?![0-9a-zA-Z])")
"""A random one without dashes; one in 64 of other numbers of that length looks like it too."""

DESCRIPTOR = re.compile(r"((?<![\w.-])(?:/dev|/proc/[^/\s]+)/fd/|\bpipe:\[|\bsocket:\[)[0-9]+")
"""Its number, after the group."""

JOBSERVER = re.compile(r"(--jobserver-(?:auth|fds)=)(?:-?[0-9]+,-?[0-9]+|fifo:[^\s'\"]+)")
"""Where make finds its job server, after the group."""

REDACTED = re.compile(r"<redacted:[0-9a-f]{8}>")
"""The digest of a secret; it only tells secrets of one recording, or watch, apart."""


def directory(path: str) -> re.Pattern[str]:
    """What is that directory at the beginning of a path, which may follow an option of one letter: -I/home/me/src."""
    return re.compile(rf"(?:(?<![\w.-])|(?<=(?<![\w.-])-[A-Za-z])){re.escape(path)}(?![\w.-])")


class Replaced(NamedTuple):
    """A piece of text, and what stands in its place by which rule."""

    rule: str
    text: str
    by: str
