"""bpf/wire.h in Python: structs as (field, format) pairs, compared with the object's BTF by a test."""

from __future__ import annotations

import itertools
import struct

EXEC, FORK, EXIT, TEXT, FAILED = 1, 2, 3, 4, 5
EVENTS = (EXEC, FORK, EXIT, FAILED)
KINDS = (*EVENTS, TEXT)

COMM_BYTES = 16

FRAME = (
    ("sequence", "Q"),
    ("time_boot_ns", "Q"),
    ("bytes", "I"),
    ("cpu", "I"),
    ("kind", "I"),
    ("unread", "I"),
)

TASK = (
    ("start_boot_ns", "Q"),
    ("ppid_start_boot_ns", "Q"),
    ("cap_effective", "Q"),
    ("cgroup_id", "Q"),
    ("exec_id", "Q"),
    ("pid", "I"),
    ("tid", "I"),
    ("ns_pid", "I"),
    ("ns_tid", "I"),
    ("ppid", "I"),
    ("uid", "I"),
    ("gid", "I"),
    ("euid", "I"),
    ("egid", "I"),
    ("suid", "I"),
    ("sgid", "I"),
    ("fsuid", "I"),
    ("fsgid", "I"),
    ("loginuid", "I"),
    ("audit_session", "I"),
    ("session_id", "I"),
    ("process_group", "I"),
    ("tty_dev", "I"),
    ("mnt_ns", "I"),
    ("pid_ns", "I"),
    ("user_ns", "I"),
    ("net_ns", "I"),
    ("uts_ns", "I"),
    ("ipc_ns", "I"),
    ("cgroup_ns", "I"),
    ("reserved", "I"),
    ("comm", "16s"),
    ("ppid_comm", "16s"),
)

FILE_ID = (
    ("inode", "Q"),
    ("ctime_sec", "q"),
    ("ctime_nsec", "I"),
    ("dev", "I"),
    ("mode", "I"),
    ("nlink", "I"),
    ("fs_magic", "I"),
    ("flags", "I"),
)

TEXT_SIZE = (("bytes", "I"), ("full", "I"))

# The tail of an exec frame is these texts end to end, in this order.
TEXTS = (
    "cmdpath",
    "interp",
    "pathname",
    "interpreter_pathname",
    "script_pathname",
    "stdin_path",
    "cwd",
    "cgroup",
    "argv",
    "env",
)

MOST_PATHS_BYTES = 1 << 16
"""Of all texts but argv and env together. The kernel program has 36 KiB for them (FRAME_BYTES of bpf/maps.bpf.h); by
ptrace they are 40 KiB at the most. What is remembered of them is counted in texts: it is bounded as these are."""

# The files of an exec frame, in this order.
FILES = ("file", "interpreter", "script", "stdin_file")

# The tail of a failed frame, in this order.
FAILED_TEXTS = ("cmdpath", "argv")
FAILED_REST = (("argc", "I"), ("error", "I"))

EXEC_BEFORE = (("prev_cap_effective", "Q"), ("prev_euid", "I"), ("prev_egid", "I"))

EXEC_REST = (
    ("argv_more", "I"),
    ("env_more", "I"),
    ("argc", "I"),
    ("envc", "I"),
    ("old_tid", "I"),
    ("flags", "I"),
    ("prev_comm", "16s"),
)

TEXT_REST = (("exec_sequence", "Q"), ("offset", "I"), ("text", "I"))

FORK_REST = (
    ("parent_start_boot_ns", "Q"),
    ("start_boot_ns", "Q"),
    ("parent_tid", "I"),
    ("parent_ns_tid", "I"),
    ("parent_pid", "I"),
    ("parent_ns_pid", "I"),
    ("child_tid", "I"),
    ("child_ns_tid", "I"),
    ("child_pid", "I"),
    ("child_ns_pid", "I"),
    ("parent_process_tid", "I"),
    ("parent_process_ns_tid", "I"),
    ("parent_process_pid", "I"),
    ("reserved", "I"),
)

EXIT_REST = (
    ("utime_ns", "Q"),
    ("stime_ns", "Q"),
    ("runtime_ns", "Q"),
    ("max_rss_pages", "Q"),
    ("minor_faults", "Q"),
    ("major_faults", "Q"),
    ("rchar", "Q"),
    ("wchar", "Q"),
    ("read_bytes", "Q"),
    ("write_bytes", "Q"),
    ("status", "I"),
    ("flags", "I"),
)

