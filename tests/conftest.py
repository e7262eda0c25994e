"""For all tests."""

import os
import signal
from collections import Counter

import pytest
from hypothesis import settings

from whatran.process.accounts import SAID_BY_CALLERS
from whatran.source import capabilities
from whatran.source.ebpf import OBJECT

# How long an example takes is no concern of a test.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A shell that starts the tests in the background has SIGINT ignored, and a child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Who calls sudo for the tests wants all commands in them to be root's.
for name in SAID_BY_CALLERS:
    os.environ.pop(name, None)


@pytest.fixture(scope="session")
def _object():
    """The kernel program is built: without a compiler for it what needs it is skipped."""
    if OBJECT.exists():
        return
    reason = "the kernel program is not built: `python hatch_build.py` says what that needs"
    (pytest.fail if os.environ.get("WHATRAN_REQUIRE_EBPF") == "1" else pytest.skip)(reason)


def pytest_terminal_summary(terminalreporter):
    """What was skipped and why, a line each reason: a skip is to be seen."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()))
    for reason, times in reasons.items():
        terminalreporter.write_line(f"{times} x {reason}")


@pytest.fixture
def closed(tmp_path):
    """A directory that we may not look into, also where we are root."""
    path = tmp_path / "closed"
    path.mkdir(0)
    had, permitted = capabilities._read("effective"), capabilities._read("permitted")
    capabilities._write(effective=had - {capabilities.DAC_OVERRIDE, capabilities.DAC_READ_SEARCH}, permitted=permitted)
    yield path
    capabilities._write(effective=had, permitted=permitted)
    path.chmod(0o700)
