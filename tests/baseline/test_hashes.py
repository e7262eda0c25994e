"""What files hold that were executed."""

import hashlib
import os

import pytest

from tests.events import make_exec
from whatran.baseline.hashes import MOST_BYTES, Hashes


def of(path):
    """An exec of that file."""
    about = os.stat(path)
    file = {"dev": about.st_dev, "inode": about.st_ino, "ctime": about.st_ctime_ns}
    return make_exec((str(path),), pathname=str(path), **file)


def test_a_file_that_is_the_same(tmp_path):
    """What sha256sum(1) says of it."""
    (tmp_path / "a").write_bytes(b"program")

    assert hashlib.sha256(b"program").hexdigest() == Hashes()(of(tmp_path / "a"))


@pytest.mark.parametrize("size", [MOST_BYTES, MOST_BYTES + 1])
def test_a_file_of_holes(tmp_path, monkeypatch, size):
    """One that is too large is not read at all, and that nothing is known of it is kept."""
    read = []
    monkeypatch.setattr(
        "whatran.baseline.hashes.hashlib.file_digest", lambda file, _: read.append(file) or hashlib.sha256()
    )
    with open(tmp_path / "a", "wb") as file:
        file.truncate(size)
    hashes = Hashes()
    hashes(of(tmp_path / "a"))

    too_large = size > MOST_BYTES
    assert (not too_large, {str(tmp_path / "a")} if too_large else set()) == (bool(read), hashes.unknown)
