"""What a frame says of its task, as events have it; pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from whatran.wire import layout
from whatran.wire.files import NAMESPACES, c_string, user_dev

UNSET = 0xFFFFFFFF

_NAMES = [name for name, _ in layout.TASK]
_UID, _MNT_NS, _COMM = map(_NAMES.index, ("uid", "mnt_ns", "comm"))
_AT = layout.offset_in_exec(_NAMES[0])
_IDS = slice(layout.offset_in_exec("uid") - _AT, layout.offset_in_exec("comm") - _AT)
_CREDENTIALS = layout.compile_struct(layout.TASK[_UID:_MNT_NS])
_TASK = layout.compile_struct(
    layout.TASK[:_UID], (("credentials and namespaces", f"{_IDS.stop - _IDS.start}x"),), layout.TASK[_COMM:]
)

TASK_BYTES = slice(_AT, layout.HEAD_STRUCT.size)
"""Where this is in each frame of an event."""


# What forks, exec and exit of one process say here is the same, so that is kept for a while; as are the ids and names
# that most processes share. What is kept is bounded, here by what a CPU has at hand.
@lru_cache(maxsize=256)
def task(raw: bytes) -> tuple[Any, ...]:
    """The fields pid .. cgroup_ns."""
    start, ppid_start, cap_effective, cgroup_id, exec_id, pid, tid, ns_pid, ns_tid, ppid, comm, ppid_comm = (
        _TASK.unpack(raw)
    )
    credentials, namespaces = _ids(raw[_IDS])
    return (
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
        name(ppid_comm),
        name(comm),
        *credentials,
        cap_effective,
        cgroup_id,
        *namespaces,
    )


@lru_cache(maxsize=4096)
def name(raw: bytes) -> str:
    """A comm."""
    return c_string(raw)


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
