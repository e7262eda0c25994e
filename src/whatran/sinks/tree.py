"""The process tree, drawn when all is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.event import Event, Exec, Fork, Gap
from whatran.process.tree import Process, Tree, build
from whatran.sinks.output import DIM, RED, YELLOW
from whatran.sinks.text import columns, command, duration, escape, fit, missing, pad, status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whatran.process.tree import Key
    from whatran.sinks.output import Output

MAX_INDENT = 64
"""Levels that are drawn; whatever is deeper says its depth instead, or a deep chain would take quadratic space."""

LINES_A_WRITE = 1000


class TreeView:
    """Collects events and draws who started what: one line a process, children under their creator by start.

    What was executed is what is shown. A process that only forked is drawn, as ``(fork) COMM``, when something
    below it executed (so that nobody is shown under another's creator) or when it failed: that is a command not
    found (127) or a crash, which is what one looks for; or when it had not ended. The many subshells that just
    end well would only hide the rest; the last line counts them.
    """

    due = None

    def __init__(self, output: Output, limit: int | None = None) -> None:
        self._output = output
        self._left = limit
        self._events: list[Event] = []

    def write(self, events: Sequence[Event]) -> int:
        execs = 0
        for event in events:
            if self._left == 0 and isinstance(event, Exec | Fork):
                continue
            self._events.append(event)
            if isinstance(event, Exec):
                execs += 1
                if self._left is not None:
                    self._left -= 1
        return execs

    def release(self, now_boot_ns: int) -> int:
        return 0

    def close(self) -> int:
        tree = build(self._events)
        lines: list[str] = []
        for line in _draw(tree, self._output):
            lines.append(line + "\n")
            if len(lines) == LINES_A_WRITE:
                self._output.write_text("".join(lines))
                lines.clear()
        gaps = [self._output.paint(missing(event), YELLOW) for event in self._events if isinstance(event, Gap)]
        self._output.write_text("".join(lines) + "\n".join([*gaps, _summary(tree, self._events)]) + "\n")
        return 0


def _draw(tree: Tree, output: Output) -> Iterator[str]:
    shown = _shown(tree)
    if not shown:
        return
    width = output.width
    indent = MAX_INDENT if width is None else min(MAX_INDENT, width // 6)  # at 3 columns a level: half of the line
    ends = {key: _end(tree.processes[key]) for key in shown}
    end_width = max(len("EXIT"), *map(columns, ends.values()))
    yield output.paint(f"DURATION  {pad('EXIT', end_width)}  COMMAND", DIM)

    # A stack, no recursion: chains of processes can be longer than Python's stack.
    roots = tree.children.get(None, ())
    stack = [(process, 0, "", "") for process in reversed(roots) if process.key in shown]
    while stack:
        process, depth, branch, below = stack.pop()
        label = branch + (f"(depth {depth}) " if depth > indent else "") + _label(process)
        if width is not None:
            label = fit(label, width - len("DURATION  ") - end_width - 2)
        ended = process.exit
        took = duration(ended.timestamp_boot - process.began) if ended else "running"
        took = pad(took, len("DURATION"), right=True)
        end = pad(ends[process.key], end_width)
        yield f"{output.paint(took, DIM)}  {output.paint(end, RED) if process.failed else end}  {label}"
        children = [child for child in tree.children.get(process.key, ()) if child.key in shown]
        for index, child in enumerate(reversed(children)):
            last = index == 0
            if depth < indent:
                entry = (below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))
            else:
                entry = (branch, below)
            stack.append((child, depth + 1, *entry))


def _shown(tree: Tree) -> set[Key]:
    shown: set[Key] = set()
    for key in reversed(tree.processes):  # a creator comes before its children, so here after them
        process = tree.processes[key]
        if process.execs or process.failed or process.running or key in shown:
            shown.add(key)
            if process.creator is not None:
                shown.add(process.creator)
    return shown


def _label(process: Process) -> str:
    if process.execs:
        return " → ".join(map(command, process.execs))
    return f"({'already running' if process.older else 'fork'}) {escape(process.comm)}"


def _end(process: Process) -> str:
    return status(process.exit) if process.exit and process.failed else ""


def _summary(tree: Tree, events: Sequence[Event]) -> str:
    new = [process for process in tree.processes.values() if not process.older]
    times = [event.timestamp_boot for event in events]
    parts = [
        _count(len(new), "process", "processes"),
        _count(sum(len(process.execs) for process in new), "exec", "execs"),
        f"{sum(process.failed for process in new)} failed",
        duration(max(times) - min(times) if times else 0),
    ]
    drawn = _shown(tree)
    hidden = sum(process.key not in drawn for process in new)
    note = f" ({_count(hidden, 'fork', 'forks')} without exec not shown)" if hidden else ""
    return ", ".join(parts) + note


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
