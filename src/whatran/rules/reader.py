"""One document of a rule file as a rule; all that is wrong with it is told at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from whatran.rules import condition as grammar
from whatran.rules.document import Items, Map, RuleError, Scalar, plain
from whatran.rules.levels import LEVELS
from whatran.rules.model import And, EventRule, Or, Place, Problem
from whatran.rules.modifiers import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from whatran.rules.document import Node
    from whatran.rules.model import Condition

PRODUCT, CATEGORY = "linux", "process_creation"

MOST_TITLE = 256


class Reader:
    """Reads one document, and keeps what is wrong with it in ``problems``."""

    def __init__(self, document: Map, placeholders: Mapping[str, Sequence[str]]) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._placeholders = placeholders

    @contextmanager
    def catching(self) -> Iterator[None]:
        """What is wrong within is noted, and what follows is read all the same."""
        try:
            yield
        except RuleError as error:
            self.problems.append(error.problem)

    def get(self, key: str) -> Node | None:
        """What stands under a key."""
        return self._document.entries.get(key)

    def text(self, key: str, within: Map | None = None) -> str | None:
        """The text under a key; None, and a problem if it is no text, where there is none."""
        node = (within or self._document).entries.get(key)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        if not isinstance(node, Scalar):
            self.problems.append(Problem(node.place, f"{key} is a text"))
            return None
        return node.text

    def texts(self, key: str, within: Map | None = None) -> tuple[str, ...]:
        """The texts of a list under a key, which may be one alone."""
        node = (within or self._document).entries.get(key)
        nodes = node.items if isinstance(node, Items) else () if node is None else (node,)
        result = []
        for each in nodes:
            if not isinstance(each, Scalar):
                self.problems.append(Problem(each.place, f"{key} is a list of texts"))
            elif each.value is not None:
                result.append(each.text)
        return tuple(result)

    def about(self) -> dict[str, Any]:
        """What a rule says of itself."""
        title = self.text("title") or ""
        if not title:
            self.problems.append(Problem(self._document.place, "there is no title"))
        elif len(title) > MOST_TITLE:
            self.problems.append(
                Problem(self._document.entries["title"].place, f"a title has {MOST_TITLE} characters at most")
            )
        level = self.text("level")
        if level is not None and level not in LEVELS:
            place = self._document.entries["level"].place
            self.problems.append(Problem(place, f"there is no level {level[:40]}: it is one of {', '.join(LEVELS)}"))
        extra = self.get("whatran")
        if extra is not None and not isinstance(extra, Map):
            self.problems.append(Problem(extra.place, "whatran is a map"))
        return {
            "title": title,
            "id": self.text("id") or title,
            "name": self.text("name"),
            "place": self._document.place,
            "level": level or "medium",
            "status": self.text("status"),
            "description": self.text("description") or "",
            "author": self.text("author"),
            "licence": self.text("license"),
            "tags": self.texts("tags"),
            "references": self.texts("references"),
            "falsepositives": self.texts("falsepositives"),
            "extra": plain(extra) if isinstance(extra, Map) else {},
        }

    def left_out(self) -> Problem | None:
        """Why it is a rule for something else, if it is one; a problem where it does not say for what."""
        source = self.get("logsource")
        if not isinstance(source, Map):
            place = source.place if source else self._document.place
            self.problems.append(Problem(place, f"there is no logsource: product {PRODUCT}, category {CATEGORY}"))
            return None
        product, category, service = (self.text(key, source) for key in ("product", "category", "service"))
        if product in {PRODUCT, None} and category == CATEGORY and service is None:
            return None
        named = "/".join(each for each in (product, category, service) if each) or "nothing"
        return Problem(source.place, f"it is for {named[:80]}, not for {PRODUCT}/{CATEGORY}")

    def rule(self) -> EventRule | None:
        """The rule, unless something is wrong with it."""
        about = self.about()
        found = self._detection()
        return None if found is None or self.problems else EventRule(condition=found, **about)

    def _detection(self) -> Condition | None:
        detection = self.get("detection")
        if not isinstance(detection, Map):
            self.problems.append(
                Problem(detection.place if detection else self._document.place, "there is no detection")
            )
            return None
        names: dict[str, Condition] = {}
        for name, node in detection.entries.items():
            if name == "timeframe":
                self.problems.append(Problem(detection.keys[name], "timeframe is Sigma 1: write a correlation"))
            elif name != "condition":
                names[name] = self._selection(node)
        conditions = detection.entries.get("condition")
        if conditions is None:
            self.problems.append(Problem(detection.place, "there is no condition"))
            return None
        parts: list[Condition] = []
        for each in conditions.items if isinstance(conditions, Items) else (conditions,):
            with self.catching():
                if not isinstance(each, Scalar) or not each.text:
                    raise RuleError(each.place, "a condition is a text")
                parts.append(grammar.parse(each.text, names, each.place))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _selection(self, node: Node) -> Condition:
        """What a search identifier stands for: of a map all, of a list one."""
        if isinstance(node, Scalar):
            return self._line("", node.place, node)
        if isinstance(node, Map):
            if not node.entries:
                self.problems.append(Problem(node.place, "nothing is selected here"))
            return And(tuple(self._line(key, node.keys[key], value) for key, value in node.entries.items()))
        if not node.items:
            self.problems.append(Problem(node.place, "nothing is selected here"))
        return Or(tuple(self._selection(item) for item in node.items))

    def _line(self, key: str, place: Place, node: Node) -> Condition:
        with self.catching():
            return line(key, place, node, self._placeholders)
        return Or(())
