"""Where something runs short it is one sentence and the status that is promised, and the command comes to no harm."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.recording.made import replayed

from .controllers import limited
from .test_cli import assert_one_sentence

WHATRAN = [str(Path(sys.executable).with_name("whatran"))]


def whatran(*arguments, **options):
    """A finished whatran, its streams as text."""
    command = [*WHATRAN, *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def limiting(kind, number):
    """To be done before a program is executed."""
    return lambda: resource.setrlimit(kind, (number, number))


@pytest.mark.parametrize("source", ["ebpf", "ptrace"])
@pytest.mark.parametrize("files", [5, 6, 8, 12, 16, 19, 22, 25, 28, 31, 34, 37])
def test_few_descriptors(place, source, files):
    """However few open files are allowed the command is run and told of, or else not started, and that is said."""
    arguments = ["--source", source, "-o", place / "out", "--", "sh", "-c", f"echo > {place}/started; exit 7"]
    done = whatran(*arguments, preexec_fn=limiting(resource.RLIMIT_NOFILE, files))

    if done.returncode == 7:
        assert ["out", "started"] == sorted(os.listdir(place))
    else:
        assert_one_sentence(done.stderr, "too many files are open", "ulimit -n")
        assert (1, []) == (done.returncode, os.listdir(place))


@pytest.mark.parametrize("files", [20, 30, 37])
def test_few_descriptors_for_a_recording(place, files):
    """Nothing is left of a recording that could not begin."""
    arguments = ["record", "-o", place / "some.wr", "--", "touch", place / "started"]
    done = whatran(*arguments, preexec_fn=limiting(resource.RLIMIT_NOFILE, files))

    assert_one_sentence(done.stderr, "too many files are open")
    assert (1, []) == (done.returncode, os.listdir(place))


def test_no_more_descriptors_later(programs, place):
    """A watch that is in force needs no more of them: all is told."""
    path, ready, go = place / "some.wr", place / "ready", place / "go"
    os.mkfifo(ready)
    os.mkfifo(go)
    script = f"echo > {ready}; read line < {go}; {programs}/storm 1 500 {programs}/true"
    with subprocess.Popen(
        [*WHATRAN, "record", "-o", path, "--", "sh", "-c", script], stderr=subprocess.PIPE
    ) as recording:
        ready.read_text()
        resource.prlimit(recording.pid, resource.RLIMIT_NOFILE, (3, 3))
        go.write_text("\n")
        said = recording.stderr.read().decode()

    events, problems = replayed(path)
    assert (0, []) == (recording.returncode, problems)
    assert 501 == sum(each.event == "sched_process_exec" for each in events if each.comm in {"storm", "true"})
    assert_one_sentence(said, " 0 lost")


def test_no_more_descriptors_for_a_look_at_all_processes(programs, place):
    """What was lost is in gaps, and that nobody could be asked what it was is said."""
    out, ready, go = place / "out", place / "ready", place / "go"
    os.mkfifo(ready)
    os.mkfifo(go)
    script = f"echo > {ready}; read line < {go}; exec {programs}/storm 1 500 {programs}/true"
    arguments = ["--buffer", "4K", "--format", "jsonl", "-o", out, "--", "sh", "-c", script]
    with subprocess.Popen([*WHATRAN, *arguments], stderr=subprocess.PIPE) as running:
        ready.read_text()
        running.send_signal(signal.SIGUSR2)  # an answer says that all is open that will be
        assert running.stderr.readline().startswith(b"whatran: ")
        resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (3, 3))
        running.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, running.pid, os.WSTOPPED | os.WNOWAIT)
        with open(go, "w") as line:
            line.write("\n")
        [command] = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        while b") Z " not in Path(f"/proc/{command}/stat").read_bytes():
            os.sched_yield()
        running.send_signal(signal.SIGCONT)
        said = running.stderr.read().decode()

    told = Counter()
    for event in map(json.loads, out.read_text().splitlines()):
        told[event.get("kind", event["event"])] += event.get("count", 1)
    assert {"sched_process_exec": 502, "sched_process_fork": 501, "sched_process_exit": 502} == told
    assert "whatran: cannot list the processes: too many files are open" in said
    assert 0 == running.returncode


@pytest.mark.parametrize("megabytes", [28, 32, 36, 40])
def test_little_memory(place, megabytes):
    """However little may be had, as long as Python itself can start."""
    arguments = ["-o", place / "out", "--", "sh", "-c", f"echo > {place}/started; exit 7"]
    done = whatran(*arguments, preexec_fn=limiting(resource.RLIMIT_AS, megabytes << 20))

    if done.returncode == 7:
        assert ["out", "started"] == sorted(os.listdir(place))
    else:
        assert (1, []) == (done.returncode, os.listdir(place))
        *_, last = done.stderr.splitlines()  # Python's own modules may have said before what they have no memory for
        assert last.startswith("whatran: ")


def test_little_memory_in_the_kernel(place):
    """A ring that the cgroup has no memory for says what would do."""
    with limited("memory", 100 << 20) as group:
        if group is None:
            pytest.skip("nothing here limits memory")
        arguments = ["--buffer", "512M", "-o", place / "out", "--", "touch", place / "started"]
        done = whatran(*arguments, preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())))

    assert_one_sentence(done.stderr, "not enough memory", "--buffer")
    assert (1, []) == (done.returncode, os.listdir(place))


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "--source", "ptrace"], ["record", "-o", "some.wr"]], ids=lambda words: words[-1]
)
def test_no_more_processes(place, arguments):
    """Where the command cannot be forked nothing is left, and the limits are named."""
    with limited("pids", 1) as group:
        if group is None:
            pytest.skip("nothing here limits processes")
        done = whatran(
            *arguments,
            "--",
            "true",
            cwd=place,
            preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
        )

    assert_one_sentence(done.stderr, "no more processes", "pids.max")
    assert (1, []) == (done.returncode, os.listdir(place))


@pytest.fixture
def room(place):
    """A disk of 16 KiB that is seen by commands within() alone, and what these did."""
    made = place / "room"
    made.mkdir()

    def within(*commands):
        script = "\n".join([f"mount -t tmpfs -o size=16k none {made}", *commands, "status=$?", f"ls -A {made}"])
        command = ["unshare", "--mount", "sh", "-c", f"{script}; exit $status"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    within.path = made
    return within


@pytest.fixture
def recorded(programs, place):
    """A recording of 500 execs."""
    path = place / "recorded.wr"
    whatran("record", "-o", path, "--", programs / "storm", "1", "500", programs / "true")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        "report {0} -o {1}/out.html",
        "export {0} -o {1}/out.jsonl",
        "export {0} -o {1}/out.csv",
        "export {0} -o {1}/out.json",
    ],
)
def test_full_disk_under_a_file(room, recorded, arguments):
    """Nothing of what did not fit is left, and it is one sentence."""
    done = room(f"{' '.join(WHATRAN)} {arguments.format(recorded, room.path)}")

    assert_one_sentence(done.stderr, os.strerror(errno.ENOSPC))
    assert (1, "") == (done.returncode, done.stdout)


def test_full_disk_under_json_lines(room, programs, place):
    """The output ends with its last whole line, and the command with its own end."""
    done = room(
        f"{' '.join(WHATRAN)} --format jsonl -o {room.path}/out -- "
        f"sh -c '{programs}/storm 1 500 {programs}/true; echo > {place}/done'",
        "status=$?",
        f"tail -c 2 {room.path}/out; exit $status",
    )

    assert_one_sentence(done.stderr, os.strerror(errno.ENOSPC), "incomplete")
    assert (1, "}\n", True) == (done.returncode, done.stdout, (place / "done").exists())


@pytest.mark.parametrize("arguments", ["--rotate 8K", "--keep 1h"])
def test_full_disk_under_other_recordings(room, programs, place, arguments):
    """The command goes on to its end, and it is said."""
    done = room(
        f"{' '.join(WHATRAN)} record {arguments} -o {room.path}/some.wr -- "
        f"sh -c '{programs}/storm 1 2000 {programs}/true; echo > {place}/done'",
    )

    first, *_ = done.stderr.splitlines()
    assert_one_sentence(first + "\n", os.strerror(errno.ENOSPC))
    assert (1, True) == (done.returncode, (place / "done").exists())


@pytest.mark.parametrize("arguments", [["replay", "--format", "jsonl"], ["replay"], ["top"]])
def test_reader_of_a_recording_that_goes_away(recorded, arguments):
    """Ends us as SIGPIPE would, without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [*WHATRAN, *arguments, recorded]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)

    assert (128 + signal.SIGPIPE, "") == (done.returncode, done.stderr)
