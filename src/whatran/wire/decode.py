"""One frame to one Event. Nothing is trusted: any bytes give an Event or a DecodeError."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from whatran.errors import DecodeError
from whatran.event import SCHEMA, Boot, Exec, ExecFailed, Exit, Fork, TaskEvent
from whatran.wire import layout

_U32 = struct.Struct("<I")
_SIZE_AND_KIND = struct.Struct(f"<{layout.offset_in_exec('bytes')}xI4xI")
_FLAGS_AT = layout.offset_in_exec("flags")

UNSET = 0xFFFFFFFF

# linux/magic.h
PIPEFS, SOCKFS, ANON_INODEFS, NSFS, PIDFS = 0x50495045, 0x534F434B, 0x09041934, 0x6E736673, 0x50494446
OVERLAYFS = 0x794C7630

# Ids and files are taken as they are, many at once: most are found to be known.
_NAMES_OF_TASK = [name for name, _ in layout.TASK]
_UID, _MNT_NS, _COMM = map(_NAMES_OF_TASK.index, ("uid", "mnt_ns", "comm"))
_CREDENTIALS = layout.compile_struct(layout.TASK[_UID:_MNT_NS])
_NAMESPACES = layout.compile_struct(layout.TASK[_MNT_NS : _COMM - 1], (("reserved", "4x"),))
_CREDENTIALS_AT = layout.offset_in_exec("uid")
_NAMESPACES_AT = layout.offset_in_exec("mnt_ns")
_COMM_AT = layout.offset_in_exec("comm")
_HEAD = (
    *layout.FRAME,
    *layout.TASK[:_UID],
    ("credentials and namespaces", f"{_COMM_AT - _CREDENTIALS_AT}x"),
    *layout.TASK[_COMM:],
)

_FILE_ID = layout.compile_struct(layout.FILE_ID)
_TEXTS_AT = layout.offset_in_exec(layout.TEXTS[0])
_FILES_AT = _TEXTS_AT - len(layout.FILES) * _FILE_ID.size
_STDIN_AT = _FILES_AT + layout.FILES.index("stdin_file") * _FILE_ID.size

_EXEC = layout.compile_struct(
    _HEAD,
    layout.EXEC_BEFORE,
    (("files", f"{_TEXTS_AT - _FILES_AT}x"),),
    *[layout.TEXT_SIZE] * len(layout.TEXTS),
    layout.EXEC_REST,
)
_FAILED = layout.compile_struct(_HEAD, *[layout.TEXT_SIZE] * len(layout.FAILED_TEXTS), layout.FAILED_REST)
_FORK = layout.compile_struct(_HEAD, layout.FORK_REST)
_EXIT = layout.compile_struct(_HEAD, layout.EXIT_REST)

# Where the parts of an unpacked frame begin; each starts with the common ones.
_START = len(layout.FRAME)
_REST = len(_HEAD) - 1  # all but the ids
_TEXTS = _REST + len(layout.EXEC_BEFORE)
_EXEC_REST = _TEXTS + len(layout.TEXT_SIZE) * len(layout.TEXTS)


def decode(frame: bytes, boot: Boot) -> TaskEvent:
    """The event of a frame; DecodeError and nothing else where it is none.

    Facts that no frame has, from creator_pid to container_name, are None: whatran.process joins them.
    """
    if len(frame) < layout.FRAME_STRUCT.size:
        raise DecodeError("frame shorter than its head", 0, len(frame))
    size, kind = _SIZE_AND_KIND.unpack_from(frame)
    if size != len(frame):
        raise DecodeError(f"frame says it has {size} bytes", 16, len(frame))
    decode_kind = _DECODERS.get(kind)
    if decode_kind is None:
        raise DecodeError(f"unknown kind {kind}", 24, len(frame))
    return decode_kind(frame, boot)


def add_strings(event: Exec, name: str, raw: bytes | None, most: int) -> None:
    """Fills in argv or env of an exec that was made without; nobody else has it yet."""
    if raw:
        if len(raw) > most:
            event.truncated[name] = len(raw)
        msgspec.structs.force_setattr(event, name, _strings(raw[:most]))
        event.unreadable.remove(name)


def executed(frame: bytes) -> bool:
    """Whether the task of an exec frame has executed anything since its fork; a repaired one may not have."""
    flags: int = _U32.unpack_from(frame, _FLAGS_AT)[0]
    return not flags & layout.EXEC_UNEXECUTED


@lru_cache(maxsize=256)
def user_dev(dev: int) -> int:
    """A device number as user space has it, from the kernel's own major << 20 | minor."""
    return os.makedev(dev >> 20, dev & 0xFFFFF)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _c_string(raw: bytes) -> str:
    return _text(raw.partition(b"\0")[0])


# Here and below: most texts and files of a machine are few and come again and again, and what is kept is bounded.
@lru_cache(maxsize=4096)
def _comm(raw: bytes) -> str:
    return _c_string(raw)


