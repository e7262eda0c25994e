"""One frame to one Event. Nothing is trusted: any bytes give an Event or a DecodeError."""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import msgspec

from whatran.errors import DecodeError
from whatran.event import SCHEMA, Boot, Exec, ExecFailed, Exit, Fork, TaskEvent
from whatran.wire import layout
from whatran.wire.files import FILE_ID, NAMESPACES, c_string, stdin, strings, texts_of, told
from whatran.wire.task import TASK_BYTES, name, task

Head = tuple[int, int, int, int, int, int]
"""struct frame."""

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_FLAGS_AT = layout.offset_in_exec("flags")

_NAMESPACES_AT = layout.offset_in_exec("mnt_ns")
_NAMESPACES = slice(_NAMESPACES_AT, _NAMESPACES_AT + NAMESPACES.size)
_REST_AT = layout.HEAD_STRUCT.size
"""Where what is common to all events ends."""

_TEXT_SIZES = layout.compile_struct(*[layout.TEXT_SIZE] * 2)  # of the last two texts
_ARGV_AT = layout.offset_in_exec("argv")
_EXEC_BEFORE = layout.compile_struct(layout.EXEC_BEFORE)
_STDIN_AT = _REST_AT + _EXEC_BEFORE.size + layout.FILES.index("stdin_file") * FILE_ID.size
_PROGRAM_FILES = slice(_REST_AT + _EXEC_BEFORE.size, _STDIN_AT)
_STDIN_FILE = slice(_STDIN_AT, _STDIN_AT + FILE_ID.size)
_PATH_SIZES = slice(_STDIN_FILE.stop, _ARGV_AT)
_EXEC_REST_AT = _ARGV_AT + _TEXT_SIZES.size
_EXEC_REST = layout.compile_struct(layout.EXEC_REST)
_FAILED_REST = layout.compile_struct(layout.FAILED_REST)
_FORK_REST = layout.compile_struct(layout.FORK_REST)
# struct fork_frame has its wider numbers first.
_FORK_FIELDS = itemgetter(
    *map(
        [name for name, _ in layout.FORK_REST].index,
        (
            *("parent_tid", "parent_ns_tid", "parent_pid", "parent_ns_pid", "parent_start_boot_ns"),
            *("child_tid", "child_ns_tid", "child_pid", "child_ns_pid", "start_boot_ns"),
            *("parent_process_tid", "parent_process_ns_tid", "parent_process_pid"),
        ),
    )
)
_EXIT_REST = layout.compile_struct(layout.EXIT_REST)


def decode(frame: bytes, boot: Boot) -> TaskEvent:
    """The event of a frame; DecodeError and nothing else where it is none.

    Facts that no frame has, from creator_pid to container_name, are None: whatran.process joins them.
    """
    if len(frame) < layout.FRAME_STRUCT.size:
        raise DecodeError("frame shorter than its head", 0, len(frame))
    head = layout.FRAME_STRUCT.unpack_from(frame)
    _, _, size, _, kind, _ = head
    if size != len(frame):
        raise DecodeError(f"frame says it has {size} bytes", 16, len(frame))
    decode_kind = _DECODERS.get(kind)
    if decode_kind is None:
        raise DecodeError(f"unknown kind {kind}", 24, len(frame))
    return decode_kind(frame, head, boot)


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


def _common(event: str, frame: bytes, head: Head, boot: Boot, *, repaired: bool = False) -> tuple[Any, ...]:
    """The fields of TaskEvent, in their order."""
    sequence, time_boot, _, cpu, _, _ = head
    own = (SCHEMA, event, time_boot + boot.wall_offset, time_boot, boot.id, cpu, sequence, repaired)
    return own + task(frame[TASK_BYTES])


