"""What a receiver gets of an alert: its JSON, a line for people, and the main facts as text; pure.

Whatever a process may have chosen is spelt out in the line and the facts, as on a terminal: none has more than
one line, nor anything that is not plainly visible.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from whatran.alerts.limit import Withheld
from whatran.sinks.jsonl import with_exact_bytes
from whatran.sinks.text import ELLIPSIS, MOST_ABOVE, command, counted, escape, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.event import Alert

ARGV_BYTES = 32 << 10
"""What is delivered of arguments, which may have 6 MiB."""

TEXT_CHARS = 4096
"""What is delivered of any other text that a process can choose, longer than a path."""


class Message(msgspec.Struct, frozen=True):
    """One alert, or what was withheld of several."""

    event: str
    """``alert`` or ``alerts_withheld``."""
    level: str
    timestamp: int
    """In ns since the epoch."""
    text: str
    """One line for people."""
    facts: dict[str, str]
    """By their names; each is one line."""
    json: msgspec.Raw
    """The event as one line of JSON."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Message)


def pack(event: Alert | Withheld) -> bytes:
    """The message of an event, as one line."""
    if isinstance(event, Withheld):
        text, facts = _said(event), _facts_withheld(event)
    else:
        event = _bounded(event)
        text, facts = _cut(warning(event)), _facts(event)
    message = Message(event.event, event.level, event.timestamp, text, facts, msgspec.Raw(_json(event)))
    return _ENCODER.encode(message) + b"\n"


def unpack(line: bytes) -> Message:
    """The message on a line."""
    return _DECODER.decode(line)


def host_name() -> str:
    """The name of this machine, on one line; a container's where whatran runs in one."""
    return _cut(escape(os.uname().nodename))


def _json(event: Alert | Withheld) -> bytes:
    try:
        return _ENCODER.encode(event)
    except UnicodeEncodeError:
        return _ENCODER.encode(with_exact_bytes(event))


def _facts(alert: Alert) -> dict[str, str]:
    process = alert.process
    return _texts(
        event=alert.event,
        rule=alert.rule,
        rule_id=alert.rule_id,
        level=alert.level,
        attack=",".join(alert.attack),
        count=alert.count,
        time=_time(alert.timestamp),
        pid=process.pid,
        ppid=process.ppid,
        uid=process.uid,
        user=process.user,
        pathname=process.pathname,
        script=process.script_pathname,
        cwd=process.cwd,
        parent=process.ppid_comm,
        ancestors=", ".join(process.ancestors[:MOST_ABOVE]),
        container=process.container_name or process.container_id,
    ) | {"command": _cut(command(process))}


def _facts_withheld(event: Withheld) -> dict[str, str]:
    return _texts(
        event=event.event,
        rule=event.rule,
        rule_id=event.rule_id,
        level=event.level,
        time=_time(event.timestamp),
        repeated=event.repeated,
        over_rate=event.over_rate,
        dropped=event.dropped,
    )


def _texts(**known: str | int | None) -> dict[str, str]:
    """Each on one line; empty where it is not known."""
    return {name: "" if value is None else _cut(escape(str(value))) for name, value in known.items()}


def _said(event: Withheld) -> str:
    """What is told of them: ``… 37 more alerts of Shell Of A Web Server were not delivered: 37 over the rate``."""
    counts = ((event.repeated, "repeated"), (event.over_rate, "over the rate"), (event.dropped, "not taken in time"))
    count = sum(number for number, _ in counts)
    alerts = counted(count, "more alert", "more alerts") + (f" of {_cut(escape(event.rule))}" if event.rule else "")
    why = ", ".join(f"{number} {what}" for number, what in counts if number)
    return f"{ELLIPSIS} {alerts} {'was' if count == 1 else 'were'} not delivered: {why}"


def _time(timestamp: int) -> str:
    """As RFC 3339 has it, in UTC, to the microsecond."""
    return datetime.fromtimestamp(timestamp // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + (
        f".{timestamp // 1000 % 1_000_000:06}Z"
    )


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - 1] + ELLIPSIS


def _bounded(alert: Alert) -> Alert:
    """The same without the environment, which holds secrets, and with no more than so much of what may be long."""
    process = alert.process
    if process.env is not None:
        process = msgspec.structs.replace(process, env=None)
    if process.argv and (whole := sum(len(os.fsencode(each)) + 1 for each in process.argv)) > ARGV_BYTES:
        cut = {"argv": whole} | process.truncated
        process = msgspec.structs.replace(process, argv=_first(process.argv), truncated=cut)
    matched = {name: _cut(text) for name, text in alert.matched.items()}
    return msgspec.structs.replace(alert, process=process, matched=matched)


def _first(argv: Sequence[str]) -> list[str]:
    """As many arguments as may be delivered, the last of them cut."""
    kept: list[str] = []
    left = ARGV_BYTES
    for each in map(os.fsencode, argv):
        if left <= 0:
            break
        kept.append(os.fsdecode(each[:left]))
        left -= len(each) + 1
    return kept
