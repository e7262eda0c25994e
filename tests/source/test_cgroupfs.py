import logging
import os
import re

import pytest

from whatran.errors import SourceError, UsageError
from whatran.source import cgroupfs

OTHERS = """\
22 28 0:21 / /proc rw,nosuid - proc proc rw
31 28 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
"""


@pytest.fixture
def mountinfo(tmp_path, monkeypatch):
    """Writes what stands in for /proc/self/mountinfo."""
    file = tmp_path / "mountinfo"
    monkeypatch.setattr(cgroupfs, "MOUNTINFO", file)
    cgroupfs.root.cache_clear()
    yield file.write_bytes
    cgroupfs.root.cache_clear()


@pytest.fixture
def hierarchy(tmp_path, mountinfo):
    """Directory that stands in for the v2 hierarchy."""
    root = tmp_path / "cgroup"
    make(root)
    mountinfo(f"{OTHERS}41 31 0:38 / {root} rw - cgroup2 cgroup2 rw\n".encode())
    return root


def make(*paths):
    """Makes directories that look like cgroups."""
    for path in paths:
        path.mkdir()
        (path / "cgroup.procs").touch()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes what stands in for /proc/self/cgroup."""
    file = tmp_path / "self"
    monkeypatch.setattr(cgroupfs, "OWN", file)
    return file.write_bytes


@pytest.mark.parametrize(
    ("line", "point"),
    [
        (rb"35 24 0:30 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw", "/sys/fs/cgroup"),
        (rb"35 24 0:30 / /sys/fs/cgroup rw - cgroup2 none rw,nsdelegate", "/sys/fs/cgroup"),
        (rb"35 24 0:30 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 cgroup2 rw", "/sys/fs/cgroup/unified"),
        (rb"35 24 0:30 /a/b /mnt/with\040a\040space rw - cgroup2 cgroup2 rw", "/mnt/with a space"),
        (rb"35 24 0:30 / /mnt/back\134slash\011tab rw - cgroup2 cgroup2 rw", "/mnt/back\\slash\ttab"),
    ],
)
def test_root_is_where_the_hierarchy_is_mounted(mountinfo, line, point):
    """Among other mounts, with any optional fields before the dash."""
    mountinfo(OTHERS.encode() + line + b"\n")

    assert point == str(cgroupfs.root())


def test_other_mounts_may_be_called_anything(mountinfo):
    """Bytes that are no text, what Python takes for the end of a line, and the type's name do no harm."""
    odd = "50 24 0:9 / /mnt/\udcff\f\x85 - cgroup2\\040 rw - tmpfs cgroup2 rw\n"
    mountinfo(os.fsencode(odd) + b"35 24 0:30 / /here rw - cgroup2 cgroup2 rw\n")

    assert "/here" == str(cgroupfs.root())


def test_no_hierarchy_is_an_error_that_says_how_to_get_one(mountinfo):
    """The old hierarchies are no substitute."""
    mountinfo(OTHERS.encode())

    with pytest.raises(UsageError, match="mount -t cgroup2"):
        cgroupfs.root()


@pytest.mark.parametrize(
    "given", ["{root}/a/b", "{root}/a/b/", "{root}/a/../a/b", "/a/b", "a/b", "/a//b/", "/a/b/../b"]
)
def test_directory_of_a_cgroup(hierarchy, given):
    """By its path in the file system, or as /proc/PID/cgroup has it."""
    make(hierarchy / "a", hierarchy / "a" / "b")

    assert hierarchy / "a" / "b" == cgroupfs.directory(given.format(root=hierarchy))


@pytest.mark.parametrize("given", ["/", "{root}", "{root}/"])
def test_root_is_a_cgroup_too(hierarchy, given):
    """That of all processes."""
    assert hierarchy == cgroupfs.directory(given.format(root=hierarchy))


@pytest.mark.parametrize(
    "given", ["", "/no", "no/such", "/plain", "/..", "../other", "{root}/../other", "/" + "x" * 300, "a\ud800"]
)
def test_what_is_no_cgroup_is_refused(hierarchy, given):
    """Also a directory that is none, or lies outside, and a name there cannot be."""
    make(hierarchy.parent / "other")
    (hierarchy / "plain").mkdir()
    given = given.format(root=hierarchy)

    with pytest.raises(UsageError, match=re.escape(f"there is no cgroup {given};")):
        cgroupfs.directory(given)


@pytest.mark.parametrize("path", ["/", "/a", "/a/b", "/.hidden", "/..."])
def test_path_of_a_directory(hierarchy, path):
    """As /proc/PID/cgroup has it; names may begin with a dot."""
    assert path == cgroupfs.path_of(hierarchy / path.lstrip("/"))


@pytest.mark.parametrize(
    ("said", "below"),
    [
        (b"0::/\n", ""),
        (b"0::/user.slice/a b\n", "user.slice/a b"),
        (b"9:name=systemd:/x\n8:pids:/y\n0::/z\n", "z"),
        (b"8:pids:/y\n", ""),
        (b"1:name=\xff:/\n0::/\xff\n", "\udcff"),
    ],
)
def test_own_cgroup_is_made_below_ours(hierarchy, own, said, below):
    """Ours is that in the v2 hierarchy, its root where we are in none; the new name is nobody else's."""
    own(said)
    (hierarchy / below).mkdir(parents=True, exist_ok=True)

    first, second = cgroupfs.OwnCgroup(), cgroupfs.OwnCgroup()

    assert {hierarchy / below} == {first.directory.parent, second.directory.parent}
    assert first.directory != second.directory
    assert first.directory.is_dir()
    assert second.directory.is_dir()


def test_own_cgroup_takes_a_process_and_goes(hierarchy, own, caplog):
    """A process is moved by its pid; an empty cgroup is removed without a word."""
    own(b"0::/\n")
    cgroup = cgroupfs.OwnCgroup()

    cgroup.add(4711)
    assert "4711" == (cgroup.directory / "cgroup.procs").read_text()

    (cgroup.directory / "cgroup.procs").unlink()  # cgroupfs lets directories go with the files in them
    cgroup.close()
    assert (False, []) == (cgroup.directory.exists(), caplog.messages)


def test_own_cgroup_that_is_in_use_stays(hierarchy, own, caplog):
    """A warning says which it is."""
    own(b"0::/\n")
    cgroup = cgroupfs.OwnCgroup()
    cgroup.add(4711)

    cgroup.close()

    [record] = caplog.records
    assert (logging.WARNING, True) == (record.levelno, str(cgroup.directory) in record.getMessage())


def test_own_cgroup_that_cannot_be_made(hierarchy, own):
    """The error says how to do without."""
    own(b"0::/gone (deleted)\n")

    with pytest.raises(SourceError, match="leave out --scope cgroup"):
        cgroupfs.OwnCgroup()


def test_process_that_cannot_be_moved(hierarchy, own):
    """So does that of a process which is not let in."""
    own(b"0::/\n")
    cgroup = cgroupfs.OwnCgroup()
    cgroup.directory.rmdir()

    with pytest.raises(SourceError, match="leave out --scope cgroup"):
        cgroup.add(4711)
