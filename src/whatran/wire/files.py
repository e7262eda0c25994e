"""Files and texts of a frame, as events have them; pure."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from typing import Any, NamedTuple

from whatran.errors import DecodeError
from whatran.wire import layout

# linux/magic.h
PIPEFS, SOCKFS, ANON_INODEFS, NSFS, PIDFS = 0x50495045, 0x534F434B, 0x09041934, 0x6E736673, 0x50494446
OVERLAYFS = 0x794C7630

FILE_ID = layout.compile_struct(layout.FILE_ID)

_NAMESPACE_NAMES = [name for name, code in layout.TASK if name.endswith("_ns") and code == "I"]
NAMESPACES = layout.compile_struct(tuple((name, "I") for name in _NAMESPACE_NAMES))
"""Numbers of a task's namespaces, as they lie in its frames."""


# Most texts and files of a machine are few and come again and again, so they are kept; what is kept is bounded.
@lru_cache(maxsize=256)
def user_dev(dev: int) -> int:
    """A device number as user space has it, from the kernel's own major << 20 | minor."""
    return os.makedev(dev >> 20, dev & 0xFFFFF)


def text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def c_string(raw: bytes) -> str:
    return text(raw.partition(b"\0")[0])


@lru_cache(maxsize=512)
def _name(raw: bytes) -> str:
    return c_string(raw)


def texts_of(
    frame: bytes, at: int, names: tuple[str, ...], sizes: tuple[int, ...]
) -> tuple[list[bytes], dict[str, int]]:
    """The texts from there to the end, and for each that was cut its true length."""
    raw = []
    shown, full = sizes[::2], sizes[1::2]
    for size in shown:
        raw.append(frame[at : at + size])
        at += size
    if at != len(frame):
        raise DecodeError("texts do not fill their room", at, len(frame))
    if shown == full:
        return raw, {}
    return raw, {name: all_ for name, size, all_ in zip(names, shown, full, strict=True) if all_ > size}


class FileId(NamedTuple):
    """struct file_id."""

    inode: int
    ctime_sec: int
    ctime_nsec: int
    dev: int
    mode: int
    nlink: int
    fs_magic: int
    flags: int

    @property
    def ctime(self) -> int:
        """In ns since the epoch."""
        return self.ctime_sec * 1_000_000_000 + self.ctime_nsec

    @property
    def detached(self) -> bool:
        """Whether its path hangs in no tree."""
        return bool(self.flags & layout.FILE_DETACHED)


Identity = tuple[str | None, int | None, int | None, int | None]


_TEXT_NAMES = layout.TEXTS[: layout.TEXTS.index("argv")]
_TEXT_SIZES = layout.compile_struct(*[layout.TEXT_SIZE] * len(_TEXT_NAMES))


class Told(NamedTuple):
    """What an exec frame says of files and places, but for stdin: that differs wherever there are pipes."""

    program: tuple[Any, ...]
    """The fields cmdpath .. script_ctime."""
    interp: str
    stdin_path: bytes
    cwd: str
    about: tuple[bool, bool, bool | None]
    """The fields deleted .. upper_layer."""
    cgroup: str
    truncated: dict[str, int]
    """For each of these texts that was cut, its true length."""


@lru_cache(maxsize=512)
def told(ids: bytes, sizes: bytes, texts: bytes) -> Told:
    """From the struct file_id of all files but stdin, and from all texts before argv with their sizes."""
    raw, truncated = texts_of(texts, 0, _TEXT_NAMES, _TEXT_SIZES.unpack(sizes))
    cmdpath, interp, pathname, interpreter_pathname, script_pathname, stdin_path, cwd, cgroup = raw
    program, about = _programs(ids, pathname, interpreter_pathname, script_pathname, frozenset(truncated))
    return Told(
        (_name(cmdpath), *program),
        _name(interp),
        stdin_path,
        tree_path(cwd, "cwd" in truncated),
        about,
        tree_path(cgroup, "cgroup" in truncated),
        truncated,
    )


@lru_cache(maxsize=512)
def _programs(
    ids: bytes, path: bytes, interpreter_path: bytes, script_path: bytes, cut: frozenset[str]
) -> tuple[tuple[Any, ...], tuple[bool, bool, bool | None]]:
    """The fields pathname .. script_ctime, and deleted .. upper_layer."""
    file, interpreter, script = map(FileId._make, FILE_ID.iter_unpack(ids))
    name = _path(path, file, cut="pathname" in cut)
    return (
        (
            name,
            user_dev(file.dev),
            file.inode,
            file.ctime,
            file.mode,
            *_identity(interpreter_path, interpreter, cut="interpreter_pathname" in cut),
            *_identity(script_path, script, cut="script_pathname" in cut),
        ),
        (
            file.nlink == 0,
            file.detached and name.startswith("memfd:"),
            bool(file.flags & layout.FILE_UPPER) if file.fs_magic == OVERLAYFS else None,
        ),
    )


def _identity(path: bytes, file: FileId, *, cut: bool) -> Identity:
    """Path, device, inode number and change time of a file there may be."""
    if not any(file):
        return None, None, None, None
    return _path(path, file, cut=cut), user_dev(file.dev), file.inode, file.ctime


def strings(raw: bytes) -> list[str]:
    """Strings that each end with a NUL; the last may have been cut."""
    strings = text(raw).split("\0")
    if not strings[-1]:
        strings.pop()
    return strings


def _path(raw: bytes, file: FileId, *, cut: bool) -> str:
    """The path of a file as /proc shows it: in a tree, or hanging in none (``memfd:NAME``, ``pipe:[INODE]``, …)."""
    if not file.detached:
        return tree_path(raw, cut)
    if file.fs_magic == PIPEFS:
        return f"pipe:[{file.inode}]"
    if file.fs_magic == SOCKFS:
        return f"socket:[{file.inode}]"
    if file.fs_magic == PIDFS:
        return "anon_inode:[pidfd]"
    path = tree_path(raw, True)  # noqa: FBT003 (as above)
    return f"anon_inode:{path}" if file.fs_magic == ANON_INODEFS else path


@lru_cache(maxsize=512)  # a path may have 4 KiB
def tree_path(raw: bytes, cut: bool) -> str:  # noqa: FBT001 (by position it is found faster)
    """A path from its components, leaf first; without its leading slash where its upper part was cut."""
    path = "/".join(reversed(strings(raw)))
    return path if cut else "/" + path


@lru_cache(maxsize=512)
def stdin(
    file_id: bytes,
    raw: bytes,
    cut: bool,  # noqa: FBT001 (by position it is found faster)
    namespaces: bytes,
) -> tuple[int | None, str | None]:
    """The fields stdin_type and stdin_path."""
    file = FileId._make(FILE_ID.unpack(file_id))
    if not any(file):
        return None, None
    kind = stat.S_IFMT(file.mode)
    if file.detached and file.fs_magic == NSFS:
        # The inode has the namespace's number but not its kind, which is known if it is one of the task's own.
        own = dict(zip(NAMESPACES.unpack(namespaces), _NAMESPACE_NAMES, strict=True))
        name = own.get(file.inode, "ns").removesuffix("_ns")
        return kind, f"{name}:[{file.inode}]"
    return kind, _path(raw, file, cut=cut)
