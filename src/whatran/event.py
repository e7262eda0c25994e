"""What happened: one frozen Struct an event, with the fields of the kernel's own tracepoints.

Field names are the public API, the JSON keys and the column names at once.

Two rules hold for every field. *Unknown is not empty*: a value that could not be
read is None and its name stands in ``unreadable``; a value that was cut has its
true length in ``truncated``. *Text is bytes in the kernel*: it is decoded as UTF-8
with surrogateescape, so ``os.fsencode(value)`` gives the exact bytes back.
"""

from __future__ import annotations

from mmap import PAGESIZE
from typing import ClassVar, NamedTuple

import msgspec

SCHEMA = 1


class Boot(NamedTuple):
    """A machine's boot: what it takes to name its processes, to date its events and to measure their memory."""

    id: str
    """A random UUID (/proc/sys/kernel/random/boot_id)."""
    wall_offset: int
    """CLOCK_REALTIME minus CLOCK_BOOTTIME, in ns; the wall clock may be set at any time."""
    page_bytes: int = PAGESIZE
    """Size of a page of its memory."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """What every event has."""

    schema: int
    """Version of this set of fields; 1."""
    event: str
    """Name of the kernel tracepoint, sched_process_exec, _fork or _exit; or process_execute_failed, or gap."""
    timestamp: int
    """When, in ns since the epoch (CLOCK_REALTIME)."""
    timestamp_boot: int
    """When, in ns since boot, suspend included (CLOCK_BOOTTIME)."""
    boot_id: str
    """Which boot of the machine this was (/proc/sys/kernel/random/boot_id); with pid and
    process_start_time it names a process for ever and everywhere."""
    cpu: int
    """Number of the CPU that wrote the record; 0 by ptrace; -1 where that is not known."""


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
    """Why: ``ring full``, as the reader did not keep up, or ``program not run``, as the kernel would not
    interrupt itself once more; ``rate limit``, as a cgroup had had its share of the second; ``recording
    damaged``, as a part of it could not be read."""


class TaskEvent(Event, frozen=True, gc=False):
    """What exec, fork, exit and a failed exec say of the task that caused them.

    On exec that is the task's new self, on fork the caller, on exit the task that ends.
    """

    sequence: int
    """Number of the record among those of its kind on its CPU, from 1; lost ones count. 0 where there was no record."""
    repaired: bool
    """Whether the record was lost, and this is what the process, found alive, tells of it later: all of it
    is as of then, the time too."""
    pid: int
    """Process id, as getpid(2) in the initial pid namespace (the kernel's tgid); by ptrace in whatran's own, and so
    are all ids but the ones that begin with ns_."""
    tid: int
    """Thread id, as gettid(2) in the initial pid namespace (the kernel's pid)."""
    ns_pid: int
    """pid in the process's own pid namespace."""
    ns_tid: int
    """tid in the process's own pid namespace."""
    process_start_time: int
    """When the process was forked, in ns since boot (task_struct.start_boottime of the leader);
    with pid it names a process for this boot, as pids are reused."""
    creator_pid: int | None
    """pid of the process that forked this one, whoever its parent is by now; None where it was
    forked before the watch, or its fork was lost."""
    creator_start_time: int | None
    """When the creator was forked, in ns since boot; None as creator_pid."""
    exec_id: int
    """How often this line of processes has executed something (task_struct.self_exec_id): a fork
    inherits it, an exec adds one; by ptrace counted from the command on."""
    ppid: int
    """Parent process id now, as getppid(2) (real_parent): once the creator has ended, who adopted it; 0 for none."""
    ppid_start_time: int
    """When the parent was forked, in ns since boot."""
    ppid_comm: str
    """The parent's comm; by ptrace as of its last event."""
    comm: str
    """Command name, at most 15 bytes (task_struct.comm; /proc/PID/comm)."""
    uid: int
    """Real user id, as the initial user namespace counts (so are all ids here); by ptrace as whatran's own does."""
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
    """Id of the cgroup in the v2 hierarchy: the inode number of its directory; by ptrace as of the last exec if
    the process has no capabilities, and 0 where it is not mounted."""
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
    script_pathname: str | None
    """Absolute path of the file that was to be executed where an interpreter runs it: the script for
    ``#!``, the foreign binary for binfmt_misc; None where the file runs by itself."""
    script_dev: int | None
    """Device of the script, equal to its st_dev; None where there is none."""
    script_inode: int | None
    """Inode number of the script; None where there is none."""
    script_ctime: int | None
    """Inode change time of the script, in ns since the epoch; None where there is none."""
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
    """The task's comm before this exec; by ptrace as of its last event."""
    prev_euid: int | None
    """Effective user id before this exec: not euid where the binary is setuid."""
    prev_egid: int | None
    """Effective group id before this exec: not egid where the binary is setgid."""
    prev_cap_effective: int | None
    """Effective capabilities before this exec: fewer than cap_effective where the binary gave some; by ptrace
    as of its last event."""
    cwd: str | None
    """Current working directory, up to the root of the mount namespace."""
    argc: int | None
    """How many arguments there were (linux_binprm.argc), also where argv was cut; None where repaired."""
    envc: int | None
    """How many environment strings there were (linux_binprm.envc); None where repaired."""
    old_tid: int | None
    """tid of the thread that called execve(2), in the initial pid namespace: not tid where it was
    not the leader; None where repaired."""
    secureexec: bool | None
    """Whether AT_SECURE is set: the exec gained privilege (setuid, setgid, capabilities); None where repaired."""
    deleted: bool
    """Whether the binary has no name left in its file system (st_nlink is 0; so it is for memfds)."""
    memfd: bool
    """Whether the binary lives in memory only, made by memfd_create(2)."""
    upper_layer: bool | None
    """Whether the binary lies in the upper layer of an overlay: put there or changed after the
    container was made; None where it is on no overlay, and by ptrace."""
    cgroup: str | None
    """Path of the cgroup in the v2 hierarchy; where the process is at the root of that, its path in
    the v1 hierarchy of the pids controller, if there is one (/proc/PID/cgroup)."""
    unit: str | None
    """systemd unit of the cgroup; None where there is none."""
    slice: str | None
    """systemd slice of the cgroup; None where there is none."""
    container_id: str | None
    """Id of the container, as its runtime put it into the cgroup's path; None outside of containers."""
    container_name: str | None
    """The container's name, from its runtime's state files; None where they do not tell."""
    container_image: str | None
    """Name of the image it was made from, from the same; None where they do not tell."""
    pod_uid: str | None
    """Uid of the Kubernetes pod, from the cgroup's path; None where there is none."""
    pod_name: str | None
    """Name of the Kubernetes pod, from the same; None where there is none."""
    pod_namespace: str | None
    """Namespace of the Kubernetes pod, from the same; None where there is none."""
    user: str | None
    """Name of uid in this machine's user database; None where it has none."""
    group: str | None
    """Name of gid in this machine's group database; None where it has none."""
    ancestors: tuple[str, ...]
    """comm of the creator, of its creator and so on up, 64 at the most, each as it was called when
    it forked; of processes older than the watch, by their parents as the watch began. They end at
    the parent of a process that was forked during the watch and out of its scope."""
    tried: tuple[str | None, ...]
    """Paths that the same task tried to execute in vain just before, in its search of PATH."""
    truncated: dict[str, int]
    """For each field that was cut, its true length in bytes; for a path at least that many."""
    unreadable: list[str]
    """Names of the fields that could not be read."""
    redacted: list[str]
    """Names of the fields in which secrets were replaced, each by ``<redacted:DIGEST>``."""


class ExecFailed(TaskEvent, frozen=True, gc=False):
    """A program could not be executed: execve(2) or execveat(2) returned an error (their own return, or sys_exit).

    In a search of PATH all attempts are one: the one whose error the caller gets, if none
    succeeds, and else none. The arguments are read from the caller's memory. By ptrace this is
    not seen.
    """

    NAME: ClassVar[str] = "process_execute_failed"

    cmdpath: str | None
    """Path as it was passed to execve(2)."""
    argv: list[str] | None
    """Arguments as they were passed, the first 32 KiB."""
    errno: int
    """Why, as errno(3) numbers it."""
    user: str | None
    """Name of uid in this machine's user database; None where it has none."""
    group: str | None
    """Name of gid in this machine's group database; None where it has none."""
    tried: tuple[str | None, ...]
    """The other paths that the same task tried in the same search of PATH, in order."""
    truncated: dict[str, int]
    """For each field that was cut, its true length in bytes if that is known, else a length it exceeds."""
    unreadable: list[str]
    """Names of the fields that could not be read."""
    redacted: list[str]
    """Names of the fields in which secrets were replaced, each by ``<redacted:DIGEST>``."""


class Alert(Event, frozen=True, gc=False):
    """A rule fits an exec, or the last of several that it takes together; its time is that of this exec."""

    NAME: ClassVar[str] = "alert"

    rule: str
    """The rule's title."""
    rule_id: str
    """Its id; its title where it has none."""
    level: str
    """How grave that is: ``informational``, ``low``, ``medium``, ``high`` or ``critical``."""
    attack: tuple[str, ...]
    """Techniques of MITRE ATT&CK that the rule is about, as ``T1059.004``."""
    matched: dict[str, str]
    """What fitted: fields as the rule calls them, and their text; for a rule that counts, what it groups by."""
    count: int
    """How many execs this stands for."""
    since: int
    """When the first of them was, in ns since boot."""
    ancestor_pathnames: tuple[str | None, ...]
    """What the creator of the process ran when it forked, what its creator did and so on up, 64 at the most;
    None where that is not known."""
    process: Exec
    """The exec."""


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
    """Largest resident set in bytes, as ru_maxrss of getrusage(2); by ptrace since the last exec."""
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


NOTICES = (Gap, Alert)
"""What is no doing of a process, but is to be known among these: no filter of fields and no view leaves it out."""
