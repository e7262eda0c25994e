"""Correlation rules: what they say, and the rules that they refer to."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from whatran.rules.document import Map, RuleError, Scalar
from whatran.rules.fields import FIELDS
from whatran.rules.model import CorrelationRule, Problem
from whatran.rules.modifiers import check_known

if TYPE_CHECKING:
    from whatran.rules.document import Node
    from whatran.rules.model import Rule
    from whatran.rules.reader import Reader

MOST_COUNT = 100_000
"""So many finds have to be remembered to know."""

TYPES = ("event_count", "value_count", "temporal", "temporal_ordered")

OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "neq": "!="}

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")


def read_correlation(reader: Reader) -> CorrelationRule | None:
    """The rule that a document says, whose ``rules`` are still what it calls them."""
    about = reader.about()
    node = reader.get("correlation")
    if not isinstance(node, Map):
        if node is not None:
            reader.problems.append(Problem(node.place, "correlation is a map"))
        return None
    for key, place in node.keys.items():
        with reader.catching():
            check_known(key, _KEYS, "key of a correlation called", place)
    kind = reader.text("type", node) or ""
    if kind not in TYPES:
        place = node.entries["type"].place if "type" in node.entries else node.place
        reader.problems.append(Problem(place, f"type is one of {', '.join(TYPES)}"))
    rules = reader.texts("rules", node)
    if not rules:
        reader.problems.append(Problem(node.place, "there are no rules to correlate"))
    aliases = _aliases(reader, node.entries.get("aliases"))
    group_by = reader.texts("group-by", node)
    for name in group_by:
        with reader.catching():
            check_known(name, (*FIELDS, *aliases), "field", node.entries["group-by"].place)
    timespan = _timespan(reader, node)
    limits, fields = _limits(reader, node, kind, len(rules))
    generate = node.entries.get("generate", reader.get("generate"))
    if generate is not None and not (isinstance(generate, Scalar) and isinstance(generate.value, bool)):
        reader.problems.append(Problem(generate.place, "generate is true or false"))
    if reader.problems:
        return None
    return CorrelationRule(
        type=kind,
        rules=rules,
        group_by=group_by,
        timespan=timespan,
        limits=limits,
        fields=fields,
        aliases=aliases,
        generate=isinstance(generate, Scalar) and generate.value is True,
        **about,
    )


def _timespan(reader: Reader, node: Map) -> int:
    text = reader.text("timespan", node)
    found = re.fullmatch(r"([0-9]{1,7})([smhd])", text or "", re.ASCII)
    if not found or not int(found[1]):
        place = node.entries["timespan"].place if text else node.place
        reader.problems.append(Problem(place, "timespan is a number with s, m, h or d, as 5m"))
        return 0
    return int(found[1]) * _UNITS[found[2]] * 10**9


def _limits(reader: Reader, node: Map, kind: str, rules: int) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    given = node.entries.get("condition")
    if given is None and kind.startswith("temporal"):
        return ((">=", rules),), ()
    if given is not None and kind == "temporal_ordered":
        reader.problems.append(Problem(given.place, "temporal_ordered is about all of its rules: it has no condition"))
    if not isinstance(given, Map):
        place = given.place if given else node.place
        reader.problems.append(Problem(place, f"condition is a map of {', '.join(OPERATORS)} and a number"))
        return (), ()
    found = []
    for key, value in given.entries.items():
        if key == "field":
            continue
        with reader.catching():
            check_known(key, OPERATORS, "operator", given.keys[key])
            number = value.value if isinstance(value, Scalar) else None
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MOST_COUNT:
                raise RuleError(value.place, f"{key} has a whole number after it, {MOST_COUNT} at most")
            found.append((OPERATORS[key], number))
    if not found:
        reader.problems.append(Problem(given.place, "nothing is compared with; it is, as in gte: 10"))
    fields = reader.texts("field", given)
    if (kind == "value_count") != bool(fields):
        reader.problems.append(Problem(given.place, "value_count has a field whose values are counted, others none"))
    for name in fields:
        with reader.catching():
            check_known(name, FIELDS, "field", given.entries["field"].place)
    return tuple(found), fields


def _aliases(reader: Reader, node: Node | None) -> dict[str, dict[str, str]]:
    if node is None:
        return {}
    result: dict[str, dict[str, str]] = {}
    with reader.catching():
        if not isinstance(node, Map):
            raise RuleError(node.place, "aliases are a map")
        for alias, of_rules in node.entries.items():
            if not isinstance(of_rules, Map):
                raise RuleError(of_rules.place, "an alias is a map of rules and their fields")
            names = {rule: value.text for rule, value in of_rules.entries.items() if isinstance(value, Scalar)}
            for rule, name in names.items():
                check_known(name, FIELDS, "field", of_rules.entries[rule].place)
            result[alias] = names
    return result


def resolved(rules: list[Rule], errors: list[Problem]) -> list[Rule]:
    """The rules in an order in which each comes after those that it refers to, and does so by their ids."""
    by_name: dict[str, Rule] = {}
    for rule in rules:
        by_name[rule.id] = rule
        if rule.name:
            if rule.name in by_name and by_name[rule.name] is not rule:
                errors.append(
                    Problem(rule.place, f"name {rule.name[:80]} is that of {by_name[rule.name].place} already")
                )
            by_name.setdefault(rule.name, rule)
    wanted = {rule.id: set(rule.rules) if isinstance(rule, CorrelationRule) else set[str]() for rule in rules}
    wanting: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in wanted[rule.id]:
            wanting.setdefault(name, []).append(rule)
    done = [rule for rule in rules if not wanted[rule.id]]
    for rule in done:  # and those that are appended meanwhile
        for name in {rule.id, rule.name or rule.id}:
            for other in wanting.get(name, ()) if by_name[name] is rule else ():
                wanted[other.id].discard(name)
                if not wanted[other.id]:
                    done.append(other)
    left = [rule for rule in rules if isinstance(rule, CorrelationRule) and wanted[rule.id]]
    errors += [Problem(rule.place, _why_not(rule, by_name)) for rule in left]
    return [_by_ids(rule, by_name) if isinstance(rule, CorrelationRule) else rule for rule in done]


def _by_ids(rule: CorrelationRule, by_name: dict[str, Rule]) -> CorrelationRule:
    aliases = {
        alias: {by_name[name].id: field for name, field in names.items() if name in by_name}
        for alias, names in rule.aliases.items()
    }
    return replace(rule, rules=tuple(by_name[name].id for name in rule.rules), aliases=aliases)


def _why_not(rule: CorrelationRule, by_name: dict[str, Rule]) -> str:
    for name in rule.rules:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=1)
            hint = f"; did you mean {near[0]}?" if near else ", or something is wrong with it"
            return f"it refers to a rule {name[:80]} that is not there{hint}"
    return "it refers, over others, to itself or to a rule that cannot be had"
