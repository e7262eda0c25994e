"""For all tests."""

import signal
from collections import Counter

# A shell that starts the tests in the background has SIGINT ignored, and a child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    """What was skipped and why, a line each reason: a skip is to be seen."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()))
    for reason, times in reasons.items():
        terminalreporter.write_line(f"{times} x {reason}")
