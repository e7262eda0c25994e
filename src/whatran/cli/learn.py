"""Learn from recordings, or from a command that is run, who may start what: a baseline for whatran check.

The file is short and made to be read, edited and kept in version control. What changes
from run to run is generalised: --explain says what and why, --keep and --exact have less
of it, and two recordings of the same give the same file. What a baseline that is given
with --merge has, with comments and all, stays as it is.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.cli.messages import logging_to_stderr, say, say_lines
from whatran.cli.newfile import add_overwrite, is_same_file, new_file
from whatran.cli.observing import Following, add_inputs, followed, recorded, split
from whatran.cli.options import add_source, add_verbose
from whatran.cli.parser import Parser
from whatran.cli.replacing import add_keep, rules_help
from whatran.cli.running import caller_of
from whatran.errors import BaselineError, UsageError
from whatran.sinks.output import Output
from whatran.sinks.text import counted, escape, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whatran.baseline.hashes import Hashes
    from whatran.baseline.learn import Learner
    from whatran.baseline.model import Baseline, Rule, Settings
    from whatran.baseline.observe import Observer
    from whatran.baseline.write import Layout
    from whatran.cli.observing import Seen
    from whatran.volatile.patterns import Replaced

EXAMPLES = 3


class _Options(argparse.Namespace):
    file: list[str]
    output: str
    overwrite: bool
    merge: list[str]
    prune: bool
    hash: bool
    explain: bool
    as_root: bool
    exact: bool
    keep: list[str]
    depth: int | None
    verbose: int


def main(argv: Sequence[str], *, ours: bool) -> int:
    """Learn; the command's status, or 2 where a recording could not be read whole."""
    before, command = split(argv)
    options = _parser().parse_intermixed_args(before, namespace=_Options())
    if command and options.file:
        raise UsageError("recordings or a command to run, not both: learn from one, and --merge that with the other")
    if not (command or options.file or options.merge):
        raise UsageError("nothing to learn from: give recordings, or a command as in: whatran learn -- make")
    if options.prune and not (options.merge and (options.file or command)):
        raise UsageError("--prune takes out of a baseline what was not used: give that with --merge, and recordings")

    from whatran.baseline.hashes import Hashes  # noqa: PLC0415 (not for --help)
    from whatran.baseline.learn import Learner  # noqa: PLC0415 (not for --help)
    from whatran.baseline.observe import Observer  # noqa: PLC0415 (not for --help)
    from whatran.baseline.write import render  # noqa: PLC0415 (not for --help)

    base, layout = _base(options)
    account = caller_of(as_root=options.as_root) if command else None
    log: set[Replaced] = set()
    hashes = Hashes() if options.hash else None
    learner = Learner(base)

    def make(*, command: bool) -> Observer:
        return Observer(base.settings, command=command, sha256=hashes, log=log)

    def take(seen: list[Seen]) -> None:
        for each in seen:
            learner(each.observation)

    if account and ours:
        from whatran.cli.privileges import write_as  # noqa: PLC0415 (not for --help)

        write_as(account)
    with logging_to_stderr(options.verbose), ExitStack() as stack:
        path = None
        if options.output != "-":
            own = any(is_same_file(options.output, each) for each in options.merge)
            mode = Path(options.output).stat().st_mode & 0o777 if own else None
            overwrite = options.overwrite or own
            owner = (account.uid, account.gid) if account else None
            path = stack.enter_context(new_file(options.output, overwrite=overwrite, inputs=options.file, owner=owner))
            if mode is not None:
                path.chmod(mode)
        if command:
            how = Following(account, ours, files_to_come=path is not None and account is None)
            result = followed(command, options, how, make, take).status
        else:
            result = recorded(options.file, make, take).status if options.file else 0
        text = render(learner.baseline(prune=options.prune), layout)
        if path is None:
            Output.stdout().write_text(text)
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    if options.explain:
        say_lines([*_explanation(log)])
    _say_totals(options, learner, hashes)
    return result


def _base(options: _Options) -> tuple[Baseline, Layout | None]:
    """What is there already."""
    from whatran.baseline.learn import merge  # noqa: PLC0415 (not for --help)
    from whatran.baseline.model import Baseline  # noqa: PLC0415 (not for --help)

    wanted = _settings(options)
    if not options.merge:
        return Baseline(wanted), None
    found = [read_baseline(path) for path in options.merge]
    base, layout = merge(baseline for baseline, _ in found), found[0][1]
    if (options.exact or options.keep or options.depth is not None) and wanted != base.settings:
        raise UsageError(
            f"{options.merge[0]} was learned with another depth, or other rules: leave out --depth, --exact and --keep"
        )
    return base, layout


