"""Real builds, learned and checked: what is told is what was put there, and nothing else."""

import json
import os
import shutil
import sys

import pytest

from whatran.cli import main

MAKEFILE = """\
%.o: %.c
	cc -c -o $@ $<
prog: a.o b.o
	cc -o $@ $^
	./prog
	cp prog prog.$$$$ && rm prog.$$$$
	f=$$(mktemp) && echo $$f | sort -o $$f && rm $$f
"""


@pytest.fixture(autouse=True)
def _no_make(monkeypatch):
    """The build is not part of a make that runs the tests."""
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(place, monkeypatch):
    """A function that makes a project of that name, with these lines added to its Makefile, and goes there."""

    def make(name, *lines):
        path = place / name
        path.mkdir()
        (path / "Makefile").write_text(MAKEFILE + "".join(f"\t{line}\n" for line in lines))
        (path / "a.c").write_text("int b(void); int main(void) { return b(); }\n")
        (path / "b.c").write_text("int b(void) { return 0; }\n")
        monkeypatch.chdir(path)
        return path

    return make


@pytest.fixture
def learn(place):
    """A function that learns of a make, in the present directory."""

    def learn(name, *options):
        path = place / name
        assert 0 == main(["learn", "--source", "ptrace", "-o", str(path), *options, "--", "make", "-s", "-j2"])
        return path

    return learn


@pytest.fixture
def check(place):
    """A function that checks a command: the status, and what was told."""

    def check(baseline, *command):
        out = place / "new.jsonl"
        status = main(
            ["check", "--source", "ptrace", "--format", "jsonl", "-o", str(out), str(baseline), "--", *command]
        )
        return status, [json.loads(line) for line in out.read_text().splitlines()]

    return check


def test_two_builds_are_one_baseline(project, learn, check):
    """The files are the same to the byte, and nothing of a third build is new."""
    project("one")
    one = learn("one.yml")
    project("two")
    two = learn("two.yml")
    project("three")

    assert one.read_bytes() == two.read_bytes()
    assert (0, []) == check(one, "make", "-s", "-j2")


def test_recordings(project, learn, place):
    """What was recorded is learned as what was seen, and of two recordings no more than of one."""
    project("one")
    one = learn("one.yml")
    recordings, two = [str(place / "2.wr"), str(place / "3.wr")], place / "two.yml"
    for name in recordings:
        project(name.rpartition("/")[2][:1])
        main(["record", "--source", "ptrace", "-o", name, "--", "make", "-s", "-j2"])
    main(["learn", *recordings, "-o", str(two)])

    assert one.read_bytes() == two.read_bytes()
    assert 0 == main(["check", str(one), *recordings])


def test_a_planted_process(project, learn, check):
    """It is all that is told: who started it, and that nothing of its name is known."""
    project("one")
    baseline = learn("one.yml")
    project("two", "@env true")
    status, told = check(baseline, "make", "-s", "-j2")

    assert (1, [["env", "true"], ["true"]]) == (status, [each["argv"] for each in told])
    assert [os.path.realpath("/usr/bin/make"), "<whatran>"] == told[0]["parents"]
    assert [None, None] == [each["nearest"] for each in told]


def test_a_known_program_by_another(project, learn, check):
    """Its nearest is the same, started by who was known to; the field is named."""
    project("one")
    baseline = learn("one.yml")
    project("two", "@mktemp -u >/dev/null; env mktemp >name; rm `cat name` name")
    _, told = check(baseline, "make", "-s", "-j2")
    by_name = {tuple(each["argv"][:1]): each for each in told}

    assert ["argv"] == by_name["mktemp",]["differs"]
    assert ["mktemp"] == by_name["mktemp",]["nearest"]["argv"]


def test_a_script(project, learn, check):
    """Another script by a known interpreter."""
    path = project("one", "@./good")
    for each in ("good", "bad"):
        (path / each).write_text("#!/bin/sh\n:\n")
        (path / each).chmod(0o755)
    baseline = learn("one.yml")
    (path / "prog").unlink()
    (path / "Makefile").write_text((path / "Makefile").read_text().replace("./good", "./bad"))
    _, told = check(baseline, "make", "-s", "-j2")

    assert [(["script_pathname", "argv"], f"{path}/bad")] == [
        (each["differs"], each["script_pathname"]) for each in told if each["script_pathname"]
    ]
    assert "<pwd>/good" == told[-1]["nearest"]["script_pathname"]


def test_the_content_of_a_program(project, check, learn, place):
    """With --hash a file of the same name with something else in it is new; and one that is gone was never learned."""
    project("one")
    tool = place / "tool"
    shutil.copy("/bin/true", tool)
    path = place / "tool.yml"
    assert 0 == main(["learn", "--hash", "--source", "ptrace", "-o", str(path), "--", str(tool)])
    same = check(path, str(tool))
    tool.write_bytes(tool.read_bytes() + b"more")
    status, [told] = check(path, str(tool))

    assert (0, []) == same
    assert (1, ["sha256"]) == (status, told["differs"])


def test_the_status_is_the_commands(project, learn, place, check):
    """Learning and checking alike, unless that is 0 and something is new."""
    path = place / "b.yml"
    exits = [sys.executable, "-c", "import sys; sys.exit(3)"]

    assert 3 == main(["learn", "--source", "ptrace", "-o", str(path), "--", *exits])
    assert (3, []) == check(path, *exits)
    assert 3 == check(path, sys.executable, "-c", "import sys; sys.exit(3) #")[0]
    assert 1 == check(path, sys.executable, "-c", "")[0]
