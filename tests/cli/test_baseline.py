"""whatran learn and whatran check, on recordings of a real kernel: need neither it nor any privilege."""

import json
import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from whatran.baseline.generalise import RULES
from whatran.baseline.read import parse

DATA = Path(__file__).parent.parent / "data"
PAGE = (Path(__file__).parent.parent.parent / "docs/baseline.md").read_text()
DEMO = str(DATA / "demo.wr")
OTHER = str(DATA / "kernels/6.1-amd64.wr")
LOST = str(DATA / "kernels/7.3-amd64.wr")


@pytest.fixture
def learned(run, tmp_path):
    """The baseline of a recording."""
    path = tmp_path / "b.yml"
    assert 0 == run("learn", DEMO, "-o", str(path))[0]
    return path


def test_nothing_is_new_to_what_was_learned(run, learned):
    """Status 0, nothing on standard output, and one line says so."""
    status, out, err = run("check", str(learned), DEMO)

    assert (0, "") == (status, out)
    assert re.fullmatch(r"whatran: nothing new, [1-9][0-9]* execs as the baseline has it\n", err)


def test_something_is_new(run, learned):
    """Status 1; each thing is told, as text or as JSON."""
    status, out, err = run("check", str(learned), OTHER)
    as_json = run("check", "--format", "jsonl", str(learned), OTHER)
    told = [json.loads(line) for line in as_json[1].splitlines()]

    assert (1, 1) == (status, as_json[0])
    assert [f"new: {each['pathname']} " for each in told if not each["script_pathname"]] == [
        re.match(r"new: \S+ ", line)[0] for line in out.splitlines() if re.match(r"new: \S+ started", line)
    ]
    assert f"whatran: {len(told)} new" in err
    assert {"baseline_new"} == {each["event"] for each in told}


def test_standard_output(run, learned):
    """Without -o the baseline goes there, and only that."""
    assert learned.read_text() == run("learn", DEMO)[1]


def test_learning_again_changes_nothing(run, learned):
    """The file is the same to the byte; and it need not be said that it may be replaced."""
    before = learned.read_bytes()
    status, out, err = run("learn", "--merge", str(learned), DEMO, "-o", str(learned))

    assert (0, "", before) == (status, out, learned.read_bytes())
    assert err.endswith("execs seen, 0 command lines of 0 programs learned\n")


def test_merged(run, learned, tmp_path):
    """A recording on top of a baseline, the other way round, or two baselines: it is the same file."""
    one = tmp_path / "one.yml"
    run("learn", OTHER, "-o", str(one))
    both = run("learn", "--merge", str(learned), OTHER)[1]

    assert both == run("learn", "--merge", str(one), DEMO)[1]
    assert both == run("learn", "--merge", str(learned), "--merge", str(one))[1]
    assert both != learned.read_text()


def test_pruned(run, learned):
    """What only the other has used is gone, and said."""
    before = learned.read_text()
    run("learn", "--merge", str(learned), OTHER, "-o", str(learned))
    status, _, err = run("learn", "--merge", str(learned), "--prune", DEMO, "-o", str(learned))

    assert (0, before) == (status, learned.read_text())
    assert "pruned: " in err


def test_explained(run):
    """By rule: what was replaced, by what."""
    _, out, err = run("learn", "--explain", DEMO)
    exact = run("learn", "--exact", "--explain", DEMO)

    assert "directory: the directory in which the command was started: <pwd>/src\n  <pwd> for /" in err
    assert "<user>" in out
    assert "<user>" not in exact[1]
    assert 1 == exact[2].count("\n")


def test_a_rule_that_is_kept_back(run):
    """That is in the file, for check to know."""
    text = run("learn", "--keep", "user", "--keep", "pid", "--depth", "1", DEMO)[1]
    settings = parse(text, "b.yml")[0].settings

    assert (1, tuple(rule for rule in RULES if rule not in {"user", "pid"})) == (settings.depth, settings.generalised)


def test_only_its_owner_may_read_it(run, learned):
    """But one that is merged keeps its mode."""
    before = stat.S_IMODE(os.stat(learned).st_mode)
    learned.chmod(0o644)
    run("learn", "--merge", str(learned), DEMO, "-o", str(learned))

    assert (0o600, 0o644) == (before, stat.S_IMODE(os.stat(learned).st_mode))


def test_a_file_that_is_there_already(run, learned):
    """It is kept."""
    before = learned.read_text()
    status, _, err = run("learn", OTHER, "-o", str(learned))

    assert (2, before) == (status, learned.read_text())
    assert "there is a file" in err


def test_a_recording_with_gaps(run, learned):
    """It is said; what there is, is checked."""
    for command in (("learn", LOST), ("check", str(learned), LOST)):
        err = run(*command)[2]

        assert f"whatran: {LOST}: 1 record lost: the recording is not complete, more may have run\n" in err


def test_nothing_new_with_gaps_is_no_success(run, tmp_path):
    """What was not seen may have been new: status 2; where something is new it is 1 all the same."""
    known, other = tmp_path / "known.yml", tmp_path / "other.yml"
    run("learn", LOST, "-o", str(known))
    run("learn", DEMO, "-o", str(other))

    assert [2, 1] == [run("check", str(path), LOST)[0] for path in (known, other)]


