"""Recordings of what the kernel tells: replayed they are what a watch of the same has told."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from tests.recording.made import replayed, tee_to
from whatran.event import Exec, Gap
from whatran.plan import plan
from whatran.recording import format as form
from whatran.recording.store import numbered
from whatran.replaying import replay
from whatran.watching import Watch

from .shells import Shell
from .test_repair import at_once, fill, stay, stays  # noqa: F401 (fixtures)

WHATRAN = [sys.executable, "-m", "whatran"]

BUSY = """
for n in 1 2 3; do nosuch; /nowhere/at/all; env true | cat; done 2>/dev/null
(true & exec sh -c 'kill -9 $$')
python3 -c 'import threading; t = threading.Thread(target=print); t.start(); t.join()'
"""


def recorded(path, command=None, during=None, **options):
    """A recording of it, and the events that a watch has made of the same."""
    planned = plan(command, **options)
    tee = tee_to(path, planned)
    with Watch(planned, tee) as watching:
        if during:
            during(watching)
        while not watching.ended:
            watching.read()
        tee.recorder.end(form.END, watching.stats)
    tee.recorder.close()
    return tee.events, watching.stats


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, {"exec", "fork", "exit", "failed"}),
        ({"failed": "all", "threads": True, "env": True}, {"exec", "fork", "exit", "failed"}),
        ({"failed": "none", "max_argv": 7}, {"exec", "fork", "exit"}),
        ({"comm": ["env", "cat"]}, {"exec", "exit"}),
        ({"filters": ["pathname=*/cat"]}, {"exec", "exit"}),
        ({"scope": "cgroup"}, {"exec", "fork", "exit", "failed"}),
    ],
    ids=str,
)
def test_the_events_are_those_of_the_watch(place, options, kinds):
    """All of them, in their order, with each of their fields; and what was counted."""
    events, stats = recorded(place / "some.wr", ["sh", "-c", BUSY], **options)

    assert (events, []) == replayed(place / "some.wr")
    assert kinds == {each.NAME.rpartition("_")[2] for each in map(type, events)}
    with replay([place / "some.wr"]) as replaying:
        list(replaying)
    assert stats == replaying.stats


def test_long_arguments(place):
    """In as many frames as they need."""
    argument = "x" * ((128 << 10) - 1)
    events, _ = recorded(place / "some.wr", ["true", *[argument] * 8], env=True)

    assert (events, []) == replayed(place / "some.wr")
    assert [argument] * 8 == events[0].argv[1:]


@pytest.mark.parametrize("options", [{}, {"env": True, "max_argv": 4}], ids=str)
def test_losses_and_what_is_told_later(programs, stay, at_once, place, options):  # noqa: F811
    """Gaps, and execs that were lost and that the living tell of."""
    with Shell() as shell:

        def during(watching):
            fill(shell, programs)
            stay(shell)
            while not any(each.repaired for each in tee_events(watching) if isinstance(each, Exec)):
                watching.read()
            fill(shell, programs)
            stay(shell, "setsid")
            watching.stop()

        events, _ = recorded(place / "some.wr", tree=[shell.pid], ring_bytes=4096, during=during, **options)

    assert (events, []) == replayed(place / "some.wr")
    assert 2 == len([each for each in events if isinstance(each, Exec) and each.repaired])
    assert [] != [each for each in events if isinstance(each, Gap)]


def tee_events(watching):
    """What has been told so far."""
    return watching._taker._taker.events  # within what redacts


def whatran(*arguments, **options):
    """A command line, and what it said."""
    return subprocess.run([*WHATRAN, *arguments], capture_output=True, text=True, check=False, **options)


def kinds(path, *more):
    """How many events of each kind are shown of a recording."""
    done = whatran("replay", "--format", "jsonl", *map(str, [path, *more]))
    return Counter(json.loads(line)["event"] for line in done.stdout.splitlines()), done


def test_record_and_replay(programs, place):
    """The status is the command's, one line says what there is, and all of it is shown."""
    path = place / "some.wr"
    done = whatran("record", "-o", path, "--", f"{programs}/storm", "1", "2000", f"{programs}/true")
    counts, shown = kinds(path)

    assert (0, "") == (done.returncode, done.stdout)
    assert (0, "") == (shown.returncode, shown.stderr)
    assert 2001 == counts["sched_process_exec"]
    assert f"whatran: {sum(counts.values())} records, 0 lost, " in done.stderr
    assert done.stderr.endswith(f" in {path}\n")


