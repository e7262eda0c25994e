"""The process tree, drawn when all is over."""

from __future__ import annotations

import itertools
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from whatran.event import Alert, Event, Exec, ExecFailed, Fork, Gap
from whatran.process.lives import Failure, Lives
from whatran.process.tree import build
from whatran.sinks.output import DIM, RED, YELLOW
from whatran.sinks.text import (
    colour,
    columns,
    command,
    counted,
    duration,
    escape,
    fit,
    missing,
    pad,
    reason,
    size,
    status,
    warning,
)
from whatran.wire.gaps import RATE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from whatran.process.lives import Key, Life, Program
    from whatran.process.tree import Tree
    from whatran.sinks.output import Output

MAX_INDENT = 64
"""Levels that are drawn; whatever is deeper says its depth instead, or a deep chain would take quadratic space."""


class TreeView:
    """Collects lives and draws who started what: one line a process, children under their creator by start.

    What was executed is what is shown. A process that only forked is drawn, as ``(fork) COMM``, when something
    below it executed (so that nobody is shown under another's creator) or when it failed: that is a command not
    found (127) or a crash, which is what one looks for; or when it had not ended. The many subshells that just
    end well would only hide the rest; the last line counts them.
    """

    due = None

    def __init__(self, output: Output, limit: int | None = None, *, filtered: bool = False) -> None:
        self._output = output
        self._left = limit
        self._lives = Lives(filtered=filtered)
        self._ended: list[Life] = []
        self._gaps: list[Gap] = []
        self._alerts: list[Alert] = []

    def write(self, events: Sequence[Event]) -> int:
        execs = 0
        for event in events:
            if self._left == 0 and isinstance(event, Exec | ExecFailed | Fork):
                continue
            self._ended += self._lives(event)
            if isinstance(event, Gap):
                self._gaps.append(event)
            elif isinstance(event, Alert):
                self._alerts.append(event)
            elif isinstance(event, Exec):
                execs += 1
                if self._left is not None:
                    self._left -= 1
        return execs

    def release(self, now_boot_ns: int) -> int:
        return 0

    def close(self) -> int:
        tree = build([*self._ended, *self._lives.finish()])
        shown = _shown(tree, lost=bool(self._gaps))
        gaps = (self._output.paint(missing(gap), YELLOW) for gap in self._gaps)
        alerts = (self._output.paint(warning(alert), colour(alert)) for alert in self._alerts)
        notes = self._notes()
        # Where alerts are all that was asked for there is no tree to speak of.
        summary = _summary(tree, shown, notes) if tree.lives or not self._alerts else "; ".join(notes)
        self._output.write_lines(itertools.chain(_draw(tree, shown, self._output), gaps, alerts, [summary]))
        return 0

    def _notes(self) -> list[str]:
        """What is to be known of the tree as a whole."""
        notes = []
        left_out = sum(gap.count for gap in self._gaps if gap.reason == RATE_LIMIT)
        lost = sum(gap.count for gap in self._gaps) - left_out
        for count, what in ((lost, "lost"), (left_out, "left out")):
            if count:
                notes.append(self._output.paint(f"{counted(count, 'record', 'records')} {what}", YELLOW))
        if self._alerts:
            worst = RED if RED in map(colour, self._alerts) else YELLOW
            notes.append(self._output.paint(counted(len(self._alerts), "alert", "alerts"), worst))
        if self._left == 0:
            notes.append("no more execs were to be shown")
        return notes


def _draw(tree: Tree, shown: Collection[Key], output: Output) -> Iterator[str]:
    if not shown:
        return
    width = output.width
    indent = MAX_INDENT if width is None else min(MAX_INDENT, width // 6)  # at 3 columns a level: half of the line
    end_width = max(map(columns, {"EXIT", *(_end(tree.lives[key]) for key in shown)}))
    yield output.paint(f"DURATION  {pad('EXIT', end_width)}  COMMAND", DIM)

    # A stack, no recursion: chains of processes can be longer than Python's stack.
    roots = tree.children.get(None, ())
    stack = [(life, 0, "", "") for life in reversed(roots) if life.key in shown]
    while stack:
        life, depth, branch, below = stack.pop()
        label = branch + (f"(depth {depth}) " if depth > indent else "") + _label(life)
        if width is not None:
            label = fit(label, width - len("DURATION  ") - end_width - 2)
        took = pad(_took(life), len("DURATION"), right=True)
        end = pad(_end(life), end_width)
        yield f"{output.paint(took, DIM)}  {output.paint(end, RED) if life.failed else end}  {label}"
        children = [child for child in tree.children.get(life.key, ()) if child.key in shown]
        for index, child in enumerate(reversed(children)):
            last = index == 0
            if depth < indent:
                entry = (below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))
            else:
                entry = (branch, below)
            stack.append((child, depth + 1, *entry))


