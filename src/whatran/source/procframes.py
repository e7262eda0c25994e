"""Frames of tasks that stand still, out of /proc: what the kernel program would have sent of them."""

from __future__ import annotations

import os
from stat import S_ISGID, S_ISUID
from typing import TYPE_CHECKING, NamedTuple

from whatran.source import procexec, proctask
from whatran.source.procexec import MODE_AT, NO_FILE
from whatran.source.proctask import UNKNOWN, Ending, Parent, Process, Stat, Task, stat_of
from whatran.wire import layout
from whatran.wire.settings import Settings

if TYPE_CHECKING:
    from whatran.source.procexec import File, Script, Stack

UNREAD = {name: bit for bit, names in layout.UNREAD.items() for name in names}
"""The bit of frame.unread for each field that may be unreadable."""

_REPAIRED_UNREAD = sum(layout.UNREAD)


class Seen(NamedTuple):
    """What an exec frame is made from."""

    time_boot_ns: int
    old_tid: int
    before: Task
    task: Task
    cgroup: bytes | None
    stack: Stack
    exe: File
    loader: File | None
    script: Script
    stdin: File | None
    cwd: bytes | None


class Frames:
    """Makes frames, each kind numbered from 1, and remembers the processes they are of."""

    def __init__(self, settings: Settings) -> None:
        self.processes: dict[int, Process] = {}
        self._settings = settings
        self._sequence = dict.fromkeys(layout.EVENTS, 0)
        self._pid_namespace = proctask.namespace("self", "pid")
        # We do not outlive it.
        self._starter_pid = os.getppid()
        self._starter = _parent(self._starter_pid)
        self._loaders = procexec.Loaders()
        self.capable = procexec.Capable()

    def begin(self, pid: int) -> Process:
        """The process that all others come from."""
        stat = stat_of(pid)
        start = proctask.started(stat)
        process = Process(pid, start, 0, UNKNOWN, threads={pid: start})
        process.task = self._task(pid, process, stat)
        self.processes[pid] = process
        return process

    def fork(self, caller: int, creator: Process, child: int, now: int) -> tuple[Process, bytes | None]:
        """The process that a new task belongs to, and the frame of its creation where that is wanted.

        The new task has not run yet, and who made it stands still.
        """
        stat = _stat_or_none(child)
        # No thread is a child of its own process.
        is_child = stat is not None and stat.number(4) == creator.pid
        is_thread = not is_child and os.path.exists(f"/proc/{creator.pid}/task/{child}")
        if is_thread and not self._settings.threads:
            creator.threads[child] = now
            return creator, None
        start = proctask.start_time(stat, now) if stat else now
        # Who has left our user namespace cannot come back: whose child is in it, is so too.
        ours = proctask.namespace(child, "user") == proctask.own_user_namespace()
        task = self._creator(caller, creator, stat, ours=ours)
        # A thread has a name of its own: its child begins with that, but the process has the one of its leader.
        creator.task = task if caller == creator.pid else task._replace(comm=creator.task.comm)
        if is_thread:
            process, up = creator, task.ppid
        else:
            process = self.processes[child] = Process(child, start, creator.exec_id, task)
            up = stat.number(4) if stat else creator.pid
        process.threads[child] = start
        child_ns_pid, child_ns_tid = self._ns_numbers(child, process.pid, creator, ours=ours)
        if not is_thread:
            proctask.born(process, creator, task, (child_ns_pid, child_ns_tid), up, self._parent(up))
        up_ns_pid = task.ns_pid if up == creator.pid else self._ns_numbers(up, up, creator, ours=ours)[0]
        rest = (
            creator.threads.get(caller, creator.start_boot_ns),
            start,
            task.tid,
            task.ns_tid,
            task.pid,
            task.ns_pid,
            child,
            child_ns_tid,
            process.pid,
            child_ns_pid,
            up,
            up_ns_pid,
            up,
            0,  # reserved
        )
        head = self._head(layout.FORK, now, layout.FORK_STRUCT.size)
        return process, layout.FORK_STRUCT.pack(*head, *task, *rest)

    def look(self, process: Process, old_tid: int, now: int) -> Seen:
        """All of a process that stands before the first instruction of a new program.

        Of one that is hidden from us (hidepid of proc(5)), or has been killed meanwhile, only that it was there.
        """
        before = process.task
        process.exec_id += 1
        process.threads = {process.pid: process.start_boot_ns}
        try:
            return self._look(process, before, old_tid, now)
        except OSError:
            process.exe = process.cgroup = None
            process.task = before._replace(exec_id=process.exec_id, comm=b"")
            nothing, file = procexec.Stack(None, None), procexec.File(NO_FILE, None)
            script = procexec.Script(None)
            return Seen(now, old_tid, before, process.task, None, nothing, file, file, script, file, None)

    def _look(self, process: Process, before: Task, old_tid: int, now: int) -> Seen:
        pid = process.pid
        stat = stat_of(pid)
        exe = procexec.file_at(f"/proc/{pid}/exe") or procexec.File(NO_FILE, None)
        process.exe = exe.id
        gains = exe.id[MODE_AT] & (S_ISUID | S_ISGID) or exe.path is None or self.capable(pid, exe.id)
        process.task = task = self._task(pid, process, stat, fresh=bool(gains), moved=True)
        stack = procexec.initial_stack(pid, stat)
        # Only the privileged change it, and we are in no other than our starter, who started all.
        own_root = process.identity is not None and process.identity.settled
        loader = self._loaders.find(pid, stack.base, exe.id, task.mnt_ns, own_root=own_root)
        script = procexec.Script(None)
        if stack.cmdpath is not None and exe.path is not None:
            script = procexec.script(pid, stack.cmdpath, exe, own_root=own_root)
        stdin = procexec.file_at(f"/proc/{pid}/fd/0")
        cwd = procexec.working_directory(pid)
        return Seen(now, old_tid, before, task, process.cgroup, stack, exe, loader, script, stdin, cwd)

    def exec(self, seen: Seen) -> bytes:
        """The frame of what was seen."""
        before, task, stack, exe = seen.before, seen.task, seen.stack, seen.exe
        loader, script, stdin, cwd = seen.loader, seen.script, seen.stdin, seen.cwd
        settings = self._settings
        unread = _unread(
            cmdpath=stack.cmdpath is None,
            pathname=exe.path is None,
            interp=script.interp is None,
            interpreter_pathname=_pathless(loader),
            stdin_path=_pathless(stdin),
            cwd=cwd is None,
            argv=stack.argv is None,
            env=settings.env and stack.env is None,
            script_pathname=_pathless(script.file) or (script.interp is None and script.file is None),
            cgroup=seen.cgroup is None,
        )
        argv, env = stack.argv or b"", stack.env or b""
        texts = (
            _string(stack.cmdpath),
            _string(script.interp),
            _components(exe.path),
            _components(loader and loader.path),
            _components(script.file and script.file.path),
            _components(stdin and stdin.path),
            _components(cwd),
            _components(seen.cgroup),
            argv[: settings.max_argv],
            env[: settings.max_env] if settings.env else b"",
        )
        full = [*map(len, texts[:-2]), len(argv), len(env) if settings.env else 0]
        flags = (layout.EXEC_SECURE if stack.secure else 0) | (layout.EXEC_ENV if settings.env else 0)
        fixed = layout.EXEC_STRUCT.pack(
            *self._head(layout.EXEC, seen.time_boot_ns, layout.EXEC_STRUCT.size + sum(map(len, texts)), unread),
            *task,
            before.cap_effective,
            *_ids_before(exe.id[MODE_AT], before, task),
            *(number for file in (exe, loader, script.file, stdin) for number in (file.id if file else NO_FILE)),
            *(number for text, whole in zip(texts, full, strict=True) for number in (len(text), whole)),
            0,  # argv_more
            0,  # env_more
            argv.count(b"\0"),
            env.count(b"\0"),
            seen.old_tid,
            flags,
            before.comm,
        )
        return b"".join((fixed, *texts))

    def ending(self, tid: int, process: Process, now: int) -> Ending:
        """All but the status of a process that ends, in this thread, its last."""
        stat = _stat_or_none(tid)
        process.task = task = self._task(tid, process, stat)
        return Ending(now, task, proctask.process_usage(tid, process.pid, stat))

    def ending_thread(self, tid: int, process: Process, now: int) -> Ending:
        """All but the status of a thread that ends while others live."""
        return Ending(now, self._task(tid, process), proctask.thread_usage(tid, process.pid))

    def exit(self, ending: Ending, status: int, *, group: bool) -> bytes:
        """The frame of the end of a process, or of one thread."""
        head = self._head(layout.EXIT, ending.time_boot_ns, layout.EXIT_STRUCT.size)
        flags = layout.EXIT_GROUP if group else 0
        return layout.EXIT_STRUCT.pack(*head, *ending.task, *ending.usage, status, flags)

    def repaired(self, process: Process) -> bytes:
        """The frame of one that was there before."""
        head = self._head(layout.EXEC, 0, layout.EXEC_STRUCT.size, _REPAIRED_UNREAD)
        files_and_texts = (0,) * (len(layout.FILES) * len(layout.FILE_ID) + 2 * len(layout.TEXTS))
        rest = (0, 0, 0, 0, 0, layout.EXEC_REPAIRED, b"")
        return layout.EXEC_STRUCT.pack(*head, *process.task, 0, 0, 0, *files_and_texts, *rest)

    def forget(self, process: Process) -> None:
        """It is gone."""
        if self.processes.get(process.pid) is process:
            del self.processes[process.pid]

    def owner_of(self, new: int) -> Process | None:
        """The process that a new thread is of, or else its parent; None where that is none of ours."""
        pid, ppid = proctask.relatives(new)
        return self.processes.get(ppid if pid == new else pid)

    def _head(self, kind: int, now: int, size: int, unread: int = 0) -> tuple[int, ...]:
        self._sequence[kind] += 1
        return self._sequence[kind], now, size, 0, kind, unread

    def _task(
        self,
        tid: int,
        process: Process,
        stat: Stat | None = None,
        *,
        fresh: bool = False,
        ours: bool = False,
        moved: bool = False,
    ) -> Task:
        """The values common to all frames; of one that has been killed meanwhile, the last there were."""
        try:
            stat = stat or stat_of(tid)
            return proctask.task_of(
                tid, process, stat, self._parent(stat.number(4)), fresh=fresh, ours=ours, moved=moved
            )
        except OSError:
            return process.task._replace(tid=tid)

    def _creator(self, caller: int, creator: Process, stat: Stat | None, *, ours: bool) -> Task:
        """The common values of who has just made a task: by the new one's, which has all but its parent from it."""
        up = creator.task.ppid
        parent = self.processes.get(up)
        if stat is None or not (up == self._starter_pid if parent is None else parent.ending is None):
            return self._task(caller, creator)
        words = stat.words.copy()
        words[1] = b"%d" % up
        return self._task(caller, creator, Stat(stat.comm, words), ours=ours)

    def _parent(self, pid: int) -> Parent:
        """As it was at its last event, or is now if it is none of ours."""
        known = self.processes.get(pid)
        if known:
            return Parent(known.start_boot_ns, known.task.comm)
        return self._starter if pid == self._starter_pid else _parent(pid)

    def _ns_numbers(self, tid: int, pid: int, creator: Process, *, ours: bool) -> tuple[int, int]:
        """(pid, tid) in its own pid namespace, which is its creator's and ours as a rule."""
        if creator.task.ns_pid == creator.pid:
            # Without privilege, another one takes another user namespace.
            unprivileged = ours and creator.identity is not None and creator.identity.settled
            if unprivileged or proctask.namespace(tid, "pid") == self._pid_namespace:
                return pid, tid
        return proctask.ns_numbers(tid)


