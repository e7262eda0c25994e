"""An HTTP server that each alert is posted to."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from whatran._version import __version__
from whatran.alerts.message import host_name
from whatran.alerts.receiver import UndeliveredError
from whatran.errors import UsageError

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

    from whatran.alerts.message import Message

_TO_BE_TRIED_AGAIN = {408, 425, 429}
"""Client errors that pass (RFC 9110, 8470, 6585); and so do all of the server."""

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""What chats that show ``text`` take for markup: so nothing in it becomes a link, or calls everyone."""


class Webhook:
    """Posts the JSON of each alert, with ``text``, a line for people, and ``host`` before the rest."""

    tries = 5
    seconds = 10.0
    executes = False

    def __init__(self, url: str) -> None:
        """UsageError for what is no URL of a webhook; it may hold a secret, so it is not told."""
        self._url = _checked(url)
        parts = urllib.parse.urlsplit(self._url)
        self.name = f"webhook {parts.scheme}://{parts.netloc}"
        self._opener: OpenerDirector | None = None

    def send(self, message: Message) -> None:
        # Imported by the process that needs it, which is not the one that watches: this takes 50 ms.
        from http.client import HTTPException  # noqa: PLC0415
        from urllib.error import HTTPError, URLError  # noqa: PLC0415
        from urllib.request import Request  # noqa: PLC0415

        self._opener = self._opener or _opener()
        headers = {"Content-Type": "application/json", "User-Agent": f"whatran/{__version__}"}
        request = Request(self._url, body(message, host_name()), headers, method="POST")  # noqa: S310  # the scheme was checked
        try:
            # Of what it answers all that counts is the status: the rest, however long, is not read.
            self._opener.open(request, timeout=self.seconds).close()
        except HTTPError as error:
            error.close()
            raise UndeliveredError(
                _answered(error.code), again=error.code >= 500 or error.code in _TO_BE_TRIED_AGAIN
            ) from error
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                raise reason from error
            raise UndeliveredError(_said(reason), again=True) from error


def body(message: Message, host: str) -> bytes:
    """What is posted: the alert's own object, which is never empty, with two more keys.

    The line names the host too: a chat shows nothing else, and many machines may post to one.
    """
    more = {"text": f"{message.text}, on {host}".translate(_ESCAPED), "host": host}
    return msgspec.json.encode(more)[:-1] + b"," + bytes(message.json)[1:]


def _answered(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}: it is elsewhere, which is not followed; give that URL"
    return f"it answered {status}"


def _said(error: BaseException | str) -> str:
    """Why there was no answer, without anything that the other side has chosen."""
    strerror = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return f"no answer: {strerror or type(error).__name__}"


def _opener() -> OpenerDirector:
    """Verifies certificates, goes through the proxies of the environment, and follows nowhere."""
    from urllib.request import HTTPRedirectHandler, build_opener  # noqa: PLC0415 (as above)

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    return build_opener(Stay)


def _checked(given: str) -> str:
    """The URL, which stands in a file where @FILE is given."""
    if given.startswith("@"):
        try:
            given = Path(given[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--webhook {given}: {getattr(error, 'strerror', None) or 'it is no text'}") from error
    try:
        parts = urllib.parse.urlsplit(given)
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or not re.fullmatch(r"[!-~]+", given):
        raise UsageError("--webhook takes a URL that begins with https:// or http://, or @FILE with one in it")
    if "@" in parts.netloc:
        raise UsageError("--webhook takes no user and password before the name of the host")
    return given
