"""The tracer: serves the stops of all it traces, at once, and writes what it saw as frames.

It is a process of its own, as whoever traces must not do anything else: what it keeps waiting stands
still. Nothing it traces depends on it: when it ends, however that comes, the kernel lets all go on.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from whatran.clock import boot_ns
from whatran.source import capabilities
from whatran.source import ptrace_abi as abi
from whatran.source.advice import Advice
from whatran.source.notes import note
from whatran.source.procframes import Frames

if TYPE_CHECKING:
    from types import FrameType

    from whatran.source.procframes import Seen
    from whatran.source.proctask import Process
    from whatran.wire.settings import Settings

BATCH_SECONDS = 0.05
"""How long what was seen may wait for more of it: each write wakes the reader."""

BATCH_BYTES = 1 << 16

_SIGNALS = {signal.SIGALRM, signal.SIGIO}


def serve(settings: Settings, orders: int, output: int) -> None:
    """Traces the process whose number comes as the one order, to the end of all that come from it; never returns.

    The first thing written is the errno of the attempt. When the other end of ``orders`` is
    closed, by whatever, it ends. All signals are blocked.
    """
    code = 1
    try:
        os.setsid()  # what the terminal sends is for the command
        # Our starter may have had its standard input closed, so that these two took its place.
        orders, output = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (orders, output))
        _keep_only(orders, output)
        order = os.read(orders, 4)
        if order:
            tracer = Tracer(settings, output)
            signal.signal(signal.SIGALRM, tracer.flush)
            signal.signal(signal.SIGIO, tracer.stop)
            signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - _SIGNALS)
            error = tracer.seize(int.from_bytes(order, "little"))
            os.write(output, error.to_bytes(4, "little"))
            _wake_at_hangup(orders)
            if not error:
                capabilities.keep_only({capabilities.SYS_PTRACE, capabilities.DAC_READ_SEARCH})
                tracer.run()
        code = 0
    except BrokenPipeError:  # nobody wants to know
        pass
    except BaseException:  # noqa: BLE001  # there is nobody above us
        os.write(output, note(f"the tracer failed: {traceback.format_exc()}"))
    finally:
        os._exit(code)


def _keep_only(*wanted: int) -> None:
    """Closes all other descriptors, which somebody may be waiting for to be closed."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    low = 3
    for fd in sorted(wanted):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


