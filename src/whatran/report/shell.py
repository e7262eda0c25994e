"""A page that stands alone: head, style, script and data in one file that asks no network for anything; pure."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Only this style and these scripts, known by their hashes: whatever else a browser could take for code is text. Text
# cannot become markup either: without a policy for trusted types innerHTML and its kin take nothing.
_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="whatran">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
{data}<script type="module">{script}</script>
</body>
</html>
"""


def asset(name: str) -> str:
    """The text of a file of this package."""
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


def page(title: str, body: str, *, style: str = "", script: str = "", data: Mapping[str, bytes] | None = None) -> str:
    """The page; ``body`` is markup, its strings escaped by whoever made it.

    ``style`` and ``script`` come after those that every page has: colours, and a button ``#theme`` that changes from
    light to dark. Each of ``data`` is base64 in an element of that id, which runs nothing.
    """
    style = asset("shell.css") + style
    script = asset("shell.js") + script
    return _PAGE.format(
        policy=html.escape(_POLICY.format(script=_hash(script), style=_hash(style)), quote=False),
        title=html.escape(title),
        style=style,
        body=body,
        data="".join(_data(name, blob) for name, blob in (data or {}).items()),
        script=script,
    )


def _hash(code: str) -> str:
    """The code as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def _data(name: str, blob: bytes) -> str:
    """An element that holds the blob; a script of a type that no browser runs."""
    return f'<script type="application/octet-stream" id="{name}">{base64.b64encode(blob).decode()}</script>\n'
