"""RLIMIT_MEMLOCK, to which kernels before 5.11 charge maps and programs; later ones charge the cgroup."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NONE = resource.RLIM_INFINITY


@contextmanager
def raised() -> Iterator[None]:
    """It is as high as it may be, within; afterwards as it was, for a command inherits it.

    libbpf raises it too, once, where it makes the first map: that must be within.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    for most in (_NONE, hard):
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))
            break
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))


def hard_limit() -> int | None:
    """How much may be locked at the most, in bytes; None for any amount."""
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    return None if hard == _NONE else hard
