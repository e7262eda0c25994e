"""What the tracer has to say besides frames: each is said once, and logged by whoever reads them."""

from __future__ import annotations

from whatran.wire import layout

NOTE = 0
"""Among the kinds of frames: a text."""


def note(text: str) -> bytes:
    """A frame with a text in it."""
    data = text.encode(errors="surrogateescape")
    return layout.FRAME_STRUCT.pack(0, 0, layout.FRAME_STRUCT.size + len(data), 0, NOTE, 0) + data


def text_of(frame: bytes) -> str | None:
    """The text in it; None where it is a frame of an event."""
    if layout.FRAME_STRUCT.unpack_from(frame)[4] != NOTE:
        return None
    return frame[layout.FRAME_STRUCT.size :].decode(errors="surrogateescape")
