"""Signals, as the process of a receiver has them."""

from __future__ import annotations

import signal

END = signal.SIGRTMIN
"""Has it end at once: one that nobody sends to whatran."""

IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Those that are for whoever watches."""
