"""The file that was to be executed where an interpreter runs it, by the word of that interpreter."""

import os
import shutil
import subprocess
import uuid

import pytest

import whatran

from .programs import build, script
from .truth import assert_fields, execs, only

NONE = dict.fromkeys(("script_pathname", "script_dev", "script_inode", "script_ctime"))


@pytest.fixture(scope="module")
def looks(programs):
    """The interpreter, which looks at the files it is given."""
    build(programs / "looks", "looks.c")
    return programs / "looks"


@pytest.fixture(scope="module")
def starts(programs):
    """The program that starts others."""
    build(programs / "starts", "starts.c")
    return programs / "starts"


def fields(witness, **other):
    """What the fields of the script must be by the word of its interpreter."""
    stat = witness["stat"]
    return {
        "script_pathname": witness.text("path").removesuffix(" (deleted)"),
        "script_dev": stat["dev"],
        "script_inode": stat["ino"],
        "script_ctime": stat["ctime_ns"],
        "unreadable": [],
        "truncated": {},
    } | other


def fields_of(path):
    """The same by our own word, for a file that we see too."""
    found = os.stat(path)
    return {
        "script_pathname": os.path.realpath(path),
        "script_dev": found.st_dev,
        "script_inode": found.st_ino,
        "script_ctime": found.st_ctime_ns,
    }


def test_binary(programs):
    """What the kernel executes by itself is no script, which is known and not unreadable."""
    completed = whatran.run(["/bin/sh", "-c", '"$0/witness-static"; exec "$0/witness"', str(programs)])

    for event in execs(completed.events):
        assert_fields(event, NONE | {"unreadable": []})
    assert ["sh", "witness-static", "witness"] == [event.comm for event in execs(completed.events)]


def test_script(run_told, looks, place):
    """A script is told by path, device, inode and change time, and its interpreter is none."""
    path = script(place / "script", looks)

    completed, [witness] = run_told([path, "one"])

    event = only(execs(completed.events))
    assert_fields(event, fields(witness) | fields_of(path))
    assert str(looks) == event.pathname


def test_ctime_after_the_file_was_looked_at(run_told, looks, place):
    """The change time is exact also where it was changed after somebody had asked for it."""
    path = script(place / "script", looks)
    before = os.stat(path).st_ctime_ns
    os.chmod(path, 0o700)

    completed, [witness] = run_told([path])

    assert_fields(only(execs(completed.events)), fields(witness))
    assert before < witness["stat"]["ctime_ns"]


def test_name_with_odd_bytes(run_told, looks, place):
    """Its path comes as it is, whatever bytes are in it."""
    directory = os.fsencode(place) + b"/a b\n\xff"
    os.mkdir(directory)
    path = os.fsdecode(directory + b"/\x1b[31m\xfe")
    os.rename(script(place / "script", looks), path)

    completed, [witness] = run_told([path])

    assert_fields(only(execs(completed.events)), fields(witness) | fields_of(path))


def test_nested(run_told, looks, place):
    """Where interpreters are scripts themselves, the script is the file that was asked for."""
    paths = [script(place / "0", looks)]
    for number in range(1, 4):
        paths.append(script(place / f"{number}", paths[-1]))

    completed, said = run_told([paths[-1]])

    event = only(execs(completed.events))
    assert [str(path) for path in paths] == [witness.text("path") for witness in said]
    assert_fields(event, fields(said[-1]) | fields_of(paths[-1]))


def test_links_and_relative_paths(run_told, looks, place, monkeypatch):
    """Its path is the real one, whatever was passed: here a relative path through two symbolic links."""
    (place / "real").mkdir()
    path = script(place / "real" / "script", looks)
    (place / "link").symlink_to("real/script")
    (place / "directory").symlink_to(".")
    monkeypatch.chdir(place / "real")

    completed, [witness] = run_told(["../directory/link"])

    assert_fields(only(execs(completed.events)), fields(witness, cmdpath="../directory/link") | fields_of(path))


@pytest.mark.parametrize("how", ["fd", "dirfd", "deleted"])
def test_by_descriptor(run_told, programs, looks, place, how):
    """execveat(2) of a script's descriptor, or of its directory's, has the script's own path; so if it is removed."""
    path = script(place / "script", looks)

    completed, [witness] = run_told([programs / "odd", how, path])

    event = execs(completed.events)[-1]
    assert_fields(event, fields(witness, script_pathname=str(path)))
    assert "/dev/fd/" == event.cmdpath[:8]


def test_thread_that_is_not_the_leader(run_told, programs, looks, place):
    """The script is known also where another thread than the leader executed it."""
    path = script(place / "script", looks)

    completed, [witness] = run_told([programs / "odd", "thread", path])

    event = execs(completed.events)[-1]
    assert_fields(event, fields(witness) | fields_of(path))
    assert event.tid != event.old_tid