def _shown(tree: Tree, *, lost: bool) -> set[Key]:
    shown: set[Key] = set()
    for key, life in reversed(tree.lives.items()):  # a creator comes before its children, so here after them
        no_end = life.exit_code is None and not life.older
        below = (child.key in shown for child in tree.children.get(key, ()))
        executed = life.programs or life.failures or (lost and life.unseen_execs)
        if executed or life.failed or no_end or any(below):
            shown.add(key)
    return shown


def _label(life: Life) -> str:
    # In the order of time, as far as an exec shows it: a failure keeps the program that made the attempt.
    steps: list[Program | Failure] = [*life.programs, *life.failures]
    steps.sort(key=attrgetter("timestamp_boot"))
    names = list(map(_step, steps))
    if not life.programs:
        what = "already running" if life.older else "exec not seen" if life.unseen_execs else "fork"
        names.insert(0, f"({what}) {escape(life.comm)}")
    elif life.unseen_execs:
        names.append(f"({counted(life.unseen_execs, 'exec', 'execs')} not seen)")
    if more := life.failed_execs - len(life.failures):
        names.append(f"({more} more failed)")
    label = " → ".join(names)
    return f"(adopted by {life.ppid} {escape(life.ppid_comm)}) {label}" if life.adopted else label


def _step(step: Program | Failure) -> str:
    if isinstance(step, Failure):
        # A search of PATH is known by its name, a single attempt by its path.
        if not step.tried and step.cmdpath and step.argv:
            step = replace(step, argv=[step.cmdpath, *step.argv[1:]])
        return f"{command(step)} ({reason(step)})"
    return f"{command(step)} (found later)" if step.repaired else command(step)


def _took(life: Life) -> str:
    if life.duration is not None:
        return duration(_until(life) - _since(life))
    return {True: "running", None: "running?", False: "unknown"}[life.running]


def _end(life: Life) -> str:
    return status(life) if life.failed else ""


def _since(life: Life) -> int:
    """Since when it is followed, in ns since boot: its fork, or its first exec where its fork was not seen."""
    return life.programs[0].timestamp_boot if life.programs and life.creator is None else life.start_time


def _until(life: Life) -> int:
    """Until when it is known to have been there, in ns since boot."""
    if life.duration is not None:
        return life.start_time + life.duration
    return life.programs[-1].timestamp_boot if life.programs else life.start_time


def _summary(tree: Tree, shown: Collection[Key], notes: Sequence[str]) -> str:
    new = [life for life in tree.lives.values() if not life.older]
    parts = [
        counted(len(new), "process", "processes"),
        counted(sum(len(life.programs) for life in new), "exec", "execs"),
        f"{sum(life.failed for life in new)} failed",
        duration(max(map(_until, new)) - min(map(_since, new)) if new else 0),
    ]
    ended = [life for life in new if life.exit_code is not None]
    used = f" ({_used(tree, ended)})" if ended else ""
    hidden = [life for life in new if life.key not in shown]
    unseen = sum(life.unseen_execs > 0 for life in hidden)
    all_notes = list(notes)
    if forks := len(hidden) - unseen:
        all_notes.append(f"{counted(forks, 'fork', 'forks')} without exec not shown")
    if unseen:
        all_notes.append(f"{counted(unseen, 'process', 'processes')} with other execs not shown")
    return "; ".join([", ".join(parts) + used, *all_notes])


def _used(tree: Tree, ended: Sequence[Life]) -> str:
    """What processes that have ended used, all together; and the most memory that one of them had."""
    user, system = (sum(getattr(life, name) for life in ended) for name in ("user_time", "system_time"))
    parts = [f"user {duration(user)}", f"system {duration(system)}"]
    if sizes := [life.max_rss for life in ended if life.max_rss is not None and _made_here(tree, life)]:
        parts.append(f"largest {size(max(sizes))}")
    return ", ".join(parts)


def _made_here(tree: Tree, life: Life) -> bool:
    """Whether its creator is one of the new ones: until its exec a process holds what its creator does.

    So what the command itself held at the most is mainly what whatran does.
    """
    creator = tree.lives.get(life.creator) if life.creator else None
    return creator is not None and not creator.older
