"""What the options make of `whatran.watch`."""

import os
import pwd

import pytest

from tests.events import make_exec
from whatran.event import Exec, Exit, Fork

DEFAULTS = {
    "scope": "tree",
    "not_tree": [],
    "not_cgroup": [],
    "not_container": [],
    "uid": [],
    "comm": [],
    "filters": [],
    "env": [],
    "failed": "fold",
    "threads": False,
    "fields": None,
    "max_argv": None,
    "max_env": None,
    "rate_limit": None,
    "ring_bytes": 16 << 20,
    "source": "auto",
    "bpf_stats": False,
    "rules": (),
    "redact": True,
    "user": None,
}
OF_WATCH = DEFAULTS | {"pid": [], "tree": [], "cgroup": [], "container": [], "timeout": None}


def test_nothing_is_asked_for_by_default(machine, run):
    """Without options a watch has the defaults."""
    run("watch")

    assert [(None, OF_WATCH)] == machine.opened


def test_nothing_is_asked_for_by_default_of_a_run(machine, run):
    """Without options a run has the defaults; its time is the command's affair, not the watch's."""
    machine.will(returncode=0)
    run("run", "--timeout", "9", "true")

    assert [(["true"], DEFAULTS)] == machine.opened


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        ({"pid": [1, 22]}, ["--pid", "1", "--pid", "22"]),
        ({"tree": [1, 22]}, ["--tree", "1", "--tree", "22"]),
        ({"uid": [0, 12345678]}, ["--uid", pwd.getpwuid(0).pw_name, "--uid", "12345678"]),
        ({"comm": ["sh", "cc"]}, ["--comm", "sh", "--comm", "cc"]),
        ({"filters": ["pathname=/usr/*", "uid!=0"]}, ["--filter", "pathname=/usr/*", "--filter", "uid!=0"]),
        ({"env": True}, ["--env"]),
        ({"env": ["PATH", "HOME", "LANG"]}, ["--env", "PATH,HOME", "--env=LANG"]),
        ({"env": True}, ["--env", "PATH", "--env"]),
        ({"failed": "all"}, ["--failed", "all"]),
        ({"source": "ebpf"}, ["--source", "ebpf"]),
        ({"bpf_stats": True}, ["--stats"]),
        ({"redact": False}, ["--no-redact"]),
        ({"redact": True}, ["--no-redact", "--redact"]),
        ({"cgroup": ["/a", "/b"]}, ["--cgroup", "/a", "--cgroup", "/b"]),
        ({"container": ["web"]}, ["--container", "web"]),
        ({"not_tree": [7], "not_cgroup": ["/a"]}, ["--not-tree", "7", "--not-cgroup", "/a"]),
        ({"not_container": ["web"]}, ["--not-container", "web"]),
        ({"filters": ["uid!=0", "comm!=sixteen-bytes-o"]}, ["--not-uid", "0", "--not-comm", "sixteen-bytes-of-name"]),
        ({"filters": ["comm!=[[]x"]}, ["--not-comm", "[x"]),
        ({"filters": ["pathname=/usr/*", "pathname!=/usr/[*]b*"]}, ["--path", "/usr/", "--not-path", "/usr/*b"]),
        ({"threads": True}, ["--threads"]),
        ({"timeout": 2.5}, ["--timeout", "2.5"]),
        ({"max_argv": 4096, "max_env": 0}, ["--max-argv", "4K", "--max-env", "0"]),
        ({"rate_limit": 100}, ["--rate-limit", "100"]),
        ({"ring_bytes": 4096 * 4}, ["--buffer", "16k"]),
        ({"ring_bytes": 1 << 31}, ["--buffer", "2G"]),
        ({"ring_bytes": 65536}, ["--buffer", "65536"]),
    ],
)
def test_options_reach_the_watch(machine, run, expected, argv):
    """Each option is what the watch is asked for, repeated ones as a list."""
    run("watch", *argv)

    assert [(None, OF_WATCH | expected)] == machine.opened


def test_output_to_a_file(machine, run, tmp_path, a_program):
    """-o FILE gets the records, and standard output none; what the file held before is gone."""
    path = tmp_path / "out"
    path.write_text("x" * 100_000)
    machine.will(a_program)
    _, out, _ = run("--format", "jsonl", "-o", str(path))

    assert ("", 2) == (out, len(path.read_text().splitlines()))


def test_a_failed_start_leaves_the_file_as_it_was(machine, run, tmp_path):
    """As long as the watch is not on, a file keeps what it held."""
    path = tmp_path / "out"
    path.write_text("before")
    machine.will_fail(KeyboardInterrupt())
    run("-o", str(path))

    assert "before" == path.read_text()


@pytest.mark.parametrize("argv", [["watch"], ["run"]])
def test_output_that_cannot_be_written(machine, run, tmp_path, argv):
    """A file that cannot be opened is one sentence and status 1, and nothing is started."""
    path = tmp_path / "missing" / "out"
    status, out, err = run(*argv, "-o", str(path), *(["true"] if argv == ["run"] else []))

    assert (1, "", []) == (status, out, machine.opened)
    assert f"whatran: cannot write to {path}: No such file or directory; name another file with -o\n" == err


@pytest.mark.parametrize("argv", [["watch"], ["run"]])
def test_help_lists_all_fields(run, argv):
    """--help of what takes --filter lists every field there is."""
    _, out, _ = run(*argv, "--help")
    fields = {field for kind in (Exec, Fork, Exit) for field in kind.__struct_fields__}

    assert set() == fields - set(out.split())


def test_standard_output_by_its_name(machine, run, a_program):
    """-o - is standard output."""
    machine.will(a_program, returncode=0)
    _, out, err = run("run", "-o", "-", "--format", "jsonl", "true")

    assert (2, "") == (len(out.splitlines()), err)


def test_a_file_named_as_a_descriptor(machine, run, tmp_path):
    """A path that leads to an open file is written like any other."""
    machine.will([make_exec()])
    with (tmp_path / "out").open("w") as file:
        run("--format", "jsonl", "-o", f"/dev/fd/{os.dup(file.fileno())}")

    assert 1 == len((tmp_path / "out").read_text().splitlines())


def test_a_scope_can_be_asked_for_in_a_run(machine, run):
    """Everything in the command's cgroup is followed too."""
    machine.will(returncode=0)
    run("run", "--scope", "cgroup", "true")

    assert [(["true"], DEFAULTS | {"scope": "cgroup"})] == machine.opened


@pytest.mark.parametrize("names", ["", ",", "A,", "A=1"])
def test_variables_are_given_by_name(machine, run, names):
    """What is no list of names is refused, and says how one looks."""
    status, _, err = run("watch", f"--env={names}")

    assert 2 == status
    assert "give names, as in PATH,HOME" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fields", "pid"], "--fields is for jsonl and lives, not for table: give --format jsonl too"),
        (["--format", "jsonl", "--fields", "pid,agrv"], "--fields: there is no field agrv; did you mean argv?"),
        (["--format", "lives", "--fields", "cwd"], "--fields: cwd is no field of lives"),
        (["--format", "lives", "--fields", "agrv"], "--fields: there is no field agrv"),
        (["--format", "jsonl", "--fields", "programs"], "--fields: programs is a field of lives: give --format lives"),
        (["--format", "jsonl", "--fields", " ,"], "' ,' names no fields"),
    ],
)
def test_fields_that_cannot_be_written(run, arguments, said):
    """Are an error before anything is watched."""
    status, _, err = run("watch", *arguments)

    assert (2, True) == (status, said in err)
