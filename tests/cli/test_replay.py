"""whatran replay, on a recording of a real kernel: needs neither it nor any privilege."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whatran.cli.progress import Bar

DATA = Path(__file__).parent.parent / "data"
DEMO = str(DATA / "demo.wr")


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    """The clock of the expected outputs."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("form", ["table", "tree", "jsonl", "lives"])
def test_every_format(run, form):
    """It is as it was when `scripts/golden.py` wrote it."""
    assert (0, (DATA / f"demo.{form}").read_text(), "") == run("replay", "--format", form, DEMO)


@pytest.mark.parametrize("form", ["tree", "jsonl"])
@pytest.mark.parametrize("name", sorted(path.stem for path in (DATA / "kernels").glob("*.wr")))
def test_every_kernel(run, name, form):
    """What was recorded under it is shown as it was then; that of 7.3 lost an exec, which is said."""
    status, out, err = run("replay", "--format", form, str(DATA / f"kernels/{name}.wr"))

    lost = "whatran: 1 record lost: the output has gaps\n" if name == "7.3-amd64" else ""
    assert (0, (DATA / f"kernels/{name}.{form}").read_text(), lost) == (status, out, err)


def test_the_table_is_the_default(run):
    """On standard output, or in a file."""
    assert (0, (DATA / "demo.table").read_text(), "") == run("replay", DEMO)


def test_to_a_file(run, tmp_path):
    """With -o."""
    run("replay", "-o", str(tmp_path / "out"), DEMO)

    assert (DATA / "demo.table").read_text() == (tmp_path / "out").read_text()


def test_what_is_replayed_is_not_overwritten(run, tmp_path):
    """Whoever gives its name twice keeps it."""
    path = tmp_path / "a.wr"
    shutil.copy(DEMO, path)

    assert (2, "", f"whatran: {path} is a recording to be read: name another file with -o\n") == run(
        "replay", "-o", str(path), str(path)
    )
    assert Path(DEMO).read_bytes() == path.read_bytes()


def test_standard_input():
    """As a dash."""
    with open(DEMO, "rb") as demo:
        shown = subprocess.run(
            [sys.executable, "-m", "whatran", "replay", "-"], stdin=demo, capture_output=True, text=True, check=True
        ).stdout

    assert (DATA / "demo.table").read_text() == shown


@pytest.mark.parametrize(
    ("options", "comms"),
    [
        (["--comm", "tr"], {"tr"}),
        (["--path", "/usr/bin/", "--not-comm", "tr"], {"cc", "as", "ld", "env", "false", "sh"}),
        (["--filter", "argv=*hello.c"], {"cc"}),
        (["--uid", "root", "--comm", "cc1"], {"cc1"}),
        (["--uid", "0", "--comm", "cc1"], {"cc1"}),
        (["--not-uid", "root"], set()),
        (["--uid", "nobody-that-lives-here"], set()),
    ],
    ids=str,
)
def test_filters(run, options, comms):
    """Those of watch; users go by their names on the machine that was recorded."""
    _, out, _ = run("replay", "--format", "jsonl", "--filter", "event=sched_process_exec", *options, DEMO)
    found = {json.loads(line)["comm"] for line in out.splitlines()}

    assert comms == {name.removeprefix("x86_64-linux-gnu-").removesuffix("-12").removesuffix(".bfd") for name in found}


def test_fields(run):
    """Of each event those that it has of them; one that has none is not shown."""
    _, out, _ = run("replay", "--format", "jsonl", "--fields", "exit_code,deleted", DEMO)
    kinds = {tuple(json.loads(line)) for line in out.splitlines()}

    assert {("event", "exit_code"), ("event", "deleted")} == kinds


def test_count(run):
    """No more lines than that."""
    _, out, _ = run("replay", "-n", "2", "--format", "jsonl", DEMO)

    assert 2 == len(out.splitlines())


def test_failed_execs_one_by_one(run):
    """A search of PATH that was folded as it was recorded need not be now; and neither need there be any."""
    counts = []
    for form in ("fold", "all", "none"):
        _, out, _ = run("replay", "--format", "jsonl", "--failed", form, DEMO)
        counts.append(len(re.findall(r'"event":"process_execute_failed"', out)))

    assert (0, 0) == (counts[0], counts[2])
    assert counts[1] > 0


def test_raw(run):
    """Every record, with its head and what comes after that."""
    status, out, _ = run("replay", "--raw", DEMO)
    records = [json.loads(line) for line in out.splitlines()]

    assert (0, "header", "end") == (status, records[0]["kind"], records[-1]["kind"])
    assert all(record["bytes"] == 32 + len(record["data"]) // 2 for record in records)
    execs = [record for record in records if record["kind"] == "exec"]
    assert 12 == len(execs)
    assert all("sequence" in record for record in execs)


@pytest.mark.parametrize("options", [[], ["--raw"]], ids=str)
def test_damage_is_said_and_the_rest_is_shown(run, tmp_path, options):
    """File and bytes, on standard error; and the status is 1."""
    path = tmp_path / "cut.wr"
    content = Path(DEMO).read_bytes()
    path.write_bytes(content + content[:10])
    _, whole, _ = run("replay", *options, DEMO)
    said = f"whatran: {path}: bytes {len(content)} to {len(content) + 9} (10) cannot be read: cut in a head\n"

    assert (1, whole, said) == run("replay", *options, str(path))


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b"#!/bin/sh\n", "is no recording of whatran, or its beginning is missing")],
)
def test_what_is_no_recording(run, tmp_path, content, says):
    """One sentence, status 2, and nothing written."""
    path = tmp_path / "some"
    path.write_bytes(content)

    assert (2, "", f"whatran: {path} {says}\n") == run("replay", str(path))


def test_a_file_that_is_not_there(run, tmp_path):
    """The same."""
    path = tmp_path / "some"

    assert (2, "", f"whatran: cannot read {path}: No such file or directory\n") == run("replay", str(path))


def test_progress_is_for_terminals(capfd, monkeypatch):
    """It is shown where somebody looks, once the work takes long, and taken away at the end."""
    with Bar("working", 10) as bar:
        bar.advance(5)
    assert ("", "") == capfd.readouterr()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("whatran.cli.progress.PATIENCE_SECONDS", 0)
    with Bar("working", 10) as bar:
        bar.advance(5)

    assert "working" in capfd.readouterr().err