# Bits of exec_frame.flags, file_id.flags, exit_frame.flags and of a byte of pids[].
EXEC_FROM_KERNEL, EXEC_SECURE, EXEC_ENV, EXEC_REPAIRED, EXEC_UNEXECUTED, EXEC_CUT = 1, 2, 4, 8, 16, 32
FILE_DETACHED, FILE_UPPER = 1, 2
EXIT_GROUP = 1
TEXT_ARGV, TEXT_ENV = 0, 1
SCOPE_SELF, SCOPE_TREE, SCOPE_OUT, SCOPE_END = 1, 2, 4, 8

# Bits of frame.unread, each with the fields that could not be read.
UNREAD = {
    1 << 0: ("cmdpath",),
    1 << 1: ("pathname",),
    1 << 2: ("interp",),
    1 << 3: ("interpreter_pathname",),
    1 << 4: ("stdin_path",),
    1 << 5: ("cwd",),
    1 << 6: ("argv",),
    1 << 7: ("env",),
    1 << 8: ("prev_comm", "prev_euid", "prev_egid", "prev_cap_effective"),
    1 << 9: ("script_pathname", "script_dev", "script_inode", "script_ctime"),
    1 << 10: ("cgroup",),
}

# Bits of frame.unread that are never the kernel's, each with the field in which secrets were replaced.
REDACTED = {1 << 30: "argv", 1 << 31: "env"}

# Bits of settings.unwanted, which are of the same, each with the fields that come of what is read.
GATHERED = {
    1 << 1: ("pathname", "memfd"),
    1 << 3: ("interpreter_pathname", "interpreter_dev", "interpreter_inode", "interpreter_ctime"),
    1 << 4: ("stdin_path", "stdin_type"),
    1 << 5: ("cwd",),
    1 << 6: ("argv",),
    1 << 9: ("script_pathname", "script_dev", "script_inode", "script_ctime"),
    1 << 10: (
        *("cgroup", "unit", "slice", "container_id", "container_name", "container_image"),
        *("pod_uid", "pod_name", "pod_namespace"),
    ),
}

SETTINGS_UIDS, SETTINGS_COMMS, SETTINGS_CGROUPS = 16, 8, 8
SETTINGS = (
    ("kinds", "I"),
    ("scoped", "I"),
    ("use_pids", "I"),
    ("want_env", "I"),
    ("want_threads", "I"),
    ("ring_bytes", "I"),
    ("uid_count", "I"),
    ("comm_count", "I"),
    ("max_argv", "I"),
    ("max_env", "I"),
    ("uids_unwanted", "I"),
    ("comms_unwanted", "I"),
    ("cgroup_count", "I"),
    ("not_cgroup_count", "I"),
    ("rate_limit", "I"),
    ("unwanted", "I"),
    ("uids", f"{4 * SETTINGS_UIDS}s"),
    ("comms", f"{COMM_BYTES * SETTINGS_COMMS}s"),
    ("command", "16s"),
)

COUNTERS = (("produced", "Q"), ("lost", "Q"), ("failed", "Q"), ("cut", "Q"), ("limited", "Q"))

Fields = tuple[tuple[str, str], ...]


def compile_struct(*parts: Fields) -> struct.Struct:
    """One little-endian Struct without padding for the parts one after another."""
    return struct.Struct("<" + "".join(code for part in parts for _, code in part))


FRAME_STRUCT = compile_struct(FRAME)
HEAD_STRUCT = compile_struct(FRAME, TASK)  # how every frame of an event begins
EXEC_STRUCT = compile_struct(FRAME, TASK, EXEC_BEFORE, *[FILE_ID] * len(FILES), *[TEXT_SIZE] * len(TEXTS), EXEC_REST)
FAILED_STRUCT = compile_struct(FRAME, TASK, *[TEXT_SIZE] * len(FAILED_TEXTS), FAILED_REST)
FORK_STRUCT = compile_struct(FRAME, TASK, FORK_REST)
EXIT_STRUCT = compile_struct(FRAME, TASK, EXIT_REST)
TEXT_STRUCT = compile_struct(FRAME, TEXT_REST)
TWO_STRUCT = struct.Struct("<II")  # a TEXT_SIZE; argv_more and env_more
SETTINGS_STRUCT = compile_struct(SETTINGS)
COUNTERS_STRUCT = compile_struct(COUNTERS)


def offset_in_exec(name: str) -> int:
    """Where a field of the frame's head, the sizes of a text or a field at the end is in an exec frame, in bytes."""
    sizes = [(text, "II") for text in TEXTS]
    files = [("", code) for _, code in FILE_ID] * len(FILES)
    before = itertools.takewhile(
        lambda entry: entry[0] != name, (*FRAME, *TASK, *EXEC_BEFORE, *files, *sizes, *EXEC_REST)
    )
    return struct.calcsize("<" + "".join(code for _, code in before))
