"""Sigma rules: those at work, those of others, and what one of them finds.

import  copy what is for execs on Linux into the directory of the rules at
        work, and say what was left out and why
list    every rule there is, in the usual places or in those given
test    what a rule finds in recordings; 1 where that is nothing

Where something is wrong with a rule that is said, and the status is 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.cli.messages import say
from whatran.cli.parser import Parser
from whatran.cli.recordings import add_files, say_missing
from whatran.errors import UsageError
from whatran.sinks import FORMATS, Show
from whatran.sinks.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whatran.rules.model import Loaded, Rule

MOST_REASONS = 10
"""Why rules were left out, by how many they were; the rest is a sum."""


class _Options(argparse.Namespace):
    do: Callable[[_Options], int]
    directory: str
    path: list[str]
    rule: str
    file: list[str]
    format: str


def main(argv: Sequence[str]) -> int:
    """Do it; the exit status."""
    options = _parser().parse_args(argv, namespace=_Options())
    return options.do(options)


def _import(options: _Options) -> int:
    from whatran.rules.importing import import_rules  # noqa: PLC0415 (not for --help)
    from whatran.rules.places import imported  # noqa: PLC0415

    target = imported()
    if not options.directory:
        raise UsageError("cannot read rules: '' is no path")
    found = import_rules(Path(options.directory), target)
    for problem in found.errors:
        say(str(problem))
    lines = [f"{_counted(found.rules, 'rule')} imported to {target}, {found.left_out.total()} left out"]
    reasons = found.left_out.most_common()
    lines += [f"  {number:>6}  {reason}" for reason, number in reasons[:MOST_REASONS]]
    if rest := reasons[MOST_REASONS:]:
        lines.append(f"  {sum(number for _, number in rest):>6}  for other reasons of the kind")
    _print(lines)
    return int(bool(found.errors) or not found.rules)


def _list(options: _Options) -> int:
    from whatran.query.grid import Cell, Grid  # noqa: PLC0415 (not for --help)
    from whatran.sinks.output import RED, YELLOW  # noqa: PLC0415
    from whatran.sinks.text import GRAVE, escape  # noqa: PLC0415

    loaded = _loaded(options.path)
    rows = [
        [
            Cell(rule.level, RED if rule.level in GRAVE else YELLOW if rule.level == "medium" else None),
            *(Cell(escape(text)) for text in (rule.id, rule.title, " ".join(rule.attack), rule.place.file)),
        ]
        for rule in loaded.rules
    ]
    Grid(Output.stdout(), ("LEVEL", "ID", "TITLE", "ATTACK", "FILE"), [False] * 5, rows)
    return _say_errors(loaded)


def _test(options: _Options) -> int:
    from whatran.cli.ruling import OnlyAlerts  # noqa: PLC0415 (not for --help)
    from whatran.event import Alert, Exec  # noqa: PLC0415
    from whatran.replaying import replay  # noqa: PLC0415
    from whatran.rules.engine import Engine, with_those_it_needs  # noqa: PLC0415
    from whatran.rules.load import mode_at  # noqa: PLC0415

    is_path = not options.rule or mode_at(Path(options.rule)) is not None
    loaded = _loaded([options.rule] if is_path else [])
    wanted = loaded.rules if is_path else _called(options.rule, loaded.rules)
    if not wanted:
        _say_errors(loaded)
        if is_path:
            raise UsageError("no rule is left that could be held against anything")
        raise UsageError(f"no rule has the path, id or title {options.rule!r}; `whatran rules list` has all")
    broken = _say_errors(loaded) if is_path else 0
    execs = alerts = 0
    with replay(options.file, rules=Engine(with_those_it_needs(wanted, loaded.rules))) as replaying:
        sink = OnlyAlerts(FORMATS[options.format](Output.stdout(), Show(live=False)))
        for events in replaying.batches():
            execs += sum(isinstance(event, Exec) for event in events)
            alerts += sum(isinstance(event, Alert) for event in events)
            sink.write(events)
        sink.close()
    say(f"{_counted(alerts, 'alert')} in {_counted(execs, 'exec')}")
    return say_missing(replaying) or broken or int(not alerts)


def _called(name: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Those that have this id, or this title."""
    return tuple(rule for rule in rules if rule.id == name) or tuple(
        rule for rule in rules if rule.title.lower() == name.lower()
    )


def _loaded(paths: Sequence[str]) -> Loaded:
    from whatran.cli.ruling import loaded_of  # noqa: PLC0415 (not for --help)

    return loaded_of(paths or [None])


def _say_errors(loaded: Loaded) -> int:
    for problem in loaded.errors:
        say(str(problem))
    return int(bool(loaded.errors))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _print(lines: Sequence[str]) -> None:
    from whatran.sinks.text import escape  # noqa: PLC0415 (not for --help)

    Output.stdout().write_lines([escape(line) for line in lines])


def _parser() -> Parser:
    parser = Parser("whatran rules", __doc__, usage="whatran rules import DIR | list [PATH]... | test RULE FILE...")
    actions = parser.add_subparsers(required=True, metavar="import|list|test", help=argparse.SUPPRESS)
    for name, do, about in (
        ("import", _import, "Copy the rules for execs on Linux that are in a directory."),
        ("list", _list, "List rules: of files and directories, or of the usual places."),
        ("test", _test, "Show what a rule finds in recordings."),
    ):
        action = actions.add_parser(name, prog=f"whatran rules {name}", description=about)
        action.set_defaults(do=do)
        if name == "import":
            action.add_argument("directory", metavar="DIR", help="with all below it")
        elif name == "list":
            action.add_argument("path", nargs="*", metavar="PATH", help="a file, or a directory with all below it")
        else:
            action.add_argument("rule", metavar="RULE", help="its file, its id or its title")
            add_files(action)
            action.add_argument("--format", choices=("table", "jsonl"), default="table", help="(default: %(default)s)")
    return parser
