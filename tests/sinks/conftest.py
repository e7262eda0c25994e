"""Outputs to write to in tests: a file, and a terminal of 80 columns."""

import fcntl
import io
import os
import struct
import termios
import time
import tty

import pytest

from whatran.sinks.output import Output


class File:
    """A file, and the Output that writes to it."""

    def __init__(self, path):
        self.path = path
        self.output = Output.open(str(path))

    @property
    def text(self):
        return self.path.read_text("utf-8")

    @property
    def lines(self):
        return self.text.splitlines()


class Terminal:
    """A terminal, and the Output that writes to it."""

    def __init__(self):
        self._screen, self._fd = os.openpty()
        tty.setraw(self._fd)
        self.resize(80)
        self.output = Output(io.FileIO(self._fd, "w"), "terminal")

    def resize(self, width):
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("4H", 24, width, 0, 0))

    def hang_up(self):
        """Close the output; all that was written to it."""
        self.output.close()
        data = b""
        try:
            while part := os.read(self._screen, 65536):
                data += part
        except OSError:  # EIO: nobody is left to write
            pass
        os.close(self._screen)
        return data.decode("utf-8", "surrogateescape")


@pytest.fixture
def file(tmp_path):
    """A file to write to."""
    file = File(tmp_path / "out")
    with file.output:
        yield file


@pytest.fixture
def terminal(monkeypatch):
    """A terminal without colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal()


@pytest.fixture
def colour_terminal(monkeypatch):
    """A terminal with colour."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


@pytest.fixture
def utc(monkeypatch):
    """The local time is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
