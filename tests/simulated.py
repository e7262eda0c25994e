"""Frames of made-up processes: as many as are wanted, and made fast enough for ten million events."""

import struct

from tests.wire.frames import PROGRAM, exec_frame, exit_frame, failed_frame, fork_frame
from whatran.wire import layout

START = 1_000_000_000
STEP = 50_000
"""ns from one process to the next: 20,000 a second."""

FIRST_PID, SHORT_PIDS = 1000, 30_000
"""Whoever ends at once has one of so many numbers; those that live on have the ones above."""

LIVES_A_BATCH = 1024

PROGRAMS = 60
SEARCHES = 10
"""One in so many is not found where it is looked for first."""

_HEAD = struct.Struct("<QQ")
_TASK = struct.Struct("<QIIIII")
_COMMS = struct.Struct("<16s16s")
_TWO, _FOUR = struct.Struct("<QQ"), struct.Struct("<I")
_START_AT, _EXEC_ID_AT, _SESSION_AT, _COMM_AT, _BYTES_AT, _SIZES_AT = map(
    layout.offset_in_exec, ("start_boot_ns", "exec_id", "session_id", "comm", "bytes", layout.TEXTS[0])
)
_FILE_AT = _SIZES_AT - len(layout.FILES) * layout.compile_struct(layout.FILE_ID).size
_SIZES = struct.Struct(f"<{2 * len(layout.TEXTS)}I")
_CHILD = struct.Struct("<QQ11I")


class Simulated:
    """So many processes that live on; and, for as long as is wanted, others that they fork and that end at once."""

    def __init__(self, living, *, new=50):
        """One in ``new`` of them has a program, a session and a cgroup that nobody had before."""
        self._living = living
        self._new = new
        self._made = 0
        self._searches = 0
        self._fork, self._exit = bytearray(fork_frame()), bytearray(exit_frame(flags=layout.EXIT_GROUP))
        self._exec = bytearray(exec_frame(file=PROGRAM, argc=5)[: layout.EXEC_STRUCT.size])
        names = [b"program%d" % number for number in range(PROGRAMS)]
        self._failed = [bytearray(failed_frame(b"/usr/local/bin/%s\0" % name, name + b"\0")) for name in names]

    @property
    def now(self):
        """In ns since boot."""
        return START + self._made * STEP

    def begin(self):
        """Those that live on, in batches."""
        while self._made < self._living:
            count = min(LIVES_A_BATCH, self._living - self._made)
            yield [
                frame
                for number in range(self._made, self._made + count)
                for frame in self._life(FIRST_PID + SHORT_PIDS + number, 1, 0, ends=False)
            ]

    def batch(self, lives=LIVES_A_BATCH):
        """The frames of the next that end at once: of each its fork, its exec and its exit, and some failures."""
        frames = []
        for number in range(self._made, self._made + lives):
            parent = number * 7919 % self._living  # all of them, in no order
            frames += self._life(
                FIRST_PID + number % SHORT_PIDS, FIRST_PID + SHORT_PIDS + parent, START + parent * STEP
            )
        return frames

    def _life(self, pid, ppid, ppid_start, *, ends=True):
        number, at = self._made, self.now
        self._made += 1
        session, of = number // self._new + 1, number % PROGRAMS
        name, maker = b"program%d" % of, b"maker%d" % (ppid % PROGRAMS)
        if number % self._new == 0:
            name = b"new%d" % number
        fork = self._fork
        _head(fork, number + 1, at, (ppid, 1, ppid_start, 0), session, (maker, b"init"))
        child = (ppid_start, at, *(ppid,) * 4, *(pid,) * 4, *(ppid,) * 3)
        _CHILD.pack_into(fork, layout.HEAD_STRUCT.size, *child)
        frames = [bytes(fork)]
        who = pid, ppid, at, ppid_start
        if number % SEARCHES == 0:
            self._searches += 1
            _head(self._failed[of], self._searches, at + 1, who, session, (maker, maker))
            frames.append(bytes(self._failed[of]))
        _head(self._exec, number + 1, at + 2, who, session, (name, maker))
        frames.append(self._with_texts(number, name))
        if ends:
            _head(self._exit, number - self._living + 1, at + 3, who, session, (name, maker))
            frames.append(bytes(self._exit))
        return frames

    def _with_texts(self, number, name):
        path = b"/usr/bin/" + name + b"\0"
        texts = {
            "cmdpath": path,
            "interp": path,
            "pathname": b"\0".join(path[1:-1].split(b"/")[::-1]) + b"\0",
            "cwd": b"src\0",
            "cgroup": b"run-%d.service\0system.slice\0" % (number // self._new),
            "argv": b"%s\0-O2\0-c\0/src/part%d.c\0%s\0" % (name, number, b"x" * (number * 31 % 200)),
        }
        raw = [texts.get(name, b"") for name in layout.TEXTS]
        fixed = self._exec
        _SIZES.pack_into(fixed, _SIZES_AT, *(size for text in raw for size in (len(text), len(text))))
        _FOUR.pack_into(fixed, _BYTES_AT, len(fixed) + sum(map(len, raw)))
        _TWO.pack_into(fixed, _FILE_AT, number if number % self._new == 0 else number % PROGRAMS, 3)
        return b"".join((fixed, *raw))


def _head(frame, sequence, at, who, session, comms):
    """What is another in each frame."""
    pid, ppid, start, ppid_start = who
    _HEAD.pack_into(frame, 0, sequence, at)
    _TWO.pack_into(frame, _START_AT, start, ppid_start)
    _TASK.pack_into(frame, _EXEC_ID_AT, 1, pid, pid, pid, pid, ppid)
    _FOUR.pack_into(frame, _SESSION_AT, session)
    _COMMS.pack_into(frame, _COMM_AT, *comms)
