"""Where sinks write to."""

import io
import os
import resource
import subprocess
import sys
import threading

import pytest

from whatran.errors import OutputError
from whatran.sinks.output import CHARS_A_WRITE, DIM, Output


def test_a_file_keeps_what_it_held(tmp_path):
    """Opening a file changes nothing in it: what comes next may fail."""
    path = tmp_path / "out"
    path.write_text("before")
    with Output.open(str(path)):
        pass

    assert "before" == path.read_text()


def test_truncate_empties_a_file(tmp_path):
    """What a file held is gone once truncate() was called."""
    path = tmp_path / "out"
    path.write_text("before and more")
    with Output.open(str(path)) as output:
        output.truncate()
        output.write(b"after")

    assert "after" == path.read_text()


def test_truncate_leaves_a_shared_file_alone(tmp_path):
    """A file that is not ours, as standard output is, keeps what it held."""
    path = tmp_path / "out"
    path.write_text("before\n")
    with path.open("ab", buffering=0) as shared:
        output = Output(io.FileIO(shared.fileno(), "w", closefd=False), "standard output")
        output.truncate()
        output.write(b"after\n")

    assert "before\nafter\n" == path.read_text()


def test_a_file_that_cannot_be_written(tmp_path):
    """A file that cannot be opened is an error that names it and says why."""
    path = tmp_path / "missing" / "out"

    with pytest.raises(OutputError, match=f"cannot write to {path}: No such file or directory; .*-o"):
        Output.open(str(path))


def test_a_full_disk():
    """A disk that is full is an error that names the file."""
    with Output.open("/dev/full") as output, pytest.raises(OutputError, match="/dev/full: No space left on device"):
        output.write(b"x\n")


def test_no_half_line_is_left(tmp_path):
    """A file of ours that could not take all ends with its last whole line."""
    path = tmp_path / "out"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Output.open(str(path)) as output:
        output.write(b"first\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
        try:
            with pytest.raises(OutputError, match="File too large"):
                output.write(b"second\nthird, which is too long\nfourth\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert "first\nsecond\n" == path.read_text()


def test_a_reader_that_went_away():
    """A pipe that nobody reads is a BrokenPipeError, which is no failure of ours."""
    reader, writer = os.pipe()
    os.close(reader)
    with Output(io.FileIO(writer, "w"), "pipe") as output, pytest.raises(BrokenPipeError):
        output.write(b"x\n")


def test_a_pipe_made_non_blocking_gets_it_all():
    """All is written also where somebody made the pipe non-blocking and it is full at times."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    expected = b"0123456789" * 100_000
    read = bytearray()

    def read_all():
        with open(reader, "rb") as file:
            read.extend(file.read())

    thread = threading.Thread(target=read_all)
    with Output(io.FileIO(writer, "w"), "pipe") as output:
        thread.start()
        output.write(expected)
    thread.join()

    assert expected == read


def test_what_cannot_be_encoded_is_escaped(terminal, monkeypatch):
    """A terminal that is not UTF-8 gets no bytes that it would take for something else."""
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale: "latin-1")
    output = Output(terminal.output._file, "terminal")
    output.write_text("é ├ 盛\n")

    assert b"\xe9 \\u251c \\u76db\n" == os.fsencode(terminal.hang_up())


def test_the_width_is_asked_anew(terminal):
    """A terminal's width is that of the moment."""
    before = terminal.output.width
    terminal.resize(120)

    assert (80, 120) == (before, terminal.output.width)
    terminal.hang_up()


def test_a_terminal_that_does_not_know_its_width(terminal):
    """A terminal of no known width has none, and nothing is cut for it."""
    terminal.resize(0)

    assert terminal.output.width is None
    terminal.hang_up()


def test_a_file_has_no_width_and_no_colour(file):
    """Into a file go no escape sequences."""
    assert file.output.width is None
    assert file.output.paint("x", DIM) == "x"


def test_colour_on_a_terminal(colour_terminal):
    """On a terminal text is painted."""
    assert colour_terminal.output.paint("x", DIM) == "\x1b[2mx\x1b[0m"
    colour_terminal.hang_up()


def test_no_colour_where_it_is_not_wanted(terminal):
    """NO_COLOR is respected."""
    assert terminal.output.paint("x", DIM) == "x"
    terminal.hang_up()


def test_a_file_made_for_nothing_is_removed(tmp_path):
    """Where it never came to writing, no empty file is left; what was there before is."""
    old = tmp_path / "old"
    old.write_text("kept")
    for path in (tmp_path / "new", old):
        Output.open(str(path)).close()

    assert {"old": "kept"} == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_a_file_does_not_take_the_place_of_a_closed_standard_descriptor(tmp_path):
    """What is meant for standard error must not get into it."""
    code = "from whatran.sinks.output import Output; print(Output.open('out')._file.fileno() > 2)"
    command = ["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code]
    said = subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True).stdout

    assert "True\n" == said


def test_long_lines_do_not_wait_for_one_another(file, monkeypatch):
    """Short ones are written together; what waits is bounded by how much it is."""
    writes = []
    write = file.output.write
    monkeypatch.setattr(file.output, "write", lambda data: (writes.append(data.count(b"\n")), write(data)))
    lines = [*["short"] * 9, "x" * CHARS_A_WRITE, "y" * CHARS_A_WRITE, "last"]
    file.output.write_lines(lines)

    assert ([10, 1, 1], lines) == (writes, file.lines)
