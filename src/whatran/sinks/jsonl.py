"""JSON lines: one flat object an event, keys and order as the fields of the event."""

from __future__ import annotations

import base64
import re
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from whatran.event import NOTICES
from whatran.visible import escape_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.sinks.output import Output

_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonLines:
    """Writes each event as one line of valid UTF-8, a batch at a time; on a terminal nothing of it acts on that."""

    due = None

    def __init__(self, output: Output, limit: int | None = None, *, fields: Sequence[str] | None = None) -> None:
        """``fields`` are all that is to be written of each but a gap or an alert, beside what event it is."""
        self._output = output
        self._left = limit
        self._narrow = None if fields is None else Narrow(fields)
        self._encoder = msgspec.json.Encoder()

    def write(self, events: Sequence[msgspec.Struct]) -> int:
        if self._narrow:
            events = [narrow for narrow in map(self._narrow, events) if narrow]
        if self._left is not None:
            events = events[: self._left]
            self._left -= len(events)
        if events:
            data = self._encode(events)
            self._output.write(escape_json(data.decode()).encode() if self._output.terminal else data)
        return len(events)

    def release(self, now_boot_ns: int) -> int:
        return 0

    def close(self) -> int:
        return 0

    def _encode(self, events: Sequence[msgspec.Struct]) -> bytes:
        try:
            return self._encoder.encode_lines(events)
        except UnicodeEncodeError:  # some text among them was no UTF-8
            return b"".join(map(self._encode_one, events))

    def _encode_one(self, event: msgspec.Struct) -> bytes:
        try:
            return self._encoder.encode(event) + b"\n"
        except UnicodeEncodeError:
            return self._encoder.encode(with_exact_bytes(event)) + b"\n"


class Narrow:
    """Makes of an event one that has only some of its fields, in the order in which they are asked for.

    None of one that has none of them.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        self._asked = frozenset(fields)
        self._fields = tuple(dict.fromkeys(fields if "event" in fields else ("event", *fields)))
        self._kinds: dict[type, Callable[[msgspec.Struct], msgspec.Struct | None]] = {}

    def __call__(self, event: msgspec.Struct) -> msgspec.Struct | None:
        make = self._kinds.get(type(event)) or self._kinds.setdefault(type(event), self._made(type(event)))
        return make(event)

    def _made(self, kind: type[msgspec.Struct]) -> Callable[[msgspec.Struct], msgspec.Struct | None]:
        if kind in NOTICES:
            return lambda notice: notice
        if self._asked and self._asked.isdisjoint(kind.__struct_fields__):
            return lambda _: None
        names = [name for name in self._fields if name in kind.__struct_fields__]
        narrow = msgspec.defstruct(kind.__name__, names)
        if len(names) == 1:  # attrgetter() gives a single value as it is
            return lambda event: narrow(getattr(event, names[0]))
        values = attrgetter(*names)
        return lambda event: narrow(*values(event))


def with_exact_bytes(struct: msgspec.Struct) -> dict[str, object]:
    """The fields, where each that is no UTF-8 has U+FFFD for every bad byte and is followed by FIELD_base64.

    Of a list that has every element, None where there is none.
    """
    fields: dict[str, object] = {}
    for name, value in msgspec.structs.asdict(struct).items():
        fields[name] = value
        if isinstance(value, str) and _SURROGATE.search(value):
            fields[name] = _SURROGATE.sub("\ufffd", value)
            fields[f"{name}_base64"] = _base64(value)
        elif isinstance(value, list) and value and isinstance(value[0], msgspec.Struct):
            fields[name] = list(map(with_exact_bytes, value))
        elif isinstance(value, (list, tuple)) and any(item and _SURROGATE.search(item) for item in value):
            fields[name] = [item and _SURROGATE.sub("\ufffd", item) for item in value]
            fields[f"{name}_base64"] = [None if item is None else _base64(item) for item in value]
        elif isinstance(value, msgspec.Struct):
            fields[name] = with_exact_bytes(value)
        elif isinstance(value, dict) and any(map(_SURROGATE.search, map(str, value.values()))):
            fields[name] = {key: _SURROGATE.sub("\ufffd", text) for key, text in value.items()}
            fields[f"{name}_base64"] = {key: _base64(text) for key, text in value.items()}
    return fields


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
