"""What /proc says of a process and what its memory holds, as the ptrace source reads them to make frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest import mock

from whatran.event import Boot, Event, TaskEvent
from whatran.source import procexec, procfs, proctask
from whatran.source.procframes import Frames
from whatran.wire.decode import decode
from whatran.wire.settings import Settings

BOOT = Boot("b", 0)

BETWEEN = b"\xfe\xff"
"""Ends a file's content, where the next begins."""

FILES = ("stat", "status", "cgroup", "io", "schedstat", "maps", "loginuid", "sessionid", "cmdline", "mem", "script")

WATCHES = (Settings(env=True), Settings(threads=True, max_argv=3))


def check(data: bytes) -> None:
    """Frames come of it that decode, or what is raised where a process is gone."""
    assert all(isinstance(event, Event) for event in events(data))


def events(data: bytes) -> list[TaskEvent]:
    """What the frames say that the ptrace source makes of these files."""
    found = []
    with _given(dict(zip(FILES, data.split(BETWEEN), strict=False))):
        for settings in WATCHES:
            found += [decode(frame, BOOT) for frame in _life(settings)]
        procfs.process_of(1)
        procfs.stat_of(1)
    return found


def _life(settings: Settings) -> Iterator[bytes]:
    """A process is found, forks a thread and a process, executes, and ends, and has these files all the time."""
    pid = os.getpid()
    frames = Frames(settings)
    with suppress(OSError):
        process = frames.begin(pid)
        yield frames.repaired(process)
        for child in (pid, pid + 1):
            made, frame = frames.fork(pid, process, child, 5)
            if frame:
                yield frame
        yield frames.exec(frames.look(made, pid, 9))
        yield frames.exit(frames.ending_thread(pid, process, 9), 0, group=False)
        yield frames.exit(frames.ending(pid, process, 9), 11, group=True)
        frames.owner_of(pid)


@contextmanager
def _given(files: dict[str, bytes]) -> Iterator[None]:
    """Has these as the contents of files; none other is opened by what they say."""

    def content(path: str, size: int = 1 << 14) -> bytes:
        name = path.rpartition("/")[2]
        if name not in files:
            raise FileNotFoundError(path)
        return files[name][:size]

    def memory(_pid: int, start: int, end: int) -> bytes:
        return files.get("mem", b"")[: end - start]

    def script(_path: bytes) -> tuple[procexec.File, bytes] | None:
        found = files.get("script")
        return None if found is None else (procexec.File(procexec.NO_FILE, b"/s"), found)

    with (
        mock.patch.object(proctask, "read", content),
        mock.patch.object(procexec, "_whole", content),
        mock.patch.object(procexec, "_memory", memory),
        mock.patch.object(procexec, "_open_script", script),
        mock.patch.object(procfs, "PROC", _Folder(files)),
    ):
        yield


class _Folder:
    """A folder whose every folder has these files."""

    def __init__(self, files: dict[str, bytes], name: str = "") -> None:
        self._files = files
        self._name = name

    def __truediv__(self, name: str) -> _Folder:
        return _Folder(self._files, name)

    def read_bytes(self) -> bytes:
        if self._name not in self._files:
            raise FileNotFoundError(self._name)
        return self._files[self._name]