@lru_cache(maxsize=512)
def _name(raw: bytes) -> str:
    return _c_string(raw)


@lru_cache(maxsize=1024)
def _ids(raw: bytes) -> tuple[tuple[int | None, ...], tuple[int, ...]]:
    """The fields uid .. tty, and mnt_ns .. cgroup_ns."""
    *ids, loginuid, audit_session, session_id, process_group, tty = _CREDENTIALS.unpack_from(raw)
    credentials = (
        *ids,
        None if loginuid == UNSET else loginuid,
        None if audit_session == UNSET else audit_session,
        session_id,
        process_group,
        user_dev(tty) if tty else None,
    )
    return credentials, _NAMESPACES.unpack_from(raw, _CREDENTIALS.size)


def _common(name: str, frame: bytes, values: tuple[Any, ...], boot: Boot, *, repaired: bool = False) -> tuple[Any, ...]:
    """The fields of TaskEvent, in their order, from a frame and what was unpacked of it."""
    sequence, time_boot, _, cpu, _, _, start, ppid_start, cap_effective, cgroup_id, exec_id = values[:11]
    pid, tid, ns_pid, ns_tid, ppid, comm, ppid_comm = values[11:_REST]
    credentials, namespaces = _ids(frame[_CREDENTIALS_AT:_COMM_AT])
    return (
        SCHEMA,
        name,
        time_boot + boot.wall_offset,
        time_boot,
        boot.id,
        cpu,
        sequence,
        repaired,
        pid,
        tid,
        ns_pid,
        ns_tid,
        start,
        None,  # creator_pid
        None,  # creator_start_time
        exec_id,
        ppid,
        ppid_start,
        _comm(ppid_comm),
        _comm(comm),
        *credentials,
        cap_effective,
        cgroup_id,
        *namespaces,
    )


def _decode_exec(frame: bytes, boot: Boot) -> Exec:
    if len(frame) < layout.EXEC_STRUCT.size:
        raise DecodeError("exec frame too short", 0, len(frame))
    values = _EXEC.unpack_from(frame)
    unreadable = _unreadable(values[5])
    raw, truncated = _tail(frame, layout.EXEC_STRUCT.size, layout.TEXTS, values[_TEXTS:_EXEC_REST])
    cmdpath, interp, pathname, interpreter_pathname, script_pathname, stdin_path, cwd, cgroup, argv, env = raw
    _, _, argc, envc, old_tid, flags, prev_comm = values[_EXEC_REST:]
    prev_cap_effective, prev_euid, prev_egid = values[_REST:_TEXTS]
    programs, about = _programs(
        frame[_FILES_AT:_STDIN_AT],
        pathname,
        interpreter_pathname,
        script_pathname,
        frozenset(truncated) if truncated else _NONE_CUT,
    )
    repaired = bool(flags & layout.EXEC_REPAIRED)
    fields: tuple[Any, ...] = (
        *_common(Exec.NAME, frame, values, boot, repaired=repaired),
        _name(cmdpath),
        *programs,
        _strings(argv),
        _name(interp),
        *_stdin(frame[_STDIN_AT:_TEXTS_AT], stdin_path, "stdin_path" in truncated, frame[_NAMESPACES_AT:_COMM_AT]),
        bool(flags & layout.EXEC_FROM_KERNEL),
        _strings(env) if flags & layout.EXEC_ENV else None,
        _comm(prev_comm),
        prev_euid,
        prev_egid,
        prev_cap_effective,
        tree_path(cwd, "cwd" in truncated),
        *(_REPAIRED if repaired else (argc, envc, old_tid, bool(flags & layout.EXEC_SECURE))),
        *about,
        tree_path(cgroup, "cgroup" in truncated),
        *_JOINED_LATER,
        truncated,
        unreadable,
    )
    event = Exec(*fields)
    return msgspec.structs.replace(event, **dict.fromkeys(unreadable)) if unreadable else event


_NONE_CUT: frozenset[str] = frozenset()
_REPAIRED = (None,) * 4  # argc .. secureexec
_JOINED_LATER = (*(None,) * 10, (), ())  # unit .. group, ancestors, tried


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


_Identity = tuple[str | None, int | None, int | None, int | None]


@lru_cache(maxsize=1024)
def _programs(
    ids: bytes, path: bytes, interpreter_path: bytes, script_path: bytes, cut: frozenset[str]
) -> tuple[tuple[Any, ...], tuple[bool, bool, bool | None]]:
    """The fields pathname .. script_ctime, and deleted .. upper_layer."""
    file, interpreter, script = map(FileId._make, _FILE_ID.iter_unpack(ids))
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


def _identity(path: bytes, file: FileId, *, cut: bool) -> _Identity:
    """Path, device, inode number and change time of a file there may be."""
    if not any(file):
        return None, None, None, None
    return _path(path, file, cut=cut), user_dev(file.dev), file.inode, file.ctime


