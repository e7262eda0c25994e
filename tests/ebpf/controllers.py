"""A cgroup that limits something, in whichever hierarchy has the controller for that."""

import contextlib
import os
import uuid
from pathlib import Path

LIMITS = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max", "pids.max")}
"""The files of version 2 and of version 1."""


@contextlib.contextmanager
def limited(controller, limit):
    """A new cgroup with that limit, within; None where nothing here can limit that."""
    for directory, file in zip(_places(controller), LIMITS[controller], strict=True):
        if directory is not None:
            made = directory / f"whatran-{uuid.uuid4().hex}"
            made.mkdir()
            try:
                made.joinpath(file).write_text(str(limit))
                yield made
            finally:
                while made.joinpath("cgroup.procs").read_text():
                    os.sched_yield()
                made.rmdir()
            return
    yield None


def _places(controller):
    """The root of each hierarchy, version 2 and 1, that has the controller for its children; else None."""
    found = [None, None]
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup" and controller in options.split(","):
            found[1] = Path(place)
        elif kind == "cgroup2" and controller in Path(place, "cgroup.subtree_control").read_text().split():
            found[0] = Path(place)
    return found
