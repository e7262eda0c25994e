"""Alerts on the command line: who is to know of them, and what they make of the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from whatran.cli.messages import say
from whatran.errors import UsageError
from whatran.rules.levels import LEVELS
from whatran.sinks.output import YELLOW
from whatran.sinks.text import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from whatran.alerts.deliver import Delivery
    from whatran.alerts.receiver import Receiver
    from whatran.cli.options import Options
    from whatran.event import Event
    from whatran.sinks import Sink

ALERTED = 3
"""The exit status where there was an alert of the level of --fail-on."""

RATE = 10


def add_alerts(parser: argparse.ArgumentParser) -> None:
    """Let it tell others of alerts."""
    group = parser.add_argument_group("alerts", "With --rules. Each of the first three can be repeated.")
    group.add_argument(
        "--alert",
        action="append",
        default=[],
        metavar="CMD",
        help="run this shell command for each alert, which is on its standard input as JSON, the main facts in its "
        "environment (WHATRAN_RULE, WHATRAN_LEVEL, …)",
    )
    group.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL",
        help="post each alert there as JSON; @FILE has the URL read from a file, as others see what is given here",
    )
    group.add_argument(
        "--syslog",
        nargs="?",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="send each alert to syslog (RFC 5424): udp://HOST:PORT, tcp://HOST:PORT or the path of a socket; without "
        "ADDRESS /dev/log",
    )
    group.add_argument(
        "--alert-rate",
        type=_rate,
        metavar="N",
        help=f"deliver no more than N different alerts a minute of each rule (default: {RATE}); of others the number",
    )
    group.add_argument(
        "--fail-on",
        choices=LEVELS,
        metavar="LEVEL",
        help=f"end with status {ALERTED} if there was an alert of this level or above: {', '.join(LEVELS)}",
    )


class Alerting:
    """Takes the alerts out of what is shown; a context manager, in which receivers are there."""

    def __init__(self, options: Options, *, patient: bool = False) -> None:
        """UsageError for what cannot be. ``patient`` is who has recorded it all and can wait for slow receivers."""
        if not options.rules and (options.alert or options.webhook or options.syslog or options.fail_on):
            raise UsageError(
                "--alert, --webhook, --syslog and --fail-on are for --rules: without rules there are no alerts"
            )
        self._receivers = _receivers(options)
        if options.alert_rate is not None and not self._receivers:
            raise UsageError("--alert-rate is for --alert, --webhook and --syslog: without these nothing is delivered")
        self._rate = RATE if options.alert_rate is None else options.alert_rate
        self._patient = patient
        self._fail_on = options.fail_on
        self._delivery: Delivery | None = None

    def __enter__(self) -> Self:
        """Starts the receivers: before anything is opened that they would hold open."""
        if self._receivers or self._fail_on:
            from whatran.alerts.deliver import Delivery  # noqa: PLC0415 (not for --help)

            self._delivery = Delivery(self._receivers, self._rate, patient=self._patient)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._delivery:
            self._delivery.close(hurry=kind is KeyboardInterrupt)
            _say_totals(self._delivery)
        if grave := self._grave():
            above = "" if self._fail_on == LEVELS[-1] else " or above"
            say(f"{counted(grave, 'alert', 'alerts')} of level {self._fail_on}{above}: status {ALERTED}", style=YELLOW)

    @property
    def executing(self) -> Sequence[int]:
        """Processes of ours that run programs: what they do is not to be watched, or an alert might cause the next."""
        return self._delivery.executing if self._delivery else ()

    def of(self, sink: Sink) -> Sink:
        """The sink; alerts that are written to it are delivered too."""
        return _Delivering(sink, self._delivery) if self._delivery else sink

    def status(self, otherwise: int) -> int:
        """The exit status, given what it would be."""
        return ALERTED if self._grave() else otherwise

    def _grave(self) -> int:
        """How many alerts are to make it fail."""
        if self._delivery is None or self._fail_on is None:
            return 0
        return sum(self._delivery.made[level] for level in LEVELS[LEVELS.index(self._fail_on) :])


def _receivers(options: Options) -> list[Receiver]:
    """All that were asked for."""
    # Imported where they are asked for, and not for --help.
    receivers: list[Receiver] = []
    if options.alert:
        from whatran.alerts.command import Command  # noqa: PLC0415

        receivers += map(Command, options.alert)
    if options.webhook:
        from whatran.alerts.webhook import Webhook  # noqa: PLC0415

        receivers += map(Webhook, options.webhook)
    if options.syslog:
        from whatran.alerts.syslog import DEV_LOG, Syslog  # noqa: PLC0415

        receivers += [Syslog(DEV_LOG if address is None else address) for address in options.syslog]
    return receivers


def _rate(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"--alert-rate {text}: this is no number of alerts a minute; give 1 or more")
    return int(text)


def _say_totals(delivery: Delivery) -> None:
    """One line, if there was something to deliver: how many there were, and what became of them at each receiver."""
    made = delivery.made.total()
    if not made or not delivery.senders:
        return
    parts = [counted(made, "alert", "alerts")]
    for count, what in ((delivery.repeated, "repeated"), (delivery.over_rate, "over the rate")):
        parts += [f"{count} {what}"] if count else []
    line = ", ".join(parts)
    missed = False
    for sender in delivery.senders:
        line += f"; {sender.name}: {sender.delivered} delivered"
        for count, what in ((sender.failed, "failed"), (sender.dropped, "not taken in time")):
            line += f", {count} {what}" if count else ""
            missed = missed or bool(count)
    say(line, style=YELLOW if missed else None)


class _Delivering:
    """A sink before which alerts are delivered, so that these do not depend on it."""

    def __init__(self, sink: Sink, delivery: Delivery) -> None:
        self._sink = sink
        self._delivery = delivery

    @property
    def due(self) -> int | None:
        return min((due for due in (self._sink.due, self._delivery.due) if due is not None), default=None)

    def write(self, events: Sequence[Event]) -> int:
        self._delivery.write(events)
        return self._sink.write(events)

    def release(self, now_boot_ns: int) -> int:
        self._delivery.release(now_boot_ns)
        return self._sink.release(now_boot_ns)

    def close(self) -> int:
        return self._sink.close()
