"""The command line from end to end: statuses, streams, signals and what is said where something cannot be."""

import contextlib
import errno
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import uuid

import pytest

WHATRAN = [sys.executable, "-m", "whatran"]
# In front of a command: it has no capability, as if an ordinary user ran it, who might not reach our interpreter.
UNPRIVILEGED = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]


def whatran(*arguments, before=(), stdin=""):
    """A finished whatran that was given that to read, its streams as text."""
    command = [*before, *WHATRAN, *map(os.fspath, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def assert_one_sentence(text, *parts):
    """What was said is one line that begins with our name and has all the parts."""
    assert text.startswith("whatran: ")
    assert 1 == text.count("\n")
    assert [] == [part for part in parts if part not in text]


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143)],
)
def test_status_is_the_commands(command, status):
    """The exit status is the command's own, and 128 more than the signal that ended it."""
    assert status == whatran("--", "sh", "-c", command).returncode


def test_command_keeps_its_streams():
    """The command reads our standard input and writes our standard output; the tree is on standard error."""
    done = whatran("--", "cat", stdin="x\0y")

    assert (0, "x\0y") == (done.returncode, done.stdout)
    assert "cat" in done.stderr


def test_tree_shows_descendants_and_their_statuses(programs):
    """The tree has a line for each process that executed something, below the one that made it."""
    done = whatran("run", "--", "sh", "-c", '"$0" a; (exec "$0" b); exit 3', programs / "true")

    lines = done.stderr.splitlines()
    [root] = [number for number, line in enumerate(lines) if "sh -c" in line]
    assert [f"{programs}/true a", f"{programs}/true b"] == [line.split("─ ")[1] for line in lines[root + 1 : root + 3]]
    assert "3" in lines[root].split("sh -c")[0].split()
    assert (3, "") == (done.returncode, done.stdout)


def test_json_lines_on_standard_output(programs):
    """With -o - the events go to standard output, one object a line, as the library gives them."""
    done = whatran("--format", "jsonl", "-o", "-", "--", programs / "true", "caf\udce9")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [("sched_process_exec", 1), ("sched_process_exit", 1)] == [(e["event"], e["schema"]) for e in events]
    assert [f"{programs}/true", "caf\ufffd"] == events[0]["argv"]
    assert (0, "") == (done.returncode, done.stderr)


def test_output_file(programs, place):
    """With -o FILE all goes to the file, which is emptied before, and nothing to standard error."""
    path = place / "out"
    path.write_text("old\n" * 1000)

    done = whatran("--format", "jsonl", "-o", path, "--", programs / "true")

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert 2 == len([json.loads(line) for line in path.read_text().splitlines()])


def test_control_bytes_do_not_reach_the_terminal(programs):
    """Escape sequences in arguments are shown as text, in the tree and in the table."""
    for form in ("tree", "table"):
        done = whatran("--format", form, "-o", "-", "--", programs / "true", "\x1b]0;x\x07\u202e\r")

        assert "true" in done.stdout
        assert set() == {"\x1b", "\x07", "\u202e", "\r"} & set(done.stdout)


@pytest.mark.parametrize("command", ["/nowhere/at/all", "whatran-no-such-command", "/etc/passwd/x", ""])
def test_command_not_found(command):
    """A command that is not there is one sentence with its name, and status 127."""
    done = whatran("--", command)

    assert_one_sentence(done.stderr, command)
    assert (127, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("kind", ["not-executable", "directory", "no-program"])
def test_command_cannot_be_executed(place, kind):
    """A command that is there and cannot be executed is one sentence, and status 126."""
    path = place / kind
    if kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"\x7fELF\0")
        path.chmod(0o755 if kind == "no-program" else 0o644)

    done = whatran("--", path)

    assert_one_sentence(done.stderr, str(path))
    assert (126, "") == (done.returncode, done.stdout)


def test_reader_that_goes_away(programs):
    """Where the reader of the output ends, as head does, there is no traceback and the command runs to its end."""
    command = [*WHATRAN, "--format", "jsonl", "-o", "-", "--", programs / "storm", "1", "500", programs / "true"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running,
        subprocess.Popen(["head", "-n", "1"], stdin=running.stdout, stdout=subprocess.PIPE, text=True) as head,
    ):
        running.stdout.close()
        first, said = head.stdout.read(), running.stderr.read()

    assert "sched_process_exec" == json.loads(first)["event"]
    assert (0, "") == (running.returncode, said)


