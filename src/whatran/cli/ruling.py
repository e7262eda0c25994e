"""Rules on the command line: --rules, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from whatran.cli.messages import say
from whatran.cli.newfile import keep_inputs
from whatran.errors import UsageError
from whatran.sinks.output import YELLOW
from whatran.sinks.text import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from whatran.event import Event
    from whatran.rules.engine import Engine
    from whatran.rules.model import Loaded
    from whatran.sinks import Sink

MOST_SAID = 20
"""Problems that are told of; who has read so many knows, and `whatran rules list` has all."""


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Let it hold execs against rules."""
    group = parser.add_argument_group("rules")
    group.add_argument(
        "--rules",
        nargs="?",
        action="append",
        default=[],
        metavar="PATH",
        help="alerts on what these Sigma rules find: a file, or a directory with all below it; without PATH the "
        "built-in rules and those of `whatran rules import`",
    )
    group.add_argument("--only-alerts", action="store_true", help="no other events than alerts and gaps")


class Ruling:
    """The rules that were asked for, read; what is wrong with others has been said."""

    def __init__(self, given: Sequence[str | None], *, only_alerts: bool, output: str | None = None) -> None:
        """UsageError where ``output`` would destroy any of them."""
        self.engine: Engine | None = None
        self.broken = 0
        """How many problems there are."""
        self._only_alerts = only_alerts
        if only_alerts and not given:
            raise UsageError("--only-alerts is for --rules: without rules there are none")
        if given:
            loaded = loaded_of(given)
            if output:
                of = (*loaded.rules, *loaded.errors, *loaded.left_out)
                keep_inputs(output, sorted({each.place.file for each in of}), "a file of rules")
            say_problems(loaded)
            self.broken = len(loaded.errors)

            from whatran.rules.engine import Engine  # noqa: PLC0415 (not for --help)

            self.engine = Engine(loaded.rules)

    def status(self) -> int:
        """1 where a rule could not be read; what correlations could not remember is said."""
        if self.engine and (forgotten := self.engine.forgotten):
            groups = counted(forgotten, "group", "groups")
            say(f"{groups} of correlations given up, as there were too many at once", style=YELLOW)
        return int(self.broken > 0)

    def of(self, sink: Sink) -> Sink:
        """The sink, which gets no more than it is to have."""
        return OnlyAlerts(sink) if self._only_alerts else sink


def loaded_of(given: Sequence[str | None]) -> Loaded:
    """The rules of these paths, None being the usual ones; UsageError where there is not one."""
    from whatran.rules.load import load  # noqa: PLC0415 (not for --help)
    from whatran.rules.places import hidden, imported, usual  # noqa: PLC0415

    loaded = load([path for each in given for path in ([each] if each is not None else usual())])
    if None in given and (problem := hidden(imported())):
        loaded = replace(loaded, errors=(problem, *loaded.errors))
    if not loaded.rules and not loaded.errors:
        where = ", ".join(str(imported()) if each is None else each for each in given)
        raise UsageError(f"there is no rule for execs on Linux in {where}; `whatran rules import DIR` brings some")
    return loaded


def say_problems(loaded: Loaded) -> None:
    """Say what is wrong; UsageError where nothing is right."""
    for problem in loaded.errors[:MOST_SAID]:
        say(str(problem), style=YELLOW)
    more = len(loaded.errors) - MOST_SAID
    if more > 0:
        say(f"and {more} more problems with rules; `whatran rules list` has all", style=YELLOW)
    if not loaded.rules:
        raise UsageError("no rule is left that could be held against anything")


class OnlyAlerts:
    """A sink that leaves out the events that alerts are about."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    @property
    def due(self) -> int | None:
        return self._sink.due

    def write(self, events: Sequence[Event]) -> int:
        from whatran.event import NOTICES  # noqa: PLC0415 (not for --help)

        return self._sink.write([event for event in events if isinstance(event, NOTICES)])

    def release(self, now_boot_ns: int) -> int:
        return self._sink.release(now_boot_ns)

    def close(self) -> int:
        return self._sink.close()
