"""The commands that ask recordings: query, top, export."""

import csv
import importlib
import json
import os
import stat
import subprocess
import sys

import duckdb
import pytest

from tests.cli.recorded import Recordings
from tests.query.build import build
from whatran.cli import export, query, top
from whatran.errors import RecordingError
from whatran.query.export import WRITERS
from whatran.query.tables import TABLES


@pytest.fixture
def recordings(monkeypatch):
    """Stands for all recordings there are: a build, unless the test says otherwise."""
    recordings = Recordings()
    recordings.have(build())
    monkeypatch.setattr(importlib.import_module("whatran.replaying"), "replay", recordings.open)
    return recordings


def test_query(recordings, run):
    """The last argument is the query, whatever options stand among the files."""
    found = run(
        "query", "a.wr", "b.wr", "--format", "csv", "SELECT comm, count(*) AS n FROM execs GROUP BY 1 ORDER BY 1"
    )

    assert (0, "comm,n\ncc,3\ncc1,2\nmake,1\nsudo,1\nx,1\n", "") == found
    assert [["a.wr", "b.wr"]] == recordings.opened


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        (["n  sum", "3    3"], []),
        (["n,sum", "3,3"], ["--format", "csv"]),
        (['[{"n":3,"sum":3}]'], ["--format", "json"]),
    ],
)
def test_formats_of_a_result(recordings, run, expected, argv):
    """A table unless another is asked for."""
    status, out, _ = run("query", *argv, "a.wr", 'SELECT sum(count) AS n, sum(count) AS "sum" FROM gaps')

    assert (0, expected) == (status, out.splitlines())


