"""A syslog server that gets each alert, in the form of RFC 5424 with structured data."""

from __future__ import annotations

import os
import re
import select
import socket
import stat
import urllib.parse
from typing import TYPE_CHECKING

from whatran.alerts.receiver import UndeliveredError
from whatran.errors import UsageError

if TYPE_CHECKING:
    from whatran.alerts.message import Message

DEV_LOG = "/dev/log"

PORT = 514

AUTHPRIV = 10
"""The facility: who may read it may know of arguments."""

SEVERITY = {"critical": 2, "high": 3, "medium": 4, "low": 5, "informational": 6}

SD_ID = "whatran@32473"
"""The number is that of examples (RFC 5612), as whatran has none of its own."""

VALUE_BYTES = 256
"""What is told of a fact, before it is quoted: so there is always room for the line."""

MESSAGE_BYTES = 8192
"""What servers take (rsyslog) unless they are told to take more."""


class Syslog:
    """Sends each alert to a local socket, in a datagram, or over a TCP connection that is kept."""

    tries = 5
    seconds = 10.0
    executes = False

    def __init__(self, address: str) -> None:
        """A path, ``udp://HOST:PORT`` or ``tcp://HOST:PORT``; UsageError for anything else."""
        self._socket: socket.socket | None = None
        self._host, self._port = "", PORT
        self._scheme = "unix"
        self._address = address
        if address.startswith("/"):
            _check_socket(address)
        else:
            self._scheme, self._host, self._port = _parsed(address)
        self.name = f"syslog {address}"
        self._pid = os.getpid()

    def send(self, message: Message) -> None:
        data = frame(message, socket.gethostname(), self._pid)
        if self._scheme == "tcp":
            data = b"%d " % len(data) + data  # octet counting, RFC 6587
        try:
            self._connected().sendall(data)
        except OSError as error:
            if self._socket:
                self._socket.close()
                self._socket = None
            if isinstance(error, TimeoutError):
                raise
            raise UndeliveredError(error.strerror or type(error).__name__, again=True) from error

    def _connected(self) -> socket.socket:
        if self._socket and self._scheme == "tcp" and _left(self._socket):
            self._socket.close()
            self._socket = None
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        if self._scheme == "tcp":
            return socket.create_connection((self._host, self._port), self.seconds)
        family, where = self._where()
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.settimeout(self.seconds)
        try:
            made.connect(where)
        except OSError:
            made.close()
            raise
        return made

    def _where(self) -> tuple[int, tuple[object, ...] | str]:
        """The family of the socket's address, and that."""
        if self._scheme == "unix":
            return socket.AF_UNIX, self._address
        family, _, _, _, where = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
        return family, where


def _left(connection: socket.socket) -> bool:
    """Whether the server has closed it, as it says nothing else: what is sent then would be lost, and we not told."""
    try:
        return bool(select.select([connection], [], [], 0)[0]) and not connection.recv(4096)
    except OSError:  # it was reset
        return True


def frame(message: Message, host: str, pid: int) -> bytes:
    """The message as RFC 5424 has it."""
    priority = AUTHPRIV * 8 + SEVERITY.get(message.level, SEVERITY["medium"])
    params = "".join(f' {name}="{_value(text)}"' for name, text in message.facts.items() if text)
    name = re.sub(r"[^!-~]", "", host)[:255] or "-"
    head = f"<{priority}>1 {message.facts['time']} {name} whatran {pid} {message.event} [{SD_ID}{params}] "
    begin = head.encode()
    # What is not ASCII is announced as UTF-8.
    text = ("" if message.text.isascii() else "\ufeff") + message.text
    return begin + _cut(text, MESSAGE_BYTES - len(begin)).encode()


def _value(text: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", _cut(text, VALUE_BYTES))


def _cut(text: str, size: int) -> str:
    """No more than so many bytes of it."""
    return text.encode()[:size].decode(errors="ignore")


def _check_socket(path: str) -> None:
    try:
        fit = stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116  # as it was given
    except OSError as error:
        raise UsageError(
            f"--syslog {path}: {error.strerror}; give the address of a server, as udp://HOST:514"
        ) from error
    if not fit:
        raise UsageError(f"--syslog {path}: that is no socket; give the one of a syslog server, as {DEV_LOG}")


def _parsed(address: str) -> tuple[str, str, int]:
    try:
        parts = urllib.parse.urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname, PORT if parts.port is None else parts.port
        rest = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    except ValueError:
        scheme, host, port, rest = "", None, 0, ""
    if scheme not in {"udp", "tcp"} or not host or not port or rest:
        raise UsageError(
            f"--syslog {address}: no address, as udp://HOST:PORT, tcp://HOST:PORT or /SOCKET; write --syslog=ADDRESS, "
            "and -- before a command"
        )
    return scheme, host, port
