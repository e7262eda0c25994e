"""Hand-built events: a plausible value for every field, so that a test names only what it is about."""

import stat

from whatran.event import SCHEMA, Alert, Boot, Exec, ExecFailed, Exit, Fork, Gap

WALL = 1_700_000_000_000_000_000
"""What the wall clock showed at boot, in ns since the epoch."""

BOOT = Boot("11111111-2222-4333-8444-555555555555", WALL)

MS = 1_000_000
S = 1_000 * MS


def _common(name, at, pid, start, **given):
    common = {
        "schema": SCHEMA,
        "event": name,
        "timestamp": WALL + at,
        "timestamp_boot": at,
        "boot_id": BOOT.id,
        "cpu": 0,
        "sequence": 1,
        "repaired": False,
        "pid": pid,
        "tid": pid,
        "ns_pid": pid,
        "ns_tid": pid,
        "process_start_time": start,
        "creator_pid": None,
        "creator_start_time": None,
        "exec_id": 1,
        "ppid": 1,
        "ppid_start_time": 0,
        "ppid_comm": "init",
        "comm": "true",
        "uid": 0,
        "gid": 0,
        "euid": 0,
        "egid": 0,
        "suid": 0,
        "sgid": 0,
        "fsuid": 0,
        "fsgid": 0,
        "loginuid": None,
        "audit_session": None,
        "session_id": 1,
        "process_group": 1,
        "tty": None,
        "cap_effective": 0,
        "cgroup_id": 1,
        "mnt_ns": 4026531841,
        "pid_ns": 4026531836,
        "user_ns": 4026531837,
        "net_ns": 4026531840,
        "uts_ns": 4026531838,
        "ipc_ns": 4026531839,
        "cgroup_ns": 4026531835,
    }
    return common | given


def make_exec(argv=("true",), *, pid=100, start=100 * MS, at=101 * MS, **given):
    """Process `pid`, forked at `start`, executed `argv` at `at` (both in ns since boot)."""
    path = f"/usr/bin/{argv[0]}" if argv else "/usr/bin/true"
    fields = {
        "comm": (argv[0] if argv else "true")[:15],
        "cmdpath": path,
        "pathname": path,
        "dev": 2049,
        "inode": 4711,
        "ctime": WALL,
        "inode_mode": stat.S_IFREG | 0o755,
        "interpreter_pathname": "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "interpreter_dev": 2049,
        "interpreter_inode": 4712,
        "interpreter_ctime": WALL,
        "script_pathname": None,
        "script_dev": None,
        "script_inode": None,
        "script_ctime": None,
        "argv": None if argv is None else list(argv),
        "interp": path,
        "stdin_type": stat.S_IFCHR,
        "stdin_path": "/dev/null",
        "invoked_from_kernel": False,
        "env": None,
        "prev_euid": 0,
        "prev_egid": 0,
        "prev_cap_effective": 0,
        "prev_comm": "sh",
        "cwd": "/",
        "argc": len(argv or ()),
        "envc": 0,
        "old_tid": pid,
        "secureexec": False,
        "deleted": False,
        "memfd": False,
        "upper_layer": None,
        "cgroup": "/",
        "unit": None,
        "slice": None,
        "container_id": None,
        "container_name": None,
        "container_image": None,
        "pod_uid": None,
        "pod_name": None,
        "pod_namespace": None,
        "user": "root",
        "group": "root",
        "ancestors": ("init",),
        "tried": (),
        "truncated": {},
        "unreadable": [],
        "redacted": [],
    }
    return Exec(**(_common(Exec.NAME, at, pid, start) | fields | given))


def make_failed(cmdpath="/usr/bin/nosuch", *, pid=100, start=100 * MS, at=101 * MS, **given):
    """Process `pid`, forked at `start`, could not execute `cmdpath` at `at`."""
    fields = {
        "comm": "sh",
        "cmdpath": cmdpath,
        "argv": [cmdpath.rpartition("/")[2]],
        "errno": 2,
        "user": "root",
        "group": "root",
        "tried": (),
        "truncated": {},
        "unreadable": [],
        "redacted": [],
    }
    return ExecFailed(**(_common(ExecFailed.NAME, at, pid, start) | fields | given))


def make_fork(child=101, *, child_start=102 * MS, pid=100, start=100 * MS, at=None, **given):
    """Process `pid`, forked at `start`, forked process `child` at `child_start`."""
    fields = {
        "comm": "sh",
        "parent_tid": pid,
        "parent_ns_tid": pid,
        "parent_pid": pid,
        "parent_ns_pid": pid,
        "parent_start_time": start,
        "child_tid": child,
        "child_ns_tid": child,
        "child_pid": child,
        "child_ns_pid": child,
        "start_time": child_start,
        "parent_process_tid": pid,
        "parent_process_ns_tid": pid,
        "parent_process_pid": pid,
    }
    return Fork(**(_common(Fork.NAME, child_start if at is None else at, pid, start) | fields | given))


def make_exit(exit_code=0, *, pid=100, start=100 * MS, at=110 * MS, **given):
    """Process `pid`, forked at `start`, ended at `at` with `exit_code`."""
    fields = {
        "exit_code": exit_code,
        "signal_code": 0,
        "process_group_exit": True,
        "core_dumped": False,
        "duration": at - start,
        "user_time": 1 * MS,
        "system_time": 2 * MS,
        "max_rss": 1 << 20,
        "minor_faults": 100,
        "major_faults": 0,
        "rchar": 4096,
        "wchar": 0,
        "read_bytes": 0,
        "write_bytes": 0,
    }
    return Exit(**(_common(Exit.NAME, at, pid, start) | fields | given))


def make_gap(at=0, **given):
    """A gap at so many ns since boot."""
    gap = {"cpu": 0, "kind": Exec.NAME, "count": 1, "since": None, "reason": "ring full"}
    return Gap(schema=SCHEMA, event=Gap.NAME, timestamp=WALL + at, timestamp_boot=at, boot_id=BOOT.id, **gap | given)


def make_alert(process=None, **given):
    """An alert of one exec."""
    process = process or make_exec()
    alert = {
        "cpu": process.cpu,
        "rule": "Shell Of A Web Server",
        "rule_id": "8202070f-edeb-4d31-a010-a26c72ac5600",
        "level": "high",
        "attack": ("T1505.003",),
        "matched": {"Image": "/bin/sh"},
        "count": 1,
        "since": process.timestamp_boot,
        "ancestor_pathnames": ("/usr/sbin/nginx", None),
        "process": process,
    }
    when = {"timestamp": process.timestamp, "timestamp_boot": process.timestamp_boot}
    return Alert(schema=SCHEMA, event=Alert.NAME, boot_id=process.boot_id, **when, **alert | given)
