"""What was executed: the binary, its path, its loader, by the word of the program itself."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import whatran

from .programs import build, script
from .truth import assert_exec_matches, execs, only

LOADER_OPTION = "-Wl,--dynamic-linker="


def loader_of(program):
    """Path of the ELF interpreter that a binary names."""
    headers = subprocess.run(["readelf", "-lW", program], check=True, capture_output=True, text=True).stdout
    return headers.partition("program interpreter: ")[2].partition("]")[0]


@pytest.mark.parametrize("program", ["witness", "witness-static", "witness-pie"])
def test_binary(run_told, programs, program):
    """A binary's exec has what the kernel tells the binary of itself, whether or not it has a loader."""
    completed, [witness] = run_told([programs / program, "one", "two"])

    assert_exec_matches(only(execs(completed.events)), witness)
    assert (program == "witness") == (execs(completed.events)[0].interpreter_pathname is not None)


def test_first_exec_is_the_commands(run_told, programs):
    """The first event of a run is the exec of the command by the very process that was started."""
    completed, [witness] = run_told([programs / "witness"])

    first = completed.events[0]
    assert ("sched_process_exec", witness["pid"], os.getpid()) == (first.event, first.pid, first.ppid)


def test_found_in_path(run_told, programs, monkeypatch):
    """A command without a slash is looked up in PATH, and cmdpath is the path that was found."""
    monkeypatch.setenv("PATH", f"/nowhere:{programs}:{os.environ['PATH']}")

    completed, [witness] = run_told(["witness"])

    assert_exec_matches(only(execs(completed.events)), witness, cmdpath=str(programs / "witness"))


def test_relative_path(run_told, programs, monkeypatch):
    """cmdpath is as relative as it was passed; pathname and cwd are absolute."""
    monkeypatch.chdir(programs)

    completed, [witness] = run_told(["./witness"])

    assert_exec_matches(
        only(execs(completed.events)),
        witness,
        cmdpath="./witness",
        pathname=f"{programs}/witness",
        cwd=str(programs),
    )


def test_symbolic_link(run_told, programs, place):
    """cmdpath is the link that was passed, pathname the binary it leads to."""
    link = place / "link"
    link.symlink_to(programs / "witness")

    completed, [witness] = run_told([link])

    assert_exec_matches(
        only(execs(completed.events)), witness, cmdpath=str(link), pathname=str(programs / "witness"), comm="link"
    )


def test_ctime_after_the_file_was_looked_at(run_told, programs, place):
    """The ctime is exact also where it was changed after somebody had asked for it."""
    copy = shutil.copy(programs / "witness", place / "copy")
    before = os.stat(copy).st_ctime_ns
    while before == os.stat(copy).st_ctime_ns:  # before Linux 6.13 it is that of the last tick
        os.chmod(copy, 0o700)

    completed, [witness] = run_told([copy])

    changed = os.stat(copy).st_ctime_ns
    assert_exec_matches(only(execs(completed.events)), witness, ctime=changed, inode_mode=0o100700)


def test_name_with_odd_bytes(run_told, programs, place):
    """Paths are bytes: spaces, line ends and bytes that are no UTF-8 come through as they are."""
    directory = os.fsencode(place) + b"/a b\n\xff\xc3"
    os.mkdir(directory)
    program = shutil.copy(os.fsencode(programs / "witness"), directory + b"/\x1b[31m\xfe")

    completed, [witness] = run_told([os.fsdecode(program)])

    assert_exec_matches(only(execs(completed.events)), witness, pathname=os.fsdecode(program))


def test_script(run_told, programs, place):
    """For a script cmdpath is the script, and pathname, interp and argv are its interpreter's."""
    path = script(place / "script", f"{programs}/witness  one argument ")

    completed, [witness] = run_told([path, "two"])

    assert_exec_matches(
        only(execs(completed.events)),
        witness,
        cmdpath=str(path),
        interp=str(programs / "witness"),
        pathname=str(programs / "witness"),
        argv=[str(programs / "witness"), "one argument", str(path), "two"],
        comm="script",
    )


def test_script_through_a_link_and_a_relative_path(run_told, programs, place, monkeypatch):
    """A script is named as it was called: here a relative path to a symbolic link."""
    script(place / "script", programs / "witness")
    (place / "link").symlink_to("script")
    monkeypatch.chdir(place)

    completed, [witness] = run_told(["./link"])

    assert_exec_matches(
        only(execs(completed.events)),
        witness,
        cmdpath="./link",
        interp=str(programs / "witness"),
        argv=[str(programs / "witness"), "./link"],
    )


def test_script_whose_interpreter_is_a_script(run_told, programs, place):
    """Of nested interpreters pathname and interp are the last, the binary; cmdpath is the first script."""
    inner = script(place / "inner", f"{programs}/witness -i")
    outer = script(place / "outer", f"{inner} -o")

    completed, [witness] = run_told([outer, "x"])

    assert_exec_matches(
        only(execs(completed.events)),
        witness,
        cmdpath=str(outer),
        interp=str(programs / "witness"),
        argv=[str(programs / "witness"), "-i", str(inner), "-o", str(outer), "x"],
    )


def test_script_by_descriptor(run_told, programs, place):
    """A script executed by its descriptor is /dev/fd/N, to its interpreter and to us."""
    path = script(place / "script", programs / "witness")

    completed, [witness] = run_told([programs / "odd", "fd", path])

    event = only(execs(completed.events, pathname=str(programs / "witness")))
    assert_exec_matches(event, witness, interp=str(programs / "witness"))
    assert "/dev/fd/" == event.cmdpath[:8]