def test_a_damaged_recording(run, learned, tmp_path):
    """Trouble, whether anything is new or not."""
    data = bytearray(Path(DEMO).read_bytes())
    data[len(data) // 2] ^= 0xFF
    damaged = tmp_path / "damaged.wr"
    damaged.write_bytes(data)

    assert 2 == run("check", str(learned), str(damaged))[0]
    assert 2 == run("learn", str(damaged))[0]


def test_what_is_no_baseline(run, tmp_path):
    """All that is wrong is said, a line each, and nothing is checked."""
    path = tmp_path / "b.yml"
    path.write_text("whatran_baseline: 1\ndepht: 1\nallowed:\n- user: x\n")

    assert (
        2,
        "",
        (
            f"whatran: {path}:2:1: there is no key 'depht'; did you mean depth?\n"
            f"whatran: {path}:4:3: the entry has no pathname: say which program may run, '*' for any\n"
        ),
    ) == run("check", str(path), DEMO)


@pytest.mark.parametrize(
    ("argv", "said"),
    {
        ("learn",): "nothing to learn from: give recordings, or a command as in: whatran learn -- make",
        ("learn", "--"): "there is no command after --; give one, as in: -- make",
        ("learn", DEMO, "--", "true"): "recordings or a command to run, not both",
        ("learn", "--prune", DEMO): "--prune takes out of a baseline what was not used",
        ("learn", "--depth", "9", DEMO): "'9' is no depth; give how many parents are to be kept, from 0 to 8",
        ("learn", "--merge", "nosuch.yml", DEMO): "cannot read nosuch.yml: No such file or directory",
        ("check", "nosuch.yml", DEMO): "cannot read nosuch.yml: No such file or directory",
        ("check", DEMO, DEMO): "demo.wr is a recording, not a baseline: whatran learn makes one of it",
        ("learn", "--merge", DEMO, DEMO): "demo.wr is a recording, not a baseline: whatran learn makes one of it",
        ("check",): "the following arguments are required: BASELINE; see whatran check --help",
        ("check", "b.yml", DEMO, "--", "true"): "recordings or a command to run, not both",
        ("check", "b.yml", "--tree", "1", DEMO): "what is watched can be chosen of a machine",
    }.items(),
)
def test_what_cannot_be(run, argv, said):
    """One sentence, and status 2."""
    status, out, err = run(*argv)

    assert (2, "", 1) == (status, out, err.count("\n"))
    assert said in err


def test_a_baseline_is_no_text(run, tmp_path):
    """Nor a recording: where it is none is said."""
    (tmp_path / "b.yml").write_bytes(b"depth: \xff")

    assert (2, "", f"whatran: {tmp_path}/b.yml:1:8: this is no UTF-8\n") == run("check", f"{tmp_path}/b.yml", DEMO)


@pytest.mark.parametrize("what", ["a baseline", "a recording"])
def test_what_is_checked_is_not_overwritten(run, learned, tmp_path, what):
    """Each is called what it is."""
    recording = tmp_path / "a.wr"
    shutil.copy(DEMO, recording)
    path = learned if what == "a baseline" else recording

    assert (2, "", f"whatran: {path} is {what} to be read: name another file with -o\n") == run(
        "check", str(learned), str(recording), "-o", str(path)
    )


@pytest.mark.parametrize("command", ["learn", "report", "export"])
def test_output_where_nobody_may_look(run, closed, command):
    """One sentence, and status 1."""
    path = closed / "o.csv"
    said = f"whatran: cannot write to {path}: Permission denied; name another file with -o\n"

    assert (1, "", said) == run(command, DEMO, "-o", str(path))


@pytest.mark.parametrize("name", ["no/where.csv", "x" * 300 + ".csv"], ids=["nowhere", "long"])
@pytest.mark.parametrize("command", ["learn", "report", "export", "replay", "record"])
def test_output_where_no_file_can_be(run, tmp_path, command, name):
    """One sentence, and status 1, whatever the command."""
    what = ["--source", "ptrace", "--", "true"] if command == "record" else [DEMO]
    status, out, err = run(command, "-o", str(tmp_path / name), *what)

    assert (1, "", 1) == (status, out, err.count("\n"))
    assert err.endswith("; name another file with -o\n")


def test_settings_that_contradict(run, learned):
    """A baseline has its own: others are refused, and so are baselines that differ in them."""
    deep = learned.with_name("deep.yml")
    run("learn", "--depth", "3", DEMO, "-o", str(deep))

    assert 0 == run("learn", "--merge", str(deep), "--depth", "3", DEMO)[0]
    assert 2 == run("learn", "--merge", str(deep), "--depth", "4", DEMO)[0]
    assert 2 == run("learn", "--merge", str(deep), "--merge", str(learned))[0]


def test_the_page_has_the_rules():
    """As --help tells them."""
    assert RULES == dict(
        re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.partition("| rule |")[2].partition("\n\n")[0], re.MULTILINE)
    )


def test_the_file_of_the_page_is_one():
    """It can be read."""
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    assert 3 == len(parse(text, "page")[0].rules)
