"""The command that compares two recordings."""

import importlib
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import FakeReplay
from tests.events import MS, make_exec, make_exit, make_fork
from whatran.cli import diff
from whatran.errors import OutputError, RecordingError, UsageError

PAGE = (Path(__file__).parent.parent.parent / "docs/diff.md").read_text()


def build(flag="-O2", pid=100):
    """Events of a build with this flag."""
    return [
        make_exec(("make",), pid=pid),
        make_fork(pid + 1, child_start=200 * MS, pid=pid),
        make_exec(("cc", flag, "-c", "\udcff.c"), pid=pid + 1, start=200 * MS, at=201 * MS),
        make_exit(pid=pid + 1, start=200 * MS, at=300 * MS),
        make_exit(pid=pid, at=400 * MS),
    ]


@pytest.fixture
def files(monkeypatch):
    """The recordings there are, by name."""
    files = {"a.wr": FakeReplay(build()), "b.wr": FakeReplay(build(pid=200)), "c.wr": FakeReplay(build("-O3"))}

    def replay(paths, **options):
        (path,) = paths
        if isinstance(files.get(path), FakeReplay):
            return files[path]
        raise files.get(path) or UsageError(f"cannot read {path}: No such file or directory")

    monkeypatch.setattr(importlib.import_module("whatran.replaying"), "replay", replay)
    return files


def test_the_same(files, run):
    """Status 0, and one line says so."""
    status, out, err = run("diff", "a.wr", "b.wr")

    assert (0, "no difference: 2 executions are the same", "") == (status, out.splitlines()[-1], err)


def test_a_difference(files, run):
    """Status 1, and what it is."""
    status, out, err = run("diff", "a.wr", "c.wr")

    assert (1, "") == (status, err)
    assert "~ cc [-O2 → -O3] -c $'\\xff.c'  by make" in out.splitlines()


def test_as_json(files, run):
    """One object, valid UTF-8, with the exact bytes beside what is none."""
    status, out, _ = run("diff", "--format", "json", "a.wr", "c.wr")
    found = json.loads(out)
    (difference,) = found["differences"]

    assert (1, False, 1) == (status, found["equal"], found["same"])
    assert ("changed", ["argv"], 1) == (difference["kind"], difference["changed"], difference["count"])
    assert ["cc", "-O3", "-c", "\ufffd.c"] == difference["right"]["argv"]
    assert "/y5j" == difference["right"]["argv_base64"][3]


@pytest.mark.parametrize("options", [["-o", "x.html"], ["-o", "x", "--format", "html"]])
def test_as_a_page(files, run, tmp_path, monkeypatch, options):
    """To a file that only its owner can read, by its name or on request."""
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("diff", *options, "a.wr", "c.wr")
    (path,) = tmp_path.iterdir()

    assert (1, "", 0o600) == (status, out, path.stat().st_mode & 0o777)
    assert path.read_text().startswith("<!doctype html>")


def test_as_text_to_a_file(files, run, tmp_path):
    """In the place of what was there, if that is asked for."""
    path = tmp_path / "x"
    path.write_text("old" * 1000)
    assert 2 == run("diff", "-o", str(path), "a.wr", "b.wr")[0]
    status, out, _ = run("diff", "-o", str(path), "--overwrite", "a.wr", "b.wr")

    assert (0, "") == (status, out)
    assert path.read_text().endswith("no difference: 2 executions are the same\n")


def test_to_what_is_no_file(files, run):
    """A device, or with a dash standard output, gets it too."""
    assert (1, "", "") == run("diff", "-o", "/dev/null", "a.wr", "c.wr")
    assert "~ cc" in run("diff", "-o", "-", "a.wr", "c.wr")[1]


def test_no_more_than_so_many(files, run):
    """The status is that of the whole comparison."""
    files["d.wr"] = FakeReplay([make_exec(("ls",), pid=1), make_exit(pid=1, at=300 * MS)])
    status, out, _ = run("diff", "-n", "1", "a.wr", "d.wr")

    assert (1, "… 2 more not shown") == (status, out.splitlines()[-2])


def test_what_is_replaced_is_a_choice(files, run):
    """--exact replaces nothing, --keep leaves one rule out, --explain shows what was done."""
    for name, pid in (("a.wr", 100), ("b.wr", 200)):
        files[name] = FakeReplay(build(f"-o=conf{pid}.o", pid))

    assert [0, 1, 1, 0] == [
        run("diff", *options, "a.wr", "b.wr")[0]
        for options in ([], ["--exact"], ["--keep", "pid"], ["--keep", "uuid", "--keep", "time"])
    ]
    assert (
        "  pid        confPID.o  for conf100.o | conf200.o" in run("diff", "--explain", "a.wr", "b.wr")[1].splitlines()
    )


@pytest.mark.parametrize(
    ("said", "argv"),
    [
        ("cannot read x.wr: No such file or directory", ["x.wr", "a.wr"]),
        ("bad.wr is no recording", ["a.wr", "bad.wr"]),
        ("cannot write to /nowhere/x: No such file or directory", ["a.wr", "b.wr", "-o", "/nowhere/x"]),
        ("the following arguments are required: RIGHT", ["a.wr"]),
        ("argument --keep: invalid choice: 'x'", ["a.wr", "b.wr", "--keep", "x"]),
    ],
)
def test_trouble(files, run, said, argv):
    """One sentence and status 2, as diff(1) has it, whatever went wrong."""
    files["bad.wr"] = RecordingError("bad.wr is no recording")
    status, out, err = run("diff", *argv)

    assert (2, "", 1) == (status, out, err.count("\n"))
    assert err.startswith(f"whatran: {said}")


def test_a_recording_that_cannot_be_read_whole(files, run):
    """What there is of it is compared, and then it is said; the status is that of trouble, however equal it was."""
    files["a.wr"] = FakeReplay(build(), problems=["a.wr: the last block is cut"])
    status, out, err = run("diff", "a.wr", "b.wr")

    assert (2, "whatran: a.wr: the last block is cut\n") == (status, err)
    assert "no difference" in out


def test_what_was_lost(files, run):
    """It may have been the same, or not: that is said."""
    files["b.wr"] = FakeReplay(build(), lost=7)

    assert (0, "whatran: b.wr: 7 records were lost when it was recorded; what they told is missing\n") == (
        run("diff", "a.wr", "b.wr")[::2]
    )


def test_every_option_is_documented_and_no_other():
    """In docs/diff.md, and --help has a text for each."""
    actions = diff._parser()._actions
    first_cells = "\n".join(re.findall(r"^\| (`-.*?) \|", PAGE, re.MULTILINE))
    real = {option for action in actions for option in action.option_strings}

    assert real - {"-h", "--help"} == set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", first_cells))
    assert [] == [action.dest for action in actions if not action.help]


def test_help_has_the_rules(run):
    """With what each replaces."""
    _, out, _ = run("diff", "--help")

    assert "  pid         the pid of the process itself" in out


def test_nothing_half_written(files, run, tmp_path, monkeypatch):
    """Where the output fails, what was there stays, and nothing is left beside."""

    def fail(comparison, output, **options):
        output.write(b"half")
        raise OutputError("the disk is full")

    monkeypatch.setattr("whatran.diff.text.write", fail)
    path = tmp_path / "x"
    path.write_text("old")

    assert (2, "", "whatran: the disk is full\n") == run("diff", "-o", str(path), "--overwrite", "a.wr", "c.wr")
    assert ([path], "old") == (list(tmp_path.iterdir()), path.read_text())