@pytest.mark.parametrize(
    ("said", "argv"),
    [
        ("the following arguments are required: SQL; see whatran query --help", ["query", "a.wr"]),
        ("the following arguments are required: FILE, SQL; see whatran query --help", ["query"]),
        ("argument --format: invalid choice: 'xml'", ["query", "--format", "xml", "a.wr", "FROM execs"]),
        ('Parser Error: syntax error at or near "selec" (line 1: selec)', ["query", "a.wr", "selec"]),
        ("that is not one SQL query; give one, as: SELECT", ["query", "a.wr", "DROP TABLE execs"]),
        ("the following arguments are required: FILE; see whatran top --help", ["top"]),
        ("'0' is no number of programs; give 1 or more", ["top", "-n", "0", "a.wr"]),
        ("argument --by: invalid choice: 'x'", ["top", "--by", "x", "a.wr"]),
        ("the following arguments are required: -o/--output; see", ["export", "a.wr"]),
        ("'x' says no format; end it with one of .jsonl, .csv, .parquet, .json", ["export", "a.wr", "-o", "x"]),
        ("--table is for .csv and .parquet: a .json has all", ["export", "a.wr", "-o", "x.json", "--table", "execs"]),
        ("argument --table: invalid choice: 'x'", ["export", "a.wr", "-o", "x.csv", "--table", "x"]),
    ],
)
def test_what_cannot_be_asked(recordings, run, tmp_path, monkeypatch, said, argv):
    """One sentence and status 2, before anything is read or written."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*argv)

    assert (2, "", 1) == (status, out, err.count("\n"))
    assert err.startswith(f"whatran: {said}")
    assert ([], []) == (recordings.opened, os.listdir(tmp_path))


@pytest.mark.parametrize(
    "argv",
    [["query", "a.wr", "SELECT 1"], ["top", "a.wr"], ["export", "a.wr", "-o", "x.csv"]],
    ids=lambda argv: argv[0],
)
class TestRecordings:
    """What the three commands do alike."""

    def test_what_is_missing_is_said(self, recordings, run, tmp_path, monkeypatch, argv):
        """What could not be read, with status 1; all the rest is shown."""
        monkeypatch.chdir(tmp_path)
        recordings.have(build(), problems=["a.wr: its end is missing"], lost=3)
        status, out, err = run(*argv)

        assert (1, "whatran: a.wr: its end is missing\nwhatran: 3 records lost: the recording has gaps\n") == (
            status,
            err,
        )
        assert out or os.listdir(tmp_path)

    def test_what_is_no_recording(self, recordings, run, tmp_path, monkeypatch, argv):
        """It is said with status 2, and nothing is left behind."""
        monkeypatch.chdir(tmp_path)
        recordings.error = RecordingError("a.wr is no recording")

        assert (2, "", "whatran: a.wr is no recording\n") == run(*argv)
        assert [] == os.listdir(tmp_path)


def test_processes_that_may_have_ended(recordings, run):
    """Where exits were filtered a process without one is not said to run."""
    recordings.have(build(), filtered=True)
    _, out, _ = run("query", "--format", "csv", "a.wr", "SELECT DISTINCT running FROM lives ORDER BY ALL")

    assert 'running\nfalse\n""\n' == out


def test_top(recordings, run):
    """The most CPU first, no more lines than asked for, and a line about all."""
    status, out, err = run("top", "-n", "1", "a.wr")

    assert (0, 3, "") == (status, out.count("\n"), err)
    assert out.splitlines()[1].endswith("/usr/bin/cc1")


def test_top_as_json(recordings, run):
    """The same as objects."""
    _, out, _ = run("top", "--by", "count", "--format", "json", "a.wr")

    assert [3, 2, 1, 1, 1] == [each["runs"] for each in json.loads(out)]


@pytest.mark.parametrize("ending", WRITERS)
def test_export(recordings, run, tmp_path, ending):
    """A file that only its owner may read, and nothing beside it."""
    path = tmp_path / f"x{ending}"

    assert (0, "", "") == run("export", "a.wr", "-o", str(path))
    assert [path.name] == os.listdir(tmp_path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_export_of_json_lines(recordings, run, tmp_path):
    """Every event is a line."""
    run("export", "a.wr", "-o", str(tmp_path / "x.jsonl"))
    lines = (tmp_path / "x.jsonl").read_text().splitlines()

    assert [event.event for event in build()] == [json.loads(line)["event"] for line in lines]


@pytest.mark.parametrize(("expected", "argv"), [(7, []), (8, ["--table", "execs"]), (1, ["--table", "gaps"])])
def test_export_of_a_table(recordings, run, tmp_path, expected, argv):
    """Lives, or what was asked for; the same number of rows as CSV and as Parquet."""
    for ending in ("csv", "parquet"):
        run("export", "a.wr", *argv, "-o", str(tmp_path / f"x.{ending}"))
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as opened, duckdb.connect() as reader:
        read = reader.execute("SELECT count(*) FROM read_parquet(?)", [str(tmp_path / "x.parquet")]).fetchone()

        assert (expected, (expected,)) == (len(list(csv.DictReader(opened))), read)


def test_export_of_a_trace(recordings, run, tmp_path):
    """It is JSON with records of the Trace Event Format."""
    run("export", "a.wr", "-o", str(tmp_path / "x.json"))

    assert "traceEvents" in json.loads((tmp_path / "x.json").read_text())


def test_no_file_is_overwritten(recordings, run, tmp_path):
    """Unless that is asked for."""
    path = tmp_path / "x.csv"
    path.write_text("mine")
    status, _, err = run("export", "a.wr", "-o", str(path))

    assert (2, f"whatran: there is a file {path} already: name another with -o, or give --overwrite\n") == (status, err)
    assert "mine" == path.read_text()
    assert (0, "", "") == run("export", "a.wr", "-o", str(path), "--overwrite")
    assert path.read_text().startswith("schema,")


def test_a_pipe_stays_what_it_is(recordings, run, tmp_path):
    """What is no file is written to."""
    path = tmp_path / "x.csv"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    assert (0, "", "") == run("export", "a.wr", "-o", str(path))
    assert b"schema," == os.read(reader, 7)
    assert stat.S_ISFIFO(path.stat().st_mode)
    os.close(reader)


def test_nothing_half_written(recordings, run, tmp_path):
    """Where reading fails in the midst of it, what was there before still is."""

    def events():
        yield from build()
        raise RecordingError("a.wr is damaged")

    recordings.have(events())
    path = tmp_path / "x.csv"
    path.write_text("mine")

    assert (2, "", "whatran: a.wr is damaged\n") == run("export", "a.wr", "-o", str(path), "--overwrite")
    assert (["x.csv"], "mine") == (os.listdir(tmp_path), path.read_text())


@pytest.mark.parametrize("ending", WRITERS)
def test_a_directory_that_is_not_there(recordings, run, ending):
    """One sentence and status 1."""
    path = f"/nowhere/x{ending}"
    status, _, err = run("export", "a.wr", "-o", path)

    assert (1, f"whatran: cannot write to {path}: No such file or directory; name another file with -o\n") == (
        status,
        err,
    )


# whatran as a process, with a build for every recording.
STARTED = """
import signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import whatran.replaying
from tests.cli.recorded import FakeReplay
from tests.query.build import build
sys.modules["whatran.replaying"].replay = lambda paths, **asked: FakeReplay(build() * 20)
from whatran.cli import main
sys.exit(main())
"""
SMALL_FILES_ONLY = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, 1 << 10))"
NO_DUCKDB = "import sys; sys.modules['duckdb'] = None"


def started(before, *argv):
    """Run whatran in a process that has done this before: status, standard output and standard error."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(["", *sys.path])}
    program = [sys.executable, "-c", f"{before}\n{STARTED}", *argv]
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("ending", WRITERS)
def test_a_full_disk(tmp_path, ending):
    """One sentence and status 1, and nothing is left of it."""
    status, out, err = started(SMALL_FILES_ONLY, "export", "a.wr", "-o", str(tmp_path / f"x{ending}"))

    assert (1, "", 1, "whatran: ") == (status, out, err.count("\n"), err[:9])
    assert [] == os.listdir(tmp_path)


