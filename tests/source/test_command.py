import os
import select

import pytest

from whatran.errors import CommandError
from whatran.source.command import Command


@pytest.fixture(name="out")
def _out(tmp_path):
    return tmp_path / "out"


def _started(args):
    command = Command(args, b"token")
    command.release()
    return command


def test_nothing_runs_before_release(out):
    """The command waits: what must be ready before its first instruction can be made ready."""
    command = Command(["sh", "-c", f"echo ran > {out}"], b"token")
    before = out.exists(), os.readlink(f"/proc/{command.pid}/exe") == os.readlink("/proc/self/exe")
    command.release()
    code = command.wait()
    command.close()

    assert ((False, True), 0, "ran\n") == (before, code, out.read_text())


def test_a_command_never_released_never_runs(out):
    """Given up on, it ends without having been executed."""
    command = Command(["sh", "-c", f"echo ran > {out}"], b"token")
    command.close()

    assert (127, False) == (command.returncode, out.exists())


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", -9)])
def test_returncode_is_that_of_subprocess(script, code):
    """An exit status, or minus the signal."""
    command = _started(["sh", "-c", script])

    assert code == command.wait()
    command.close()


def test_fd_is_readable_once_it_has_ended():
    """So an end can be waited for beside other things."""
    command = _started(["true"])
    readable, _, _ = select.select([command.fd], [], [])

    assert [command.fd] == readable
    assert 0 == command.wait()
    command.close()


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (None, 127, "command not found"),
        (lambda path: path.write_text("#!/bin/sh\n"), 126, "Permission denied"),
        (lambda path: path.mkdir(), 126, "Permission denied"),
        (lambda path: (path.write_text("no program"), path.chmod(0o755)), 126, "Exec format error"),
    ],
    ids=["missing", "no x bit", "directory", "no program"],
)
def test_what_cannot_be_run_says_why_with_the_shells_status(tmp_path, make, code, says):
    """127 where there is nothing, 126 where it is nothing to run."""
    path = tmp_path / "program"
    if make:
        make(path)
    command = Command([str(path)], b"token")
    with pytest.raises(CommandError, match=says) as caught:
        command.release()
    command.close()

    assert code == caught.value.exit_code


def test_signals_python_ignores_are_restored():
    """A writer to a closed pipe dies of it, as under a shell."""
    command = _started(["sh", "-c", "kill -PIPE $$"])

    assert -13 == command.wait()
    command.close()


def test_one_that_has_ended_leaves_no_zombie():
    """Though nobody has asked for its status."""
    command = _started(["true"])
    os.waitid(os.P_PID, command.pid, os.WEXITED | os.WNOWAIT)
    command.close()

    with pytest.raises(ChildProcessError):
        os.waitpid(command.pid, os.WNOHANG)


def test_no_descriptor_of_ours_reaches_the_command(out):
    """It has what is meant to be inherited, and the folder that it opens to list them."""
    command = _started(["sh", "-c", f"exec ls /proc/self/fd > {out}"])
    command.wait()
    command.close()
    inherited = {fd for fd in map(int, os.listdir("/proc/self/fd")) if _is_inheritable(fd)}
    (_folder,) = {int(fd) for fd in out.read_text().split()} - inherited


def _is_inheritable(fd):
    try:
        return os.get_inheritable(fd)
    except OSError:  # that of the folder listed
        return False


def test_a_script_without_its_interpreter_cannot_be_run(tmp_path):
    """It is there, so it is not what was not found."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    command = Command([str(script)], b"token")

    with pytest.raises(CommandError, match="the interpreter that it names is not there") as caught:
        command.release()
    command.close()
    assert 126 == caught.value.exit_code
