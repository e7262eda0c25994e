"""Arguments and environment come as the program got them, or flagged with their true length."""

import os
import resource

import pytest

from .truth import assert_exec_matches, execs, only

FRAME = 32 << 10  # of a text in the exec's own frame
LONGEST = (128 << 10) - 1  # of one string: MAX_ARG_STRLEN with its NUL


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


def _sized(size):
    """Arguments of so many bytes in all, NULs included, behind the program's own."""
    whole, rest = divmod(size, LONGEST + 1)
    return ["w" * LONGEST] * whole + (["r" * (rest - 1)] if rest else [])


@pytest.mark.parametrize(
    "arguments",
    [
        *(_sized(size) for size in (1, FRAME - 100, FRAME + 100, 65_536 + 77, 200_000, 1 << 20)),
        _sized((1 << 20) + (900 << 10)),
        ["x" * LONGEST],
        [""] * 20_000,
        [f"{number:09}" for number in range(20_000)],
        ["\udcff\udcfe" * 50_000],
    ],
    ids=[
        *("1 B", "below a frame", "above a frame", "64 KiB + 77", "200 KB", "1 MiB", "1.9 MiB"),
        *("the longest string", "20,000 empty", "20,000", "not UTF-8"),
    ],
)
def test_arguments_of_any_length(run_told, programs, monkeypatch, arguments):
    """Arguments are whole and byte for byte as /proc has them, up to the kernel's limit."""
    for name in list(os.environ):
        if name not in ("PATH", "PYTHONPATH"):
            monkeypatch.delenv(name)  # it counts in the limit
    completed, [witness] = run_told([programs / "witness", *arguments])

    event = only(execs(completed.events))
    assert ({}, 0, len(arguments) + 1) == (event.truncated, completed.stats.lost, event.argc)
    assert witness["cmdline"] == b"".join(os.fsencode(each) + b"\0" for each in event.argv)


@pytest.fixture(name="large_stack")
def _large_stack():
    """A limit of the stack under which the kernel takes as many arguments as it ever does: 6 MiB."""
    before = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_STACK, before)


@pytest.mark.usefixtures("large_stack")
def test_arguments_of_nearly_6_mebibytes(run_told, programs):
    """No program can get more: with a pointer for each string they are 6 MiB in all, whatever the stack's limit."""
    arguments = _sized((5 << 20) + (900 << 10))
    completed, [witness] = run_told([programs / "witness", *arguments])

    event = only(execs(completed.events))
    assert ({}, 0) == (event.truncated, completed.stats.lost)
    assert witness["cmdline"] == b"".join(os.fsencode(each) + b"\0" for each in event.argv)


@pytest.mark.parametrize("most", [0, 100, FRAME, FRAME + 1, 90_000])
def test_arguments_cut_on_request(run_told, programs, most):
    """So many bytes are kept, the true length and number stay."""
    completed, [witness] = run_told([programs / "witness", "a" * 50_000, "b" * 50_000], max_argv=most)

    event, cmdline = only(execs(completed.events)), witness["cmdline"]
    assert ({"argv": len(cmdline)}, 3) == (event.truncated, event.argc)
    assert cmdline[:most].rstrip(b"\0") == b"\0".join(map(os.fsencode, event.argv))


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


def test_environment_of_400_kilobytes(run_told, programs, monkeypatch):
    """A long environment is whole too, and nothing of it is in argv or the other way round."""
    for number in range(4):
        monkeypatch.setenv(f"WHATRAN_TEST_{number}", f"{number}" * 100_000)

    completed, [witness] = run_told([programs / "witness", "a" * 120_000], env=True)

    event = only(execs(completed.events))
    assert {} == event.truncated
    assert witness["cmdline"] == b"".join(os.fsencode(each) + b"\0" for each in event.argv)
    assert witness["environ"] == b"".join(os.fsencode(each) + b"\0" for each in event.env)


def test_environment_cut_on_request(run_told, programs, monkeypatch):
    """It is cut for itself, argv stays whole."""
    monkeypatch.setenv("WHATRAN_TEST", "e" * 100_000)

    completed, [witness] = run_told([programs / "witness", "x" * 40_000], env=True, max_env=50_000)

    event = only(execs(completed.events))
    assert {"env": len(witness["environ"])} == event.truncated
    assert [str(programs / "witness"), "x" * 40_000] == event.argv
    assert witness["environ"][:50_000].rstrip(b"\0") == b"\0".join(map(os.fsencode, event.env))
