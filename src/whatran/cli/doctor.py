"""Say what this machine allows, and what to do where it does not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from whatran.cli.parser import Parser
from whatran.sinks.output import RED, YELLOW, Output
from whatran.sinks.text import escape, pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whatran.source.probe import Check

_STYLES = {"no": RED, "cannot tell": YELLOW}


def main(argv: Sequence[str]) -> int:
    """Show every check and what follows; 0 when eBPF can be used, else 1."""
    Parser("whatran doctor", __doc__).parse_args(argv)

    from whatran.source import choose, probe, ptrace_probe  # noqa: PLC0415 (not for --help)

    output = Output.stdout()
    checks, unprivileged = probe.checks(), ptrace_probe.checks()
    every = [*checks, *unprivileged]
    steps = [f"  {check.name}: {check.next_step}" for check in every if check.next_step]
    blocker, ptrace_blocker = choose.ebpf_blocker(), ptrace_probe.blocker(unprivileged)
    if blocker is None:
        found = ["whatran can watch with eBPF here"]
    elif ptrace_blocker is None:
        found = [blocker, "whatran can follow commands by ptrace here, as in: whatran -- make"]
    else:
        found = [blocker, ptrace_blocker]
    lines = [
        *_table(every, output),
        "",
        *(["next steps:", *map(escape, steps), ""] if steps else []),
        *_ways(blocker),
        *map(escape, found),
    ]
    output.write_text("".join(line + "\n" for line in lines))
    return 1 if blocker else 0


def _ways(blocker: str | None) -> list[str]:
    """How to do without root; nothing for who does."""
    from whatran.cli import grants  # noqa: PLC0415 (not for --help)
    from whatran.process.users import Names  # noqa: PLC0415

    if os.geteuid() == 0:
        return [*map(escape, grants.lines()), ""]
    if blocker is None:
        return []
    names, uid, gid = Names(), os.getuid(), os.getgid()
    return [*map(escape, grants.lines(names.user(uid) or str(uid), names.group(gid) or str(gid))), ""]


def _table(checks: Sequence[Check], output: Output) -> list[str]:
    """A line each: name, answer, detail."""
    name_width = max(len(check.name) for check in checks)
    answer_width = max(len(check.answer) for check in checks)
    return [
        f"{pad(escape(check.name), name_width)}  "
        f"{output.paint(pad(check.answer, answer_width), _STYLES.get(check.answer))}  "
        f"{escape(check.detail)}".rstrip()
        for check in checks
    ]
