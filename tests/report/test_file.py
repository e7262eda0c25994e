"""Where the page is written to."""

import os
import stat

import pytest

from whatran.errors import OutputError, UsageError
from whatran.report.file import check_free, write_page


def test_page_is_for_its_owner_only(tmp_path):
    """Arguments can hold secrets; whatever the umask is."""
    before = os.umask(0)
    try:
        write_page(tmp_path / "a.html", "é")
    finally:
        os.umask(before)

    assert ("é", 0o600) == ((tmp_path / "a.html").read_text(), stat.S_IMODE((tmp_path / "a.html").stat().st_mode))
    assert ["a.html"] == os.listdir(tmp_path)


def test_what_is_there_is_kept(tmp_path):
    """Unless it may be overwritten."""
    path = tmp_path / "a.html"
    path.write_text("mine")

    with pytest.raises(
        UsageError, match=r"there is a file .*a\.html already: name another with -o, or give --overwrite"
    ):
        check_free(path, overwrite=False)
    check_free(path, overwrite=True)
    check_free(tmp_path / "b.html", overwrite=False)


def test_what_is_no_file_is_never_replaced(tmp_path):
    """Not a folder, device or pipe; not even if asked to."""
    with pytest.raises(UsageError, match="is no regular file: name another with -o"):
        check_free(tmp_path, overwrite=True)


def test_nothing_is_left_of_what_could_not_be_written(tmp_path):
    """One sentence, and no half of a page; also where the page itself cannot be had."""
    (tmp_path / "a.html").mkdir()

    with pytest.raises(OutputError, match=r"cannot write to .*: Is a directory; name another file with -o"):
        write_page(tmp_path / "a.html", "x")
    with pytest.raises(OutputError, match=r"cannot write to .*: No such file or directory"):
        write_page(tmp_path / "nowhere/a.html", "x")
    with pytest.raises(UnicodeEncodeError):
        write_page(tmp_path / "b.html", "\ud800")
    assert ["a.html"] == os.listdir(tmp_path)