@pytest.mark.parametrize("how", ["vfork", "spawn", "descriptors"])
def test_ways_to_start(run_told, starts, looks, place, monkeypatch, how):
    """The script is known from vfork(2), posix_spawn(3) and with 2,000 other files closed by the exec."""
    path = script(place / "script", looks)
    (place / "other").write_text("")
    monkeypatch.chdir(place)

    completed, [witness] = run_told([starts, how, path])

    assert_fields(execs(completed.events)[-1], fields(witness) | fields_of(path))


def test_scripts_that_change_themselves(place):
    """The file is told as it was when it was executed, whatever becomes of it."""
    paths = []
    for name, command in ("removed", 'rm "$0"'), ("replaced", 'mv "$0.new" "$0"'), ("changed", 'echo >> "$0"'):
        paths.append(script(place / name, "/bin/sh"))
        paths[-1].write_text(f"#!/bin/sh\n{command}\n")
        shutil.copy(paths[-1], place / f"{name}.new")
    before = [fields_of(path) for path in paths]

    completed = whatran.run(["/bin/sh", "-e", "-c", "; ".join(map(str, paths))])

    events = [event for event in execs(completed.events) if event.cmdpath in map(str, paths)]
    for event, expected in zip(events, before, strict=True):
        assert_fields(event, expected)
    assert 0 == completed.returncode


OVERLAY = "-t overlay -o lowerdir=lower,upperdir=upper,workdir=work none"


@pytest.mark.parametrize(
    ("mount", "folder"),
    [("-t tmpfs none", None), ("--bind lower", "lower"), (OVERLAY, "lower")],
    ids=["tmpfs", "bind", "overlay"],
)
def test_mounts(request, run_told, looks, place, mount, folder):
    """The script is the file of the file system that it was executed on, in that mount namespace."""
    if mount == OVERLAY:
        request.getfixturevalue("overlay")
    for name in ("lower", "upper", "work", "point"):
        (place / name).mkdir()
    path = script(place / (folder or ".") / "script", looks)
    copy = "" if folder else f"&& cp {path} point/"
    commands = f"cd {place} && mount {mount} point {copy} && exec point/script"

    completed, [witness] = run_told(["unshare", "--mount", "/bin/sh", "-c", commands])

    event = execs(completed.events)[-1]
    assert_fields(event, fields(witness, script_pathname=f"{place}/point/script", cmdpath="point/script"))
    assert os.stat("/proc/self/ns/mnt").st_ino != event.mnt_ns


@pytest.fixture
def binfmt_misc(place):
    """Where formats of binaries can be registered."""
    point = place / "binfmt_misc"
    point.mkdir()
    done = subprocess.run(["mount", "-t", "binfmt_misc", "none", point], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"binfmt_misc cannot be mounted here: {done.stderr.strip()}")
    yield point
    subprocess.run(["umount", point], check=True)


@pytest.fixture
def register(binfmt_misc):
    """Has an interpreter run a new format of binaries, and gives back what those begin with."""
    names = []

    def register(interpreter, flags):
        names.append(f"whatran-{uuid.uuid4().hex}")
        magic = os.urandom(12).hex()
        (binfmt_misc / "register").write_text(f":{names[-1]}:M::{magic}::{interpreter}:{flags}")
        return magic.encode()

    yield register
    for name in names:
        (binfmt_misc / name).write_text("-1")


@pytest.mark.parametrize("flags", ["", "O"])
def test_foreign_binary(run_told, looks, place, register, flags):
    """Where binfmt_misc has an interpreter for a binary, that binary is the script; also if it is passed open."""
    binary = place / "binary"
    binary.write_bytes(register(looks, flags))
    binary.chmod(0o755)

    completed, said = run_told([binary])

    event = only(execs(completed.events))
    assert_fields(event, fields(said[0], cmdpath=str(binary), pathname=str(looks)) | fields_of(binary))


@pytest.mark.parametrize("flags", ["", "O"])
def test_script_of_a_foreign_binary(run_told, looks, place, register, flags):
    """A script whose interpreter is such a binary is itself the file that was asked for; unless that is passed open."""
    binary = place / "binary"
    binary.write_bytes(register(looks, flags))
    binary.chmod(0o755)
    path = script(place / "script", binary)

    completed, said = run_told([path])

    assert [str(binary), str(path)] == [witness.text("path") for witness in said]
    assert_fields(
        only(execs(completed.events)), fields(said[1], pathname=str(looks)) | fields_of(binary if flags else path)
    )
