"""What /proc says of a program before its first instruction: its files, its arguments, its environment."""

from __future__ import annotations

import itertools
import operator
import os
import re
import stat
import struct
from typing import NamedTuple, TypeVar

from whatran.source.proctask import FileId, Stat, kernel_dev
from whatran.wire import layout
from whatran.wire.files import ANON_INODEFS, NSFS, PIDFS, PIPEFS, SOCKFS

NO_FILE: FileId = (0,) * len(layout.FILE_ID)

MODE_AT = [name for name, _ in layout.FILE_ID].index("mode")

AT_BASE, AT_SECURE, AT_EXECFN = 7, 23, 31  # linux/auxvec.h

PATH_BYTES = 4096
"""PATH_MAX."""

CMDPATH_BYTES = 2 * PATH_BYTES
"""PATH_MAX, and before it the /dev/fd/N/ of execveat(2)."""

STACK_BYTES = 8 << 20
"""More than there can be on a new stack: arguments, environment and the pointers to them have 3/4 of _STK_LIM."""

BINPRM_BYTES = 256
"""How much of a script the kernel looks at (BINPRM_BUF_SIZE)."""

MAX_SCRIPTS = 5
"""Scripts whose interpreter is a script, and so on: exec_binprm() in fs/exec.c."""

MAX_KNOWN = 4096
"""Programs of which something is remembered."""

K = TypeVar("K")
V = TypeVar("V")

_DELETED = b" (deleted)"

# How links to files that hang in no tree begin, and what they lie in.
_DETACHED = {
    b"pipe:[": PIPEFS,
    b"socket:[": SOCKFS,
    b"anon_inode:[pidfd]": PIDFS,
    b"anon_inode:": ANON_INODEFS,
    **{name + b":[": NSFS for name in (b"mnt", b"pid", b"user", b"net", b"uts", b"ipc", b"cgroup", b"time")},
}


class File(NamedTuple):
    """A file; its path is None where that cannot be read."""

    id: FileId
    path: bytes | None


def file_at(link: str) -> File | None:
    """The file that a link under /proc leads to; None where there is none."""
    try:
        found = os.stat(link)
    except FileNotFoundError:
        return None
    except OSError:  # not for us
        return File(NO_FILE, None)
    return File(*_identified(link_path(link), found))


def link_path(link: str) -> bytes | None:
    """Where a link under /proc leads, as the kernel writes it."""
    try:
        path = os.readlink(os.fsencode(link))
    except OSError:  # not for us, or longer than a page
        return None
    return path if len(path) <= PATH_BYTES else None  # a page may have 64 KiB


def _identified(path: bytes | None, found: os.stat_result) -> tuple[FileId, bytes | None]:
    """A file's identity, and its path without what is not part of it."""
    if path is None:
        return file_id(found), None
    if not path.startswith(b"/"):
        magic = next((magic for prefix, magic in _DETACHED.items() if path.startswith(prefix)), 0)
        return file_id(found, magic, layout.FILE_DETACHED), path.removeprefix(b"anon_inode:")
    if path.startswith(b"/memfd:") and not found.st_nlink:
        return file_id(found, 0, layout.FILE_DETACHED), path[1:].removesuffix(_DELETED)
    return file_id(found), undeleted(path, found)


def undeleted(path: bytes, found: os.stat_result) -> bytes:
    """The path without the kernel's remark that it is there no more; with it where that is part of the name."""
    if not path.endswith(_DELETED):
        return path
    try:
        if found.st_nlink and os.path.samestat(os.lstat(path), found):
            return path
    except OSError:
        pass
    return path.removesuffix(_DELETED)


def file_id(found: os.stat_result, magic: int = 0, flags: int = 0) -> FileId:
    """The values of layout.FILE_ID."""
    seconds, nanoseconds = divmod(found.st_ctime_ns, 1_000_000_000)
    dev = kernel_dev(found.st_dev)
    return found.st_ino, seconds, nanoseconds, dev, found.st_mode, found.st_nlink, magic, flags


