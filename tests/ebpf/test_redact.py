"""Secrets in what real programs execute."""

import pytest

from tests.recording.made import replayed
from tests.secrets import FORMATS, SECRET, command, count_everywhere, record
from whatran.cli import main
from whatran.event import Exec, ExecFailed


@pytest.mark.parametrize("edge", [0, *range(32_700, 32_790, 15)])
def test_a_recording_has_none(tmp_path, edge):
    """In no argument, variable or command line, wherever frames end; of execs that failed too."""
    path = tmp_path / "some.wr"

    assert 0 == record(path, "ebpf", edge=edge).count(SECRET.encode())
    events, problems = replayed(path)
    told = {name for event in events if isinstance(event, Exec | ExecFailed) for name in event.redacted}
    argvs = [event.argv or () for event in events if isinstance(event, Exec)]
    places = {text for argv in argvs for text in argv if text.startswith("<redacted:")}
    assert ({"argv", "env"}, []) == (told, problems)
    assert 1 == len(places)
    assert [True] == [
        bool(event.redacted) for event in events if isinstance(event, ExecFailed) and "nosuch" in event.cmdpath
    ]


def test_nothing_that_is_made_of_a_recording_has_any(tmp_path, capfd):
    """Unless they were recorded, and are asked for again."""
    with_, without = tmp_path / "with.wr", tmp_path / "without.wr"
    record(without, "ebpf")

    assert 10 < record(with_, "ebpf", "--no-redact").count(SECRET.encode())
    assert {0} == {*count_everywhere(without, tmp_path, capfd).values()}
    for name in ("a.jsonl", "a.csv", "a.json", "a.html"):
        (tmp_path / name).unlink()
    assert {0} == {*count_everywhere(with_, tmp_path, capfd).values()}
    for name in ("a.jsonl", "a.csv", "a.json", "a.html"):
        (tmp_path / name).unlink()
    assert 0 not in count_everywhere(with_, tmp_path, capfd, "--no-redact").values()


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_shows_none(tmp_path, form):
    """In any format, but where it is asked to."""
    found = []
    for options in ([], ["--no-redact"]):
        path = tmp_path / f"out{len(found)}"
        main(["run", "--source", "ebpf", "--format", form, "-o", str(path), *options, "--", *command()])
        found.append(path.read_text().count(SECRET))

    assert (0, True) == (found[0], found[1] > 2)
