"""Fixtures of the tests of the ptrace source, which everyone can run."""

import gc
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

import whatran
from tests.ebpf.conftest import open_descriptors
from tests.ebpf.programs import BUILDS, build
from tests.ebpf.truth import told
from whatran.source.ptrace_probe import blocker

OWN = {name: [f"{name}.c"] for name in ("crowd", "limit", "signals", "stops")}


@pytest.fixture(scope="session", autouse=True)
def _ptrace():
    """Skips where nobody may trace, with the reason."""
    if (reason := blocker()) is not None:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _nothing_left(_ptrace):
    """Each test leaves the open descriptors as it found them, and no children."""
    before = open_descriptors()
    yield
    gc.collect()
    assert before == open_descriptors()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def place():
    """Directory of one test that everyone may write to, with a short path."""
    name = tempfile.mkdtemp(prefix="whatran-")
    os.chmod(name, 0o777)
    yield Path(name)
    subprocess.run(["rm", "-rf", name], check=True)


@pytest.fixture(scope="session")
def programs(_ptrace):
    """Directory that everyone may enter, with the witness programs."""
    with tempfile.TemporaryDirectory(prefix="whatran-") as name:
        os.chmod(name, 0o755)
        for output, arguments in {**BUILDS, **OWN}.items():
            build(Path(name) / output, *arguments)
        yield Path(name)


@pytest.fixture
def run_told(capfd):
    """What whatran.run() gives of a command by ptrace, and what the witnesses said meanwhile."""

    def run(command, **options):
        capfd.readouterr()
        completed = whatran.run([os.fspath(each) for each in command], source="ptrace", **options)
        return completed, told(capfd.readouterr().out)

    return run
