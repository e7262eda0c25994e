"""A load that waits to be let go, and again at its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from bench.loads import AS_USER

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 60


class LoadFailed(Exception):  # noqa: N818  # it is no error
    """Why a load did not end well."""


class Gate:
    """Within, the load is there; whatever ends us before it has ended, ends it and what it started."""

    def __init__(self, gate: Path, load: list[str], folder: Path, before: list[str]) -> None:
        command = [*AS_USER, *before, str(gate), *load]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "CI": "1",  # no deadlines for tests, and the same each time
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
        }
        self.errors = folder.parent / "load.err"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        killed = kind and self.process.poll() is None
        if killed:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=PATIENCE_SECONDS)
        if killed:
            self._wait_for_group()

    def _wait_for_group(self) -> None:
        """Returns once all that was killed is gone: it may be writing still."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, 0)
                time.sleep(0.01)

    def open(self) -> tuple[float, float]:
        """Lets the load go; seconds and CPU seconds that it took."""
        assert self.process.stdin  # noqa: S101
        assert self.process.stdout  # noqa: S101
        with suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        if not line or line[2] != b"0":
            raise LoadFailed(last_words(self.errors))
        return int(line[0]) / 1e9, int(line[1]) / 1e6


def last_words(path: Path) -> str:
    """The last line that says something, of what a program complained of."""
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it ended, without a word"
