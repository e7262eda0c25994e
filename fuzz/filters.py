"""Conditions, as they are typed and as a recording has them."""

from __future__ import annotations

import os

from tests.events import make_exec, make_exit, make_failed, make_fork
from whatran.errors import UsageError
from whatran.filter import Filter, equals, parse
from whatran.pushdown import push_down
from whatran.wire.settings import Settings

EVENTS = (
    make_exec(argv=["a", "\n[b]", "*?", "\udcff"], comm="[x]", env=["A=1"]),
    make_fork(),
    make_failed(),
    make_exit(),
)


def check(data: bytes) -> None:
    """A condition comes of it that can be held against any event, and says what it is made of; or a UsageError."""
    text = os.fsdecode(data)
    try:
        condition = parse(text)
    except UsageError:
        return
    assert parse(condition.text) == condition
    push_down([condition], Settings()).pack()
    keep = Filter([condition])
    for event in EVENTS:
        assert keep(event) in (event, None)
    if condition.literal is not None:
        assert condition.match(condition.literal)
        assert equals(condition.field, condition.literal).match(condition.literal)
