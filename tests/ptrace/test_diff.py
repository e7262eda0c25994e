"""Real builds, run twice: equal where nothing was changed, and else different by what was."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

import whatran
from tests.sdists import ARGON2, CYSIGNALS, unpacked
from whatran.diff.compare import compare
from whatran.process.lives import Lives
from whatran.volatile.words import pieces

BACKEND = """
import os, shutil, subprocess, tempfile, zipfile

def made():
    # One name in twelve has no digit: that may as well be a word.
    place = tempfile.mkdtemp(prefix="object-")
    if any(map(str.isdigit, place.rpartition("-")[2])):
        return place
    os.rmdir(place)
    return made()

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    place = made()
    with tempfile.NamedTemporaryFile(suffix=".c") as source:
        source.write(b"int one(void) { return 1; }")
        source.flush()
        subprocess.run(["cc", "-shared", "-fPIC", source.name, "-o", f"{place}/{os.getpid()}.so"], check=True)
    shutil.rmtree(place)
    name = "built-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("built-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: built\\nVersion: 1\\n")
        wheel.writestr("built-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("built-1.dist-info/RECORD", "")
    return name
"""
"""Builds a package with a C compiler, and needs no other to do so."""


@pytest.fixture(autouse=True)
def _no_make(monkeypatch):
    """The build is not part of a make that runs the tests."""
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def directories():
    """A function that makes temporary directories as others do."""
    made = []

    def make():
        made.append(tempfile.mkdtemp())
        return Path(made[-1])

    yield make
    for name in made:
        shutil.rmtree(name)


def lives_of(command, cwd="."):
    """The lives of a command that succeeds."""
    lives = Lives()
    with contextlib.chdir(cwd), whatran.watch(list(map(str, command)), source="ptrace") as watch:
        ended = [life for event in watch for life in lives(event)]
    assert 0 == watch.returncode
    return ended


def what_differs(found):
    """Which words each difference is about, left and right."""
    told = set()
    for it in found.differences:
        both = pieces(it.left.argv, it.right.argv)
        sides = (
            [word.text for piece in both if piece.side == side for word in piece.words] for side in ("left", "right")
        )
        told.add((it.kind, *map(" ".join, sides)))
    return told


def test_two_runs_of_a_build(pytestconfig, directories):
    """`make -j2` of the same sources in two places runs the same; with one flag changed, that flag is what differs."""
    builds = [unpacked(pytestconfig.cache, directories(), *ARGON2) / "extras/libargon2" for _ in range(3)]
    makefile = builds[2] / "Makefile"
    makefile.write_text(makefile.read_text().replace("-O3 -Wall", "-O2 -Wall"))
    one, again, other = (lives_of(["make", "-j2", "-C", build]) for build in builds)
    same, changed = compare(one, again), compare(one, other)

    assert ([], True) == (same.differences, same.equal)
    assert same.same > 50
    assert {("changed", "-O3", "-O2")} == what_differs(changed)
    assert {"/cc1", "gcc"} <= {
        name for it in changed.differences for name in ("/cc1", "gcc") if name in it.right.program
    }


def test_two_runs_of_configure(pytestconfig, directories):
    """A script of autoconf's makes names of its pid and of random characters, and runs the same each time."""
    sources = [unpacked(pytestconfig.cache, directories(), *CYSIGNALS) for _ in range(2)]
    found = compare(*(lives_of(["./configure"], cwd=place) for place in sources))

    assert [] == found.differences
    assert found.same > 200
    assert {"directory", "pid", "temporary"} == {it.rule for it in found.replacements}


def test_two_runs_of_pip(place, directories, programs, monkeypatch):
    """To install a package that is built first."""
    # To say what it is pip asks rustc for its version, and kills it if that takes more than half a second.
    (place / "bin").mkdir()
    (place / "bin/rustc").symlink_to(programs / "true")
    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    (place / "package").mkdir()
    (place / "package/pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "built"\nversion = "1"\n'
    )
    (place / "package/backend.py").write_text(BACKEND)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index", "--target"]
    found = compare(*(lives_of([*pip, directories(), place / "package"]) for _ in range(2)))

    assert [] == found.differences
    assert {"pid", "temporary"} == {it.rule for it in found.replacements}
    assert {2} == {it.left.times + it.right.times for it in found.programs if it.program.endswith(("/cc1", "/as"))}
