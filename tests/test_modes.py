"""Who may read what is written: arguments can hold secrets, so nobody but its owner."""

import os
import stat
from pathlib import Path

import pytest

from whatran.cli import main

DEMO = str(Path(__file__).parent / "data/demo.wr")


@pytest.fixture(autouse=True)
def _all_may(monkeypatch):
    """The umask takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["replay", "--format", form, DEMO, "-o", "out"] for form in ("table", "tree", "jsonl", "lives")),
        *(["export", DEMO, "-o", f"out{ending}"] for ending in (".jsonl", ".csv", ".parquet", ".json")),
        ["report", DEMO, "-o", "out.html"],
        *(["diff", DEMO, DEMO, "-o", f"out{ending}"] for ending in ("", ".html")),
    ],
    ids=" ".join,
)
def test_a_new_file_is_its_owners(tmp_path, monkeypatch, arguments):
    """Whatever writes it."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in {0, 2}
    (path,) = tmp_path.iterdir()

    assert (0o600, True) == (stat.S_IMODE(path.stat().st_mode), path.stat().st_size > 0)


def test_a_recording_is_its_owners(tmp_path, capfd):
    """Also each of many."""
    main(["record", "--source", "ptrace", "--rotate", "1h", "-o", str(tmp_path / "a.wr"), "--", "true"])

    assert [0o600] == [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()]


def test_a_file_that_is_there_stays_as_it_is(tmp_path):
    """Whoever made it has said who may read it."""
    path = tmp_path / "out"
    path.touch(0o644)
    main(["replay", DEMO, "-o", str(path)])

    assert 0o644 == stat.S_IMODE(path.stat().st_mode)
