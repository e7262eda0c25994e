"""Without any privilege: as an ordinary user, and in namespaces without capabilities."""

import ctypes
import json
import logging
import os
import shutil
import subprocess
import sys

import pytest

import whatran
from tests.ebpf.truth import execs
from whatran.errors import SourceError, UsageError

from .users import as_user

UID = 34567

CLONE_NEWNS = 0x20000


def everything(command, **options):
    """The status of a command, and its events as JSON has them."""
    done = whatran.run([os.fspath(each) for each in command], **options)
    return done.returncode, [json.loads(json.dumps(seen(event))) for event in done.events]


def seen(event):
    """What of an event is compared here."""
    names = ("event", "pid", "uid", "pathname", "argv", "cwd", "exit_code", "unreadable", "cap_effective")
    return {name: getattr(event, name, None) for name in names}


def test_ordinary_user(programs, place):
    """An ordinary user's command is followed without being told how; all is as for root."""
    command = ["sh", "-c", f"cd {place}; {programs}/true a; {programs}/true b; exit 3"]

    returncode, events = as_user(UID, lambda: everything(command))

    uid = UID if os.getuid() == 0 else os.getuid()
    assert 3 == returncode
    assert {(uid, 0)} == {(event["uid"], event["cap_effective"]) for event in events}
    programs_run = [(event["pathname"], event["argv"][1:], event["cwd"]) for event in events[1:] if event["argv"]]
    assert [(f"{programs}/true", [letter], str(place)) for letter in "ab"] == programs_run
    assert [] == [event for event in events if event["unreadable"]]
    assert 3 == len([event for event in events if event["event"] == "sched_process_exit"])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file of root's that is setuid")
@pytest.mark.parametrize(("mode", "kind"), [(0o4755, "setuid privilege"), (0o2755, "setgid privilege"), (0o755, None)])
def test_privilege_that_is_lost(programs, place, mode, kind):
    """A setuid or setgid program runs without its privilege, which is said once and with the way out."""
    shutil.copy(programs / "true", place / "special")
    os.chmod(place / "special", mode)

    def run():
        said = []
        logging.getLogger("whatran.ptrace").addFilter(lambda record: said.append(record.getMessage()))
        with whatran.watch(["sh", "-c", f"{place}/special; {place}/special"], source="ptrace") as watch:
            euids = [event.euid for event in watch if event.event == "sched_process_exec"]
        return euids, said

    euids, said = as_user(UID, run)
    assert [UID] * 3 == euids
    assert (1 if kind else 0) == len(said)
    assert all("special" in line and kind in line and "sudo" in line for line in said)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file that its user cannot read")
def test_program_that_cannot_be_read(programs, place):
    """Of a program that may be executed and not read, what cannot be told is null and named."""
    shutil.copy(programs / "true", place / "closed")
    os.chmod(place / "closed", 0o711)

    returncode, events = as_user(UID, lambda: everything([place / "closed", "x"]))

    assert (0, [f"{place}/closed", "x"]) == (returncode, events[0]["argv"])
    assert None is events[0]["pathname"]
    assert {"pathname", "cwd", "cmdpath", "interp", "stdin_path"} <= set(events[0]["unreadable"])


def hide_processes():
    """For us alone, /proc shows nothing of processes that are not for us to look into: hidepid of proc(5)."""
    assert 0 == ctypes.CDLL(None).unshare(CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc"], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount another /proc")
def test_program_that_is_hidden(programs, place):
    """Of a program that even /proc hides it is told that it was executed, by whom, and how it ended."""
    shutil.copy(programs / "true", place / "closed")
    os.chmod(place / "closed", 0o711)
    command = ["sh", "-c", f"{place}/closed; exit 3"]

    returncode, events = as_user(UID, lambda: everything(command), hide_processes)

    (shell, closed) = dict.fromkeys(event["pid"] for event in events)
    told = [(event["event"].removeprefix("sched_process_"), event["pid"], event["exit_code"]) for event in events]
    whole = [("exec", shell, None), ("fork", shell, None), ("exec", closed, None), ("exit", closed, 0)]
    assert (3, [*whole, ("exit", shell, 3)]) == (returncode, told)
    assert (None, None, None) == (events[2]["pathname"], events[2]["argv"], events[2]["cwd"])
    assert {"argv", "cmdpath", "pathname"} <= set(events[2]["unreadable"])


def test_already_traced(programs, capfd):
    """What is traced already cannot be followed, and that is said; the command does not run."""
    if not shutil.which("strace"):
        pytest.skip("there is no strace here")
    command = [sys.executable, "-m", "whatran", "--source", "ptrace", "--", "echo", "it ran"]

    done = subprocess.run(["strace", "-f", "-o", "/dev/null", *command], capture_output=True, text=True, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert "traces it already" in done.stderr


def test_debugger_inside(programs):
    """A debugger that is followed cannot trace; it is told why, and nothing hangs."""
    if not shutil.which("strace"):
        pytest.skip("there is no strace here")
    command = [sys.executable, "-m", "whatran", "--source", "ptrace", "--", "strace", "-f", programs / "true"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 1 == len([line for line in done.stderr.splitlines() if "cannot trace what whatran traces" in line])


@pytest.mark.skipif(not shutil.which("unshare"), reason="there is no unshare here")
def test_namespaces_without_capabilities(programs, place):
    """In a user and a pid namespace, without capabilities, whatran follows by ptrace and says why."""
    inner = [sys.executable, "-m", "whatran", "--format", "jsonl", "-o", place / "out", "--", "sh", "-c"]
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    command += ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *inner, f"{programs}/true; exit 5"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    events = [json.loads(line) for line in (place / "out").read_text().splitlines()]
    names = [event["event"].removeprefix("sched_process_") for event in events]
    assert (5, ["exec", "fork", "exec", "exit", "exit"]) == (done.returncode, names)
    assert [f"{programs}/true"] == [event["pathname"] for event in events if event["event"] == "sched_process_exec"][1:]
    assert {0} == {event["cap_effective"] for event in events}
    assert all(event["pid"] == event["ns_pid"] < 100 for event in events)
    assert 1 == len([line for line in done.stderr.splitlines() if line.startswith("whatran: following by ptrace")])


def test_what_ptrace_cannot(programs):
    """Whatever is no command with its descendants cannot be watched by ptrace, and the error says so."""
    for options in (
        {},
        {"pid": [1]},
        {"command": ["true"], "scope": "cgroup"},
        {"command": ["true"], "not_container": ["a"]},
    ):
        with pytest.raises(UsageError, match="ptrace follows a command"):
            whatran.watch(**options, source="ptrace")


def test_machine_without_privilege():
    """The whole machine needs eBPF: without privilege the error says how to get it."""

    def attempt():
        with pytest.raises(SourceError, match=r"cannot use eBPF here: .*; "):
            whatran.watch()
        return "said"

    assert "said" == as_user(UID, attempt)


def test_command_that_is_not_there():
    """A command that cannot be started is told as without us, and no tracer stays."""
    with pytest.raises(whatran.CommandError, match="command not found"):
        whatran.watch(["/nonexistent/command"], source="ptrace")


def test_environment_on_request(programs, monkeypatch):
    """The environment is there where it was asked for, and only then."""
    monkeypatch.setenv("WITNESS", "here")

    found = [execs(whatran.run([str(programs / "true")], source="ptrace", env=env).events)[0].env for env in
             (False, ["WITNESS"])]  # fmt: skip

    assert [None, ["WITNESS=here"]] == found
