"""Rule files, as anybody may write them."""

from __future__ import annotations

from tests.events import make_exec, make_fork
from whatran.rules.engine import Engine
from whatran.rules.explain import holds
from whatran.rules.fields import View
from whatran.rules.kin import Kin
from whatran.rules.load import read
from whatran.rules.model import EventRule

EVENTS = (
    make_exec(["curl", "-k", "http://10.1.2.3/x", "\n[b]", "*?", "\udcff", ""], env=["A=1"]),
    make_exec(None, pathname=None, cwd=None, user=None),
    make_exec([], pathname="memfd:x/sh", script_pathname="/srv/a", memfd=True),
)


def check(data: bytes) -> None:
    """Rules come of it that can be held against any event, and mean what their parts do; and problems with places."""
    loaded = read([("rules.yml", data.decode(errors="replace"))])
    assert all(each.place.line > 0 and each.place.column > 0 and each.text for each in loaded.errors)
    engine = Engine(loaded.rules)
    engine.follow(make_fork())
    for event in EVENTS:
        engine.follow(event)
        for alert in engine(event):
            assert alert.process is event
        view = View(event, Kin())
        conditions = [rule.condition for rule in loaded.rules if isinstance(rule, EventRule)]
        assert [at for at, each in enumerate(conditions) if holds(each, view)] == engine.index(view)
