"""Names that are new each time, as mkstemp(3) and its kin make them; pure."""

from __future__ import annotations

import re

LENGTHS = (10, 8, 6)
"""How many random characters there are: mktemp(1), Python and Node, mkstemp(3)."""

MANY_DIGITS = 7
"""Java and Go put a random number of up to 20 digits; it has rarely fewer."""

WELL_KNOWN = ("ccXXXXXX", "GmXXXXXX", "rustcXXXXXX", "tmpXXXXXXXX", "pip-*-XXXXXXXX", "tmp.XXXXXXXXXX")
"""Of gcc, make, rustc, Python, pip and mktemp(1); in a directory for such things, with whatever extension."""

MAX_TEMPLATES = 100
"""So many are taken from arguments."""

NAME_MAX = 255
"""No file has a longer name."""

NAME = re.compile(r"[\w.+@%~#-]+")
PATH = re.compile(r"[\w.+@%~#/-]+")
DIRECTORY = re.compile(r"/(?:tmp|temp|dev/shm|run/user/[0-9]+)/", re.IGNORECASE)
"""Where temporary files are put."""

TEMPLATE = re.compile(r"X{4,}")
RUN = re.compile(f"[0-9A-Za-z_]{{{min(LENGTHS)},}}")
NUMBER = re.compile(f"(?<![0-9])[0-9]{{{MANY_DIGITS},20}}$")


def pattern(template: str, extension: str = "") -> re.Pattern[str]:
    """What fits the template; its second group is what is random."""
    *_, last = TEMPLATE.finditer(template)
    before, after = (
        re.escape(part).replace(r"\*", r"[\w-]*") for part in (template[: last.start()], template[last.end() :])
    )
    return re.compile(rf"({before})([0-9A-Za-z_]{{{len(last[0])}}})({after}{extension})")


PATTERNS = [pattern(template, r"(?:\..*)?") for template in WELL_KNOWN]
"""What fits the templates that are well known."""


def looks_random(text: str, *, below: bool) -> bool:
    """Whether no person would have written it; below what is new each time letters mixed with digits are enough."""
    if text.isdigit():
        return below and len(text) >= MANY_DIGITS
    cases = text.upper() != text != text.lower() and text[1:] != text[1:].lower()
    return cases or (below and any(map(str.isdigit, text)) and any(map(str.isalpha, text)))
