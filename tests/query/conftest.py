"""Where results are written in tests; outputs are those of the sinks."""

from tests.sinks.conftest import colour_terminal, file, terminal

__all__ = ["colour_terminal", "file", "terminal"]
