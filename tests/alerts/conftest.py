"""Receivers of our own, which say what really came."""

import contextlib
import http.server
import json
import ssl
import sys
import threading
import time
from pathlib import Path

import pytest

from whatran.alerts import sender, serve
from whatran.alerts.deliver import Delivery
from whatran.cli.messages import logging_to_stderr

TLS = Path(__file__).parent.parent / "data/tls"


@pytest.fixture(autouse=True)
def _stderr(capfd, monkeypatch):
    """What is logged goes to the descriptor, which the processes of receivers have too, as whatran's own does."""
    with open(2, "w", buffering=1, closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with logging_to_stderr(0):
            yield


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """What is tried again is at once: receivers' processes have this from ours. Nobody says that it takes long here."""
    monkeypatch.setattr(serve, "FIRST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(sender, "TELL_SECONDS", 3600)


class Web:
    """An HTTP server on loopback: what was posted to it, and the statuses it answers, the last of them for ever.

    It begins to serve when it is told to: no thread may be there when a receiver's process is forked off.
    """

    def __init__(self, *, tls=False):
        self.posts = []
        self.answers = [200]
        self.headers = {}
        self.body = b""
        self.hanging = threading.Event()
        self.hanging.set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.handle_error = lambda *_: None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def events(self):
        return [json.loads(body) for _, _, body in self.posts]

    def start(self):
        self._thread.start()

    def close(self):
        self.hanging.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _handler(web):  # noqa: N805  # it is the other's
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.posts.append((self.path, dict(self.headers), body))
                web.hanging.wait()
                status = web.answers.pop(0) if len(web.answers) > 1 else web.answers[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(web.body)), **web.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(web.body)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def web():
    """Makes HTTP servers."""
    made = []

    def make(**given):
        made.append(Web(**given))
        return made[-1]

    yield make
    for each in made:
        each.close()


def deliver(receivers, alerts, *, rate=10, meanwhile=lambda: None):
    """Delivers them all, to the end; the Delivery."""
    with Delivery(receivers, rate) as delivery:
        meanwhile()
        delivery.write(alerts)
    return delivery


def counts(delivery):
    """Of each receiver: delivered, failed, dropped."""
    return [(sender.delivered, sender.failed, sender.dropped) for sender in delivery.senders]


def until(condition):
    """Waits for it."""
    while not condition():
        time.sleep(0.01)


def lives(pid):
    """Whether there is such a process that has not ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
