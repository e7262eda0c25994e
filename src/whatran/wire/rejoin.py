"""An exec frame and the text frames that follow it, made one frame again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whatran.wire import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

_KIND_AT = layout.offset_in_exec("kind")
_BYTES_AT = layout.offset_in_exec("bytes")
_ARGV_AT = layout.offset_in_exec("argv")
_MORE_AT = layout.offset_in_exec("argv_more")
_MORE, _NO_MORE = slice(_MORE_AT, _MORE_AT + layout.TWO_STRUCT.size), bytes(layout.TWO_STRUCT.size)
_TID_AT = layout.offset_in_exec("tid")
_TWO = layout.TWO_STRUCT


def _tid(frame: bytes) -> int:
    return int.from_bytes(frame[_TID_AT : _TID_AT + 4], "little")


@dataclass(slots=True)
class Pending:
    """An exec frame of which more is to come."""

    frame: bytes
    sequence: int
    more: tuple[int, int]
    """Bytes of argv and env that follow it."""
    parts: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    """What has come of each."""
    frames: list[bytes] = field(default_factory=list)
    """In these."""

    @property
    def complete(self) -> bool:
        return all(len(part) == more for part, more in zip(self.parts, self.more, strict=True))

    def add(self, frame: bytes) -> None:
        """One more part; ignored where one before it is missing."""
        head = layout.TEXT_STRUCT.unpack_from(frame)
        sequence, offset, text = head[-3:]
        if sequence != self.sequence or text not in (layout.TEXT_ARGV, layout.TEXT_ENV):
            return
        part = self.parts[text]
        begun = _TWO.unpack_from(self.frame, _ARGV_AT + text * _TWO.size)[0]
        if offset == begun + len(part):
            part += frame[layout.TEXT_STRUCT.size :]
            self.frames.append(frame)

    def join(self) -> bytes:
        """The exec frame with all that came of it; where some is missing, its text says so by its full length."""
        argv, env = self.parts
        argv_bytes, argv_full = _TWO.unpack_from(self.frame, _ARGV_AT)
        env_bytes, env_full = _TWO.unpack_from(self.frame, _ARGV_AT + _TWO.size)
        cut = len(self.frame) - env_bytes  # env comes last, argv before it
        joined = bytearray(self.frame[:cut]) + argv + self.frame[cut:] + env
        joined[_BYTES_AT : _BYTES_AT + 4] = len(joined).to_bytes(4, "little")
        _TWO.pack_into(joined, _ARGV_AT, argv_bytes + len(argv), argv_full)
        _TWO.pack_into(joined, _ARGV_AT + _TWO.size, env_bytes + len(env), env_full)
        _TWO.pack_into(joined, _MORE_AT, 0, 0)
        return bytes(joined)


def joined(pending: Pending) -> Iterable[bytes]:
    """All of it as one frame."""
    return (pending.join(),)


class Rejoin:
    """Frames in, frames out, in their order except that an exec waits for the rest of its texts.

    All that follows an exec comes from its CPU, before that CPU's next exec and before the
    task does anything else: so these, or the end, show what is missing. Parts of an exec
    that was lost itself are dropped.
    """

    def __init__(self, made: Callable[[Pending], Iterable[bytes]] = joined) -> None:
        """``made`` says what is given of an exec that had to wait."""
        self._made = made
        self._pending: dict[int, Pending] = {}  # by CPU
        self._cpus: dict[int, dict[int, None]] = {}  # of these, by tid: a recording may claim any number of CPUs

    @property
    def waiting(self) -> bool:
        """Whether more is to come of any exec."""
        return bool(self._pending)

    def __call__(self, frames: Iterable[bytes]) -> Iterator[bytes]:
        for frame in frames:
            kind = frame[_KIND_AT] if len(frame) >= layout.FRAME_STRUCT.size else 0
            if kind == layout.TEXT and len(frame) >= layout.TEXT_STRUCT.size:
                yield from self._take(frame)
            elif kind == layout.EXEC and not self._pending and frame[_MORE] == _NO_MORE:
                yield frame
            elif kind == layout.EXEC and len(frame) >= layout.EXEC_STRUCT.size:
                yield from self._begin(frame)
            else:
                if self._pending and kind in layout.EVENTS and len(frame) >= layout.HEAD_STRUCT.size:
                    yield from self._end(_tid(frame))
                yield frame

    def finish(self) -> Iterator[bytes]:
        """What still waits; no more will come."""
        for cpu in reversed(list(self._pending)):
            yield from self._made(self._pop(cpu))

    def _begin(self, frame: bytes) -> Iterator[bytes]:
        sequence, _, _, cpu, *_ = layout.FRAME_STRUCT.unpack_from(frame)
        if cpu in self._pending:
            yield from self._made(self._pop(cpu))
        more = _TWO.unpack_from(frame, _MORE_AT)
        # Lengths that do not fit the frame are for the decoder to refuse.
        if any(more) and _TWO.unpack_from(frame, _ARGV_AT + _TWO.size)[0] <= len(frame) - layout.EXEC_STRUCT.size:
            self._pending[cpu] = Pending(frame, sequence, more)
            self._cpus.setdefault(_tid(frame), {})[cpu] = None
        else:
            yield frame

    def _end(self, tid: int) -> Iterator[bytes]:
        """What waits of a task that has gone on."""
        for cpu in tuple(self._cpus.get(tid, ())):
            yield from self._made(self._pop(cpu))

    def _take(self, frame: bytes) -> Iterator[bytes]:
        cpu = layout.FRAME_STRUCT.unpack_from(frame)[3]
        pending = self._pending.get(cpu)
        if pending is None:
            return
        pending.add(frame)
        if pending.complete:
            yield from self._made(self._pop(cpu))

    def _pop(self, cpu: int) -> Pending:
        """What waits for more of that CPU, and does no more."""
        pending = self._pending.pop(cpu)
        tid = _tid(pending.frame)
        del self._cpus[tid][cpu]
        if not self._cpus[tid]:
            del self._cpus[tid]
        return pending
