"""The report: one page of HTML that shows all that was collected; pure."""

from __future__ import annotations

from html import escape as markup
from typing import TYPE_CHECKING

from whatran.report.encode import encode
from whatran.report.shell import asset, page
from whatran.sinks.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whatran.report.collect import Collected

SCRIPTS = (
    *("data.js", "format.js", "model.js", "search.js", "view.js", "paint.js", "timeline.js", "overview.js"),
    *("tree.js", "table.js", "details.js", "pointer.js", "keys.js", "main.js"),
)
"""What the page runs, in this order, as one script."""


def report(title: str, facts: Mapping[str, str], collected: Collected) -> str:
    """The page; ``facts`` are shown at its head, each by its name."""
    head = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts.items())
    return page(
        f"{escape(title)} · whatran",
        asset("page.html").replace("<!-- title -->", _text(title)).replace("<!-- facts -->", head),
        style=asset("page.css"),
        script="".join(map(asset, SCRIPTS)),
        data={"data": encode(collected)},
    )


def _text(text: str) -> str:
    return markup(escape(text))
