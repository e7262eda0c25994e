"""Rules that say what of an argument is replaced, on the command line: what they are, and which are not to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whatran.cli.parser import Parser


def add_keep(parser: Parser, rules: Mapping[str, str], does: str) -> None:
    """Let some be left out; ``does`` is the verb for what they do."""
    parser.add_argument(
        "--keep",
        choices=tuple(rules),
        action="append",
        default=[],
        metavar="RULE",
        help=f"do not {does} what this rule does; can be repeated",
    )


def rules_help(rules: Mapping[str, str]) -> str:
    """A line each."""
    return "\n".join(["rules:", *(f"  {name:<12}{text.replace('`', '')}" for name, text in rules.items())])
