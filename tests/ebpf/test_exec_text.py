"""Arguments and environment come as the program got them, or flagged with their true length."""

import os

import pytest

from .truth import assert_exec_matches, assert_fields, exec_fields, execs, only

LIMIT = 64 << 10  # of argv and of env, each with the NULs of its strings


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["", "", "a", ""],
        ["\udcff\udc80", "caf\udce9", "café", "日本"],
        ["a b", "\n", "\x1b[31m", "'\"\\", "\u202e"],
        [f"{number}" for number in range(2000)],
        ["x" * 60_000],
    ],
    ids=["none", "empty", "not-utf-8", "control", "two-thousand", "60-kilobytes"],
)
def test_arguments(run_told, programs, arguments):
    """Arguments come whole and byte for byte."""
    completed, [witness] = run_told([programs / "witness", *arguments])

    event = only(execs(completed.events))
    assert_exec_matches(event, witness, argv=[str(programs / "witness"), *arguments])
    assert [os.fsencode(each) for each in event.argv] == witness["cmdline"].split(b"\0")[:-1]


def test_no_arguments_at_all(run_told, programs):
    """An empty argument list is what the kernel makes of it: one empty argument, none before 5.18."""
    completed, [witness] = run_told([programs / "odd", "argc0", programs / "witness"])

    event = only(execs(completed.events, pathname=str(programs / "witness")))
    assert_exec_matches(event, witness)
    assert event.argv in ([""], [])


@pytest.mark.parametrize(
    "arguments",
    [["y" * 100_000], [f"{number:09}" for number in range(20_000)], ["z" * 120_000] * 10],
    ids=["one", "many", "megabyte"],
)
def test_arguments_over_the_limit(run_told, programs, arguments):
    """Of arguments over 64 KiB the beginning comes, with the true length of all and their true number."""
    completed, [witness] = run_told([programs / "witness", *arguments])

    event, cmdline = only(execs(completed.events)), witness["cmdline"]
    assert {"argv": len(cmdline)} == event.truncated
    assert len(arguments) + 1 == event.argc
    sent = b"\0".join(os.fsencode(each) for each in event.argv)
    assert cmdline[: len(sent)] == sent
    assert LIMIT - 2 <= len(sent) <= LIMIT


def test_environment_on_request(run_told, programs, monkeypatch):
    """The environment comes where it is asked for, byte for byte."""
    monkeypatch.setenv("WHATRAN_TEST", "a=b \udcff")

    completed, [witness] = run_told([programs / "witness"], env=True)

    assert_exec_matches(only(execs(completed.events)), witness, env=witness.strings("environ"))
    assert "WHATRAN_TEST=a=b \udcff" in witness.strings("environ")


def test_no_environment_unless_asked_for(run_told, programs):
    """Without a request env is None, while its number of strings is known."""
    completed, [witness] = run_told([programs / "witness"])

    event = only(execs(completed.events))
    assert (None, len(witness.strings("environ"))) == (event.env, event.envc)


def test_empty_environment(run_told, programs):
    """A process without environment has an empty one, which is not an unknown one."""
    completed, [witness] = run_told(["/usr/bin/env", "-i", programs / "witness"], env=True)

    assert_exec_matches(only(execs(completed.events, comm="witness")), witness, env=[], envc=0)


def test_environment_over_the_limit(run_told, programs, monkeypatch):
    """Of an environment over 64 KiB the beginning comes, with its true length; argv is not touched by it."""
    monkeypatch.setenv("WHATRAN_TEST", "e" * 100_000)

    completed, [witness] = run_told([programs / "witness", "x"], env=True)

    event, environ = only(execs(completed.events)), witness["environ"]
    expected = exec_fields(witness) | {"truncated": {"env": len(environ)}}
    del expected["env"]
    assert_fields(event, expected)
    sent = b"\0".join(os.fsencode(each) for each in event.env)
    assert environ[: len(sent)] == sent
    assert LIMIT - 2 <= len(sent) <= LIMIT


def test_arguments_and_environment_at_their_limits(run_told, programs, monkeypatch):
    """Both may be as large as they can be at once, and nothing of either is in the other."""
    monkeypatch.setenv("WHATRAN_TEST", "e" * 120_000)

    completed, [witness] = run_told([programs / "witness", "a" * 120_000], env=True)

    event = only(execs(completed.events))
    assert {"argv": len(witness["cmdline"]), "env": len(witness["environ"])} == event.truncated
    assert witness.text("cmdline").startswith("\0".join(event.argv))
    assert witness.text("environ").startswith("\0".join(event.env))