def working_directory(pid: int) -> bytes | None:
    """Path of its current directory."""
    path = link_path(f"/proc/{pid}/cwd")
    if path is None or not path.endswith(_DELETED):
        return path
    return undeleted(path, os.stat(f"/proc/{pid}/cwd"))


class Capable:
    """Which programs have capabilities of their own (setcap); each is asked once."""

    def __init__(self) -> None:
        self._known: dict[FileId, bool] = {}

    def __call__(self, pid: int, exe: FileId) -> bool:
        """Whether the program that a process runs has; a change of them would change its ctime."""
        known = self._known.get(exe)
        if known is None:
            try:
                known = bool(os.getxattr(f"/proc/{pid}/exe", "security.capability"))
            except OSError:
                known = False
            _note(self._known, exe, known)
        return known


# -- the initial stack ------------------------------------------------------------------------------


class Stack(NamedTuple):
    """What execve(2) has put onto the new stack; None is what cannot be read."""

    argv: bytes | None
    env: bytes | None
    cmdpath: bytes | None = None
    base: int = 0
    """Where the ELF loader is; 0 where there is none."""
    secure: bool = False


def initial_stack(pid: int, stat: Stat) -> Stack:
    """What a program finds on its stack at its start.

    From below: argc, the pointers to arguments and environment, the auxiliary vector,
    padding, the strings of both, and the path that was executed.
    """
    start, argv_at, argv_end, env_at, env_end = map(stat.number, (28, 48, 49, 50, 51))
    as_laid_out = 0 < start <= argv_at <= argv_end <= env_at <= env_end <= start + STACK_BYTES
    data = _memory(pid, start, env_end + CMDPATH_BYTES) if as_laid_out else b""
    if len(data) < max(env_end - start, _LEAST_STACK):
        # It is not for us to know, but for the arguments; or it has been killed.
        return Stack(_whole(f"/proc/{pid}/cmdline") or None, None)
    argv, env = data[argv_at - start : argv_end - start], data[env_at - start : env_end - start]
    strings = argv.count(b"\0"), env.count(b"\0")
    word = _word_bytes(data, argv_at if strings[0] else env_at, empty=not strings[0])
    at = word * (1 + strings[0] + 1 + strings[1] + 1)
    aux = _auxiliary_vector(data, at, word)
    execfn = aux.get(AT_EXECFN, 0) - start
    cmdpath = data[execfn:].partition(b"\0")[0] if 0 < execfn < len(data) else None
    return Stack(argv, env, cmdpath, aux.get(AT_BASE, 0), bool(aux.get(AT_SECURE)))


_LEAST_STACK = 12
"""Bytes of argc and one pointer."""


def _word_bytes(data: bytes, first: int, *, empty: bool) -> int:
    """4 for a 32-bit program, else 8: by where the pointer to its first string is."""
    return 4 if struct.unpack_from("<I", data, 8 if empty else 4)[0] == first & 0xFFFFFFFF and first < 1 << 32 else 8


def _auxiliary_vector(data: bytes, at: int, word: int) -> dict[int, int]:
    """By type, up to AT_NULL, which is 0."""
    pair = struct.Struct("<II" if word == 4 else "<QQ")
    whole = (len(data) - at) // pair.size * pair.size
    entries = pair.iter_unpack(memoryview(data)[at : at + whole])
    return dict(itertools.takewhile(operator.itemgetter(0), entries))


