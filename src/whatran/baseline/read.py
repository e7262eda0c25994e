"""The text of a file to a baseline: all that is wrong with it is told at once; pure."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from whatran.baseline.generalise import RULES
from whatran.baseline.model import VERSION, Baseline, Program, Rule, Settings
from whatran.baseline.write import Layout, Written
from whatran.baseline.yamltree import List, Map, Node, Text, Unreadable, tree
from whatran.errors import BaselineError
from whatran.process.executables import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

KEYS = ("whatran_baseline", "depth", "generalised", "allowed")
ENTRY_KEYS = (*Program._fields, "argv")
MOST_PROBLEMS = 100


def parse(text: str, name: str) -> tuple[Baseline, Layout]:
    """What the text of a file of that name says, and how it is laid out; BaselineError where it is none."""
    reader = _Reader(text)
    try:
        read = reader.read()
    except Unreadable as error:
        reader.problem(error, str(error))
        read = None
    if reader.problems or read is None:
        found = [f"{name}:{line + 1}:{column + 1}: {why}" for line, column, why in sorted(reader.problems)]
        more = [f"{name}: and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
        raise BaselineError([*found[:MOST_PROBLEMS], *more])
    return read


class _Reader:
    def __init__(self, text: str) -> None:
        self.problems: list[tuple[int, int, str]] = []
        self._text = text

    def problem(self, at: Node | Unreadable, why: str) -> None:
        self.problems.append((at.line, at.column, why))

    def read(self) -> tuple[Baseline, Layout] | None:
        root = tree(self._text)
        fields = self._fields(root or Text(0, 0, 0, ""), KEYS, "a baseline")
        version = fields.get("whatran_baseline")
        if version is None:
            if not self.problems:
                self.problem(root or Text(0, 0, 0, ""), f"this is no baseline: it lacks whatran_baseline: {VERSION}")
            return None
        if not isinstance(version, Text) or version.value != str(VERSION):
            self.problem(version, f"this whatran reads whatran_baseline: {VERSION}, and no other")
            return None
        settings = Settings(self._depth(fields.get("depth")), self._generalised(fields.get("generalised")))
        allowed = fields.get("allowed")
        entries = self._list(allowed, "allowed", "entries") if allowed else []
        rules = [self._entry(entry) for entry in entries]
        if self.problems:
            return None
        found = [(program, argvs) for program, argvs in rules if program]
        baseline = Baseline(settings, frozenset(Rule(program, argv) for program, argvs in found for argv in argvs))
        return baseline, _layout(self._text, allowed, entries, found)

    def _depth(self, node: Node | None) -> int:
        if node is None:
            return Settings().depth
        text = self._string(node, "depth")
        if not re.fullmatch("[0-9]", text) or int(text) > MAX_DEPTH:
            self.problem(node, f"depth is how many parents are told, from 0 to {MAX_DEPTH}")
            return 0
        return int(text)

    def _generalised(self, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return Settings().generalised
        items = self._list(node, "generalised", "names of rules")
        names = [self._string(item, "a rule") for item in items]
        for name, item in zip(names, items, strict=True):
            if name not in RULES:
                self.problem(item, _unknown("rule", name, RULES))
        return tuple(rule for rule in RULES if rule in names)

    def _entry(self, node: Node) -> tuple[Program | None, tuple[tuple[str, ...] | None, ...]]:
        fields = self._fields(node, ENTRY_KEYS, "an entry")
        texts = {
            name: self._string(fields[name], name)
            for name in ("pathname", "script_pathname", "user", "container_image", "sha256")
            if name in fields
        }
        if isinstance(node, Map) and "pathname" not in fields:
            self.problem(node, "the entry has no pathname: say which program may run, '*' for any")
        if "sha256" in texts and not re.fullmatch("[0-9a-f]{64}", texts["sha256"]):
            self.problem(fields["sha256"], "sha256 has 64 hexadecimal digits, in small letters")
        parents = None
        if "parents" in fields:
            parents = self._texts(fields["parents"], "parents")
        argvs: tuple[tuple[str, ...] | None, ...] = (None,)
        if "argv" in fields:
            items = self._list(fields["argv"], "argv", "lists, one for each command line")
            argvs = tuple(self._texts(item, "each of argv") for item in items)
            if not argvs:
                self.problem(fields["argv"], "argv is empty, which permits nothing: leave it out for any arguments")
        if self.problems:
            return None, ()
        program = Program(
            texts["pathname"],
            texts.get("script_pathname", ""),
            parents,
            texts.get("user"),
            texts.get("container_image", ""),
            texts.get("sha256"),
        )
        return program, argvs

    def _fields(self, node: Node, keys: Collection[str], what: str) -> dict[str, Node]:
        if not isinstance(node, Map):
            self.problem(node, f"{what} is a mapping, with {', '.join(keys)}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.items:
            name = key.value if isinstance(key, Text) else ""
            if name not in keys:
                self.problem(key, _unknown("key", name, keys))
            elif name in found:
                self.problem(key, f"{name} is given twice")
            found[name] = value
        return found

    def _list(self, node: Node, name: str, of: str) -> list[Node]:
        if isinstance(node, List):
            return node.items
        if not (isinstance(node, Text) and not node.value and name == "allowed"):  # nothing may run
            self.problem(node, f"{name} is a list of {of}")
        return []

    def _texts(self, node: Node, name: str) -> tuple[str, ...]:
        return tuple(self._string(item, f"an item of {name}") for item in self._list(node, name, "texts"))

    def _string(self, node: Node, name: str) -> str:
        if isinstance(node, Text):
            return node.value
        self.problem(node, f"{name} is a text: quote it")
        return ""


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"there is no {what} {name!r}; " + (f"did you mean {near[0]}?" if near else f"use {', '.join(known)}")


def _layout(
    text: str,
    allowed: Node | None,
    entries: list[Node],
    found: list[tuple[Program, tuple[tuple[str, ...] | None, ...]]],
) -> Layout:
    """The lines of each entry, with the comments above them."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if allowed is None:
        return Layout("".join(lines) + "allowed:\n", (), "")
    first = next(number for number in range(allowed.line, -1, -1) if re.match(r"['\"]?allowed\b", lines[number])) + 1
    if (first > allowed.line and entries) or (isinstance(allowed, List) and not entries):  # all on one line
        return Layout("".join(lines[: first - 1]) + "allowed:\n", (), "".join(lines[allowed.end + 1 :]))
    end = first
    written = []
    for node, (program, argvs) in zip(entries, found, strict=True):
        written.append(_written(lines, end, node, program, argvs))
        end = node.end + 1
    return Layout("".join(lines[:first]), tuple(written), "".join(lines[end:]))


def _written(
    lines: list[str], start: int, node: Node, program: Program, argvs: tuple[tuple[str, ...] | None, ...]
) -> Written:
    whole = "".join(lines[start : node.end + 1])
    last = node.items[-1] if isinstance(node, Map) else None
    if last is None or not isinstance(last[0], Text) or last[0].value != "argv" or not isinstance(last[1], List):
        return Written(program, argvs, whole, None)
    end = last[0].line + 1
    head = "".join(lines[start:end])
    items = []
    for item in last[1].items:
        if item.line < end:  # on the line of another
            return Written(program, argvs, whole, None)
        items.append("".join(lines[end : item.end + 1]))
        end = item.end + 1
    return Written(program, argvs, whole, head, tuple(items))
