"""What happened: one frozen Struct an event, with the fields of the kernel's own tracepoints.

Field names are the public API, the JSON keys and the column names at once.

Two rules hold for every field. *Unknown is not empty*: a value that could not be
read is None and its name stands in ``unreadable``; a value that was cut has its
true length in ``truncated``. *Text is bytes in the kernel*: it is decoded as UTF-8
with surrogateescape, so ``os.fsencode(value)`` gives the exact bytes back.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

SCHEMA = 1


class Event(msgspec.Struct, frozen=True, gc=False):
    """What every event has."""

    schema: int
    """Version of this set of fields; 1."""
    event: str
    """Name of the kernel tracepoint, sched_process_exec, _fork or _exit; or gap."""
    timestamp: int
    """When, in ns since the epoch (CLOCK_REALTIME)."""
    timestamp_boot: int
    """When, in ns since boot, suspend included (CLOCK_BOOTTIME)."""
    cpu: int
    """Number of the CPU that wrote the record."""


class Gap(Event, frozen=True, gc=False):
    """Records are missing here: nobody knows what was in them, so no filter drops this.

    Its time is that of the first record after them, or that of the end of the watch.
    """

    NAME: ClassVar[str] = "gap"

    kind: str
    """Name of the events that are missing."""
    count: int
    """How many."""
    since: int | None
    """When the last record of that kind on that CPU before them was made, in ns since boot; None if there was none."""
    reason: str
    """Why: ``ring full``, as the reader did not keep up."""


class TaskEvent(Event, frozen=True, gc=False):
    """What exec, fork and exit say of the task that caused them.

    On exec that is the task's new self, on fork the caller, on exit the task that ends.
    """

    sequence: int
    """Number of the record among those of its kind on its CPU, from 1; lost ones count."""
    pid: int
    """Process id, as getpid(2) in the initial pid namespace (the kernel's tgid)."""
    tid: int
    """Thread id, as gettid(2) in the initial pid namespace (the kernel's pid)."""
    ns_pid: int
    """pid in the process's own pid namespace."""
    ns_tid: int
    """tid in the process's own pid namespace."""
    process_start_time: int
    """When the process was forked, in ns since boot (task_struct.start_boottime of the leader);
    with pid it names a process for ever, as pids are reused."""
    ppid: int
    """Parent process id, as getppid(2) (real_parent); 0 for none."""
    ppid_start_time: int
    """When the parent was forked, in ns since boot."""
    ppid_comm: str
    """The parent's comm."""
    comm: str
    """Command name, at most 15 bytes (task_struct.comm; /proc/PID/comm)."""
    uid: int
    """Real user id, as the initial user namespace counts (so are all ids here)."""
    gid: int
    """Real group id."""
    euid: int
    """Effective user id."""
    egid: int
    """Effective group id."""
    suid: int
    """Saved user id."""
    sgid: int
    """Saved group id."""
    fsuid: int
    """User id for file access."""
    fsgid: int
    """Group id for file access."""
    loginuid: int | None
    """User id at login, kept over su and sudo (/proc/PID/loginuid); None where unset."""
    audit_session: int | None
    """Number of the login session (/proc/PID/sessionid); None where unset."""
    session_id: int
    """Session id, as getsid(2)."""
    process_group: int
    """Process group id, as getpgid(2)."""
    tty: int | None
    """Device number of the controlling terminal, as its st_rdev; None where there is none."""
    cap_effective: int
    """Effective capabilities, one bit each (CapEff of /proc/PID/status)."""
    cgroup_id: int
    """Id of the cgroup in the v2 hierarchy: the inode number of its directory."""
    mnt_ns: int
    """Number of the mount namespace, as stat of /proc/PID/ns/mnt gives it."""
    pid_ns: int
    """Number of the pid namespace the process lives in."""
    user_ns: int
    """Number of the user namespace."""
    net_ns: int
    """Number of the network namespace."""
    uts_ns: int
    """Number of the UTS (host name) namespace."""
    ipc_ns: int
    """Number of the IPC namespace."""
    cgroup_ns: int
    """Number of the cgroup namespace."""


class Exec(TaskEvent, frozen=True, gc=False):
    """A program was executed (raw tracepoint sched_process_exec)."""

    NAME: ClassVar[str] = "sched_process_exec"

    cmdpath: str | None
    """Path as it was passed to execve(2) (linux_binprm.filename): maybe relative or a symbolic
    link; the script for ``#!``; ``/dev/fd/N`` or ``/dev/fd/N/name`` for execveat(2)."""
    pathname: str | None
    """Absolute path of the binary that really runs (linux_binprm.file), up to the root of its
    mount namespace; the interpreter for ``#!``; ``memfd:NAME`` for a memfd."""
    dev: int
    """Device of that binary (super_block.s_dev), equal to its st_dev; on btrfs, and on overlays of several
    file systems, stat(2) has devices of its own."""
    inode: int
    """Inode number of that binary."""
    ctime: int
    """Inode change time of that binary, in ns since the epoch, equal to its st_ctime_ns."""
    inode_mode: int
    """File type and permission bits of that binary, equal to its st_mode."""
    interpreter_pathname: str | None
    """Path of the ELF interpreter (the loader, ld.so), found at AT_BASE; None for a static
    binary and where the loader itself was run."""
    interpreter_dev: int | None
    """Device of the ELF interpreter, equal to its st_dev."""
    interpreter_inode: int | None
    """Inode number of the ELF interpreter."""
    interpreter_ctime: int | None
    """Inode change time of the ELF interpreter, in ns since the epoch."""
    argv: list[str] | None
    """Arguments as the process really got them (mm_struct.arg_start .. arg_end)."""
    interp: str | None
    """Shebang interpreter as the script names it (linux_binprm.interp); equals cmdpath for ELF."""
    stdin_type: int | None
    """File type of descriptor 0 (st_mode & S_IFMT); None where it is closed."""
    stdin_path: str | None
    """Path of descriptor 0 as /proc/PID/fd/0 shows it, but without ``(deleted)``: ``/dev/pts/3``,
    ``pipe:[INO]``, ``socket:[INO]``; None where it is closed."""
    invoked_from_kernel: bool
    """Whether the parent is a kernel thread: a usermode helper (core_pattern, modprobe, …)."""
    env: list[str] | None
    """Environment, each NAME=value (mm_struct.env_start .. env_end); None unless asked for."""
    prev_comm: str | None
    """The task's comm before this exec."""
    prev_euid: int | None
    """Effective user id before this exec: not euid where the binary is setuid."""
    prev_egid: int | None
    """Effective group id before this exec: not egid where the binary is setgid."""
    prev_cap_effective: int | None
    """Effective capabilities before this exec: fewer than cap_effective where the binary gave some."""
    cwd: str | None
    """Current working directory, up to the root of the mount namespace."""
    argc: int
    """How many arguments there were (linux_binprm.argc), also where argv was cut."""
    envc: int
    """How many environment strings there were (linux_binprm.envc)."""
    old_tid: int
    """tid of the thread that called execve(2), in the initial pid namespace: not tid where it was
    not the leader."""
    secureexec: bool
    """Whether AT_SECURE is set: the exec gained privilege (setuid, setgid, capabilities)."""
    deleted: bool
    """Whether the binary has no name left in its file system (st_nlink is 0; so it is for memfds)."""
    memfd: bool
    """Whether the binary lives in memory only, made by memfd_create(2)."""
    truncated: dict[str, int]
    """For each field that was cut, its true length in bytes; for a path at least that many."""
    unreadable: list[str]
    """Names of the fields that could not be read."""


class Fork(TaskEvent, frozen=True, gc=False):
    """A process, or a thread where asked for, was created (raw tracepoint sched_process_fork).

    The common fields are the caller's.
    """

    NAME: ClassVar[str] = "sched_process_fork"

    parent_tid: int
    """tid of the calling thread."""
    parent_ns_tid: int
    """The same in its own pid namespace."""
    parent_pid: int
    """pid of the calling process: who made the child, also with CLONE_PARENT."""
    parent_ns_pid: int
    """The same in its own pid namespace."""
    parent_start_time: int
    """When the calling thread was created, in ns since boot."""
    child_tid: int
    """tid of the new task."""
    child_ns_tid: int
    """The same in the child's own pid namespace."""
    child_pid: int
    """pid of the new task; for a thread its process's."""
    child_ns_pid: int
    """The same in the child's own pid namespace."""
    start_time: int
    """When the new task was created, in ns since boot (task_struct.start_boottime)."""
    parent_process_tid: int
    """tid of the leader of the child's parent, as its getppid(2) would say."""
    parent_process_ns_tid: int
    """The same in that parent's own pid namespace."""
    parent_process_pid: int
    """pid of the child's parent."""


class Exit(TaskEvent, frozen=True, gc=False):
    """A process ended, every thread of it (raw tracepoint sched_process_exit); or a thread, where asked for."""

    NAME: ClassVar[str] = "sched_process_exit"

    exit_code: int
    """Exit status, 0 to 255, as WEXITSTATUS; 0 where a signal ended it."""
    signal_code: int
    """Number of the signal that ended it, without the core bit, as WTERMSIG; 0 for none."""
    process_group_exit: bool
    """Whether the whole thread group is gone; False only for a single thread's exit."""
    core_dumped: bool
    """Whether a core was dumped, as WCOREDUMP."""
    duration: int
    """From the process's fork to here, in ns."""
    user_time: int
    """User CPU time in ns, as ru_utime of getrusage(2)."""
    system_time: int
    """System CPU time in ns, as ru_stime of getrusage(2)."""
    max_rss: int
    """Largest resident set in bytes, as ru_maxrss of getrusage(2)."""
    minor_faults: int
    """Page faults served without I/O, as ru_minflt."""
    major_faults: int
    """Page faults that needed I/O, as ru_majflt."""
    rchar: int
    """Bytes passed to read(2) and its like (/proc/PID/io)."""
    wchar: int
    """Bytes passed to write(2) and its like (/proc/PID/io)."""
    read_bytes: int
    """Bytes really fetched from storage (/proc/PID/io)."""
    write_bytes: int
    """Bytes really sent to storage (/proc/PID/io)."""
