"""One frame to one Event. Nothing is trusted: any bytes give an Event or a DecodeError."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from whatran.errors import DecodeError
from whatran.event import SCHEMA, Boot, Exec, ExecFailed, Exit, Fork, TaskEvent
from whatran.wire import layout
from whatran.wire.files import FILE_ID, NAMESPACES, programs, stdin, strings, text, tree_path, user_dev

_U32 = struct.Struct("<I")
_SIZE_AND_KIND = struct.Struct(f"<{layout.offset_in_exec('bytes')}xI4xI")
_FLAGS_AT = layout.offset_in_exec("flags")

UNSET = 0xFFFFFFFF

# Ids and files are taken as they are, many at once: most are found to be known.
_NAMES_OF_TASK = [name for name, _ in layout.TASK]
_UID, _MNT_NS, _COMM = map(_NAMES_OF_TASK.index, ("uid", "mnt_ns", "comm"))
_CREDENTIALS = layout.compile_struct(layout.TASK[_UID:_MNT_NS])
_CREDENTIALS_AT = layout.offset_in_exec("uid")
_NAMESPACES = slice(layout.offset_in_exec("mnt_ns"), layout.offset_in_exec("mnt_ns") + NAMESPACES.size)
_COMM_AT = layout.offset_in_exec("comm")
_HEAD = (
    *layout.FRAME,
    *layout.TASK[:_UID],
    ("credentials and namespaces", f"{_COMM_AT - _CREDENTIALS_AT}x"),
    *layout.TASK[_COMM:],
)

_TEXTS_AT = layout.offset_in_exec(layout.TEXTS[0])
_FILES_AT = _TEXTS_AT - len(layout.FILES) * FILE_ID.size
_STDIN_AT = _FILES_AT + layout.FILES.index("stdin_file") * FILE_ID.size

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
    if raw and name in event.unreadable:
        if len(raw) > most:
            event.truncated[name] = len(raw)
        msgspec.structs.force_setattr(event, name, strings(raw[:most]))
        event.unreadable.remove(name)


def executed(frame: bytes) -> bool:
    """Whether the task of an exec frame has executed anything since its fork; a repaired one may not have."""
    flags: int = _U32.unpack_from(frame, _FLAGS_AT)[0]
    return not flags & layout.EXEC_UNEXECUTED


def _c_string(raw: bytes) -> str:
    return text(raw.partition(b"\0")[0])


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
    return credentials, NAMESPACES.unpack_from(raw, _CREDENTIALS.size)


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
    program, about = programs(
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
        *program,
        strings(argv),
        _name(interp),
        *stdin(frame[_STDIN_AT:_TEXTS_AT], stdin_path, "stdin_path" in truncated, frame[_NAMESPACES]),
        bool(flags & layout.EXEC_FROM_KERNEL),
        strings(env) if flags & layout.EXEC_ENV else None,
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
        None if "argv" in unreadable else strings(argv),
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
