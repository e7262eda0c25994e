"""Execs that failed: each by the word of the program that tried, and searches of PATH made one."""

import errno
import os
import shutil
import signal
import struct
import subprocess
import sys

import pytest

import whatran

from .programs import build, script
from .truth import assert_fields, assert_task_matches, execs, exits, matches, only, told

pytestmark = pytest.mark.usefixtures("failed_execs")

KEPT = 32 << 10  # bytes of arguments that are kept in any case


def failures(events, **wanted):
    """The execs that failed."""
    return [e for e in events if e.event == "process_execute_failed" and matches(e, wanted)]


@pytest.fixture(scope="module")
def tries(programs):
    """The program that tries and says what came of it."""
    build(programs / "tries", "tries.c")
    return programs / "tries"


@pytest.fixture(scope="module")
def attempts(programs, tries, tmp_path_factory):
    """For each of the cases what the witness said, and the event."""
    place = tmp_path_factory.mktemp("failed")
    prepare(place, programs)
    said = {}
    with whatran.watch(tree=[os.getpid()], failed="all") as watched:
        for label, (_, how, path, *arguments) in CASES.items():
            command = [tries, label, how, path.replace("HERE", str(place)), *arguments]
            [said[label]] = told(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        watched.stop()
        events = list(watched)
    return {label: (witness, only(failures(events, pid=witness["pid"]))) for label, witness in said.items()}


CASES = {
    "no such file": (errno.ENOENT, "plain", "HERE/nosuch", "one", "", "two three"),
    "no such interpreter": (errno.ENOENT, "plain", "HERE/script", "one"),
    "not executable": (errno.EACCES, "plain", "HERE/text"),
    "a directory": (errno.EACCES, "plain", "HERE"),
    "no program": (errno.ENOEXEC, "plain", "HERE/garbage", "x"),
    "no directory": (errno.ENOTDIR, "plain", "HERE/text/program"),
    "links in a circle": (errno.ELOOP, "plain", "HERE/loop"),
    "interpreters of interpreters": (errno.ELOOP, "plain", "HERE/6"),
    "name too long": (errno.ENAMETOOLONG, "plain", "HERE/" + "x" * 256),
    "written to": (errno.ETXTBSY, "busy", "HERE/true"),
    "by execveat": (errno.ENOENT, "execveat", "HERE/nosuch", "one"),
    "unknown flags": (errno.EINVAL, "flags", "HERE/true", "one"),
    "in a vfork child": (errno.ENOENT, "vfork", "HERE/nosuch", "one"),
    "a relative path": (errno.ENOENT, "plain", "./nosuch/nosuch"),
    "an empty path": (errno.ENOENT, "plain", ""),
    "not UTF-8": (errno.ENOENT, "plain", "/nowhere/\udcff\n\udcfe", "\udcc3", "日本", "\x1b[31m"),
    "no arguments": (errno.ENOENT, "empty-list", "HERE/nosuch"),
    "no list of arguments": (errno.ENOENT, "no-list", "HERE/nosuch"),
    "20,000 empty arguments": (errno.ENOENT, "long", "HERE/nosuch", "20000", "0"),
    "30 KB": (errno.ENOENT, "long", "HERE/nosuch", "3", "10000"),
    "the longest whole argument": (errno.ENOENT, "long", "HERE/nosuch", "1", str(KEPT - 1)),
}
CUT = {
    "one byte too long": (errno.ENOENT, "long", "HERE/nosuch", "1", str(KEPT)),
    "100 KB": (errno.ENOENT, "long", "HERE/nosuch", "10", "10000"),
    "40,000 empty arguments": (errno.ENOENT, "long", "HERE/nosuch", "40000", "0"),
    "argument too long": (errno.E2BIG, "long", "HERE/true", "1", str(128 << 10)),
    "too many arguments": (errno.E2BIG, "long", "HERE/true", "70", "100000"),
}
UNREADABLE = {
    "bad list": (errno.EFAULT, "bad-list", "HERE/true"),
    "bad argument": (errno.EFAULT, "bad-argument", "HERE/true"),
    "bad path": (errno.EFAULT, "bad-path", "HERE/true", "one"),
}
WHOLE = tuple(CASES)
CASES |= CUT | UNREADABLE | {"path too long": (errno.ENAMETOOLONG, "plain", "/" + "d/" * 2100)}


def prepare(place, programs):
    """The files that the cases name."""
    (place / "text").write_text("a\n")
    script(place / "script", "/nowhere/interpreter")
    (place / "garbage").write_bytes(b"\x7fno program\n")
    (place / "garbage").chmod(0o755)
    (place / "loop").symlink_to("loop")
    script(place / "0", "/bin/sh")
    for number in range(6):
        script(place / f"{number + 1}", place / f"{number}")
    shutil.copy(programs / "true", place / "true")


def fields(witness):
    """What the fields of an ExecFailed must be by the word of who tried."""
    names = {"path": "cmdpath", "argv": "argv"}
    return {
        "pid": witness["pid"],
        "tid": witness["tid"],
        "cmdpath": witness["path"] and witness.text("path").removesuffix("\0"),
        "argv": None if witness["argv"] is None else witness.strings("argv"),
        "errno": witness["errno"],
        "tried": (),
        "unreadable": [field for name, field in names.items() if witness[name] is None],
    }


@pytest.mark.parametrize("label", [*WHOLE, *UNREADABLE])
def test_attempt(attempts, label):
    """A failed exec has the path, the arguments and the errno of who tried; what has no address is unreadable."""
    witness, event = attempts[label]

    assert_fields(event, fields(witness))
    assert CASES[label][0] == event.errno
    assert label in UNREADABLE or {} == event.truncated


@pytest.mark.parametrize("label", CUT)
def test_long_arguments(attempts, label):
    """Of long arguments the first 32 KiB are there, and it is said that there were more."""
    witness, event = attempts[label]

    kept = b"".join(os.fsencode(argument) + b"\0" for argument in event.argv)
    assert_fields(event, fields(witness) | {"argv": event.argv})
    assert CASES[label][0] == event.errno
    assert witness["argv"].startswith(kept[:-1])
    assert KEPT <= len(kept) < event.truncated["argv"] <= len(witness["argv"])


def test_path_longer_than_path_max(attempts):
    """A path that is longer than any can be is cut, and said to be."""
    witness, event = attempts["path too long"]

    assert_fields(event, fields(witness) | {"cmdpath": event.cmdpath, "argv": event.argv})
    assert witness.text("path").startswith(event.cmdpath)
    assert 4096 <= len(event.cmdpath) < event.truncated["cmdpath"] <= len(witness["path"])


def test_who_tried(run_told, tries):
    """The common fields are those of the task that tried."""
    completed, [witness, _] = run_told([tries, "attempt", "telling", "/nosuch"])

    event = only(failures(completed.events))
    assert_task_matches(event, witness, tid=witness["tid"], exec_id=only(execs(completed.events)).exec_id)


def test_arguments_cut_on_request(run_told, tries):
    """max_argv holds for execs that failed too."""
    completed, [witness] = run_told([tries, "attempt", "long", "/nosuch", "10", "100"], max_argv=150)

    event = only(failures(completed.events))
    assert ["x" * 100, "x" * 49] == event.argv
    assert {"argv": len(witness["argv"])} == event.truncated


def test_failure_after_the_point_of_no_return(programs, place):
    """Where the caller's memory is gone by the time of the error, what lay in it is unreadable and not made up."""
    program = bytearray((programs / "true").read_bytes())
    headers, size, count = *struct.unpack_from("<Q", program, 32), *struct.unpack_from("<HH", program, 54)
    load = next(at for at in range(headers, headers + size * count, size) if program[at : at + 4] == b"\1\0\0\0")
    program[load + 16] ^= 1  # p_vaddr: not where a page can be mapped
    (place / "broken").write_bytes(program)
    (place / "broken").chmod(0o755)

    with whatran.watch(tree=[os.getpid()]) as watched, subprocess.Popen([place / "broken"]) as child:
        child.wait()
        watched.stop()
        events = list(watched)

    event = only(failures(events))
    assert -signal.SIGSEGV == child.returncode == -only(exits(events)).signal_code
    assert_fields(event, {"pid": child.pid, "comm": "broken", "cmdpath": None, "argv": None})
    assert ["cmdpath", "argv"] == event.unreadable


def test_threads_that_fail_at_once(run_told, tries):
    """Each attempt of two threads is told, of each thread in its order; what was produced is received."""
    completed, said = run_told([tries, "attempt", "threads", "/nowhere", "100"], failed="all")

    for tid in {witness["tid"] for witness in said}:
        searched = [witness.text("path").removesuffix("\0") for witness in said if witness["tid"] == tid]
        assert searched * 100 == [event.cmdpath for event in failures(completed.events, tid=tid)]
    counts = completed.stats.failed
    assert 600 == len(failures(completed.events)) == counts.received == counts.produced
    assert (0, 0, 0) == (counts.lost, counts.failed, counts.filtered)


def test_threads_that_search_at_once(run_told, tries):
    """The searches of two threads are two failures; what was produced is received, though less is told."""
    completed, said = run_told([tries, "attempt", "threads", "/nowhere", "1"])

    events = failures(completed.events)
    for tid in {witness["tid"] for witness in said}:
        *tried, last = (witness.text("path").removesuffix("\0") for witness in said if witness["tid"] == tid)
        assert [(last, tuple(tried))] == [(event.cmdpath, event.tried) for event in events if event.tid == tid]
    assert (2, 6, 6) == (len(events), completed.stats.failed.received, completed.stats.failed.produced)


def test_threads_that_execute_at_once(programs):
    """Of threads that execute at once one does; that the kernel would have had others do it again is no failure."""
    build(programs / "starts", "starts.c")

    completed = whatran.run([str(programs / "starts"), "at-once", str(programs / "true")])

    assert 20 == len(execs(completed.events, comm="true"))
    assert [] == [event.errno for event in failures(completed.events) if event.errno not in errno.errorcode]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs 32-bit programs of x86")
def test_32_bit_call(place):
    """Another system call that fails, and has in 32-bit programs the number of execveat(2), is no exec."""
    build(place / "program", "call32.c", "-m32", "-nostdlib", "-ffreestanding", "-static")

    completed = whatran.run([str(place / "program")])

    assert errno.EINVAL == completed.returncode
    assert [] == failures(completed.events)


# -- Searches of PATH by other people's programs -------------------------------------------------


@pytest.fixture
def search_path(place, programs, monkeypatch):
    """A PATH of three folders and the usual ones; only the third has a program "prog"."""
    folders = [str(place / name) for name in "abc"]
    for folder in folders:
        os.mkdir(folder)
    shutil.copy(programs / "true", place / "c" / "prog")
    usual = ["/usr/bin", "/bin"]
    monkeypatch.setenv("PATH", ":".join(folders + usual))
    return folders + usual


ENV = "/usr/bin/env"  # by its path: the command itself is searched for as well

PYTHON = """
import os, subprocess
for start in subprocess.run, lambda argv: os.waitpid(os.posix_spawnp(argv[0], argv, os.environ), 0):
    start(["prog"])
    try:
        start(["nosuch"])
    except OSError:
        pass
"""


def attempted(path, name):
    """What a search of these folders tries."""
    return tuple(f"{folder}/{name}" for folder in path)


def test_search_that_finds(search_path):
    """What execvp(3) tried in vain is told by the exec that ended the search, and not as failures."""
    completed = whatran.run([ENV, "prog"])

    event = only(execs(completed.events, comm="prog"))
    *tried, found = attempted(search_path[:3], "prog")
    assert (found, tuple(tried)) == (event.cmdpath, event.tried)
    assert [] == failures(completed.events)


def test_search_in_vain(search_path):
    """A search of PATH that finds nothing is one failure: the last, with those before it in order."""
    completed = whatran.run([ENV, "nosuch", "x"])

    event = only(failures(completed.events))
    *tried, last = attempted(search_path, "nosuch")
    assert (last, tuple(tried), errno.ENOENT) == (event.cmdpath, event.tried, event.errno)
    assert ["nosuch", "x"] == event.argv


def test_search_for_the_command(search_path):
    """The search for the command itself is folded too: its exec is the first event."""
    completed = whatran.run(["prog"])

    assert ["sched_process_exec", "sched_process_exit"] == [event.event for event in completed.events]
    assert attempted(search_path[:2], "prog") == completed.events[0].tried


@pytest.mark.parametrize("failed", ["all", "none"])
def test_unfolded(search_path, failed):
    """With "all" each attempt is an event, with "none" there is none; tried is empty then."""
    completed = whatran.run([ENV, "sh", "-c", f"{ENV} nosuch; {ENV} prog"], failed=failed)

    nosuch, prog = attempted(search_path, "nosuch"), attempted(search_path[:2], "prog")
    expected = [*attempted(search_path[:3], "sh"), *nosuch, *prog] if failed == "all" else []
    assert expected == [event.cmdpath for event in failures(completed.events)]
    assert len(expected) == completed.stats.failed.produced
    assert {()} == {event.tried for event in execs(completed.events) + failures(completed.events)}


def test_not_executable_on_the_way(search_path, place):
    """A file that may not be executed does not end a search."""
    (place / "b" / "prog").write_text("")

    completed = whatran.run([ENV, "prog"])

    assert attempted(search_path[:2], "prog") == only(execs(completed.events, comm="prog")).tried
    assert [] == failures(completed.events)


def test_no_program_ends_a_search(search_path, place):
    """A text without #! is no program: that search has failed, though execvp(3) then has the shell read it."""
    (place / "b" / "text").write_text("exit 3\n")
    (place / "b" / "text").chmod(0o755)

    completed = whatran.run([ENV, "text"])

    event, shell = only(failures(completed.events)), execs(completed.events)[-1]
    tried, last = attempted(search_path[:2], "text")
    assert (last, (tried,), errno.ENOEXEC) == (event.cmdpath, event.tried, event.errno)
    assert ("/bin/sh", [last], ()) == (shell.cmdpath, shell.argv[1:], shell.tried)
    assert (3, None) == (completed.returncode, shell.script_pathname)


def searches(events):
    """For each exec, failed or not, what it was of and what was tried before."""
    return [(event.cmdpath, event.tried) for event in events]


def test_python(search_path):
    """Python's subprocess and posix_spawnp(3) search in children: two that find, two that do not."""
    completed = whatran.run([sys.executable, "-c", PYTHON])

    *tried, found = attempted(search_path[:3], "prog")
    assert [(found, tuple(tried))] * 2 == searches(execs(completed.events, comm="prog"))
    *tried, last = attempted(search_path, "nosuch")
    assert [(last, tuple(tried))] * 2 == searches(failures(completed.events))


def test_shell(search_path, place):
    """A shell that looks for itself fails at what it is told by its path only."""
    completed = whatran.run(["/bin/sh", "-c", f"prog; nosuch; {place}/nosuch; {place}/c/prog; true"])

    assert [(f"{place}/nosuch", ())] == searches(failures(completed.events))
    assert [(f"{place}/c/prog", ())] * 2 == searches(execs(completed.events, comm="prog"))


def test_make(search_path, place):
    """However make looks for commands, each that it finds is one exec, and each that is missing one failure at most."""
    (place / "Makefile").write_text("all:\n\tprog x\n\t-nosuch x\n\tprog y\n")
    make = shutil.which("make")

    completed = whatran.run([make, "-s", "-C", str(place)])

    assert [["prog", "x"], ["prog", "y"]] == [event.argv for event in execs(completed.events, comm="prog")]
    assert len(failures(completed.events)) <= 1
    assert {"make", "prog"} == {event.comm for event in execs(completed.events)}


def test_search_before_silence(search_path):
    """A search in vain is told soon, though its process goes on to do nothing and nor does anybody else."""
    waiting = "import os; input()\ntry: os.execvp('nosuch', ['nosuch'])\nexcept OSError: input()"
    with (
        subprocess.Popen([sys.executable, "-c", waiting], stdin=subprocess.PIPE) as child,
        whatran.watch(pid=[child.pid], timeout=60) as watched,
    ):
        child.stdin.write(b"\n")
        child.stdin.flush()
        events = []
        while not events and not watched.ended:
            events = watched.read()
        ended = watched.ended
        child.communicate(b"\n")

    assert not ended
    assert attempted(search_path[:-1], "nosuch") == only(failures(events)).tried
