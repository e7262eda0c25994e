"""Tell what runs that a baseline does not permit: on recordings, of a command, or live on the whole machine.

Each new thing is told once, with what is known that comes nearest and the field in which
it differs. The exit status is 0 if nothing is new, 1 if something is, and 2 for trouble:
a baseline that is none, a recording that cannot be read whole, or nothing new where records
were lost, which cannot be known. That of a command is its own, unless that is 0. Baselines are made by whatran learn.
"""

from __future__ import annotations

import argparse
import signal
from typing import TYPE_CHECKING

from whatran.cli.follow import follow, handling
from whatran.cli.learn import read_baseline
from whatran.cli.messages import hint, logging_to_stderr, say
from whatran.cli.newfile import keep_inputs
from whatran.cli.observing import (
    TROUBLE,
    Following,
    Taking,
    add_inputs,
    followed,
    open_watch,
    recorded,
    say_lost,
    split,
)
from whatran.cli.options import add_left_out, add_scope, add_source, add_verbose, open_output
from whatran.cli.parser import Parser
from whatran.cli.running import caller_of
from whatran.errors import UsageError
from whatran.sinks.output import RED, Output
from whatran.sinks.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.baseline.check import Checker
    from whatran.baseline.observe import Observer
    from whatran.cli.observing import Make, Seen

FORMATS = ("text", "jsonl")


class _Options(argparse.Namespace):
    baseline: str
    file: list[str]
    output: str | None
    format: str
    pid: list[int]
    tree: list[int]
    cgroup: list[str]
    container: list[str]
    not_tree: list[int]
    not_cgroup: list[str]
    not_container: list[str]
    timeout: float | None
    source: str
    buffer: int
    as_root: bool
    verbose: int

    @property
    def scope(self) -> dict[str, object]:
        names = ("pid", "tree", "cgroup", "container", "not_tree", "not_cgroup", "not_container")
        return {name: getattr(self, name) or () for name in names}


def main(argv: Sequence[str], *, ours: bool) -> int:
    """Check; 0 for nothing new, 1 for something, 2 for trouble."""
    before, command = split(argv)
    options = _parser().parse_intermixed_args(before, namespace=_Options())
    if (command or options.file) and any(options.scope.values()):
        raise UsageError("what is watched can be chosen of a machine, not of a command or of recordings")
    if command and options.file:
        raise UsageError("recordings or a command to run, not both")

    from whatran.baseline.check import Checker  # noqa: PLC0415 (not for --help)
    from whatran.baseline.hashes import Hashes  # noqa: PLC0415 (not for --help)
    from whatran.baseline.observe import Observer  # noqa: PLC0415 (not for --help)

    baseline, _ = read_baseline(options.baseline)
    checker = Checker(baseline)
    hashes = Hashes() if any(rule.program.sha256 for rule in baseline.rules) else None

    def make(*, command: bool) -> Observer:
        return Observer(baseline.settings, command=command, sha256=hashes)

    if options.output:
        keep_inputs(options.output, [options.baseline], "a baseline")
        keep_inputs(options.output, options.file)
    account = caller_of(as_root=options.as_root) if command else None
    with (
        logging_to_stderr(options.verbose),
        open_output(options.output, Output.stderr if command else Output.stdout, account) as output,
    ):
        output.truncate()
        tell = _teller(options.format, output)

        def take(seen: list[Seen]) -> None:
            if new := [found for each in seen if (found := checker(*each))]:
                tell(new)

        if command:
            result, lost = followed(command, options, Following(account, ours), make, take)
        elif options.file:
            result, lost = recorded(options.file, make, take)
        else:
            result, lost = 0, _watch(options, make, take, ours=ours)
    _say_totals(checker)
    return result or (1 if checker.counts["new"] else TROUBLE if lost else 0)


def _teller(form: str, output: Output) -> Callable[[Sequence[object]], object]:
    if form == "jsonl":
        from whatran.sinks.jsonl import JsonLines  # noqa: PLC0415 (only when chosen)

        return JsonLines(output).write  # type: ignore[return-value]
    from whatran.baseline.text import write  # noqa: PLC0415 (only when chosen)

    return lambda new: write(new, output)  # type: ignore[arg-type]


def _watch(options: _Options, make: Make, take: Callable[[list[Seen]], object], *, ours: bool) -> int:
    """Until a signal or the time says stop; how many records were lost."""
    observer = make(command=False)
    wanted = {**options.scope, "timeout": options.timeout, "source": options.source, "ring_bytes": options.buffer}
    with open_watch(None, observer, wanted, ours=ours) as watching:
        hint("checking what runs; Ctrl-C ends")

        def stop(number: signal.Signals) -> None:
            signal.signal(number, signal.SIG_DFL)  # a second one ends us at once, whatever we are waiting for
            watching.stop()

        with handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), stop)):
            follow(watching, Taking(observer, take))
        return say_lost(watching)


def _say_totals(checker: Checker) -> None:
    counts = checker.counts
    known = f"{counted(counts['known'], 'exec', 'execs')} as the baseline has it"
    if not counts["new"]:
        say(f"nothing new, {known}")
        return
    times = f", {counts['new']} times in all" if counts["new"] > counts["told"] else ""
    say(f"{counts['told']} new{times}; {known}", style=RED)


def _parser() -> Parser:
    parser = Parser(
        "whatran check",
        __doc__,
        usage="whatran check [OPTION]... BASELINE [FILE]...\n"
        "       whatran check [OPTION]... BASELINE -- COMMAND [ARGUMENT]...",
    )
    parser.add_argument("baseline", metavar="BASELINE", help="what is permitted, as whatran learn has written it")
    add_inputs(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text; jsonl: one JSON object for each new thing (default: %(default)s)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help='where to write, "-" being standard output (default: standard output; with a command: standard error)',
    )
    only = parser.add_argument_group("what is watched, without FILE and COMMAND", "Each can be repeated.")
    add_scope(only)
    add_left_out(only)
    add_source(parser.add_argument_group("what is captured"))
    add_verbose(parser)
    return parser
