"""whatran rules, and --rules, on a recording of a real kernel."""

import json
import os
import re
import stat
from pathlib import Path

import pytest

from tests.rules.made import rule_of
from whatran.recording.format import MAGIC
from whatran.rules import places
from whatran.rules.load import RECORDING, load

DEMO = str(Path(__file__).parent.parent / "data/demo.wr")
SHELL = rule_of("s: {Image|endswith: [/sh, /dash, /bash]}\ncondition: s", title="A shell", more="id: shell")
NEVER = rule_of("s: {Image: /nowhere}\ncondition: s", title="Never")
BROKEN = rule_of("s: {Imag: x}\ncondition: s", title="Broken")


def _files(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def target(tmp_path, monkeypatch):
    """Where rules are imported to; nobody's real directory."""
    monkeypatch.setattr(places, "BUILTIN", tmp_path / "builtin")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg/whatran/rules"


@pytest.fixture
def source(tmp_path):
    """A directory of rules of others, and what else lies about."""
    directory = tmp_path / "source"
    (directory / "linux").mkdir(parents=True)
    (directory / "LICENSE.md").write_text("DRL 1.1")
    (directory / "linux/shell.yml").write_text(SHELL + "author: A\n")
    (directory / "linux/broken.yml").write_text(BROKEN)
    (directory / "windows.yml").write_text(NEVER.replace("linux", "windows"))
    (directory / "readme.txt").write_text("no rule")
    return directory


def test_import_copies_what_is_for_execs_on_linux(run, source, target):
    """With author and licence; what is left out is told with the reason, and what is wrong where it stands."""
    status, out, err = run("rules", "import", str(source))

    assert 1 == status
    assert f"1 rule imported to {target}, 1 left out" == out.splitlines()[0]
    assert ["1", "it is for windows/process_creation, not for linux/process_creation"] == out.split("\n")[1].split(
        maxsplit=1
    )
    assert f"whatran: {source}/linux/broken.yml:5:9: there is no field Imag; did you mean Image?\n" == err
    assert {"LICENSE.md": "DRL 1.1", "linux/shell.yml": SHELL + "author: A\n"} == {
        str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()
    }
    assert 0o644 == stat.S_IMODE((target / "linux/shell.yml").stat().st_mode)


def test_import_again_replaces(run, source, target):
    """What is in the same place; an id that is elsewhere already is a problem."""
    (source / "linux/broken.yml").unlink()
    run("rules", "import", str(source))
    (source / "linux/shell.yml").write_text(SHELL + "author: B\n")
    again = run("rules", "import", str(source))
    (source / "linux/shell.yml").rename(source / "linux/other.yml")
    status, _, err = run("rules", "import", str(source))

    assert (0, "") == (again[0], again[2])
    assert (target / "linux/shell.yml").read_text().endswith("author: B\n")
    assert (1, f"id shell is that of {target}/linux/shell.yml:1:1 already") == (status, err.strip().split(": ")[-1])


@pytest.mark.parametrize("name", ["LICENSE", "COPYING.md", "linux/secret.yml", "linux/none.yml"])
def test_import_follows_no_link_out_of_the_source(run, source, target, tmp_path, name):
    """What it leads to may be readable for root only, and would be for everybody; one to within is followed."""
    secret = tmp_path / "secret"
    secret.write_text(NEVER)
    (source / "linux/broken.yml").unlink()
    (source / "NOTICE").symlink_to("LICENSE.md")
    (source / name).symlink_to(tmp_path / "none" if "none" in name else "../../secret" if "/" in name else secret)
    status, _, err = run("rules", "import", str(source))
    to = tmp_path / "none" if "none" in name else secret

    assert (1, f"whatran: {source}/{name}:1:1: this is a link out of {source}, to {to}: it is not followed\n") == (
        status,
        err,
    )
    assert {"LICENSE.md", "NOTICE", "linux/shell.yml"} == _files(target)


def test_import_brings_placeholders_that_are_needed(run, source, target):
    """Files that say what they stand for, and no others."""
    (source / "linux/broken.yml").write_text(
        rule_of("s: {CommandLine|contains|expand: '%names%'}\ncondition: s", title="Named")
    )
    (source / "names.yml").write_text("placeholders: {names: [a, b]}\n")
    (source / "others.yml").write_text("placeholders: {others: [a, b]}\n")
    status, out, err = run("rules", "import", str(source))

    assert (0, "", f"2 rules imported to {target}, 1 left out") == (status, err, out.splitlines()[0])
    assert {"LICENSE.md", "linux/broken.yml", "linux/shell.yml", "names.yml"} == _files(target)
    assert () == load([target]).errors


def test_import_leaves_correlations_of_what_is_left_out(run, source, target):
    """And files with rules, and placeholders, of which others are wrong: each with what it is that they lack."""
    correlation = "title: {0}\ncorrelation: {{type: event_count, rules: [{1}], timespan: 1d, condition: {{gte: 9}}}}\n"
    expanding = rule_of("s: {CommandLine|expand: '%names%'}\ncondition: s", title="Named")
    (source / "linux/broken.yml").write_text(BROKEN + "---\n" + NEVER)
    (source / "many.yml").write_text(correlation.format("Many", "Never"))
    (source / "more.yml").write_text(correlation.format("More", "Many"))
    (source / "shells.yml").write_text(correlation.format("Shells", "shell"))
    (source / "named.yml").write_text(expanding)
    (source / "names.yml").write_text("placeholders: {names: [a, b]}\n---\n" + BROKEN.replace("Broken", "Broken too"))
    status, out, err = run("rules", "import", str(source))

    assert (1, f"2 rules imported to {target}, 1 left out") == (status, out.splitlines()[0])
    assert [
        f"whatran: {source}/{line}"
        for line in (
            "linux/broken.yml:5:9: there is no field Imag; did you mean Image?",
            "names.yml:7:9: there is no field Imag; did you mean Image?",
            "many.yml:1:1: it refers to a rule Never that is not there, or something is wrong with it",
            "more.yml:1:1: it refers, over others, to itself or to a rule that cannot be had",
            "named.yml:5:29: nothing says what the placeholder %names% stands for; `placeholders:` can",
        )
    ] == sorted(err.splitlines(), key=lambda line: "Imag" not in line)
    assert {"LICENSE.md", "linux/shell.yml", "shells.yml"} == _files(target)
    assert () == load([target]).errors


def test_import_of_what_is_wrong_replaces_nothing(run, source, target):
    """The file that stays has its rules, whose ids no other can have."""
    (source / "linux/broken.yml").unlink()
    run("rules", "import", str(source))
    (source / "linux/shell.yml").write_text(BROKEN)
    (source / "new.yml").write_text(SHELL)
    status, _, err = run("rules", "import", str(source))

    assert 1 == status
    assert f"{source}/new.yml:1:1: id shell is that of {target}/linux/shell.yml:1:1 already" in err
    assert () == load([target]).errors


@pytest.mark.parametrize("what", ["none", "itself"])
def test_import_of_what_cannot_be(run, source, target, what):
    """No directory, and the directory of those that are at work."""
    run("rules", "import", str(source))
    status, _, err = run("rules", "import", str(target if what == "itself" else source / "none"))

    assert 2 == status
    assert {"none": "is no directory of rules", "itself": "is where rules are imported to"}[what] in err


def test_list(run, source, target):
    """Those at work, or of a path; hostile titles are safe to print."""
    (source / "linux/shell.yml").write_text(SHELL.replace("A shell", '"A \\e[31mshell"') + "tags: [attack.t1059]\n")
    run("rules", "import", str(source))
    status, out, err = run("rules", "list")
    head, line = out.splitlines()

    assert (0, "", "LEVEL   ID     TITLE ") == (status, err, head[:21])
    assert line.startswith(r"medium  shell  A \x1b[31mshell  T1059")
    assert 1 == run("rules", "list", str(source))[0]


def test_list_of_nothing(run, target):
    """The next step is told."""
    status, _, err = run("rules", "list")

    assert 2 == status
    assert "`whatran rules import DIR` brings some" in err


@pytest.mark.parametrize("name", ["path", "shell", "a SHELL"])
def test_test_shows_what_a_rule_finds(run, source, target, name):
    """By path, id or title."""
    (source / "linux/broken.yml").unlink()
    run("rules", "import", str(source))
    rule = str(source / "linux/shell.yml") if name == "path" else name
    status, out, err = run("rules", "test", "--format", "jsonl", rule, DEMO)
    alerts = [json.loads(line) for line in out.splitlines()]

    assert 0 == status
    assert alerts
    assert {("alert", "A shell")} == {(alert["event"], alert["rule"]) for alert in alerts}
    assert err.startswith(f"whatran: {len(alerts)} alert")


def test_test_that_finds_nothing(run, tmp_path):
    """Is told by the status, as grep(1) does."""
    (tmp_path / "never.yml").write_text(NEVER)
    status, out, err = run("rules", "test", str(tmp_path / "never.yml"), DEMO)

    assert (1, 1) == (status, len(out.splitlines()))  # the head
    assert err.startswith("whatran: 0 alerts in ")


def test_test_of_a_rule_that_is_not_there(run, source, target):
    """Neither path nor id nor title."""
    run("rules", "import", str(source))
    status, _, err = run("rules", "test", "nothing", DEMO)

    assert 2 == status
    assert "no rule has the path, id or title 'nothing'" in err


def test_replay_with_rules(run, source):
    """Alerts follow their execs; a bad rule is told, costs the status, and does not hinder others."""
    status, out, err = run("replay", "--format", "jsonl", f"--rules={source}", DEMO)
    events = [json.loads(line) for line in out.splitlines()]
    found = [at for at, event in enumerate(events) if event["event"] == "alert"]

    assert (1, f"whatran: {source}/linux/broken.yml:5:9: there is no field Imag; did you mean Image?\n") == (
        status,
        err,
    )
    assert found
    assert all(events[at]["process"] == events[at - 1] for at in found)
    assert [event for event in events if event["event"] != "alert"] == [
        json.loads(line) for line in run("replay", "--format", "jsonl", DEMO)[1].splitlines()
    ]


def test_only_alerts(run, source):
    """No other events."""
    (source / "linux/broken.yml").unlink()
    status, out, _ = run("replay", "--format", "jsonl", f"--rules={source}", "--only-alerts", DEMO)

    assert (0, {"alert"}) == (status, {json.loads(line)["event"] for line in out.splitlines()})
    assert 2 == run("replay", "--only-alerts", DEMO)[0]


def test_what_correlations_give_up_is_said(run, source, monkeypatch):
    """They remember so much and no more."""
    monkeypatch.setattr("whatran.rules.correlation.MOST_KEPT", 0)
    (source / "linux/broken.yml").write_text(
        "title: Many\ncorrelation: {type: event_count, rules: [shell], timespan: 1d, condition: {gte: 99999}}\n"
    )
    status, out, err = run("replay", "--format", "jsonl", f"--rules={source}", "--only-alerts", DEMO)

    assert (0, "") == (status, out)
    assert re.fullmatch(r"whatran: [1-9]\d* groups? of correlations given up, as there were too many at once\n", err)


def test_rules_of_which_none_is_right(run, tmp_path):
    """Nothing would be found: that is no use."""
    (tmp_path / "broken.yml").write_text(BROKEN)
    status, _, err = run("replay", f"--rules={tmp_path}", DEMO)

    assert 2 == status
    assert "no rule is left that could be held against anything" in err


LONG = "x" * 300


@pytest.mark.parametrize(
    "argv", [("replay", "--rules=PATH", DEMO), ("rules", "list", "PATH"), ("rules", "test", "PATH", DEMO)], ids=" ".join
)
def test_rules_that_may_not_be_looked_at(run, closed, argv):
    """One sentence, and status 2."""
    path = f"{closed}/my.yml"

    assert (2, "", f"whatran: cannot read rules: {path}: Permission denied\n") == run(
        *(each.replace("PATH", path) for each in argv)
    )


def test_import_from_where_nobody_may_look(run, closed, target):
    """One sentence, and status 2."""
    assert (2, "", f"whatran: cannot read rules: {closed}/y: Permission denied\n") == run(
        "rules", "import", f"{closed}/y"
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    {
        ("replay", f"--rules={LONG}", DEMO): f"cannot read rules: there is no {LONG}",
        ("rules", "list", LONG): f"cannot read rules: there is no {LONG}",
        ("rules", "import", LONG): f"{LONG} is no directory of rules",
        ("rules", "test", LONG, DEMO): f"no rule has the path, id or title '{LONG}'; `whatran rules list` has all",
        ("replay", "--rules=", DEMO): "cannot read rules: '' is no path",
        ("rules", "list", ""): "cannot read rules: '' is no path",
        ("rules", "import", ""): "cannot read rules: '' is no path",
        ("rules", "test", "", DEMO): "cannot read rules: '' is no path",
    }.items(),
)
def test_what_is_no_path_of_rules(run, tmp_path, monkeypatch, argv, said):
    """A name that no file can have, and no name at all, which is not this directory."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert (2, "", f"whatran: {said}\n") == run(*argv)


def test_home_of_another(run, source, closed, tmp_path, monkeypatch):
    """The rules that come with whatran are at work; those that nobody lets us see are named, and cost the status."""
    monkeypatch.setattr(places, "BUILTIN", source)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(closed))
    (source / "linux/broken.yml").unlink()
    said = f"whatran: {closed}/.config/whatran/rules:1:1: cannot be read: Permission denied\n"
    status, out, err = run("replay", "--rules", "--format", "jsonl", "--only-alerts", DEMO)
    listed = run("rules", "list")

    assert (1, {"alert"}, said) == (status, {json.loads(line)["event"] for line in out.splitlines()}, err)
    assert (1, 2, said) == (listed[0], len(listed[1].splitlines()), listed[2])
    assert (2, "", f"whatran: cannot write to {closed}/.config/whatran/rules: Permission denied\n") == (
        2 * run("rules", "import", str(source))[0],
        *run("rules", "import", str(source))[1:],
    )


def test_no_home(run, monkeypatch):
    """The next step is told."""

    def home(cls):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(Path, "home", classmethod(home))

    assert (2, "", "whatran: imported rules are in the user's home, and there is none: set HOME\n") == run(
        "rules", "list"
    )


def test_a_directory_below_that_may_not_be_looked_into(run, source, tmp_path, closed):
    """It is named as what else is wrong, and all others are read."""
    (source / "linux/broken.yml").unlink()
    status, out, err = run("rules", "list", str(tmp_path))

    assert (1, 2, f"whatran: {closed}:1:1: cannot be read: Permission denied\n") == (
        status,
        len(out.splitlines()),
        err,
    )


@pytest.mark.parametrize("what", ["nothing", "others"])
def test_import_of_no_rule(run, tmp_path, target, what):
    """Is no success: of an empty directory, or one that has rules for others only."""
    directory = tmp_path / "none"
    directory.mkdir()
    if what == "others":
        (directory / "windows.yml").write_text(NEVER.replace("linux", "windows"))
    status, out, err = run("rules", "import", str(directory))

    assert {
        "nothing": (2, "", f"whatran: there is no rule in {directory}, nor below it: nothing is imported\n"),
        "others": (1, f"0 rules imported to {target}, 1 left out", ""),
    }[what] == (status, out.partition("\n")[0], err)


def test_a_recording_is_no_rule(run):
    """Which is said, rather than which byte of it is none of a text."""
    status, _, err = run("rules", "list", DEMO)

    assert (1, f"whatran: {DEMO}:1:1: this is a recording, not a file of rules\n") == (status, err)
    assert RECORDING == MAGIC


@pytest.mark.parametrize("named", ["file", "directory"])
def test_rules_are_not_overwritten(run, source, named):
    """Neither one that was named, nor one of a directory, be it right or wrong."""
    kept = (source / "linux/broken.yml").read_text()
    path = source / "linux/broken.yml"
    status, out, err = run("replay", f"--rules={path if named == 'file' else source}", "-o", str(path), DEMO)

    assert (2, "", kept) == (status, out, path.read_text())
    assert f"whatran: {path} is a file of rules to be read: name another file with -o\n" == err