def test_killed_while_it_records(programs, place):
    """What was written until then is shown, what is missing is said, and the status is 1."""
    path = place / "some.wr"
    storm = f"echo $$ >{place}/pid; exec {programs}/storm 1 1000000 {programs}/true"
    with subprocess.Popen([*WHATRAN, "record", "-o", path, "--", "sh", "-c", storm]) as recording:
        while not path.exists() or path.stat().st_size < 100_000:
            os.sched_yield()
        recording.kill()
    os.kill(int((place / "pid").read_text()), signal.SIGKILL)  # it lives on, as commands do
    counts, shown = kinds(path)

    assert (1, True) == (shown.returncode, counts["sched_process_exec"] > 1000)
    assert "it was not ended in order: what happened after" in shown.stderr


def test_rotation(programs, place):
    """Several files are one recording, and none of them has a gap."""
    path = place / "some.wr"
    done = whatran("record", "-o", path, "--rotate", "20K", "--", f"{programs}/storm", "1", "2000", f"{programs}/true")
    files = numbered(path)
    counts, shown = kinds(*files)
    alone = [kinds(file)[0] for file in files]

    assert (0, 0, "") == (done.returncode, shown.returncode, shown.stderr)
    assert len(files) > 2
    assert done.stderr.endswith(f" in {files[0]} to {files[-1]}\n")
    assert (0, counts) == (counts["gap"], sum(alone, Counter()))


def test_flight_recorder(place):
    """What is kept is in the file when SIGUSR1 has come, and all of it at the end."""
    path = place / "some.wr"
    os.mkfifo(place / "gate")
    command = f"true; echo > {place}/gate; read line < {place}/gate; true"
    with subprocess.Popen(
        [*WHATRAN, "record", "-o", path, "--keep", "10m", "--", "sh", "-c", f"exec 9<>{place}/gate2; {command}"]
    ) as recording:
        with open(place / "gate") as gate:
            gate.readline()
        empty = path.stat().st_size
        recording.send_signal(signal.SIGUSR1)
        while not path.stat().st_size:
            os.sched_yield()
        first, _ = kinds(path)
        with open(place / "gate", "w") as gate:
            gate.write("\n")
    last, shown = kinds(path)

    assert (0, "") == (shown.returncode, shown.stderr)
    assert (0, 1, 0) == (empty, first["sched_process_exec"], first["gap"])
    assert (1, 1) == (last["sched_process_exec"], last["sched_process_exit"])


def test_full_disk(programs, place):
    """The command goes on to its end; the reason is said, the status is 1 and the file is valid."""
    room = place / "room"
    room.mkdir()
    script = f"""
    mount -t tmpfs -o size=64k none {room}
    {" ".join(WHATRAN)} record -o {room}/some.wr -- {programs}/storm 1 10000 {programs}/true
    status=$?
    {" ".join(WHATRAN)} replay --format jsonl {room}/some.wr > {place}/shown
    exit $status
    """
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)

    assert 1 == done.returncode
    assert f"cannot write to {room}/some.wr: No space left on device; nothing more is recorded" in done.stderr
    assert "it was not ended in order" in done.stderr
    assert "cannot be read" not in done.stderr
    assert (place / "shown").read_text().count("\n") > 500


def test_the_machine_until_a_signal(place):
    """Without a command it ends as a watch does, with status 0."""
    path = place / "some.wr"
    command = [*WHATRAN, "record", "-o", path, "--tree"]
    with (
        Shell() as shell,
        subprocess.Popen([*command, str(shell.pid)], stderr=subprocess.PIPE, text=True) as recording,
    ):
        while not path.exists():
            os.sched_yield()
        shell.do("/bin/true")
        recording.terminate()
        said = recording.stderr.read()
    counts, shown = kinds(path)

    assert (0, 0, 1) == (recording.returncode, shown.returncode, counts["sched_process_exec"])
    assert "3 records, 0 lost, " in said