def test_watch_ends_with_its_reader(programs, place):
    """A watch whose reader went away ends by itself at its next event, without a traceback."""
    program = shutil.copy(programs / "true", place / f"w{uuid.uuid4().hex[:12]}")
    command = [*WHATRAN, "watch", "--format", "jsonl", "--comm", program.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.close()
        while running.poll() is None:
            subprocess.run([program], check=True)
        said = running.stderr.read()

    assert (128 + signal.SIGPIPE, "") == (running.returncode, said)


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/"])
def test_output_file_cannot_be_opened(place, path):
    """An output that cannot be opened is one sentence, before the command is started."""
    done = whatran("-o", path, "--", "touch", place / "started")

    assert_one_sentence(done.stderr, path)
    assert (1, []) == (done.returncode, list(place.iterdir()))


@pytest.mark.parametrize("form", ["jsonl", "table", "tree"])
def test_disk_full(place, form):
    """Where the output's disk is full it is one sentence and status 1; the command runs to its end."""
    done = whatran("--format", form, "-o", "/dev/full", "--", "touch", place / "done")

    assert_one_sentence(done.stderr, "/dev/full", os.strerror(errno.ENOSPC))
    assert (1, ["done"]) == (done.returncode, [each.name for each in place.iterdir()])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--filter", "nosuch=1"], "nosuch"),
        (["--filter", "comm"], "comm"),
        (["--uid", "no-such-user"], "no-such-user"),
        (["--pid", "x"], "x"),
        (["--pid", "999999999"], "999999999"),
        (["--tree", "999999999"], "999999999"),
        (["--timeout", "-1"], "-1"),
        (["-n", "0"], "0"),
        (["--format", "nosuch"], "nosuch"),
        (["--nosuch"], "--nosuch"),
        (["nosuch"], "nosuch"),
    ],
)
def test_what_cannot_be(arguments, part):
    """An option, field, user or process that cannot be is one sentence with its name, and status 2."""
    done = whatran(*arguments)

    assert_one_sentence(done.stderr, part)
    assert (2, "") == (done.returncode, done.stdout)


def test_unknown_field_does_not_start_the_command(place):
    """Nothing is started where the filter is wrong."""
    done = whatran("--filter", "nosuch=1", "--", "touch", place / "started")

    assert_one_sentence(done.stderr, "nosuch")
    assert (2, []) == (done.returncode, list(place.iterdir()))


@pytest.mark.parametrize("arguments", [["watch"], ["run", "--source", "ebpf", "--", "true"], ["watch", "--comm", "x"]])
def test_no_privilege(arguments):
    """Root without privilege, as in a container, is told in one sentence how to start that; the status is 1."""
    done = whatran(*arguments, before=UNPRIVILEGED)

    assert_one_sentence(done.stderr, "root without CAP_BPF and CAP_PERFMON", "--cap-add BPF --cap-add PERFMON")
    assert (1, "") == (done.returncode, done.stdout)


def test_doctor_with_privilege():
    """The doctor finds that eBPF can be used here."""
    done = whatran("doctor")

    assert (0, "") == (done.returncode, done.stderr)


def test_doctor_without_privilege():
    """The doctor says what privilege is missing, and what to do."""
    done = whatran("doctor", before=UNPRIVILEGED)

    assert (1, "") == (done.returncode, done.stderr)
    assert "privilege: give the container both: docker run --cap-add BPF --cap-add PERFMON\n" in done.stdout


