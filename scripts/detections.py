"""Writes docs/detections.md from the built-in rules and from docs/detections.json; a test holds them together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.rules.levels import LEVELS
from whatran.rules.load import load
from whatran.rules.places import BUILTIN

if TYPE_CHECKING:
    from whatran.rules.model import Rule

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "detections.md"
COUNTS = DOCS / "detections.json"

EACH = 10_000
"""Execs that alerts are told for."""

RECORDINGS = {
    "packages": "`apt-get install` of nginx, apache2, PostgreSQL, OpenSSH, cron, sudo, man-db, git, gcc, make and "
    "Python, with all they need, into a minimal Debian 12",
    "builds": "`dpkg-buildpackage` of GNU hello and dash: configure, make, tests, all under fakeroot",
    "by hand": "in /tmp: configure, make, make check and make install of GNU hello, a virtual environment with a "
    "Python of its own; elsewhere git with a hook, and a program compiled and run",
    "pip": "`pip install` of packages with C sources into virtual environments, in a home and in /tmp",
    "npm": "`npm install` of esbuild, TypeScript, ESLint, husky and sharp, and a build with them",
    "tests": "CPython's own tests of subprocess, shutil, tempfile, popen, runpy, zipapp, compileall, doctest, "
    "faulthandler, traceback and of scripts",
    "servers": "nginx, apache2, PostgreSQL, cron, sshd and Python's http.server, asked over and over, with logins by "
    "ssh and su, cron's daily jobs, reload and stop",
}

HEAD = """\
# What the built-in rules find

<!-- Written by scripts/detections.py from src/whatran/rules/builtin: change it there. -->

`whatran --rules` has these rules look at every exec, live, of a command or of a recording (`whatran replay --rules`);
each is a file of its own in [src/whatran/rules/builtin](../src/whatran/rules/builtin), in the format of Sigma with
the fields of whatran, and has examples in it that it alerts on and others that it does not. A test has a harmless
script do what each rule is about, but for what only the kernel can do, and everyday commands, on which all are
silent.

Rules are about what can be known of an exec rather than about names that whoever is watched may choose: a shell is
that of a web server if one of its ancestors *executed* a web server. Some names are left, of files and of what lies
above (a build tool, a package manager, a container's runtime), in the filters that keep a rule silent: these are a
way around it for who knows them, and each stands in the rule's file under `filter_`. So do the ones to take out, or
to add to, in a copy.

What rules look at in environments is captured for them, live, without `--env`: that says what of it is shown. A
recording has environments only if it was made with `whatran record --env`.

High is what hardly ever happens where nothing is wrong; medium is worth a look; low is what explains other alerts,
and makes some wherever programs are made.
"""

MEASURED = """\
## False positives, measured

The last columns of the table are alerts for 10,000 execs, on recordings of what is done without harm, made with
`whatran record --env`. A dot is none. They are small (one alert of npm's counts as 370) and of one machine: what a
rule says of its false positives holds also where none was seen. Those of a recording of yours are counted by
`python -m bench.detections NAME=RECORDING`.

| recording | what was done | execs |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    counts = json.loads(COUNTS.read_text())
    rules = sorted(load([BUILTIN]).rules, key=lambda rule: (-LEVELS.index(rule.level), rule.title))
    alerting = [rule for rule in rules if rule.level != "informational"]
    counting = ", ".join(rule.title for rule in rules if rule.level == "informational")
    recordings = [f"| {name} | {what} | {counts[name]['execs']:,} |" for name, what in RECORDINGS.items()]
    header = ["rule", "level", "ATT&CK", "fires on", "known false positives", *RECORDINGS]
    table = [_row(header), _row(["---"] * len(header)), *(_row(_cells(rule, counts)) for rule in alerting)]
    last = f"These alert by themselves on nothing, and are counted by others: {counting}.\n"
    return "\n".join([HEAD, MEASURED + "\n".join(recordings), "", "## All rules", "", *table, "", last])


def _cells(rule: Rule, counts: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    techniques = ", ".join(
        f"[{each}](https://attack.mitre.org/techniques/{each.replace('.', '/')}/)" for each in rule.attack
    )
    measured = [_rate(rule, counts[name]) for name in RECORDINGS]
    return [rule.title, rule.level, techniques, rule.description, "; ".join(rule.falsepositives), *measured]


def _rate(rule: Rule, recording: dict[str, dict[str, int]]) -> str:
    alerts = recording["alerts"].get(rule.id)
    if alerts is None:
        return "?"
    return f"{alerts * EACH / recording['execs']:.0f}" if alerts else "·"  # type: ignore[operator]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
