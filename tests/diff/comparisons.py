"""Comparisons to show."""

from tests.diff.recorded import BASE, ran, recorded
from tests.events import S
from whatran.diff.compare import compare

HOSTILE = "\x1b[2J\u202e\udcff<script>alert(1)</script>&\"'\n\0"
"""What must reach neither a terminal nor a page as it is."""


def two_builds():
    """Two builds: with another flag, a step that fails, one more and one that is gone."""
    left = [
        *[ran("cc", "-Wall", "-O2", "-c", f"{name}.c", "-o", f"/tmp/cc{name * 6}.o") for name in "abc"],
        ran("./check", "all"),
        ran("strip", "a.out"),
        ran("touch", "done"),
    ]
    right = [
        *[ran("cc", "-Wall", "-O3", "-c", f"{name}.c", "-o", f"/tmp/cc{name.upper() * 6}.o") for name in "abc"],
        ran("./check", "all", status=3),
        ran("touch", "done"),
        ran("touch", "done"),
        ran("curl", "http://example.com", user="ann", uid=7, euid=7, cwd="/root"),
    ]
    return compare(
        recorded(*left, root=("make", "-j2")),
        recorded(*right, root=("make", "-j2"), base=BASE + 1000, start=90 * S),
        names=("a.wr", "b.wr"),
    )


def what_is_hostile():
    """What differs by what must not be shown as it is, everywhere."""
    sides = []
    for side in ("left", "right"):
        text = side + HOSTILE
        commands = [
            ran("x", text, pathname=f"/{text}", cwd=text, user=text, uid=7, comm=HOSTILE[:5]),
            ran("y", of=0),
            ran("cc", "a", "b", "c", HOSTILE, text, f"/tmp/tmp.{side:a<10}{HOSTILE}"),
        ]
        sides.append(recorded(*commands))
    return compare(*sides, names=(HOSTILE, HOSTILE))