def _settings(options: _Options) -> Settings:
    from whatran.baseline.generalise import RULES  # noqa: PLC0415 (not for --help)
    from whatran.baseline.model import DEPTH, Settings  # noqa: PLC0415 (not for --help)

    rules = () if options.exact else tuple(rule for rule in RULES if rule not in options.keep)
    return Settings(DEPTH if options.depth is None else options.depth, rules)


def read_baseline(name: str) -> tuple[Baseline, Layout]:
    """What a file says."""
    from whatran.baseline.read import parse  # noqa: PLC0415 (not for --help)
    from whatran.baseline.yamltree import MOST_CHARACTERS  # noqa: PLC0415 (not for --help)
    from whatran.recording.format import MAGIC  # noqa: PLC0415 (not for --help)

    try:
        with Path(name).open("rb") as file:
            data = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from error
    if data.startswith(MAGIC):
        raise UsageError(f"{name} is a recording, not a baseline: whatran learn makes one of it")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise BaselineError([f"{name}:{line}:{column}: this is no UTF-8"]) from None
    return parse(text, name)


def _explanation(log: Iterable[Replaced]) -> Iterable[str]:
    """Of each replacement by what rule, and of what."""
    from whatran.baseline.generalise import RULES  # noqa: PLC0415 (not for --help)

    found: dict[tuple[str, str], list[str]] = {}
    for it in sorted(log):
        found.setdefault((it.rule, it.by), []).append(it.text)
    for rule, why in RULES.items():
        if mine := {by: texts for (of, by), texts in found.items() if of == rule}:
            yield f"{rule}: {why.replace('`', '')}"
            for by, texts in mine.items():
                shown = ", ".join(map(escape, texts[:EXAMPLES]))
                more = f" and {len(texts) - EXAMPLES} more" if len(texts) > EXAMPLES else ""
                yield f"  {escape(by)} for {shown}{more}"


def _say_totals(options: _Options, learner: Learner, hashes: Hashes | None) -> None:
    if options.prune:
        say_lines([f"pruned: {_line(rule)}" for rule in sorted(learner.unused, key=repr)])
    if hashes and hashes.unknown:
        few = ", ".join(sorted(hashes.unknown)[:EXAMPLES]) + (" …" if len(hashes.unknown) > EXAMPLES else "")
        what = counted(len(hashes.unknown), "program", "programs")
        say(f"of {what} the content is not in the baseline, as the file is not the one that ran: {few}")
    new = learner.new
    programs = len({rule.program.pathname for rule in new})
    say(
        f"{counted(learner.execs, 'exec', 'execs')} seen, {counted(len(new), 'command line', 'command lines')} of "
        f"{counted(programs, 'program', 'programs')} learned"
        + (f", {len(learner.unused)} pruned" if options.prune else "")
    )


def _line(rule: Rule) -> str:
    program, argv = rule
    by = f" by {' ← '.join(map(escape, program.parents))}" if program.parents else ""
    user = f", user {escape(program.user)}" if program.user else ""
    return f"{escape(program.pathname)}{by}{user}: {'any arguments' if argv is None else quote(argv)}"


def _parser() -> Parser:
    from whatran.baseline.generalise import RULES  # noqa: PLC0415 (not for other commands)

    parser = Parser(
        "whatran learn",
        __doc__,
        usage="whatran learn [OPTION]... FILE...\n       whatran learn [OPTION]... -- COMMAND [ARGUMENT]...",
        epilog=lambda: rules_help(RULES),
    )
    add_inputs(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help='where to write, "-" being standard output (the default)'
    )
    add_overwrite(parser)
    parser.add_argument(
        "--merge",
        action="append",
        default=[],
        metavar="FILE",
        help="a baseline to add to; can be repeated, and may be the one that is written",
    )
    parser.add_argument(
        "--prune", action="store_true", help="take out what nothing used that is learned from now, and say what it was"
    )
    parser.add_argument("--hash", action="store_true", help="keep the SHA-256 of each program's file, too")
    parser.add_argument(
        "--depth", type=_depth, metavar="N", help="how many parents are kept of each program, from 0 to 8 (default: 2)"
    )
    parser.add_argument("--explain", action="store_true", help="say what was generalised, and why")
    parser.add_argument("--exact", action="store_true", help="generalise nothing")
    add_keep(parser, RULES, "generalise")
    add_source(parser.add_argument_group("what is captured of a command"))
    add_verbose(parser)
    return parser


def _depth(text: str) -> int:
    if text not in tuple("012345678"):
        raise UsageError(f"{text!r} is no depth; give how many parents are to be kept, from 0 to 8")
    return int(text)