@pytest.mark.parametrize("argv", [["query", "a.wr", "FROM execs"], ["export", "a.wr", "-o"]])
def test_duckdb_is_not_there(tmp_path, argv):
    """One sentence says how to get it, and nothing is left behind."""
    paths = [str(tmp_path / "x.parquet")] if argv[-1] == "-o" else []

    assert (2, "", "whatran: this needs DuckDB, which is not installed: pip install 'whatran[query]'\n") == started(
        NO_DUCKDB, *argv, *paths
    )
    assert [] == os.listdir(tmp_path)


@pytest.mark.parametrize("ending", [ending for ending in WRITERS if ending != ".parquet"])
def test_files_that_need_no_duckdb(tmp_path, ending):
    """All but Parquet."""
    assert (0, "", "") == started(NO_DUCKDB, "export", "a.wr", "-o", str(tmp_path / f"x{ending}"))


def test_top_needs_no_duckdb():
    """It counts for itself."""
    status, _, err = started(NO_DUCKDB, "top", "a.wr")

    assert (0, "") == (status, err)


def test_tables_of_the_command_line():
    """Each of them can be asked for, and lives come without asking."""
    assert set(TABLES) == set(export.TABLES)
    assert "lives" == export.TABLES[0]


@pytest.mark.parametrize("command", [query, top, export], ids=lambda command: command.__name__)
def test_every_option_has_a_help_text(command):
    """There is no option without a word about it."""
    assert [] == [action.dest for action in command._parser()._actions if not action.help]


@pytest.mark.usefixtures("recordings")
def test_a_query_that_is_longer_than_a_name(run):
    """It is no file, then."""
    status, out, err = run("query", "a.wr", "SELECT 1 AS one" + ", 2 AS two" * 40)

    assert (0, "") == (status, err)
    assert out.startswith("one  two")


def test_a_query_that_is_a_file(run, tmp_path):
    """As where the query was forgotten."""
    (tmp_path / "b.wr").touch()

    assert (2, "", f"whatran: {tmp_path}/b.wr is a file: the query comes last, in SQL\n") == run(
        "query", "a.wr", f"{tmp_path}/b.wr"
    )
