"""A file that is said to be a recording."""

from __future__ import annotations

import functools
import os
from contextlib import closing

from fuzz.frames import show
from whatran.errors import RecordingError
from whatran.replaying import replay


def check(data: bytes) -> None:
    """It is replayed, with a sentence for all that cannot be read, or a RecordingError."""
    fd = _memory()
    os.ftruncate(fd, 0)
    os.pwrite(fd, data, 0)
    path = f"/proc/self/fd/{fd}"
    try:
        with replay([path]) as replaying:
            show(list(replaying))
            assert all(problem.startswith(path) or problem == "and more of the kind" for problem in replaying.problems)
            assert replaying.stats.lost >= 0
            list(replaying.records())
        with closing(replay([path], filters=["uid!=0"], failed="all", env=["A"])) as replaying:
            list(replaying)
    except RecordingError as error:
        assert path in str(error)


@functools.cache
def _memory() -> int:
    return os.memfd_create("recording")
