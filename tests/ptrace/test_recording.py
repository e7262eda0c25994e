"""Recordings of what a tracer tells: replayed they are what a watch of the same has told."""

import pytest

from tests.recording.made import replayed, tee_to
from whatran.cli import main
from whatran.plan import plan
from whatran.recording import format as form
from whatran.recording.store import numbered
from whatran.replaying import replay
from whatran.sinks.text import size
from whatran.watching import Watch


@pytest.mark.parametrize("options", [{}, {"env": True, "threads": True}, {"filters": ["comm=cat"]}], ids=str)
def test_the_events_are_those_of_the_watch(place, options):
    """All of them, in their order, with each of their fields; and what was counted."""
    command = "for n in 1 2 3; do env true | cat; done; (true & exec sh -c 'kill -9 $$'); nosuch 2>/dev/null"
    planned = plan(["sh", "-c", command], source="ptrace", **options)
    tee = tee_to(place / "some.wr", planned)
    with Watch(planned, tee) as watching:
        while not watching.ended:
            watching.read()
        tee.recorder.end(form.END, watching.stats)
    tee.recorder.close()

    assert (tee.events, []) == replayed(place / "some.wr")
    assert len(tee.events) > 2
    with replay([place / "some.wr"]) as replaying:
        list(replaying)
        header = replaying.headers[0]
    assert (watching.stats, "ptrace", ["sh", "-c", command]) == (replaying.stats, header.source, header.command)


def test_record_and_replay(place, capfd):
    """The status is the command's, one line says what there is, and the tree is that of the command."""
    path = str(place / "some.wr")
    status = main(["record", "--source", "ptrace", "-o", path, "--", "sh", "-c", "true; /bin/true; exit 3"])
    said = capfd.readouterr()
    shown = main(["replay", "--format", "tree", path]), capfd.readouterr().out.splitlines()

    assert (3, "") == (status, said.out)
    assert said.err.startswith("whatran: 5 records, 0 lost, ")
    assert said.err.endswith(f" in {path}\n")
    assert 0 == shown[0]
    assert ["EXIT  COMMAND", "sh -c 'true; /bin/true; exit 3'", "└─ /bin/true"] == [
        line[10:].removeprefix("3").strip() for line in shown[1][:3]
    ]


def test_a_file_that_is_there_already(place, capfd):
    """It is kept, and the command is not run."""
    path = place / "some.wr"
    path.write_text("mine")
    status = main(["record", "--source", "ptrace", "-o", str(path), "--", "touch", str(place / "ran")])

    assert (2, "mine", False) == (status, path.read_text(), (place / "ran").exists())
    assert (
        f"whatran: there is a file {path} already: name another with -o, or give --overwrite\n"
        == capfd.readouterr().err
    )


def test_a_file_that_is_removed_meanwhile(place, capfd):
    """What is lost by that is told, and by the status too."""
    path = place / "some.wr"
    status = main(["record", "--source", "ptrace", "-o", str(path), "--", "rm", str(path)])
    said = capfd.readouterr().err.splitlines()

    assert (1, f"whatran: {path} was removed while it was written: nothing of it is left") == (status, said[0])
    assert said[1].endswith(", nothing in a file")


def test_of_the_last_files_that_is_said(place, capfd):
    """What is in those that are left, and not what was written in all."""
    path, command = place / "some.wr", "for n in $(seq 400); do /bin/true; done"
    main(["record", "--source", "ptrace", "-o", str(path), "--rotate", "1K", "--files", "1", "--", "sh", "-c", command])
    (left,) = numbered(path)

    assert f"; the last of them, {size(left.stat().st_size)}, in {left}\n" in capfd.readouterr().err


@pytest.mark.parametrize(("status", "name"), [(127, "nosuch"), (127, "/nosuch"), (126, "/etc/passwd")])
def test_a_command_that_cannot_be_run(place, capfd, status, name):
    """No file is made for it, and none gives way to it."""
    kept, new = place / "kept.wr", place / "new.wr"
    kept.write_text("mine")

    assert [status] * 2 == [main(["record", "--overwrite", "-o", str(path), "--", name]) for path in (kept, new)]
    assert capfd.readouterr().err.startswith(f"whatran: {name}: c")
    assert ("mine", False) == (kept.read_text(), new.exists())


def test_a_command_that_nobody_may_look_for(closed, capfd):
    """It is said, as are names that nothing can have."""
    names = [f"{closed}/it", "./" + "x" * 300]

    assert [126] * 2 == [main(["record", "-o", f"{closed}/a.wr", "--", name]) for name in names]
    assert [
        f"whatran: {name}: cannot be run: {why}"
        for name, why in zip(names, ("Permission denied", "File name too long"), strict=True)
    ] == capfd.readouterr().err.splitlines()