def start_watch(*arguments):
    """A watch that runs; whether it is in force yet is not known."""
    command = [*WHATRAN, "watch", *map(os.fspath, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_until_seen(program, running):
    """Executes a program until the watch has something to say of it."""
    while not select.select([running.stdout], [], [], 0)[0]:
        subprocess.run([program], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_watch_in_order(programs, place, number):
    """Ctrl-C ends a watch with a summary of one line and status 0."""
    program = shutil.copy(programs / "true", place / f"w{uuid.uuid4().hex[:12]}")
    with start_watch("--format", "jsonl", "--comm", program.name) as running:
        run_until_seen(program, running)
        running.send_signal(number)
        output, said = running.communicate()

    seen = [json.loads(line) for line in output.splitlines()]
    assert {program.name} == {each["comm"] for each in seen}
    execs = sum(each["event"] == "sched_process_exec" for each in seen)
    assert_one_sentence(said, " 0 lost")
    all_seen, filtered = map(int, re.match(r"whatran: (\d+) execs? seen, (\d+) filtered", said).groups())
    assert execs == all_seen - filtered
    assert 0 == running.returncode


def test_table_has_a_line_an_exec(programs, place):
    """The table has one line for each exec, with user and command."""
    program = shutil.copy(programs / "true", place / f"w{uuid.uuid4().hex[:12]}")

    done = whatran("--format", "table", "-o", "-", "--", "sh", "-c", '"$0" one; "$0" two; exit 0', program)

    lines = [line for line in done.stdout.splitlines() if str(program) in line and "sh -c" not in line]
    assert [("one", True), ("two", True)] == [(line.split()[-1], "root" in line.split()) for line in lines]


def test_count_ends_a_watch(programs, place):
    """With -n a watch ends after that many records."""
    program = shutil.copy(programs / "true", place / f"w{uuid.uuid4().hex[:12]}")
    with start_watch("--format", "jsonl", "-n", "3", "--comm", program.name) as running:
        while running.poll() is None:
            subprocess.run([program], check=True)
        lines = running.stdout.read().splitlines()

    assert (0, 3) == (running.returncode, len(lines))


def test_timeout_ends_a_watch():
    """With --timeout a watch ends by itself, with its summary."""
    done = whatran("watch", "--timeout", "0.1", "--comm", uuid.uuid4().hex[:15])

    assert_one_sentence(done.stderr, " seen, ", " 0 lost")
    assert 0 == done.returncode


def test_timeout_ends_a_command():
    """With --timeout a command that takes too long is ended, and the status is that of timeout(1)."""
    assert 124 == whatran("--timeout", "0.2", "--", "sleep", "1000").returncode


def test_count_leaves_the_command_alone(programs, place):
    """With -n COUNT the output of a run is cut, not the command."""
    done = whatran(
        "--format", "jsonl", "-n", "1", "-o", place / "out", "--", "sh", "-c", '"$0"; exit 5', programs / "true"
    )

    assert 5 == done.returncode
    assert 1 == len((place / "out").read_text().splitlines())


def test_environment_is_shown_only_on_request(programs, monkeypatch):
    """The environment is in the output with --env alone."""
    monkeypatch.setenv("WHATRAN_TEST", "secret")
    arguments = ["--format", "jsonl", "-o", "-", "--", programs / "true"]

    assert "secret" not in whatran(*arguments).stdout
    assert "WHATRAN_TEST=secret" in json.loads(whatran("--env", *arguments).stdout.splitlines()[0])["env"]


def test_terminal_and_ctrl_c(programs):
    """On a terminal Ctrl-C goes to the command, whose status is ours; what it did is still shown."""
    command = [*WHATRAN, "--", "sh", "-c", 'trap "exit 9" INT; echo ready; while :; do "$0"; done', programs / "true"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], [os.fspath(each) for each in command])
    shown = b""
    with os.fdopen(terminal, "r+b", buffering=0) as end:
        while b"ready" not in shown:
            shown += end.read(1000)
        end.write(b"\x03")
        # A terminal ends with EIO.
        with contextlib.suppress(OSError):
            while more := end.read(1000):
                shown += more

    assert (9, True) == (os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), b" exec" in shown), shown


def test_signal_to_whatran_is_passed_on():
    """SIGTERM to a run goes to the command, and its status is ours."""
    command = [*WHATRAN, "--", "sh", "-c", 'trap "exit 9" TERM; echo ready; read line; exit 1']
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as running:
        assert "ready\n" == running.stdout.readline()
        running.terminate()
        assert 9 == running.wait()