def _memory(pid: int, start: int, end: int) -> bytes:
    """A stopped process's memory, as far as it goes and we may know it."""
    try:
        fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(fd, end - start, start)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _whole(path: str) -> bytes:
    """A file under /proc that may be long; empty where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""


# -- the loader -------------------------------------------------------------------------------------


class Loaders:
    """Finds the loaders of programs; where the one of a program lies is asked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[bytes, int]] = {}

    def find(self, pid: int, base: int, exe: FileId, mnt_ns: int, *, own_root: bool) -> File | None:
        """The file mapped at this address; None for none, and a path of None where it cannot be told."""
        if not base:
            return None
        # A program names its loader by a path, which leads elsewhere from another root.
        key = exe[:4], mnt_ns, b"/" if own_root else link_path(f"/proc/{pid}/root")
        if known := self._known.get(key):
            path, inode = known
            try:
                found = os.stat(path)
            except OSError:
                pass
            else:
                if found.st_ino == inode:
                    return File(file_id(found), path)
        found_there = _mapping(pid, b"%x-" % base)
        if found_there is None:
            return File(NO_FILE, None)
        inode, path = found_there
        for root in (b"", b"/proc/%d/root" % pid):
            try:
                found = os.stat(root + path)
            except OSError:
                continue
            if found.st_ino == inode:
                if not root:
                    _note(self._known, key, (path, inode))
                return File(file_id(found), path)
        return File(NO_FILE, None)


def _note(known: dict[K, V], key: K, value: V) -> None:
    """Keeps it, within bounds."""
    if len(known) == MAX_KNOWN:
        known.clear()
    known[key] = value


_MAPPED_FILE = rb"\S+ \S+ \S+ \S+ (\d{1,20}) +(/[^\0\n]*)$"  # range, access, offset, device, inode, path


def _mapping(pid: int, beginning: bytes) -> tuple[int, bytes] | None:
    """Inode number and path of the file that /proc/PID/maps has on the line that begins so; None where it has none."""
    found = re.search(b"^" + beginning + _MAPPED_FILE, _whole(f"/proc/{pid}/maps"), re.MULTILINE)
    return (int(found[1]), found[2].replace(b"\\012", b"\n")) if found else None


# -- scripts ----------------------------------------------------------------------------------------


class Script(NamedTuple):
    """What was to be executed, where an interpreter runs it."""

    interp: bytes | None
    """The interpreter as the script has it; what was executed where there is no script; None if it cannot be told."""
    file: File | None = None


def script(pid: int, cmdpath: bytes, exe: File, *, own_root: bool) -> Script:
    """By comparing what was executed with what runs, and reading the first line where they differ."""
    if own_root and cmdpath == exe.path:
        return Script(cmdpath)
    name, first = cmdpath, None
    for _ in range(MAX_SCRIPTS + 1):
        path = _as_seen_by(pid, name)
        try:
            found = os.stat(path)
        except OSError:
            # Descriptors that exec closes can be executed, but no scripts by them.
            direct = first is None and name.startswith(b"/dev/fd/")
            return Script(cmdpath if direct else None, first)
        if _same(found, exe.id):
            return Script(name, first)
        opened = _open_script(path)
        if opened is None:
            return Script(None, first)
        file, beginning = opened
        first = first or file
        name = _interpreter_named(beginning)
        if not name:  # binfmt_misc knows who runs it
            return Script(None, first)
    return Script(None, first)


def _as_seen_by(pid: int, path: bytes) -> bytes:
    """A path of a process, as we get there."""
    for prefix, own in ((b"/dev/fd/", b"fd/"), (b"/proc/self/", b""), (b"/proc/thread-self/", b"")):
        if path.startswith(prefix):
            return b"/proc/%d/" % pid + own + path.removeprefix(prefix)
    return b"/proc/%d/" % pid + (b"root" if path.startswith(b"/") else b"cwd/") + path


def _same(found: os.stat_result, exe: FileId) -> bool:
    return (found.st_ino, kernel_dev(found.st_dev)) == (exe[0], exe[3])


def _open_script(path: bytes) -> tuple[File, bytes] | None:
    """The file and its beginning; None where it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return None
        return File(*_identified(link_path(f"/proc/self/fd/{fd}"), found)), os.read(fd, BINPRM_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)


def _interpreter_named(beginning: bytes) -> bytes:
    """The interpreter that the first line of a script names; empty for none."""
    if not beginning.startswith(b"#!"):
        return b""
    words = beginning[2:].partition(b"\n")[0].partition(b"\0")[0].replace(b"\t", b" ").split(b" ")
    return next(filter(None, words), b"")
