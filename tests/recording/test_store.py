"""Where recordings go: nothing that is anybody else's is written to or replaced, and what is not there is told."""

import os
import stat

import pytest

from whatran.errors import OutputError
from whatran.recording.store import FileEach, Memory, OneFile


@pytest.fixture
def path(tmp_path):
    """Where a recording goes."""
    return tmp_path / "some.wr"


def one(path, *, overwrite):
    """All in one file."""
    return OneFile(path, overwrite=overwrite)


def each(path, *, overwrite):
    """A file each."""
    return FileEach(path, overwrite=overwrite)


def memory(path, *, overwrite):
    """Kept in memory."""
    return Memory(path, 10, overwrite=overwrite)


@pytest.mark.parametrize(
    ("store", "name"), [(one, "some.wr"), (each, "some-0001.wr"), (memory, "some.wr")], ids=["one", "each", "memory"]
)
def test_a_file_that_has_come_meanwhile(path, store, name):
    """Another recorder may have been started at the same time: the file is that one's."""
    other = path.with_name(name)
    other.write_text("other")
    with pytest.raises(OutputError, match=r"there is a file .* already"):
        store(path, overwrite=False).begin(0)

    assert ("other", [other]) == (other.read_text(), [*path.parent.iterdir()])


@pytest.mark.parametrize("store", [one, memory])
def test_a_link_is_replaced_and_not_followed(path, store):
    """Whoever has put it there does not choose which file is written."""
    victim = path.with_name("victim")
    victim.write_text("precious")
    path.symlink_to(victim)
    taken = store(path, overwrite=True)
    taken.begin(0)
    taken.write(b"new")
    taken.close()

    assert ("precious", b"new", False) == (victim.read_text(), path.read_bytes(), path.is_symlink())


def test_a_link_that_leads_nowhere_makes_no_file(path):
    """It may lead to where a file means something."""
    path.symlink_to(path.with_name("nowhere"))
    with pytest.raises(OutputError, match="there is a file"):
        one(path, overwrite=False).begin(0)

    assert [path] == [*path.parent.iterdir()]


def test_what_is_kept_goes_into_a_pipe(path):
    """And a pipe or device stays what it is."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        store = memory(path, overwrite=False)
        store.begin(0)
        store.write(b"kept")
        store.close()

        assert (b"kept", True) == (os.read(reader, 9), stat.S_ISFIFO(path.stat().st_mode))
    finally:
        os.close(reader)


def test_a_pipe_in_the_place_of_the_next_file(path):
    """It is none that was asked for: whoever reads it gets nothing."""
    os.mkfifo(path.with_name("some-0002.wr"))
    store = each(path, overwrite=True)
    store.begin(0)
    os.mkfifo(path.with_name("some-0002.wr"))
    store.begin(1)
    store.close()

    assert [True, True] == [file.is_file() for file in sorted(path.parent.iterdir())]


def test_what_is_kept_has_its_place_from_the_beginning(path):
    """That it cannot be written comes out before there is anything to lose."""
    store = memory(path, overwrite=False)
    store.begin(0)
    before = path.read_bytes()
    store.write(b"kept")
    store.close()

    assert (b"", b"kept") == (before, path.read_bytes())


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_kept_has_no_place(path, overwrite):
    """As where the directory has gone, or is not ours to write in."""
    with pytest.raises(OutputError, match="cannot write to"):
        memory(path.parent / "none" / "some.wr", overwrite=overwrite).begin(0)


def test_a_file_that_is_removed(path):
    """It is told as soon as more is written; and at the end."""
    store = one(path, overwrite=False)
    store.begin(0)
    store.write(b"1")
    path.unlink()
    with pytest.raises(OutputError, match="was removed while it was written"):
        store.write(b"2")
    with pytest.raises(OutputError, match="was removed while it was written"):
        store.close()


def test_a_file_that_is_renamed(path):
    """It goes on under the other name."""
    store = one(path, overwrite=False)
    store.begin(0)
    path.rename(path.with_name("other.wr"))
    store.write(b"2")
    store.close()

    assert b"2" == path.with_name("other.wr").read_bytes()