def test_memfd(run_told, programs):
    """A program in a memfd is memfd:NAME, of memory only and deleted."""
    completed, [witness] = run_told([programs / "odd", "memfd", programs / "witness"])

    event = only(execs(completed.events, memfd=True))
    assert_exec_matches(event, witness, pathname="memfd:odd one", memfd=True, deleted=True)


@pytest.mark.parametrize("program", ["witness", "witness-static"])
def test_by_descriptor(run_told, programs, program):
    """execveat(2) of a descriptor has cmdpath /dev/fd/N and the binary's own pathname."""
    completed, [witness] = run_told([programs / "odd", "fd", programs / program])

    event = only(execs(completed.events, pathname=str(programs / program)))
    assert_exec_matches(event, witness)
    assert "/dev/fd/" == event.cmdpath[:8]


def test_by_name_in_an_open_directory(run_told, programs):
    """execveat(2) of a name in a directory's descriptor has cmdpath /dev/fd/N/name."""
    completed, [witness] = run_told([programs / "odd", "dirfd", programs / "witness"])

    event = only(execs(completed.events, pathname=str(programs / "witness")))
    assert_exec_matches(event, witness)
    assert event.cmdpath.endswith("/witness")


def test_deleted_binary(run_told, programs, place):
    """A binary that was removed before its exec keeps the path it had, and is said to be deleted."""
    copy = shutil.copy(programs / "witness", place / "gone")

    completed, [witness] = run_told([programs / "odd", "deleted", copy])

    event = only(execs(completed.events, pathname=str(copy)))
    assert_exec_matches(event, witness, deleted=True)


def test_loader_run_directly(run_told, programs):
    """Where the loader itself is run, it is the binary and there is no interpreter."""
    loader = loader_of(programs / "witness")

    completed, [witness] = run_told([loader, programs / "witness", "x"])

    event = only(execs(completed.events))
    assert_exec_matches(
        event,
        witness,
        cmdpath=loader,
        pathname=os.path.realpath(loader),
        argv=[loader, str(programs / "witness"), "x"],
        interpreter_pathname=None,
    )


def test_loader_with_a_long_path(run_told, programs, place):
    """The loader's path comes whole, also one of more than a hundred bytes."""
    directory = place / ("l" * 120) / ("d" * 120)
    directory.mkdir(parents=True)
    loader = shutil.copy(loader_of(programs / "witness"), directory / "ld.so")
    build(place / "program", "witness.c", f"{LOADER_OPTION}{loader}")

    completed, [witness] = run_told([place / "program"])

    assert_exec_matches(only(execs(completed.events)), witness, interpreter_pathname=str(loader))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs 32-bit programs of x86")
def test_32_bit_binary_and_its_loader(run_told, place):
    """The loader of a 32-bit program is found too."""
    bare = ["-m32", "-nostdlib", "-ffreestanding"]
    build(place / "loader", "tiny.c", *bare, "-shared", "-Wl,-e,_start")
    build(place / "program", "tiny.c", *bare, "-pie", f"{LOADER_OPTION}{place}/loader")

    completed, _ = run_told([place / "program", "x"])

    event, loader = only(execs(completed.events)), os.stat(place / "loader")
    expected = (str(place / "program"), str(place / "loader"), loader.st_dev, loader.st_ino, loader.st_ctime_ns)
    assert expected == (
        event.pathname,
        event.interpreter_pathname,
        event.interpreter_dev,
        event.interpreter_inode,
        event.interpreter_ctime,
    )


@pytest.mark.parametrize(("count", "length"), [(120, 20), (15, 255), (1000, 1), (1900, 1)])
def test_deep_path(run_told, programs, place, monkeypatch, count, length):
    """Paths up to PATH_MAX come whole, whatever the number of their components: binary, cwd, cmdpath, stdin."""
    directory = place.joinpath(*["d" * length] * count)
    subprocess.run(["mkdir", "-p", directory], check=True)  # mkdir(parents=True) is recursive
    shutil.copy(programs / "witness", directory / "witness")
    monkeypatch.chdir(directory)
    command = f'exec "{directory}/witness" < "{directory}/witness"'

    completed, [witness] = run_told(["/bin/sh", "-c", command])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(
        event,
        witness,
        pathname=f"{directory}/witness",
        cmdpath=f"{directory}/witness",
        stdin_path=f"{directory}/witness",
        cwd=str(directory),
    )


def test_names_of_each_length(programs, place):
    """Short names lie elsewhere in the kernel than long ones; of what was longer before, nothing is left."""
    paths = [place / (letter * length) for length in range(1, 65) for letter in "an"]
    for path in paths:
        shutil.copy(programs / "true", path.with_name("long" * 9 + "er")).rename(path)

    completed = whatran.run(["/bin/sh", "-c", "\n".join(map(str, paths))])

    assert paths == [Path(each.pathname) for each in execs(completed.events)[1:]]


def test_path_longer_than_path_max(run_told, programs, place):
    """A path that no system call can name comes whole, or cut at its front and said to be so."""
    with contextlib.chdir(place):
        for _ in range(30):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        completed, _ = run_told([programs / "witness"])

    event, full = only(execs(completed.events)), str(place) + ("/" + "d" * 250) * 30
    whole = event.cwd == full and "cwd" not in event.truncated
    assert whole or (full.endswith(event.cwd.lstrip("/")) and event.truncated["cwd"] > len(event.cwd))


def test_long_path_behind_a_descriptor(run_told, programs):
    """/dev/fd/N/ and a path of PATH_MAX is longer than any path, and whole."""
    completed, [_witness] = run_told([programs / "odd", "dirfd-long", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert ({}, True) == (event.truncated, event.cmdpath.startswith("/dev/fd/"))
    assert len(event.cmdpath) > 4096