def _parent(pid: int) -> Parent:
    try:
        stat = stat_of(pid)
    except OSError:  # in another pid namespace, or hidden from us
        return Parent(0, b"")
    return Parent(proctask.started(stat), stat.comm)


def older(pid: int) -> list[bytes]:
    """A process after its ancestors, each as an exec frame flagged as repaired that has the common values only."""
    frames = Frames(Settings())
    found = []
    while pid:
        try:
            process = frames.begin(pid)
        except OSError:  # hidden from us
            break
        found.append(frames.repaired(process))
        pid = process.task.ppid
    return found[::-1]


def _ids_before(mode: int, before: Task, after: Task) -> tuple[int, int]:
    """(euid, egid) before an exec: only a setuid or setgid binary changes them; else what was seen last may be old."""
    euid = (before if mode & S_ISUID else after).euid
    egid = (before if mode & S_ISGID else after).egid
    return euid, egid


def _unread(**fields: bool) -> int:
    return sum(UNREAD[name] for name, unread in fields.items() if unread)


def _pathless(file: File | None) -> bool:
    return file is not None and file.path is None


def _stat_or_none(tid: int) -> Stat | None:
    try:
        return stat_of(tid)
    except OSError:
        return None


def _string(text: bytes | None) -> bytes:
    return b"" if text is None else text + b"\0"


def _components(path: bytes | None) -> bytes:
    """A path leaf first, each component with a NUL; empty for the root."""
    if not path or path == b"/":
        return b""
    return b"\0".join(reversed(path.removeprefix(b"/").split(b"/"))) + b"\0"
