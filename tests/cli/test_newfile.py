"""Files that commands make."""

import os
import stat

import pytest

from whatran.cli.newfile import keep_inputs, new_file
from whatran.errors import OutputError, UsageError
from whatran.sinks.output import Output


def test_it_is_for_its_owner_only(tmp_path):
    """Arguments can hold secrets; whatever the umask is."""
    before = os.umask(0)
    try:
        with new_file(str(tmp_path / "a.html"), overwrite=False) as beside:
            beside.write_text("é")
    finally:
        os.umask(before)

    assert ("é", 0o600) == ((tmp_path / "a.html").read_text(), stat.S_IMODE((tmp_path / "a.html").stat().st_mode))
    assert ["a.html"] == os.listdir(tmp_path)


def test_what_is_there_is_kept(tmp_path):
    """Unless it may be overwritten."""
    path = tmp_path / "a.html"
    path.write_text("mine")

    with (
        pytest.raises(
            UsageError, match=r"there is a file .*a\.html already: name another with -o, or give --overwrite"
        ),
        new_file(str(path), overwrite=False),
    ):
        pass
    assert "mine" == path.read_text()
    with new_file(str(path), overwrite=True) as beside:
        beside.write_text("yours")
        assert "mine" == path.read_text()
    assert "yours" == path.read_text()


def test_what_is_no_file_is_never_replaced(tmp_path):
    """A device or a pipe is written to, and a directory is refused, asked or not."""
    with new_file("/dev/null", overwrite=False) as path:
        assert "/dev/null" == str(path)
    with (
        pytest.raises(UsageError, match="is a directory: give the name of a file"),
        new_file(str(tmp_path), overwrite=True),
    ):
        pass


def test_what_is_read_is_never_replaced(tmp_path):
    """By no name of it, asked or not."""
    path = tmp_path / "a.wr"
    path.write_text("mine")
    (tmp_path / "link").symlink_to(path)

    for name in (path, tmp_path / "link"):
        with (
            pytest.raises(UsageError, match=r"is a recording to be read: name another file with -o"),
            new_file(str(name), overwrite=True, inputs=["-", str(path)]),
        ):
            pass
    assert "mine" == path.read_text()


def test_through_a_link(tmp_path):
    """What it leads to is replaced, the link stays."""
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").write_text("mine")

    with new_file(str(tmp_path / "link"), overwrite=True) as beside:
        beside.write_text("yours")

    assert ("yours", True) == ((tmp_path / "file").read_text(), (tmp_path / "link").is_symlink())


def test_nothing_is_left_of_what_could_not_be_written(tmp_path):
    """One sentence, and no half of a file; also where what is to be in it cannot be had."""
    with (
        pytest.raises(OutputError, match=r"cannot write to .*: No such file or directory; name another file with -o"),
        new_file(str(tmp_path / "nowhere/a.html"), overwrite=False),
    ):
        pass
    with pytest.raises(UnicodeEncodeError), new_file(str(tmp_path / "b.html"), overwrite=False) as beside:
        beside.write_text("\ud800")
    full = Output.open("/dev/full")
    with (
        full,
        pytest.raises(OutputError, match=r"^cannot write to .*/c\.csv: No space left on device; name another file"),
        new_file(str(tmp_path / "c.csv"), overwrite=False),
    ):
        full.write(b"x")
    assert [] == os.listdir(tmp_path)


def test_where_nobody_may_look(closed):
    """One sentence, before anything is done for it; to read from there is not to destroy it."""
    with (
        pytest.raises(OutputError, match=r"cannot write to .*/o\.yml: Permission denied; name another file with -o"),
        new_file(str(closed / "o.yml"), overwrite=True, inputs=[str(closed / "i.wr")]),
    ):
        pytest.fail("there is no such file")
    keep_inputs(str(closed / "o.yml"), [str(closed / "o.yml")])


def test_a_name_that_is_too_long(tmp_path):
    """One sentence, before anything is done for it."""
    with (
        pytest.raises(OutputError, match=r"cannot write to .*x\.csv: File name too long; name another file with -o"),
        new_file(str(tmp_path / ("x" * 300 + ".csv")), overwrite=False),
    ):
        pytest.fail("there is no such file")