def _wake_at_hangup(orders: int) -> None:
    """SIGIO comes when the other end is closed."""
    fcntl.fcntl(orders, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(orders, fcntl.F_SETFL, fcntl.fcntl(orders, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(orders, select.POLLHUP)
    if poll.poll(0):  # it was, before we listened
        signal.raise_signal(signal.SIGIO)


class Tracer:
    """All that is traced, task by task."""

    def __init__(self, settings: Settings, output: int) -> None:
        self._output = output
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._ticking = self._flushing = self._stopping = self._idle = False
        self._frames = Frames(settings)
        self._threads = settings.threads
        self._tasks: dict[int, Process] = {}
        # Stops of new tasks that came before their creators' events.
        self._early: dict[int, list[int]] = {}
        self._owners: dict[int, Process] = {}  # of those: whose they were as they came
        self._advice = Advice(self._frames.capable)
        self._events: dict[int, Callable[[int, Process, int], Seen | None]] = {
            **dict.fromkeys(abi.BIRTHS, self._born),
            abi.EVENT_EXEC: self._executed,
            abi.EVENT_EXIT: self._exiting,
        }

    def seize(self, pid: int) -> int:
        """Begins with this process; the errno of it, 0 for success."""
        try:
            abi.seize(pid)
            self._tasks[pid] = self._frames.begin(pid)
        except OSError as error:
            return error.errno or 1
        return 0

    def run(self) -> None:
        """Serves every stop until nobody is left."""
        waitid, waitpid, handle, wall = os.waitid, os.waitpid, self._handle, abi.WALL
        looking = os.WEXITED | os.WSTOPPED | os.WNOWAIT | wall
        with suppress(ChildProcessError):
            while True:
                self._idle = True
                if self._stopping:
                    break
                # Looked at first: a signal that was taken from a task and not given back would be lost with us.
                waitid(os.P_ALL, 0, looking)
                self._idle = False
                handle(*waitpid(-1, wall))
        self.flush()

    # -- stops --------------------------------------------------------------------------------

    def _handle(self, tid: int, status: int) -> None:
        process = self._tasks.get(tid)
        if process is None:
            self._stranger(tid, status)
            return
        if not os.WIFSTOPPED(status):
            self._gone(tid, process, status)
            return
        event, number = status >> 16, status >> 8 & 0xFF
        if event == 0:
            abi.go_on(tid, number)
        elif event == abi.EVENT_STOP:
            # A new task, or the end of a stop; else a stop as job control wants it.
            if number == signal.SIGTRAP:
                abi.go_on(tid)
            else:
                abi.stay_stopped(tid)
        else:
            later = None
            try:
                later = self._events[event](tid, process, boot_ns())
            except (FileNotFoundError, PermissionError, ProcessLookupError) as error:
                # It was killed while we looked: nobody else gets it to go on.
                self._send(note(f"what process {process.pid} did last is not known, it was killed meanwhile: {error}"))
            abi.go_on(tid)
            if later:  # what is left of the work, while it runs already
                self._send(self._frames.exec(later))

    def _stranger(self, tid: int, status: int) -> None:
        """A new task of which its creator has not told yet; it stands still until then.

        A creator that was killed just then never will.
        """
        if status >> 16 == abi.EVENT_STOP:
            self._early.pop(tid, None)  # what there is was of another that had this number
        self._early.setdefault(tid, []).append(status)
        if not os.WIFSTOPPED(status):
            return
        owner = self._frames.owner_of(tid)
        if owner is None:
            try:
                self._tasks[tid] = self._frames.begin(tid)
            except OSError:  # killed meanwhile
                return
            self._go_through_early(tid)
        elif owner.ending:
            self._adopt(owner.pid, owner, tid, owner.ending.time_boot_ns - 1)
        else:
            self._owners[tid] = owner

    def _born(self, tid: int, process: Process, now: int) -> None:
        child = abi.event_message(tid)
        if child:
            self._adopt(tid, process, child, now)

    def _adopt(self, tid: int, creator: Process, child: int, now: int) -> None:
        """Takes a new task in, with what came of it already."""
        if child in self._tasks:
            return
        self._tasks[child], frame = self._frames.fork(tid, creator, child, now)
        if frame:
            self._send(frame)
        self._go_through_early(child)

    def _go_through_early(self, tid: int) -> None:
        self._owners.pop(tid, None)
        for status in self._early.pop(tid, ()):
            self._handle(tid, status)

    def _executed(self, tid: int, process: Process, now: int) -> Seen:
        old_tid = abi.event_message(tid)
        for thread in process.threads:
            if thread != tid:
                self._tasks.pop(thread, None)
        self._release_early(process, now)
        seen = self._frames.look(process, old_tid or tid, now)
        if text := self._advice.about(process):
            self._send(note(text))
        return seen

    def _exiting(self, tid: int, process: Process, now: int) -> None:
        status = abi.event_message(tid)
        if status is None or process.threads.pop(tid, None) is None:
            return
        if process.threads:
            self._end_thread(tid, process, status, now)
            return
        self._release_early(process, now)
        process.ending = self._frames.ending(tid, process, now)
        # Whose status counts, this one's or that of the leader that has ended before, its end will tell.
        if tid == process.pid:
            self._end(process, status)

    def _gone(self, tid: int, process: Process, status: int) -> None:
        """A thread is gone for good; the leader only when all are."""
        del self._tasks[tid]
        # Killed on its way out, it may have passed its exit event without a stop.
        if process.threads.pop(tid, None) is not None:
            now = boot_ns()
            if process.threads or process.ending:
                self._end_thread(tid, process, status, now)
            else:
                self._release_early(process, now)
                process.ending = self._frames.ending(tid, process, now)
        if tid == process.pid:
            # By now they are somebody else's children, and nobody will tell of them any more.
            for child in [child for child, owner in self._owners.items() if owner is process]:
                if process.ending:
                    self._adopt(tid, process, child, process.ending.time_boot_ns - 1)
            if not process.ended:
                self._end(process, status)
            self._frames.forget(process)

    def _end(self, process: Process, status: int) -> None:
        process.ended = True
        if process.ending:
            self._send(self._frames.exit(process.ending, status, group=True))

    def _end_thread(self, tid: int, process: Process, status: int, now: int) -> None:
        if self._threads:
            self._send(self._frames.exit(self._frames.ending_thread(tid, process, now), status, group=False))

    def _release_early(self, process: Process, now: int) -> None:
        """Takes in what threads of it have made that were killed before they could tell."""
        for child in list(self._early):
            if self._frames.owner_of(child) is process:
                self._adopt(process.pid, process, child, now)

    # -- output -------------------------------------------------------------------------------

    def _send(self, frame: bytes) -> None:
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes >= BATCH_BYTES:
            self.flush()
        elif not self._ticking:
            # Again and again: a single tick might come just before we begin to wait.
            self._ticking = True
            signal.setitimer(signal.ITIMER_REAL, BATCH_SECONDS, BATCH_SECONDS)

    def flush(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Writes what waits; where the reader does not keep up, everything waits for it."""
        if self._flushing:  # we are a signal's handler, and interrupt ourselves
            return
        self._flushing = True
        if self._waiting:
            data = memoryview(b"".join(self._waiting))
            self._waiting.clear()  # the list stays the same: a handler may come between any two lines of _send()
            self._waiting_bytes = 0
            try:
                while data:
                    data = data[os.write(self._output, data) :]
            except BrokenPipeError:  # nobody wants to know
                self._stopping = True
        else:
            self._ticking = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._flushing = False
        if self._stopping and self._idle:
            os._exit(0)

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Writes what waits and ends; in the middle of serving a stop or of a write, after that."""
        self._stopping = True
        if self._idle:
            self.flush()
