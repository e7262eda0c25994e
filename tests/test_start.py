"""The first lines of the command: before there is a package to be imported."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import _whatran

WHATRAN = Path(sys.executable).with_name("whatran")

WITHOUT = """
import signal, sys
class Missing:
    def find_spec(self, name, *rest):
        if name == "whatran":
            raise {error}
sys.meta_path.insert(0, Missing())
import _whatran
sys.exit(_whatran.main())
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("MemoryError", "out of memory"),
        ("OSError(24, 'Too many open files')", "[Errno 24] Too many open files"),
        ("ImportError('no such file')", "no such file"),
    ],
)
def test_what_cannot_be_imported(error, said):
    """Is one sentence and status 1."""
    code = WITHOUT.format(error=error)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (1, "", f"whatran: cannot start: {said}\n") == (done.returncode, done.stdout, done.stderr)


@pytest.fixture
def _signals():
    """Puts back what a test changes."""
    numbers = (signal.SIGINT, *_whatran.ASK)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_signals_before_there_is_anybody_to_hear_them():
    """Ctrl-C ends us as it ends others; what asks for something does nothing, and is no command's to inherit."""
    _whatran.settle_signals()

    assert signal.SIG_DFL == signal.getsignal(signal.SIGINT)
    assert [True, True] == [callable(signal.getsignal(number)) for number in _whatran.ASK]
    for number in _whatran.ASK:
        signal.raise_signal(number)


@pytest.mark.usefixtures("_signals")
def test_signals_that_are_ignored_stay_so():
    """As nohup and a shell's & have it."""
    for number in (signal.SIGINT, *_whatran.ASK):
        signal.signal(number, signal.SIG_IGN)
    _whatran.settle_signals()

    assert {signal.SIG_IGN} == {signal.getsignal(number) for number in (signal.SIGINT, *_whatran.ASK)}


def test_command_and_module_are_one():
    """Of one version."""
    shown = [
        subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        for command in ([WHATRAN], [sys.executable, "-m", "whatran"])
    ]

    assert shown[0] == shown[1]