def _tail(frame: bytes, at: int, names: tuple[str, ...], sizes: tuple[int, ...]) -> tuple[list[bytes], dict[str, int]]:
    """The texts after the fixed part, and for each that was cut its true length."""
    raw = []
    shown, full = sizes[::2], sizes[1::2]
    for size in shown:
        raw.append(frame[at : at + size])
        at += size
    if at != len(frame):
        raise DecodeError("texts do not fill the frame", at, len(frame))
    if shown == full:
        return raw, {}
    return raw, {name: all_ for name, size, all_ in zip(names, shown, full, strict=True) if all_ > size}


def _strings(raw: bytes) -> list[str]:
    """Strings that each end with a NUL; the last may have been cut."""
    strings = _text(raw).split("\0")
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
    path = "/".join(reversed(_strings(raw)))
    return path if cut else "/" + path


@lru_cache(maxsize=512)
def _stdin(
    file_id: bytes,
    raw: bytes,
    cut: bool,  # noqa: FBT001 (by position it is found faster)
    namespaces: bytes,
) -> tuple[int | None, str | None]:
    """The fields stdin_type and stdin_path."""
    file = FileId._make(_FILE_ID.unpack(file_id))
    if not any(file):
        return None, None
    kind = stat.S_IFMT(file.mode)
    if file.detached and file.fs_magic == NSFS:
        # The inode has the namespace's number but not its kind, which is known if it is one of the task's own.
        own = dict(zip(_NAMESPACES.unpack(namespaces), _NAMES_OF_TASK[_MNT_NS:], strict=False))
        name = own.get(file.inode, "ns").removesuffix("_ns")
        return kind, f"{name}:[{file.inode}]"
    return kind, _path(raw, file, cut=cut)


def _decode_fork(frame: bytes, boot: Boot) -> Fork:
    if len(frame) != layout.FORK_STRUCT.size:
        raise DecodeError("fork frame of the wrong length", 0, len(frame))
    values = _FORK.unpack(frame)
    parent_start, start = values[_REST : _REST + 2]
    numbers = values[_REST + 2 :]
    fields: tuple[Any, ...] = (
        *_common(Fork.NAME, frame, values, boot),
        *numbers[:4],  # parent_tid .. parent_ns_pid
        parent_start,
        *numbers[4:8],  # child_tid .. child_ns_pid
        start,
        *numbers[8:11],  # parent_process_tid .. parent_process_pid
    )
    return Fork(*fields)


def _decode_exit(frame: bytes, boot: Boot) -> Exit:
    if len(frame) != layout.EXIT_STRUCT.size:
        raise DecodeError("exit frame of the wrong length", 0, len(frame))
    values = _EXIT.unpack(frame)
    utime, stime, runtime, max_rss_pages = values[_REST : _REST + 4]
    status, flags = values[_REST + 10 : _REST + 12]
    user_time, system_time = _cpu_times(utime, stime, runtime)
    fields: tuple[Any, ...] = (
        *_common(Exit.NAME, frame, values, boot),
        status >> 8 & 0xFF,
        status & 0x7F,
        bool(flags & layout.EXIT_GROUP),
        bool(status & 0x80),
        values[1] - values[_START],
        user_time,
        system_time,
        max_rss_pages * boot.page_bytes,
        *values[_REST + 4 : _REST + 10],  # minor_faults .. write_bytes
    )
    return Exit(*fields)


def _decode_failed(frame: bytes, boot: Boot) -> ExecFailed:
    size = layout.FAILED_STRUCT.size
    if len(frame) < size:
        raise DecodeError("failed frame too short", 0, len(frame))
    values = _FAILED.unpack_from(frame)
    (cmdpath, argv), truncated = _tail(frame, size, layout.FAILED_TEXTS, values[_REST:-2])
    unreadable = _unreadable(values[5])
    fields: tuple[Any, ...] = (
        *_common(ExecFailed.NAME, frame, values, boot),
        None if "cmdpath" in unreadable else _c_string(cmdpath),
        None if "argv" in unreadable else _strings(argv),
        values[-1],
        None,  # user
        None,  # group
        (),  # tried
        truncated,
        unreadable,
    )
    return ExecFailed(*fields)


def _unreadable(bits: int) -> list[str]:
    return [name for bit, names in layout.UNREAD.items() if bits & bit for name in names] if bits else []


def _cpu_times(utime: int, stime: int, runtime: int) -> tuple[int, int]:
    """(user, system) in ns: the exact run time, shared out as the ticks fell.

    As the kernel's cputime_adjust() does for getrusage(2).
    """
    if stime == 0:
        return runtime, 0
    if utime == 0:
        return 0, runtime
    system = runtime * stime // (stime + utime)
    return runtime - system, system


_DECODERS: dict[int, Callable[[bytes, Boot], TaskEvent]] = {
    layout.EXEC: _decode_exec,
    layout.FORK: _decode_fork,
    layout.EXIT: _decode_exit,
    layout.FAILED: _decode_failed,
}
