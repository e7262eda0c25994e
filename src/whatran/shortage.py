"""What may run short anywhere, and the next step."""

from __future__ import annotations

import errno

_NEXT_STEPS = {
    errno.EAGAIN: "no more processes may be started; `ulimit -u` and pids.max of the cgroup say how many",
    errno.EMFILE: "too many files are open; raise the limit, as by `ulimit -n 256`",
    errno.ENFILE: "too many files are open on this machine; raise the limit, fs.file-max",
    errno.ENOMEM: "there is not enough memory, or a limit on it; a smaller --buffer may help",
}


def shortage(number: int | None) -> str | None:
    """What an errno says of it; None where that says something else."""
    return _NEXT_STEPS.get(number or 0)
