import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bench import programs
from bench.gate import Gate, LoadFailed
from bench.usage import clock_of, kernel_threads, usage


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The bench's programs."""
    return programs.build(tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("options", [[], ["-f"]])
def test_each_exec_of_a_storm_has_a_number_of_its_own(built, options):
    """Whatever worker executes it, so that what is told of it can be told apart."""
    told = subprocess.run(
        [built.storm, *options, "2", "3", os.devnull, "/bin/echo", "a", "n-###-"], check=True, stdout=subprocess.PIPE
    ).stdout
    assert [f"a n-{number:03}-" for number in range(6)] == sorted(told.decode().splitlines())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_load_says_what_it_took(built, tmp_path):
    """Seconds and CPU seconds of a command, which begins when it is let go."""
    (tmp_path / "load").mkdir()
    with Gate(built.gate, ["sh", "-c", "exit $0", "0"], tmp_path / "load", []) as gate:
        wall, cpu = gate.open()
    assert 0 < cpu
    assert 0 < wall


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_load_that_fails_says_why(built, tmp_path):
    """By its own last words."""
    (tmp_path / "load").mkdir()
    with (
        pytest.raises(LoadFailed, match="no good"),
        Gate(built.gate, ["sh", "-c", "echo no good >&2; exit 1"], tmp_path / "load", []) as gate,
    ):
        gate.open()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_an_interrupt_ends_the_load_and_what_it_started(built, tmp_path):
    """The load's own children too: none of them holds the writing end of a pipe any more."""
    (tmp_path / "load").mkdir()
    os.mkfifo(tmp_path / "fifo")
    command = ["sh", "-c", 'exec 3>"$0"; echo there >&3; sleep 1000 & sleep 1000', str(tmp_path / "fifo")]
    (tmp_path / "fifo").chmod(0o666)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(KeyboardInterrupt), Gate(built.gate, command, tmp_path / "load", []) as gate:
            gate.process.stdin.write(b"\n")
            gate.process.stdin.flush()
            fifo = stack.enter_context((tmp_path / "fifo").open("rb"))
            assert b"there\n" == fifo.readline()
            raise KeyboardInterrupt
        assert (-signal.SIGKILL, b"") == (gate.process.returncode, fifo.read())


def test_the_cpu_of_threads_that_have_ended_counts():
    """A process's clock has all of its threads, gone ones too."""
    assert time.process_time_ns() <= usage([os.getpid()]).cpu_ns <= time.clock_gettime_ns(clock_of(os.getpid()))


def test_threads_of_the_kernel_are_found_by_name():
    """kthreadd is their parent; a process that merely has such a name is none of them."""
    (found,) = kernel_threads(("kauditd",)) or [None]
    assert (found is None) or "kauditd\n" == Path(f"/proc/{found}/comm").read_text()
