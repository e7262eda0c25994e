"""Frames without the secrets in their arguments and environments; pure."""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from whatran.wire import layout
from whatran.wire.rejoin import Rejoin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whatran.redact import Redactor
    from whatran.wire.rejoin import Pending

_KIND_AT = layout.offset_in_exec("kind")
_BYTES_AT = layout.offset_in_exec("bytes")
_UNREAD_AT = layout.offset_in_exec("unread")
_ARGV_AT = layout.offset_in_exec("argv")
_U32 = struct.Struct("<I")
_TEXTS = struct.Struct("<6I")
"""Of an exec frame: argv's bytes, all it has in full, the same of env; and how many bytes of each are yet to come."""
_FAILED_TEXTS = struct.Struct("<4I")
"""Of a failed one: the path's bytes, all it has in full, the same of argv."""
_FAILED_TEXTS_AT = layout.HEAD_STRUCT.size
_OFFSET_AT = layout.TEXT_STRUCT.size - 8

_BITS = {name: bit for bit, name in layout.REDACTED.items()}


class RedactedFrames:
    """Frames in, frames out, in their order except that an exec waits for the rest of its texts."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rejoin = Rejoin(self._apart)

    def __call__(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        """What of these can be given, and of those that waited."""
        if not self._rejoin.waiting and self._plain(frames):
            return frames
        return list(map(self._one, self._rejoin(frames)))

    def finish(self) -> Sequence[bytes]:
        """What still waits; no more will come."""
        return list(map(self._one, self._rejoin.finish()))

    def _plain(self, frames: Sequence[bytes]) -> bool:
        """Whether each stands by itself, and it is plain that none has a secret. That is asked once for all of them."""
        argvs: list[bytes] = []
        envs: list[bytes] = []
        for frame in frames:
            kind = frame[_KIND_AT]
            if kind == layout.EXEC and len(frame) >= layout.EXEC_STRUCT.size:
                argv_bytes, _, env_bytes, _, argv_more, env_more = _TEXTS.unpack_from(frame, _ARGV_AT)
                if argv_more or env_more:
                    return False
                end = len(frame) - env_bytes
                argvs.append(frame[end - argv_bytes : end])
                if env_bytes:
                    envs.append(frame[end:])
            elif kind == layout.FAILED:
                argvs.append(frame[layout.FAILED_STRUCT.size :])
            elif kind == layout.TEXT:
                return False
        return self._redactor.has_none(b"\0".join(argvs)) and self._redactor.env_has_none(b"\0".join(envs))

    def _one(self, frame: bytes) -> bytes:
        """A frame that is whole."""
        kind = frame[_KIND_AT]
        if kind == layout.EXEC and len(frame) >= layout.EXEC_STRUCT.size:
            return self._exec(frame)
        if kind == layout.FAILED and len(frame) >= layout.FAILED_STRUCT.size:
            return self._failed(frame)
        return frame

    def _exec(self, frame: bytes) -> bytes:
        argv_bytes, argv_full, env_bytes, env_full, *_ = _TEXTS.unpack_from(frame, _ARGV_AT)
        at = len(frame) - env_bytes - argv_bytes
        if at < layout.EXEC_STRUCT.size:  # for the decoder to refuse
            return frame
        argv, env = frame[at : at + argv_bytes], frame[at + argv_bytes :]
        redacted = _fitted(argv, self._redactor.argv(argv), argv_full), _fitted(env, self._redactor.env(env), env_full)
        if redacted == ((argv, argv_full), (env, env_full)):
            return frame
        return _exec_frame(frame[:at], (argv, env), redacted, [(len(text), 0) for text, _ in redacted])

    def _failed(self, frame: bytes) -> bytes:
        path_bytes, path_full, argv_bytes, argv_full = _FAILED_TEXTS.unpack_from(frame, _FAILED_TEXTS_AT)
        at = layout.FAILED_STRUCT.size + path_bytes
        if at + argv_bytes != len(frame):  # for the decoder to refuse
            return frame
        argv = frame[at:]
        text, full = _fitted(argv, self._redactor.argv(argv), argv_full)
        if text == argv:
            return frame
        changed = _begun(frame[:at], len(text), _BITS["argv"])
        _FAILED_TEXTS.pack_into(changed, _FAILED_TEXTS_AT, path_bytes, path_full, len(text), full)
        return bytes(changed + text)

    def _apart(self, pending: Pending) -> Iterable[bytes]:
        """An exec frame and the text frames that follow it, as many as there were."""
        frame = pending.frame
        argv_bytes, argv_full, env_bytes, env_full, *_ = _TEXTS.unpack_from(frame, _ARGV_AT)
        at = len(frame) - env_bytes - argv_bytes
        argv = frame[at : at + argv_bytes] + pending.parts[layout.TEXT_ARGV]
        env = frame[at + argv_bytes :] + pending.parts[layout.TEXT_ENV]
        redacted = _fitted(argv, self._redactor.argv(argv), argv_full), _fitted(env, self._redactor.env(env), env_full)
        if redacted == ((argv, argv_full), (env, env_full)):
            yield frame
            yield from pending.frames
            return
        follow: tuple[list[bytes], list[bytes]] = [], []
        for each in pending.frames:
            follow[_U32.unpack_from(each, _OFFSET_AT + _U32.size)[0]].append(each)
        sizes = []
        rest: list[bytes] = []
        for (text, _), begun, frames in zip(redacted, (argv_bytes, env_bytes), follow, strict=True):
            first, *parts = _shared_out(text, [begun, *(len(each) - layout.TEXT_STRUCT.size for each in frames)])
            sizes.append((len(first), len(text) - len(first)))
            offsets = accumulate(map(len, parts), initial=len(first))
            rest += map(_text_frame, frames, offsets, parts)
        yield _exec_frame(frame[:at], (argv, env), redacted, sizes)
        yield from rest


def _fitted(text: bytes, redacted: bytes, full: int) -> tuple[bytes, int]:
    """A text and its full length. One that was cut gets no longer, so that by its true length it is known to be."""
    if redacted == text or full > len(text):
        return redacted[: len(text)], full
    return redacted, len(redacted)


def _shared_out(text: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """The text in parts of these sizes, as far as it goes; the last takes what is left."""
    at = 0
    for size in sizes[:-1]:
        yield text[at : at + size]
        at += size
    yield text[at:]


def _begun(frame: bytes, more: int, bits: int) -> bytearray:
    """A frame up to some text, that is to have so many bytes more and is redacted in these fields."""
    changed = bytearray(frame)
    _U32.pack_into(changed, _BYTES_AT, len(frame) + more)
    _U32.pack_into(changed, _UNREAD_AT, _U32.unpack_from(frame, _UNREAD_AT)[0] | bits)
    return changed


def _exec_frame(
    begun: bytes,
    before: tuple[bytes, bytes],
    redacted: tuple[tuple[bytes, int], tuple[bytes, int]],
    sizes: Sequence[tuple[int, int]],
) -> bytes:
    """An exec frame with what it is to have of the texts: so many bytes, and so many more in frames that follow."""
    (argv, argv_full), (env, env_full) = redacted
    (argv_bytes, argv_more), (env_bytes, env_more) = sizes
    bits = (argv != before[0] and _BITS["argv"]) | (env != before[1] and _BITS["env"])
    changed = _begun(begun, argv_bytes + env_bytes, bits)
    _TEXTS.pack_into(changed, _ARGV_AT, argv_bytes, argv_full, env_bytes, env_full, argv_more, env_more)
    return bytes(changed + argv[:argv_bytes] + env[:env_bytes])


def _text_frame(frame: bytes, offset: int, part: bytes) -> bytes:
    changed = bytearray(frame[: layout.TEXT_STRUCT.size])
    _U32.pack_into(changed, _BYTES_AT, layout.TEXT_STRUCT.size + len(part))
    _U32.pack_into(changed, _OFFSET_AT, offset)
    return bytes(changed + part)