def _decode_exec(frame: bytes, head: Head, boot: Boot) -> Exec:
    if len(frame) < layout.EXEC_STRUCT.size:
        raise DecodeError("exec frame too short", 0, len(frame))
    argv_bytes, argv_full, env_bytes, env_full = _TEXT_SIZES.unpack_from(frame, _ARGV_AT)
    env_at = len(frame) - env_bytes
    argv_at = env_at - argv_bytes
    if argv_at < layout.EXEC_STRUCT.size:
        raise DecodeError("texts longer than the frame", _ARGV_AT, len(frame))
    if argv_at > layout.EXEC_STRUCT.size + layout.MOST_PATHS_BYTES:
        raise DecodeError("paths longer than there are", layout.EXEC_STRUCT.size, len(frame))
    program, interp, stdin_text, cwd, about, cgroup, cut = told(
        frame[_PROGRAM_FILES], frame[_PATH_SIZES], frame[layout.EXEC_STRUCT.size : argv_at]
    )
    stdin_type, stdin_path = stdin(frame[_STDIN_FILE], stdin_text, "stdin_path" in cut, frame[_NAMESPACES])
    deleted, memfd, upper_layer = about
    truncated = dict(cut)
    if argv_full > argv_bytes:
        truncated["argv"] = argv_full
    if env_full > env_bytes:
        truncated["env"] = env_full
    unreadable = _unreadable(head[5])
    prev_cap_effective, prev_euid, prev_egid = _EXEC_BEFORE.unpack_from(frame, _REST_AT)
    _, _, argc, envc, old_tid, flags, prev_comm = _EXEC_REST.unpack_from(frame, _EXEC_REST_AT)
    repaired = flags & layout.EXEC_REPAIRED != 0
    rest = (
        strings(frame[argv_at:env_at]),
        interp,
        stdin_type,
        stdin_path,
        flags & layout.EXEC_FROM_KERNEL != 0,
        strings(frame[env_at:]) if flags & layout.EXEC_ENV else None,
        name(prev_comm),
        prev_euid,
        prev_egid,
        prev_cap_effective,
        cwd,
        None if repaired else argc,
        None if repaired else envc,
        None if repaired else old_tid,
        None if repaired else flags & layout.EXEC_SECURE != 0,
        deleted,
        memfd,
        upper_layer,
        cgroup,
        *_JOINED_LATER,
        truncated,
        unreadable,
        _redacted(head[5]),
    )
    event = Exec(*_common(Exec.NAME, frame, head, boot, repaired=repaired) + program + rest)
    for field in unreadable:
        msgspec.structs.force_setattr(event, field, None)
    return event


_JOINED_LATER = (*(None,) * 10, (), ())  # unit .. group, ancestors, tried


def _decode_fork(frame: bytes, head: Head, boot: Boot) -> Fork:
    if len(frame) != layout.FORK_STRUCT.size:
        raise DecodeError("fork frame of the wrong length", 0, len(frame))
    return Fork(*_common(Fork.NAME, frame, head, boot) + _FORK_FIELDS(_FORK_REST.unpack_from(frame, _REST_AT)))


def _decode_exit(frame: bytes, head: Head, boot: Boot) -> Exit:
    if len(frame) != layout.EXIT_STRUCT.size:
        raise DecodeError("exit frame of the wrong length", 0, len(frame))
    (start,) = _U64.unpack_from(frame, TASK_BYTES.start)
    rest = _EXIT_REST.unpack_from(frame, _REST_AT)
    utime, stime, runtime, max_rss_pages = rest[:4]
    status, flags = rest[-2:]
    user_time, system_time = _cpu_times(utime, stime, runtime)
    own = (
        status >> 8 & 0xFF,
        status & 0x7F,
        flags & layout.EXIT_GROUP != 0,
        status & 0x80 != 0,
        head[1] - start,
        user_time,
        system_time,
        max_rss_pages * boot.page_bytes,
    )
    return Exit(*_common(Exit.NAME, frame, head, boot) + own + rest[4:-2])  # minor_faults .. write_bytes


def _decode_failed(frame: bytes, head: Head, boot: Boot) -> ExecFailed:
    if len(frame) < layout.FAILED_STRUCT.size:
        raise DecodeError("failed frame too short", 0, len(frame))
    sizes = _TEXT_SIZES.unpack_from(frame, _REST_AT)
    (cmdpath, argv), truncated = texts_of(frame, layout.FAILED_STRUCT.size, layout.FAILED_TEXTS, sizes)
    unreadable = _unreadable(head[5])
    rest = (
        None if "cmdpath" in unreadable else c_string(cmdpath),
        None if "argv" in unreadable else strings(argv),
        _FAILED_REST.unpack_from(frame, _REST_AT + _TEXT_SIZES.size)[-1],
        None,  # user
        None,  # group
        (),  # tried
        truncated,
        unreadable,
        _redacted(head[5]),
    )
    return ExecFailed(*_common(ExecFailed.NAME, frame, head, boot) + rest)


def _unreadable(bits: int) -> list[str]:
    return [name for bit, names in layout.UNREAD.items() if bits & bit for name in names] if bits else []


def _redacted(bits: int) -> list[str]:
    return [name for bit, name in layout.REDACTED.items() if bits & bit] if bits else []


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


_DECODERS: dict[int, Callable[[bytes, Head, Boot], TaskEvent]] = {
    layout.EXEC: _decode_exec,
    layout.FORK: _decode_fork,
    layout.EXIT: _decode_exit,
    layout.FAILED: _decode_failed,
}
